//! A certificate authority as a file says it should be: declared once, applied as often as one likes.
//!
//! A [`manifest::Manifest`] says what there should be. [`observe`] looks at what there is, [`plan()`] compares the two, and
//! [`apply`] does what the plan says, in one transaction. Only what is not as it should be is touched, and every step has
//! its reasons. What would take another root is refused; services that the manifest does not have are left alone unless
//! `prune` is asked for; files that certgen did not write are overwritten only if `force` is.
//!
//! # The manifest
//!
//! Every key with its form:
//!
//! ```toml
#![doc = include_str!("../../examples/pki.toml")]
//! ```

mod carry_out;
mod error;
pub mod manifest;
mod observe;
pub mod plan;
mod planner;
mod service_planner;
pub mod state;

use std::borrow::Cow;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use time::OffsetDateTime;

pub use error::ApplyError;
pub use observe::observe;
pub use planner::{PlanOptions, plan};

use crate::home::{Home, HomeError, HomeView, Patience, layout};
use crate::init::{InitContext, InitRequest, init_with};
use crate::lifecycle::AuthorityKeys;
use crate::lifetime::{self, Lifetime};
use manifest::Manifest;
use plan::{Action, Plan};

/// A manifest that says everything once.
pub const EXAMPLE: &str = include_str!("../../examples/pki.toml");

/// Between two looks at a home that is being changed.
const INTERVAL: Duration = Duration::from_millis(20);
/// One second of them. A change that was decided and never put into place stays as it is until something is changed.
const MOST_LOOKS: u32 = 50;

/// What there is to do to a home, which need not be there. Takes no lock and changes nothing.
///
/// While another process changes the home, waits for it, a second at most.
///
/// # Errors
///
/// [`ApplyError::Home`] for a directory that is no home, or one that was tampered with.
pub fn look(
    manifest: &Manifest,
    directory: &Path,
    options: PlanOptions,
    keys: &AuthorityKeys,
    now: OffsetDateTime,
) -> Result<Plan, ApplyError> {
    let mut looks = 1;
    loop {
        let Some(home) = view(directory)? else {
            return Ok(plan(manifest, None, options, now));
        };
        let state = observe(&home, manifest, keys);
        if looks == MOST_LOOKS || !home.is_outdated() {
            return Ok(plan(manifest, Some(&state?), options, now));
        }
        looks += 1;
        std::thread::sleep(INTERVAL);
    }
}

/// What applying takes besides.
#[derive(Default)]
pub struct ApplyContext<'a> {
    /// How long to wait for another certgen.
    pub patience: Patience<'a>,
    /// Called after each key that was made, of [`Plan::key_count`]; RSA keys take their time.
    pub key_made: Option<&'a (dyn Fn() + Sync)>,
}

impl fmt::Debug for ApplyContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApplyContext").finish_non_exhaustive()
    }
}

/// What was done.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Applied {
    /// It, step by step.
    pub plan: Plan,
    /// What its user should know besides.
    pub warnings: Vec<Cow<'static, str>>,
}

/// Brings a home into agreement with a manifest. A home that is not there is made, with the passphrase of `keys` if there
/// is one already. What is there is changed in one transaction, under its lock, by a plan that was made under it.
///
/// # Errors
///
/// [`ApplyError`]. Nothing was changed then, but for a new home with its authorities: the next run goes on with that.
pub fn apply(
    manifest: &Manifest,
    directory: &Path,
    options: PlanOptions,
    keys: &mut AuthorityKeys,
    context: ApplyContext<'_>,
    now: OffsetDateTime,
) -> Result<Applied, ApplyError> {
    let first = look(manifest, directory, options, keys, now)?;
    let is_new = first.steps.iter().any(|step| step.action == Action::MakeHome);
    let mut warnings = Vec::new();
    if is_new {
        refuse(&first)?;
        let init = InitContext {
            passphrase: keys.passphrase(),
            key_made: context.key_made,
        };
        warnings = init_with(&request(manifest, directory), init, now)?.warnings;
    }
    if first.steps.is_empty() && first.refusals.is_empty() {
        let plan = first;
        return Ok(Applied { plan, warnings });
    }
    // What would be refused may be the work of another process, half done: only the plan made under the lock decides.
    let mut home = Home::open_with(directory, context.patience)?;
    warnings.extend(home.notices().iter().cloned().map(Cow::from));
    let state = observe(&home, manifest, keys)?;
    let second = plan(manifest, Some(&state), options, now);
    refuse(&second)?;
    if !second.steps.is_empty() {
        let made = context.key_made.unwrap_or(&|| {});
        carry_out::carry_out(&mut home, manifest, &second, keys, made, now)?;
    }
    Ok(Applied {
        plan: if is_new { first } else { second },
        warnings,
    })
}

/// What is to be said about what a plan issues, whether it was carried out or not.
pub fn warnings(manifest: &Manifest, plan: &Plan) -> Vec<Cow<'static, str>> {
    let is_issued = |name: &str| {
        let mut steps = plan.steps.iter();
        steps.any(|step| step.subject == name && matches!(step.action, Action::Issue { .. }))
    };
    let issued = manifest.services.iter().filter(|service| is_issued(&service.name));
    let mut long = issued.filter_map(|service| lifetime::warning(service.profile, service.lifetime));
    long.next().map(Cow::from).into_iter().collect()
}

/// The home, or `None` where there is nothing yet.
fn view(directory: &Path) -> Result<Option<HomeView>, HomeError> {
    match HomeView::open(directory) {
        Ok(home) => Ok(Some(home)),
        Err(HomeError::Missing { .. }) => Ok(None),
        Err(HomeError::NotAHome { .. }) if is_empty(directory) => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_empty(directory: &Path) -> bool {
    std::fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_none())
}

fn refuse(plan: &Plan) -> Result<(), ApplyError> {
    if plan.refusals.is_empty() {
        return Ok(());
    }
    Err(ApplyError::Refused {
        refusals: plan.refusals.clone(),
    })
}

/// A home without services: those come with the plan, like any that are added later.
fn request(manifest: &Manifest, directory: &Path) -> InitRequest {
    let wanted = &manifest.authority;
    let is_intermediate = |issuing: &&manifest::WantedIssuing| issuing.name == layout::INTERMEDIATE;
    let intermediate = manifest.issuing.iter().find(is_intermediate);
    let mut request = InitRequest::new(directory);
    request.name.clone_from(&wanted.name);
    request.organization.clone_from(&wanted.organization);
    request.organizational_unit.clone_from(&wanted.organizational_unit);
    request.country.clone_from(&wanted.country);
    request.authority_key = Some(wanted.key);
    request.intermediate_key = intermediate.map(|issuing| issuing.key);
    request.root_lifetime = Some(Lifetime::For(wanted.lifetime));
    request.intermediate_lifetime = intermediate.map(|issuing| Lifetime::For(issuing.lifetime));
    request.name_limits = wanted.constraints.clone();
    request.trust_domain.clone_from(&wanted.trust_domain);
    request
}
