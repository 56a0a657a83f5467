//! Keeping the registry of services: what an operator may do.

use std::fmt;
use std::sync::Arc;

use crate::clock::Clock;
use crate::domain::{AudienceName, ScopeName, Service, ServiceIdentity, ServiceName};
use crate::storage::{Store, StoreError};

/// A service to be registered. Repeated names count once.
#[derive(Clone, Debug)]
pub struct NewService {
    /// Its name for people.
    pub name: ServiceName,
    /// How it proves to be itself.
    pub identity: ServiceIdentity,
    /// The audiences about whose tokens it may ask.
    pub audiences: Vec<AudienceName>,
    /// The scopes it is told of when a token has them.
    pub scopes: Vec<ScopeName>,
    /// Whether it may administer this installation.
    pub admin: bool,
}

impl NewService {
    /// A service that may ask about no tokens yet.
    pub fn new(name: ServiceName, identity: ServiceIdentity) -> Self {
        Self {
            name,
            identity,
            audiences: Vec::new(),
            scopes: Vec::new(),
            admin: false,
        }
    }

    /// May ask about tokens for these.
    #[must_use]
    pub fn with_audiences(self, audiences: Vec<AudienceName>) -> Self {
        Self { audiences, ..self }
    }
}

/// Why the registry was not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// The name or the identity is registered already.
    #[error("the name or the identity is registered already")]
    Taken,
    /// The audience is this service's own: whoever had it could ask about the tokens that people administer their
    /// accounts with.
    #[error("the audience {} is this service's own", AudienceName::OWN)]
    ReservedAudience,
    /// It is the last identity of its service.
    #[error("it is the only identity of the service; add the new one first, or remove the service")]
    LastIdentity,
    /// The store did not do its part.
    #[error("the database could not be used")]
    Store(#[source] StoreError),
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

    /// Registers a service.
    ///
    /// # Errors
    ///
    /// [`RegistryError::Taken`], [`RegistryError::ReservedAudience`], [`RegistryError::Store`].
    pub async fn add(&self, service: NewService) -> Result<(), RegistryError> {
        if service.audiences.iter().any(AudienceName::is_own) {
            return Err(RegistryError::ReservedAudience);
        }
        let service = Service {
            name: service.name,
            identities: vec![service.identity],
            audiences: sorted(service.audiences),
            scopes: sorted(service.scopes),
            admin: service.admin,
            created_at: self.clock.now(),
        };
        self.store.insert_service(&service).await.map_err(taken)
    }

    /// Gives a service one more identity, as when another CA issues its next certificates; whether there is such a
    /// service.
    ///
    /// # Errors
    ///
    /// [`RegistryError::Taken`], [`RegistryError::Store`].
    pub async fn add_identity(&self, name: &ServiceName, identity: &ServiceIdentity) -> Result<bool, RegistryError> {
        self.store.add_service_identity(name, identity).await.map_err(taken)
    }

    /// Takes an identity from a service; whether it had it.
    ///
    /// # Errors
    ///
    /// [`RegistryError::LastIdentity`], [`RegistryError::Store`].
    pub async fn remove_identity(&self, name: &ServiceName, identity: &ServiceIdentity) -> Result<bool, RegistryError> {
        let removed = self.store.remove_service_identity(name, identity).await;
        removed.map_err(|error| match error {
            StoreError::Conflict => RegistryError::LastIdentity,
            other => RegistryError::Store(other),
        })
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

fn sorted<T: Ord>(mut names: Vec<T>) -> Vec<T> {
    names.sort();
    names.dedup();
    names
}

fn taken(error: StoreError) -> RegistryError {
    match error {
        StoreError::Conflict => RegistryError::Taken,
        other => RegistryError::Store(other),
    }
}
