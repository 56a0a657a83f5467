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

/// A kind of key that a keyset can hold.
pub trait KeyMaterial: Sized {
    /// Names the kind in the sealed form. Part of the associated data.
    const PURPOSE: &'static str;

    /// The key as bytes, for sealing.
    fn to_bytes(&self) -> SecretBytes;

    /// Reads what [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    ///
    /// [`InvalidMaterial`] when the bytes are anything else.
    fn from_bytes(bytes: SecretBytes) -> Result<Self, InvalidMaterial>;
}
