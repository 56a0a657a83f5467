//! Exchanging the root key under everything it has sealed, while the service runs.
//!
//! ```text
//!   root.key.next is written ─► each keyset in the database, by compare and swap ─► the pepper file ─► all of it is
//!   checked ─► root.key.next takes the place of root.key
//! ```
//!
//! Whoever opens something tries both keys as long as there are two ([`RootKeyFile`]), so that everything opens at every
//! moment. A process that ends in between is followed by another that goes on where it stopped.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use authsvc_core::service::sealed_name;
use authsvc_core::storage::{Store, StoreError};
use cryptokit::keyset::{KeysetError, MAX_SEALED_BYTES, RootKey};
use private_files::PrivateFileError;

use crate::pepper_file::{self, PepperError};
use crate::secret_files::{PEPPERS, RootKeyFile, SecretFileError, read_root_key};

/// Why the root key was not exchanged. What was done stays good, and the exchange can be begun again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExchangeError {
    /// A file.
    #[error(transparent)]
    Secret(#[from] SecretFileError),
    /// A file.
    #[error(transparent)]
    File(#[from] PrivateFileError),
    /// The pepper file is being changed by another process.
    #[error(transparent)]
    Peppers(#[from] PepperError),
    /// Something opens with neither key.
    #[error("{name} opens with neither root key; nothing more was changed")]
    Neither {
        /// The keyset, or the pepper file.
        name: String,
        /// What is wrong with it.
        #[source]
        source: KeysetError,
    },
    /// The new key could not be put in place.
    #[error("{path} could not be put in place")]
    Rename {
        /// The file.
        path: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The database did not do its part.
    #[error("the database could not be used")]
    Store(#[from] StoreError),
}

/// A step that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExchangeStep {
    /// The new key is in its file.
    KeyMade,
    /// A keyset in the database is under the new key.
    Keyset(String),
    /// The pepper file is.
    Peppers,
    /// The new key is the root key, and the old one is gone.
    Finished,
}

/// An exchange, under way or to be begun.
#[derive(Debug)]
pub struct RootKeyExchange {
    store: Arc<dyn Store>,
    root: RootKeyFile,
    pepper_file: PathBuf,
    finished: bool,
}

impl RootKeyExchange {
    /// Of that root key, under the keysets of `store` and the peppers in `pepper_file`.
    pub fn new(store: Arc<dyn Store>, root: RootKeyFile, pepper_file: PathBuf) -> Self {
        Self {
            store,
            root,
            pepper_file,
            finished: false,
        }
    }

    /// Writes the next root key beside the present one, if it is not there yet, and does nothing more: to carry it to
    /// the other machines that serve, before it is used.
    ///
    /// # Errors
    ///
    /// [`ExchangeError::File`].
    pub fn prepare(&self) -> Result<Option<ExchangeStep>, ExchangeError> {
        let next = self.root.next_path();
        if next.exists() {
            return Ok(None);
        }
        let text = RootKey::generate().to_text();
        private_files::write_new(&next, format!("{}\n", *text).as_bytes())?;
        Ok(Some(ExchangeStep::KeyMade))
    }

    /// Does the next step; `None` when there is none.
    ///
    /// # Errors
    ///
    /// [`ExchangeError`].
    pub async fn step(&mut self) -> Result<Option<ExchangeStep>, ExchangeError> {
        if self.finished {
            return Ok(None);
        }
        if let Some(made) = self.prepare()? {
            return Ok(Some(made));
        }
        let (old, new) = (read_root_key(self.root.path())?, read_root_key(&self.root.next_path())?);
        for (name, _) in self.store.keyset_versions().await? {
            if self.rewrap_keyset(&name, &old, &new).await? {
                return Ok(Some(ExchangeStep::Keyset(name)));
            }
        }
        if self.rewrap_peppers(&old, &new)? {
            return Ok(Some(ExchangeStep::Peppers));
        }
        // Every keyset was just found under the new key, and whoever replaces one keeps the key that it is under.
        self.put_in_place()?;
        self.finished = true;
        Ok(Some(ExchangeStep::Finished))
    }

    async fn rewrap_keyset(&self, name: &str, old: &RootKey, new: &RootKey) -> Result<bool, ExchangeError> {
        loop {
            let Some(stored) = self.store.keyset(name).await? else {
                return Ok(false);
            };
            let bound_name = sealed_name(name, stored.version);
            if new.has_sealed(&bound_name, &stored.sealed) {
                return Ok(false);
            }
            let moved = old
                .rewrap_any(&bound_name, &stored.sealed, new, &sealed_name(name, stored.version + 1))
                .map_err(|source| ExchangeError::Neither {
                    name: format!("keyset {name:?}"),
                    source,
                })?;
            if self.store.replace_keyset(name, stored.version, &moved).await? {
                return Ok(true);
            }
            // Somebody rotated it meanwhile: again, with what is there now.
        }
    }

    fn rewrap_peppers(&self, old: &RootKey, new: &RootKey) -> Result<bool, ExchangeError> {
        let _lock = pepper_file::lock(&self.pepper_file)?;
        let sealed = private_files::read_up_to(&self.pepper_file, MAX_SEALED_BYTES as u64)?;
        if new.has_sealed(PEPPERS, &sealed) {
            return Ok(false);
        }
        let moved = old
            .rewrap_any(PEPPERS, &sealed, new, PEPPERS)
            .map_err(|source| ExchangeError::Neither {
                name: self.pepper_file.display().to_string(),
                source,
            })?;
        private_files::replace(&self.pepper_file, moved.as_bytes())?;
        Ok(true)
    }

    fn put_in_place(&self) -> Result<(), ExchangeError> {
        let path = self.root.path();
        let failed = |source| ExchangeError::Rename {
            path: path.display().to_string(),
            source,
        };
        std::fs::rename(self.root.next_path(), path).map_err(failed)?;
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        // The rename is what decides: it has to be on the disk before anybody is told.
        File::open(directory.unwrap_or_else(|| Path::new(".")))
            .and_then(|directory| directory.sync_all())
            .map_err(failed)
    }
}
