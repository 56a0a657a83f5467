//! The sealed JSON form of a keyset.

use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use super::entry::{InvalidMaterial, KeyEntry, KeyMaterial, KeyStatus};
use super::error::KeysetError;
use super::id::KeyId;
use crate::aead::AssociatedData;
use crate::encoding::base64url;
use crate::secret::SecretBytes;

/// Version of the sealed JSON form that is written.
pub(super) const SCHEMA_VERSION: u32 = 2;

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
    /// From version 2 on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) algorithm: Option<String>,
    pub(super) material: String,
}

impl Drop for StoredKey {
    fn drop(&mut self) {
        self.material.zeroize();
    }
}

/// What the sealed form of a version says about keys of kind `K`.
pub(super) struct Version {
    number: u32,
    purpose: &'static str,
    /// The algorithm of every key, where keys do not say theirs.
    algorithm: Option<&'static str>,
}

impl Version {
    pub(super) fn current<K: KeyMaterial>() -> Self {
        Self {
            number: SCHEMA_VERSION,
            purpose: K::PURPOSE,
            algorithm: None,
        }
    }

    pub(super) fn of<K: KeyMaterial>(number: u32) -> Result<Self, KeysetError> {
        match (number, K::VERSION_1) {
            (SCHEMA_VERSION, _) => Ok(Self::current::<K>()),
            (1, Some(version_1)) => Ok(Self {
                number,
                purpose: version_1.purpose,
                algorithm: Some(version_1.algorithm),
            }),
            (1, None) => Err(KeysetError::Open),
            _ => Err(KeysetError::Version),
        }
    }

    pub(super) fn binding(&self, name: &str) -> AssociatedData {
        AssociatedData::new("cryptokit keyset")
            .with(&self.number.to_be_bytes())
            .with(self.purpose.as_bytes())
            .with(name.as_bytes())
    }

    pub(super) fn read_entry<K: KeyMaterial>(&self, stored: &StoredKey) -> Result<KeyEntry<K>, KeysetError> {
        let id = KeyId::from_hex(&stored.id).ok_or(KeysetError::Open)?;
        let algorithm = match (self.algorithm, &stored.algorithm) {
            (Some(algorithm), None) => algorithm,
            (None, Some(algorithm)) => algorithm,
            _ => return Err(KeysetError::Open),
        };
        let material = base64url::decode(&stored.material).map_err(|_| KeysetError::Open)?;
        let key = K::from_bytes(algorithm, SecretBytes::new(material)).map_err(|InvalidMaterial| KeysetError::Open)?;
        Ok(KeyEntry {
            id,
            status: stored.status,
            key,
        })
    }
}
