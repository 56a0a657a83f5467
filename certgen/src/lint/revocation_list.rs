//! Revocation lists (RFC 5280 §5).

use std::collections::HashSet;

use time::OffsetDateTime;

use super::Findings;
use super::view::{EntryView, RevocationListView, oid};
use super::{encoding, extensions, fields, names, pair, table};
use crate::der::{ENUMERATED, INTEGER, Reader};
use crate::documents::Document;
use crate::text::hex;

/// What the CA/Browser Forum allows for authorities that are not online.
const LONG_DAYS: i64 = 366;

pub(super) fn check(der: &[u8], others: &[Document], findings: &mut Findings) {
    let Ok(view) = RevocationListView::read(der) else {
        findings.add(&table::MALFORMED);
        return;
    };
    findings.add_if(&table::TRAILING_DATA, view.has_trailing_data);
    encoding::check(der, findings);
    let is_mismatch = view.inner_algorithm.whole != view.outer_algorithm.whole;
    findings.add_if(&table::SIGNATURE_ALGORITHM_MISMATCH, is_mismatch);
    fields::check_signature_algorithm(view.outer_algorithm, findings);
    findings.add_if(&table::ISSUER_EMPTY, view.issuer.contents.is_empty());
    names::check("issuer", view.issuer, findings);
    // Version 2 is written as 1.
    findings.add_if(&table::CRL_VERSION, view.version != Some(&[1]));
    let this_update = fields::check_time("thisUpdate", view.this_update, findings);
    check_next_update(&view, this_update, findings);
    fields::check_extension_list(&view.extensions, findings);
    check_extensions(&view, findings);
    check_entries(&view, this_update, findings);
    pair::check_revocation_list(&view, others, findings);
}

/// RFC 5280 §5.1.2.5.
fn check_next_update(view: &RevocationListView<'_>, this_update: Option<OffsetDateTime>, findings: &mut Findings) {
    let Some(next_update) = view.next_update else {
        findings.add(&table::CRL_NEXT_UPDATE);
        return;
    };
    let next_update = fields::check_time("nextUpdate", next_update, findings);
    if let (Some(this_update), Some(next_update)) = (this_update, next_update) {
        findings.add_if(&table::CRL_NEXT_UPDATE, next_update <= this_update);
        findings.add_if(&table::CRL_LONG, (next_update - this_update).whole_days() > LONG_DAYS);
    }
}

/// RFC 5280 §5.2.
fn check_extensions(view: &RevocationListView<'_>, findings: &mut Findings) {
    extensions::check_authority_key_identifier(&view.extensions, false, findings);
    match view.extension(oid::CRL_NUMBER) {
        None => findings.add(&table::CRL_NUMBER_MISSING),
        Some(extension) => {
            let number = Reader::new(extension.value)
                .expect(INTEGER)
                .map(|number| number.contents);
            let is_fit = matches!(number, Ok([0x00..=0x7f, ..])) && number.is_ok_and(|number| number.len() <= 20);
            findings.add_if(&table::CRL_NUMBER_FORM, extension.critical || !is_fit);
        }
    }
    for scope in [oid::DELTA_CRL_INDICATOR, oid::ISSUING_DISTRIBUTION_POINT] {
        let is_optional = view.extension(scope).is_some_and(|extension| !extension.critical);
        findings.add_if(&table::CRL_SCOPE_NOT_CRITICAL, is_optional);
    }
}

/// RFC 5280 §5.1.2.6, §5.3.
fn check_entries(view: &RevocationListView<'_>, this_update: Option<OffsetDateTime>, findings: &mut Findings) {
    let Some(entries) = &view.entries else {
        return;
    };
    findings.add_if(&table::CRL_EMPTY_LIST, entries.is_empty());
    let is_delta = view.extension(oid::DELTA_CRL_INDICATOR).is_some();
    let mut seen = HashSet::new();
    for entry in entries {
        let serial = hex(entry.serial);
        if !seen.insert(entry.serial) {
            findings.add_at(&table::CRL_DUPLICATE_ENTRY, serial.clone());
        }
        let date = fields::check_time("revocationDate", entry.revocation_date, findings);
        if date.zip(this_update).is_some_and(|(date, made)| date > made) {
            findings.add_at(&table::CRL_ENTRY_FUTURE, serial.clone());
        }
        fields::check_extension_list(&entry.extensions, findings);
        check_reason(entry, &serial, is_delta, findings);
    }
}

/// RFC 5280 §5.3.1.
fn check_reason(entry: &EntryView<'_>, serial: &str, is_delta: bool, findings: &mut Findings) {
    let Some(extension) = entry.extensions.iter().find(|one| one.oid == oid::REASON_CODE) else {
        return;
    };
    if extension.critical {
        findings.add_at(&table::CRL_REASON_CRITICAL, serial);
    }
    match Reader::new(extension.value)
        .expect(ENUMERATED)
        .map(|code| code.contents)
    {
        Ok([0]) => findings.add_at(&table::CRL_REASON_UNSPECIFIED, serial),
        Ok([8]) if !is_delta => findings.add_at(&table::CRL_REMOVE_IN_BASE, serial),
        Ok([1..=6 | 8..=10]) => {}
        _ => findings.add_at(&table::CRL_REASON_UNKNOWN, serial),
    }
}
