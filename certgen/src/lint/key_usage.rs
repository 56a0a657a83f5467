//! keyUsage and extKeyUsage, and whether they fit the key and the role (RFC 5280 §4.2.1.3, §4.2.1.12).

use super::Findings;
use super::key::KeyKind;
use super::table;
use super::view::{CertificateView, bits, oid, purposes};

const DIGITAL_SIGNATURE: u16 = 1;
const NON_REPUDIATION: u16 = 1 << 1;
const KEY_ENCIPHERMENT: u16 = 1 << 2;
const DATA_ENCIPHERMENT: u16 = 1 << 3;
const KEY_AGREEMENT: u16 = 1 << 4;
pub(super) const KEY_CERT_SIGN: u16 = 1 << 5;
pub(super) const CRL_SIGN: u16 = 1 << 6;

pub(super) fn check(view: &CertificateView<'_>, kind: KeyKind, findings: &mut Findings) {
    let is_ca = view.is_ca();
    match view.extension(oid::KEY_USAGE) {
        None if is_ca => findings.add(&table::CA_WITHOUT_KEY_USAGE),
        None => findings.add(&table::LEAF_WITHOUT_KEY_USAGE),
        Some(extension) => {
            findings.add_if(&table::KEY_USAGE_NOT_CRITICAL, !extension.critical);
            match bits(extension.value) {
                Ok(usage) => check_bits(usage, is_ca, kind, findings),
                Err(_) => findings.add_at(&table::EXTENSION_MALFORMED, "keyUsage"),
            }
        }
    }
    check_purposes(view, is_ca, findings);
}

/// Whether the bits fit the key. Of requests as well.
pub(super) fn check_fit(usage: u16, kind: KeyKind, findings: &mut Findings) {
    match kind {
        KeyKind::Ec => findings.add_if(
            &table::EC_KEY_USAGE,
            usage & (KEY_ENCIPHERMENT | DATA_ENCIPHERMENT) != 0,
        ),
        // RFC 9295 §3: keyEncipherment, dataEncipherment and keyAgreement among what must not be.
        KeyKind::EdDsa => {
            let allowed = DIGITAL_SIGNATURE | NON_REPUDIATION | KEY_CERT_SIGN | CRL_SIGN;
            findings.add_if(&table::EDDSA_KEY_USAGE, usage & !allowed != 0);
        }
        KeyKind::Rsa => findings.add_if(&table::RSA_KEY_AGREEMENT, usage & KEY_AGREEMENT != 0),
        KeyKind::Other => {}
    }
}

fn check_bits(usage: u16, is_ca: bool, kind: KeyKind, findings: &mut Findings) {
    let signs_certificates = usage & KEY_CERT_SIGN != 0;
    findings.add_if(&table::KEY_USAGE_EMPTY, usage == 0);
    findings.add_if(&table::CA_WITHOUT_CERT_SIGN, is_ca && !signs_certificates);
    findings.add_if(&table::CERT_SIGN_WITHOUT_CA, !is_ca && signs_certificates);
    let may_sign = usage & DIGITAL_SIGNATURE != 0;
    findings.add_if(&table::LEAF_WITHOUT_DIGITAL_SIGNATURE, !is_ca && !may_sign);
    check_fit(usage, kind, findings);
}

fn check_purposes(view: &CertificateView<'_>, is_ca: bool, findings: &mut Findings) {
    let Some(extension) = view.extension(oid::EXTENDED_KEY_USAGE) else {
        findings.add_if(&table::EKU_MISSING, !is_ca);
        return;
    };
    let Ok(purposes) = purposes(extension.value) else {
        findings.add_at(&table::EXTENSION_MALFORMED, "extKeyUsage");
        return;
    };
    findings.add_if(&table::EKU_ANY, purposes.contains(&oid::ANY_EXTENDED_KEY_USAGE));
    findings.add_if(&table::EKU_ON_ROOT, is_ca && view.is_self_issued());
}
