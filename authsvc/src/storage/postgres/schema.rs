//! The schema of a Postgres database.

use authsvc_core::storage::DatabaseMode;
use sqlx::migrate::{Migration, Migrator};
use sqlx::{Connection, Executor, PgConnection, Row};

use crate::storage::schema::{Applied, SchemaError, SchemaStatus, chosen, compare};

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// The advisory lock of whoever changes the schema: "authsvc" in ASCII.
const LOCK: i64 = 0x0061_7574_6873_7663;

/// Compares the schema with this program's.
pub(super) async fn status(connection: &mut PgConnection) -> Result<SchemaStatus, SchemaError> {
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

/// Applies what is missing, all of it or nothing, once however many replicas start together.
pub(super) async fn migrate(connection: &mut PgConnection) -> Result<SchemaStatus, SchemaError> {
    // Most starts have nothing to do: they take no lock, and need no right to change the schema.
    let found = status(connection).await?;
    if !found.may_migrate() {
        return Ok(found);
    }
    let mut transaction = connection.begin().await?;
    lock(&mut transaction).await?;
    if status(&mut transaction).await?.may_migrate() {
        apply(&mut transaction, |_| true).await?;
    }
    transaction.commit().await?;
    status(connection).await
}

/// Waits until nobody else changes the schema.
pub(super) async fn lock(transaction: &mut PgConnection) -> Result<(), sqlx::Error> {
    transaction
        .execute("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '60s'")
        .await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(LOCK)
        .execute(&mut *transaction)
        .await?;
    // A change that waits for a table makes everybody else wait for it too: replicas that serve come first.
    transaction.execute("SET LOCAL lock_timeout = '5s'").await?;
    Ok(())
}

/// Applies those that are wanted, inside the caller's transaction.
pub(super) async fn apply(
    transaction: &mut PgConnection,
    wanted: impl Fn(&Migration) -> bool,
) -> Result<(), SchemaError> {
    Ok(chosen(&MIGRATIONS, wanted).run_direct(None, transaction, false).await?)
}

pub(super) async fn mode(connection: &mut PgConnection) -> Result<DatabaseMode, sqlx::Error> {
    let row = sqlx::query("SELECT read_only, min_reader, min_writer FROM database_state")
        .fetch_one(connection)
        .await?;
    read_mode(&row)
}

pub(super) fn read_mode(row: &sqlx::postgres::PgRow) -> Result<DatabaseMode, sqlx::Error> {
    Ok(DatabaseMode {
        read_only: row.try_get("read_only")?,
        min_reader: row.try_get("min_reader")?,
        min_writer: row.try_get("min_writer")?,
    })
}

async fn exists(connection: &mut PgConnection, table: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL")
        .bind(table)
        .fetch_one(connection)
        .await
}
