//! The published feed of revocations.

use async_trait::async_trait;
use authsvc_core::storage::{FeedHead, RevocationFeedStore, StoreError};
use cryptokit::jose::FeedPosition;
use sqlx::Row;
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
        from: Option<&FeedPosition>,
        head: &FeedHead,
        delta: &str,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.writer.begin().await.map_err(store_error)?;
        // Whoever else publishes waits here, and then finds the feed further on.
        let row = sqlx::query("SELECT position FROM revocation_feed WHERE id = 1 FOR UPDATE")
            .fetch_optional(&mut *transaction)
            .await
            .map_err(store_error)?;
        if row.as_ref().map(rows::feed_position).transpose()?.as_ref() != from {
            return Ok(false);
        }
        let statement = match from {
            Some(_) => "UPDATE revocation_feed SET position = $1, seq = $2, issued_at = $3, number = $4 WHERE id = 1",
            // There was no row to wait at: here the second one waits, and inserts nothing.
            None => {
                "INSERT INTO revocation_feed (id, position, seq, issued_at, number) VALUES (1, $1, $2, $3, $4)
                 ON CONFLICT DO NOTHING"
            }
        };
        let moved = sqlx::query(statement)
            .bind(serde_json::to_string(&head.position).map_err(|_| rows::inconsistent(TABLE, "position"))?)
            .bind(rows::integer(head.position.seq))
            .bind(rows::integer(head.issued_at))
            .bind(rows::integer(head.number))
            .execute(&mut *transaction)
            .await
            .map_err(store_error)?
            .rows_affected();
        if moved == 0 {
            return Ok(false);
        }
        if from.is_none() {
            sqlx::query("DELETE FROM revocation_deltas")
                .execute(&mut *transaction)
                .await
                .map_err(store_error)?;
        }
        sqlx::query("INSERT INTO revocation_deltas (seq, document, issued_at) VALUES ($1, $2, $3)")
            .bind(rows::integer(head.position.seq))
            .bind(delta)
            .bind(rows::integer(head.issued_at))
            .execute(&mut *transaction)
            .await
            .map_err(store_error)?;
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
