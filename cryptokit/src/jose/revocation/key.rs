//! Keys of a revocation feed: types of their own, so that no key signs both tokens and revocations.

use crate::jose::jwk::Jwk;
use crate::keyset::{InvalidMaterial, KeyMaterial};
use crate::secret::SecretBytes;
use crate::sign::{Ed25519SigningKey, Ed25519VerifyingKey, SignError};

/// An Ed25519 key that signs a revocation feed and nothing else. It is never in the JWKS.
///
/// ```compile_fail,E0277
/// use cryptokit::jose::{FeedSigningKey, TokenKeys};
/// use cryptokit::keyset::Keyset;
///
/// let keys = TokenKeys::new(Keyset::new("tokens", FeedSigningKey::generate()?));
/// # Ok::<(), cryptokit::sign::SignError>(())
/// ```
#[derive(Debug)]
pub struct FeedSigningKey(pub(super) Ed25519SigningKey);

/// An Ed25519 key that verifies a revocation feed and nothing else.
#[derive(Debug)]
pub struct FeedVerifyingKey(pub(super) Ed25519VerifyingKey);

impl FeedSigningKey {
    /// Makes a key.
    ///
    /// # Errors
    ///
    /// [`SignError::Backend`] when the backend fails.
    pub fn generate() -> Result<Self, SignError> {
        Ed25519SigningKey::generate().map(Self)
    }

    /// The public half, for those who verify.
    ///
    /// # Errors
    ///
    /// [`SignError::InvalidPublicKey`] when the backend refuses it.
    pub fn verifying_key(&self) -> Result<FeedVerifyingKey, SignError> {
        self.0.verifying_key().map(FeedVerifyingKey)
    }
}

impl From<Ed25519SigningKey> for FeedSigningKey {
    /// Dedicates a key to a feed. Use it for nothing else.
    fn from(key: Ed25519SigningKey) -> Self {
        Self(key)
    }
}

impl FeedVerifyingKey {
    /// Takes the public key's 32 bytes (RFC 8032 §5.1.5).
    ///
    /// # Errors
    ///
    /// As [`Ed25519VerifyingKey::from_public_key`].
    pub fn from_public_key(public: &[u8; 32]) -> Result<Self, SignError> {
        Ed25519VerifyingKey::from_public_key(public).map(Self)
    }

    /// The public key's 32 bytes.
    pub fn public_key(&self) -> &[u8; 32] {
        self.0.public_key()
    }

    /// The key's name in documents: its RFC 7638 thumbprint.
    pub fn kid(&self) -> String {
        Jwk::ed25519_thumbprint(self.0.public_key())
    }
}

impl KeyMaterial for FeedSigningKey {
    const PURPOSE: &'static str = "revocation-feed-signing";

    fn algorithm(&self) -> &'static str {
        "EdDSA"
    }

    fn to_bytes(&self) -> SecretBytes {
        SecretBytes::new(self.0.pkcs8().expose_secret().to_vec())
    }

    fn from_bytes(algorithm: &str, bytes: SecretBytes) -> Result<Self, InvalidMaterial> {
        if algorithm != "EdDSA" {
            return Err(InvalidMaterial);
        }
        Ed25519SigningKey::from_pkcs8(bytes)
            .map(Self)
            .map_err(|_| InvalidMaterial)
    }
}
