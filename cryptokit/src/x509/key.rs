//! Private keys of certificates: one type for every algorithm that certificates are made with.

use std::fmt;
use std::str::FromStr;

use super::public_key::{KeyAlgorithm, PublicKey};
use crate::secret::SecretBytes;
use crate::sign::{Ed25519SigningKey, P256SigningKey, P384SigningKey, RsaKeySize, RsaSigningKey, SignError};

/// A kind of key that can be made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyKind {
    /// ECDSA on P-256 with SHA-256: what every TLS stack reads.
    #[default]
    P256,
    /// ECDSA on P-384 with SHA-384.
    P384,
    /// Ed25519. Browsers do not read it in certificates.
    Ed25519,
    /// RSA of this size, signing RSASSA-PKCS1-v1_5 with SHA-256. RSASSA-PSS is not used in certificates: many
    /// verifiers do not read it there.
    Rsa(RsaKeySize),
}

impl KeyKind {
    /// Every kind and size, the default first.
    pub const ALL: [Self; 6] = [
        Self::P256,
        Self::P384,
        Self::Ed25519,
        Self::Rsa(RsaKeySize::Bits2048),
        Self::Rsa(RsaKeySize::Bits3072),
        Self::Rsa(RsaKeySize::Bits4096),
    ];

    /// `p256`, `p384`, `ed25519`, `rsa-2048`, `rsa-3072` or `rsa-4096`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::P256 => "p256",
            Self::P384 => "p384",
            Self::Ed25519 => "ed25519",
            Self::Rsa(RsaKeySize::Bits2048) => "rsa-2048",
            Self::Rsa(RsaKeySize::Bits3072) => "rsa-3072",
            Self::Rsa(RsaKeySize::Bits4096) => "rsa-4096",
        }
    }

    /// The kind that makes keys of this algorithm and size, if one does.
    pub fn of(algorithm: KeyAlgorithm) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| match (kind, algorithm) {
            (Self::P256, KeyAlgorithm::EcdsaP256)
            | (Self::P384, KeyAlgorithm::EcdsaP384)
            | (Self::Ed25519, KeyAlgorithm::Ed25519) => true,
            (Self::Rsa(size), KeyAlgorithm::Rsa { modulus_bits }) => size.bits() == modulus_bits,
            _ => false,
        })
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// No kind of key has this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the kind of key is one of p256, p384, ed25519, rsa-2048, rsa-3072 and rsa-4096")]
pub struct UnknownKeyKind;

impl FromStr for KeyKind {
    type Err = UnknownKeyKind;

    /// Reads [`Self::name`].
    fn from_str(text: &str) -> Result<Self, UnknownKeyKind> {
        let mut kinds = Self::ALL.into_iter();
        kinds.find(|kind| kind.name() == text).ok_or(UnknownKeyKind)
    }
}

/// A private key that certificates are signed with or made for.
#[derive(Debug)]
pub struct CertificateKey {
    key: Inner,
    public_key: PublicKey,
}

#[derive(Debug)]
enum Inner {
    P256(P256SigningKey),
    P384(P384SigningKey),
    Ed25519(Ed25519SigningKey),
    Rsa(RsaSigningKey),
}

impl CertificateKey {
    /// Makes a key: 0.1 ms, but for RSA 30 to 250 ms at 2048 bits and seconds at 4096.
    ///
    /// # Errors
    ///
    /// [`SignError::Backend`] when the backend fails.
    pub fn generate(kind: KeyKind) -> Result<Self, SignError> {
        match kind {
            KeyKind::P256 => P256SigningKey::generate().map(Self::from),
            KeyKind::P384 => P384SigningKey::generate().map(Self::from),
            KeyKind::Ed25519 => Ed25519SigningKey::generate().map(Self::from),
            KeyKind::Rsa(size) => Self::try_from(RsaSigningKey::generate(size)?),
        }
    }

    /// Reads PKCS#8 DER (RFC 5958) of any of the kinds.
    ///
    /// # Errors
    ///
    /// [`SignError`]; [`SignError::InvalidPrivateKey`] when the bytes are a key of none of the kinds.
    pub fn from_pkcs8(pkcs8: SecretBytes) -> Result<Self, SignError> {
        // Each reader takes its own kind only; the copies are wiped like the original.
        let copy = || SecretBytes::new(pkcs8.expose_secret().to_vec());
        if let Ok(key) = P256SigningKey::from_pkcs8(copy()) {
            return Ok(key.into());
        }
        if let Ok(key) = P384SigningKey::from_pkcs8(copy()) {
            return Ok(key.into());
        }
        if let Ok(key) = Ed25519SigningKey::from_pkcs8(copy()) {
            return Ok(key.into());
        }
        RsaSigningKey::from_pkcs8(pkcs8).and_then(Self::try_from)
    }

    /// The key as PKCS#8 DER.
    pub fn pkcs8(&self) -> &SecretBytes {
        match &self.key {
            Inner::P256(key) => key.pkcs8(),
            Inner::P384(key) => key.pkcs8(),
            Inner::Ed25519(key) => key.pkcs8(),
            Inner::Rsa(key) => key.pkcs8(),
        }
    }

    /// The public half.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// The kind and size.
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.public_key.algorithm()
    }

    /// Signs by the algorithm that certificates of this kind of key are signed with.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        match &self.key {
            Inner::P256(key) => key.sign(message),
            Inner::P384(key) => key.sign(message),
            Inner::Ed25519(key) => key.sign(message),
            Inner::Rsa(key) => key.sign(message),
        }
    }
}

impl From<P256SigningKey> for CertificateKey {
    fn from(key: P256SigningKey) -> Self {
        let public_key = PublicKey::from_p256_point(key.public_point()).expect("a P-256 key has such a point");
        let key = Inner::P256(key);
        Self { key, public_key }
    }
}

impl From<P384SigningKey> for CertificateKey {
    fn from(key: P384SigningKey) -> Self {
        let public_key = PublicKey::from_p384_point(key.public_point()).expect("a P-384 key has such a point");
        let key = Inner::P384(key);
        Self { key, public_key }
    }
}

impl From<Ed25519SigningKey> for CertificateKey {
    fn from(key: Ed25519SigningKey) -> Self {
        let public_key = PublicKey::from_ed25519(key.public_key()).expect("any 32 bytes have this form");
        let key = Inner::Ed25519(key);
        Self { key, public_key }
    }
}

impl TryFrom<RsaSigningKey> for CertificateKey {
    type Error = SignError;

    fn try_from(key: RsaSigningKey) -> Result<Self, SignError> {
        let public = key.verifying_key()?;
        let public_key = PublicKey::from_rsa_components(public.modulus(), public.exponent())
            .map_err(|_| SignError::InvalidPublicKey)?;
        let key = Inner::Rsa(key);
        Ok(Self { key, public_key })
    }
}
