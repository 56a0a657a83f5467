//! Databases. Each is a whole implementation of the storage traits with its own SQL and migrations.

pub mod backup;
mod breaker;
mod columns;
mod connections;
mod fault;
mod guarded;
mod mode;
pub mod postgres;
pub mod rows;
mod schema;
pub mod sqlite;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use authsvc_core::storage::Store;
use private_files::PrivateFileError;
use sqlx::postgres::PgConnectOptions;

use crate::config::{Database, DatabaseConfig};
pub use breaker::BreakerPolicy;
pub use mode::SCHEMA_COMPATIBILITY;
use postgres::{PostgresStore, UrlError};
pub use schema::{SchemaError, SchemaStatus};
use sqlite::SqliteStore;

/// How often a replica looks whether the database is in read-only mode, and whether this program still fits it.
pub const MODE_POLL_INTERVAL: Duration = Duration::from_millis(500);

/// How a database is used.
#[derive(Clone, Copy, Debug)]
pub struct Tuning {
    /// Connections at most; SQLite has a fixed number.
    pub max_connections: u32,
    /// How long a request waits for a connection.
    pub wait: Duration,
    /// How long a statement may take.
    pub statement_timeout: Duration,
    /// When it is left alone for a while.
    pub breaker: BreakerPolicy,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            max_connections: 8,
            wait: Duration::from_secs(2),
            statement_timeout: Duration::from_secs(5),
            breaker: BreakerPolicy {
                failures: 5,
                pause: Duration::from_secs(1),
            },
        }
    }
}

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is no such file.
    #[error("database {path:?} does not exist; authsvc init makes one")]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The database's file, or the file with its URL, is missing or loose.
    #[error(transparent)]
    File(#[from] PrivateFileError),
    /// The file with the URL does not hold one that does.
    #[error("the URL in {path:?} cannot be used")]
    Url {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: UrlError,
    },
    /// The database cannot be used.
    #[error("database {database} cannot be opened")]
    Open {
        /// Which one.
        database: String,
        /// What it said.
        #[source]
        source: sqlx::Error,
    },
    /// Its schema cannot be brought up to date, or is of a later program that this one cannot live with.
    #[error("the schema of database {database} does not fit this program")]
    Schema {
        /// Which one.
        database: String,
        /// What is wrong with it.
        #[source]
        source: SchemaError,
    },
}

/// Opens the configured database and brings its schema up to date.
///
/// # Errors
///
/// [`OpenError`].
pub async fn open(config: &DatabaseConfig) -> Result<Arc<dyn Store>, OpenError> {
    match &config.database {
        Database::Sqlite(path) => {
            // A missing file is the store's to report: it knows what makes one.
            if path.exists() {
                private_files::check_private(path)?;
            }
            Ok(Arc::new(SqliteStore::open_with(path, &config.tuning).await?))
        }
        Database::Postgres { url_file } => {
            let options = postgres_options(url_file)?;
            Ok(Arc::new(PostgresStore::open(options, &config.tuning).await?))
        }
    }
}

/// Compares the configured database's schema with this program's, and changes nothing.
///
/// # Errors
///
/// [`OpenError`].
pub async fn schema_status(config: &DatabaseConfig) -> Result<SchemaStatus, OpenError> {
    match &config.database {
        Database::Sqlite(path) => sqlite::schema_status(path, &config.tuning).await,
        Database::Postgres { url_file } => postgres::schema_status(postgres_options(url_file)?, &config.tuning).await,
    }
}

fn postgres_options(url_file: &Path) -> Result<PgConnectOptions, OpenError> {
    let text = private_files::read(url_file)?;
    postgres::parse_url(text.trim()).map_err(|source| OpenError::Url {
        path: url_file.to_owned(),
        source,
    })
}
