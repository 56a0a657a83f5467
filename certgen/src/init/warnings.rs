//! What is to be said about a new authority besides what was made.

use std::borrow::Cow;

use cryptokit::x509::{KeyKind, SubjectAlternativeName};
use time::{Duration, OffsetDateTime};

use super::{InitReport, InitRequest};
use crate::{lifetime, name_limits};

/// The warnings, most important first.
pub(super) fn of(
    request: &InitRequest,
    report: &InitReport,
    leaf_life: Duration,
    now: OffsetDateTime,
) -> Vec<Cow<'static, str>> {
    let mut warnings: Vec<Cow<'static, str>> = Vec::new();
    if !report.root.key_is_encrypted {
        warnings.push(NOT_ENCRYPTED.into());
    }
    let kinds = [Some(request.key), request.authority_key];
    if kinds.contains(&Some(KeyKind::Ed25519)) {
        warnings.push(ED25519.into());
    }
    let mut of_leaves = report
        .leaves
        .iter()
        .filter_map(|leaf| lifetime::warning(leaf.profile, leaf.certificate.not_after() - now));
    warnings.extend(of_leaves.next().map(Cow::from));
    let intermediate = &report.intermediate.certificate;
    let end = intermediate.not_after();
    if report
        .leaves
        .iter()
        .any(|leaf| leaf.certificate.not_after() < now + leaf_life - Duration::SECOND)
    {
        let end = end.date();
        warnings
            .push(format!("the services' certificates end on {end}, with the intermediate that issued them").into());
    }
    warnings.extend(name_limits::warnings(&report.name_limits).into_iter().map(Cow::from));
    let wildcard = report.leaves.iter().find_map(|leaf| {
        let mut names = leaf.certificate.subject_alternative_names().iter();
        names.find(|name| matches!(name, SubjectAlternativeName::Dns(name) if name.is_wildcard()))
    });
    if let Some(name) = wildcard {
        let (star, below) = (name.value(), name.value().replacen("*.", "", 1));
        warnings.push(
            format!("{star} goes one level deep: it covers a.{below}, and neither {below} nor a.b.{below}").into(),
        );
    }
    warnings
}

const NOT_ENCRYPTED: &str = "root.key.pem and intermediate.key.pem are not encrypted: whoever reads them can issue \
    certificates that your services trust";

const ED25519: &str = "no browser accepts certificates with Ed25519 keys, and not every TLS library does";
