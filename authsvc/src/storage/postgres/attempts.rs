//! Counters of failed logins, which several replicas change at once.
//!
//! Rows are made where they are missing and then locked, both in the order of their keys, so that two replicas that
//! want the same ones wait for each other and never in a circle.

use async_trait::async_trait;
use authsvc_core::storage::StoreError;
use authsvc_core::storage::attempts::{
    AttemptChange, AttemptScope, AttemptStore, Attempts, Counter, CounterKey, SweepOrder, Swept,
};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

use super::{PostgresStore, store_error};

/// How often a transaction is begun again that the database asked to be repeated.
const REPEATS: u32 = 3;
/// How often a row is made anew that a sweep removed before it was locked. A sweep comes once in minutes.
const LOCK_ROUNDS: u32 = 3;

#[async_trait]
impl AttemptStore for PostgresStore {
    async fn change_attempts(&self, scope: &AttemptScope, change: AttemptChange<'_>) -> Result<(), StoreError> {
        let mut repeated = 0;
        loop {
            match self.try_change(scope, change).await {
                Err(error) if repeated < REPEATS && asks_for_repetition(&error) => repeated += 1,
                other => return other.map_err(store_error),
            }
        }
    }

    async fn forget_account(&self, account: CounterKey) -> Result<(), StoreError> {
        let mut transaction = self.writer.begin().await.map_err(store_error)?;
        for statement in [
            "DELETE FROM attempts WHERE key IN
             (SELECT key FROM attempts WHERE account = $1 ORDER BY key FOR UPDATE)",
            "DELETE FROM known_sources WHERE account = $1",
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
        sqlx::query("DELETE FROM known_sources WHERE account = $1")
            .bind(account.0)
            .execute(&self.writer)
            .await
            .map(|_| ())
            .map_err(store_error)
    }

    async fn sweep_attempts(&self, order: &SweepOrder) -> Result<Swept, StoreError> {
        let mut transaction = self.writer.begin().await.map_err(store_error)?;
        let swept = sweep(&mut transaction, order).await.map_err(store_error)?;
        transaction.commit().await.map_err(store_error)?;
        Ok(swept)
    }
}

impl PostgresStore {
    async fn try_change(&self, scope: &AttemptScope, change: AttemptChange<'_>) -> Result<(), sqlx::Error> {
        let mut transaction = self.writer.begin().await?;
        let mut attempts = load(&mut transaction, scope).await?;
        change(&mut attempts);
        if attempts.is_unchanged() {
            return transaction.rollback().await;
        }
        write(&mut transaction, &attempts).await?;
        transaction.commit().await
    }
}

/// A serialization failure or a deadlock: the same again may do.
fn asks_for_repetition(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    matches!(code.as_deref(), Some("40001" | "40P01"))
}

/// Locks a row for each counter, made where there is none. A sweep may remove one between the two statements: what is not
/// locked would be read as new by everybody who asks, and what they write lost but for the last.
async fn lock(connection: &mut PgConnection, keys: &[i64]) -> Result<Vec<PgRow>, sqlx::Error> {
    for _ in 0..LOCK_ROUNDS {
        sqlx::query(
            "INSERT INTO attempts (key, used, failed, ends_at, lease_ends_at, account)
             SELECT key, 0, 0, 0, 0, 0 FROM unnest($1::bigint[]) AS key ORDER BY key ON CONFLICT DO NOTHING",
        )
        .bind(keys)
        .execute(&mut *connection)
        .await?;
        let locked = sqlx::query(
            "SELECT key, used, failed, ends_at, lease_ends_at, account FROM attempts WHERE key = ANY ($1)
             ORDER BY key FOR UPDATE",
        )
        .bind(keys)
        .fetch_all(&mut *connection)
        .await?;
        if locked.len() == keys.len() {
            return Ok(locked);
        }
    }
    Err(sqlx::Error::RowNotFound)
}

async fn load(connection: &mut PgConnection, scope: &AttemptScope) -> Result<Attempts, sqlx::Error> {
    // Sets are in order.
    let keys: Vec<i64> = scope.counters.iter().map(|key| key.0).collect();
    let accounts: Vec<i64> = scope.accounts.iter().map(|account| account.0).collect();
    let mut counters = lock(connection, &keys).await?;
    // Every transaction reads the floor and only sweeps write it: a lock would queue all logins behind each other.
    counters.extend(
        sqlx::query("SELECT key, used, failed, ends_at, lease_ends_at, account FROM attempts WHERE key = 0")
            .fetch_optional(&mut *connection)
            .await?,
    );
    let known_sources = sqlx::query("SELECT account, source, seen_at FROM known_sources WHERE account = ANY ($1)")
        .bind(&accounts)
        .fetch_all(&mut *connection)
        .await?;
    let counters = counters.iter().map(counter).collect::<Result<Vec<_>, _>>()?;
    Ok(Attempts::loaded(
        // A row that was made to be locked is no counter yet.
        counters
            .into_iter()
            .filter(|(_, counter)| counter.used > 0 || counter.ends_at > 0),
        known_sources.iter().map(known_source).collect::<Result<Vec<_>, _>>()?,
    ))
}

async fn write(connection: &mut PgConnection, attempts: &Attempts) -> Result<(), sqlx::Error> {
    let column = |value: fn(CounterKey, Counter) -> i64| -> Vec<i64> {
        attempts
            .changed_counters()
            .map(|(key, counter)| value(key, counter))
            .collect()
    };
    sqlx::query(
        "INSERT INTO attempts (key, used, failed, ends_at, lease_ends_at, account)
         SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
         ON CONFLICT (key) DO UPDATE SET used = excluded.used, failed = excluded.failed, ends_at = excluded.ends_at,
         lease_ends_at = excluded.lease_ends_at, account = excluded.account",
    )
    .bind(column(|key, _| key.0))
    .bind(column(|_, counter| counter.used.into()))
    .bind(column(|_, counter| counter.failed.into()))
    .bind(column(|_, counter| counter.ends_at))
    .bind(column(|_, counter| counter.lease_ends_at))
    .bind(column(|_, counter| counter.account))
    .execute(&mut *connection)
    .await?;
    for (account, sources) in attempts.changed_accounts() {
        sqlx::query("DELETE FROM known_sources WHERE account = $1")
            .bind(account.0)
            .execute(&mut *connection)
            .await?;
        let (sources, times): (Vec<i64>, Vec<i64>) =
            sources.iter().map(|(source, seen_at)| (source.0, *seen_at)).unzip();
        sqlx::query(
            "INSERT INTO known_sources (account, source, seen_at)
             SELECT $1, source, seen_at FROM unnest($2::bigint[], $3::bigint[]) AS known (source, seen_at)
             ON CONFLICT (account, source) DO UPDATE SET seen_at = excluded.seen_at",
        )
        .bind(account.0)
        .bind(sources)
        .bind(times)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Rows that a login has locked are left for the next time.
async fn sweep(connection: &mut PgConnection, order: &SweepOrder) -> Result<Swept, sqlx::Error> {
    let (first, last) = (*order.keys.start(), *order.keys.end());
    sqlx::query(
        "UPDATE attempts SET ends_at = $3 WHERE key IN
         (SELECT key FROM attempts WHERE key BETWEEN $1 AND $2 AND ends_at > $3 FOR UPDATE SKIP LOCKED)",
    )
    .bind(first)
    .bind(last)
    .bind(order.latest_end)
    .execute(&mut *connection)
    .await?;
    let ended = sqlx::query(
        "DELETE FROM attempts WHERE key IN
         (SELECT key FROM attempts WHERE key BETWEEN $1 AND $2
          AND (used = 0 OR (ends_at <= $3 AND lease_ends_at <= $3)) FOR UPDATE SKIP LOCKED)",
    )
    .bind(first)
    .bind(last)
    .bind(order.now)
    .execute(&mut *connection)
    .await?
    .rows_affected();
    sqlx::query("DELETE FROM known_sources WHERE account BETWEEN $1 AND $2 AND seen_at < $3")
        .bind(first)
        .bind(last)
        .bind(order.known_sources_before)
        .execute(&mut *connection)
        .await?;
    let sizes = sqlx::query(
        "SELECT used, count(*) AS counters FROM attempts WHERE key BETWEEN $1 AND $2 AND key <> 0
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
    let mut left = total - i64::try_from(order.keep).unwrap_or(i64::MAX);
    let mut swept = Swept {
        ended,
        evicted: 0,
        kept: total.unsigned_abs(),
    };
    for (used, counters) in sizes {
        if left <= 0 {
            break;
        }
        swept.evicted += evict(connection, order, used, left.min(counters)).await?;
        left -= counters;
    }
    swept.kept -= swept.evicted;
    Ok(swept)
}

async fn evict(connection: &mut PgConnection, order: &SweepOrder, used: i64, count: i64) -> Result<u64, sqlx::Error> {
    // The floor first: who begins meanwhile begins no lower.
    sqlx::query(
        "INSERT INTO attempts (key, used, failed, ends_at, lease_ends_at, account) VALUES (0, $1, $1, $2, 0, 0)
         ON CONFLICT (key) DO UPDATE SET used = greatest(attempts.used, $1), failed = greatest(attempts.failed, $1),
         ends_at = $2",
    )
    .bind(used)
    .bind(order.latest_end)
    .execute(&mut *connection)
    .await?;
    let done = sqlx::query(
        "DELETE FROM attempts WHERE key IN
         (SELECT key FROM attempts WHERE key BETWEEN $1 AND $2 AND key <> 0 AND used = $3
          LIMIT $4 FOR UPDATE SKIP LOCKED)",
    )
    .bind(order.keys.start())
    .bind(order.keys.end())
    .bind(used)
    .bind(count)
    .execute(&mut *connection)
    .await?;
    Ok(done.rows_affected())
}

fn counter(row: &PgRow) -> Result<(CounterKey, Counter), sqlx::Error> {
    let small = |column| -> Result<u32, sqlx::Error> {
        let value: i64 = row.try_get(column)?;
        u32::try_from(value).map_err(|error| sqlx::Error::Decode(error.into()))
    };
    Ok((
        CounterKey(row.try_get("key")?),
        Counter {
            used: small("used")?,
            failed: small("failed")?,
            ends_at: row.try_get("ends_at")?,
            lease_ends_at: row.try_get("lease_ends_at")?,
            account: row.try_get("account")?,
        },
    ))
}

fn known_source(row: &PgRow) -> Result<(CounterKey, CounterKey, i64), sqlx::Error> {
    Ok((
        CounterKey(row.try_get("account")?),
        CounterKey(row.try_get("source")?),
        row.try_get("seen_at")?,
    ))
}
