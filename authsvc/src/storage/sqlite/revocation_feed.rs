//! The published feed of revocations.

use async_trait::async_trait;
use authsvc_core::storage::{FeedHead, Publication, RevocationFeedStore, SignedUnder, StoreError};
use cryptokit::jose::FeedPosition;
use sqlx::{Row, SqliteConnection};
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
        signed: SignedUnder<'_>,
        from: Option<&FeedPosition>,
        head: &FeedHead,
        delta: &str,
    ) -> Result<Publication, StoreError> {
        // One writer: nobody moves the feed or changes the keys between the questions and the answer.
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(store_error)?;
        let version = sqlx::query("SELECT version FROM keysets WHERE name = ?")
            .bind(signed.keyset)
            .fetch_optional(&mut *transaction)
            .await
            .and_then(|row| row.map(|row| row.try_get::<i64, _>("version")).transpose())
            .map_err(store_error)?;
        if version != Some(rows::integer(signed.version)) {
            return Ok(Publication::KeysChanged);
        }
        let row = sqlx::query("SELECT position FROM revocation_feed")
            .fetch_optional(&mut *transaction)
            .await
            .map_err(store_error)?;
        if row.as_ref().map(rows::feed_position).transpose()?.as_ref() != from {
            return Ok(Publication::FeedMoved);
        }
        if from.is_none() {
            remove_deltas(&mut transaction).await?;
        }
        put_head(&mut transaction, head).await?;
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
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(store_error)?;
        let replaced =
            sqlx::query("UPDATE keysets SET version = version + 1, sealed = ? WHERE name = ? AND version = ?")
                .bind(sealed)
                .bind(former.keyset)
                .bind(version)
                .execute(&mut *transaction)
                .await
                .map_err(store_error)?;
        if replaced.rows_affected() == 0 {
            return Ok(false);
        }
        let row = sqlx::query("SELECT position, issued_at, number FROM revocation_feed")
            .fetch_optional(&mut *transaction)
            .await
            .map_err(store_error)?;
        let former_head = row.as_ref().map(rows::feed_head).transpose()?;
        if !head.may_begin_after(former_head.as_ref(), from) {
            return Ok(false);
        }
        put_head(&mut transaction, head).await?;
        remove_deltas(&mut transaction).await?;
        put_delta(&mut transaction, head, delta).await?;
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

async fn put_head(connection: &mut SqliteConnection, head: &FeedHead) -> Result<(), StoreError> {
    sqlx::query("REPLACE INTO revocation_feed (id, position, seq, issued_at, number) VALUES (1, ?, ?, ?, ?)")
        .bind(serde_json::to_string(&head.position).map_err(|_| rows::inconsistent(TABLE, "position"))?)
        .bind(rows::integer(head.position.seq))
        .bind(rows::integer(head.issued_at))
        .bind(rows::integer(head.number))
        .execute(connection)
        .await
        .map(|_| ())
        .map_err(store_error)
}

async fn put_delta(connection: &mut SqliteConnection, head: &FeedHead, delta: &str) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO revocation_deltas (seq, document, issued_at) VALUES (?, ?, ?)")
        .bind(rows::integer(head.position.seq))
        .bind(delta)
        .bind(rows::integer(head.issued_at))
        .execute(connection)
        .await
        .map(|_| ())
        .map_err(store_error)
}

async fn remove_deltas(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM revocation_deltas")
        .execute(connection)
        .await
        .map(|_| ())
        .map_err(store_error)
}
