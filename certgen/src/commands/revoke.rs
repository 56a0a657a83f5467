//! `certgen revoke`.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde_json::json;
use time::Duration;

use super::lifecycle::{json_of_lists, json_of_targets, report, shown, text_of_lists};
use super::{Context, Output, home};
use crate::cli::RevokeArguments;
use crate::explain::Failure;
use crate::home::HomeView;
use crate::lifecycle::AuthorityKeys;
use crate::lifecycle::revoke::{self, RevokeRequest, Revoked};

pub(super) fn run(arguments: &RevokeArguments, context: &Context) -> Result<Output, Failure> {
    let request = RevokeRequest {
        targets: arguments.certificates.clone(),
        all: arguments.all,
        reason: arguments.reason,
        lifetime: arguments.days.map(|days| Duration::days(days.into())),
    };
    let mut home = home::open(&arguments.home)?;
    let mut keys = AuthorityKeys::new(arguments.passphrase.source()).with_root_key(arguments.root_key.clone());
    let revoked = revoke::revoke(&mut home, &request, |home, name| keys.load(home, name), context.now)?;
    let json = json!({
        "revoked": json_of_targets(&revoked.targets),
        "reason": arguments.reason.name(),
        "lists": json_of_lists(&revoked.lists),
    });
    let text = text_report(&home, &revoked);
    Ok(report(context, text, json, warnings(&home, &revoked)))
}

fn text_report(home: &HomeView, revoked: &Revoked) -> String {
    let mut text = String::from("Revoked:\n");
    for target in &revoked.targets {
        let _ = writeln!(text, "  {} with the serial number {}", shown(target), target.serial);
    }
    let _ = write!(text, "\nMade:\n{}", text_of_lists(home, &revoked.lists));
    text.push_str("Peers notice only when they read the new list.\n");
    text
}

fn warnings(home: &HomeView, revoked: &Revoked) -> Vec<Cow<'static, str>> {
    let mut warnings: Vec<Cow<'static, str>> = home.notices().iter().cloned().map(Cow::from).collect();
    warnings.extend(
        revoked
            .lists
            .iter()
            .flat_map(|made| made.notices.iter().cloned().map(Cow::from)),
    );
    for other in &revoked.same_key {
        let (shown, serial) = (shown(other), &other.serial);
        warnings.push(format!("{shown} with the serial number {serial} has the same key and is still valid").into());
    }
    if revoked.targets.iter().any(|target| target.is_authority) {
        warnings.push("peers that read the new list accept nothing more that this authority issued".into());
    }
    warnings
}
