//! A secret of an account as it is stored: sealed, and bound to the column and the account it belongs to.

use std::fmt;

use cryptokit::aead::{AeadError, AeadKey, AssociatedData};
use cryptokit::encoding::base64url;
use cryptokit::keyset::Keyset;
use cryptokit::secret::SecretBytes;

use super::user::UserId;

/// Where a sealed field belongs. Neither part ever changes.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Table and column.
    pub column: &'static str,
    /// Whose row.
    pub user_id: UserId,
}

/// A sealed secret in the text form that is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedField(String);

impl SealedField {
    /// Seals a secret for its place.
    ///
    /// # Errors
    ///
    /// [`AeadError::KeyExhausted`].
    pub fn seal(keyset: &Keyset<AeadKey>, secret: &[u8], place: Place) -> Result<Self, AeadError> {
        let sealed = keyset.seal(secret, &associated_data(place))?;
        Ok(Self(base64url::encode(&sealed)))
    }

    /// Opens a field read from its place.
    ///
    /// # Errors
    ///
    /// [`AeadError::Open`]: moved, altered, or sealed under a key that is revoked or missing.
    pub fn open(&self, keyset: &Keyset<AeadKey>, place: Place) -> Result<SecretBytes, AeadError> {
        let sealed = base64url::decode(&self.0).map_err(|_| AeadError::Open)?;
        keyset.open(&sealed, &associated_data(place))
    }

    /// Seals the field anew under the primary key, for the same place. `None` when that key seals it already. Opens it in
    /// either case, so that a pass over all rows finds those that are damaged.
    ///
    /// # Errors
    ///
    /// [`AeadError::Open`] and [`AeadError::KeyExhausted`]. The row is then to be left as it is.
    pub fn reseal(&self, keyset: &Keyset<AeadKey>, place: Place) -> Result<Option<Self>, AeadError> {
        let secret = self.open(keyset, place)?;
        let sealed = base64url::decode(&self.0).map_err(|_| AeadError::Open)?;
        if keyset.primary_sealed(&sealed) {
            return Ok(None);
        }
        Self::seal(keyset, secret.expose_secret(), place).map(Some)
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

impl fmt::Debug for SealedField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedField([redacted])")
    }
}

fn associated_data(place: Place) -> AssociatedData {
    AssociatedData::new("authsvc sealed field")
        .with(place.column.as_bytes())
        .with(place.user_id.to_string().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l9_a_field_opens_in_its_own_row_and_column_only() {
        let keyset = Keyset::new("fields", AeadKey::generate());
        let place = Place {
            column: "second_factors.secret",
            user_id: UserId::generate(),
        };
        let sealed = SealedField::seal(&keyset, b"secret", place).unwrap();
        assert_eq!(sealed.open(&keyset, place).unwrap().expose_secret(), b"secret");
        let elsewhere = [
            Place {
                user_id: UserId::generate(),
                ..place
            },
            Place {
                column: "recovery_codes.digest",
                ..place
            },
        ];
        for moved in elsewhere {
            assert_eq!(sealed.open(&keyset, moved).unwrap_err(), AeadError::Open);
            assert_eq!(sealed.reseal(&keyset, moved).unwrap_err(), AeadError::Open);
        }
        for garbage in ["", "*", "AAAA", &sealed.as_str()[4..]] {
            let garbage = SealedField::from_stored(garbage.to_owned());
            assert_eq!(garbage.open(&keyset, place).unwrap_err(), AeadError::Open);
        }
        assert_eq!(format!("{sealed:?}"), "SealedField([redacted])");
    }

    #[test]
    fn a_field_is_sealed_anew_under_the_primary_key() {
        let mut keyset = Keyset::new("fields", AeadKey::generate());
        let place = Place {
            column: "second_factors.secret",
            user_id: UserId::generate(),
        };
        let old = SealedField::seal(&keyset, b"secret", place).unwrap();
        let old_key = keyset.primary().0;
        assert_eq!(old.reseal(&keyset, place).unwrap(), None);
        let new_key = keyset.add(AeadKey::generate());
        keyset.promote(new_key).unwrap();
        let new = old.reseal(&keyset, place).unwrap().unwrap();
        keyset.revoke(old_key).unwrap();
        assert_eq!(old.open(&keyset, place).unwrap_err(), AeadError::Open);
        assert_eq!(new.open(&keyset, place).unwrap().expose_secret(), b"secret");
    }
}
