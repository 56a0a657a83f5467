//! All rows of a Postgres database, out and in.

use std::io::{BufRead, Write};

use futures_util::TryStreamExt;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgRow};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Postgres, Row};
use time::OffsetDateTime;

use super::{connect, describe, revocations, schema};
use crate::storage::Tuning;
use crate::storage::backup::{
    BackupError, BackupReader, BackupWriter, Header, LONGEST_TOKEN, Line, Value, in_order, quoted,
};

/// A column and its type.
type Column = (String, String);

/// Writes all tables as they are at one moment; others go on writing meanwhile.
pub(in crate::storage) async fn export<W: Write>(
    options: PgConnectOptions,
    tuning: &Tuning,
    out: W,
    created_at: String,
) -> Result<(W, u64), BackupError> {
    let pool = connect(options, tuning).await?;
    let mut connection = pool.acquire().await?;
    let mut transaction = connection
        .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        .await?;
    transaction.execute("SET LOCAL statement_timeout = 0").await?;
    let migrations = sqlx::query_scalar("SELECT version FROM _sqlx_migrations ORDER BY version")
        .fetch_all(&mut *transaction)
        .await?;
    let mut writer = BackupWriter::begin(out, &Header::new(migrations, created_at, "postgres"))?;
    for table in tables(&mut transaction).await? {
        let columns = columns(&mut transaction, &table).await?;
        let names: Vec<String> = columns.iter().map(|(name, _)| name.clone()).collect();
        writer.table(&table, &names)?;
        let list: Vec<String> = names.iter().map(|name| quoted(name)).collect();
        let select = format!("SELECT {} FROM {}", list.join(", "), quoted(&table));
        let mut rows = sqlx::query(AssertSqlSafe(select)).fetch(&mut *transaction);
        while let Some(row) = rows.try_next().await? {
            let values = columns.iter().enumerate().map(|(index, (name, kind))| {
                value(&row, index, kind)?.ok_or_else(|| BackupError::Type {
                    table: table.clone(),
                    column: name.clone(),
                })
            });
            let values = values.collect::<Result<_, _>>()?;
            writer.row(values)?;
        }
    }
    transaction.commit().await?;
    drop(connection);
    pool.close().await;
    Ok(writer.finish()?)
}

/// Fills a database in which there is nothing of ours, all of it or nothing.
pub(in crate::storage) async fn import<R: BufRead>(
    options: PgConnectOptions,
    tuning: &Tuning,
    reader: &mut BackupReader<R>,
    now: OffsetDateTime,
) -> Result<(), BackupError> {
    let known = |version| schema::MIGRATIONS.version_exists(version);
    if let Some(later) = reader.header.migrations.iter().find(|version| !known(**version)) {
        return Err(BackupError::Later(*later));
    }
    let database = describe(&options);
    let pool = connect(options, tuning).await?;
    let mut connection = pool.acquire().await?;
    let mut transaction = connection.begin().await?;
    schema::lock(&mut transaction).await?;
    if !tables(&mut transaction).await?.is_empty() {
        return Err(BackupError::NotEmpty(database));
    }
    let had = reader.header.migrations.clone();
    schema::apply(&mut transaction, |migration| had.contains(&migration.version)).await?;
    fill(&mut transaction, reader).await?;
    // Those that its program did not know yet see its rows, as they would have in an upgrade.
    schema::apply(&mut transaction, |_| true).await?;
    revocations::end_everything(&mut transaction, now, now + LONGEST_TOKEN).await?;
    transaction.commit().await?;
    drop(connection);
    pool.close().await;
    Ok(())
}

async fn fill<R: BufRead>(transaction: &mut PgConnection, reader: &mut BackupReader<R>) -> Result<(), BackupError> {
    // What triggers and migrations would add is among the rows.
    let there = tables(transaction).await?;
    let each = |act: &str, tables: &[String]| -> Vec<String> {
        let statement = |table: &String| format!("ALTER TABLE {} {act} TRIGGER USER", quoted(table));
        tables.iter().map(statement).collect()
    };
    for statement in each("DISABLE", &there) {
        transaction.execute(AssertSqlSafe(statement)).await?;
    }
    for table in there.iter().rev() {
        transaction
            .execute(AssertSqlSafe(format!("DELETE FROM {}", quoted(table))))
            .await?;
    }
    let mut insert = String::new();
    let mut kinds: Vec<String> = Vec::new();
    while let Some(line) = reader.next_line()? {
        match line {
            Line::Table { name, columns: wanted } => {
                if !there.contains(&name) {
                    return Err(BackupError::Unknown(name));
                }
                let columns = columns(transaction, &name).await?;
                kinds.clear();
                for column in &wanted {
                    let found = columns.iter().find(|(known, _)| known == column);
                    let (_, kind) = found.ok_or_else(|| BackupError::Unknown(format!("{name}.{column}")))?;
                    kinds.push(kind.clone());
                }
                let names: Vec<String> = wanted.iter().map(|column| quoted(column)).collect();
                let places: Vec<String> = (1..=wanted.len()).map(|number| format!("${number}")).collect();
                insert = format!(
                    "INSERT INTO {} ({}) VALUES ({})",
                    quoted(&name),
                    names.join(", "),
                    places.join(", ")
                );
            }
            Line::Row(values) if values.len() != kinds.len() || kinds.is_empty() => {
                return Err(BackupError::Broken("a row does not fit its table".to_owned()));
            }
            Line::Row(values) => {
                let mut query = sqlx::query(AssertSqlSafe(insert.clone()));
                for (value, kind) in values.into_iter().zip(&kinds) {
                    query = bind(query, value, kind)
                        .ok_or_else(|| BackupError::Broken("a value does not fit its column".to_owned()))?;
                }
                query.execute(&mut *transaction).await?;
            }
        }
    }
    for statement in each("ENABLE", &there) {
        transaction.execute(AssertSqlSafe(statement)).await?;
    }
    Ok(())
}

/// Ours, without what says how the schema came about.
async fn tables(connection: &mut PgConnection) -> Result<Vec<String>, sqlx::Error> {
    let all = sqlx::query_scalar(
        "SELECT relname::text FROM pg_class
         WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace
         AND relname NOT IN ('_sqlx_migrations', 'database_state') ORDER BY relname",
    )
    .fetch_all(&mut *connection)
    .await?;
    let references: Vec<(String, String)> = sqlx::query_as(
        "SELECT a.relname::text, b.relname::text FROM pg_constraint
         JOIN pg_class a ON a.oid = conrelid JOIN pg_class b ON b.oid = confrelid WHERE contype = 'f'",
    )
    .fetch_all(connection)
    .await?;
    Ok(in_order(all, &references))
}

async fn columns(connection: &mut PgConnection, table: &str) -> Result<Vec<Column>, sqlx::Error> {
    sqlx::query_as(
        "SELECT attname::text, format_type(atttypid, NULL) FROM pg_attribute
         WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
    )
    .bind(quoted(table))
    .fetch_all(connection)
    .await
}

/// `None` for a type that backups do not hold.
fn value(row: &PgRow, index: usize, kind: &str) -> Result<Option<Value>, sqlx::Error> {
    Ok(Some(match kind {
        "text" => row
            .try_get::<Option<String>, _>(index)?
            .map_or(Value::Null, Value::Text),
        "bigint" => row
            .try_get::<Option<i64>, _>(index)?
            .map_or(Value::Null, Value::Integer),
        "integer" => row
            .try_get::<Option<i32>, _>(index)?
            .map_or(Value::Null, |number| Value::Integer(number.into())),
        "boolean" => row
            .try_get::<Option<bool>, _>(index)?
            .map_or(Value::Null, Value::Boolean),
        "bytea" => row
            .try_get::<Option<Vec<u8>>, _>(index)?
            .map_or(Value::Null, Value::Bytes),
        _ => return Ok(None),
    }))
}

type Query<'q> = sqlx::query::Query<'q, Postgres, PgArguments>;

/// `None` for a value that is not of the column's type. SQLite has integers where Postgres has booleans.
fn bind<'q>(query: Query<'q>, value: Value, kind: &str) -> Option<Query<'q>> {
    Some(match (kind, value) {
        ("text", Value::Text(text)) => query.bind(text),
        ("text", Value::Null) => query.bind(None::<String>),
        ("bigint", Value::Integer(number)) => query.bind(number),
        ("bigint", Value::Null) => query.bind(None::<i64>),
        ("integer", Value::Integer(number)) => query.bind(i32::try_from(number).ok()?),
        ("integer", Value::Null) => query.bind(None::<i32>),
        ("boolean", Value::Boolean(flag)) => query.bind(flag),
        ("boolean", Value::Integer(number @ 0..=1)) => query.bind(number == 1),
        ("boolean", Value::Null) => query.bind(None::<bool>),
        ("bytea", Value::Bytes(bytes)) => query.bind(bytes),
        ("bytea", Value::Null) => query.bind(None::<Vec<u8>>),
        _ => return None,
    })
}
