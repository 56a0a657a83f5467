//! Hashing off the threads that serve requests, behind a fair queue.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use authsvc_core::service::{CredentialHasher, HashingError};
use cryptokit::password::{HashError, HashPermit, HashPool, Password, PasswordHasher, StoredHash, Verdict};

use crate::permit_queue::PermitQueue;

/// How often memory that nobody uses is given back.
pub const IDLE_RELEASE_INTERVAL: Duration = Duration::from_secs(30);

/// Runs at most N hashes at once; the others wait in order of arrival, for a bounded time.
#[derive(Debug)]
pub struct QueuedHasher {
    hasher: Arc<PasswordHasher>,
    queue: Arc<PermitQueue>,
    max_wait: Duration,
}

impl QueuedHasher {
    /// At most `max_concurrent` hashes at once, each waiting at most `max_wait` for its turn.
    pub fn new(hasher: PasswordHasher, max_concurrent: NonZeroUsize, max_wait: Duration) -> Self {
        Self::with_pool(hasher, HashPool::new(max_concurrent), max_wait)
    }

    /// The same, with a pool of choice, from which nobody else takes permits.
    pub fn with_pool(hasher: PasswordHasher, pool: HashPool, max_wait: Duration) -> Self {
        Self {
            hasher: Arc::new(hasher),
            queue: PermitQueue::new(pool),
            max_wait,
        }
    }

    /// The pool, for metrics and for giving idle memory back.
    pub fn pool(&self) -> &HashPool {
        self.queue.pool()
    }

    async fn run<T, F>(&self, work: F) -> Result<T, HashingError>
    where
        T: Send + 'static,
        F: FnOnce(&PasswordHasher, &mut HashPermit) -> Result<T, HashError> + Send + 'static,
    {
        let Ok(mut turn) = tokio::time::timeout(self.max_wait, self.queue.turn()).await else {
            return Err(HashingError::Overloaded);
        };
        let hasher = Arc::clone(&self.hasher);
        // The turn moves into the work: a client that leaves does not free it while its hash still runs.
        let worker = tokio::task::spawn_blocking(move || Ok(work(&hasher, turn.permit())?));
        worker.await.unwrap_or(Err(HashingError::Panicked))
    }
}

#[async_trait]
impl CredentialHasher for QueuedHasher {
    async fn hash(&self, password: Arc<Password>) -> Result<StoredHash, HashingError> {
        self.run(move |hasher, permit| hasher.hash(permit, &password)).await
    }

    async fn verify(&self, password: Arc<Password>, stored: StoredHash) -> Result<Verdict, HashingError> {
        self.run(move |hasher, permit| hasher.verify(permit, &password, &stored))
            .await
    }

    async fn verify_decoy(&self, password: Arc<Password>) -> Result<(), HashingError> {
        self.run(move |hasher, permit| hasher.verify_decoy(permit, &password))
            .await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use cryptokit::keyset::Keyset;
    use cryptokit::password::{Argon2Params, Pepper, Policy};

    use super::*;

    fn hasher(max_wait: Duration) -> QueuedHasher {
        let params = Argon2Params::new(32, 1, 1).unwrap();
        let hasher = PasswordHasher::new(
            Policy::new(params, Argon2Params::OWASP).unwrap(),
            Keyset::new("peppers", Pepper::generate()),
        );
        QueuedHasher::new(hasher, NonZeroUsize::MIN, max_wait)
    }

    /// Takes the only permit; the hash ends when something is sent.
    async fn occupy(
        hasher: &Arc<QueuedHasher>,
    ) -> (tokio::task::JoinHandle<Result<(), HashingError>>, mpsc::Sender<()>) {
        let (release, released) = mpsc::channel::<()>();
        let (started, starting) = tokio::sync::oneshot::channel();
        let hasher = Arc::clone(hasher);
        let busy = tokio::spawn(async move {
            hasher
                .run(move |_, _| {
                    started.send(()).unwrap();
                    released.recv().unwrap();
                    Ok(())
                })
                .await
        });
        starting.await.unwrap();
        (busy, release)
    }

    #[tokio::test]
    async fn who_waits_too_long_is_told_that_it_is_busy() {
        let hasher = Arc::new(hasher(Duration::from_millis(20)));
        let (busy, release) = occupy(&hasher).await;
        let refused = hasher.run(|_, _| Ok(())).await;
        assert!(matches!(refused, Err(HashingError::Overloaded)));
        release.send(()).unwrap();
        assert!(busy.await.unwrap().is_ok());
        assert!(hasher.run(|_, _| Ok(())).await.is_ok());
    }

    #[tokio::test]
    async fn a_caller_that_leaves_does_not_free_its_permit_early() {
        let hasher = Arc::new(hasher(Duration::from_millis(20)));
        let (leaving, release) = occupy(&hasher).await;
        leaving.abort();
        assert!(leaving.await.is_err());
        assert_eq!(hasher.pool().in_use(), 1, "the hash still runs");
        assert!(matches!(hasher.run(|_, _| Ok(())).await, Err(HashingError::Overloaded)));
        release.send(()).unwrap();
    }

    #[tokio::test]
    async fn a_panic_while_hashing_gives_everything_back() {
        let hasher = hasher(Duration::from_secs(10));
        let panicked = hasher.run::<(), _>(|_, _| panic!("planted")).await;
        assert!(matches!(panicked, Err(HashingError::Panicked)));
        assert_eq!(hasher.pool().in_use(), 0);
        assert!(hasher.run(|_, _| Ok(())).await.is_ok());
    }
}
