//! What the rules ask of a database. Not found is `None`, never an error; times are passed in.

#[cfg(feature = "test-util")]
pub mod conformance;

use async_trait::async_trait;
use cryptokit::password::SealedHash;

use crate::domain::{AudienceName, EmailAddress, Service, ServiceIdentity, ServiceName, User, UserId};

/// Why a store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The value exists already, or another writer was first.
    #[error("already exists")]
    Conflict,
    /// The database cannot be reached or did not answer in time.
    #[error("the database is not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A stored value is not what this program ever writes there.
    #[error("{table}.{column} holds a value that this program does not write")]
    Inconsistent {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
}

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

/// Registered services.
#[async_trait]
pub trait ServiceStore: Send + Sync {
    /// The service of exactly that identity.
    async fn service_by_identity(&self, identity: &ServiceIdentity) -> Result<Option<Service>, StoreError>;

    /// All services by name.
    async fn services(&self) -> Result<Vec<Service>, StoreError>;

    /// Registers a service; [`StoreError::Conflict`] when its name or its identity is taken.
    async fn insert_service(&self, service: &Service) -> Result<(), StoreError>;

    /// Ends a registration; whether there was one.
    async fn remove_service(&self, name: &ServiceName) -> Result<bool, StoreError>;

    /// Whether any service has that audience.
    async fn audience_exists(&self, audience: &AudienceName) -> Result<bool, StoreError>;
}

/// Sealed keysets, as opaque text.
#[async_trait]
pub trait KeysetStore: Send + Sync {
    /// The sealed keyset of that name.
    async fn keyset(&self, name: &str) -> Result<Option<String>, StoreError>;

    /// Adds a sealed keyset; [`StoreError::Conflict`] when the name is taken.
    async fn insert_keyset(&self, name: &str, sealed: &str) -> Result<(), StoreError>;
}

/// A whole store.
#[async_trait]
pub trait Store: UserStore + ServiceStore + KeysetStore {
    /// Whether the database answers a trivial question.
    async fn ping(&self) -> Result<(), StoreError>;
}
