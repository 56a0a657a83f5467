//! SQLite, embedded: one writer, many readers, write-ahead log.

mod attempts;
mod audit;
mod key_consumers;
mod keysets;
mod revocation_feed;
mod revocations;
mod rows;
mod schema;
mod second_factors;
mod services;
mod sessions;
pub(super) mod transfer;
mod upkeep;
mod users;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use authsvc_core::storage::{Store, StoreError};
use sqlx::error::DatabaseError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, SqlitePool};
use sqlx_core::transaction::TransactionManager;
use tokio::time::{Instant, sleep};

use super::connections::Connections;
use super::fault::{self, Dialect, Fault};
use super::guarded::GuardedPool;
use super::mode::{Access, Mode};
use super::schema::SchemaStatus;
use super::{OpenError, Tuning};

/// A SQLite database file.
#[derive(Debug)]
pub struct SqliteStore {
    /// One connection: SQLite has one writer, and waiting here is fair while its busy handler is not.
    writer: GuardedPool<Sqlite>,
    readers: GuardedPool<Sqlite>,
    /// The writer's connection, also in read-only mode.
    upkeep: GuardedPool<Sqlite>,
    mode: Arc<Mode>,
}

impl SqliteStore {
    /// Opens an existing database and brings its schema up to date.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub async fn open(path: &Path) -> Result<Self, OpenError> {
        Self::open_with(path, &Tuning::default()).await
    }

    /// The same, used in another way than the default.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub async fn open_with(path: &Path, tuning: &Tuning) -> Result<Self, OpenError> {
        let (writer, options) = connect(path, tuning).await?;
        let failed = |source| OpenError::Open {
            database: path.display().to_string(),
            source,
        };
        let mut connection = writer.acquire().await.map_err(failed)?;
        let status = schema::migrate(&mut connection)
            .await
            .map_err(|source| OpenError::Schema {
                database: path.display().to_string(),
                source,
            })?;
        drop(connection);
        let readers = SqlitePoolOptions::new()
            .max_connections(4)
            .acquire_timeout(tuning.wait)
            .test_before_acquire(false)
            .connect_lazy_with(options.pragma("query_only", "ON"));
        let mode = Arc::new(Mode::default());
        if let Some(found) = &status.mode {
            mode.learn(found);
        }
        let writer = Connections::of(writer);
        Ok(Self {
            upkeep: GuardedPool::new(&writer, Access::Upkeep, &mode, tuning),
            writer: GuardedPool::new(&writer, Access::Write, &mode, tuning),
            readers: GuardedPool::new(&Connections::of(readers), Access::Read, &mode, tuning),
            mode,
        })
    }
}

impl SqliteStore {
    /// Lets the file grow to so many pages and no further, or not at all beyond what it has, for as long as the connection
    /// that writes is not closed, as it is when a counter cannot be written. A full disk by arrangement.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn limit_pages(&self, pages: u32) -> Result<(), StoreError> {
        sqlx::query(sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {}", pages.max(1))))
            .execute(&self.upkeep)
            .await
            .map(|_| ())
            .map_err(store_error)
    }
}

/// Compares a database's schema with this program's, and changes nothing.
///
/// # Errors
///
/// [`OpenError`].
pub async fn schema_status(path: &Path, tuning: &Tuning) -> Result<SchemaStatus, OpenError> {
    let (pool, _) = connect(path, tuning).await?;
    let database = || path.display().to_string();
    let mut connection = pool.acquire().await.map_err(|source| OpenError::Open {
        database: database(),
        source,
    })?;
    let status = schema::status(&mut connection).await;
    drop(connection);
    pool.close().await;
    status.map_err(|source| OpenError::Schema {
        database: database(),
        source,
    })
}

async fn connect(path: &Path, tuning: &Tuning) -> Result<(SqlitePool, SqliteConnectOptions), OpenError> {
    if !path.is_file() {
        return Err(OpenError::Missing { path: path.to_owned() });
    }
    let options = options(path, tuning);
    let started = Instant::now();
    loop {
        match writer(&options, tuning).await {
            Ok(pool) => return Ok((pool, options)),
            // The first connection of all writes into the file that it has a write-ahead log. Whoever comes meanwhile is
            // told at once that it is locked: SQLite does not wait where a lock is to be raised
            // (https://sqlite.org/c3ref/busy_handler.html).
            Err(error) if is_busy(&error) && started.elapsed() < tuning.statement_timeout => sleep(BUSY_PAUSE).await,
            Err(source) => {
                return Err(OpenError::Open {
                    database: path.display().to_string(),
                    source,
                });
            }
        }
    }
}

/// Between attempts to open a database that another process is making.
const BUSY_PAUSE: Duration = Duration::from_millis(20);

fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code);
    // The primary result code SQLITE_BUSY is in the lowest byte.
    code.and_then(|code| code.parse::<i32>().ok())
        .is_some_and(|code| code & 0xff == 5)
}

async fn writer(options: &SqliteConnectOptions, tuning: &Tuning) -> Result<SqlitePool, sqlx::Error> {
    SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(tuning.wait)
        // Nothing is between this process and the file, and a connection that comes back after a failure is tested then:
        // asking its thread once more before each statement would cost as much as a statement.
        .test_before_acquire(false)
        // When the disk is full SQLite undoes a transaction by itself (https://sqlite.org/lang_transaction.html), the
        // rollback that follows is an error, and sqlx goes on counting the transaction: on such a connection none would
        // ever begin again.
        .before_acquire(|connection, _| {
            let depth = <Sqlite as sqlx::Database>::TransactionManager::get_transaction_depth(connection);
            Box::pin(async move { Ok(depth == 0) })
        })
        .connect_with(options.clone())
        .await
}

#[async_trait]
impl Store for SqliteStore {
    async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1 FROM keysets LIMIT 1")
            .fetch_optional(&self.readers)
            .await
            .map(|_| ())
            .map_err(store_error)
    }

    /// The write-ahead log is folded in.
    async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

fn options(path: &Path, tuning: &Tuning) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Wal)
        // An acknowledged write survives a power cut.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(tuning.statement_timeout)
        // A container's root file system is read-only: no temporary files.
        .pragma("temp_store", "MEMORY")
        .pragma("trusted_schema", "OFF")
        .pragma("secure_delete", "ON")
}

impl Dialect for Sqlite {
    /// Primary result codes: <https://www.sqlite.org/rescode.html>. The extended ones have them in the lowest byte.
    fn fault(error: &dyn DatabaseError) -> Fault {
        let code: i32 = error.code().and_then(|code| code.parse().ok()).unwrap_or_default();
        match code & 0xff {
            // PERM, READONLY
            3 | 8 => Fault::ReadOnly,
            13 => Fault::Full,
            // BUSY, LOCKED, NOMEM, IOERR, CORRUPT, CANTOPEN, PROTOCOL, NOTADB
            5 | 6 | 7 | 10 | 11 | 14 | 15 | 26 => Fault::Down,
            _ => Fault::Refused,
        }
    }
}

fn store_error(error: sqlx::Error) -> StoreError {
    fault::store_error::<Sqlite>(error)
}
