//! A key in its place, and what a kind of key must supply to have one.

use serde::{Deserialize, Serialize};

use super::id::KeyId;
use crate::secret::SecretBytes;

/// A key and its place in the set.
#[derive(Debug)]
pub struct KeyEntry<K> {
    /// Its name.
    pub id: KeyId,
    /// Where it is in its life.
    pub status: KeyStatus,
    /// The key.
    pub key: K,
}

/// Where a key is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyStatus {
    /// Makes new things; exactly one per set.
    Primary,
    /// Known and published, not yet or no longer primary.
    Active,
    /// On its way out: still checks and opens, never promoted again.
    Retired,
    /// Does nothing.
    Revoked,
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
