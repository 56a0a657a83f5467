//! Keeping the registry of services: what an operator may do.

use std::fmt;
use std::sync::Arc;

use crate::clock::Clock;
use crate::domain::{AudienceName, Service, ServiceIdentity, ServiceName};
use crate::storage::{Store, StoreError};

/// Why a service was not registered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistrationError {
    /// Tokens with this audience let users act on their own accounts.
    #[error("the audience {} is this service's own", AudienceName::OWN)]
    ReservedAudience,
    /// The store did not take it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Registers, lists and removes services.
pub struct ServiceRegistry {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
}

impl ServiceRegistry {
    /// Puts it together.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    /// Registers a service; repeated audiences count once.
    ///
    /// # Errors
    ///
    /// [`RegistrationError::ReservedAudience`]; [`StoreError::Conflict`] when its name or its identity is registered
    /// already.
    pub async fn add(
        &self,
        name: ServiceName,
        identity: ServiceIdentity,
        mut audiences: Vec<AudienceName>,
    ) -> Result<(), RegistrationError> {
        if audiences.iter().any(AudienceName::is_own) {
            return Err(RegistrationError::ReservedAudience);
        }
        audiences.sort();
        audiences.dedup();
        let service = Service {
            name,
            identity,
            audiences,
            created_at: self.clock.now(),
        };
        Ok(self.store.insert_service(&service).await?)
    }

    /// All services by name.
    ///
    /// # Errors
    ///
    /// What the store fails with.
    pub async fn list(&self) -> Result<Vec<Service>, StoreError> {
        self.store.services().await
    }

    /// Ends a registration; whether there was one.
    ///
    /// # Errors
    ///
    /// What the store fails with.
    pub async fn remove(&self, name: &ServiceName) -> Result<bool, StoreError> {
        self.store.remove_service(name).await
    }
}

impl fmt::Debug for ServiceRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServiceRegistry")
    }
}
