//! Backups: all tables of one moment in one file, which either database takes back.
//!
//! A backup is taken while the service serves. It holds what the database holds: hashes and keys are sealed in it as they
//! are there, and are worth nothing without `root.key` and `pepper.json`, which are not in it.

mod format;

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

pub use format::{BackupReader, BackupWriter, FormatError, Header, Line, Value};

use super::{OpenError, SchemaError, postgres, postgres_options, sqlite};
use crate::config::{Database, DatabaseConfig};

/// What was written or read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupReport {
    /// Rows of all tables.
    pub rows: u64,
    /// When the backup was made, RFC 3339.
    pub created_at: String,
}

/// Why there is no backup, or why it was not restored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database refused.
    #[error("the database refused")]
    Database(#[from] sqlx::Error),
    /// The database refused a part of it.
    #[error(transparent)]
    Store(#[from] authsvc_core::storage::StoreError),
    /// The schema does not do.
    #[error("the schema does not fit")]
    Schema(#[from] SchemaError),
    /// The file does not do.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The file cannot be written, is there already, or can be read by others.
    #[error(transparent)]
    File(#[from] private_files::PrivateFileError),
    /// A column is of a type that backups do not have.
    #[error("{table}.{column} is of a type that a backup does not hold")]
    Type {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// A table or column of the backup is not in the schema that it says it has.
    #[error("the backup has a table or column that its migrations do not make: {0}")]
    Unknown(String),
    /// A later program made it.
    #[error("the backup has migration {0}, which this program does not know: restore it with the program that made it")]
    Later(i64),
    /// There is something in the target.
    #[error("{0} is there already; a backup is restored only where nothing is")]
    NotEmpty(String),
    /// What was restored does not hold together.
    #[error("the backup does not hold together: {0}")]
    Broken(String),
    /// The time cannot be written.
    #[error("the clock is outside of the calendar")]
    Time,
}

/// Writes everything that the database holds into a new file, readable by its owner only, and reads it back.
///
/// # Errors
///
/// [`BackupError`]; no file is left then. A file that is there already is not touched.
pub async fn backup(config: &DatabaseConfig, file: &Path, now: OffsetDateTime) -> Result<BackupReport, BackupError> {
    let created_at = now.format(&Rfc3339).map_err(|_| BackupError::Time)?;
    private_files::write_new(file, b"")?;
    let written = write(config, file, created_at).await;
    if written.is_err() {
        let _ = std::fs::remove_file(file);
    }
    written
}

async fn write(config: &DatabaseConfig, file: &Path, created_at: String) -> Result<BackupReport, BackupError> {
    let open = || {
        File::options()
            .write(true)
            .truncate(true)
            .open(file)
            .map_err(FormatError::Io)
    };
    let out = BufWriter::new(open()?);
    let (out, rows) = match &config.database {
        Database::Sqlite(path) => sqlite::transfer::export(path, &config.tuning, out, created_at.clone()).await?,
        Database::Postgres { url_file } => {
            postgres::transfer::export(postgres_options(url_file)?, &config.tuning, out, created_at.clone()).await?
        }
    };
    out.get_ref().sync_all().map_err(FormatError::Io)?;
    let read = verify(file)?;
    if read.rows != rows {
        return Err(FormatError::Digest.into());
    }
    Ok(BackupReport { rows, created_at })
}

/// Reads a backup to its end.
///
/// # Errors
///
/// [`BackupError`] unless it is whole.
pub fn verify(file: &Path) -> Result<BackupReport, BackupError> {
    let mut reader = reader(file)?;
    while reader.next_line()?.is_some() {}
    Ok(BackupReport {
        rows: reader.rows(),
        created_at: reader.header.created_at.clone(),
    })
}

/// Fills a database in which there is nothing yet: a SQLite file that does not exist, or an empty Postgres database.
///
/// What happened after the backup is not in it, ended sessions and revoked tokens among that. So all its sessions are
/// ended and all tokens issued so far are revoked, in the same transaction, and the feed of revocations begins anew.
///
/// # Errors
///
/// [`BackupError`]; the target is as it was then.
pub async fn restore(config: &DatabaseConfig, file: &Path, now: OffsetDateTime) -> Result<BackupReport, BackupError> {
    let report = verify(file)?;
    let mut reader = reader(file)?;
    match &config.database {
        Database::Sqlite(path) => {
            let making = making(path);
            if path.exists() {
                return Err(BackupError::NotEmpty(path.display().to_string()));
            }
            // Left by a process that was ended; nothing ever used it.
            remove(&making);
            private_files::write_new(&making, b"")?;
            let restored = sqlite::transfer::import(&making, &config.tuning, &mut reader, now).await;
            // Never over a file that appeared meanwhile, which a rename would be.
            let placed = match restored {
                Ok(()) => std::fs::hard_link(&making, path).map_err(|error| FormatError::Io(error).into()),
                Err(error) => Err(error),
            };
            remove(&making);
            placed?;
        }
        Database::Postgres { url_file } => {
            postgres::transfer::import(postgres_options(url_file)?, &config.tuning, &mut reader, now).await?;
        }
    }
    Ok(report)
}

fn reader(file: &Path) -> Result<BackupReader<BufReader<File>>, BackupError> {
    Ok(BackupReader::begin(BufReader::new(private_files::open(file)?))?)
}

fn making(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".restoring");
    PathBuf::from(name)
}

fn remove(path: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        let _ = std::fs::remove_file(PathBuf::from(name));
    }
}

/// Longest life of an access token, and then some: after it, what was revoked has ended by itself.
pub(super) const LONGEST_TOKEN: time::Duration = time::Duration::seconds(3600 + 120);

/// A name as SQL wants it. Names come from the database's own catalogue.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Tables in an order in which every table follows those that it refers to.
pub(super) fn in_order(tables: Vec<String>, references: &[(String, String)]) -> Vec<String> {
    let mut ordered: Vec<String> = Vec::new();
    let mut left = tables;
    while !left.is_empty() {
        let (ready, waiting): (Vec<_>, Vec<_>) = left.iter().cloned().partition(|table| {
            references
                .iter()
                .filter(|(from, to)| from == table && to != table)
                .all(|(_, to)| ordered.contains(to))
        });
        if ready.is_empty() {
            // A circle: left to the restore, which says what is wrong.
            ordered.extend(waiting);
            break;
        }
        ordered.extend(ready);
        left = waiting;
    }
    ordered
}
