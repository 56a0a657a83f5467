//! `certgen crl`.

use std::borrow::Cow;

use time::Duration;

use super::{Context, Output, home, lifecycle};
use crate::cli::CrlArguments;
use crate::explain::Failure;
use crate::home::{AuthorityKind, HomeError, HomeView, layout};
use crate::lifecycle::{AuthorityKeys, LifecycleError, list};

pub(super) fn run(arguments: &CrlArguments, context: &Context) -> Result<Output, Failure> {
    let mut home = home::open(&arguments.home)?;
    let mut keys = AuthorityKeys::new(arguments.passphrase.source()).with_root_key(arguments.root_key.clone());
    let mut warnings: Vec<Cow<'static, str>> = home.notices().iter().cloned().map(Cow::from).collect();
    let names = if arguments.authorities.is_empty() {
        usable(&home, &keys, context, &mut warnings)?
    } else {
        checked(&home, &arguments.authorities)?
    };
    let lifetime = arguments.days.map(|days| Duration::days(days.into()));
    let mut lists = Vec::new();
    for name in names {
        let authority = keys.load(&home, &name)?;
        lists.push(list::next(&home, &name, &authority, &[], lifetime, context.now)?);
    }
    let mut changes = home.begin().map_err(LifecycleError::from)?;
    list::stage(&mut changes, &lists, context.now)?;
    changes.commit()?;
    warnings.extend(
        lists
            .iter()
            .flat_map(|made| made.notices.iter().cloned().map(Cow::from)),
    );
    Ok(lifecycle::report(
        context,
        lifecycle::text_of_lists(&home, &lists),
        serde_json::json!({"lists": lifecycle::json_of_lists(&lists)}),
        warnings,
    ))
}

/// Every authority that can sign now; why the others cannot, as warnings.
fn usable(
    home: &HomeView,
    keys: &AuthorityKeys,
    context: &Context,
    warnings: &mut Vec<Cow<'static, str>>,
) -> Result<Vec<String>, LifecycleError> {
    let mut names: Vec<String> = Vec::new();
    let mut first_without_key = None;
    for record in home
        .inventory()
        .authorities()
        .filter(|one| one.kind != AuthorityKind::Cross)
    {
        if names.contains(&record.name) {
            continue;
        }
        if record.not_after < context.now {
            warnings.push(format!("`{}` has expired and signs nothing any more", record.name).into());
        } else if keys.has(home, &record.name) {
            names.push(record.name.clone());
        } else {
            warnings.push(format!("no new list of `{}`: its key is not here", record.name).into());
            first_without_key.get_or_insert(home.path_of(&layout::key_of(&record.name)));
        }
    }
    match first_without_key {
        Some(path) if names.is_empty() => Err(HomeError::NoKey { path }.into()),
        _ => Ok(names),
    }
}

fn checked(home: &HomeView, names: &[String]) -> Result<Vec<String>, LifecycleError> {
    let mut checked: Vec<String> = Vec::new();
    for name in names {
        let is_one = |name: &str| {
            let mut authorities = home.inventory().authorities();
            authorities.any(|one| one.name == name && one.kind != AuthorityKind::Cross)
        };
        if !is_one(name) {
            let authorities = home
                .inventory()
                .authorities()
                .filter(|one| one.kind != AuthorityKind::Cross);
            return Err(LifecycleError::UnknownAuthority {
                name: name.escape_debug().to_string(),
                known: authorities.map(|one| one.name.clone()).collect(),
            });
        }
        if !checked.contains(name) {
            checked.push(name.clone());
        }
    }
    Ok(checked)
}
