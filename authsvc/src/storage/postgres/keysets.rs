//! Sealed keysets.

use async_trait::async_trait;
use authsvc_core::storage::{KeysetStore, StoreError, StoredKeyset};
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::{PostgresStore, store_error};

#[async_trait]
impl KeysetStore for PostgresStore {
    async fn keyset(&self, name: &str) -> Result<Option<StoredKeyset>, StoreError> {
        let row = sqlx::query("SELECT version, sealed FROM keysets WHERE name = $1")
            .bind(name)
            .fetch_optional(&self.readers)
            .await
            .map_err(store_error)?;
        row.map(|row| {
            Ok(StoredKeyset {
                version: version(&row)?,
                sealed: row.try_get("sealed").map_err(store_error)?,
            })
        })
        .transpose()
    }

    async fn keyset_versions(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let rows = sqlx::query("SELECT name, version FROM keysets ORDER BY name")
            .fetch_all(&self.readers)
            .await
            .map_err(store_error)?;
        rows.iter()
            .map(|row| Ok((row.try_get("name").map_err(store_error)?, version(row)?)))
            .collect()
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

    async fn replace_keyset(&self, name: &str, expected: u64, sealed: &str) -> Result<bool, StoreError> {
        let Ok(expected) = i64::try_from(expected) else {
            return Ok(false);
        };
        sqlx::query("UPDATE keysets SET version = version + 1, sealed = $1 WHERE name = $2 AND version = $3")
            .bind(sealed)
            .bind(name)
            .bind(expected)
            .execute(&self.writer)
            .await
            .map(|done| done.rows_affected() == 1)
            .map_err(store_error)
    }
}

fn version(row: &PgRow) -> Result<u64, StoreError> {
    let version: i64 = row.try_get("version").map_err(store_error)?;
    u64::try_from(version).map_err(|_| StoreError::Inconsistent {
        table: "keysets",
        column: "version",
    })
}
