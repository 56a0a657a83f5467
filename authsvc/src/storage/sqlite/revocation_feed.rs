//! The published feed of revocations.

use async_trait::async_trait;
use authsvc_core::storage::{FeedHead, RevocationFeedStore, StoreError};
use cryptokit::jose::FeedPosition;
use sqlx::Row;
use time::OffsetDateTime;

use super::{SqliteStore, rows, store_error};

const TABLE: &str = "revocation_feed";

#[async_trait]
impl RevocationFeedStore for SqliteStore {
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
        // One writer: nobody moves the feed between the question and the answer.
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(store_error)?;
        let row = sqlx::query("SELECT position FROM revocation_feed")
            .fetch_optional(&mut *transaction)
            .await
            .map_err(store_error)?;
        if row.as_ref().map(rows::feed_position).transpose()?.as_ref() != from {
            return Ok(false);
        }
        if from.is_none() {
            sqlx::query("DELETE FROM revocation_deltas")
                .execute(&mut *transaction)
                .await
                .map_err(store_error)?;
        }
        sqlx::query("REPLACE INTO revocation_feed (id, position, seq, issued_at, number) VALUES (1, ?, ?, ?, ?)")
            .bind(serde_json::to_string(&head.position).map_err(|_| rows::inconsistent(TABLE, "position"))?)
            .bind(rows::integer(head.position.seq))
            .bind(rows::integer(head.issued_at))
            .bind(rows::integer(head.number))
            .execute(&mut *transaction)
            .await
            .map_err(store_error)?;
        sqlx::query("INSERT INTO revocation_deltas (seq, document, issued_at) VALUES (?, ?, ?)")
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
        sqlx::query("SELECT document FROM revocation_deltas WHERE seq = ?")
            .bind(rows::integer(seq))
            .fetch_optional(&self.readers)
            .await
            .and_then(|row| row.map(|row| row.try_get("document")).transpose())
            .map_err(store_error)
    }

    async fn prune_deltas(&self, before: OffsetDateTime) -> Result<u64, StoreError> {
        sqlx::query(
            "DELETE FROM revocation_deltas WHERE issued_at < ? AND seq < (SELECT max(seq) FROM revocation_feed)",
        )
        .bind(before.unix_timestamp())
        .execute(&self.writer)
        .await
        .map(|done| done.rows_affected())
        .map_err(store_error)
    }
}
