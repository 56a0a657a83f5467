//! Public keys of certificates (RFC 5280 §4.1.2.7): which are accepted, and which are too weak.

use super::der::{self, BIT_STRING, INTEGER, NULL, OID, Reader, SEQUENCE};

/// A kind of key, with its size where that varies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyAlgorithm {
    /// ECDSA on P-256 (RFC 5480 §2.1.1.1).
    EcdsaP256,
    /// ECDSA on P-384.
    EcdsaP384,
    /// Ed25519 (RFC 8410).
    Ed25519,
    /// RSA (RFC 3279 §2.3.1).
    Rsa {
        /// Length of the modulus in bits.
        modulus_bits: usize,
    },
}

impl std::fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::EcdsaP256 => f.write_str("ECDSA P-256"),
            Self::EcdsaP384 => f.write_str("ECDSA P-384"),
            Self::Ed25519 => f.write_str("Ed25519"),
            Self::Rsa { modulus_bits } => write!(f, "RSA {modulus_bits}"),
        }
    }
}

/// A public key of a known kind and of sufficient strength.
///
/// That a point lies on its curve shows when a signature is verified with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    algorithm: KeyAlgorithm,
    spki: Vec<u8>,
    bits: Vec<u8>,
}

impl PublicKey {
    /// Shortest accepted RSA modulus in bits.
    pub const MIN_RSA_BITS: usize = 2048;
    /// Longest accepted RSA modulus in bits: verification cost grows with its square.
    pub const MAX_RSA_BITS: usize = 8192;

    /// Reads a DER SubjectPublicKeyInfo.
    ///
    /// # Errors
    ///
    /// [`PublicKeyError`]; RSA keys must have [`Self::MIN_RSA_BITS`] to [`Self::MAX_RSA_BITS`] and the exponent 65537.
    pub fn from_spki_der(spki: &[u8]) -> Result<Self, PublicKeyError> {
        let (algorithm, bits) = split(spki)?;
        Ok(Self {
            algorithm: key_algorithm(algorithm, bits)?,
            spki: spki.to_vec(),
            bits: bits.to_vec(),
        })
    }

    /// From the uncompressed point (SEC 1 §2.3.3) of a P-256 key.
    pub(super) fn from_p256_point(point: &[u8]) -> Result<Self, PublicKeyError> {
        Self::from_spki_der(&spki(&EC_P256, point))
    }

    /// From the uncompressed point of a P-384 key.
    pub(super) fn from_p384_point(point: &[u8]) -> Result<Self, PublicKeyError> {
        Self::from_spki_der(&spki(&EC_P384, point))
    }

    /// From the encoding of RFC 8032 §5.1.5.
    pub(super) fn from_ed25519(key: &[u8; 32]) -> Result<Self, PublicKeyError> {
        Self::from_spki_der(&spki(&ED25519, key))
    }

    /// From modulus and exponent, big-endian without leading zeros.
    pub(super) fn from_rsa_components(n: &[u8], e: &[u8]) -> Result<Self, PublicKeyError> {
        let key = der::write(SEQUENCE, &[&unsigned(n), &unsigned(e)]);
        Self::from_spki_der(&spki(&RSA, &key))
    }

    /// Its kind.
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    /// The SubjectPublicKeyInfo as DER.
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// The bits of the key, without algorithm.
    pub fn bits(&self) -> &[u8] {
        &self.bits
    }
}

/// Why a public key is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublicKeyError {
    /// Not a SubjectPublicKeyInfo of its algorithm.
    #[error("not a well-formed public key")]
    Malformed,
    /// Another algorithm or curve.
    #[error("keys of algorithm {oid} are not supported")]
    Unsupported {
        /// The algorithm or curve.
        oid: String,
    },
    /// An RSA modulus that is too short or too long.
    #[error("RSA modulus of {bits} bits; {min} to {max} are accepted", min = PublicKey::MIN_RSA_BITS, max = PublicKey::MAX_RSA_BITS)]
    ModulusSize {
        /// The size found.
        bits: usize,
    },
    /// An RSA exponent other than 65537: small and huge ones have only ever been attacks.
    #[error("the RSA exponent is not 65537")]
    Exponent,
}

impl From<der::Malformed> for PublicKeyError {
    fn from(_: der::Malformed) -> Self {
        Self::Malformed
    }
}

/// The contents of the AlgorithmIdentifier, and the bits of the key.
pub(super) fn split(spki: &[u8]) -> Result<(&[u8], &[u8]), der::Malformed> {
    let mut whole = Reader::new(spki);
    let mut fields = whole.nested(SEQUENCE)?;
    whole.end()?;
    let algorithm = fields.contents(SEQUENCE)?;
    let bits = fields.octets_of_bit_string()?;
    fields.end()?;
    Ok((algorithm, bits))
}

/// Contents of AlgorithmIdentifiers: id-ecPublicKey with a named curve (RFC 5480 §2.1.1), rsaEncryption with NULL
/// (RFC 3279 §2.3.1), id-Ed25519 without parameters (RFC 8410 §3).
const EC_P256: [u8; 19] = *b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
const EC_P384: [u8; 16] = *b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22";
const RSA: [u8; 13] = *b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";
const ED25519: [u8; 5] = *b"\x06\x03\x2b\x65\x70";
/// Contents of the OID id-ecPublicKey.
const EC_PUBLIC_KEY: [u8; 7] = *b"\x2a\x86\x48\xce\x3d\x02\x01";

fn key_algorithm(algorithm: &[u8], bits: &[u8]) -> Result<KeyAlgorithm, PublicKeyError> {
    if algorithm == EC_P256 {
        uncompressed_point(bits, 32).map(|()| KeyAlgorithm::EcdsaP256)
    } else if algorithm == EC_P384 {
        uncompressed_point(bits, 48).map(|()| KeyAlgorithm::EcdsaP384)
    } else if algorithm == RSA {
        rsa_modulus_bits(bits).map(|modulus_bits| KeyAlgorithm::Rsa { modulus_bits })
    } else if algorithm == ED25519 {
        (bits.len() == 32)
            .then_some(KeyAlgorithm::Ed25519)
            .ok_or(PublicKeyError::Malformed)
    } else {
        Err(unsupported(algorithm)?)
    }
}

/// Names the curve rather than "elliptic curve" where there is one.
fn unsupported(algorithm: &[u8]) -> Result<PublicKeyError, der::Malformed> {
    let mut fields = Reader::new(algorithm);
    let mut oid = fields.contents(OID)?;
    if oid == EC_PUBLIC_KEY
        && let Ok(curve) = fields.contents(OID)
    {
        oid = curve;
    } else if oid == &RSA[2..11] || oid == &ED25519[2..] {
        // The algorithm is known and its parameters are not what its standard says.
        let _ = fields.optional(NULL)?;
        return Ok(PublicKeyError::Malformed);
    }
    Ok(PublicKeyError::Unsupported {
        oid: der::oid_text(oid),
    })
}

/// RFC 5480 §2.2: support for the compressed form is optional, and no verifier here has it.
fn uncompressed_point(bits: &[u8], coordinate: usize) -> Result<(), PublicKeyError> {
    if bits.len() == 1 + 2 * coordinate && bits[0] == 4 {
        Ok(())
    } else {
        Err(PublicKeyError::Malformed)
    }
}

/// RFC 8017 §A.1.1.
fn rsa_modulus_bits(key: &[u8]) -> Result<usize, PublicKeyError> {
    let mut whole = Reader::new(key);
    let mut fields = whole.nested(SEQUENCE)?;
    whole.end()?;
    let (n, e) = (fields.unsigned()?, fields.unsigned()?);
    fields.end()?;
    let (Some(first), Some(last)) = (n.first(), n.last()) else {
        return Err(PublicKeyError::Malformed);
    };
    let bits = (n.len() * 8).saturating_sub(first.leading_zeros() as usize);
    if !(PublicKey::MIN_RSA_BITS..=PublicKey::MAX_RSA_BITS).contains(&bits) {
        return Err(PublicKeyError::ModulusSize { bits });
    }
    if e != [1, 0, 1] {
        return Err(PublicKeyError::Exponent);
    }
    if last & 1 == 0 {
        return Err(PublicKeyError::Malformed);
    }
    Ok(bits)
}

fn spki(algorithm: &[u8], bits: &[u8]) -> Vec<u8> {
    der::write(
        SEQUENCE,
        &[
            &der::write(SEQUENCE, &[algorithm]),
            &der::write(BIT_STRING, &[&[0], bits]),
        ],
    )
}

fn unsigned(value: &[u8]) -> Vec<u8> {
    let padding: &[u8] = if value.first().is_none_or(|first| first & 0x80 != 0) {
        &[0]
    } else {
        &[]
    };
    der::write(INTEGER, &[padding, value])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rsa(bits: usize, e: &[u8]) -> Result<PublicKey, PublicKeyError> {
        let mut n = vec![0xff; bits.div_ceil(8)];
        n[0] >>= (8 - bits % 8) % 8;
        PublicKey::from_rsa_components(&n, e)
    }

    #[test]
    fn refuses_weak_rsa_keys() {
        for bits in [512, 1024, 2040, 2047, 8193, 16384] {
            assert_eq!(rsa(bits, &[1, 0, 1]), Err(PublicKeyError::ModulusSize { bits }));
        }
        for e in [&[3][..], &[1], &[1, 0, 0], &[1, 0, 0, 0, 1]] {
            assert_eq!(rsa(2048, e), Err(PublicKeyError::Exponent), "{e:?}");
        }
        assert_eq!(
            rsa(2048, &[1, 0, 1]).map(|key| key.algorithm()),
            Ok(KeyAlgorithm::Rsa { modulus_bits: 2048 })
        );
    }

    #[test]
    fn refuses_other_curves_by_their_name_and_compressed_points() {
        let p521 = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x23";
        assert_eq!(
            PublicKey::from_spki_der(&spki(p521, &[4; 133])),
            Err(PublicKeyError::Unsupported {
                oid: "1.3.132.0.35".to_owned()
            })
        );
        assert_eq!(
            PublicKey::from_spki_der(&spki(&EC_P256, &[2; 33])),
            Err(PublicKeyError::Malformed)
        );
        // A P-384 point under the name of P-256.
        assert_eq!(
            PublicKey::from_spki_der(&spki(&EC_P256, &[4; 97])),
            Err(PublicKeyError::Malformed)
        );
    }

    #[test]
    fn refuses_known_algorithms_with_other_parameters() {
        let without_null = &RSA[..11];
        let with_null = [&ED25519[..], &[5, 0]].concat();
        for algorithm in [without_null, &with_null] {
            assert_eq!(
                PublicKey::from_spki_der(&spki(algorithm, &[4; 32])),
                Err(PublicKeyError::Malformed)
            );
        }
    }
}
