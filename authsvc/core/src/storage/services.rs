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

    /// Gives a service one more identity and another seal, if its seal still is that of `expected`; whether it was.
    /// [`StoreError::Conflict`] when the identity is taken, by this service or another.
    async fn add_service_identity(
        &self,
        expected: &Service,
        identity: &ServiceIdentity,
        seal: &str,
    ) -> Result<bool, StoreError>;

    /// Takes an identity from a service and gives it another seal, if it has the identity and its seal still is that of
    /// `expected`; whether it was so. [`StoreError::Conflict`] when it is its last identity: nobody could be that service
    /// any more.
    async fn remove_service_identity(
        &self,
        expected: &Service,
        identity: &ServiceIdentity,
        seal: &str,
    ) -> Result<bool, StoreError>;

    /// Gives a service another seal, if its seal still is that of `expected`; whether it was.
    async fn reseal_service(&self, expected: &Service, seal: &str) -> Result<bool, StoreError>;

    /// Whether any service has that audience.
    async fn audience_exists(&self, audience: &AudienceName) -> Result<bool, StoreError>;
}
