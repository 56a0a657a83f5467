//! The set and its life cycle: which moves there are, and which are refused.

use super::entry::{KeyEntry, KeyMaterial, KeyStatus};
use super::error::KeysetError;
use super::id::KeyId;

/// Keys of one kind under one name. Never empty, always with one primary.
#[derive(Debug)]
pub struct Keyset<K> {
    pub(super) name: String,
    pub(super) entries: Vec<KeyEntry<K>>,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aead::AeadKey;

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
}
