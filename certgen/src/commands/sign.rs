//! `certgen sign`.

use std::borrow::Cow;
use std::fmt::Write as _;

use cryptokit::x509::{AllowedNames, CertificationRequest, Decision, LeafProfile, Profile, RequestReview};
use serde_json::{Value, json};

use super::lifecycle::report;
use super::{Context, Output, home};
use crate::cli::SignArguments;
use crate::csr;
use crate::explain::{FAILED, Failure};
use crate::input::STANDARD_INPUT;
use crate::lifecycle::AuthorityKeys;
use crate::lifecycle::sign::{self, SignRequest, Signed};
use crate::lifetime;
use crate::text::{hex, timestamp};

pub(super) fn run(arguments: &SignArguments, context: &Context) -> Result<Output, Failure> {
    let request = csr::read(&arguments.request)?;
    let is_listed = !arguments.allow_name.is_empty();
    let allowed = is_listed.then(|| AllowedNames::Listed(arguments.allow_name.clone()));
    let (profile, review) = sign::review(&request, arguments.profile.chosen(), allowed)?;
    let lines = text_of_review(&request, profile, &review);
    let items = json_of_review(profile, &review);
    if arguments.review {
        let json = json!({"signed": false, "review": items});
        return Ok(report(context, lines, json, Vec::new()));
    }
    if let Some(why) = unsettled(arguments, &review, is_listed) {
        return Ok(refusal(context, lines, items, why));
    }
    let asked = arguments.lifetime.lifetime();
    let lifetime = asked
        .map(|asked| asked.span(Profile::Leaf(profile), context.now))
        .transpose()?;
    let mut home = home::open(&arguments.home)?;
    home.check_issuer(&arguments.issuer, context.now)?;
    let authority = AuthorityKeys::new(arguments.passphrase.source()).load(&home, &arguments.issuer)?;
    let is_printed = arguments
        .out
        .as_ref()
        .is_some_and(|path| path.as_os_str() == STANDARD_INPUT);
    let asked = SignRequest {
        request: &request,
        review,
        profile,
        issuer: &arguments.issuer,
        lifetime,
        service: arguments.name.as_deref(),
        file: arguments.out.as_deref().filter(|_| !is_printed),
    };
    let signed = sign::sign(&mut home, asked, &authority, context.now)?;
    let mut warnings: Vec<Cow<'static, str>> = home.notices().iter().cloned().map(Cow::from).collect();
    warnings.extend(
        lifetime
            .and_then(|span| lifetime::warning(profile, span))
            .map(Cow::from),
    );
    let text = if is_printed {
        signed.fullchain.clone()
    } else {
        format!("{lines}\n{}", text_of_signed(arguments, &signed))
    };
    Ok(report(
        context,
        text,
        json_of_signed(arguments, &signed, items),
        warnings,
    ))
}

/// Why somebody has to say --yes, if somebody has to.
fn unsettled(arguments: &SignArguments, review: &RequestReview, is_listed: bool) -> Option<&'static str> {
    if arguments.yes {
        None
    } else if !review.is_as_asked() {
        Some("what would be granted is not what is asked for")
    } else if !is_listed {
        Some("nobody has said which names the requester may have")
    } else {
        None
    }
}

/// The review is the answer, so it comes on standard output; that nothing was signed shows in the exit code.
fn refusal(context: &Context, lines: String, items: Value, why: &'static str) -> Output {
    const HINT: &str = "look at the names; then --yes grants what is granted above, --allow-name SAN only that name";
    let mut output = if context.json {
        let json = json!({"signed": false, "review": items, "error": why, "hint": HINT, "exit_code": FAILED});
        report(context, String::new(), json, Vec::new())
    } else {
        Output::done(format!("{lines}\nNot signed: {why}.\nhint: {HINT}\n"))
    };
    output.exit_code = FAILED;
    output
}

fn text_of_review(request: &CertificationRequest, profile: LeafProfile, review: &RequestReview) -> String {
    let lines = sign::lines(review);
    let width = lines.iter().map(|(asked, _)| asked.chars().count()).max().unwrap_or(0);
    let mut text = format!("Asked for, and what a {} certificate has of it:\n", profile.name());
    for (asked, granted) in &lines {
        let padding = " ".repeat(width - asked.chars().count());
        let _ = writeln!(text, "  {asked}{padding}  {granted}");
    }
    if request.extended_key_usage().is_none() {
        let _ = writeln!(text, "It asks for no usage: the {} profile decides it.", profile.name());
    }
    text
}

fn json_of_review(profile: LeafProfile, review: &RequestReview) -> Value {
    let items = review.items().iter().map(|item| {
        let (decision, instead, reason) = match &item.decision {
            Decision::Granted => ("granted", None, None),
            Decision::Replaced { by, reason } => ("replaced", Some(by.as_str()), Some(*reason)),
            Decision::Denied { reason } => ("denied", None, Some(*reason)),
            _ => ("denied", None, None),
        };
        json!({"asked": item.asked.to_string(), "decision": decision, "instead": instead, "reason": reason})
    });
    json!({
        "profile": profile.name(),
        "as_asked": review.is_as_asked(),
        "items": items.collect::<Vec<_>>(),
    })
}

fn text_of_signed(arguments: &SignArguments, signed: &Signed) -> String {
    let certificate = &signed.certificate;
    let mut text = format!(
        "Signed by `{}` until {}, serial number {}:\n",
        arguments.issuer,
        certificate.not_after().date(),
        hex(certificate.serial())
    );
    if let Some(name) = &arguments.name {
        let _ = writeln!(
            text,
            "  {name}/  everything but the key, which stays where the request was made"
        );
    }
    if let Some(path) = &arguments.out {
        let _ = writeln!(
            text,
            "  {}  the certificate and its authorities but the root",
            path.display()
        );
    }
    text
}

fn json_of_signed(arguments: &SignArguments, signed: &Signed, review: Value) -> Value {
    let certificate = &signed.certificate;
    let names = certificate.subject_alternative_names().iter().map(ToString::to_string);
    json!({
        "signed": true,
        "review": review,
        "issuer": arguments.issuer,
        "service": arguments.name,
        "fullchain_file": arguments.out.as_ref().map(|path| path.to_string_lossy()),
        "fullchain": signed.fullchain,
        "certificate": {
            "subject": certificate.subject_text(),
            "subject_alternative_names": names.collect::<Vec<_>>(),
            "serial": hex(certificate.serial()),
            "not_before": timestamp(certificate.not_before()),
            "not_after": timestamp(certificate.not_after()),
            "sha256": hex(&certificate.sha256()),
            "spki_sha256": hex(&certificate.spki_sha256()),
        },
    })
}
