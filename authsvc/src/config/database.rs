//! Which database, and how it is used.

use std::path::PathBuf;
use std::time::Duration;

use super::reader::Reader;
use super::source::Value;
use crate::storage::{BreakerPolicy, Tuning};

/// The database and how it is used.
#[derive(Clone, Debug)]
pub struct DatabaseConfig {
    /// Which one.
    pub database: Database,
    /// How it is used.
    pub tuning: Tuning,
}

/// Where everything durable is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    /// In a file, for one process.
    Sqlite(PathBuf),
    /// In Postgres, for any number of them. The URL holds a password, so it is in a file.
    Postgres {
        /// The file that holds the URL.
        url_file: PathBuf,
    },
}

impl DatabaseConfig {
    /// A SQLite file, used as is the default.
    pub fn sqlite(path: impl Into<PathBuf>) -> Self {
        Self {
            database: Database::Sqlite(path.into()),
            tuning: Tuning::default(),
        }
    }
}

pub(super) fn read(reader: &mut Reader<'_>) -> DatabaseConfig {
    let path = |key| reader.values.get(key).map(Value::path);
    let database = match (path("database_file"), path("database_url_file")) {
        (Some(file), None) => Database::Sqlite(file),
        (None, Some(url_file)) => Database::Postgres { url_file },
        (found, _) => {
            let fault = match found {
                None => "database_file is missing, and so is database_url_file: one of them says where the database is",
                Some(_) => "database_file and database_url_file are both set: which of them is the database?",
            };
            reader.errors.push(fault.to_owned());
            Database::Sqlite(PathBuf::new())
        }
    };
    let mut milliseconds = |key, range| Duration::from_millis(reader.number(key, range));
    let wait = milliseconds("database.wait_milliseconds", 10..=60_000);
    let statement_timeout = milliseconds("database.statement_timeout_milliseconds", 10..=60_000);
    let breaker = BreakerPolicy {
        pause: milliseconds("database.breaker_pause_milliseconds", 10..=60_000),
        failures: reader.number("database.breaker_failures", 1..=1000) as u32,
    };
    DatabaseConfig {
        database,
        tuning: Tuning {
            breaker,
            max_connections: reader.number("database.max_connections", 2..=1000) as u32,
            wait,
            statement_timeout,
        },
    }
}
