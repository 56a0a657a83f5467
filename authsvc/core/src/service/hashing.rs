//! Password hashing as the rules see it: somewhere else, bounded, and possibly busy.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cryptokit::password::{HashError, Password, StoredHash, Verdict};

/// Why a password was not hashed or checked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HashingError {
    /// No permit became free in time, or none would have.
    #[error("every hashing permit stayed taken")]
    Overloaded {
        /// When the queue will have become short, as far as one can tell.
        retry_after: Duration,
    },
    /// The stored hash cannot be used.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The hashing thread panicked.
    #[error("the hashing thread panicked")]
    Panicked,
}

/// Runs Argon2 off the threads that serve requests. Each call is one run at most.
#[async_trait]
pub trait CredentialHasher: Send + Sync {
    /// Whether a hash asked for now would be made in time. Asked before anything else is done for a login, so that what
    /// cannot be served costs nothing.
    ///
    /// # Errors
    ///
    /// [`HashingError::Overloaded`].
    fn admit(&self) -> Result<(), HashingError> {
        Ok(())
    }

    /// Whether a check of this hash takes what a decoy takes: it is of the kind that new ones are.
    fn is_current(&self, _stored: &StoredHash) -> bool {
        false
    }

    /// Hashes a new password.
    async fn hash(&self, password: Arc<Password>) -> Result<StoredHash, HashingError>;

    /// Checks a password.
    async fn verify(&self, password: Arc<Password>, stored: StoredHash) -> Result<Verdict, HashingError>;

    /// Does the work of a check where there is nothing to check against.
    async fn verify_decoy(&self, password: Arc<Password>) -> Result<(), HashingError>;
}
