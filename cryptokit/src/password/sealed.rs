//! Hashes as they are stored: sealed, and bound to the account and column they belong to.
//!
//! Whoever can write the database cannot move a hash whose password they know onto another account, and whoever can
//! read it has nothing to guess against without the sealing key. Bound are the column, the account's id, the name of the
//! keyset's key and the version of the sealed form; not bound is time: an account's own older hash still opens.
//!
//! # Rotating the sealing key
//!
//! Offline, without any password or login:
//!
//! 1. Add a key to the keyset and promote it. New hashes are sealed under it, old ones still open.
//! 2. For each row call [`SealedHash::reseal`] and write the result back **if the row still holds what was read** (a login
//!    may have rehashed meanwhile). A pass that was interrupted is started again: what is done is left alone.
//! 3. When a pass changes nothing, revoke the old key.

use std::fmt;

use super::scheme::{StoredHash, StoredHashError};
use crate::aead::{AeadError, AeadKey, AssociatedData, named_key};
use crate::encoding::base64url;
use crate::keyset::Keyset;
use crate::secret::SecretBytes;

/// Where a hash belongs.
#[derive(Clone, Copy, Debug)]
pub struct HashBinding<'a> {
    /// Table and column, such as `users.password_hash`.
    pub column: &'a str,
    /// The account's id, never reused and never changed.
    pub user_id: &'a str,
}

/// A sealed PHC string, in the text form that is stored.
#[derive(Clone)]
pub struct SealedHash(String);

/// Why a stored hash cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnsealError {
    /// It does not open under this keyset for this account and column.
    #[error("sealed password hash does not open for this account")]
    Open,
    /// What was sealed is not an acceptable hash.
    #[error("sealed password hash is not acceptable")]
    NotAHash(#[from] StoredHashError),
}

/// Why a sealed hash was not sealed anew. The row is to be left as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResealError {
    /// It does not open under this keyset for this account and column: moved, altered, or sealed under a key that is
    /// revoked or missing.
    #[error("sealed password hash does not open for this account")]
    Open,
    /// The primary key may seal no more ([`AeadError::KeyExhausted`]). Promote a new one.
    #[error("password hash was not sealed")]
    Seal(#[source] AeadError),
}

impl SealedHash {
    /// Seals a hash for its place.
    ///
    /// # Errors
    ///
    /// [`AeadError::KeyExhausted`].
    pub fn seal(keyset: &Keyset<AeadKey>, phc: &StoredHash, binding: HashBinding<'_>) -> Result<Self, AeadError> {
        let sealed = keyset.seal(phc.to_string().as_bytes(), &associated_data(binding))?;
        Ok(Self(base64url::encode(&sealed)))
    }

    /// Opens a hash read from its place.
    ///
    /// # Errors
    ///
    /// [`UnsealError`].
    pub fn open(&self, keyset: &Keyset<AeadKey>, binding: HashBinding<'_>) -> Result<StoredHash, UnsealError> {
        let text = self.open_bytes(keyset, binding).ok_or(UnsealError::Open)?;
        let text = std::str::from_utf8(text.expose_secret()).map_err(|_| StoredHashError::Malformed)?;
        Ok(StoredHash::parse(text)?)
    }

    /// Whether the hash names another key than the keyset's primary. Does not open it, so that damage is not noticed.
    pub fn needs_reseal(&self, keyset: &Keyset<AeadKey>) -> bool {
        let named = base64url::decode(&self.0).ok().and_then(|sealed| named_key(&sealed));
        named != Some(keyset.primary().0)
    }

    /// Seals the hash anew under the primary key, for the same place; what was sealed is carried over unread. `None`
    /// when that key seals it already.
    ///
    /// Opens the hash in either case, so that a pass over all rows also finds those that no login could use.
    ///
    /// # Errors
    ///
    /// [`ResealError`].
    pub fn reseal(&self, keyset: &Keyset<AeadKey>, binding: HashBinding<'_>) -> Result<Option<Self>, ResealError> {
        let text = self.open_bytes(keyset, binding).ok_or(ResealError::Open)?;
        if !self.needs_reseal(keyset) {
            return Ok(None);
        }
        let sealed = keyset
            .seal(text.expose_secret(), &associated_data(binding))
            .map_err(ResealError::Seal)?;
        Ok(Some(Self(base64url::encode(&sealed))))
    }

    fn open_bytes(&self, keyset: &Keyset<AeadKey>, binding: HashBinding<'_>) -> Option<SecretBytes> {
        let sealed = base64url::decode(&self.0).ok()?;
        keyset.open(&sealed, &associated_data(binding)).ok()
    }

    /// Takes the stored text form; [`Self::open`] checks it.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The text form to store.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SealedHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedHash([redacted])")
    }
}

fn associated_data(binding: HashBinding<'_>) -> AssociatedData {
    AssociatedData::new("cryptokit sealed password hash")
        .with(binding.column.as_bytes())
        .with(binding.user_id.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHC: &str = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$\
                       AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

    const ALICE: HashBinding<'static> = HashBinding {
        column: "users.password_hash",
        user_id: "alice",
    };

    fn sealed(keyset: &Keyset<AeadKey>, binding: HashBinding<'_>) -> SealedHash {
        SealedHash::seal(keyset, &StoredHash::parse(PHC).unwrap(), binding).unwrap()
    }

    fn elsewhere() -> [HashBinding<'static>; 4] {
        let at = |column, user_id| HashBinding { column, user_id };
        [
            at("users.password_hash", "bob"),
            at("users.otp", "alice"),
            // The same text in a row, cut at another place.
            at("users.password_has", "halice"),
            at("users.password_hash", ""),
        ]
    }

    #[test]
    fn a_sealed_hash_opens_in_its_own_row_and_column_only() {
        let (keyset, alice) = (Keyset::new("hashes", AeadKey::generate()), ALICE);
        let sealed = sealed(&keyset, alice);
        assert!(!sealed.as_str().contains("argon2"));
        let stored = SealedHash::from_stored(sealed.as_str().to_owned());
        assert_eq!(stored.open(&keyset, alice).unwrap().to_string(), PHC);

        for moved in elsewhere() {
            assert_eq!(stored.open(&keyset, moved).unwrap_err(), UnsealError::Open);
        }
        let other = Keyset::new("hashes", AeadKey::generate());
        assert_eq!(stored.open(&other, alice).unwrap_err(), UnsealError::Open);
        for garbage in ["", PHC, "AAAA", &sealed.as_str()[1..]] {
            let garbage = SealedHash::from_stored(garbage.to_owned());
            assert_eq!(garbage.open(&keyset, alice).unwrap_err(), UnsealError::Open);
        }
    }
    #[test]
    fn a_hash_is_sealed_anew_for_its_own_place_without_the_password() {
        let mut keyset = Keyset::new("hashes", AeadKey::generate());
        let old_key = keyset.primary().0;
        let old = sealed(&keyset, ALICE);
        assert!(!old.needs_reseal(&keyset));
        assert!(old.reseal(&keyset, ALICE).unwrap().is_none(), "nothing to do");

        let new_key = keyset.add(AeadKey::generate());
        keyset.promote(new_key).unwrap();
        assert!(old.needs_reseal(&keyset));
        let new = old.reseal(&keyset, ALICE).unwrap().unwrap();
        assert_eq!(new.open(&keyset, ALICE).unwrap().to_string(), PHC);
        assert!(!new.needs_reseal(&keyset));

        keyset.retire(old_key).unwrap();
        assert!(old.reseal(&keyset, ALICE).unwrap().is_some(), "a retired key opens");
        keyset.revoke(old_key).unwrap();
        assert_eq!(old.reseal(&keyset, ALICE).unwrap_err(), ResealError::Open);
        assert_eq!(old.open(&keyset, ALICE).unwrap_err(), UnsealError::Open);
        assert_eq!(new.open(&keyset, ALICE).unwrap().to_string(), PHC);
    }

    #[test]
    fn sealing_anew_moves_nothing_to_another_row_column_or_keyset() {
        let mut keyset = Keyset::new("hashes", AeadKey::generate());
        let old = sealed(&keyset, ALICE);
        let new_key = keyset.add(AeadKey::generate());
        keyset.promote(new_key).unwrap();
        let new = old.reseal(&keyset, ALICE).unwrap().unwrap();
        for moved in elsewhere() {
            assert_eq!(old.reseal(&keyset, moved).unwrap_err(), ResealError::Open);
            assert_eq!(
                new.reseal(&keyset, moved).unwrap_err(),
                ResealError::Open,
                "although it names the primary"
            );
            assert_eq!(new.open(&keyset, moved).unwrap_err(), UnsealError::Open);
        }
        let other = Keyset::new("hashes", AeadKey::generate());
        assert_eq!(old.reseal(&other, ALICE).unwrap_err(), ResealError::Open);
        let same_name = Keyset::with_id("hashes", keyset.primary().0, AeadKey::generate());
        assert_eq!(
            new.reseal(&same_name, ALICE).unwrap_err(),
            ResealError::Open,
            "another key of the same id"
        );
    }

    #[test]
    fn what_is_damaged_is_refused_and_never_written_anew() {
        let mut keyset = Keyset::new("hashes", AeadKey::generate());
        let old = sealed(&keyset, ALICE);
        let new_key = keyset.add(AeadKey::generate());
        keyset.promote(new_key).unwrap();
        let bytes = base64url::decode(old.as_str()).unwrap();
        for index in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[index] ^= 1;
            let altered = SealedHash::from_stored(base64url::encode(&altered));
            assert_eq!(
                altered.reseal(&keyset, ALICE).unwrap_err(),
                ResealError::Open,
                "byte {index}"
            );
            let cut = SealedHash::from_stored(base64url::encode(&bytes[..index]));
            assert_eq!(
                cut.reseal(&keyset, ALICE).unwrap_err(),
                ResealError::Open,
                "{index} bytes"
            );
        }
        for garbage in ["", "*", PHC] {
            let garbage = SealedHash::from_stored(garbage.to_owned());
            assert!(garbage.needs_reseal(&keyset));
            assert_eq!(garbage.reseal(&keyset, ALICE).unwrap_err(), ResealError::Open);
        }
    }

    #[test]
    fn an_interrupted_pass_is_finished_by_the_next_one() {
        const ROWS: usize = 10;
        let mut keyset = Keyset::new("hashes", AeadKey::generate());
        let users: Vec<String> = (0..ROWS).map(|row| format!("user {row}")).collect();
        let at = |user_id| HashBinding { user_id, ..ALICE };
        let mut table: Vec<SealedHash> = users.iter().map(|user| sealed(&keyset, at(user))).collect();
        let old_key = keyset.primary().0;
        let new_key = keyset.add(AeadKey::generate());
        keyset.promote(new_key).unwrap();

        let pass = |table: &mut [SealedHash], keyset: &Keyset<AeadKey>| {
            let mut changed = 0;
            for (stored, user) in table.iter_mut().zip(&users) {
                if let Some(new) = stored.reseal(keyset, at(user)).unwrap() {
                    *stored = new;
                    changed += 1;
                }
            }
            changed
        };
        assert_eq!(pass(&mut table[..4], &keyset), 4);
        let done: Vec<String> = table[..4].iter().map(|stored| stored.as_str().to_owned()).collect();
        assert_eq!(pass(&mut table, &keyset), ROWS - 4);
        assert!(
            table.iter().zip(&done).all(|(stored, done)| stored.as_str() == done),
            "what was done is left alone"
        );
        assert_eq!(pass(&mut table, &keyset), 0);
        keyset.revoke(old_key).unwrap();
        assert!(
            table
                .iter()
                .zip(&users)
                .all(|(stored, user)| stored.open(&keyset, at(user)).is_ok())
        );
    }
}
