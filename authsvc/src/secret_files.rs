//! The secrets that live in files of their own: the root key, and the peppers sealed under it.

use std::path::{Path, PathBuf};

use authsvc_core::service::{RootKeySource, RootKeyUnavailable};
use cryptokit::keyset::{InvalidRootKey, Keyset, KeysetError, MAX_SEALED_BYTES, RootKey};
use cryptokit::password::Pepper;
use private_files::PrivateFileError;

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

impl RootKeySource for RootKeyFile {
    fn root_keys(&self) -> Result<Vec<RootKey>, RootKeyUnavailable> {
        match read_root_key(&self.path) {
            Ok(root) => Ok(vec![root]),
            Err(error) => Err(RootKeyUnavailable(Box::new(error))),
        }
    }
}

/// Reads the root key.
///
/// # Errors
///
/// [`SecretFileError`].
pub fn read_root_key(path: &Path) -> Result<RootKey, SecretFileError> {
    RootKey::from_text(&private_files::read(path)?).map_err(|source| SecretFileError::RootKey {
        path: path.display().to_string(),
        source,
    })
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
