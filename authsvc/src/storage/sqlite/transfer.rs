//! All rows of a SQLite database, out and in.

use std::io::{BufRead, Write};
use std::path::Path;

use futures_util::TryStreamExt;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{AssertSqlSafe, Connection, Executor, Row, Sqlite, SqliteConnection, TypeInfo, ValueRef};
use time::OffsetDateTime;

use super::{connect, revocations, schema};
use crate::storage::Tuning;
use crate::storage::backup::{
    BackupError, BackupReader, BackupWriter, Header, LONGEST_TOKEN, Line, Value, in_order, quoted,
};

/// Writes all tables as they are at one moment; others go on writing meanwhile.
pub(in crate::storage) async fn export<W: Write>(
    path: &Path,
    tuning: &Tuning,
    out: W,
    created_at: String,
) -> Result<(W, u64), BackupError> {
    let (pool, _) = connect(path, tuning).await?;
    let mut connection = pool.acquire().await?;
    // The first read fixes the moment, in a database with a write-ahead log.
    let mut transaction = connection.begin().await?;
    let migrations = applied(&mut transaction).await?;
    let mut writer = BackupWriter::begin(out, &Header::new(migrations, created_at, "sqlite"))?;
    for table in tables(&mut transaction).await? {
        let columns = columns(&mut transaction, &table).await?;
        writer.table(&table, &columns)?;
        let names: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
        let select = format!("SELECT {} FROM {}", names.join(", "), quoted(&table));
        let mut rows = sqlx::query(AssertSqlSafe(select)).fetch(&mut *transaction);
        while let Some(row) = rows.try_next().await? {
            let values = (0..columns.len()).map(|index| {
                value(&row, index).map_err(|_| BackupError::Type {
                    table: table.clone(),
                    column: columns[index].clone(),
                })
            });
            let values = values.collect::<Result<_, _>>()?;
            writer.row(values)?;
        }
    }
    drop(transaction);
    drop(connection);
    pool.close().await;
    Ok(writer.finish()?)
}

/// Fills a new file.
pub(in crate::storage) async fn import<R: BufRead>(
    path: &Path,
    tuning: &Tuning,
    reader: &mut BackupReader<R>,
    now: OffsetDateTime,
) -> Result<(), BackupError> {
    let known = |version| schema::MIGRATIONS.version_exists(version);
    if let Some(later) = reader.header.migrations.iter().find(|version| !known(**version)) {
        return Err(BackupError::Later(*later));
    }
    let (pool, _) = connect(path, tuning).await?;
    let mut connection = pool.acquire().await?;
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let had = reader.header.migrations.clone();
    schema::apply(&mut transaction, |migration| had.contains(&migration.version)).await?;
    fill(&mut transaction, reader).await?;
    // Those that its program did not know yet see its rows, as they would have in an upgrade.
    schema::apply(&mut transaction, |_| true).await?;
    revocations::end_everything(&mut transaction, now, now + LONGEST_TOKEN).await?;
    check(&mut transaction).await?;
    transaction.commit().await?;
    drop(connection);
    pool.close().await;
    Ok(())
}

async fn fill<R: BufRead>(transaction: &mut SqliteConnection, reader: &mut BackupReader<R>) -> Result<(), BackupError> {
    // What triggers and migrations would add is among the rows.
    let triggers: Vec<(String, String)> = sqlx::query_as("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
        .fetch_all(&mut *transaction)
        .await?;
    for (name, _) in &triggers {
        transaction
            .execute(AssertSqlSafe(format!("DROP TRIGGER {}", quoted(name))))
            .await?;
    }
    transaction.execute("PRAGMA defer_foreign_keys = ON").await?;
    let there = tables(transaction).await?;
    for table in there.iter().rev() {
        transaction
            .execute(AssertSqlSafe(format!("DELETE FROM {}", quoted(table))))
            .await?;
    }
    let mut insert = String::new();
    let mut width = 0;
    while let Some(line) = reader.next_line()? {
        match line {
            Line::Table { name, columns: wanted } => {
                if !there.contains(&name) {
                    return Err(BackupError::Unknown(name));
                }
                let columns = columns(transaction, &name).await?;
                if let Some(unknown) = wanted.iter().find(|column| !columns.contains(column)) {
                    return Err(BackupError::Unknown(format!("{name}.{unknown}")));
                }
                let names: Vec<String> = wanted.iter().map(|column| quoted(column)).collect();
                width = wanted.len();
                insert = format!(
                    "INSERT INTO {} ({}) VALUES ({})",
                    quoted(&name),
                    names.join(", "),
                    vec!["?"; width].join(", ")
                );
            }
            Line::Row(values) if values.len() != width || width == 0 => {
                return Err(BackupError::Broken("a row does not fit its table".to_owned()));
            }
            Line::Row(values) => {
                let query = sqlx::query(AssertSqlSafe(insert.clone()));
                values.into_iter().fold(query, bind).execute(&mut *transaction).await?;
            }
        }
    }
    for (_, sql) in triggers {
        transaction.execute(AssertSqlSafe(sql)).await?;
    }
    Ok(())
}

async fn check(transaction: &mut SqliteConnection) -> Result<(), BackupError> {
    let dangling = sqlx::query("PRAGMA foreign_key_check")
        .fetch_optional(&mut *transaction)
        .await?;
    if let Some(row) = dangling {
        let table: String = row.try_get(0)?;
        return Err(BackupError::Broken(format!("a row of {table} refers to nothing")));
    }
    let found: String = sqlx::query_scalar("PRAGMA integrity_check")
        .fetch_one(transaction)
        .await?;
    if found == "ok" {
        Ok(())
    } else {
        Err(BackupError::Broken(found))
    }
}

async fn applied(connection: &mut SqliteConnection) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar("SELECT version FROM _sqlx_migrations ORDER BY version")
        .fetch_all(connection)
        .await
}

/// Ours, without what says how the schema came about.
async fn tables(connection: &mut SqliteConnection) -> Result<Vec<String>, sqlx::Error> {
    let all = sqlx::query_scalar(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
         AND name NOT IN ('_sqlx_migrations', 'database_state') ORDER BY name",
    )
    .fetch_all(&mut *connection)
    .await?;
    let references: Vec<(String, String)> = sqlx::query_as(
        "SELECT tables.name, keys.\"table\" FROM sqlite_schema AS tables
         JOIN pragma_foreign_key_list(tables.name) AS keys WHERE tables.type = 'table'",
    )
    .fetch_all(connection)
    .await?;
    Ok(in_order(all, &references))
}

async fn columns(connection: &mut SqliteConnection, table: &str) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar("SELECT name FROM pragma_table_info(?) ORDER BY cid")
        .bind(table)
        .fetch_all(connection)
        .await
}

fn value(row: &SqliteRow, index: usize) -> Result<Value, sqlx::Error> {
    let raw = row.try_get_raw(index)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    Ok(match raw.type_info().name() {
        "INTEGER" => Value::Integer(row.try_get(index)?),
        "TEXT" => Value::Text(row.try_get(index)?),
        "BLOB" => Value::Bytes(row.try_get(index)?),
        other => {
            return Err(sqlx::Error::TypeNotFound {
                type_name: other.to_owned(),
            });
        }
    })
}

type Query<'q> = sqlx::query::Query<'q, Sqlite, SqliteArguments>;

fn bind(query: Query<'_>, value: Value) -> Query<'_> {
    match value {
        Value::Null => query.bind(None::<i64>),
        Value::Integer(number) => query.bind(number),
        Value::Boolean(flag) => query.bind(i64::from(flag)),
        Value::Text(text) => query.bind(text),
        Value::Bytes(bytes) => query.bind(bytes),
    }
}
