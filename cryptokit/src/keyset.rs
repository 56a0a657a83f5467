//! Keysets: the same life cycle for AEAD keys, peppers and token-signing keys.
//!
//! A set has exactly one primary key, which makes new things. Active and retired keys still check or open older ones
//! (a retired key is one that waits for its last uses to end); a revoked key does nothing at all.
//!
//! At rest a keyset is JSON, sealed by a [`RootKey`] that is bound to the keyset's name and purpose, so that neither
//! can be exchanged for the other in the database.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::aead::{AeadKey, AssociatedData};
use crate::encoding::base64url;
use crate::random;
use crate::secret::{SecretBytes, SecretKey};

/// Names one key of a set: eight random bytes, hexadecimal in text. Eight because Argon2's `keyid` holds no more.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId([u8; Self::LEN]);

impl KeyId {
    /// Length in bytes.
    pub const LEN: usize = 8;

    /// Takes the bytes.
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    fn generate() -> Self {
        Self(random::bytes())
    }

    fn from_hex(text: &str) -> Option<Self> {
        if text.len() != 2 * Self::LEN || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return None;
        }
        Some(Self(u64::from_str_radix(text, 16).ok()?.to_be_bytes()))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
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

/// Why a keyset refused a change or could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeysetError {
    /// No key of that id.
    #[error("no key {id} in this set")]
    UnknownKey {
        /// The id asked for.
        id: KeyId,
    },
    /// A primary key can be neither retired nor revoked: promote another one first.
    #[error("key {id} is primary; promote another key first")]
    IsPrimary {
        /// The id asked for.
        id: KeyId,
    },
    /// Retired and revoked keys do not come back.
    #[error("key {id} is {status:?} and cannot become primary")]
    NotPromotable {
        /// The id asked for.
        id: KeyId,
        /// What it is.
        status: KeyStatus,
    },
    /// The sealed form does not open under this root key, name and purpose, or what it holds is not a keyset.
    #[error("sealed keyset does not open with this root key under this name and purpose")]
    Open,
    /// The sealed form has a version this library does not know.
    #[error("sealed keyset of an unknown version; this library reads version {SCHEMA_VERSION}")]
    Version,
}

/// Keys of one kind under one name. Never empty, always with one primary.
#[derive(Debug)]
pub struct Keyset<K> {
    name: String,
    entries: Vec<KeyEntry<K>>,
}

impl<K: KeyMaterial> Keyset<K> {
    /// A set with one key, the primary, under a random id.
    pub fn new(name: &str, key: K) -> Self {
        Self::with_id(name, KeyId::generate(), key)
    }

    /// A set with one key, the primary, under a given id.
    pub fn with_id(name: &str, id: KeyId, key: K) -> Self {
        Self {
            name: name.to_owned(),
            entries: vec![KeyEntry {
                id,
                status: KeyStatus::Primary,
                key,
            }],
        }
    }

    /// What the set is called, part of its seal.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// All keys, revoked ones included, in the order they were added.
    pub fn entries(&self) -> &[KeyEntry<K>] {
        &self.entries
    }

    /// Gives the keys up.
    pub fn into_entries(self) -> Vec<KeyEntry<K>> {
        self.entries
    }

    /// The key that makes new things.
    ///
    /// # Panics
    ///
    /// Never: every constructor and every change keeps exactly one primary.
    pub fn primary(&self) -> (KeyId, &K) {
        let entry = self
            .entries
            .iter()
            .find(|entry| entry.status == KeyStatus::Primary)
            .expect("a keyset has exactly one primary key");
        (entry.id, &entry.key)
    }

    /// The key of that id unless it is revoked. O(keys).
    pub fn get(&self, id: KeyId) -> Option<&K> {
        self.entries
            .iter()
            .find(|entry| entry.id == id && entry.status != KeyStatus::Revoked)
            .map(|entry| &entry.key)
    }

    /// Adds an active key under a fresh id.
    pub fn add(&mut self, key: K) -> KeyId {
        let mut id = KeyId::generate();
        while self.entries.iter().any(|entry| entry.id == id) {
            id = KeyId::generate();
        }
        self.entries.push(KeyEntry {
            id,
            status: KeyStatus::Active,
            key,
        });
        id
    }

    /// Makes an active key primary; the former primary becomes active.
    ///
    /// # Errors
    ///
    /// [`KeysetError::UnknownKey`]; [`KeysetError::NotPromotable`] for a retired or revoked key.
    pub fn promote(&mut self, id: KeyId) -> Result<(), KeysetError> {
        match self.entry(id)?.status {
            KeyStatus::Primary => return Ok(()),
            KeyStatus::Active => {}
            status => return Err(KeysetError::NotPromotable { id, status }),
        }
        for entry in &mut self.entries {
            if entry.status == KeyStatus::Primary {
                entry.status = KeyStatus::Active;
            }
        }
        self.entry(id)?.status = KeyStatus::Primary;
        Ok(())
    }

    /// Marks a key as on its way out.
    ///
    /// # Errors
    ///
    /// [`KeysetError::UnknownKey`]; [`KeysetError::IsPrimary`].
    pub fn retire(&mut self, id: KeyId) -> Result<(), KeysetError> {
        self.leave(id, KeyStatus::Retired)
    }

    /// Ends a key at once. A revoked key is kept in the set so that its id is never given again.
    ///
    /// # Errors
    ///
    /// [`KeysetError::UnknownKey`]; [`KeysetError::IsPrimary`].
    pub fn revoke(&mut self, id: KeyId) -> Result<(), KeysetError> {
        self.leave(id, KeyStatus::Revoked)
    }

    fn leave(&mut self, id: KeyId, to: KeyStatus) -> Result<(), KeysetError> {
        let entry = self.entry(id)?;
        match entry.status {
            KeyStatus::Primary => Err(KeysetError::IsPrimary { id }),
            KeyStatus::Revoked => Ok(()),
            KeyStatus::Active | KeyStatus::Retired => {
                entry.status = to;
                Ok(())
            }
        }
    }

    fn entry(&mut self, id: KeyId) -> Result<&mut KeyEntry<K>, KeysetError> {
        self.entries
            .iter_mut()
            .find(|entry| entry.id == id)
            .ok_or(KeysetError::UnknownKey { id })
    }
}

/// The key that wraps keysets and does nothing else. It lives outside the database.
pub struct RootKey {
    keyset: Keyset<AeadKey>,
    secret: SecretKey,
}

/// The text form starts with this, so that secret scanners recognise a leaked one.
const ROOT_KEY_PREFIX: &str = "cryptokit-root-key-1:";

/// The text is not a root key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a root key: one line `{ROOT_KEY_PREFIX}` and 43 characters of base64url are expected")]
pub struct InvalidRootKey;

impl RootKey {
    /// Makes a root key.
    pub fn generate() -> Self {
        Self::from_secret(SecretKey::generate())
    }

    fn from_secret(secret: SecretKey) -> Self {
        // The root key's id says nothing: which root key sealed a set is known from where it is kept.
        let id = KeyId::from_bytes([0; KeyId::LEN]);
        let key = AeadKey::new(SecretKey::from_bytes(*secret.expose_secret()));
        Self {
            keyset: Keyset::with_id("root", id, key),
            secret,
        }
    }

    /// Reads the text form; white space around it is ignored.
    ///
    /// # Errors
    ///
    /// [`InvalidRootKey`] when it is anything else.
    pub fn from_text(text: &str) -> Result<Self, InvalidRootKey> {
        let encoded = text.trim().strip_prefix(ROOT_KEY_PREFIX).ok_or(InvalidRootKey)?;
        let bytes = Zeroizing::new(base64url::decode(encoded).map_err(|_| InvalidRootKey)?);
        let mut key: [u8; SecretKey::LEN] = bytes.as_slice().try_into().map_err(|_| InvalidRootKey)?;
        let secret = SecretKey::from_bytes(key);
        key.zeroize();
        Ok(Self::from_secret(secret))
    }

    /// The text form, one line without its end.
    pub fn to_text(&self) -> Zeroizing<String> {
        let encoded = Zeroizing::new(base64url::encode(self.secret.expose_secret()));
        Zeroizing::new(format!("{ROOT_KEY_PREFIX}{}", *encoded))
    }

    /// Seals a keyset as JSON, bound to its name and purpose.
    ///
    /// # Panics
    ///
    /// Never within a process's life: it would take 2³² sealings under one root key.
    pub fn seal<K: KeyMaterial>(&self, keyset: &Keyset<K>) -> String {
        let plain = StoredKeyset {
            keys: keyset
                .entries
                .iter()
                .map(|entry| StoredKey {
                    id: entry.id.to_string(),
                    status: entry.status,
                    material: base64url::encode(entry.key.to_bytes().expose_secret()),
                })
                .collect(),
        };
        let json = Zeroizing::new(serde_json::to_vec(&plain).expect("a keyset is plain data"));
        let sealed = self
            .keyset
            .seal(&json, &binding::<K>(&keyset.name))
            .expect("a keyset is far below the message limits");
        serde_json::to_string(&SealedKeyset {
            version: SCHEMA_VERSION,
            name: keyset.name.clone(),
            purpose: K::PURPOSE.to_owned(),
            sealed: base64url::encode(&sealed),
        })
        .expect("a sealed keyset is plain data")
    }

    /// Opens what [`Self::seal`] made, for the expected name and the kind of key asked for.
    ///
    /// # Errors
    ///
    /// [`KeysetError::Version`] for a later schema, [`KeysetError::Open`] for everything else.
    pub fn open<K: KeyMaterial>(&self, name: &str, json: &str) -> Result<Keyset<K>, KeysetError> {
        let outer: SealedKeyset = serde_json::from_str(json).map_err(|_| KeysetError::Open)?;
        if outer.version != SCHEMA_VERSION {
            return Err(KeysetError::Version);
        }
        let sealed = base64url::decode(&outer.sealed).map_err(|_| KeysetError::Open)?;
        let plain = self
            .keyset
            .open(&sealed, &binding::<K>(name))
            .map_err(|_| KeysetError::Open)?;
        let stored: StoredKeyset = serde_json::from_slice(plain.expose_secret()).map_err(|_| KeysetError::Open)?;
        let entries = stored.keys.iter().map(read_entry).collect::<Result<Vec<_>, _>>()?;
        let primaries = entries
            .iter()
            .filter(|entry| entry.status == KeyStatus::Primary)
            .count();
        if primaries != 1 {
            return Err(KeysetError::Open);
        }
        Ok(Keyset {
            name: name.to_owned(),
            entries,
        })
    }
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RootKey([redacted])")
    }
}

/// Version of the sealed JSON form.
const SCHEMA_VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SealedKeyset {
    version: u32,
    name: String,
    purpose: String,
    sealed: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredKeyset {
    keys: Vec<StoredKey>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredKey {
    id: String,
    status: KeyStatus,
    material: String,
}

impl Drop for StoredKey {
    fn drop(&mut self) {
        self.material.zeroize();
    }
}

fn read_entry<K: KeyMaterial>(stored: &StoredKey) -> Result<KeyEntry<K>, KeysetError> {
    let id = KeyId::from_hex(&stored.id).ok_or(KeysetError::Open)?;
    let material = base64url::decode(&stored.material).map_err(|_| KeysetError::Open)?;
    let key = K::from_bytes(SecretBytes::new(material)).map_err(|InvalidMaterial| KeysetError::Open)?;
    Ok(KeyEntry {
        id,
        status: stored.status,
        key,
    })
}

fn binding<K: KeyMaterial>(name: &str) -> AssociatedData {
    AssociatedData::new("cryptokit keyset")
        .with(&SCHEMA_VERSION.to_be_bytes())
        .with(K::PURPOSE.as_bytes())
        .with(name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::Pepper;

    #[test]
    fn a_sealed_keyset_opens_with_its_root_key_name_and_purpose_only() {
        let root = RootKey::generate();
        let mut keyset = Keyset::new("hashes", AeadKey::generate());
        let id = keyset.add(AeadKey::generate());
        keyset.promote(id).unwrap();
        let json = root.seal(&keyset);

        let opened: Keyset<AeadKey> = root.open("hashes", &json).unwrap();
        assert_eq!(opened.primary().0, id);
        assert_eq!(opened.entries().len(), 2);
        let (original, read) = (keyset.primary().1.to_bytes(), opened.primary().1.to_bytes());
        assert!(original.ct_eq(read.expose_secret()));

        assert_eq!(root.open::<AeadKey>("other", &json).unwrap_err(), KeysetError::Open);
        assert_eq!(root.open::<Pepper>("hashes", &json).unwrap_err(), KeysetError::Open);
        assert_eq!(
            RootKey::generate().open::<AeadKey>("hashes", &json).unwrap_err(),
            KeysetError::Open
        );
    }

    #[test]
    fn renaming_the_outer_members_gains_nothing() {
        let root = RootKey::generate();
        let json = root.seal(&Keyset::new("a", AeadKey::generate()));
        let renamed = json.replace("\"name\":\"a\"", "\"name\":\"b\"");
        assert_ne!(json, renamed);
        assert_eq!(root.open::<AeadKey>("b", &renamed).unwrap_err(), KeysetError::Open);
    }

    #[test]
    fn a_later_version_is_named_and_garbage_is_refused() {
        let root = RootKey::generate();
        let json = root.seal(&Keyset::new("a", AeadKey::generate()));
        let later = json.replace("\"version\":1", "\"version\":2");
        assert_eq!(root.open::<AeadKey>("a", &later).unwrap_err(), KeysetError::Version);
        for garbage in ["", "{}", "null", "[]", &json[1..], &json.replace("sealed", "seal")] {
            assert_eq!(
                root.open::<AeadKey>("a", garbage).unwrap_err(),
                KeysetError::Open,
                "{garbage}"
            );
        }
    }

    #[test]
    fn the_sealed_form_shows_no_key() {
        let secret = [0xab; 32];
        let keyset = Keyset::new("a", AeadKey::new(SecretKey::from_bytes(secret)));
        let json = RootKey::generate().seal(&keyset);
        assert!(!json.contains(&base64url::encode(&secret)));
    }

    #[test]
    fn the_life_cycle_goes_one_way() {
        let mut keyset = Keyset::new("a", AeadKey::generate());
        let first = keyset.primary().0;
        assert_eq!(keyset.retire(first), Err(KeysetError::IsPrimary { id: first }));
        assert_eq!(keyset.revoke(first), Err(KeysetError::IsPrimary { id: first }));

        let second = keyset.add(AeadKey::generate());
        keyset.promote(second).unwrap();
        keyset.retire(first).unwrap();
        assert!(keyset.get(first).is_some(), "a retired key still opens");
        assert_eq!(
            keyset.promote(first),
            Err(KeysetError::NotPromotable {
                id: first,
                status: KeyStatus::Retired
            }),
        );
        keyset.revoke(first).unwrap();
        assert!(keyset.get(first).is_none());
        keyset.retire(first).unwrap();
        assert_eq!(keyset.entries()[0].status, KeyStatus::Revoked, "revocation is final");

        let unknown = KeyId::from_bytes([9; 8]);
        assert_eq!(keyset.promote(unknown), Err(KeysetError::UnknownKey { id: unknown }));
    }

    #[test]
    fn a_root_key_survives_its_text_form_and_nothing_else_is_one() {
        let root = RootKey::generate();
        let json = root.seal(&Keyset::new("a", AeadKey::generate()));
        let text = root.to_text();
        let again = RootKey::from_text(&format!("{}\n", *text)).unwrap();
        assert!(again.open::<AeadKey>("a", &json).is_ok());

        let short = &text[..text.len() - 1];
        for other in ["", "cryptokit-root-key-1:", short, &text[1..], &format!("{}A", *text)] {
            assert_eq!(RootKey::from_text(other).unwrap_err(), InvalidRootKey, "{other:?}");
        }
        assert!(!format!("{root:?}").contains(&text[ROOT_KEY_PREFIX.len()..]));
    }
}
