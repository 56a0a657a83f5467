//! Hashing off the threads that serve requests, behind a queue that is fair to sources and knows when it is too late.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use authsvc_core::service::{CredentialHasher, HashingError};
use cryptokit::password::{HashError, HashPermit, HashPool, Password, PasswordHasher, Standing, StoredHash, Verdict};
use tokio::time::Instant;

use crate::call_scope::CallScope;
use crate::permit_queue::{PermitQueue, Turn};

/// How often memory that nobody uses is given back.
pub const IDLE_RELEASE_INTERVAL: Duration = Duration::from_secs(30);

/// Runs at most N hashes at once. Sources take turns; each caller waits for a bounded time, and not at all where that
/// would be in vain.
#[derive(Debug)]
pub struct QueuedHasher {
    hasher: RwLock<Arc<PasswordHasher>>,
    queue: Arc<PermitQueue>,
    max_wait: Duration,
    load: Arc<Load>,
}

/// What the queue has shown so far.
#[derive(Debug, Default)]
struct Load {
    /// How long a hash takes, in microseconds: a moving average over about eight. 0 before the first.
    run_micros: AtomicU64,
    /// Callers turned away.
    shed: AtomicU64,
}

impl QueuedHasher {
    /// At most `max_concurrent` hashes at once, each waiting at most `max_wait` for its turn.
    pub fn new(hasher: PasswordHasher, max_concurrent: NonZeroUsize, max_wait: Duration) -> Self {
        Self::with_pool(hasher, HashPool::new(max_concurrent), max_wait)
    }

    /// The same, with a pool of choice, from which nobody else takes permits.
    pub fn with_pool(hasher: PasswordHasher, pool: HashPool, max_wait: Duration) -> Self {
        Self {
            hasher: RwLock::new(Arc::new(hasher)),
            queue: PermitQueue::new(pool),
            max_wait,
            load: Arc::default(),
        }
    }

    /// Hashes and verifies with other peppers from now on. What has begun goes on with those it began with.
    pub fn exchange(&self, hasher: PasswordHasher) {
        *self.hasher.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(hasher);
    }

    fn current(&self) -> Arc<PasswordHasher> {
        Arc::clone(&self.hasher.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The pool, for metrics and for giving idle memory back.
    pub fn pool(&self) -> &HashPool {
        self.queue.pool()
    }

    /// How many callers wait for their turn.
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// How many callers were turned away because their turn would have come too late, or did not come.
    pub fn shed(&self) -> u64 {
        self.load.shed.load(Ordering::Relaxed)
    }

    async fn run<T, F>(&self, work: F) -> Result<T, HashingError>
    where
        T: Send + 'static,
        F: FnOnce(&PasswordHasher, &mut HashPermit) -> Result<T, HashError> + Send + 'static,
    {
        let mut turn = self.turn().await?;
        let hasher = self.current();
        let load = Arc::clone(&self.load);
        // The turn moves into the work: a client that leaves does not free it while its hash still runs.
        let worker = tokio::task::spawn_blocking(move || {
            let started = Instant::now();
            let result = work(&hasher, turn.permit());
            load.observe(started.elapsed());
            Ok(result?)
        });
        worker.await.unwrap_or(Err(HashingError::Panicked))
    }

    async fn turn(&self) -> Result<Turn, HashingError> {
        let scope = CallScope::current();
        self.check_room(&scope)?;
        // Dropped with the request of a client that leaves: its hash is then never begun.
        let turn = self.queue.turn(scope.source);
        match tokio::time::timeout_at(self.latest_start(&scope), turn).await {
            Ok(turn) => Ok(turn),
            Err(_) => Err(self.turn_away()),
        }
    }

    /// Turns away whose turn would come too late by all that is known. Whoever could begin at once may, so that one
    /// slow run does not keep everybody out for good.
    fn check_room(&self, scope: &CallScope) -> Result<(), HashingError> {
        let Some(ahead) = self.queue.ahead_of(scope.source) else {
            return Ok(());
        };
        if Instant::now() + self.expected_wait(ahead + 1) > self.latest_start(scope) {
            return Err(self.turn_away());
        }
        Ok(())
    }

    /// When a hash has to begin at the latest.
    fn latest_start(&self, scope: &CallScope) -> Instant {
        let by_patience = Instant::now() + self.max_wait;
        match scope.deadline {
            None => by_patience,
            // The hash itself takes its time.
            Some(deadline) => by_patience.min(deadline.checked_sub(self.load.run()).unwrap_or(deadline)),
        }
    }

    fn turn_away(&self) -> HashingError {
        self.load.shed.fetch_add(1, Ordering::Relaxed);
        // When half of those who wait have been served; a second at least, which is the header's unit.
        let retry_after = self.expected_wait(self.queue.len() / 2).max(Duration::from_secs(1));
        HashingError::Overloaded { retry_after }
    }

    fn expected_wait(&self, hashes: usize) -> Duration {
        let capacity = u32::try_from(self.pool().capacity()).unwrap_or(u32::MAX).max(1);
        self.load
            .run()
            .saturating_mul(u32::try_from(hashes).unwrap_or(u32::MAX))
            / capacity
    }
}

impl Load {
    fn run(&self) -> Duration {
        Duration::from_micros(self.run_micros.load(Ordering::Relaxed))
    }

    fn observe(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        // Two runs that end at once may lose one of the two: an average need not be exact.
        let average = self.run_micros.load(Ordering::Relaxed);
        let next = if average == 0 {
            micros
        } else {
            average - average / 8 + micros / 8
        };
        self.run_micros.store(next, Ordering::Relaxed);
    }
}

#[async_trait]
impl CredentialHasher for QueuedHasher {
    fn admit(&self) -> Result<(), HashingError> {
        self.check_room(&CallScope::current())
    }

    fn is_current(&self, stored: &StoredHash) -> bool {
        self.current().standing(stored) == Ok(Standing::Current)
    }

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
        assert!(matches!(refused, Err(HashingError::Overloaded { .. })));
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
        assert!(matches!(
            hasher.run(|_, _| Ok(())).await,
            Err(HashingError::Overloaded { .. })
        ));
        release.send(()).unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn whose_turn_would_come_too_late_is_told_at_once_and_when_to_come_back() {
        let hasher = Arc::new(hasher(Duration::from_secs(10)));
        hasher.load.observe(Duration::from_secs(4));
        let (busy, release) = occupy(&hasher).await;
        let mut waiting: Vec<_> = (0..2)
            .map(|_| {
                let hasher = Arc::clone(&hasher);
                tokio::spawn(async move { hasher.run(|_, _| Ok(())).await })
            })
            .collect();
        tokio::task::yield_now().await;
        assert_eq!(hasher.waiting(), 2);
        let before = Instant::now();
        // Two wait and one runs: 12 s at 4 s each.
        assert!(
            matches!(hasher.admit(), Err(HashingError::Overloaded { retry_after }) if retry_after == Duration::from_secs(4))
        );
        assert!(matches!(
            hasher.run(|_, _| Ok(())).await,
            Err(HashingError::Overloaded { .. })
        ));
        assert_eq!(before.elapsed(), Duration::ZERO, "nobody waited");
        assert_eq!(hasher.shed(), 2);
        // Somebody else has no such queue before them: only one hash of the flood's.
        let other = CallScope {
            source: Some(std::net::IpAddr::from([192, 0, 2, 1]).into()),
            deadline: None,
        };
        other.around(async { hasher.admit().unwrap() }).await;
        // Unless nobody waits for them that long.
        let hurried = CallScope {
            deadline: Some(Instant::now() + Duration::from_secs(11)),
            ..other
        };
        hurried.around(async { hasher.admit().unwrap_err() }).await;
        release.send(()).unwrap();
        assert!(busy.await.unwrap().is_ok());
        for task in waiting.drain(..) {
            assert!(task.await.unwrap().is_ok());
        }
        assert!(hasher.admit().is_ok(), "it recovers by itself");
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_run_does_not_keep_everybody_out_for_good() {
        let hasher = hasher(Duration::from_millis(10));
        hasher.load.observe(Duration::from_secs(600));
        assert!(hasher.run(|_, _| Ok(())).await.is_ok());
    }

    #[tokio::test]
    async fn no_hash_begins_for_a_caller_that_has_left_the_queue() {
        let hasher = Arc::new(hasher(Duration::from_secs(10)));
        let (busy, release) = occupy(&hasher).await;
        let queued = {
            let hasher = Arc::clone(&hasher);
            tokio::spawn(async move { hasher.run(|_, _| Ok(())).await })
        };
        while hasher.waiting() == 0 {
            tokio::task::yield_now().await;
        }
        queued.abort();
        assert!(queued.await.is_err());
        assert_eq!(hasher.waiting(), 0);
        release.send(()).unwrap();
        busy.await.unwrap().unwrap();
        assert_eq!(hasher.pool().in_use(), 0);
        assert_eq!(
            hasher.pool().completed(),
            0,
            "the one that ran was no hash, and no other began"
        );
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
