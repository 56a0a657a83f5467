//! Accounts as they are stored: with a seal over what makes an account mighty, so that whoever can write the database,
//! and nothing else, cannot give it roles, enable it or exchange its name.
//!
//! The seal is an AES-GCM tag (RFC 5116) under the keyset that seals password hashes, over id, name, roles, scopes, both
//! flags and time of creation. The password hash has a seal of its own, bound to the account's id, and is left
//! out: a rehash at login changes nothing else. What no seal over a row can show is that a whole row was put back to an
//! older state of its own.

use std::fmt;

use cryptokit::aead::{AeadError, AeadKey, AssociatedData};
use cryptokit::encoding::base64url;
use cryptokit::hash::sha256;
use cryptokit::keyset::Keyset;
use cryptokit::password::SealedHash;

use super::user::{User, UserId};

/// An account as it was read, or as it is to be written. What it says is to be believed only after [`Self::open`].
#[derive(Clone)]
pub struct UserRecord {
    user: User,
    seal: Option<String>,
    shape: Option<String>,
}

/// What is in front of the shapes of hashes that this program made. No hash begins like it, so that a program that does not
/// know it reads no shape there.
pub const OWN_HASH: &str = "own ";

/// Which state of a record was seen: another one after every change that a seal covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordVersion(String);

impl RecordVersion {
    /// A version as it was told; it is one of a record only if it equals that record's.
    pub fn from_text(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// To tell it: 22 characters of base64url.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A record whose seal does not fit what it says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the record of account {id} {fault}")]
pub struct AlteredRecord {
    /// The account that it is said to be.
    pub id: UserId,
    /// What is wrong with it.
    pub fault: RecordFault,
}

/// What is wrong with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordFault {
    /// It has no seal: an older program wrote it, or somebody took it away.
    #[error("has no seal")]
    Unsealed,
    /// The seal does not open over it.
    #[error("was altered, or sealed under a key that is gone")]
    Altered,
}

impl UserRecord {
    /// Takes what was read. Nothing is checked.
    pub fn from_stored(user: User, seal: Option<String>, shape: Option<String>) -> Self {
        Self { user, seal, shape }
    }

    /// Seals an account under the primary key.
    ///
    /// # Errors
    ///
    /// [`AeadError::KeyExhausted`].
    pub fn seal(user: User, keyset: &Keyset<AeadKey>) -> Result<Self, AeadError> {
        let seal = base64url::encode(&keyset.seal(&[], &sealed_content(&user))?);
        Ok(Self {
            user,
            seal: Some(seal),
            shape: None,
        })
    }

    /// Says what checking the password hash costs, as a hash of zeros, with [`OWN_HASH`] in front unless it was imported.
    #[must_use]
    pub fn with_shape(mut self, shape: Option<String>) -> Self {
        self.shape = shape;
        self
    }

    /// The account, if its seal fits.
    ///
    /// # Errors
    ///
    /// [`AlteredRecord`].
    pub fn open(self, keyset: &Keyset<AeadKey>) -> Result<User, AlteredRecord> {
        match self.check(keyset) {
            Ok(()) => Ok(self.user),
            Err(fault) => Err(AlteredRecord {
                id: self.user.id,
                fault,
            }),
        }
    }

    /// Whether the seal fits.
    ///
    /// # Errors
    ///
    /// [`RecordFault`].
    pub fn check(&self, keyset: &Keyset<AeadKey>) -> Result<(), RecordFault> {
        let text = self.seal.as_deref().ok_or(RecordFault::Unsealed)?;
        let sealed = base64url::decode(text).map_err(|_| RecordFault::Altered)?;
        match keyset.open(&sealed, &sealed_content(&self.user)) {
            Ok(content) if content.expose_secret().is_empty() => Ok(()),
            _ => Err(RecordFault::Altered),
        }
    }

    /// The seal under the primary key: for the rotation of the sealing key. `None` when that key made it already.
    ///
    /// # Errors
    ///
    /// `Ok(Err(_))` for a record that does not open, which is to be left as it is; [`AeadError::KeyExhausted`].
    pub fn reseal(&self, keyset: &Keyset<AeadKey>) -> Result<Result<Option<Self>, RecordFault>, AeadError> {
        if let Err(fault) = self.check(keyset) {
            return Ok(Err(fault));
        }
        let named = self.seal.as_deref().and_then(|text| base64url::decode(text).ok());
        if named.is_some_and(|sealed| keyset.primary_sealed(&sealed)) {
            return Ok(Ok(None));
        }
        let record = Self::seal(self.user.clone(), keyset)?;
        Ok(Ok(Some(record.with_shape(self.shape.clone()))))
    }

    /// The same record with the same password's hash under another key.
    #[must_use]
    pub fn with_resealed_hash(mut self, hash: SealedHash) -> Self {
        self.user.password_hash = hash;
        self
    }

    /// What the record says, believed or not: for those who store, list and mend records.
    pub fn unverified(&self) -> &User {
        &self.user
    }

    /// The seal to store.
    pub fn seal_text(&self) -> Option<&str> {
        self.seal.as_deref()
    }

    /// Which state of the record this is. Seals are random, so that not even a change and its undoing give the same one.
    pub fn version(&self) -> RecordVersion {
        let digest = sha256(self.seal.as_deref().unwrap_or_default().as_bytes());
        RecordVersion(base64url::encode(&digest[..16]))
    }

    /// What checking the hash costs, to store it; `None` for a hash that an older program of ours wrote.
    pub fn shape_text(&self) -> Option<&str> {
        self.shape.as_deref()
    }

    /// Whether another system made the hash.
    pub fn has_imported_hash(&self) -> bool {
        self.shape_text().is_some_and(|shape| !shape.starts_with(OWN_HASH))
    }
}

impl fmt::Debug for UserRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserRecord")
            .field("id", &self.user.id)
            .finish_non_exhaustive()
    }
}

/// Each field with its length in front, so that no two accounts give one text.
fn sealed_content(user: &User) -> AssociatedData {
    AssociatedData::new("authsvc user record 1")
        .with(user.id.to_string().as_bytes())
        .with(user.email.as_str().as_bytes())
        .with(user.roles.to_string().as_bytes())
        .with(user.scopes.to_string().as_bytes())
        .with(&[u8::from(user.disabled), u8::from(user.second_factor)])
        .with(&user.created_at.unix_timestamp().to_be_bytes())
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::*;

    fn alice() -> User {
        User::new(
            UserId::generate(),
            "alice@example.com".parse().unwrap(),
            SealedHash::from_stored("hash".into()),
            OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap(),
        )
    }

    #[test]
    fn a13_a_record_opens_only_as_it_was_sealed() {
        let keys = Keyset::new("k", AeadKey::generate());
        let sealed = UserRecord::seal(alice(), &keys).unwrap();
        let seal = sealed.seal_text().map(str::to_owned);
        assert!(sealed.clone().open(&keys).is_ok());

        let edits: [fn(&mut User); 7] = [
            |user| user.id = UserId::generate(),
            |user| user.email = "mallory@example.com".parse().unwrap(),
            |user| user.roles = "admin".parse().unwrap(),
            |user| user.scopes = "everything".parse().unwrap(),
            |user| user.disabled = true,
            |user| user.second_factor = true,
            |user| user.created_at += time::Duration::SECOND,
        ];
        for (index, edit) in edits.iter().enumerate() {
            let mut user = sealed.unverified().clone();
            edit(&mut user);
            let edited = UserRecord::from_stored(user, seal.clone(), None);
            assert_eq!(
                edited.open(&keys).unwrap_err().fault,
                RecordFault::Altered,
                "edit {index}"
            );
        }
        // Roles moved into scopes, or cut at another place, are another record.
        let mut roles = alice();
        roles.roles = "a b".parse().unwrap();
        let sealed = UserRecord::seal(roles, &keys).unwrap();
        let mut scopes = sealed.unverified().clone();
        scopes.roles = "".parse().unwrap();
        scopes.scopes = "a b".parse().unwrap();
        let moved = UserRecord::from_stored(scopes, sealed.seal_text().map(str::to_owned), None);
        assert!(moved.open(&keys).is_err());
    }

    #[test]
    fn a13_a_missing_damaged_or_foreign_seal_is_refused() {
        let keys = Keyset::new("k", AeadKey::generate());
        let fault = |seal: Option<&str>| {
            UserRecord::from_stored(alice(), seal.map(str::to_owned), None)
                .open(&keys)
                .unwrap_err()
                .fault
        };
        assert_eq!(fault(None), RecordFault::Unsealed);
        for garbage in ["", "AAAA", "*", "äö"] {
            assert_eq!(fault(Some(garbage)), RecordFault::Altered);
        }
        let others = UserRecord::seal(alice(), &Keyset::new("k", AeadKey::generate())).unwrap();
        assert_eq!(fault(others.seal_text()), RecordFault::Altered);
        // A sealed message of the same key with something in it is no seal.
        let user = alice();
        let with_content = base64url::encode(&keys.seal(b"x", &sealed_content(&user)).unwrap());
        assert!(
            UserRecord::from_stored(user, Some(with_content), None)
                .open(&keys)
                .is_err()
        );
    }

    #[test]
    fn a_record_moves_to_the_next_key_and_a_damaged_one_does_not() {
        let mut keys = Keyset::new("k", AeadKey::generate());
        let old = UserRecord::seal(alice(), &keys).unwrap();
        let former = keys.primary().0;
        let next = keys.add(AeadKey::generate());
        keys.promote(next).unwrap();
        let new = old.reseal(&keys).unwrap().unwrap().unwrap();
        assert!(new.reseal(&keys).unwrap().unwrap().is_none(), "nothing to do");
        let mut damaged = old.unverified().clone();
        damaged.roles = "admin".parse().unwrap();
        let damaged = UserRecord::from_stored(damaged, old.seal_text().map(str::to_owned), None);
        assert_eq!(damaged.reseal(&keys).unwrap().unwrap_err(), RecordFault::Altered);
        keys.revoke(former).unwrap();
        assert!(old.open(&keys).is_err());
        assert!(new.open(&keys).is_ok());
    }
}
