//! Public keys: SubjectPublicKeyInfo and its parts.

use std::fmt;

use der::asn1::{AnyRef, BitStringRef, Null, ObjectIdentifier, UintRef};
use der::{Decode, Encode};
use pkcs1::RsaPublicKeyRef;
use pkcs8::spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};

use super::error::KeyFormatError;
use super::object_identifier::{ID_EC_PUBLIC_KEY, ID_ED25519, RSA_ENCRYPTION, SECP256R1, SECP384R1};
use super::private_key::{MAX_KEY_DER_BYTES, only_block};
use super::thumbprint::jwk_thumbprint;
use crate::encoding::{base64url, pem};
use crate::provider::{Curve, EcdsaEncoding, Provider};
use crate::sign::{RsaVerifyingKey, SignError};

/// A kind of key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyType {
    /// RSA of 2048 to 4096 bits (RFC 8017).
    Rsa,
    /// An EC key on P-256 (RFC 5480 §2.1.1.1).
    P256,
    /// An EC key on P-384.
    P384,
    /// Ed25519 (RFC 8032, 8410).
    Ed25519,
}

impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rsa => "RSA",
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::Ed25519 => "Ed25519",
        })
    }
}

/// A public key of a known kind and of sufficient strength.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(pub(super) PublicParts);

#[derive(Clone, PartialEq, Eq)]
pub(super) enum PublicParts {
    /// Big-endian without leading zeros.
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// Uncompressed (SEC 1 §2.3.3).
    Ec {
        curve: Curve,
        point: Vec<u8>,
    },
    Ed25519([u8; 32]),
}

const LABELS: &str = "PUBLIC KEY";

impl PublicKey {
    /// Reads a SubjectPublicKeyInfo.
    ///
    /// # Errors
    ///
    /// [`KeyFormatError::TooLarge`], [`KeyFormatError::Malformed`], [`KeyFormatError::UnsupportedAlgorithm`], and
    /// [`KeyFormatError::PublicKey`] for a weak or impossible key. That an Ed25519 key is a point of its curve shows when
    /// a signature is verified.
    pub fn from_spki_der(der: &[u8]) -> Result<Self, KeyFormatError> {
        if der.len() > MAX_KEY_DER_BYTES {
            return Err(KeyFormatError::TooLarge { bytes: der.len() });
        }
        let spki = SubjectPublicKeyInfoRef::from_der(der).map_err(|_| KeyFormatError::Malformed)?;
        let bits = spki.subject_public_key.as_bytes().ok_or(KeyFormatError::Malformed)?;
        match Algorithm::of(&spki.algorithm)? {
            Algorithm::Rsa => {
                let key = RsaPublicKeyRef::from_der(bits).map_err(|_| KeyFormatError::Malformed)?;
                Self::from_rsa(key.modulus.as_bytes(), key.public_exponent.as_bytes())
            }
            Algorithm::Ec(curve) => Self::from_point(curve, bits),
            Algorithm::Ed25519 => Self::from_ed25519(bits),
        }
    }

    /// Reads the one `PUBLIC KEY` block that the text must be.
    ///
    /// # Errors
    ///
    /// [`KeyFormatError`], with the cause.
    pub fn from_spki_pem(text: &[u8]) -> Result<Self, KeyFormatError> {
        let (label, der) = only_block(text, |label| label == b"PUBLIC KEY", LABELS)?;
        debug_assert_eq!(label, b"PUBLIC KEY");
        Self::from_spki_der(&der)
    }

    /// The key as DER SubjectPublicKeyInfo (RFC 5280 §4.1.2.7).
    ///
    /// # Panics
    ///
    /// Never: the parts were checked when the key was read.
    pub fn to_spki_der(&self) -> Vec<u8> {
        let bits = self.bits();
        SubjectPublicKeyInfoRef {
            algorithm: self.algorithm_identifier(),
            subject_public_key: BitStringRef::from_bytes(&bits).expect("a key is short"),
        }
        .to_der()
        .expect("a key is short")
    }

    /// The key as PEM, label `PUBLIC KEY`.
    pub fn to_spki_pem(&self) -> String {
        pem::encode("PUBLIC KEY", &self.to_spki_der()).to_string()
    }

    /// The kind of key.
    pub fn key_type(&self) -> KeyType {
        match &self.0 {
            PublicParts::Rsa { .. } => KeyType::Rsa,
            PublicParts::Ec { curve: Curve::P256, .. } => KeyType::P256,
            PublicParts::Ec { curve: Curve::P384, .. } => KeyType::P384,
            PublicParts::Ed25519(_) => KeyType::Ed25519,
        }
    }

    /// Modulus and exponent of an RSA key, big-endian without leading zeros.
    pub fn rsa_components(&self) -> Option<(&[u8], &[u8])> {
        match &self.0 {
            PublicParts::Rsa { n, e } => Some((n, e)),
            _ => None,
        }
    }

    /// The public point of an EC key, uncompressed (SEC 1 §2.3.3): 65 bytes on P-256, 97 on P-384.
    pub fn ec_point(&self) -> Option<&[u8]> {
        match &self.0 {
            PublicParts::Ec { point, .. } => Some(point),
            _ => None,
        }
    }

    /// The 32 bytes of an Ed25519 key.
    pub fn ed25519(&self) -> Option<&[u8; 32]> {
        match &self.0 {
            PublicParts::Ed25519(key) => Some(key),
            _ => None,
        }
    }

    /// The RFC 7638 thumbprint with SHA-256, as base64url: 43 characters that name the key wherever it is kept.
    pub fn thumbprint(&self) -> String {
        let encode = |bytes: &[u8]| base64url::encode(bytes);
        match &self.0 {
            // RFC 7638 §3.2
            PublicParts::Rsa { n, e } => jwk_thumbprint(&[("e", &encode(e)), ("kty", "RSA"), ("n", &encode(n))]),
            PublicParts::Ec { curve, point } => {
                let (x, y) = coordinates(point);
                jwk_thumbprint(&[
                    ("crv", curve_name(*curve)),
                    ("kty", "EC"),
                    ("x", &encode(x)),
                    ("y", &encode(y)),
                ])
            }
            // RFC 8037 §2
            PublicParts::Ed25519(key) => jwk_thumbprint(&[("crv", "Ed25519"), ("kty", "OKP"), ("x", &encode(key))]),
        }
    }

    pub(super) fn from_rsa(n: &[u8], e: &[u8]) -> Result<Self, KeyFormatError> {
        // Size, parity and exponent are checked in one place for the whole crate.
        RsaVerifyingKey::from_components(n, e).map_err(KeyFormatError::PublicKey)?;
        Ok(Self(PublicParts::Rsa {
            n: n.to_vec(),
            e: e.to_vec(),
        }))
    }

    pub(super) fn from_point(curve: Curve, point: &[u8]) -> Result<Self, KeyFormatError> {
        Provider::default()
            .backend()
            .ec_verifier(curve, EcdsaEncoding::Asn1, point)
            .map_err(|_| KeyFormatError::PublicKey(SignError::InvalidPublicKey))?;
        Ok(Self(PublicParts::Ec {
            curve,
            point: point.to_vec(),
        }))
    }

    pub(super) fn from_ed25519(key: &[u8]) -> Result<Self, KeyFormatError> {
        let key = key.try_into().map_err(|_| KeyFormatError::Malformed)?;
        Ok(Self(PublicParts::Ed25519(key)))
    }

    /// What the BIT STRING of a SubjectPublicKeyInfo holds.
    pub(super) fn bits(&self) -> Vec<u8> {
        match &self.0 {
            PublicParts::Rsa { n, e } => RsaPublicKeyRef {
                modulus: UintRef::new(n).expect("a modulus is short"),
                public_exponent: UintRef::new(e).expect("an exponent is short"),
            }
            .to_der()
            .expect("a key is short"),
            PublicParts::Ec { point, .. } => point.clone(),
            PublicParts::Ed25519(key) => key.to_vec(),
        }
    }

    pub(super) fn algorithm_identifier(&self) -> AlgorithmIdentifierRef<'static> {
        match &self.0 {
            PublicParts::Rsa { .. } => Algorithm::Rsa,
            PublicParts::Ec { curve, .. } => Algorithm::Ec(*curve),
            PublicParts::Ed25519(_) => Algorithm::Ed25519,
        }
        .identifier()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({}, {})", self.key_type(), self.thumbprint())
    }
}

/// What an AlgorithmIdentifier of a key says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    Rsa,
    Ec(Curve),
    Ed25519,
}

impl Algorithm {
    pub(super) fn of(identifier: &AlgorithmIdentifierRef<'_>) -> Result<Self, KeyFormatError> {
        match (identifier.oid, identifier.parameters) {
            // RFC 3279 §2.3.1: the parameters are NULL.
            (RSA_ENCRYPTION, Some(parameters)) if parameters.is_null() => Ok(Self::Rsa),
            // RFC 5480 §2.1.1: a named curve.
            (ID_EC_PUBLIC_KEY, Some(parameters)) => {
                let curve = parameters
                    .decode_as::<ObjectIdentifier>()
                    .map_err(|_| KeyFormatError::UnsupportedAlgorithm)?;
                Self::of_curve(&curve)
            }
            // RFC 8410 §3: the parameters are absent.
            (ID_ED25519, None) => Ok(Self::Ed25519),
            (RSA_ENCRYPTION | ID_EC_PUBLIC_KEY | ID_ED25519, _) => Err(KeyFormatError::Malformed),
            _ => Err(KeyFormatError::UnsupportedAlgorithm),
        }
    }

    pub(super) fn of_curve(curve: &ObjectIdentifier) -> Result<Self, KeyFormatError> {
        match *curve {
            SECP256R1 => Ok(Self::Ec(Curve::P256)),
            SECP384R1 => Ok(Self::Ec(Curve::P384)),
            _ => Err(KeyFormatError::UnsupportedAlgorithm),
        }
    }

    fn identifier(self) -> AlgorithmIdentifierRef<'static> {
        let (oid, parameters) = match self {
            Self::Rsa => (RSA_ENCRYPTION, Some(AnyRef::from(Null))),
            Self::Ec(Curve::P256) => (ID_EC_PUBLIC_KEY, Some(AnyRef::from(&SECP256R1))),
            Self::Ec(Curve::P384) => (ID_EC_PUBLIC_KEY, Some(AnyRef::from(&SECP384R1))),
            Self::Ed25519 => (ID_ED25519, None),
        };
        AlgorithmIdentifierRef { oid, parameters }
    }
}

/// The names of RFC 7518 §6.2.1.1.
pub(super) fn curve_name(curve: Curve) -> &'static str {
    match curve {
        Curve::P256 => "P-256",
        Curve::P384 => "P-384",
    }
}

/// x and y of an uncompressed point.
pub(super) fn coordinates(point: &[u8]) -> (&[u8], &[u8]) {
    let both = &point[1..];
    both.split_at(both.len() / 2)
}
