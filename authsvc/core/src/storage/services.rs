//! The registry of services.

use async_trait::async_trait;

use super::StoreError;
use crate::domain::{AudienceName, Service, ServiceIdentity, ServiceName};

/// Registered services. An identity belongs to one service at most.
#[async_trait]
pub trait ServiceStore: Send + Sync {
    /// The service of exactly that identity, with all its identities, in no particular order.
    async fn service_by_identity(&self, identity: &ServiceIdentity) -> Result<Option<Service>, StoreError>;

    /// All services by name.
    async fn services(&self) -> Result<Vec<Service>, StoreError>;

    /// Registers a service, which has one identity at least; [`StoreError::Conflict`] when its name or one of its
    /// identities is taken.
    async fn insert_service(&self, service: &Service) -> Result<(), StoreError>;

    /// Ends a registration; whether there was one.
    async fn remove_service(&self, name: &ServiceName) -> Result<bool, StoreError>;

    /// Gives a service one more identity; whether there is such a service. [`StoreError::Conflict`] when the identity
    /// is taken, by this service or another.
    async fn add_service_identity(&self, name: &ServiceName, identity: &ServiceIdentity) -> Result<bool, StoreError>;

    /// Takes an identity from a service; whether it had it. [`StoreError::Conflict`] when it is its last one: nobody
    /// could be that service any more.
    async fn remove_service_identity(&self, name: &ServiceName, identity: &ServiceIdentity)
    -> Result<bool, StoreError>;

    /// Whether any service has that audience.
    async fn audience_exists(&self, audience: &AudienceName) -> Result<bool, StoreError>;
}
