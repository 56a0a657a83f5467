//! `certgen rekey`.

use std::fmt::Write as _;

use serde_json::json;

use super::lifecycle::{json_of_lists, json_of_targets, report, shown, text_of_lists};
use super::renew::{json_of_renewed, text_of_renewed, warnings};
use super::{Context, Output, home};
use crate::cli::RekeyArguments;
use crate::explain::Failure;
use crate::home::HomeView;
use crate::lifecycle::AuthorityKeys;
use crate::lifecycle::renew::{self, NewKey, Renewal, Which};
use crate::passphrase;

pub(super) fn run(arguments: &RekeyArguments, context: &Context) -> Result<Output, Failure> {
    let which = if arguments.all {
        Which::All
    } else if arguments.due {
        Which::Due(arguments.at.unwrap_or_default())
    } else {
        Which::Named(arguments.services.clone())
    };
    // Asked for before the lock is taken: somebody may have to type it.
    let passphrase = match arguments.key_passphrase.source() {
        Some(source) => Some(passphrase::new(passphrase::KEY, Some(&source))?),
        None => None,
    };
    let key = NewKey::Made {
        kind: arguments.key,
        passphrase: passphrase.as_ref(),
        revoke_old: arguments.revoke_old.then_some(arguments.reason),
    };
    let mut home = home::open(&arguments.home)?;
    let mut keys = AuthorityKeys::new(arguments.passphrase.source());
    let renewal = renew::renew(&mut home, &which, key, |home, name| keys.load(home, name), context.now)?;
    let json = json!({
        "rekeyed": json_of_renewed(&renewal.renewed),
        "revoked": json_of_targets(&renewal.revoked),
        "lists": json_of_lists(&renewal.lists),
    });
    let text = text_report(&home, &renewal);
    let mut warnings = warnings(&home, &renewal);
    warnings.extend(
        renewal
            .lists
            .iter()
            .flat_map(|made| made.notices.iter().cloned().map(Into::into)),
    );
    Ok(report(context, text, json, warnings))
}

fn text_report(home: &HomeView, renewal: &Renewal) -> String {
    if renewal.renewed.is_empty() {
        return "Nothing to replace.\n".to_owned();
    }
    let mut text = text_of_renewed(home, &renewal.renewed, "New keys and certificates");
    let is_accepted = |serial: &&str| home.inventory().revocation(serial).is_none();
    let accepted: Vec<_> = renewal
        .renewed
        .iter()
        .map(|one| one.before.serial.as_str())
        .filter(is_accepted)
        .collect();
    if !accepted.is_empty() {
        text.push_str(STILL_VALID);
        for serial in accepted {
            let _ = writeln!(text, "  certgen revoke {serial} --reason keyCompromise");
        }
    }
    if renewal.revoked.is_empty() {
        return text;
    }
    text.push_str("\nRevoked:\n");
    for target in &renewal.revoked {
        let _ = writeln!(text, "  {} with the serial number {}", shown(target), target.serial);
    }
    let _ = write!(text, "\nMade:\n{}", text_of_lists(home, &renewal.lists));
    text.push_str("Peers notice only when they read the new list.\n");
    text
}

const STILL_VALID: &str = "
The certificates before stay valid with their keys until they expire. If a key is known to others, revoke them:
";
