//! A pool that is asked within limits: by permission of a breaker, in bounded time, and not for writes while the
//! installation takes none.
//!
//! It stands where a pool would: `&GuardedPool` executes queries, and [`GuardedPool::begin`] begins transactions.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::{Duration, Instant};

use authsvc_core::storage::BreakerState;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};
use sqlx::{Database, Either, Execute, Executor, SqlSafeStr, SqlStr};
use sqlx_core::transaction::TransactionManager;

use super::Tuning;
use super::breaker::{Breaker, Pass, Settled};
use super::connections::{Connections, Lent};
use super::fault::{Dialect, Fault, NotAsked, fault};
use super::mode::{Access, Mode};

/// A pool with a breaker of its own.
pub(super) struct GuardedPool<DB: Database> {
    connections: Arc<Connections<DB>>,
    access: Access,
    mode: Arc<Mode>,
    breaker: Arc<Breaker>,
    limit: Duration,
}

impl<DB: Dialect> GuardedPool<DB> {
    pub(super) fn new(connections: &Arc<Connections<DB>>, access: Access, mode: &Arc<Mode>, tuning: &Tuning) -> Self {
        Self {
            connections: Arc::clone(connections),
            access,
            mode: Arc::clone(mode),
            breaker: Arc::new(Breaker::new(tuning.breaker)),
            limit: tuning.wait + tuning.statement_timeout,
        }
    }

    /// Where its breaker stands.
    pub(super) fn breaker_state(&self) -> BreakerState {
        self.breaker.state()
    }

    /// Begins a transaction, which is undone unless it is committed.
    pub(super) async fn begin(&self) -> Result<GuardedTransaction<DB>, sqlx::Error> {
        self.begin_as(None).await
    }

    /// The same with a statement of one's own, such as `BEGIN IMMEDIATE`.
    pub(super) async fn begin_with(&self, statement: impl SqlSafeStr) -> Result<GuardedTransaction<DB>, sqlx::Error> {
        self.begin_as(Some(statement.into_sql_str())).await
    }

    async fn begin_as(&self, statement: Option<SqlStr>) -> Result<GuardedTransaction<DB>, sqlx::Error> {
        let asking = self.ask()?;
        let begun = within(self.limit, async {
            let mut lent = self.connections.lend().await?;
            // Until it is answered: sqlx for Postgres counts a transaction only then, so that one whose beginning was given up
            // half way would be open and nobody know of it (https://github.com/transact-rs/sqlx/issues/4385).
            lent.mark_unusable();
            DB::TransactionManager::begin(&mut lent, statement).await?;
            lent.mark_doubtful();
            Ok(lent)
        })
        .await;
        match begun {
            Ok(lent) => Ok(GuardedTransaction {
                lent,
                asking: Some(asking),
                limit: self.limit,
            }),
            Err(error) => asking.settle(Err(error)),
        }
    }

    /// A transaction whose statements bring their own `BEGIN` and `COMMIT`, so that neither is an exchange by itself. When
    /// `work` fails or is left, the connection is closed, and what it began undone by that.
    pub(super) async fn script<T>(
        &self,
        work: impl AsyncFnOnce(&mut DB::Connection) -> Result<T, sqlx::Error>,
    ) -> Result<T, sqlx::Error> {
        let asking = self.ask()?;
        let outcome = within(self.limit, async {
            let mut lent = self.connections.lend().await?;
            lent.mark_unusable();
            let done = work(&mut lent).await?;
            lent.mark_good();
            Ok(done)
        });
        asking.settle(outcome.await)
    }

    /// A connection, for several statements that need no transaction.
    pub(super) async fn acquire(&self) -> Result<GuardedConnection<DB>, sqlx::Error> {
        let asking = self.ask()?;
        match within(self.limit, self.connections.lend()).await {
            Ok(lent) => Ok(GuardedConnection { lent, _asking: asking }),
            Err(error) => asking.settle(Err(error)),
        }
    }

    pub(super) async fn close(&self) {
        self.connections.close().await;
    }

    fn ask(&self) -> Result<Asking<DB>, sqlx::Error> {
        self.mode.check(self.access)?;
        let pass = self.breaker.admit(Instant::now()).map_err(|_| NotAsked::BreakerOpen)?;
        Ok(Asking {
            breaker: Arc::clone(&self.breaker),
            pass: Some(pass),
            database: std::marker::PhantomData,
        })
    }
}

impl<DB: Database> fmt::Debug for GuardedPool<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedPool")
            .field("access", &self.access)
            .field("breaker", &self.breaker.state())
            .finish_non_exhaustive()
    }
}

impl<'p, DB: Dialect> Executor<'p> for &'p GuardedPool<DB>
where
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    type Database = DB;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Either<DB::QueryResult, DB::Row>, sqlx::Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, DB>,
    {
        // All at once: a connection is not held for as long as somebody takes to look at each row.
        let all = async move {
            let asking = self.ask()?;
            let all = within(self.limit, async {
                let mut lent = self.connections.lend().await?;
                let all = lent.fetch_many(query).try_collect::<Vec<_>>().await?;
                lent.mark_good();
                Ok(all)
            });
            asking.settle(all.await)
        };
        stream::once(all)
            .map_ok(|all| stream::iter(all.into_iter().map(Ok)))
            .try_flatten()
            .boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<DB::Row>, sqlx::Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, DB>,
    {
        Box::pin(async move {
            let asking = self.ask()?;
            let found = within(self.limit, async {
                let mut lent = self.connections.lend().await?;
                let found = lent.fetch_optional(query).await?;
                lent.mark_good();
                Ok(found)
            });
            asking.settle(found.await)
        })
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [DB::TypeInfo],
    ) -> BoxFuture<'e, Result<DB::Statement, sqlx::Error>>
    where
        'p: 'e,
    {
        Box::pin(async move {
            let mut lent = self.connections.lend().await?;
            lent.prepare_with(sql, parameters).await
        })
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<sqlx::Describe<DB>, sqlx::Error>>
    where
        'p: 'e,
    {
        Box::pin(async move {
            let mut lent = self.connections.lend().await?;
            lent.describe(sql).await
        })
    }
}

/// A connection of a guarded pool.
pub(super) struct GuardedConnection<DB: Dialect> {
    lent: Lent<DB>,
    _asking: Asking<DB>,
}

impl<DB: Dialect> Deref for GuardedConnection<DB> {
    type Target = DB::Connection;

    fn deref(&self) -> &DB::Connection {
        &self.lent
    }
}

impl<DB: Dialect> DerefMut for GuardedConnection<DB> {
    fn deref_mut(&mut self) -> &mut DB::Connection {
        &mut self.lent
    }
}

/// A transaction; dropped, it is undone.
pub(super) struct GuardedTransaction<DB: Dialect> {
    lent: Lent<DB>,
    /// Taken when it is over.
    asking: Option<Asking<DB>>,
    limit: Duration,
}

impl<DB: Dialect> GuardedTransaction<DB> {
    /// Makes it last. After an error nobody knows whether it did.
    pub(super) async fn commit(mut self) -> Result<(), sqlx::Error> {
        let limit = self.limit;
        let committed = within(limit, DB::TransactionManager::commit(&mut self.lent)).await;
        self.over(committed)
    }

    /// Undoes it, and waits for that.
    pub(super) async fn rollback(mut self) -> Result<(), sqlx::Error> {
        let limit = self.limit;
        let undone = within(limit, DB::TransactionManager::rollback(&mut self.lent)).await;
        self.over(undone)
    }

    fn over(&mut self, outcome: Result<(), sqlx::Error>) -> Result<(), sqlx::Error> {
        match outcome {
            Ok(()) => self.lent.mark_good(),
            Err(_) => DB::TransactionManager::start_rollback(&mut self.lent),
        }
        match self.asking.take() {
            Some(asking) => asking.settle(outcome),
            None => outcome,
        }
    }
}

impl<DB: Dialect> Drop for GuardedTransaction<DB> {
    fn drop(&mut self) {
        if self.asking.take().is_some() {
            DB::TransactionManager::start_rollback(&mut self.lent);
        }
    }
}

impl<DB: Dialect> Deref for GuardedTransaction<DB> {
    type Target = DB::Connection;

    fn deref(&self) -> &DB::Connection {
        &self.lent
    }
}

impl<DB: Dialect> DerefMut for GuardedTransaction<DB> {
    fn deref_mut(&mut self) -> &mut DB::Connection {
        &mut self.lent
    }
}

/// A permission of the breaker, which learns how it ended, whatever becomes of the future that holds it.
struct Asking<DB> {
    breaker: Arc<Breaker>,
    pass: Option<Pass>,
    database: std::marker::PhantomData<fn() -> DB>,
}

impl<DB: Dialect> Asking<DB> {
    fn settle<T>(mut self, outcome: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
        match &outcome {
            Ok(_) => self.tell(Settled::Answered),
            Err(error) => self.tell(settled::<DB>(error)),
        }
        outcome
    }
}

impl<DB> Asking<DB> {
    fn tell(&mut self, settled: Settled) {
        if let Some(pass) = self.pass.take() {
            self.breaker.settle(pass, settled, Instant::now());
        }
    }
}

impl<DB> Drop for Asking<DB> {
    fn drop(&mut self) {
        self.tell(Settled::Abandoned);
    }
}

/// A full disk and a refused write say nothing against reading, nor does a value that is taken.
fn settled<DB: Dialect>(error: &sqlx::Error) -> Settled {
    match fault::<DB>(error) {
        Fault::Down => Settled::Failed,
        Fault::Taken | Fault::ReadOnly | Fault::Full | Fault::Refused => Settled::Answered,
    }
}

async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    match tokio::time::timeout(limit, work).await {
        Ok(outcome) => outcome,
        Err(_) => Err(NotAsked::TooSlow.into()),
    }
}
