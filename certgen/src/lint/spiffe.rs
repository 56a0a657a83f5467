//! What X509-SVID asks of a certificate that has a SPIFFE id.

use cryptokit::x509::Uri;

use super::Findings;
use super::key_usage::{CRL_SIGN, KEY_CERT_SIGN};
use super::subject_names::{URI, ascii};
use super::table;
use super::view::{CertificateView, oid};
use crate::der::Element;

const SCHEME: &str = "spiffe://";

pub(super) fn check(view: &CertificateView<'_>, names: &[Element<'_>], findings: &mut Findings) {
    let uris: Vec<&str> = names
        .iter()
        .filter(|name| name.tag == URI)
        .map(|name| ascii(*name).unwrap_or_default())
        .collect();
    let is_id = |uri: &&&str| {
        uri.get(..SCHEME.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(SCHEME))
    };
    let Some(id) = uris.iter().find(is_id) else {
        return;
    };
    findings.add_if(&table::SPIFFE_SEVERAL_URIS, uris.len() > 1);
    let has_path = id.get(SCHEME.len()..).is_some_and(|rest| rest.contains('/'));
    let is_readable = Uri::parse(id).is_ok_and(|uri| uri.is_spiffe());
    if !is_readable || !id.starts_with(SCHEME) {
        findings.add_at(&table::SPIFFE_ID_MALFORMED, super::names::escaped(id));
    } else if view.is_ca() {
        findings.add_if(&table::SPIFFE_AUTHORITY_WITH_PATH, has_path);
    } else {
        findings.add_if(&table::SPIFFE_LEAF_WITHOUT_PATH, !has_path);
    }
    if !view.is_ca() {
        check_leaf(view, findings);
    }
}

fn check_leaf(view: &CertificateView<'_>, findings: &mut Findings) {
    let is_critical = view.extension(oid::KEY_USAGE).is_some_and(|usage| usage.critical);
    let is_fit = view
        .key_usage()
        .is_some_and(|usage| usage & 1 != 0 && usage & (KEY_CERT_SIGN | CRL_SIGN) == 0);
    findings.add_if(&table::SPIFFE_KEY_USAGE, !is_critical || !is_fit);
    if let Some(purposes) = view.purposes() {
        let has_both = [oid::SERVER_AUTH, oid::CLIENT_AUTH]
            .iter()
            .all(|one| purposes.contains(one));
        findings.add_if(&table::SPIFFE_EKU, !has_both);
    }
}
