//! Which service has fetched which keys.

use async_trait::async_trait;
use authsvc_core::storage::{KeyConsumer, KeyConsumerStore, StoreError};
use time::OffsetDateTime;

use super::{PostgresStore, rows, store_error};

#[async_trait]
impl KeyConsumerStore for PostgresStore {
    async fn record_key_consumer(&self, consumer: &KeyConsumer) -> Result<bool, StoreError> {
        // From the registry, so that there is a row for registered services only.
        sqlx::query(
            "INSERT INTO key_consumers (service, fetched_at, kids)
             SELECT name, $1, $2 FROM services WHERE name = $3
             ON CONFLICT (service) DO UPDATE SET
                 kids = CASE WHEN excluded.fetched_at >= key_consumers.fetched_at
                     THEN excluded.kids ELSE key_consumers.kids END,
                 fetched_at = greatest(key_consumers.fetched_at, excluded.fetched_at)",
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
        let all =
            sqlx::query("SELECT service, fetched_at, kids FROM key_consumers WHERE fetched_at >= $1 ORDER BY service")
                .bind(since.unix_timestamp())
                .fetch_all(&self.readers)
                .await
                .map_err(store_error)?;
        all.iter().map(rows::key_consumer).collect()
    }
}
