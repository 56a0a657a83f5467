//! The sealed JSON form of a keyset, described in `docs/formats.md`.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use zeroize::{Zeroize, Zeroizing};

use super::entry::{InvalidMaterial, KeyEntry, KeyMaterial};
use super::error::KeysetError;
use super::id::KeyId;
use super::lifecycle::Keyset;
use super::status::KeyStatus;
use super::usage_period::{UsagePeriod, time_from_seconds};
use crate::aead::AssociatedData;
use crate::encoding::{base64url, json};
use crate::secret::SecretBytes;

/// Longest sealed keyset in bytes, checked before anything is parsed: room for some two hundred RSA-4096 keys.
pub const MAX_SEALED_BYTES: usize = 1 << 20;

/// Version of the sealed form that is written.
pub(super) const SCHEMA_VERSION: u32 = 2;

/// The outer object: what must be known to open the seal. `name` and `purpose` are for people and for tools; what
/// counts is the name and the kind that the opener expects.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SealedKeyset {
    pub(super) version: u32,
    pub(super) name: String,
    pub(super) purpose: String,
    pub(super) sealed: String,
}

/// What is sealed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredKeyset {
    keys: Vec<StoredKey>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pruned: Vec<String>,
}

/// One key. Version 1 had id, status and material only.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredKey {
    id: String,
    status: KeyStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    algorithm: Option<String>,
    /// Seconds since 1970, as the next two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not_before: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not_after: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    needed_until: Option<i64>,
    material: String,
}

impl Drop for StoredKey {
    fn drop(&mut self) {
        self.material.zeroize();
    }
}

/// The JSON text to be sealed.
pub(super) fn write<K: KeyMaterial>(keyset: &Keyset<K>) -> Zeroizing<Vec<u8>> {
    let stored = StoredKeyset {
        keys: keyset.entries.iter().map(write_entry).collect(),
        pruned: keyset.pruned.iter().map(KeyId::to_string).collect(),
    };
    // Reserved first so that the buffer never grows: growing would leave keys behind in freed memory.
    let keys: usize = stored
        .keys
        .iter()
        .map(|key| key.material.len() + MAX_KEY_JSON_BYTES)
        .sum();
    let mut json = Zeroizing::new(Vec::with_capacity(keys + stored.pruned.len() * 20 + 64));
    serde_json::to_writer(&mut *json, &stored).expect("a keyset is plain data");
    json
}

/// A key's members without its material: names, punctuation, an id, an algorithm, three numbers of 12 digits.
const MAX_KEY_JSON_BYTES: usize = 256;

fn write_entry<K: KeyMaterial>(entry: &KeyEntry<K>) -> StoredKey {
    StoredKey {
        id: entry.id.to_string(),
        status: entry.status,
        algorithm: Some(entry.key.algorithm().to_owned()),
        not_before: entry.usage_period.not_before().map(OffsetDateTime::unix_timestamp),
        not_after: entry.usage_period.not_after().map(OffsetDateTime::unix_timestamp),
        needed_until: entry.needed_until.map(OffsetDateTime::unix_timestamp),
        material: base64url::encode(entry.key.to_bytes().expose_secret()),
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
            (0 | 1, _) => Err(KeysetError::Open),
            _ => Err(KeysetError::Version),
        }
    }

    /// What the seal is bound to.
    pub(super) fn binding(&self, name: &str) -> AssociatedData {
        binding(self.number, self.purpose, name)
    }

    /// Reads what [`write`] wrote, or what it wrote when this version was the current one.
    pub(super) fn read<K: KeyMaterial>(&self, name: &str, json: &[u8]) -> Result<Keyset<K>, KeysetError> {
        let stored: StoredKeyset = strict_json(json)?;
        if self.number == 1 && !stored.pruned.is_empty() {
            return Err(KeysetError::Open);
        }
        let entries = stored
            .keys
            .iter()
            .map(|key| self.read_entry(key))
            .collect::<Result<Vec<KeyEntry<K>>, _>>()?;
        let pruned = stored
            .pruned
            .iter()
            .map(|id| KeyId::from_hex(id).ok_or(KeysetError::Open))
            .collect::<Result<Vec<_>, _>>()?;

        let mut ids: Vec<_> = entries
            .iter()
            .map(|entry| entry.id)
            .chain(pruned.iter().copied())
            .collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        let primaries = entries
            .iter()
            .filter(|entry| entry.status == KeyStatus::Primary)
            .count();
        if ids.len() != count || primaries != 1 {
            return Err(KeysetError::Open);
        }
        Ok(Keyset {
            name: name.to_owned(),
            entries,
            pruned,
        })
    }

    fn read_entry<K: KeyMaterial>(&self, stored: &StoredKey) -> Result<KeyEntry<K>, KeysetError> {
        let algorithm = match (self.algorithm, stored.algorithm.as_deref()) {
            (Some(algorithm), None) => algorithm,
            (None, Some(algorithm)) => algorithm,
            _ => return Err(KeysetError::Open),
        };
        let timed = stored.not_before.is_some() || stored.not_after.is_some() || stored.needed_until.is_some();
        if timed && self.number == 1 || stored.needed_until.is_some() && stored.status != KeyStatus::Retired {
            return Err(KeysetError::Open);
        }
        let usage_period =
            UsagePeriod::from_seconds(stored.not_before, stored.not_after).map_err(|_| KeysetError::Open)?;
        let needed_until = match stored.needed_until {
            None => None,
            Some(seconds) => Some(time_from_seconds(seconds).ok_or(KeysetError::Open)?),
        };
        let id = KeyId::from_hex(&stored.id).ok_or(KeysetError::Open)?;
        let material = base64url::decode(&stored.material).map_err(|_| KeysetError::Open)?;
        let key = K::from_bytes(algorithm, SecretBytes::new(material)).map_err(|InvalidMaterial| KeysetError::Open)?;
        Ok(KeyEntry {
            id,
            status: stored.status,
            usage_period,
            needed_until,
            key,
        })
    }
}

/// What a seal is bound to.
pub(super) fn binding(version: u32, purpose: &str, name: &str) -> AssociatedData {
    AssociatedData::new("cryptokit keyset")
        .with(&version.to_be_bytes())
        .with(purpose.as_bytes())
        .with(name.as_bytes())
}

/// Reads JSON strictly: no duplicate or unknown members, objects where there must be objects.
pub(super) fn strict_json<T: for<'de> Deserialize<'de>>(json: &[u8]) -> Result<T, KeysetError> {
    json::from_slice(json).map_err(|_| KeysetError::Open)
}
