//! `certgen rotate-ca`.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::home;
use super::init::json_certificate;
use super::{Context, Output, lifecycle};
use crate::cli::{RotateCaArguments, RotateCaBeginArguments, RotateCaFinishArguments, RotateCaStep};
use crate::explain::Failure;
use crate::home::{Home, IssuedRecord, layout};
use crate::lifecycle::AuthorityKeys;
use crate::rotation::{self, Leftovers, Rotation, RotationError, Which};
use crate::text::{hex, timestamp};

pub(super) fn run(arguments: &RotateCaArguments, context: &Context) -> Result<Output, Failure> {
    match &arguments.step {
        RotateCaStep::Begin(arguments) => begin(arguments, context),
        RotateCaStep::Finish(arguments) => finish(arguments, context),
    }
}

fn begin(arguments: &RotateCaBeginArguments, context: &Context) -> Result<Output, Failure> {
    let which = arguments.whose.which();
    let mut home = home::open(&arguments.home)?;
    if let Some(begun) = rotation::already_begun(&home, &which, context.now)? {
        return Ok(report("begin", &home, &which, &begun, context));
    }
    if let Which::Issuing(name) = &which {
        home.check_is_issuing(name)?;
    }
    let mut keys = AuthorityKeys::new(arguments.passphrase.source()).with_root_key(arguments.root_key.clone());
    let root = keys.load(&home, layout::ROOT)?;
    let passphrase = keys.for_new_key()?;
    let done = match &which {
        Which::Root => rotation::begin_root(&mut home, &root, passphrase, context.now)?,
        Which::Issuing(name) => rotation::begin_issuing(&mut home, name, &root, passphrase, context.now)?,
    };
    Ok(report("begin", &home, &which, &done, context))
}

fn finish(arguments: &RotateCaFinishArguments, context: &Context) -> Result<Output, Failure> {
    let leftovers = if arguments.force {
        Leftovers::GiveUp
    } else {
        Leftovers::Refuse
    };
    let mut home = home::open(&arguments.home)?;
    let Some(which) = arguments
        .whose
        .which()
        .map_or_else(|| only_one(&home), |which| Ok(Some(which)))?
    else {
        return Ok(nothing_to_finish(&home, context));
    };
    let done = rotation::finish(&mut home, &which, leftovers, context.now)?;
    Ok(report("finish", &home, &which, &done, context))
}

/// The exchange that is under way, if there is one.
fn only_one(home: &Home) -> Result<Option<Which>, RotationError> {
    let under_way = rotation::under_way(home.inventory());
    match under_way.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one.clone())),
        _ => Err(RotationError::Several {
            names: under_way.iter().map(|which| which.name().to_owned()).collect(),
        }),
    }
}

/// Doing a step again is no error.
fn nothing_to_finish(home: &Home, context: &Context) -> Output {
    let warnings: Vec<_> = home.notices().iter().cloned().map(Into::into).collect();
    let json = json!({
        "step": "finish",
        "authority": null,
        "changed": false,
        "authorities": [],
        "hanging": [],
        "refused": [],
        "services": [],
        "left_out": [],
        "revoked_serial": null,
    });
    let text = "No exchange is under way; nothing was changed.
"
    .to_owned();
    lifecycle::report(context, text, json, warnings)
}

fn report(step: &'static str, home: &Home, which: &Which, done: &Rotation, context: &Context) -> Output {
    let mut warnings = home.notices().to_vec();
    if !done.left_out.is_empty() {
        warnings.push(format!(
            "the files of these services are not what they were made as, so only ca.pem was written, where it is there: {}",
            done.left_out.join(", ")
        ));
    }
    if context.json {
        return Output::done(format!("{}\n", json_report(step, which, done, &warnings)));
    }
    let text = match (step, done.changed) {
        ("begin", _) => begin_text(home, which, done),
        (_, true) => finish_text(home, which, done),
        (_, false) => format!("No exchange of `{}` is under way; nothing was changed.\n", which.name()),
    };
    warnings.into_iter().fold(Output::done(text), Output::with_warning)
}

fn begin_text(home: &Home, which: &Which, done: &Rotation) -> String {
    let mut text = String::new();
    let what = if done.changed {
        "Begun"
    } else {
        "Begun earlier; nothing was changed"
    };
    let _ = writeln!(text, "{what} in {}:\n", home.path().display());
    for one in &done.authorities {
        let (new, old) = (layout::certificate_of(&one.name), layout::certificate_of(&one.old_name));
        let _ = writeln!(text, "  {:<13} {new:<22} until {}", "new", one.new.not_after().date());
        let _ = writeln!(text, "  {:<13} {old:<22} until {}", "old", one.old.not_after().date());
    }
    if !done.services.is_empty() {
        let _ = writeln!(
            text,
            "\nTrust both roots and present a way to either: {}",
            done.services.join(", ")
        );
    }
    let _ = write!(text, "{}", refused_text(done));
    if done.hanging.is_empty() && done.refused.is_empty() {
        text.push_str("\nNothing in use hangs on the old key.\n");
    } else if !done.hanging.is_empty() {
        text.push_str("\nIn use, and hanging on the old key:\n");
        for record in &done.hanging {
            let _ = writeln!(text, "  {}", hanging_line(record));
        }
    }
    text.push_str("\nNext:\n");
    if *which == Which::Root {
        text.push_str(
            "  Give every service its directory again. Who trusts the root otherwise gets a service's ca.pem, which has both.\n",
        );
    }
    if !done.hanging.is_empty() || !done.refused.is_empty() {
        text.push_str("  Renew what hangs on the old key, in any order, and give the services their directories.\n");
    }
    let _ = writeln!(text, "  Then: certgen rotate-ca finish {}", option(which));
    text
}

fn finish_text(home: &Home, which: &Which, done: &Rotation) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "Finished in {}:\n", home.path().display());
    for one in &done.authorities {
        let (new, old) = (layout::certificate_of(&one.name), layout::certificate_of(&one.old_name));
        let _ = writeln!(text, "  {:<13} {new}", "in use");
        let _ = writeln!(text, "  {:<13} {old}", "retired");
    }
    if !done.services.is_empty() {
        let _ = writeln!(text, "\nTrust the new root alone: {}", done.services.join(", "));
    }
    if !done.hanging.is_empty() {
        text.push_str(match which {
            Which::Root => "\nGiven up with the old key:\n",
            Which::Issuing(_) => "\nStill on the old key, and good until they expire:\n",
        });
        for record in &done.hanging {
            let _ = writeln!(text, "  {}", hanging_line(record));
        }
    }
    let _ = write!(text, "{}", refused_text(done));
    text.push_str("\nNext:\n");
    if *which == Which::Root {
        text.push_str(
            "  Give every service its directory again, and everybody else root.pem in the place of the old one.\n",
        );
    }
    if let (Which::Issuing(_), [one]) = (which, done.authorities.as_slice())
        && home.inventory().revocation(&hex(one.old.serial())).is_none()
    {
        let _ = writeln!(
            text,
            "  To have peers refuse all that the old key signed: certgen revoke {}",
            one.old_name
        );
    }
    if done.revoked.is_some() {
        text.push_str(
            "  Run `certgen crl` and hand out the list: what led from the new root to the old one is revoked.\n",
        );
    }
    text.push_str(
        "  While anybody trusts the old key, `certgen crl` lists what it issued with the key in retired/; then remove that.\n",
    );
    text
}

fn refused_text(done: &Rotation) -> String {
    if done.refused.is_empty() {
        return String::new();
    }
    let lines = done
        .refused
        .iter()
        .map(|record| format!("  {}\n", hanging_line(record)));
    format!(
        "\nRefused by who reads the lists, for the authority that issued them is revoked:\n{}",
        lines.collect::<String>()
    )
}

fn hanging_line(record: &IssuedRecord) -> String {
    let until = record.not_after.date();
    match &record.service {
        Some(service) => format!("{service:<16} until {until}   certgen renew {service}"),
        None => format!(
            "{:<16} until {until}   serial {}: sign a new request of its owner",
            record.subject, record.serial
        ),
    }
}

fn option(which: &Which) -> String {
    match which {
        Which::Root => "--root".to_owned(),
        Which::Issuing(name) => format!("--issuing {name}"),
    }
}

fn json_report(step: &str, which: &Which, done: &Rotation, warnings: &[String]) -> Value {
    let authorities = done.authorities.iter().map(|one| {
        json!({
            "name": one.name,
            "old_name": one.old_name,
            "old": json_certificate(&one.old),
            "new": json_certificate(&one.new),
        })
    });
    let json_of = |record: &IssuedRecord| {
        json!({
            "service": record.service,
            "serial": record.serial,
            "subject": record.subject,
            "not_after": timestamp(record.not_after),
        })
    };
    json!({
        "step": step,
        "authority": which.name(),
        "changed": done.changed,
        "authorities": authorities.collect::<Vec<_>>(),
        "hanging": done.hanging.iter().map(json_of).collect::<Vec<_>>(),
        "refused": done.refused.iter().map(json_of).collect::<Vec<_>>(),
        "services": done.services,
        "left_out": done.left_out,
        "revoked_serial": done.revoked,
        "warnings": warnings,
    })
}
