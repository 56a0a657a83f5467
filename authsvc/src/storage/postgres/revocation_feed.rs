//! The published feed of revocations.

use async_trait::async_trait;
use authsvc_core::storage::{FeedHead, Publication, RevocationFeedStore, SignedUnder, StoreError};
use cryptokit::jose::FeedPosition;
use sqlx::{PgConnection, Row};
use time::OffsetDateTime;

use super::{PostgresStore, rows, store_error};

const TABLE: &str = "revocation_feed";

#[async_trait]
impl RevocationFeedStore for PostgresStore {
    async fn feed_head(&self) -> Result<Option<FeedHead>, StoreError> {
        sqlx::query("SELECT position, issued_at, number FROM revocation_feed")
            .fetch_optional(&self.readers)
            .await
            .map_err(store_error)?
            .as_ref()
            .map(rows::feed_head)
            .transpose()
    }

    async fn publish_delta(
        &self,
        signed: SignedUnder<'_>,
        from: Option<&FeedPosition>,
        head: &FeedHead,
        delta: &str,
    ) -> Result<Publication, StoreError> {
        let mut transaction = self.writer.begin().await.map_err(store_error)?;
        // Whoever changes the keys waits until the delta is there, or is waited for.
        let version = sqlx::query("SELECT version FROM keysets WHERE name = $1 FOR SHARE")
            .bind(signed.keyset)
            .fetch_optional(&mut *transaction)
            .await
            .and_then(|row| row.map(|row| row.try_get::<i64, _>("version")).transpose())
            .map_err(store_error)?;
        if version != Some(rows::integer(signed.version)) {
            return Ok(Publication::KeysChanged);
        }
        // Whoever else publishes waits here, and then finds the feed further on.
        let row = sqlx::query("SELECT position FROM revocation_feed WHERE id = 1 FOR UPDATE")
            .fetch_optional(&mut *transaction)
            .await
            .map_err(store_error)?;
        if row.as_ref().map(rows::feed_position).transpose()?.as_ref() != from {
            return Ok(Publication::FeedMoved);
        }
        let moved = match from {
            Some(_) => "UPDATE revocation_feed SET position = $1, seq = $2, issued_at = $3, number = $4 WHERE id = 1",
            // There was no row to wait at: here the second one waits, and inserts nothing.
            None => {
                "INSERT INTO revocation_feed (id, position, seq, issued_at, number) VALUES (1, $1, $2, $3, $4)
                 ON CONFLICT DO NOTHING"
            }
        };
        if put_head(&mut transaction, moved, head).await? == 0 {
            return Ok(Publication::FeedMoved);
        }
        if from.is_none() {
            remove_deltas(&mut transaction).await?;
        }
        put_delta(&mut transaction, head, delta).await?;
        transaction.commit().await.map_err(store_error)?;
        Ok(Publication::Done)
    }

    async fn begin_feed_under(
        &self,
        former: SignedUnder<'_>,
        from: Option<&FeedPosition>,
        sealed: &str,
        head: &FeedHead,
        delta: &str,
    ) -> Result<bool, StoreError> {
        let Ok(version) = i64::try_from(former.version) else {
            return Ok(false);
        };
        let mut transaction = self.writer.begin().await.map_err(store_error)?;
        // First what publishers look at first, so that nobody waits for the other one in a circle.
        let replaced =
            sqlx::query("UPDATE keysets SET version = version + 1, sealed = $1 WHERE name = $2 AND version = $3")
                .bind(sealed)
                .bind(former.keyset)
                .bind(version)
                .execute(&mut *transaction)
                .await
                .map_err(store_error)?;
        if replaced.rows_affected() == 0 {
            return Ok(false);
        }
        let row = sqlx::query("SELECT position, issued_at, number FROM revocation_feed WHERE id = 1 FOR UPDATE")
            .fetch_optional(&mut *transaction)
            .await
            .map_err(store_error)?;
        let former_head = row.as_ref().map(rows::feed_head).transpose()?;
        if !head.may_begin_after(former_head.as_ref(), from) {
            return Ok(false);
        }
        let begun = "INSERT INTO revocation_feed (id, position, seq, issued_at, number) VALUES (1, $1, $2, $3, $4)
             ON CONFLICT (id) DO UPDATE
             SET position = excluded.position, seq = excluded.seq, issued_at = excluded.issued_at,
                 number = excluded.number";
        put_head(&mut transaction, begun, head).await?;
        remove_deltas(&mut transaction).await?;
        put_delta(&mut transaction, head, delta).await?;
        transaction.commit().await.map_err(store_error)?;
        Ok(true)
    }

    async fn delta(&self, seq: u64) -> Result<Option<String>, StoreError> {
        sqlx::query("SELECT document FROM revocation_deltas WHERE seq = $1")
            .bind(rows::integer(seq))
            .fetch_optional(&self.readers)
            .await
            .and_then(|row| row.map(|row| row.try_get("document")).transpose())
            .map_err(store_error)
    }

    async fn prune_deltas(&self, before: OffsetDateTime) -> Result<u64, StoreError> {
        sqlx::query(
            "DELETE FROM revocation_deltas WHERE issued_at < $1 AND seq < (SELECT max(seq) FROM revocation_feed)",
        )
        .bind(before.unix_timestamp())
        .execute(&self.writer)
        .await
        .map(|done| done.rows_affected())
        .map_err(store_error)
    }
}

/// Runs a statement that takes the head's columns; how many rows it changed.
async fn put_head(connection: &mut PgConnection, statement: &'static str, head: &FeedHead) -> Result<u64, StoreError> {
    sqlx::query(statement)
        .bind(serde_json::to_string(&head.position).map_err(|_| rows::inconsistent(TABLE, "position"))?)
        .bind(rows::integer(head.position.seq))
        .bind(rows::integer(head.issued_at))
        .bind(rows::integer(head.number))
        .execute(connection)
        .await
        .map(|done| done.rows_affected())
        .map_err(store_error)
}

async fn put_delta(connection: &mut PgConnection, head: &FeedHead, delta: &str) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO revocation_deltas (seq, document, issued_at) VALUES ($1, $2, $3)")
        .bind(rows::integer(head.position.seq))
        .bind(delta)
        .bind(rows::integer(head.issued_at))
        .execute(connection)
        .await
        .map(|_| ())
        .map_err(store_error)
}

async fn remove_deltas(connection: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM revocation_deltas")
        .execute(connection)
        .await
        .map(|_| ())
        .map_err(store_error)
}
