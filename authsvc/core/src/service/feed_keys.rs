//! The keys that sign the feed of revocations, as a replica has them: never those of a keyset that is known to have changed.

use std::sync::{Arc, PoisonError, RwLock};

use cryptokit::jose::FeedSigningKey;
use cryptokit::keyset::{KeyMaterial, KeyStatus, Keyset};
use cryptokit::sign::SignError;

use super::key_ring::is_newer;
use super::keysets::{KeyStorageError, SealedKeysets};
use super::signing_key::{SigningKeyEntry, key_entries};
use crate::storage::SignedUnder;

/// Name of the keyset that signs the feed.
pub const FEED_KEYSET: &str = "revocation-feed";

/// The feed's keys at one version of their keyset.
pub(super) struct FeedKeyset {
    /// The version.
    version: u64,
    keyset: Keyset<FeedSigningKey>,
    /// What is known of each key, revoked ones included.
    pub(super) entries: Vec<SigningKeyEntry>,
    /// The name and the bytes of each key that may have signed.
    pub(super) public: Vec<(String, [u8; 32])>,
}

/// The feed's keys in use.
pub(super) struct FeedKeyRing {
    keysets: SealedKeysets,
    current: RwLock<Arc<FeedKeyset>>,
}

impl FeedKeyset {
    fn new(version: u64, keyset: Keyset<FeedSigningKey>) -> Result<Self, KeyStorageError> {
        let mut public = Vec::new();
        for entry in keyset
            .entries()
            .iter()
            .filter(|entry| entry.status != KeyStatus::Revoked)
        {
            let key = entry.key.verifying_key()?;
            public.push((key.kid(), *key.public_key()));
        }
        Ok(Self {
            version,
            entries: key_entries(&keyset)?,
            public,
            keyset,
        })
    }

    /// What says under which version something was signed.
    pub(super) fn signed(&self) -> SignedUnder<'static> {
        SignedUnder {
            keyset: FEED_KEYSET,
            version: self.version,
        }
    }

    /// The key that signs.
    ///
    /// # Errors
    ///
    /// [`SignError`] when the backend refuses its own key.
    pub(super) fn signing_key(&self) -> Result<FeedSigningKey, SignError> {
        copy_of(self.keyset.primary().1)
    }
}

impl FeedKeyRing {
    /// Opens the keyset, and makes it where there is none yet.
    ///
    /// # Errors
    ///
    /// [`KeyStorageError`].
    pub(super) async fn open(keysets: &SealedKeysets) -> Result<Self, KeyStorageError> {
        let (version, keyset) = keysets.open_or_create(FEED_KEYSET, FeedSigningKey::generate).await?;
        Ok(Self {
            keysets: keysets.clone(),
            current: RwLock::new(Arc::new(FeedKeyset::new(version, keyset)?)),
        })
    }

    /// The keys as this replica saw them last.
    pub(super) fn current(&self) -> Arc<FeedKeyset> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The keys as they are. One query when they have not changed.
    ///
    /// # Errors
    ///
    /// [`KeyStorageError`]; [`KeyStorageError::RolledBack`] for a keyset that is older than the one here.
    pub(super) async fn follow(&self) -> Result<Arc<FeedKeyset>, KeyStorageError> {
        // Taken before the database is asked: what another one loads meanwhile may be newer than the answer.
        let seen = self.current().version;
        let versions = self.keysets.versions().await?;
        if is_newer(&versions, FEED_KEYSET, seen)? {
            let (version, keyset) = self.keysets.open(FEED_KEYSET).await?;
            let loaded = Arc::new(FeedKeyset::new(version, keyset)?);
            let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
            // Another one may have been faster.
            if loaded.version > current.version {
                *current = loaded;
            }
        }
        Ok(self.current())
    }
}

/// The same key once more: a publisher takes it along.
pub(super) fn copy_of(key: &FeedSigningKey) -> Result<FeedSigningKey, SignError> {
    FeedSigningKey::from_bytes(key.algorithm(), key.to_bytes()).map_err(|_| SignError::Backend)
}
