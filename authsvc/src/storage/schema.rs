//! Which migrations a database has had, and whether this program fits it.

use authsvc_core::storage::DatabaseMode;
use sqlx::migrate::{Migration, Migrator};

use super::fault::NotAsked;
use super::mode::judge;

/// Why a schema does not fit.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// A later program has changed it so that this one would misread it.
    #[error("a later program has changed it: programs from number {min_reader} on read it, and this one is {ours}")]
    TooNew {
        /// The oldest program that reads it rightly.
        min_reader: i64,
        /// This program's number.
        ours: i64,
    },
    /// A migration that was applied is not the one of that number in this program.
    #[error("migration {0} is not the one that was applied")]
    Changed(i64),
    /// The database refused.
    #[error("the database refused")]
    Database(#[from] sqlx::Error),
    /// A migration failed. Nothing of it was kept.
    #[error("a migration failed, and nothing was changed")]
    Migrate(#[from] sqlx::migrate::MigrateError),
}

/// What `authsvc db status` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaStatus {
    /// Migrations that were applied and that this program knows.
    pub applied: Vec<i64>,
    /// Migrations that this program would apply, with their names.
    pub pending: Vec<(i64, String)>,
    /// Migrations of later programs.
    pub unknown: Vec<i64>,
    /// What programs may do; `None` before the first migration.
    pub mode: Option<DatabaseMode>,
}

/// A migration that was applied, with its digest.
pub(super) type Applied = (i64, Vec<u8>);

/// Compares what was applied with what this program knows.
pub(super) fn compare(
    known: &Migrator,
    applied: &[Applied],
    mode: Option<DatabaseMode>,
) -> Result<SchemaStatus, SchemaError> {
    if let Some(mode) = &mode
        && judge(mode) == Err(NotAsked::TooOldToRead)
    {
        return Err(SchemaError::TooNew {
            min_reader: mode.min_reader,
            ours: super::mode::SCHEMA_COMPATIBILITY,
        });
    }
    let digest_of = |version| applied.iter().find(|(found, _)| *found == version);
    let mut status = SchemaStatus {
        applied: Vec::new(),
        pending: Vec::new(),
        unknown: Vec::new(),
        mode,
    };
    for migration in known.iter() {
        match digest_of(migration.version) {
            None => status
                .pending
                .push((migration.version, migration.description.to_string())),
            Some((version, digest)) if **digest != *migration.checksum => return Err(SchemaError::Changed(*version)),
            Some(_) => status.applied.push(migration.version),
        }
    }
    status.unknown = applied
        .iter()
        .map(|(version, _)| *version)
        .filter(|version| !known.version_exists(*version))
        .collect();
    Ok(status)
}

impl SchemaStatus {
    /// Whether this program may change the schema at all.
    pub(super) fn may_migrate(&self) -> bool {
        !self.pending.is_empty() && self.mode.is_none_or(|mode| judge(&mode).is_ok())
    }
}

/// Those of a program's migrations that are wanted, to be run inside a transaction that somebody else holds a lock in.
pub(super) fn chosen(known: &Migrator, wanted: impl Fn(&Migration) -> bool) -> Migrator {
    let mut migrator = Migrator::with_migrations(known.iter().filter(|migration| wanted(migration)).cloned().collect());
    // An older program starts on the schema of a later one that it can live with.
    migrator.set_ignore_missing(true);
    migrator.set_locking(false);
    migrator
}
