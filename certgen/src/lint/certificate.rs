//! Certificates, field by field (RFC 5280 §4.1).

use super::Findings;
use super::names::{self, COMMON_NAME};
use super::view::{CertificateView, oid};
use super::{encoding, extensions, fields, key, key_usage, pair, spiffe, subject_names, table};
use crate::documents::Document;

/// What Apple's systems take of servers below an authority that was added by hand.
const LONG_DAYS: i64 = 825;

pub(super) fn check(der: &[u8], others: &[Document], findings: &mut Findings) {
    let Ok(view) = CertificateView::read(der) else {
        findings.add(&table::MALFORMED);
        return;
    };
    findings.add_if(&table::TRAILING_DATA, view.has_trailing_data);
    encoding::check(der, findings);
    let is_root = view.is_self_issued();
    let is_mismatch = view.inner_algorithm.whole != view.outer_algorithm.whole;
    findings.add_if(&table::SIGNATURE_ALGORITHM_MISMATCH, is_mismatch);
    fields::check_signature_algorithm(view.outer_algorithm, findings);
    fields::check_serial(view.serial, is_root, findings);
    check_validity(&view, findings);
    findings.add_if(&table::UNIQUE_IDENTIFIER, view.has_unique_identifiers);
    let kind = key::check(view.spki, findings);
    check_names(&view, findings);
    // RFC 5280 §4.1.2.1: version 3 is written as 2. Without extensions nothing below has anything to say.
    if view.version != Some(&[2]) {
        findings.add(&table::VERSION_NOT_3);
        if view.extensions.is_empty() {
            return;
        }
    }
    fields::check_extension_list(&view.extensions, findings);
    key_usage::check(&view, kind, findings);
    extensions::check(&view, findings);
    check_subject_names(&view, findings);
    pair::check_certificate(&view, others, findings);
}

/// RFC 5280 §4.1.2.5.
fn check_validity(view: &CertificateView<'_>, findings: &mut Findings) {
    let begin = fields::check_time("notBefore", view.not_before, findings);
    let end = fields::check_time("notAfter", view.not_after, findings);
    let (Some(begin), Some(end)) = (begin, end) else {
        return;
    };
    findings.add_if(&table::VALIDITY_REVERSED, end < begin);
    let days = (end - begin).whole_days();
    if days > LONG_DAYS && !view.is_ca() {
        findings.add_at(&table::VALIDITY_LONG, format!("{days} days"));
    }
}

fn check_names(view: &CertificateView<'_>, findings: &mut Findings) {
    findings.add_if(&table::ISSUER_EMPTY, view.issuer.contents.is_empty());
    findings.add_if(&table::SUBJECT_EMPTY, view.subject.contents.is_empty() && view.is_ca());
    names::check("issuer", view.issuer, findings);
    names::check("subject", view.subject, findings);
    if let Ok(attributes) = names::attributes(view.subject) {
        let common_names = attributes.iter().filter(|attribute| attribute.kind == COMMON_NAME);
        findings.add_if(&table::COMMON_NAME_SEVERAL, common_names.count() > 1);
    }
}

/// RFC 5280 §4.2.1.6.
fn check_subject_names(view: &CertificateView<'_>, findings: &mut Findings) {
    let has_subject = !view.subject.contents.is_empty();
    let Some(extension) = view.extension(oid::SUBJECT_ALTERNATIVE_NAME) else {
        findings.add_if(&table::SAN_MISSING, !view.is_ca());
        return;
    };
    findings.add_if(&table::SAN_NOT_CRITICAL, !has_subject && !extension.critical);
    findings.add_if(&table::SAN_CRITICAL, has_subject && extension.critical);
    let Ok(names) = subject_names::names(extension.value) else {
        findings.add_at(&table::EXTENSION_MALFORMED, "subjectAltName");
        return;
    };
    subject_names::check(&names, findings);
    spiffe::check(view, &names, findings);
    let is_server = view
        .purposes()
        .is_some_and(|purposes| purposes.contains(&oid::SERVER_AUTH));
    // Of a client's certificate the common name is for people.
    if view.is_ca() || !is_server {
        return;
    }
    for attribute in names::attributes(view.subject).unwrap_or_default() {
        if attribute.kind == COMMON_NAME
            && let Some(text) = attribute.text()
            && !subject_names::has(&names, text)
        {
            findings.add_at(&table::COMMON_NAME_NOT_IN_SAN, names::escaped(text));
        }
    }
}
