//! What the rules ask of a database, one area a file. Not found is `None`, never an error; times are passed in.

pub mod attempts;
mod audit;
#[cfg(feature = "test-util")]
pub mod conformance;
mod key_consumers;
mod keysets;
mod revocation_feed;
mod revocations;
mod second_factors;
mod services;
mod sessions;
mod upkeep;
mod users;

use async_trait::async_trait;

pub use attempts::AttemptStore;
pub use audit::{AuditChain, AuditCursor, AuditDimension, AuditQuery, AuditRow, AuditStore, InvalidAuditCursor};
pub use key_consumers::{KeyConsumer, KeyConsumerStore};
pub use keysets::{KeysetStore, StoredKeyset};
pub use revocation_feed::{FeedHead, Publication, RevocationFeedStore, SignedUnder};
pub use revocations::{NumberedRevocation, RevocationStore};
pub use second_factors::SecondFactorStore;
pub use services::ServiceStore;
pub use sessions::{Begun, EndOfSessions, Ending, Rotation, SessionStore};
pub use upkeep::{BreakerState, DatabaseMode, UpkeepStore};
pub use users::{HashShapes, PasswordReset, ResealedUser, UserStore};

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
    /// The database takes no writes: an operator has put the installation into read-only mode, or the database itself is.
    #[error("the database takes no writes at the moment")]
    ReadOnly(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database has no room for what was to be written.
    #[error("the database is full")]
    Full(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A stored value is not what this program ever writes there.
    #[error("{table}.{column} holds a value that this program does not write")]
    Inconsistent {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
}

/// A whole store.
#[async_trait]
pub trait Store:
    UserStore
    + ServiceStore
    + KeysetStore
    + KeyConsumerStore
    + SecondFactorStore
    + AttemptStore
    + AuditStore
    + SessionStore
    + RevocationStore
    + RevocationFeedStore
    + UpkeepStore
    + std::fmt::Debug
{
    /// Whether the database answers a trivial question.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Ends all connections. What is asked afterwards is [`StoreError::Unavailable`].
    async fn close(&self);
}
