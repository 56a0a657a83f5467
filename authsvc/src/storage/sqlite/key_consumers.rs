//! Which service has fetched which keys.

use async_trait::async_trait;
use authsvc_core::storage::{KeyConsumer, KeyConsumerStore, StoreError};
use time::OffsetDateTime;

use super::{SqliteStore, rows, store_error};

#[async_trait]
impl KeyConsumerStore for SqliteStore {
    async fn record_key_consumer(&self, consumer: &KeyConsumer) -> Result<bool, StoreError> {
        // From the registry, so that there is a row for registered services only; SQLite needs the WHERE to tell the
        // upsert from a join.
        sqlx::query(
            "INSERT INTO key_consumers (service, fetched_at, kids)
             SELECT name, ?, ? FROM services WHERE name = ?
             ON CONFLICT (service) DO UPDATE SET
                 kids = CASE WHEN excluded.fetched_at >= fetched_at THEN excluded.kids ELSE kids END,
                 fetched_at = max(fetched_at, excluded.fetched_at)",
        )
        .bind(consumer.fetched_at.unix_timestamp())
        .bind(consumer.kids.join(" "))
        .bind(consumer.service.as_str())
        .execute(&self.writer)
        .await
        .map(|done| done.rows_affected() == 1)
        .map_err(store_error)
    }

    async fn key_consumers(&self, since: OffsetDateTime) -> Result<Vec<KeyConsumer>, StoreError> {
        let all = sqlx::query("SELECT * FROM key_consumers WHERE fetched_at >= ? ORDER BY service")
            .bind(since.unix_timestamp())
            .fetch_all(&self.readers)
            .await
            .map_err(store_error)?;
        all.iter().map(rows::key_consumer).collect()
    }
}
