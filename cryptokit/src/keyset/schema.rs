//! The sealed JSON form of a keyset.

use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use super::entry::{InvalidMaterial, KeyEntry, KeyMaterial, KeyStatus};
use super::error::KeysetError;
use super::id::KeyId;
use crate::aead::AssociatedData;
use crate::encoding::base64url;
use crate::secret::SecretBytes;

/// Version of the sealed JSON form.
pub(super) const SCHEMA_VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SealedKeyset {
    pub(super) version: u32,
    pub(super) name: String,
    pub(super) purpose: String,
    pub(super) sealed: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredKeyset {
    pub(super) keys: Vec<StoredKey>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredKey {
    pub(super) id: String,
    pub(super) status: KeyStatus,
    pub(super) material: String,
}

impl Drop for StoredKey {
    fn drop(&mut self) {
        self.material.zeroize();
    }
}

pub(super) fn read_entry<K: KeyMaterial>(stored: &StoredKey) -> Result<KeyEntry<K>, KeysetError> {
    let id = KeyId::from_hex(&stored.id).ok_or(KeysetError::Open)?;
    let material = base64url::decode(&stored.material).map_err(|_| KeysetError::Open)?;
    let key = K::from_bytes(SecretBytes::new(material)).map_err(|InvalidMaterial| KeysetError::Open)?;
    Ok(KeyEntry {
        id,
        status: stored.status,
        key,
    })
}

pub(super) fn binding<K: KeyMaterial>(name: &str) -> AssociatedData {
    AssociatedData::new("cryptokit keyset")
        .with(&SCHEMA_VERSION.to_be_bytes())
        .with(K::PURPOSE.as_bytes())
        .with(name.as_bytes())
}
