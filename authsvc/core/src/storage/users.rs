//! Accounts.

use async_trait::async_trait;
use cryptokit::password::SealedHash;

use super::StoreError;
use crate::domain::{EmailAddress, User, UserId};

/// Accounts.
#[async_trait]
pub trait UserStore: Send + Sync {
    /// The account of that name.
    async fn user_by_email(&self, email: &EmailAddress) -> Result<Option<User>, StoreError>;

    /// The account of that id.
    async fn user_by_id(&self, id: UserId) -> Result<Option<User>, StoreError>;

    /// All accounts by name.
    async fn users(&self) -> Result<Vec<User>, StoreError>;

    /// Adds an account; [`StoreError::Conflict`] when its name is taken.
    async fn insert_user(&self, user: &User) -> Result<(), StoreError>;

    /// Allows or forbids an account to log in; whether there is one.
    async fn set_user_disabled(&self, id: UserId, disabled: bool) -> Result<bool, StoreError>;

    /// Sets an account's hash, whatever it was; whether there is one.
    async fn set_password_hash(&self, id: UserId, hash: &SealedHash) -> Result<bool, StoreError>;

    /// Sets an account's hash if it still is `expected`; whether it was. A rehash must not undo a password change that
    /// happened meanwhile.
    async fn replace_password_hash(
        &self,
        id: UserId,
        expected: &SealedHash,
        hash: &SealedHash,
    ) -> Result<bool, StoreError>;
}
