//! `certgen renew`.

use std::borrow::Cow;
use std::fmt::Write as _;

use cryptokit::x509::Certificate;
use serde_json::{Value, json};

use super::lifecycle::report;
use super::{Context, Output, home};
use crate::cli::RenewArguments;
use crate::explain::Failure;
use crate::home::{HomeView, layout};
use crate::lifecycle::AuthorityKeys;
use crate::lifecycle::renew::{self, LeftOut, NewKey, Renewal, Renewed, Which};
use crate::text::{hex, timestamp};

pub(super) fn run(arguments: &RenewArguments, context: &Context) -> Result<Output, Failure> {
    let which = if arguments.all {
        Which::All
    } else if arguments.due {
        Which::Due(arguments.at.unwrap_or_default())
    } else {
        Which::Named(arguments.services.clone())
    };
    let mut home = home::open(&arguments.home)?;
    let mut keys = AuthorityKeys::new(arguments.passphrase.source());
    let renewal = renew::renew(
        &mut home,
        &which,
        NewKey::Kept,
        |home, name| keys.load(home, name),
        context.now,
    )?;
    let text = if renewal.renewed.is_empty() {
        "Nothing to renew.\n".to_owned()
    } else {
        let mut text = text_of_renewed(&home, &renewal.renewed, "Renewed, with the keys that they have");
        text.push_str(STILL_VALID);
        text
    };
    let json = json!({"renewed": json_of_renewed(&renewal.renewed)});
    Ok(report(context, text, json, warnings(&home, &renewal)))
}

const STILL_VALID: &str =
    "\nThe certificates before stay valid until they expire. Have the services read the new ones.\n";

pub(super) fn text_of_renewed(home: &HomeView, renewed: &[Renewed], title: &str) -> String {
    let mut text = format!("{title}, in {}:\n", home.path().display());
    for one in renewed {
        let (service, until) = (format!("{}/", one.service), one.certificate.not_after().date());
        let _ = writeln!(text, "  {service:<18} until {until}, from `{}`", one.issuer);
    }
    text
}

pub(super) fn json_of_renewed(renewed: &[Renewed]) -> Value {
    let json = |one: &Renewed| {
        json!({
            "service": one.service,
            "issuer": one.issuer,
            "serial": hex(one.certificate.serial()),
            "replaces": one.before.serial,
            "not_before": timestamp(one.certificate.not_before()),
            "not_after": timestamp(one.certificate.not_after()),
            "sha256": hex(&one.certificate.sha256()),
            "spki_sha256": hex(&one.certificate.spki_sha256()),
        })
    };
    renewed.iter().map(json).collect()
}

pub(super) fn warnings(home: &HomeView, renewal: &Renewal) -> Vec<Cow<'static, str>> {
    let mut warnings: Vec<Cow<'static, str>> = home.notices().iter().cloned().map(Cow::from).collect();
    for (service, why) in &renewal.left_out {
        let why = match why {
            LeftOut::Revoked => "its certificate is revoked; `certgen rekey` makes it a new key",
            LeftOut::IssuerUnfit => {
                "its authority is revoked or has expired; `certgen rotate-ca begin` gives it a new key"
            }
            LeftOut::KeyElsewhere => "its key is not here; `certgen sign` takes a request for a new one",
        };
        warnings.push(format!("`{service}` was left out: {why}").into());
    }
    for one in &renewal.renewed {
        let bundle = home.path_of(&layout::bundle_of(&one.service));
        if bundle.exists() {
            warnings.push(
                format!(
                    "{} still holds the certificate before: certgen bundle {} --force makes it anew",
                    bundle.display(),
                    one.service
                )
                .into(),
            );
        }
        let asked = time::Duration::seconds(one.before.lifetime_seconds);
        let has = life(&one.certificate);
        if has + time::Duration::hours(1) < asked {
            warnings.push(
                format!(
                    "`{}` ends on {} already, with its authority `{}`: make a new one",
                    one.service,
                    one.certificate.not_after().date(),
                    one.issuer
                )
                .into(),
            );
        }
    }
    warnings
}

fn life(certificate: &Certificate) -> time::Duration {
    certificate.not_after() - certificate.not_before()
}
