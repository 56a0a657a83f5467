//! Why an attempt was not let through.

use std::time::Duration;

use crate::audit::{Reason, reasons};
use crate::service::{ErrorCode, Failure};
use crate::storage::StoreError;

/// The budget that is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    /// The account's.
    Account,
    /// The source's at this account.
    AccountFromSource,
    /// The source's at all accounts.
    Source,
}

/// Why an attempt was not let through.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DefenceError {
    /// A budget is used up. Nothing was counted for this attempt.
    #[error("too many failures")]
    Refused {
        /// Which one. For the operator only.
        limit: Limit,
        /// When it ends, in whole seconds.
        retry_after: Duration,
    },
    /// As many attempts as are left are under way, and were for longer than one waits.
    #[error("too many attempts at once")]
    Busy,
    /// The database did not do its part. Without it nothing is let through.
    #[error("the attempts could not be counted")]
    Store(#[from] StoreError),
}

impl From<DefenceError> for Failure {
    fn from(error: DefenceError) -> Self {
        let (kind, retry_after) = match error {
            DefenceError::Refused { limit, retry_after } => (
                match limit {
                    Limit::Account => reasons::defence::ACCOUNT_LOCKED,
                    Limit::AccountFromSource => reasons::defence::ACCOUNT_FROM_SOURCE,
                    Limit::Source => reasons::defence::SOURCE,
                },
                retry_after,
            ),
            DefenceError::Busy => (reasons::defence::TOO_MANY_AT_ONCE, Duration::from_secs(1)),
            DefenceError::Store(error) => return error.into(),
        };
        Self::new(ErrorCode::TooManyRequests, Reason::from(kind)).with_retry_after(retry_after)
    }
}
