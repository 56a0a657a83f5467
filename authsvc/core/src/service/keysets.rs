//! Keysets in the database: sealed by the root key to their name and version, replaced by compare and swap.
//!
//! Whoever can write the database can neither exchange two keysets nor pass an older state off as a newer one. What
//! cannot be told apart is a whole older row, version included; a process that has seen a later one refuses it
//! ([`KeyRing`](super::KeyRing)).

use std::fmt;
use std::sync::Arc;

use cryptokit::keyset::{KeyMaterial, Keyset, KeysetError, RootKey};
use cryptokit::sign::SignError;

use crate::storage::{Store, StoreError};

/// Where the root keys are. Asked whenever a keyset is opened or sealed, so that no root key stays in memory and an
/// exchanged one is found.
pub trait RootKeySource: Send + Sync {
    /// The root key, and after it the one that is about to take its place, while it is exchanged.
    ///
    /// # Errors
    ///
    /// [`RootKeyUnavailable`].
    fn root_keys(&self) -> Result<Vec<RootKey>, RootKeyUnavailable>;
}

/// No root key can be had.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct RootKeyUnavailable(pub Box<dyn std::error::Error + Send + Sync>);

/// One that stays the same.
impl RootKeySource for RootKey {
    fn root_keys(&self) -> Result<Vec<RootKey>, RootKeyUnavailable> {
        Self::from_text(&self.to_text())
            .map(|same| vec![same])
            .map_err(|error| RootKeyUnavailable(Box::new(error)))
    }
}

/// Why keys could not be made, opened or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyStorageError {
    /// The database has no such keyset: it was never initialised.
    #[error("the database holds no keyset {name:?}; authsvc init makes one")]
    Missing {
        /// Its name.
        name: String,
    },
    /// The sealed keyset does not open: another root key, or an altered row.
    #[error("keyset {name:?} does not open; is this the root key that the database was made with?")]
    Sealed {
        /// Its name.
        name: String,
        /// What is wrong with it.
        #[source]
        source: KeysetError,
    },
    /// A keyset could not be sealed.
    #[error("keyset {name:?} could not be sealed")]
    Seal {
        /// Its name.
        name: String,
        /// Why.
        #[source]
        source: KeysetError,
    },
    /// The keyset is older than one that this process has seen: somebody put an old row back.
    #[error("keyset {name:?} is at version {found}, and was at {seen} before")]
    RolledBack {
        /// Its name.
        name: String,
        /// What the database holds.
        found: u64,
        /// What it held before.
        seen: u64,
    },
    /// The root key cannot be had.
    #[error("the root key cannot be read")]
    RootKey(#[from] RootKeyUnavailable),
    /// A change is not possible in the keyset's state.
    #[error(transparent)]
    Change(#[from] KeysetError),
    /// The backend could not make or load a key.
    #[error("a key could not be made")]
    Sign(#[from] SignError),
    /// The database did not do its part.
    #[error("the database could not be used")]
    Store(#[from] StoreError),
}

/// The keysets of one database.
#[derive(Clone)]
pub struct SealedKeysets {
    store: Arc<dyn Store>,
    roots: Arc<dyn RootKeySource>,
}

impl SealedKeysets {
    /// The keysets of `store`, under the root keys of `roots`.
    pub fn new(store: Arc<dyn Store>, roots: Arc<dyn RootKeySource>) -> Self {
        Self { store, roots }
    }

    /// Opens a keyset; with the version that [`Self::replace`] asks for.
    ///
    /// # Errors
    ///
    /// [`KeyStorageError::Missing`], [`KeyStorageError::Sealed`], [`KeyStorageError::RootKey`] and
    /// [`KeyStorageError::Store`].
    pub async fn open<K: KeyMaterial>(&self, name: &str) -> Result<(u64, Keyset<K>), KeyStorageError> {
        self.find(name)
            .await?
            .ok_or_else(|| KeyStorageError::Missing { name: name.to_owned() })
    }

    /// Opens a keyset, or makes it with one key where there is none.
    ///
    /// # Errors
    ///
    /// As [`Self::open`], and what `make` and sealing fail with.
    pub async fn open_or_create<K: KeyMaterial>(
        &self,
        name: &str,
        make: impl FnOnce() -> Result<K, SignError> + Send,
    ) -> Result<(u64, Keyset<K>), KeyStorageError> {
        if let Some(found) = self.find(name).await? {
            return Ok(found);
        }
        match self.create(&Keyset::new(name, make()?)).await {
            // Another process was first; its key is the one.
            Ok(()) | Err(KeyStorageError::Store(StoreError::Conflict)) => self.open(name).await,
            Err(error) => Err(error),
        }
    }

    /// Stores a new keyset under its name.
    ///
    /// # Errors
    ///
    /// [`KeyStorageError::Store`] with a conflict when there is one already: nothing is ever overwritten.
    pub async fn create<K: KeyMaterial>(&self, keyset: &Keyset<K>) -> Result<(), KeyStorageError> {
        let failed = |source| KeyStorageError::Seal {
            name: keyset.name().to_owned(),
            source,
        };
        // Under the last one: an exchange of the root key that is under way may have passed this name already.
        let root = self.roots.root_keys()?.pop().ok_or_else(|| failed(KeysetError::Open))?;
        let sealed = root.seal(keyset).map_err(failed)?;
        Ok(self.store.insert_keyset(keyset.name(), &sealed).await?)
    }

    /// Replaces the keyset that was opened at `version`; whether it still had that version.
    ///
    /// # Errors
    ///
    /// [`KeyStorageError::Seal`], [`KeyStorageError::RootKey`] and [`KeyStorageError::Store`].
    pub async fn replace<K: KeyMaterial>(
        &self,
        name: &str,
        version: u64,
        keyset: Keyset<K>,
    ) -> Result<bool, KeyStorageError> {
        match self.seal_next(name, version, keyset).await? {
            Some(sealed) => Ok(self.store.replace_keyset(name, version, &sealed).await?),
            None => Ok(false),
        }
    }

    /// Seals what is to replace the keyset that was opened at `version`, if it still has that version.
    ///
    /// # Errors
    ///
    /// As [`Self::replace`].
    pub(super) async fn seal_next<K: KeyMaterial>(
        &self,
        name: &str,
        version: u64,
        mut keyset: Keyset<K>,
    ) -> Result<Option<String>, KeyStorageError> {
        let failed = |source| KeyStorageError::Seal {
            name: name.to_owned(),
            source,
        };
        let Some(stored) = self
            .store
            .keyset(name)
            .await?
            .filter(|stored| stored.version == version)
        else {
            return Ok(None);
        };
        // Under the root key that the present version has: while the root key is exchanged, only the exchange itself
        // moves a keyset from one to the other, so that none is left behind under the old one.
        let bound_name = sealed_name(name, version);
        let mut roots = self.roots.root_keys()?.into_iter();
        let root = roots
            .find(|root| root.open::<K>(&bound_name, &stored.sealed).is_ok())
            .ok_or_else(|| failed(KeysetError::Open))?;
        keyset.rename(&sealed_name(name, version + 1));
        root.seal(&keyset).map(Some).map_err(failed)
    }

    /// The version of each keyset.
    ///
    /// # Errors
    ///
    /// [`KeyStorageError::Store`].
    pub async fn versions(&self) -> Result<Vec<(String, u64)>, KeyStorageError> {
        Ok(self.store.keyset_versions().await?)
    }

    /// The store that holds them.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    async fn find<K: KeyMaterial>(&self, name: &str) -> Result<Option<(u64, Keyset<K>)>, KeyStorageError> {
        let Some(stored) = self.store.keyset(name).await? else {
            return Ok(None);
        };
        let bound_name = sealed_name(name, stored.version);
        let mut source = KeysetError::Open;
        for root in self.roots.root_keys()? {
            match root.open(&bound_name, &stored.sealed) {
                Ok(keyset) => return Ok(Some((stored.version, keyset))),
                Err(error) => source = error,
            }
        }
        let name = name.to_owned();
        Err(KeyStorageError::Sealed { name, source })
    }
}

impl fmt::Debug for SealedKeysets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedKeysets")
    }
}

/// What a keyset is called inside its seal. The first version has the plain name, as in databases that are older than
/// versions.
pub fn sealed_name(name: &str, version: u64) -> String {
    match version {
        0 => name.to_owned(),
        _ => format!("{name}#{version}"),
    }
}
