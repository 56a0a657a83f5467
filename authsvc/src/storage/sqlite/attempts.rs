//! Counters of failed logins.
//!
//! A part of the table goes in and out as one JSON text, so that a batch of any size is a handful of statements, each
//! prepared once.

use async_trait::async_trait;
use authsvc_core::storage::StoreError;
use authsvc_core::storage::attempts::{
    AttemptChange, AttemptScope, AttemptStore, Attempts, Counter, CounterKey, SweepOrder, Swept,
};
use serde::de::DeserializeOwned;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::{SqliteStore, store_error};

#[async_trait]
impl AttemptStore for SqliteStore {
    async fn change_attempts(&self, scope: &AttemptScope, change: AttemptChange<'_>) -> Result<(), StoreError> {
        let changed = self.writer.script(async |connection: &mut SqliteConnection| {
            let mut attempts = begin_and_load(connection, scope).await?;
            change(&mut attempts);
            match attempts.is_unchanged() {
                true => sqlx::query("ROLLBACK").execute(connection).await.map(|_| ()),
                false => write_and_commit(connection, &attempts).await,
            }
        });
        changed.await.map_err(store_error)
    }

    async fn forget_account(&self, account: CounterKey) -> Result<(), StoreError> {
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(store_error)?;
        for statement in [
            "DELETE FROM attempts WHERE account = ?",
            "DELETE FROM known_sources WHERE account = ?",
        ] {
            sqlx::query(statement)
                .bind(account.0)
                .execute(&mut *transaction)
                .await
                .map_err(store_error)?;
        }
        transaction.commit().await.map_err(store_error)
    }

    async fn forget_known_sources(&self, account: CounterKey) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM known_sources WHERE account = ?")
            .bind(account.0)
            .execute(&self.writer)
            .await
            .map(|_| ())
            .map_err(store_error)
    }

    async fn sweep_attempts(&self, order: &SweepOrder) -> Result<Swept, StoreError> {
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(store_error)?;
        let swept = sweep(&mut transaction, order).await.map_err(store_error)?;
        transaction.commit().await.map_err(store_error)?;
        Ok(swept)
    }
}

/// From the start with the lock to write: what is read here decides what is written. One row holds all, since each is
/// handed over by the database's thread by itself.
const BEGIN_AND_LOAD: &str = "BEGIN IMMEDIATE; SELECT
    (SELECT json_group_array(json_array(key, used, failed, ends_at, lease_ends_at, account)) FROM attempts
     WHERE key IN (SELECT value FROM json_each(?))) AS counters,
    (SELECT json_group_array(json_array(account, source, seen_at)) FROM known_sources
     WHERE account IN (SELECT value FROM json_each(?))) AS known_sources";

async fn begin_and_load(connection: &mut SqliteConnection, scope: &AttemptScope) -> Result<Attempts, sqlx::Error> {
    let keys = scope.counters.iter().chain([&CounterKey::FLOOR]).map(|key| key.0);
    let accounts: Vec<i64> = scope.accounts.iter().map(|account| account.0).collect();
    let row = sqlx::query(BEGIN_AND_LOAD)
        .bind(json(&keys.collect::<Vec<_>>())?)
        .bind(json(&accounts)?)
        .fetch_one(&mut *connection)
        .await?;
    let counters: Vec<(i64, u32, u32, i64, i64, i64)> = from_json(&row, "counters")?;
    let known_sources: Vec<(i64, i64, i64)> = from_json(&row, "known_sources")?;
    Ok(Attempts::loaded(
        counters
            .into_iter()
            .map(|(key, used, failed, ends_at, lease_ends_at, account)| {
                let counter = Counter {
                    used,
                    failed,
                    ends_at,
                    lease_ends_at,
                    account,
                };
                (CounterKey(key), counter)
            }),
        known_sources
            .into_iter()
            .map(|(account, source, seen_at)| (CounterKey(account), CounterKey(source), seen_at)),
    ))
}

macro_rules! write_counters {
    ($more:literal) => {
        concat!(
            "INSERT INTO attempts (key, used, failed, ends_at, lease_ends_at, account)
             SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5 FROM json_each(?)
             WHERE true
             ON CONFLICT (key) DO UPDATE SET used = excluded.used, failed = excluded.failed,
             ends_at = excluded.ends_at, lease_ends_at = excluded.lease_ends_at",
            $more
        )
    };
}

/// Several statements in one exchange.
const WRITE_COUNTERS: &str = write_counters!("; COMMIT");
const WRITE_COUNTERS_AND_SOURCES: &str = write_counters!(
    ";
    DELETE FROM known_sources WHERE account IN (SELECT value FROM json_each(?));
    INSERT INTO known_sources (account, source, seen_at)
    SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?);
    COMMIT"
);

async fn write_and_commit(connection: &mut SqliteConnection, attempts: &Attempts) -> Result<(), sqlx::Error> {
    let counters: Vec<[i64; 6]> = attempts
        .changed_counters()
        .map(|(key, counter)| {
            [
                key.0,
                counter.used.into(),
                counter.failed.into(),
                counter.ends_at,
                counter.lease_ends_at,
                counter.account,
            ]
        })
        .collect();
    let (mut accounts, mut sources) = (Vec::new(), Vec::new());
    for (account, known) in attempts.changed_accounts() {
        accounts.push(account.0);
        sources.extend(known.iter().map(|(source, seen_at)| [account.0, source.0, *seen_at]));
    }
    let write = match accounts.is_empty() {
        true => sqlx::query(WRITE_COUNTERS).bind(json(&counters)?),
        false => sqlx::query(WRITE_COUNTERS_AND_SOURCES)
            .bind(json(&counters)?)
            .bind(json(&accounts)?)
            .bind(json(&sources)?),
    };
    write.execute(connection).await.map(|_| ())
}

async fn sweep(connection: &mut SqliteConnection, order: &SweepOrder) -> Result<Swept, sqlx::Error> {
    let (first, last) = (*order.keys.start(), *order.keys.end());
    sqlx::query("UPDATE attempts SET ends_at = ?3 WHERE key BETWEEN ?1 AND ?2 AND ends_at > ?3")
        .bind(first)
        .bind(last)
        .bind(order.latest_end)
        .execute(&mut *connection)
        .await?;
    let ended = sqlx::query(
        "DELETE FROM attempts WHERE key BETWEEN ?1 AND ?2 AND (used = 0 OR (ends_at <= ?3 AND lease_ends_at <= ?3))",
    )
    .bind(first)
    .bind(last)
    .bind(order.now)
    .execute(&mut *connection)
    .await?
    .rows_affected();
    sqlx::query("DELETE FROM known_sources WHERE account BETWEEN ? AND ? AND seen_at < ?")
        .bind(first)
        .bind(last)
        .bind(order.known_sources_before)
        .execute(&mut *connection)
        .await?;
    let sizes = sqlx::query(
        "SELECT used, count(*) AS counters FROM attempts WHERE key BETWEEN ? AND ? AND key <> 0
         GROUP BY used ORDER BY used",
    )
    .bind(first)
    .bind(last)
    .fetch_all(&mut *connection)
    .await?;
    let sizes = sizes
        .iter()
        .map(|row| Ok((row.try_get("used")?, row.try_get("counters")?)))
        .collect::<Result<Vec<(i64, i64)>, sqlx::Error>>()?;
    let total: i64 = sizes.iter().map(|(_, counters)| counters).sum();
    let surplus = total - i64::try_from(order.keep).unwrap_or(i64::MAX);
    let mut swept = Swept {
        ended,
        evicted: 0,
        kept: total.unsigned_abs(),
    };
    let mut left = surplus;
    for (used, counters) in sizes {
        if left <= 0 {
            break;
        }
        let evicted = sqlx::query(
            "DELETE FROM attempts WHERE key IN
             (SELECT key FROM attempts WHERE key BETWEEN ?1 AND ?2 AND key <> 0 AND used = ?3 LIMIT ?4)",
        )
        .bind(first)
        .bind(last)
        .bind(used)
        .bind(left.min(counters))
        .execute(&mut *connection)
        .await?
        .rows_affected();
        sqlx::query(
            "INSERT INTO attempts (key, used, failed, ends_at, lease_ends_at, account) VALUES (0, ?1, ?1, ?2, 0, 0)
             ON CONFLICT (key) DO UPDATE SET used = max(used, ?1), failed = max(failed, ?1), ends_at = ?2",
        )
        .bind(used)
        .bind(order.latest_end)
        .execute(&mut *connection)
        .await?;
        swept.evicted += evicted;
        left -= counters;
    }
    swept.kept -= swept.evicted;
    Ok(swept)
}

fn from_json<T: DeserializeOwned>(row: &SqliteRow, column: &str) -> Result<T, sqlx::Error> {
    serde_json::from_str(row.try_get(column)?).map_err(|error| sqlx::Error::Decode(error.into()))
}

fn json(value: &impl serde::Serialize) -> Result<String, sqlx::Error> {
    serde_json::to_string(value).map_err(|error| sqlx::Error::Encode(error.into()))
}
