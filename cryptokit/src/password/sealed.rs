//! Hashes as they are stored: sealed, and bound to the account and column they belong to.
//!
//! Whoever can write the database cannot move a hash whose password they know onto another account, and whoever can
//! read it has nothing to guess against without the sealing key. Sealing keys rotate offline, without any login.

use std::fmt;

use super::phc::{StoredHash, StoredHashError};
use crate::aead::{AeadError, AeadKey, AssociatedData};
use crate::encoding::base64url;
use crate::keyset::Keyset;

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
        let sealed = base64url::decode(&self.0).map_err(|_| UnsealError::Open)?;
        let text = keyset
            .open(&sealed, &associated_data(binding))
            .map_err(|_| UnsealError::Open)?;
        let text = std::str::from_utf8(text.expose_secret()).map_err(|_| StoredHashError::Malformed)?;
        Ok(StoredHash::parse(text)?)
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

    #[test]
    fn a_sealed_hash_opens_in_its_own_row_and_column_only() {
        let keyset = Keyset::new("hashes", AeadKey::generate());
        let alice = HashBinding {
            column: "users.password_hash",
            user_id: "alice",
        };
        let sealed = SealedHash::seal(&keyset, &StoredHash::parse(PHC).unwrap(), alice).unwrap();
        assert!(!sealed.as_str().contains("argon2"));
        let stored = SealedHash::from_stored(sealed.as_str().to_owned());
        assert_eq!(stored.open(&keyset, alice).unwrap().to_string(), PHC);

        for moved in [
            HashBinding {
                user_id: "bob",
                ..alice
            },
            HashBinding {
                column: "users.otp",
                ..alice
            },
        ] {
            assert_eq!(stored.open(&keyset, moved).unwrap_err(), UnsealError::Open);
        }
        let other = Keyset::new("hashes", AeadKey::generate());
        assert_eq!(stored.open(&other, alice).unwrap_err(), UnsealError::Open);
        for garbage in ["", PHC, "AAAA", &sealed.as_str()[1..]] {
            let garbage = SealedHash::from_stored(garbage.to_owned());
            assert_eq!(garbage.open(&keyset, alice).unwrap_err(), UnsealError::Open);
        }
    }
}
