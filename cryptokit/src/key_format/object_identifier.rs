//! Object identifiers of keys and of their encryption, by their standard names.

use der::asn1::ObjectIdentifier;

/// RFC 8017 appendix A.1.
pub(super) const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// RFC 5480 §2.1.1.
pub(super) const ID_EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// RFC 5480 §2.1.1.1: P-256.
pub(super) const SECP256R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
/// RFC 5480 §2.1.1.1: P-384.
pub(super) const SECP384R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
/// RFC 8410 §3.
pub(super) const ID_ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// RFC 8018 appendix A.4.
pub(crate) const ID_PBES2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.13");
/// RFC 8018 appendix A.2.
pub(super) const ID_PBKDF2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.12");
/// RFC 7914 §7.
pub(super) const ID_SCRYPT: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.11591.4.11");
/// RFC 8018 appendix B.1.1.
pub(super) const ID_HMAC_WITH_SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.2.7");
/// RFC 8018 appendix B.1.2.
pub(super) const ID_HMAC_WITH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.2.9");
/// RFC 8018 appendix B.1.2.
pub(super) const ID_HMAC_WITH_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.2.11");
/// NIST CSOR, RFC 8018 appendix C.
pub(super) const AES128_CBC_PAD: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.2");
/// NIST CSOR, RFC 8018 appendix C.
pub(super) const AES192_CBC_PAD: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.22");
/// NIST CSOR, RFC 8018 appendix C.
pub(super) const AES256_CBC_PAD: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.42");

/// What an encryption is called that is not read.
pub(crate) fn name_of_refused(oid: &ObjectIdentifier) -> &'static str {
    REFUSED
        .iter()
        .find_map(|(refused, name)| (refused == oid).then_some(*name))
        .unwrap_or("an unknown scheme")
}

const REFUSED: [(ObjectIdentifier, &str); 19] = [
    // RFC 8018 appendix A.3
    (
        ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.1"),
        "PBES1 (MD2 and DES)",
    ),
    (
        ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.4"),
        "PBES1 (MD2 and RC2)",
    ),
    (
        ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.3"),
        "PBES1 (MD5 and DES)",
    ),
    (
        ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.6"),
        "PBES1 (MD5 and RC2)",
    ),
    (
        ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.10"),
        "PBES1 (SHA-1 and DES)",
    ),
    (
        ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.11"),
        "PBES1 (SHA-1 and RC2)",
    ),
    // RFC 7292 appendix C
    (
        ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.1"),
        "PKCS#12 encryption (RC4)",
    ),
    (
        ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.2"),
        "PKCS#12 encryption (RC4)",
    ),
    (
        ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.3"),
        "PKCS#12 encryption (3DES)",
    ),
    (
        ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.4"),
        "PKCS#12 encryption (3DES)",
    ),
    (
        ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.5"),
        "PKCS#12 encryption (RC2)",
    ),
    (
        ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.6"),
        "PKCS#12 encryption (RC2)",
    ),
    // RFC 8018 appendix B.2
    (ObjectIdentifier::new_unwrap("1.3.14.3.2.7"), "DES"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.3.7"), "3DES"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.3.2"), "RC2"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.3.9"), "RC5"),
    // RFC 8018 appendix B.1.2
    (
        ObjectIdentifier::new_unwrap("1.2.840.113549.2.8"),
        "PBKDF2 with HMAC-SHA-224",
    ),
    (
        ObjectIdentifier::new_unwrap("1.2.840.113549.2.10"),
        "PBKDF2 with HMAC-SHA-384",
    ),
    // RFC 5084 §3.2
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.46"), "AES-256-GCM"),
];
