//! Registered services.

use async_trait::async_trait;
use authsvc_core::domain::{AudienceName, Service, ServiceIdentity, ServiceName};
use authsvc_core::storage::{ServiceStore, StoreError};
use sqlx::SqliteConnection;

use super::{SqliteStore, rows, store_error};

/// A service in one row. Names are separated by spaces, which none contains, and identities by line feeds.
macro_rules! select_service {
    ($where:literal) => {
        concat!(
            "SELECT name, admin, created_at, seal,
                (SELECT group_concat(hex(issuer_spki_sha256) || ' ' || san, char(10))
                 FROM service_identities WHERE service = name) AS identities,
                (SELECT group_concat(audience, ' ') FROM service_audiences WHERE service = name) AS audiences,
                (SELECT group_concat(scope, ' ') FROM service_scopes WHERE service = name) AS scopes
             FROM services ",
            $where
        )
    };
}

#[async_trait]
impl ServiceStore for SqliteStore {
    async fn service_by_identity(&self, identity: &ServiceIdentity) -> Result<Option<Service>, StoreError> {
        let row = sqlx::query(select_service!(
            "WHERE name = (SELECT service FROM service_identities WHERE issuer_spki_sha256 = ? AND san = ?)"
        ))
        .bind(&identity.issuer_spki_sha256[..])
        .bind(identity.subject_alternative_name.to_string())
        .fetch_optional(&self.readers)
        .await
        .map_err(store_error)?;
        row.as_ref().map(rows::service).transpose()
    }

    async fn services(&self) -> Result<Vec<Service>, StoreError> {
        let all = sqlx::query(select_service!("ORDER BY name"))
            .fetch_all(&self.readers)
            .await
            .map_err(store_error)?;
        all.iter().map(rows::service).collect()
    }

    async fn insert_service(&self, service: &Service) -> Result<(), StoreError> {
        let (first, others) = service
            .identities
            .split_first()
            .ok_or_else(|| rows::inconsistent("service_identities", "san"))?;
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(store_error)?;
        sqlx::query(
            "INSERT INTO services (name, issuer_spki_sha256, san, created_at, admin, seal) VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(service.name.as_str())
        .bind(&first.issuer_spki_sha256[..])
        .bind(first.subject_alternative_name.to_string())
        .bind(service.created_at.unix_timestamp())
        .bind(service.admin)
        .bind(&service.seal)
        .execute(&mut *transaction)
        .await
        .map_err(store_error)?;
        for identity in others {
            insert_identity(&mut transaction, &service.name, identity).await?;
        }
        for audience in &service.audiences {
            sqlx::query("INSERT INTO service_audiences (service, audience) VALUES (?, ?)")
                .bind(service.name.as_str())
                .bind(audience.as_str())
                .execute(&mut *transaction)
                .await
                .map_err(store_error)?;
        }
        for scope in &service.scopes {
            sqlx::query("INSERT INTO service_scopes (service, scope) VALUES (?, ?)")
                .bind(service.name.as_str())
                .bind(scope.as_str())
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

    async fn add_service_identity(
        &self,
        expected: &Service,
        identity: &ServiceIdentity,
        seal: &str,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(store_error)?;
        if !reseal(&mut transaction, expected, seal).await? {
            return Ok(false);
        }
        insert_identity(&mut transaction, &expected.name, identity).await?;
        transaction.commit().await.map_err(store_error)?;
        Ok(true)
    }

    async fn remove_service_identity(
        &self,
        expected: &Service,
        identity: &ServiceIdentity,
        seal: &str,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(store_error)?;
        // The row's lock is held from here on: two that take away one each do not leave none.
        if !reseal(&mut transaction, expected, seal).await? {
            return Ok(false);
        }
        let deleted =
            sqlx::query("DELETE FROM service_identities WHERE service = ? AND issuer_spki_sha256 = ? AND san = ?")
                .bind(expected.name.as_str())
                .bind(&identity.issuer_spki_sha256[..])
                .bind(identity.subject_alternative_name.to_string())
                .execute(&mut *transaction)
                .await
                .map_err(store_error)?;
        if deleted.rows_affected() == 0 {
            return Ok(false);
        }
        // What programs of the version before this one read has to be one of those that are left.
        let left = sqlx::query(
            "UPDATE services SET (issuer_spki_sha256, san) =
                 (SELECT issuer_spki_sha256, san FROM service_identities WHERE service = name
                  ORDER BY issuer_spki_sha256, san LIMIT 1)
             WHERE name = ? AND EXISTS (SELECT 1 FROM service_identities WHERE service = name)",
        )
        .bind(expected.name.as_str())
        .execute(&mut *transaction)
        .await
        .map_err(store_error)?;
        if left.rows_affected() == 0 {
            return Err(StoreError::Conflict);
        }
        transaction.commit().await.map_err(store_error)?;
        Ok(true)
    }

    async fn reseal_service(&self, expected: &Service, seal: &str) -> Result<bool, StoreError> {
        let mut connection = self.writer.acquire().await.map_err(store_error)?;
        reseal(&mut connection, expected, seal).await
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

/// The compare-and-swap that every change of a registration goes through.
async fn reseal(connection: &mut SqliteConnection, expected: &Service, seal: &str) -> Result<bool, StoreError> {
    sqlx::query("UPDATE services SET seal = ? WHERE name = ? AND seal IS ?")
        .bind(seal)
        .bind(expected.name.as_str())
        .bind(&expected.seal)
        .execute(connection)
        .await
        .map(|done| done.rows_affected() == 1)
        .map_err(store_error)
}

async fn insert_identity(
    connection: &mut SqliteConnection,
    name: &ServiceName,
    identity: &ServiceIdentity,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO service_identities (issuer_spki_sha256, san, service) VALUES (?, ?, ?)")
        .bind(&identity.issuer_spki_sha256[..])
        .bind(identity.subject_alternative_name.to_string())
        .bind(name.as_str())
        .execute(connection)
        .await
        .map(|_| ())
        .map_err(store_error)
}
