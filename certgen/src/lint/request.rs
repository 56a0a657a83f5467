//! Certification requests (RFC 2986), and what they ask for.

use super::Findings;
use super::view::{RequestView, bits, oid};
use super::{encoding, extensions, fields, key, key_usage, names, subject_names, table};

pub(super) fn check(der: &[u8], findings: &mut Findings) {
    let Ok(view) = RequestView::read(der) else {
        findings.add(&table::MALFORMED);
        return;
    };
    findings.add_if(&table::TRAILING_DATA, view.has_trailing_data);
    encoding::check(der, findings);
    findings.add_if(&table::CSR_VERSION, view.version != [0]);
    fields::check_signature_algorithm(view.outer_algorithm, findings);
    names::check("subject", view.subject, findings);
    let kind = key::check(view.spki, findings);
    findings.add_if(
        &table::CSR_CHALLENGE_PASSWORD,
        view.attributes.contains(&oid::CHALLENGE_PASSWORD),
    );
    fields::check_extension_list(&view.extensions, findings);
    match view
        .extension(oid::SUBJECT_ALTERNATIVE_NAME)
        .map(|asked| subject_names::names(asked.value))
    {
        None => findings.add(&table::CSR_WITHOUT_NAMES),
        Some(Ok(names)) => subject_names::check(&names, findings),
        Some(Err(_)) => findings.add_at(&table::EXTENSION_MALFORMED, "subjectAltName"),
    }
    if let Some(asked) = view.extension(oid::BASIC_CONSTRAINTS) {
        match extensions::read_basic_constraints(asked.value) {
            Ok((Some(flag), _)) => findings.add_if(&table::CSR_ASKS_FOR_CA, flag.contents != [0]),
            Ok((None, _)) => {}
            Err(_) => findings.add_at(&table::EXTENSION_MALFORMED, "basicConstraints"),
        }
    }
    if let Some(asked) = view.extension(oid::KEY_USAGE) {
        match bits(asked.value) {
            Ok(usage) => key_usage::check_fit(usage, kind, findings),
            Err(_) => findings.add_at(&table::EXTENSION_MALFORMED, "keyUsage"),
        }
    }
}
