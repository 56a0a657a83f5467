//! A certificate or list beside its issuer, when that is among the documents.

use super::Findings;
use super::fields::read_time;
use super::key_usage::CRL_SIGN;
use super::table;
use super::view::{CertificateView, RevocationListView};
use crate::der::Element;
use crate::documents::{Document, DocumentKind};

pub(super) fn check_certificate(view: &CertificateView<'_>, others: &[Document], findings: &mut Findings) {
    let issuers = issuers_named(view.issuer, others);
    let Some(issuer) = best(&issuers, view.authority_key_identifier()) else {
        return;
    };
    check_key_identifier(view.authority_key_identifier(), issuer, findings);
    findings.add_if(&table::ISSUER_NOT_CA, !issuer.is_ca());
    if let (Some(end), Some(issuer_end)) = (read_time(view.not_after), read_time(issuer.not_after)) {
        findings.add_if(&table::OUTLIVES_ISSUER, end > issuer_end);
    }
}

pub(super) fn check_revocation_list(view: &RevocationListView<'_>, others: &[Document], findings: &mut Findings) {
    let issuers = issuers_named(view.issuer, others);
    let Some(issuer) = best(&issuers, view.authority_key_identifier()) else {
        return;
    };
    check_key_identifier(view.authority_key_identifier(), issuer, findings);
    let may_sign = issuer.key_usage().is_none_or(|usage| usage & CRL_SIGN != 0);
    findings.add_if(&table::ISSUER_WITHOUT_CRL_SIGN, !may_sign);
}

fn check_key_identifier(named: Option<&[u8]>, issuer: &CertificateView<'_>, findings: &mut Findings) {
    if let (Some(named), Some(own)) = (named, issuer.subject_key_identifier()) {
        findings.add_if(&table::AKI_NOT_ISSUER_SKI, named != own);
    }
}

fn issuers_named<'a>(name: Element<'_>, others: &'a [Document]) -> Vec<CertificateView<'a>> {
    let certificates = others.iter().filter(|other| other.kind == DocumentKind::Certificate);
    certificates
        .filter_map(|other| CertificateView::read(&other.der).ok())
        .filter(|issuer| issuer.subject.contents == name.contents && !name.contents.is_empty())
        .collect()
}

/// The one with the key that is named, or the first of the name.
fn best<'v, 'a>(issuers: &'v [CertificateView<'a>], named: Option<&[u8]>) -> Option<&'v CertificateView<'a>> {
    let has_key = |issuer: &&CertificateView<'_>| named.is_some() && issuer.subject_key_identifier() == named;
    issuers.iter().find(has_key).or_else(|| issuers.first())
}
