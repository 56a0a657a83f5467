//! The keys of the chain: Ed25519 (RFC 8032), for nothing else, and never in the JWKS.

use std::collections::BTreeMap;

use cryptokit::encoding::base64url;
use cryptokit::keyset::{InvalidMaterial, KeyId, KeyMaterial, Keyset};
use cryptokit::secret::SecretBytes;
use cryptokit::sign::{Ed25519SigningKey, Ed25519VerifyingKey, SignError};

/// Signs records of the audit chain.
#[derive(Debug)]
pub struct AuditSigningKey(Ed25519SigningKey);

impl AuditSigningKey {
    /// Makes a key.
    ///
    /// # Errors
    ///
    /// [`SignError::Backend`] when the backend fails.
    pub fn generate() -> Result<Self, SignError> {
        Ed25519SigningKey::generate().map(Self)
    }

    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.0.sign(message)
    }
}

impl KeyMaterial for AuditSigningKey {
    const PURPOSE: &'static str = "audit-signing";

    fn algorithm(&self) -> &'static str {
        "Ed25519"
    }

    fn to_bytes(&self) -> SecretBytes {
        SecretBytes::new(self.0.pkcs8().expose_secret().to_vec())
    }

    fn from_bytes(algorithm: &str, bytes: SecretBytes) -> Result<Self, InvalidMaterial> {
        if algorithm != "Ed25519" {
            return Err(InvalidMaterial);
        }
        Ed25519SigningKey::from_pkcs8(bytes)
            .map(Self)
            .map_err(|_| InvalidMaterial)
    }
}

/// The public halves, by key id: what a verifier needs, and all it needs.
#[derive(Debug, Default)]
pub struct PublicKeys(BTreeMap<KeyId, Ed25519VerifyingKey>);

/// The text is not a list of public keys as [`PublicKeys::to_text`] writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a list of audit keys: lines of {LABEL}:KEY_ID:PUBLIC_KEY")]
pub struct InvalidPublicKeys;

const LABEL: &str = "authsvc-audit-key-1";
/// More keys than an installation ever has.
const MAX_KEYS: usize = 1024;

impl PublicKeys {
    /// Of all keys of a set, whatever their status: old records stay verifiable.
    ///
    /// # Errors
    ///
    /// [`SignError`] when the backend fails.
    pub fn of(keys: &Keyset<AuditSigningKey>) -> Result<Self, SignError> {
        keys.entries()
            .iter()
            .map(|entry| Ok((entry.id, entry.key.0.verifying_key()?)))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// One line for each key: `authsvc-audit-key-1:`, its id, `:`, the 32 bytes of the key in base64url.
    pub fn to_text(&self) -> String {
        self.0
            .iter()
            .map(|(id, key)| format!("{LABEL}:{id}:{}\n", base64url::encode(key.public_key())))
            .collect()
    }

    /// Reads what [`Self::to_text`] wrote. Empty lines and lines that begin with `#` are passed over.
    ///
    /// # Errors
    ///
    /// [`InvalidPublicKeys`].
    pub fn from_text(text: &str) -> Result<Self, InvalidPublicKeys> {
        let mut keys = BTreeMap::new();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let mut parts = line.split(':');
            let (Some(LABEL), Some(id), Some(key), None) = (parts.next(), parts.next(), parts.next(), parts.next())
            else {
                return Err(InvalidPublicKeys);
            };
            let id = KeyId::from_hex(id).ok_or(InvalidPublicKeys)?;
            let key = base64url::decode(key).map_err(|_| InvalidPublicKeys)?;
            let key: [u8; 32] = key.try_into().map_err(|_| InvalidPublicKeys)?;
            let key = Ed25519VerifyingKey::from_public_key(&key).map_err(|_| InvalidPublicKeys)?;
            if keys.insert(id, key).is_some() || keys.len() > MAX_KEYS {
                return Err(InvalidPublicKeys);
            }
        }
        Ok(Self(keys))
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `None` for a key that is not known.
    pub(super) fn verify(&self, id: KeyId, message: &[u8], signature: &[u8]) -> Option<bool> {
        Some(self.0.get(&id)?.verify(message, signature).is_ok())
    }
}
