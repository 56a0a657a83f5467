//! Postgres: one database that several replicas share.
//!
//! Queries name their columns: a later replica may add one, and a cached plan of `SELECT *` fails from then on.

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
mod url;
mod users;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use authsvc_core::storage::{Store, StoreError};
use sqlx::error::DatabaseError;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{Connection, Executor, Postgres};

pub use url::{UrlError, parse_url};

use super::connections::Connections;
use super::fault::{self, Dialect, Fault};
use super::guarded::{GuardedPool, GuardedTransaction};
use super::mode::{Access, Mode};
use super::schema::SchemaStatus;
use super::{OpenError, Tuning};

/// A connection that was idle for longer is asked whether it still lives before a request gets it.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);
/// Connections are renewed after this, so that a changed role or a moved server is noticed.
const MAX_LIFETIME: Duration = Duration::from_secs(30 * 60);

/// How long a statement may take that concerns any number of rows.
const LONG: &str = "SET LOCAL statement_timeout = '10min'";

/// A Postgres database.
#[derive(Debug)]
pub struct PostgresStore {
    writer: GuardedPool<Postgres>,
    /// The same connections: what only reads says so by its name, and goes on in read-only mode.
    readers: GuardedPool<Postgres>,
    /// The same connections again, for what ends that mode.
    upkeep: GuardedPool<Postgres>,
    mode: Arc<Mode>,
}

impl PostgresStore {
    /// Connects and brings the schema up to date.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub async fn open(options: PgConnectOptions, tuning: &Tuning) -> Result<Self, OpenError> {
        let database = describe(&options);
        let pool = connect(options, tuning).await?;
        let mut connection = pool.acquire().await.map_err(|source| OpenError::Open {
            database: database.clone(),
            source,
        })?;
        let status = schema::migrate(&mut connection)
            .await
            .map_err(|source| OpenError::Schema { database, source })?;
        drop(connection);
        let mode = Arc::new(Mode::default());
        if let Some(found) = &status.mode {
            mode.learn(found);
        }
        let connections = Connections::of(pool);
        Ok(Self {
            writer: GuardedPool::new(&connections, Access::Write, &mode, tuning),
            upkeep: GuardedPool::new(&connections, Access::Upkeep, &mode, tuning),
            readers: GuardedPool::new(&connections, Access::Read, &mode, tuning),
            mode,
        })
    }
}

/// Compares a database's schema with this program's, and changes nothing.
///
/// # Errors
///
/// [`OpenError`].
pub async fn schema_status(options: PgConnectOptions, tuning: &Tuning) -> Result<SchemaStatus, OpenError> {
    let database = describe(&options);
    let pool = connect(options, tuning).await?;
    let mut connection = pool.acquire().await.map_err(|source| OpenError::Open {
        database: database.clone(),
        source,
    })?;
    let status = schema::status(&mut connection).await;
    drop(connection);
    pool.close().await;
    status.map_err(|source| OpenError::Schema { database, source })
}

async fn connect(options: PgConnectOptions, tuning: &Tuning) -> Result<PgPool, OpenError> {
    let database = describe(&options);
    let milliseconds = |duration: Duration| duration.as_millis().to_string();
    let options = options.options([
        ("default_transaction_isolation", "read committed".to_owned()),
        ("statement_timeout", milliseconds(tuning.statement_timeout)),
        (
            "idle_in_transaction_session_timeout",
            milliseconds(tuning.statement_timeout),
        ),
    ]);
    PgPoolOptions::new()
        .max_connections(tuning.max_connections)
        .acquire_timeout(tuning.wait)
        .max_lifetime(MAX_LIFETIME)
        .test_before_acquire(false)
        .before_acquire(|connection, about| {
            Box::pin(async move {
                if about.idle_for > TRUSTED_IDLE {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .after_connect(|connection, _| Box::pin(async move { keep_commits_durable(connection).await }))
        .connect_with(options)
        .await
        .map_err(|source| OpenError::Open { database, source })
}

#[async_trait]
impl Store for PostgresStore {
    async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1 FROM keysets LIMIT 1")
            .fetch_optional(&self.readers)
            .await
            .map(|_| ())
            .map_err(store_error)
    }

    async fn close(&self) {
        self.writer.close().await;
    }
}

/// An acknowledged write survives a crash of the server, whatever the server's or the role's default is. Stricter
/// settings stay.
async fn keep_commits_durable(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    connection
        .execute(
            "SELECT set_config('synchronous_commit', 'on', false)
             WHERE current_setting('synchronous_commit') = 'off'",
        )
        .await
        .map(|_| ())
}

/// Names the database in messages, without the password.
fn describe(options: &PgConnectOptions) -> String {
    let place = match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    };
    format!("{} at {place}", options.get_database().unwrap_or_default())
}

impl Dialect for Postgres {
    /// <https://www.postgresql.org/docs/current/errcodes-appendix.html>
    fn fault(error: &dyn DatabaseError) -> Fault {
        let code = error.code().unwrap_or_default();
        match &*code {
            // read_only_sql_transaction
            "25006" => Fault::ReadOnly,
            // disk_full
            "53100" => Fault::Full,
            // query_canceled, which is the statement timeout; idle_in_transaction_session_timeout
            "57014" | "25P03" => Fault::Down,
            // connection exception, insufficient resources, operator intervention, system error, internal error
            code if ["08", "53", "57", "58", "XX"].contains(&code.get(..2).unwrap_or_default()) => Fault::Down,
            _ => Fault::Refused,
        }
    }
}

/// A transaction for what concerns any number of rows, each of whose statements may take [`LONG`]: the limit for statements
/// is for requests.
async fn unhurried(writer: &GuardedPool<Postgres>) -> Result<GuardedTransaction<Postgres>, StoreError> {
    let mut transaction = writer.begin().await.map_err(store_error)?;
    transaction.execute(LONG).await.map_err(store_error)?;
    Ok(transaction)
}

fn store_error(error: sqlx::Error) -> StoreError {
    fault::store_error::<Postgres>(error)
}
