//! Keeping the registry of services: what an operator may do.

use std::fmt;
use std::sync::Arc;

use cryptokit::aead::AeadError;

use super::key_ring::KeyRing;
use crate::clock::Clock;
use crate::domain::{AudienceName, RecordFault, ScopeName, SealedRow, Service, ServiceIdentity, ServiceName};
use crate::storage::{Store, StoreError};

/// How often a change is tried anew when others change the same registration.
const ATTEMPTS: usize = 8;

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
    /// The registration is not as this program wrote it.
    #[error(
        "the registration of {name} {fault}\nhelp: authsvc service list says what it claims; once that is right, authsvc service seal"
    )]
    Altered {
        /// Whose.
        name: ServiceName,
        /// What is wrong with it.
        fault: RecordFault,
    },
    /// The registration could not be sealed.
    #[error("the registration could not be sealed")]
    Sealing(#[from] AeadError),
    /// The store did not do its part.
    #[error("the database could not be used")]
    Store(#[source] StoreError),
}

/// Registers, lists and removes services.
pub struct ServiceRegistry {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    keys: Arc<KeyRing>,
}

impl ServiceRegistry {
    /// Puts it together.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, keys: Arc<KeyRing>) -> Self {
        Self { store, clock, keys }
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
        let mut service = Service {
            name: service.name,
            identities: vec![service.identity],
            audiences: sorted(service.audiences),
            scopes: sorted(service.scopes),
            admin: service.admin,
            created_at: self.clock.now(),
            seal: None,
        };
        service.seal = Some(service.new_seal(&self.keys.sealing().keys)?);
        self.store.insert_service(&service).await.map_err(taken)
    }

    /// Gives a service one more identity, as when another CA issues its next certificates; whether there is such a
    /// service.
    ///
    /// # Errors
    ///
    /// [`RegistryError::Taken`], [`RegistryError::Altered`], [`RegistryError::Store`].
    pub async fn add_identity(&self, name: &ServiceName, identity: &ServiceIdentity) -> Result<bool, RegistryError> {
        for _ in 0..ATTEMPTS {
            let Some(service) = self.genuine(name).await? else {
                return Ok(false);
            };
            let mut changed = service.clone();
            changed.identities.push(identity.clone());
            let seal = changed.new_seal(&self.keys.sealing().keys)?;
            if self
                .store
                .add_service_identity(&service, identity, &seal)
                .await
                .map_err(taken)?
            {
                return Ok(true);
            }
        }
        Err(RegistryError::Store(StoreError::Conflict))
    }

    /// Takes an identity from a service; whether it had it.
    ///
    /// # Errors
    ///
    /// [`RegistryError::LastIdentity`], [`RegistryError::Altered`], [`RegistryError::Store`].
    pub async fn remove_identity(&self, name: &ServiceName, identity: &ServiceIdentity) -> Result<bool, RegistryError> {
        for _ in 0..ATTEMPTS {
            let Some(service) = self.genuine(name).await? else {
                return Ok(false);
            };
            let mut changed = service.clone();
            changed.identities.retain(|found| found != identity);
            if changed.identities.len() == service.identities.len() {
                return Ok(false);
            }
            let seal = changed.new_seal(&self.keys.sealing().keys)?;
            let removed = self.store.remove_service_identity(&service, identity, &seal).await;
            let removed = removed.map_err(|error| match error {
                StoreError::Conflict => RegistryError::LastIdentity,
                other => RegistryError::Store(other),
            });
            if removed? {
                return Ok(true);
            }
        }
        Err(RegistryError::Store(StoreError::Conflict))
    }

    /// What is wrong with a registration, if anything.
    pub async fn fault_of(&self, service: &Service) -> Option<RecordFault> {
        self.keys.unseal(|keys| service.check_seal(keys)).await.err()
    }

    /// Seals a registration as it stands: for those of a program that knew no seals, and for altered ones that were put
    /// right. Whoever calls this vouches for what it says. Whether it still was what was read.
    ///
    /// # Errors
    ///
    /// [`RegistryError::Sealing`] and [`RegistryError::Store`].
    pub async fn seal(&self, service: &Service) -> Result<bool, RegistryError> {
        let seal = service.new_seal(&self.keys.sealing().keys)?;
        self.store
            .reseal_service(service, &seal)
            .await
            .map_err(RegistryError::Store)
    }

    /// The service of that name, as this program wrote it: to seal what was altered anew would vouch for it.
    async fn genuine(&self, name: &ServiceName) -> Result<Option<Service>, RegistryError> {
        let all = self.store.services().await.map_err(RegistryError::Store)?;
        let Some(service) = all.into_iter().find(|service| service.name == *name) else {
            return Ok(None);
        };
        match self.fault_of(&service).await {
            None => Ok(Some(service)),
            Some(fault) => Err(RegistryError::Altered {
                name: name.clone(),
                fault,
            }),
        }
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
