//! The service's keys, which the database holds sealed.

use async_trait::async_trait;

use super::StoreError;

/// Sealed keysets, as opaque text.
#[async_trait]
pub trait KeysetStore: Send + Sync {
    /// The sealed keyset of that name.
    async fn keyset(&self, name: &str) -> Result<Option<String>, StoreError>;

    /// Adds a sealed keyset; [`StoreError::Conflict`] when the name is taken.
    async fn insert_keyset(&self, name: &str, sealed: &str) -> Result<(), StoreError>;
}
