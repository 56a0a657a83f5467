//! The secrets that live in files of their own: the root key, and the peppers sealed under it.

use std::path::{Path, PathBuf};

use authsvc_core::service::{RootKeySource, RootKeyUnavailable};
use cryptokit::keyset::{InvalidRootKey, Keyset, KeysetError, MAX_SEALED_BYTES, RootKey};
use cryptokit::password::Pepper;
use private_files::PrivateFileError;

use crate::published_keys;

/// Name of the pepper keyset, part of its seal.
pub const PEPPERS: &str = "peppers";

/// Why a secret file is not used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretFileError {
    /// The file itself is at fault.
    #[error(transparent)]
    File(#[from] PrivateFileError),
    /// It holds something else than a root key.
    #[error("{path} does not hold a root key")]
    RootKey {
        /// The file.
        path: String,
        /// What is wrong.
        #[source]
        source: InvalidRootKey,
    },
    /// It holds a root key as in an example.
    #[error("{path} holds a root key as in an example, which everybody has; authsvc init makes one of your own")]
    SampleRootKey {
        /// The file.
        path: String,
    },
    /// The peppers do not open.
    #[error("{path} does not open with this root key")]
    Peppers {
        /// The file.
        path: String,
        /// What is wrong.
        #[source]
        source: KeysetError,
    },
}

/// The file that holds the root key. It is read whenever a keyset is opened or sealed, so that no process keeps the key
/// in memory.
#[derive(Clone, Debug)]
pub struct RootKeyFile {
    path: PathBuf,
}

impl RootKeyFile {
    /// The file at `path`.
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }
}

impl RootKeyFile {
    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the next root key is while the two are exchanged: beside the present one, with `.next` at its end.
    pub fn next_path(&self) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(".next");
        path.into()
    }

    /// The present root key, and the next one while they are exchanged.
    ///
    /// # Errors
    ///
    /// [`SecretFileError`].
    pub fn read(&self) -> Result<(RootKey, Option<RootKey>), SecretFileError> {
        // The next one first: it becomes the present one by a rename, which must not happen between the two looks.
        let next = match self.next_path() {
            next if next.exists() => Some(read_root_key(&next)?),
            _ => None,
        };
        Ok((read_root_key(&self.path)?, next))
    }

    /// Reads the peppers, which either root key may have sealed.
    ///
    /// # Errors
    ///
    /// [`SecretFileError`].
    pub fn read_peppers(&self, path: &Path) -> Result<Keyset<Pepper>, SecretFileError> {
        let (root, next) = self.read()?;
        let found = read_peppers(path, &root);
        match next {
            Some(next) if found.is_err() => read_peppers(path, &next),
            _ => found,
        }
    }
}

impl RootKeySource for RootKeyFile {
    fn root_keys(&self) -> Result<Vec<RootKey>, RootKeyUnavailable> {
        match self.read() {
            Ok((root, next)) => Ok(std::iter::once(root).chain(next).collect()),
            // It may have been renamed between the two looks.
            Err(_) => read_root_key(&self.path)
                .map(|root| vec![root])
                .map_err(|error| RootKeyUnavailable(Box::new(error))),
        }
    }
}

/// Reads the root key.
///
/// # Errors
///
/// [`SecretFileError`].
pub fn read_root_key(path: &Path) -> Result<RootKey, SecretFileError> {
    let root = RootKey::from_text(&private_files::read(path)?).map_err(|source| SecretFileError::RootKey {
        path: path.display().to_string(),
        source,
    })?;
    if published_keys::is_sample(&root) {
        return Err(SecretFileError::SampleRootKey {
            path: path.display().to_string(),
        });
    }
    Ok(root)
}

/// Reads the peppers.
///
/// # Errors
///
/// [`SecretFileError`].
pub fn read_peppers(path: &Path, root: &RootKey) -> Result<Keyset<Pepper>, SecretFileError> {
    root.open(PEPPERS, &private_files::read_up_to(path, MAX_SEALED_BYTES as u64)?)
        .map_err(|source| SecretFileError::Peppers {
            path: path.display().to_string(),
            source,
        })
}
