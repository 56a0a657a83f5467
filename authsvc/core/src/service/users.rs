//! Keeping accounts: what an operator may do.

use std::fmt;
use std::sync::Arc;

use cryptokit::aead::{AeadError, AeadKey};
use cryptokit::keyset::Keyset;
use cryptokit::password::{HashBinding, Password, SealedHash};

use super::hashing::{CredentialHasher, HashingError};
use crate::clock::Clock;
use crate::domain::{EmailAddress, User, UserId};
use crate::storage::{Store, StoreError};

/// Where sealed password hashes live; part of what binds them to their place.
pub(super) const PASSWORD_HASH_COLUMN: &str = "users.password_hash";

/// Shortest new password in characters, as long as it is the only factor (NIST SP 800-63B-4 §3.1.1.2).
pub const MIN_PASSWORD_CHARS: usize = 15;

/// Why an account was not made or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnrolmentError {
    /// Shorter than [`MIN_PASSWORD_CHARS`].
    #[error("password has {chars} characters; at least {MIN_PASSWORD_CHARS} are required")]
    TooShort {
        /// Its length.
        chars: usize,
    },
    /// An account of that name exists.
    #[error("an account {email} exists already")]
    Taken {
        /// The name.
        email: EmailAddress,
    },
    /// There is no such account.
    #[error("there is no account {email}")]
    NoSuchUser {
        /// The name.
        email: EmailAddress,
    },
    /// The password could not be hashed.
    #[error("the password could not be hashed")]
    Hashing(#[from] HashingError),
    /// The hash could not be sealed.
    #[error("the hash could not be sealed")]
    Sealing(#[from] AeadError),
    /// The database did not do its part.
    #[error("the database could not be used")]
    Store(#[from] StoreError),
}

/// Adds, lists and changes accounts.
pub struct UserAdministration {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    hasher: Arc<dyn CredentialHasher>,
    sealing: Keyset<AeadKey>,
}

impl UserAdministration {
    /// Puts it together.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        hasher: Arc<dyn CredentialHasher>,
        sealing: Keyset<AeadKey>,
    ) -> Self {
        Self {
            store,
            clock,
            hasher,
            sealing,
        }
    }

    /// Adds an account.
    ///
    /// # Errors
    ///
    /// [`EnrolmentError::TooShort`], [`EnrolmentError::Taken`], and what hashing and storing can fail with.
    pub async fn add(&self, email: EmailAddress, password: Password) -> Result<UserId, EnrolmentError> {
        check_length(&password)?;
        let id = UserId::generate();
        let user = User {
            id,
            email: email.clone(),
            password_hash: self.hash(id, password).await?,
            disabled: false,
            created_at: self.clock.now(),
        };
        match self.store.insert_user(&user).await {
            Err(StoreError::Conflict) => Err(EnrolmentError::Taken { email }),
            other => Ok(other.map(|()| id)?),
        }
    }

    /// All accounts by name.
    ///
    /// # Errors
    ///
    /// [`EnrolmentError::Store`].
    pub async fn list(&self) -> Result<Vec<User>, EnrolmentError> {
        Ok(self.store.users().await?)
    }

    /// Forbids or allows an account to log in. Its tokens stop being good at once where they are validated online.
    ///
    /// # Errors
    ///
    /// [`EnrolmentError::NoSuchUser`] and [`EnrolmentError::Store`].
    pub async fn set_disabled(&self, email: &EmailAddress, disabled: bool) -> Result<(), EnrolmentError> {
        let user = self.find(email).await?;
        self.store.set_user_disabled(user.id, disabled).await?;
        Ok(())
    }

    /// Gives an account another password.
    ///
    /// # Errors
    ///
    /// [`EnrolmentError::TooShort`], [`EnrolmentError::NoSuchUser`], and what hashing and storing can fail with.
    pub async fn reset_password(&self, email: &EmailAddress, password: Password) -> Result<(), EnrolmentError> {
        check_length(&password)?;
        let user = self.find(email).await?;
        let hash = self.hash(user.id, password).await?;
        self.store.set_password_hash(user.id, &hash).await?;
        Ok(())
    }

    async fn find(&self, email: &EmailAddress) -> Result<User, EnrolmentError> {
        let found = self.store.user_by_email(email).await?;
        found.ok_or_else(|| EnrolmentError::NoSuchUser { email: email.clone() })
    }

    async fn hash(&self, id: UserId, password: Password) -> Result<SealedHash, EnrolmentError> {
        let stored = self.hasher.hash(Arc::new(password)).await?;
        let binding = HashBinding {
            column: PASSWORD_HASH_COLUMN,
            user_id: &id.to_string(),
        };
        Ok(SealedHash::seal(&self.sealing, &stored, binding)?)
    }
}

impl fmt::Debug for UserAdministration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserAdministration")
    }
}

fn check_length(password: &Password) -> Result<(), EnrolmentError> {
    match password.chars() {
        chars if chars < MIN_PASSWORD_CHARS => Err(EnrolmentError::TooShort { chars }),
        _ => Ok(()),
    }
}
