//! Registered services.

use async_trait::async_trait;
use authsvc_core::domain::{AudienceName, Service, ServiceIdentity, ServiceName};
use authsvc_core::storage::{ServiceStore, StoreError};

use super::{SqliteStore, rows, store_error};

#[async_trait]
impl ServiceStore for SqliteStore {
    async fn service_by_identity(&self, identity: &ServiceIdentity) -> Result<Option<Service>, StoreError> {
        let row = sqlx::query(
            "SELECT services.*, coalesce(group_concat(audience, ' '), '') AS audiences
             FROM services LEFT JOIN service_audiences ON service = name
             WHERE issuer_spki_sha256 = ? AND san = ? GROUP BY name",
        )
        .bind(&identity.issuer_spki_sha256[..])
        .bind(identity.subject_alternative_name.to_string())
        .fetch_optional(&self.readers)
        .await
        .map_err(store_error)?;
        row.as_ref().map(rows::service).transpose()
    }

    async fn services(&self) -> Result<Vec<Service>, StoreError> {
        let all = sqlx::query(
            "SELECT services.*, coalesce(group_concat(audience, ' '), '') AS audiences
             FROM services LEFT JOIN service_audiences ON service = name
             GROUP BY name ORDER BY name",
        )
        .fetch_all(&self.readers)
        .await
        .map_err(store_error)?;
        all.iter().map(rows::service).collect()
    }

    async fn insert_service(&self, service: &Service) -> Result<(), StoreError> {
        // IMMEDIATE: a transaction that starts by reading and then writes fails at once when another one wrote.
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(store_error)?;
        sqlx::query("INSERT INTO services (name, issuer_spki_sha256, san, created_at) VALUES (?, ?, ?, ?)")
            .bind(service.name.as_str())
            .bind(&service.identity.issuer_spki_sha256[..])
            .bind(service.identity.subject_alternative_name.to_string())
            .bind(service.created_at.unix_timestamp())
            .execute(&mut *transaction)
            .await
            .map_err(store_error)?;
        for audience in &service.audiences {
            sqlx::query("INSERT INTO service_audiences (service, audience) VALUES (?, ?)")
                .bind(service.name.as_str())
                .bind(audience.as_str())
                .execute(&mut *transaction)
                .await
                .map_err(store_error)?;
        }
        transaction.commit().await.map_err(store_error)
    }

    async fn remove_service(&self, name: &ServiceName) -> Result<bool, StoreError> {
        sqlx::query("DELETE FROM services WHERE name = ?")
            .bind(name.as_str())
            .execute(&self.writer)
            .await
            .map(|done| done.rows_affected() == 1)
            .map_err(store_error)
    }

    async fn audience_exists(&self, audience: &AudienceName) -> Result<bool, StoreError> {
        sqlx::query("SELECT 1 FROM service_audiences WHERE audience = ? LIMIT 1")
            .bind(audience.as_str())
            .fetch_optional(&self.readers)
            .await
            .map(|row| row.is_some())
            .map_err(store_error)
    }
}
