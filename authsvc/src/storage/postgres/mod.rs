//! Postgres: one database that several replicas share.
//!
//! Queries name their columns: a later replica may add one, and a cached plan of `SELECT *` fails from then on.

mod attempts;
mod audit;
mod key_consumers;
mod keysets;
mod revocations;
mod rows;
mod second_factors;
mod services;
mod sessions;
mod url;
mod users;

use std::time::Duration;

use async_trait::async_trait;
use authsvc_core::storage::{Store, StoreError};
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{Connection, Executor};

pub use url::{UrlError, parse_url};

use super::{OpenError, Tuning};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// A connection that was idle for longer is asked whether it still lives before a request gets it.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);
/// Connections are renewed after this, so that a changed role or a moved server is noticed.
const MAX_LIFETIME: Duration = Duration::from_secs(30 * 60);

/// A Postgres database.
#[derive(Debug)]
pub struct PostgresStore {
    writer: PgPool,
    /// The same connections: what only reads says so by its name.
    readers: PgPool,
}

impl PostgresStore {
    /// Connects and brings the schema up to date.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub async fn open(options: PgConnectOptions, tuning: &Tuning) -> Result<Self, OpenError> {
        let name = describe(&options);
        let failed = |source| OpenError::Open {
            database: name.clone(),
            source,
        };
        let milliseconds = |duration: Duration| duration.as_millis().to_string();
        let options = options.options([
            ("default_transaction_isolation", "read committed".to_owned()),
            ("statement_timeout", milliseconds(tuning.statement_timeout)),
            (
                "idle_in_transaction_session_timeout",
                milliseconds(tuning.statement_timeout),
            ),
        ]);
        let pool = PgPoolOptions::new()
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
            .map_err(failed)?;
        MIGRATIONS.run(&pool).await.map_err(|source| OpenError::Migrate {
            database: name.clone(),
            source,
        })?;
        Ok(Self {
            writer: pool.clone(),
            readers: pool,
        })
    }
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

fn store_error(error: sqlx::Error) -> StoreError {
    match &error {
        sqlx::Error::Database(database) if database.is_unique_violation() => StoreError::Conflict,
        _ => StoreError::Unavailable(Box::new(error)),
    }
}
