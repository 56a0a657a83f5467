//! The registry of services.

use async_trait::async_trait;

use super::StoreError;
use crate::domain::{AudienceName, Service, ServiceIdentity, ServiceName};

/// Registered services.
#[async_trait]
pub trait ServiceStore: Send + Sync {
    /// The service of exactly that identity.
    async fn service_by_identity(&self, identity: &ServiceIdentity) -> Result<Option<Service>, StoreError>;

    /// All services by name.
    async fn services(&self) -> Result<Vec<Service>, StoreError>;

    /// Registers a service; [`StoreError::Conflict`] when its name or its identity is taken.
    async fn insert_service(&self, service: &Service) -> Result<(), StoreError>;

    /// Ends a registration; whether there was one.
    async fn remove_service(&self, name: &ServiceName) -> Result<bool, StoreError>;

    /// Whether any service has that audience.
    async fn audience_exists(&self, audience: &AudienceName) -> Result<bool, StoreError>;
}
