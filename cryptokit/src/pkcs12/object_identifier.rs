//! Object identifiers of PKCS#12, by their standard names.

use der::asn1::ObjectIdentifier;

const fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

/// RFC 2315 §14.
pub(super) const DATA: ObjectIdentifier = oid("1.2.840.113549.1.7.1");
/// RFC 2315 §14: integrity by a signature.
pub(super) const SIGNED_DATA: ObjectIdentifier = oid("1.2.840.113549.1.7.2");
/// RFC 2315 §14: secrecy by a public key.
pub(super) const ENVELOPED_DATA: ObjectIdentifier = oid("1.2.840.113549.1.7.3");
/// RFC 2315 §14.
pub(super) const ENCRYPTED_DATA: ObjectIdentifier = oid("1.2.840.113549.1.7.6");

/// RFC 7292 §4.2.1.
pub(super) const KEY_BAG: ObjectIdentifier = oid("1.2.840.113549.1.12.10.1.1");
/// RFC 7292 §4.2.2.
pub(super) const PKCS8_SHROUDED_KEY_BAG: ObjectIdentifier = oid("1.2.840.113549.1.12.10.1.2");
/// RFC 7292 §4.2.3.
pub(super) const CERT_BAG: ObjectIdentifier = oid("1.2.840.113549.1.12.10.1.3");
/// RFC 7292 §4.2.6.
pub(super) const SAFE_CONTENTS_BAG: ObjectIdentifier = oid("1.2.840.113549.1.12.10.1.6");
/// RFC 7292 §4.2.3.
pub(super) const X509_CERTIFICATE: ObjectIdentifier = oid("1.2.840.113549.1.9.22.1");

/// RFC 2985 §5.5.1.
pub(super) const FRIENDLY_NAME: ObjectIdentifier = oid("1.2.840.113549.1.9.20");
/// RFC 2985 §5.5.2.
pub(super) const LOCAL_KEY_ID: ObjectIdentifier = oid("1.2.840.113549.1.9.21");
/// Oracle's: Java takes a certificate without a key for trusted only if it carries this attribute.
pub(super) const TRUSTED_KEY_USAGE: ObjectIdentifier = oid("2.16.840.1.113894.746875.1.1");
/// RFC 5280 §4.2.1.12: the purpose for which Java means that.
pub(super) const ANY_EXTENDED_KEY_USAGE: ObjectIdentifier = oid("2.5.29.37.0");

/// RFC 7292 appendix C.
pub(super) const PBE_WITH_SHA_AND_3_KEY_TRIPLE_DES_CBC: ObjectIdentifier = oid("1.2.840.113549.1.12.1.3");

/// RFC 8017 appendix B.1.
pub(super) const ID_SHA1: ObjectIdentifier = oid("1.3.14.3.2.26");
/// RFC 8017 appendix B.1.
pub(super) const ID_SHA256: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.1");
/// RFC 8017 appendix B.1.
pub(super) const ID_SHA512: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.3");

/// What an integrity protection is called that is not read.
pub(super) fn name_of_refused_mac(oid: &ObjectIdentifier) -> &'static str {
    REFUSED_MACS
        .iter()
        .find_map(|(refused, name)| (refused == oid).then_some(*name))
        .unwrap_or("an unknown integrity protection")
}

const REFUSED_MACS: [(ObjectIdentifier, &str); 6] = [
    (oid("1.2.840.113549.2.5"), "integrity by HMAC-MD5"),
    // RFC 9579
    (oid("1.2.840.113549.1.5.14"), "integrity by PBMAC1"),
    (oid("2.16.840.1.101.3.4.2.4"), "integrity by HMAC-SHA-224"),
    (oid("2.16.840.1.101.3.4.2.2"), "integrity by HMAC-SHA-384"),
    (oid("2.16.840.1.101.3.4.2.5"), "integrity by HMAC-SHA-512/224"),
    (oid("2.16.840.1.101.3.4.2.6"), "integrity by HMAC-SHA-512/256"),
];
