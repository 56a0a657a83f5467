//! `certgen needs-renewal`.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use cryptokit::x509::Certificate;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{Context, Output};
use crate::cli::{HomeArguments, NeedsRenewalArguments};
use crate::duration::in_words;
use crate::explain::{Explain, Failure};
use crate::home::layout;
use crate::input;
use crate::renewal_point::{RenewalPoint, Standing};
use crate::text::{hex, timestamp};

pub(super) fn run(arguments: &NeedsRenewalArguments, context: &Context) -> Result<Output, Failure> {
    let mut found = Vec::new();
    for path in &arguments.certificates {
        let path = file_of(path, &arguments.home);
        let certificates = input::certificates(&path)?;
        for (index, certificate) in certificates.into_iter().enumerate() {
            let standing = arguments.at.standing(&certificate, context.now);
            if standing == Standing::NotYetValid {
                return Err(Undecided {
                    subject: name_of(&certificate),
                    not_before: certificate.not_before(),
                    now: context.now,
                }
                .into());
            }
            found.push(Found {
                path: path.clone(),
                number: index + 1,
                certificate,
                standing,
            });
        }
    }
    let is_needed = found.iter().any(Found::needs_renewal);
    let warnings = warnings(&found, arguments.at);
    let mut output = Output::done(if context.json {
        format!("{}\n", json_report(&found, is_needed, &warnings))
    } else {
        text_report(&found, context.now)
    });
    if !context.json {
        output.warnings = warnings;
    }
    output.exit_code = u8::from(!is_needed);
    Ok(output)
}

/// A certificate, and where it stands.
struct Found {
    path: PathBuf,
    /// From 1.
    number: usize,
    certificate: Certificate,
    standing: Standing,
}

impl Found {
    fn needs_renewal(&self) -> bool {
        matches!(self.standing, Standing::Due | Standing::Expired)
    }
}

/// A name is looked for where it is most likely meant: a file or directory first, then a service.
fn file_of(path: &Path, home: &HomeArguments) -> PathBuf {
    if path.is_dir() {
        return path.join(layout::FULLCHAIN);
    }
    let is_name = path.to_str().is_some_and(layout::is_name);
    let of_service = home.directory().join(path).join(layout::FULLCHAIN);
    if is_name && !path.exists() && of_service.exists() {
        of_service
    } else {
        path.to_owned()
    }
}

fn text_report(found: &[Found], now: OffsetDateTime) -> String {
    let mut text = String::new();
    let mut file = None;
    for one in found {
        if file != Some(&one.path) {
            let _ = writeln!(text, "{}:", one.path.display());
            file = Some(&one.path);
        }
        let left = in_words(one.certificate.not_after() - now);
        let said = match one.standing {
            Standing::NotYetDue { due } => format!("not before {}, {left} left", due.date()),
            Standing::Due => format!("needs renewal, {left} left"),
            Standing::Expired | Standing::NotYetValid => format!("needs renewal, expired {left} ago"),
        };
        let _ = writeln!(text, "  {} {}: {said}", one.number, name_of(&one.certificate));
    }
    text
}

fn json_report(found: &[Found], is_needed: bool, warnings: &[Cow<'static, str>]) -> Value {
    let certificates = found.iter().map(|one| {
        json!({
            "file": one.path.to_string_lossy(),
            "number": one.number,
            "subject": one.certificate.subject_text(),
            "serial": hex(one.certificate.serial()),
            "not_before": timestamp(one.certificate.not_before()),
            "not_after": timestamp(one.certificate.not_after()),
            "standing": one.standing.name(),
            "due": match one.standing {
                Standing::NotYetDue { due } => Some(timestamp(due)),
                _ => None,
            },
        })
    });
    json!({
        "needs_renewal": is_needed,
        "certificates": certificates.collect::<Vec<_>>(),
        "warnings": warnings,
    })
}

/// A point before the beginning makes every renewal find that it has to renew again.
fn warnings(found: &[Found], at: RenewalPoint) -> Vec<Cow<'static, str>> {
    found
        .iter()
        .filter(|one| at.is_always_due(one.certificate.not_after() - one.certificate.not_before()))
        .map(|one| {
            let life = in_words(one.certificate.not_after() - one.certificate.not_before());
            let name = name_of(&one.certificate);
            format!("{name} lives {life}, so with {at} it always needs renewal").into()
        })
        .collect()
}

/// The subject, or the first name where there is none.
fn name_of(certificate: &Certificate) -> String {
    match certificate.subject_alternative_names().first() {
        Some(name) if certificate.subject_text().is_empty() => name.to_string(),
        _ => certificate.subject_text().to_owned(),
    }
}

/// The clock or the certificate is wrong.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot tell: the validity of {subject} begins at {}, and it is {}",
    timestamp(*not_before),
    timestamp(*now)
)]
struct Undecided {
    subject: String,
    not_before: OffsetDateTime,
    now: OffsetDateTime,
}

impl Explain for Undecided {
    fn hint(&self) -> Cow<'static, str> {
        "set the clock, or wait until the certificate is valid".into()
    }
}
