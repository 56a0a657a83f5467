//! Revocations, numbered in the order of their commits.

use async_trait::async_trait;
use authsvc_core::domain::EndReason;
use authsvc_core::storage::{Ending, NumberedRevocation, RevocationStore, StoreError};
use cryptokit::jose::Revocation;
use sqlx::{PgConnection, Row};
use time::OffsetDateTime;

use super::sessions::{id_of, revoke_families};
use super::{PostgresStore, rows, store_error, unhurried};

#[async_trait]
impl RevocationStore for PostgresStore {
    async fn revoke(&self, revocations: &[Revocation]) -> Result<u64, StoreError> {
        let mut transaction = self.writer.begin().await.map_err(store_error)?;
        let last = add_revocations(&mut transaction, revocations).await?;
        transaction.commit().await.map_err(store_error)?;
        Ok(last)
    }

    async fn revoke_issued_before(&self, before: OffsetDateTime, ending: &Ending) -> Result<u64, StoreError> {
        let mut transaction = unhurried(&self.writer).await?;
        lock_numbers(&mut transaction).await?;
        let ended = sqlx::query(
            "UPDATE sessions SET ended_at = $1, end_reason = $2, idle_end = least(idle_end, $3), successor = NULL
             WHERE created_at < $4 AND ended_at IS NULL",
        )
        .bind(ending.at.unix_timestamp())
        .bind(ending.why.name())
        .bind(ending.at.unix_timestamp())
        .bind(before.unix_timestamp())
        .execute(&mut *transaction)
        .await
        .map_err(store_error)?
        .rows_affected();
        let all = Revocation::All {
            before: rows::seconds(before),
            exp: rows::seconds(ending.tokens_end),
        };
        add_revocations(&mut transaction, &[all]).await?;
        transaction.commit().await.map_err(store_error)?;
        Ok(ended)
    }

    async fn end_late_sessions(&self, exp_after: OffsetDateTime, ending: &Ending) -> Result<u64, StoreError> {
        let before: Option<i64> =
            sqlx::query_scalar("SELECT max(before) FROM revocations WHERE kind = 'all' AND exp > $1")
                .bind(exp_after.unix_timestamp())
                .fetch_one(&self.readers)
                .await
                .map_err(store_error)?;
        let Some(before) = before else { return Ok(0) };
        let mut transaction = self.writer.begin().await.map_err(store_error)?;
        lock_numbers(&mut transaction).await?;
        let ended = sqlx::query(
            "UPDATE sessions SET ended_at = $1, end_reason = $2, idle_end = least(idle_end, $3), successor = NULL
             WHERE created_at < $4 AND ended_at IS NULL RETURNING id",
        )
        .bind(ending.at.unix_timestamp())
        .bind(ending.why.name())
        .bind(ending.at.unix_timestamp())
        .bind(before)
        .fetch_all(&mut *transaction)
        .await
        .map_err(store_error)?;
        let ended = ended.iter().map(id_of).collect::<Result<Vec<_>, _>>()?;
        if !ended.is_empty() {
            revoke_families(&mut transaction, &ended, ending).await?;
        }
        transaction.commit().await.map_err(store_error)?;
        Ok(ended.len() as u64)
    }

    async fn revocations_after(&self, number: u64, most: u32) -> Result<Vec<NumberedRevocation>, StoreError> {
        let all = sqlx::query(
            "SELECT number, kind, name, before, exp FROM revocations WHERE number > $1 ORDER BY number LIMIT $2",
        )
        .bind(rows::integer(number))
        .bind(i64::from(most))
        .fetch_all(&self.readers)
        .await
        .map_err(store_error)?;
        all.iter().map(rows::revocation).collect()
    }

    async fn prune_revocations(&self, now: OffsetDateTime) -> Result<u64, StoreError> {
        sqlx::query("DELETE FROM revocations WHERE exp < $1")
            .bind(now.unix_timestamp())
            .execute(&self.writer)
            .await
            .map(|done| done.rows_affected())
            .map_err(store_error)
    }
}

/// Keeps others from taking numbers until this transaction ends.
///
/// Whoever ends sessions takes this before their rows, and an account's row before this: in one order, so that nobody
/// waits in a circle.
pub(super) async fn lock_numbers(connection: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query("SELECT last FROM revocation_counter WHERE id = 1 FOR UPDATE")
        .fetch_one(connection)
        .await
        .map(|_| ())
        .map_err(store_error)
}

/// After a restore: ends every session, revokes every token there may be, and lets the published feed begin anew,
/// because the one there was may have gone further than what was restored.
pub(super) async fn end_everything(
    connection: &mut PgConnection,
    at: OffsetDateTime,
    tokens_end: OffsetDateTime,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE sessions SET ended_at = $1, end_reason = $2, idle_end = least(idle_end, $1), successor = NULL
         WHERE ended_at IS NULL",
    )
    .bind(at.unix_timestamp())
    .bind(EndReason::Operator.name())
    .execute(&mut *connection)
    .await
    .map_err(store_error)?;
    for table in ["DELETE FROM revocation_deltas", "DELETE FROM revocation_feed"] {
        sqlx::query(table)
            .execute(&mut *connection)
            .await
            .map_err(store_error)?;
    }
    let all = Revocation::All {
        // Those of this second too.
        before: rows::seconds(at) + 1,
        exp: rows::seconds(tokens_end),
    };
    add_revocations(connection, &[all]).await.map(|_| ())
}

/// Adds revocations within a transaction; the last number. The counter's row stays locked until the commit, so that no
/// number becomes visible before a smaller one, as those of a sequence do.
pub(super) async fn add_revocations(
    connection: &mut PgConnection,
    revocations: &[Revocation],
) -> Result<u64, StoreError> {
    let last: i64 = sqlx::query("UPDATE revocation_counter SET last = last + $1 RETURNING last")
        .bind(rows::integer(revocations.len() as u64))
        .fetch_one(&mut *connection)
        .await
        .and_then(|row| row.try_get("last"))
        .map_err(store_error)?;
    let first = last - rows::integer(revocations.len() as u64) + 1;
    for (number, revocation) in (first..).zip(revocations) {
        let (kind, name, before) = rows::revocation_columns(revocation);
        sqlx::query("INSERT INTO revocations (number, kind, name, before, exp) VALUES ($1, $2, $3, $4, $5)")
            .bind(number)
            .bind(kind)
            .bind(name)
            .bind(rows::integer(before))
            .bind(rows::integer(revocation.exp()))
            .execute(&mut *connection)
            .await
            .map_err(store_error)?;
    }
    Ok(last.unsigned_abs())
}
