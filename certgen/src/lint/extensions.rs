//! The other extensions of certificates (RFC 5280 §4.2).

use cryptokit::x509::KeyIdentifierMethod;

use super::Findings;
use super::table;
use super::view::{CertificateView, ExtensionView, oid};
use crate::der::{BOOLEAN, Element, INTEGER, Malformed, OCTET_STRING, Reader, SEQUENCE, context, context_constructed};

pub(super) fn check(view: &CertificateView<'_>, findings: &mut Findings) {
    if let Some(extension) = view.extension(oid::BASIC_CONSTRAINTS) {
        check_basic_constraints(view, extension, findings);
    }
    check_subject_key_identifier(view, findings);
    // RFC 5280 §4.2.1.1: a root may leave it out.
    let is_root = view.is_self_issued() && view.is_ca();
    check_authority_key_identifier(&view.extensions, is_root, findings);
    if let Some(extension) = view.extension(oid::NAME_CONSTRAINTS) {
        findings.add_if(&table::NAME_CONSTRAINTS_NOT_CRITICAL, !extension.critical);
        findings.add_if(&table::NAME_CONSTRAINTS_ON_LEAF, !view.is_ca());
        if check_name_constraints(extension.value, findings).is_err() {
            findings.add_at(&table::EXTENSION_MALFORMED, "nameConstraints");
        }
    }
    let is_critical = |oid: &[u8]| view.extension(oid).is_some_and(|extension| extension.critical);
    findings.add_if(&table::AIA_CRITICAL, is_critical(oid::AUTHORITY_INFO_ACCESS));
    if let Some(extension) = view.extension(oid::NO_REV_AVAIL) {
        let places = [oid::CRL_DISTRIBUTION_POINTS, oid::FRESHEST_CRL];
        let has_place = places.iter().any(|place| view.extension(place).is_some());
        findings.add_if(&table::NO_REV_AVAIL, extension.critical || view.is_ca() || has_place);
    }
}

/// RFC 5280 §4.2.1.1 and §5.2.1: key identifier, not critical.
pub(super) fn check_authority_key_identifier(
    extensions: &[ExtensionView<'_>],
    may_be_missing: bool,
    findings: &mut Findings,
) {
    let Some(extension) = extensions.iter().find(|one| one.oid == oid::AUTHORITY_KEY_IDENTIFIER) else {
        findings.add_if(&table::AKI_MISSING, !may_be_missing);
        return;
    };
    findings.add_if(&table::AKI_CRITICAL, extension.critical);
    let fields = Reader::new(extension.value)
        .expect(SEQUENCE)
        .and_then(|sequence| sequence.inside().elements());
    let Ok(fields) = fields else {
        findings.add_at(&table::EXTENSION_MALFORMED, "authorityKeyIdentifier");
        return;
    };
    let has = |tag: u8| fields.iter().any(|field| field.tag == tag);
    findings.add_if(&table::AKI_MISSING, !has(context(0)));
    findings.add_if(
        &table::AKI_ISSUER_SERIAL,
        has(context_constructed(1)) || has(context(2)),
    );
}

/// RFC 5280 §4.2.1.9.
fn check_basic_constraints(view: &CertificateView<'_>, extension: &ExtensionView<'_>, findings: &mut Findings) {
    let Ok((ca, path_length)) = read_basic_constraints(extension.value) else {
        findings.add_at(&table::EXTENSION_MALFORMED, "basicConstraints");
        return;
    };
    if ca.is_some_and(|flag| flag.contents == [0]) {
        findings.add_at(&table::DEFAULT_ENCODED, "cA of basicConstraints");
    }
    findings.add_if(&table::CA_NOT_CRITICAL, view.is_ca() && !extension.critical);
    if path_length.is_some() {
        findings.add_if(&table::PATH_LENGTH_WITHOUT_CA, !view.is_ca());
        let may_sign = view
            .key_usage()
            .is_none_or(|usage| usage & super::key_usage::KEY_CERT_SIGN != 0);
        findings.add_if(&table::PATH_LENGTH_WITHOUT_CERT_SIGN, !may_sign);
    }
}

type BasicConstraints<'a> = (Option<Element<'a>>, Option<Element<'a>>);

pub(super) fn read_basic_constraints(value: &[u8]) -> Result<BasicConstraints<'_>, Malformed> {
    let mut whole = Reader::new(value);
    let mut fields = whole.expect(SEQUENCE)?.inside();
    let read = (fields.optional(BOOLEAN)?, fields.optional(INTEGER)?);
    if fields.is_empty() && whole.is_empty() {
        Ok(read)
    } else {
        Err(Malformed)
    }
}

/// RFC 5280 §4.2.1.2.
fn check_subject_key_identifier(view: &CertificateView<'_>, findings: &mut Findings) {
    let Some(extension) = view.extension(oid::SUBJECT_KEY_IDENTIFIER) else {
        let lint = if view.is_ca() {
            &table::CA_WITHOUT_SKI
        } else {
            &table::LEAF_WITHOUT_SKI
        };
        findings.add(lint);
        return;
    };
    findings.add_if(&table::SKI_CRITICAL, extension.critical);
    let mut whole = Reader::new(extension.value);
    match whole.expect(OCTET_STRING) {
        Ok(identifier) if whole.is_empty() && !identifier.contents.is_empty() => {
            let method = KeyIdentifierMethod::of(identifier.contents, view.spki.whole);
            findings.add_if(&table::SKI_METHOD, method.is_none());
        }
        _ => findings.add_at(&table::EXTENSION_MALFORMED, "subjectKeyIdentifier"),
    }
}

/// RFC 5280 §4.2.1.10.
fn check_name_constraints(value: &[u8], findings: &mut Findings) -> Result<(), Malformed> {
    let mut whole = Reader::new(value);
    let mut fields = whole.expect(SEQUENCE)?.inside();
    let lists = [
        fields.optional(context_constructed(0))?,
        fields.optional(context_constructed(1))?,
    ];
    if !fields.is_empty() || !whole.is_empty() || lists.iter().all(Option::is_none) {
        return Err(Malformed);
    }
    for list in lists.into_iter().flatten() {
        let subtrees = list.inside().elements()?;
        if subtrees.is_empty() {
            return Err(Malformed);
        }
        for subtree in subtrees {
            let mut fields = subtree.inside();
            let base = fields.element()?;
            findings.add_if(&table::NAME_CONSTRAINTS_BOUNDS, !fields.is_empty());
            check_subtree(base, findings);
        }
    }
    Ok(())
}

fn check_subtree(base: Element<'_>, findings: &mut Findings) {
    const DNS: u8 = context(2);
    const ADDRESS: u8 = context(7);
    match base.tag {
        DNS if base.contents.starts_with(b".") => {
            findings.add_at(&table::NAME_CONSTRAINTS_DOT, super::subject_names::text(base));
        }
        ADDRESS => {
            let (_, mask) = base.contents.split_at(base.contents.len() / 2);
            let ones: u32 = mask.iter().map(|octet| octet.count_ones()).sum();
            let mut leading = 0;
            for octet in mask {
                leading += octet.leading_ones();
                if *octet != 0xff {
                    break;
                }
            }
            let is_fit = matches!(base.contents.len(), 8 | 32) && ones == leading;
            findings.add_if(&table::NAME_CONSTRAINTS_ADDRESS, !is_fit);
        }
        _ => {}
    }
}
