//! The schema of a SQLite database.

use authsvc_core::storage::DatabaseMode;
use sqlx::migrate::{Migration, Migrator};
use sqlx::{Connection, Row, SqliteConnection};

use crate::storage::schema::{Applied, SchemaError, SchemaStatus, chosen, compare};

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// Compares the schema with this program's.
pub(super) async fn status(connection: &mut SqliteConnection) -> Result<SchemaStatus, SchemaError> {
    let applied: Vec<Applied> = if exists(connection, "_sqlx_migrations").await? {
        sqlx::query_as("SELECT version, checksum FROM _sqlx_migrations ORDER BY version")
            .fetch_all(&mut *connection)
            .await?
    } else {
        Vec::new()
    };
    let mode = if exists(connection, "database_state").await? {
        Some(mode(connection).await?)
    } else {
        None
    };
    compare(&MIGRATIONS, &applied, mode)
}

/// Applies what is missing, all of it or nothing, once however many processes start together.
pub(super) async fn migrate(connection: &mut SqliteConnection) -> Result<SchemaStatus, SchemaError> {
    // Most starts have nothing to do and take no lock.
    let found = status(connection).await?;
    if !found.may_migrate() {
        return Ok(found);
    }
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    if status(&mut transaction).await?.may_migrate() {
        apply(&mut transaction, |_| true).await?;
    }
    transaction.commit().await?;
    status(connection).await
}

/// Applies those that are wanted, inside the caller's transaction.
pub(super) async fn apply(
    transaction: &mut SqliteConnection,
    wanted: impl Fn(&Migration) -> bool,
) -> Result<(), SchemaError> {
    Ok(chosen(&MIGRATIONS, wanted).run_direct(None, transaction, false).await?)
}

pub(super) async fn mode(connection: &mut SqliteConnection) -> Result<DatabaseMode, sqlx::Error> {
    let row = sqlx::query("SELECT read_only, min_reader, min_writer FROM database_state")
        .fetch_one(connection)
        .await?;
    read_mode(&row)
}

pub(super) fn read_mode(row: &sqlx::sqlite::SqliteRow) -> Result<DatabaseMode, sqlx::Error> {
    Ok(DatabaseMode {
        read_only: row.try_get::<i64, _>("read_only")? != 0,
        min_reader: row.try_get("min_reader")?,
        min_writer: row.try_get("min_writer")?,
    })
}

async fn exists(connection: &mut SqliteConnection, table: &str) -> Result<bool, sqlx::Error> {
    sqlx::query("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?")
        .bind(table)
        .fetch_optional(connection)
        .await
        .map(|row| row.is_some())
}
