//! What a database's error means.

use std::fmt;
use std::io;

use authsvc_core::storage::StoreError;
use sqlx::Database;
use sqlx::error::DatabaseError;

/// What an error that a database answered with means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// A value is there already.
    Taken,
    /// It takes no writes.
    ReadOnly,
    /// It has no room.
    Full,
    /// It cannot do its work at the moment.
    Down,
    /// It answered, and the answer is no.
    Refused,
}

/// A database whose errors are understood.
pub(super) trait Dialect: Database {
    /// What its error means.
    fn fault(error: &dyn DatabaseError) -> Fault;
}

/// Why this process did not ask at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotAsked {
    /// The breaker is open.
    BreakerOpen,
    /// The installation is in read-only mode.
    ReadOnlyMode,
    /// A later program has changed the schema, and this one would write wrongly.
    TooOldToWrite,
    /// The same, and it would read wrongly.
    TooOldToRead,
    /// It was asked, and this process does not wait for the answer any longer.
    TooSlow,
}

impl fmt::Display for NotAsked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BreakerOpen => "it failed several times in a row and is tried again in a moment",
            Self::ReadOnlyMode => "authsvc db read-only is on",
            Self::TooOldToWrite => "a later program has changed the schema: this one may read and not write",
            Self::TooOldToRead => "a later program has changed the schema: this one is too old for it",
            Self::TooSlow => "no answer in time",
        })
    }
}

impl std::error::Error for NotAsked {}

impl From<NotAsked> for sqlx::Error {
    fn from(reason: NotAsked) -> Self {
        Self::Io(io::Error::other(reason))
    }
}

pub(super) fn not_asked(error: &sqlx::Error) -> Option<NotAsked> {
    match error {
        sqlx::Error::Io(error) => error.get_ref()?.downcast_ref().copied(),
        _ => None,
    }
}

/// What an error means, wherever it was noticed.
pub(super) fn fault<DB: Dialect>(error: &sqlx::Error) -> Fault {
    match (not_asked(error), error) {
        (Some(NotAsked::ReadOnlyMode | NotAsked::TooOldToWrite), _) => Fault::ReadOnly,
        (Some(_), _) => Fault::Down,
        (None, sqlx::Error::Database(error)) if error.is_unique_violation() => Fault::Taken,
        (None, sqlx::Error::Database(error)) => DB::fault(error.as_ref()),
        (
            None,
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::BeginFailed,
        ) => Fault::Down,
        (None, _) => Fault::Refused,
    }
}

/// The same in the words of the rules.
pub(super) fn store_error<DB: Dialect>(error: sqlx::Error) -> StoreError {
    match fault::<DB>(&error) {
        Fault::Taken => StoreError::Conflict,
        Fault::ReadOnly => StoreError::ReadOnly(Box::new(error)),
        Fault::Full => StoreError::Full(Box::new(error)),
        Fault::Down | Fault::Refused => StoreError::Unavailable(Box::new(error)),
    }
}
