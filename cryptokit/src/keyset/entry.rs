//! A key in its place, and what a kind of key must supply to have one.

use time::OffsetDateTime;

use super::id::KeyId;
use super::status::KeyStatus;
use super::usage_period::UsagePeriod;
use crate::secret::SecretBytes;

/// A key and its place in the set.
#[derive(Debug)]
pub struct KeyEntry<K> {
    /// Its name.
    pub id: KeyId,
    /// Where it is in its life.
    pub status: KeyStatus,
    /// When it may make new things.
    pub usage_period: UsagePeriod,
    /// For a retired key: the last second in which what it made may still have to be checked or opened, if that was
    /// said. Afterwards it may be pruned.
    pub needed_until: Option<OffsetDateTime>,
    /// The key.
    pub key: K,
}

impl<K> KeyEntry<K> {
    pub(super) fn new(id: KeyId, status: KeyStatus, key: K) -> Self {
        Self {
            id,
            status,
            usage_period: UsagePeriod::ALWAYS,
            needed_until: None,
            key,
        }
    }
}

/// The bytes are not key material of this kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidMaterial;

/// A kind of key that a keyset can hold. A kind may hold keys of several algorithms; each key says its own.
pub trait KeyMaterial: Sized {
    /// Names the kind in the sealed form, such as `aead` or `token-signing`. Part of the associated data, so that a
    /// keyset of one kind never opens as another.
    const PURPOSE: &'static str;

    /// What this kind was called when keys did not say their algorithm yet; `None` for kinds that are younger than
    /// version 2 of the sealed form.
    const VERSION_1: Option<Version1> = None;

    /// The key's algorithm, stored beside it: the name in the JOSE registry (RFC 7518) where there is one, such as
    /// `A256GCM`, `RS256` or `RSA-OAEP-256`.
    fn algorithm(&self) -> &'static str;

    /// The key as bytes, for sealing: raw for symmetric keys, PKCS#8 DER for private keys.
    fn to_bytes(&self) -> SecretBytes;

    /// Reads what [`Self::to_bytes`] wrote for a key of that algorithm.
    ///
    /// # Errors
    ///
    /// [`InvalidMaterial`] when the algorithm is none of this kind's or the bytes are no such key.
    fn from_bytes(algorithm: &str, bytes: SecretBytes) -> Result<Self, InvalidMaterial>;
}

/// How version 1 of the sealed form described a kind of key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version1 {
    /// Its purpose.
    pub purpose: &'static str,
    /// The one algorithm its keys had.
    pub algorithm: &'static str,
}
