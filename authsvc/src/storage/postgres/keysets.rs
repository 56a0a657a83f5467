//! Sealed keysets.

use async_trait::async_trait;
use authsvc_core::storage::{KeysetStore, StoreError};
use sqlx::Row;

use super::{PostgresStore, store_error};

#[async_trait]
impl KeysetStore for PostgresStore {
    async fn keyset(&self, name: &str) -> Result<Option<String>, StoreError> {
        let row = sqlx::query("SELECT sealed FROM keysets WHERE name = $1")
            .bind(name)
            .fetch_optional(&self.readers)
            .await
            .map_err(store_error)?;
        row.map(|row| row.try_get("sealed")).transpose().map_err(store_error)
    }

    async fn insert_keyset(&self, name: &str, sealed: &str) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO keysets (name, sealed) VALUES ($1, $2)")
            .bind(name)
            .bind(sealed)
            .execute(&self.writer)
            .await
            .map(|_| ())
            .map_err(store_error)
    }
}
