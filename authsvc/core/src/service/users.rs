//! Keeping accounts: what an operator may do.

use std::fmt;
use std::sync::Arc;

use cryptokit::aead::AeadError;
use cryptokit::password::{HashBinding, Password, SealedHash};

use super::hashing::{CredentialHasher, HashingError};
use super::key_ring::KeyRing;
use crate::clock::Clock;
use crate::domain::{AlteredRecord, EmailAddress, User, UserId, UserRecord};
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
    /// The account's record is not as this program wrote it.
    #[error("{0}\nhelp: authsvc user show says what the record claims; once that is right, authsvc user seal")]
    Altered(#[from] AlteredRecord),
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

/// Accounts in one page.
pub const PAGE: u32 = 500;

/// How often a change is tried anew when others change the same record.
const ATTEMPTS: usize = 8;

/// Adds, lists and changes accounts.
pub struct UserAdministration {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    hasher: Arc<dyn CredentialHasher>,
    keys: Arc<KeyRing>,
}

impl UserAdministration {
    /// Puts it together.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        hasher: Arc<dyn CredentialHasher>,
        keys: Arc<KeyRing>,
    ) -> Self {
        Self {
            store,
            clock,
            hasher,
            keys,
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
        let hash = self.hash(id, password).await?;
        let user = User::new(id, email.clone(), hash, self.clock.now());
        match self
            .store
            .insert_user(&UserRecord::seal(user, &self.keys.sealing().keys)?)
            .await
        {
            Err(StoreError::Conflict) => Err(EnrolmentError::Taken { email }),
            other => Ok(other.map(|()| id)?),
        }
    }

    /// The accounts that come after a name, or the first ones, in the order of their names; at most [`PAGE`]. Their
    /// seals are not checked, so that a damaged record can be looked at.
    ///
    /// # Errors
    ///
    /// [`EnrolmentError::Store`].
    pub async fn page(&self, after: Option<&EmailAddress>) -> Result<Vec<UserRecord>, EnrolmentError> {
        Ok(self.store.users_after(after, PAGE).await?)
    }

    /// Forbids or allows an account to log in. Its tokens stop being good at once where they are validated online.
    ///
    /// # Errors
    ///
    /// [`EnrolmentError::NoSuchUser`], [`EnrolmentError::Altered`] and [`EnrolmentError::Store`].
    pub async fn set_disabled(&self, email: &EmailAddress, disabled: bool) -> Result<(), EnrolmentError> {
        self.change(email, |user| {
            user.disabled = disabled;
        })
        .await
        .map(drop)
    }

    /// Gives an account another password.
    ///
    /// # Errors
    ///
    /// [`EnrolmentError::TooShort`], [`EnrolmentError::NoSuchUser`], [`EnrolmentError::Altered`], and what hashing and
    /// storing can fail with.
    pub async fn reset_password(&self, email: &EmailAddress, password: Password) -> Result<(), EnrolmentError> {
        check_length(&password)?;
        let id = self.find(email).await?.unverified().id;
        let hash = self.hash(id, password).await?;
        self.change(email, |user| {
            user.password_hash = hash.clone();
        })
        .await
        .map(drop)
    }

    /// Reads, changes and writes a record, again if somebody else changed it meanwhile.
    async fn change(&self, email: &EmailAddress, edit: impl Fn(&mut User) + Send) -> Result<User, EnrolmentError> {
        for _ in 0..ATTEMPTS {
            let record = self.find(email).await?;
            let mut user = self.keys.unseal(|keys| record.clone().open(keys)).await?;
            edit(&mut user);
            let changed = UserRecord::seal(user.clone(), &self.keys.sealing().keys)?;
            if self.store.replace_user(&record, &changed).await? {
                return Ok(user);
            }
        }
        Err(EnrolmentError::Store(StoreError::Conflict))
    }

    async fn find(&self, email: &EmailAddress) -> Result<UserRecord, EnrolmentError> {
        let found = self.store.user_by_email(email).await?;
        found.ok_or_else(|| EnrolmentError::NoSuchUser { email: email.clone() })
    }

    async fn hash(&self, id: UserId, password: Password) -> Result<SealedHash, EnrolmentError> {
        let stored = self.hasher.hash(Arc::new(password)).await?;
        let binding = HashBinding {
            column: PASSWORD_HASH_COLUMN,
            user_id: &id.to_string(),
        };
        Ok(SealedHash::seal(&self.keys.sealing().keys, &stored, binding)?)
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
