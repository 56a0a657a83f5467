//! The service's keys, which the database holds sealed.

use async_trait::async_trait;

use super::StoreError;

/// A sealed keyset as it is stored. Its version is part of its name when it is sealed, so that a row of one version
/// never opens as another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredKeyset {
    /// How often it has been replaced.
    pub version: u64,
    /// The sealed text.
    pub sealed: String,
}

/// Sealed keysets, as opaque text with a version each.
#[async_trait]
pub trait KeysetStore: Send + Sync {
    /// The sealed keyset of that name.
    async fn keyset(&self, name: &str) -> Result<Option<StoredKeyset>, StoreError>;

    /// The names and versions of all keysets, by name. What replicas poll: it reads no sealed text.
    async fn keyset_versions(&self) -> Result<Vec<(String, u64)>, StoreError>;

    /// Adds a sealed keyset at version 0; [`StoreError::Conflict`] when the name is taken.
    async fn insert_keyset(&self, name: &str, sealed: &str) -> Result<(), StoreError>;

    /// Replaces a keyset that still has the version `expected`, which goes up by one; whether it had. Of several
    /// writers that read the same version, one succeeds.
    async fn replace_keyset(&self, name: &str, expected: u64, sealed: &str) -> Result<bool, StoreError>;
}
