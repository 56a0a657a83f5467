//! The peppers of a running service.

use std::path::PathBuf;
use std::sync::Arc;

use cryptokit::password::{PasswordHasher, Policy};

use crate::hasher::QueuedHasher;
use crate::secret_files::{RootKeyFile, SecretFileError};

/// What reads the pepper file again.
#[derive(Clone, Debug)]
pub struct LivePeppers {
    /// What hashes with them.
    pub hasher: Arc<QueuedHasher>,
    /// What they are sealed by.
    pub root_key: RootKeyFile,
    /// Where they are.
    pub file: PathBuf,
    /// What hashes are to cost.
    pub policy: Policy,
}

impl LivePeppers {
    /// Reads the file and hashes with what is in it from now on. A file that does not do changes nothing.
    ///
    /// # Errors
    ///
    /// [`SecretFileError`].
    pub fn reload(&self) -> Result<(), SecretFileError> {
        let peppers = self.root_key.read_peppers(&self.file)?;
        self.hasher.exchange(PasswordHasher::new(self.policy, peppers));
        Ok(())
    }
}
