//! Which registered service has fetched which public keys.

use async_trait::async_trait;
use time::OffsetDateTime;

use super::StoreError;
use crate::domain::ServiceName;

/// A registered service and the key set that it fetched last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyConsumer {
    /// The service.
    pub service: ServiceName,
    /// When it fetched the set, to the second.
    pub fetched_at: OffsetDateTime,
    /// The `kid`s in it.
    pub kids: Vec<String>,
}

/// What consumers fetched. One row for each registered service at most; it goes with the registration.
#[async_trait]
pub trait KeyConsumerStore: Send + Sync {
    /// Notes a fetch, unless one that came later is noted already; whether the service is registered.
    async fn record_key_consumer(&self, consumer: &KeyConsumer) -> Result<bool, StoreError>;

    /// All consumers whose last fetch was not before `since`, by name.
    async fn key_consumers(&self, since: OffsetDateTime) -> Result<Vec<KeyConsumer>, StoreError>;
}
