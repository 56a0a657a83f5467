//! What every RSA public key must satisfy here, whatever it is used for.

mod roca;

use crate::encoding::base64url;
use crate::hash;

/// Smallest accepted modulus in bits (RFC 7518 §3.3 and §4.3).
pub(crate) const MIN_MODULUS_BITS: usize = 2048;
/// Largest accepted modulus in bits: the cost of a public operation grows with its square.
pub(crate) const MAX_MODULUS_BITS: usize = 4096;

/// 65537 in the form of RFC 7518 §6.3.1.2; small and huge exponents have only ever been attacks.
const EXPONENT_65537: [u8; 3] = [1, 0, 1];

/// What is wrong with modulus or exponent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The modulus is smaller or larger than accepted.
    ModulusSize { bits: usize },
    /// The modulus is even, has leading zeros or the mark of CVE-2017-15361, or the exponent is not 65537.
    Invalid,
}

/// Checks modulus and exponent, big-endian without leading zeros.
pub(crate) fn check(n: &[u8], e: &[u8]) -> Result<(), Fault> {
    let Some((&first, &last)) = n.first().zip(n.last()) else {
        return Err(Fault::Invalid);
    };
    let bits = modulus_bits(n);
    if !(MIN_MODULUS_BITS..=MAX_MODULUS_BITS).contains(&bits) {
        return Err(Fault::ModulusSize { bits });
    }
    if first == 0 || last & 1 == 0 || e != EXPONENT_65537 || roca::has_fingerprint(n) {
        return Err(Fault::Invalid);
    }
    Ok(())
}

/// Length of a modulus that has no leading zero byte, in bits.
pub(crate) fn modulus_bits(n: &[u8]) -> usize {
    let unused = n.first().map_or(0, |first| first.leading_zeros() as usize);
    (n.len() * 8).saturating_sub(unused)
}

/// RFC 7638 §3: SHA-256 over the required members of the JWK in lexical order, without white space.
pub(crate) fn thumbprint(n: &[u8], e: &[u8]) -> String {
    let canonical = format!(
        r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#,
        base64url::encode(e),
        base64url::encode(n),
    );
    base64url::encode(&hash::sha256(canonical.as_bytes()))
}
