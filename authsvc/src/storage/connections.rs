//! Connections between two uses.
//!
//! A pool of sqlx asks each connection that comes back whether it is still there, which is one more exchange with the
//! database, or with SQLite's thread, for every statement. Here a connection whose last use went well is kept for the next,
//! unasked. Everything else goes the pool's own way: one that failed, was left in the middle, has been idle, or is due for
//! the pool to look at its age.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sqlx::Database;
use sqlx::pool::{Pool, PoolConnection};
use sqlx_core::transaction::TransactionManager;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// A connection that was idle for longer goes back to the pool before it is used again.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);
/// How long a connection stays away from its pool, which renews those that are old.
const KEPT_AT_MOST: Duration = Duration::from_secs(60);
/// How long a connection may take to become usable again. One that is stuck is given up after it, so that a pool does not
/// stay empty when the network swallowed its connections.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(5);

/// A pool's connections, lent to one user at a time. First come, first served.
pub(super) struct Connections<DB: Database> {
    pool: Pool<DB>,
    /// As many as the pool has connections.
    permits: Arc<Semaphore>,
    /// Ready for use, the most recently used last.
    idle: Mutex<Vec<Idle<DB>>>,
}

struct Idle<DB: Database> {
    connection: PoolConnection<DB>,
    taken_at: Instant,
    since: Instant,
}

impl<DB: Database> Idle<DB> {
    fn is_fresh(&self) -> bool {
        self.since.elapsed() <= TRUSTED_IDLE && self.taken_at.elapsed() <= KEPT_AT_MOST
    }
}

impl<DB: Database> Connections<DB> {
    /// Nobody else may take connections from the pool.
    pub(super) fn of(pool: Pool<DB>) -> Arc<Self> {
        let most = usize::try_from(pool.options().get_max_connections()).unwrap_or(Semaphore::MAX_PERMITS);
        Arc::new(Self {
            pool,
            permits: Arc::new(Semaphore::new(most)),
            idle: Mutex::default(),
        })
    }

    /// A connection, as soon as there is one.
    ///
    /// Fails as the pool does: with `PoolTimedOut` when none became free in time, and when none can be made.
    pub(super) async fn lend(self: &Arc<Self>) -> Result<Lent<DB>, sqlx::Error> {
        match timeout(self.pool.options().get_acquire_timeout(), self.next()).await {
            Ok(lent) => lent,
            Err(_) => Err(sqlx::Error::PoolTimedOut),
        }
    }

    async fn next(self: &Arc<Self>) -> Result<Lent<DB>, sqlx::Error> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(|_| sqlx::Error::PoolClosed)?;
        let kept = self.idle().pop();
        let (connection, taken_at) = match kept {
            Some(kept) if kept.is_fresh() => (kept.connection, kept.taken_at),
            other => {
                if let Some(stale) = other {
                    give_back(stale.connection).await;
                }
                (self.pool.acquire().await?, Instant::now())
            }
        };
        Ok(Lent {
            connection: Some(connection),
            taken_at,
            standing: Standing::Doubtful,
            permit: Some(permit),
            home: Arc::clone(self),
        })
    }

    /// Lends no more, and returns when every connection is closed.
    pub(super) async fn close(&self) {
        self.permits.close();
        // The pool knows at once that it is closed, and asks nothing of what comes back.
        let closed = self.pool.close();
        let idle = std::mem::take(&mut *self.idle());
        for kept in idle {
            give_back(kept.connection).await;
        }
        closed.await;
    }

    /// Gives back a connection that is not to be kept: this one when there will be no more uses, or one that has not been
    /// used for a while. What a busier time has left gets to the pool by this, which closes what nobody needs.
    fn keep(&self, connection: PoolConnection<DB>, taken_at: Instant) -> Option<PoolConnection<DB>> {
        let mut idle = self.idle();
        // Under the lock: what is kept before `close` empties the list is found by it.
        if self.permits.is_closed() {
            return Some(connection);
        }
        idle.push(Idle {
            connection,
            taken_at,
            since: Instant::now(),
        });
        let surplus = idle.first().is_some_and(|oldest| !oldest.is_fresh());
        surplus.then(|| idle.remove(0).connection)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle<DB>>> {
        // Nothing that can panic runs under the lock.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<DB: Database> Drop for Connections<DB> {
    /// What is kept is closed, also where there is no runtime any more, which its pool would need to take it back.
    fn drop(&mut self) {
        for kept in std::mem::take(&mut *self.idle()) {
            drop(kept.connection.detach());
        }
    }
}

impl<DB: Database> fmt::Debug for Connections<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections").finish_non_exhaustive()
    }
}

/// What it returns may be dropped anywhere: the connection is closed then.
fn give_back<DB: Database>(mut connection: PoolConnection<DB>) -> impl Future<Output = ()> + Send + 'static {
    let returning = connection.return_to_pool();
    async move {
        // The pool would do the same on its own and wait for ever.
        let _ = timeout(RELEASE_TIMEOUT, returning).await;
    }
}

/// What is known of a connection at the end of its use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// Every answer was read and no transaction is open.
    Good,
    /// It may be in the middle of something, which the pool finds out.
    Doubtful,
    /// It may be in a transaction that sqlx does not know of.
    Unusable,
}

/// A connection in use. Dropped, it is kept, given back or closed, as it stands.
pub(super) struct Lent<DB: Database> {
    /// Always there, until it is dropped.
    connection: Option<PoolConnection<DB>>,
    taken_at: Instant,
    standing: Standing,
    permit: Option<OwnedSemaphorePermit>,
    home: Arc<Connections<DB>>,
}

impl<DB: Database> Lent<DB> {
    /// The last use is over and went well: every answer was read, and no transaction is open.
    pub(super) fn mark_good(&mut self) {
        self.standing = Standing::Good;
    }

    /// From here on it is closed, until something else is said of it.
    pub(super) fn mark_unusable(&mut self) {
        self.standing = Standing::Unusable;
    }

    /// It is in the middle of something that sqlx knows of.
    pub(super) fn mark_doubtful(&mut self) {
        self.standing = Standing::Doubtful;
    }
}

impl<DB: Database> Deref for Lent<DB> {
    type Target = DB::Connection;

    fn deref(&self) -> &DB::Connection {
        self.connection.as_ref().expect("there until it is dropped")
    }
}

impl<DB: Database> DerefMut for Lent<DB> {
    fn deref_mut(&mut self) -> &mut DB::Connection {
        self.connection.as_mut().expect("there until it is dropped")
    }
}

impl<DB: Database> Drop for Lent<DB> {
    fn drop(&mut self) {
        // Until the connection can be lent again.
        let permit = self.permit.take();
        let Some(connection) = self.connection.take() else {
            return;
        };
        let is_kept = match self.standing {
            Standing::Good => DB::TransactionManager::get_transaction_depth(&connection) == 0,
            Standing::Doubtful | Standing::Unusable => false,
        };
        let rest = match is_kept {
            true => self.home.keep(connection, self.taken_at),
            false => Some(connection),
        };
        let Some(mut rest) = rest else { return };
        match Handle::try_current() {
            Ok(_) if self.standing == Standing::Unusable => {
                rest.close_on_drop();
                drop(rest);
            }
            Ok(runtime) => {
                let returning = give_back(rest);
                drop(runtime.spawn(async move {
                    returning.await;
                    drop(permit);
                }));
            }
            // The runtime is gone, and the pool would need it.
            Err(_) => drop(rest.detach()),
        }
    }
}

#[cfg(test)]
mod tests {
    use sqlx::Sqlite;
    use sqlx::sqlite::SqlitePoolOptions;

    use super::*;

    /// Over a database in memory.
    fn connections(most: u32) -> Arc<Connections<Sqlite>> {
        let pool = SqlitePoolOptions::new()
            .max_connections(most)
            .acquire_timeout(Duration::from_millis(50))
            .connect_lazy("sqlite::memory:")
            .unwrap();
        Connections::of(pool)
    }

    async fn run(lent: &mut Lent<Sqlite>, statement: &'static str) -> Result<(), sqlx::Error> {
        sqlx::query(statement).execute(&mut **lent).await.map(|_| ())
    }

    /// Leaves a mark on a connection, which ends with it.
    async fn marked(connections: &Arc<Connections<Sqlite>>) -> Lent<Sqlite> {
        let mut lent = connections.lend().await.unwrap();
        run(&mut lent, "CREATE TEMP TABLE mark (value)").await.unwrap();
        lent
    }

    async fn is_marked(connections: &Arc<Connections<Sqlite>>) -> bool {
        let mut lent = connections.lend().await.unwrap();
        let found = run(&mut lent, "INSERT INTO mark VALUES (1)").await.is_ok();
        lent.mark_good();
        found
    }

    #[tokio::test]
    async fn a_good_connection_is_used_again_and_waits_here() {
        let connections = connections(1);
        let mut lent = marked(&connections).await;
        lent.mark_good();
        drop(lent);
        assert_eq!(connections.idle().len(), 1);
        assert_eq!(connections.pool.num_idle(), 0);
        assert!(is_marked(&connections).await);
    }

    #[tokio::test]
    async fn a_doubtful_connection_is_the_pools_to_look_at() {
        let connections = connections(1);
        drop(marked(&connections).await);
        assert_eq!(connections.idle().len(), 0);
        assert!(is_marked(&connections).await, "it comes back by way of the pool");
    }

    #[tokio::test]
    async fn an_unusable_connection_is_closed() {
        let connections = connections(1);
        let mut lent = marked(&connections).await;
        run(&mut lent, "BEGIN").await.unwrap();
        lent.mark_unusable();
        drop(lent);
        assert!(!is_marked(&connections).await, "it is another one");
    }

    #[tokio::test]
    async fn no_connection_is_kept_in_a_transaction() {
        let connections = connections(1);
        let mut lent = marked(&connections).await;
        <Sqlite as Database>::TransactionManager::begin(&mut lent, None)
            .await
            .unwrap();
        lent.mark_good();
        drop(lent);
        assert_eq!(connections.idle().len(), 0);
    }

    #[tokio::test]
    async fn whoever_finds_none_waits_for_one_and_not_for_ever() {
        let connections = connections(1);
        let mut lent = marked(&connections).await;
        let refused = connections.lend().await;
        assert!(matches!(refused, Err(sqlx::Error::PoolTimedOut)));
        let waiting = tokio::spawn({
            let connections = Arc::clone(&connections);
            async move { is_marked(&connections).await }
        });
        tokio::task::yield_now().await;
        lent.mark_good();
        drop(lent);
        assert!(waiting.await.unwrap());
    }

    #[tokio::test]
    async fn what_was_idle_for_long_goes_back_to_the_pool() {
        let connections = connections(2);
        let (mut first, mut second) = (marked(&connections).await, marked(&connections).await);
        first.mark_good();
        second.mark_good();
        drop((first, second));
        let long_ago = Instant::now().checked_sub(2 * TRUSTED_IDLE).unwrap();
        connections.idle()[0].since = long_ago;
        assert!(is_marked(&connections).await);
        assert_eq!(connections.idle().len(), 1, "the other is kept");
        connections.idle()[0].since = long_ago;
        assert!(is_marked(&connections).await, "it comes back by way of the pool");
    }

    #[test]
    fn whoever_has_them_last_needs_no_runtime() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let (connections, lent) = runtime.block_on(async {
            let connections = connections(2);
            let (mut kept, mut lent) = (marked(&connections).await, marked(&connections).await);
            kept.mark_good();
            drop(kept);
            lent.mark_unusable();
            (connections, lent)
        });
        assert_eq!(connections.idle().len(), 1);
        drop(runtime);
        drop(lent);
        drop(connections);
    }

    #[test]
    fn whoever_is_given_up_with_its_runtime_gives_its_connection_up() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let connections = runtime.block_on(async { connections(3) });
        runtime.block_on(async {
            let (mut good, doubtful) = (marked(&connections).await, marked(&connections).await);
            let mut unusable = marked(&connections).await;
            good.mark_good();
            unusable.mark_unusable();
            tokio::spawn(async move {
                let _held = (good, doubtful, unusable);
                std::future::pending::<()>().await;
            });
            tokio::task::yield_now().await;
        });
        drop(runtime);
        drop(connections);
    }

    #[tokio::test]
    async fn after_closing_nothing_is_kept_or_lent() {
        let connections = connections(2);
        let (mut kept, mut used) = (marked(&connections).await, marked(&connections).await);
        kept.mark_good();
        used.mark_good();
        drop(kept);
        let closing = tokio::spawn({
            let connections = Arc::clone(&connections);
            async move { connections.close().await }
        });
        while !connections.permits.is_closed() {
            tokio::task::yield_now().await;
        }
        assert!(!closing.is_finished(), "one is in use");
        drop(used);
        timeout(Duration::from_secs(10), closing).await.unwrap().unwrap();
        assert_eq!((connections.pool.size(), connections.idle().len()), (0, 0));
        assert!(matches!(connections.lend().await, Err(sqlx::Error::PoolClosed)));
    }
}
