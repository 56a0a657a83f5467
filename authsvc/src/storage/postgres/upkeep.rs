//! What the database says about itself.

use async_trait::async_trait;
use authsvc_core::storage::{BreakerState, DatabaseMode, StoreError, UpkeepStore};
use time::OffsetDateTime;

use super::{PostgresStore, schema, store_error};

#[async_trait]
impl UpkeepStore for PostgresStore {
    async fn refresh_mode(&self) -> Result<DatabaseMode, StoreError> {
        let row = sqlx::query("SELECT read_only, min_reader, min_writer FROM database_state")
            .fetch_one(&self.upkeep)
            .await
            .map_err(store_error)?;
        let mode = schema::read_mode(&row).map_err(store_error)?;
        self.mode.learn(&mode);
        Ok(mode)
    }

    async fn set_read_only(&self, read_only: bool, at: OffsetDateTime) -> Result<bool, StoreError> {
        let done = sqlx::query("UPDATE database_state SET read_only = $1, changed_at = $2 WHERE read_only <> $1")
            .bind(read_only)
            .bind(at.unix_timestamp())
            .execute(&self.upkeep)
            .await
            .map_err(store_error)?;
        self.refresh_mode().await?;
        Ok(done.rows_affected() == 1)
    }

    fn breakers(&self) -> Vec<(&'static str, BreakerState)> {
        vec![
            ("read", self.readers.breaker_state()),
            ("write", self.writer.breaker_state()),
        ]
    }
}
