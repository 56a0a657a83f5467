//! The keys of authorities: in their directory or brought along, encrypted or not.

use std::path::{Path, PathBuf};

use cryptokit::key_format::PrivateKey;
use cryptokit::secret::SecretString;
use cryptokit::x509::{CertificateAuthority, CertificateKey};
use secret_input::SecretSource;

use super::error::LifecycleError;
use crate::home::layout::{self, ROOT};
use crate::home::{HomeError, HomeView};
use crate::key_file::KeyFile;
use crate::passphrase;

/// Loads authorities with their keys. A passphrase is read when the first key needs it, and once.
#[derive(Debug, Default)]
pub struct AuthorityKeys {
    source: Option<SecretSource>,
    root_key: Option<PathBuf>,
    passphrase: Option<SecretString>,
}

impl AuthorityKeys {
    /// With the passphrase from this source; without one, a terminal is asked.
    pub fn new(source: Option<SecretSource>) -> Self {
        Self {
            source,
            ..Self::default()
        }
    }

    /// Reads the root's key from this file instead: it is best kept elsewhere.
    #[must_use]
    pub fn with_root_key(self, file: Option<PathBuf>) -> Self {
        Self { root_key: file, ..self }
    }

    /// Whether the key of an authority can be had: in its directory, or brought along.
    pub fn has(&self, home: &HomeView, name: &str) -> bool {
        (self.root_key.is_some() && name == ROOT) || home.path_of(&layout::key_of(name)).exists()
    }

    /// With this passphrase, which was read already.
    pub fn with_passphrase(passphrase: SecretString) -> Self {
        Self {
            passphrase: Some(passphrase),
            ..Self::default()
        }
    }

    /// The passphrase, once it was read.
    pub fn passphrase(&self) -> Option<&SecretString> {
        self.passphrase.as_ref()
    }

    /// What a new key of an authority is encrypted with: the passphrase that an existing key needed, or the one whose
    /// source was named; without either nothing.
    ///
    /// # Errors
    ///
    /// [`LifecycleError::Passphrase`].
    pub fn for_new_key(&mut self) -> Result<Option<&SecretString>, LifecycleError> {
        if self.passphrase.is_none()
            && let Some(source) = &self.source
        {
            self.passphrase = Some(passphrase::new(passphrase::AUTHORITY, Some(source))?);
        }
        Ok(self.passphrase())
    }

    /// An authority with its key.
    ///
    /// # Errors
    ///
    /// [`LifecycleError::Home`] and [`LifecycleError::Passphrase`].
    pub fn load(&mut self, home: &HomeView, name: &str) -> Result<CertificateAuthority, LifecycleError> {
        match self.attempt(home, name) {
            Err(HomeError::PassphraseNeeded { .. }) if self.passphrase.is_none() => {
                self.passphrase = Some(passphrase::existing(passphrase::AUTHORITY, self.source.as_ref())?);
                Ok(self.attempt(home, name)?)
            }
            loaded => Ok(loaded?),
        }
    }

    fn attempt(&self, home: &HomeView, name: &str) -> Result<CertificateAuthority, HomeError> {
        let Some(file) = self.root_key.as_ref().filter(|_| name == ROOT) else {
            return home.authority(name, self.passphrase.as_ref());
        };
        let failed = |source| HomeError::Authority {
            name: name.to_owned(),
            source,
        };
        let key = self.read(file)?;
        let key = CertificateKey::from_pkcs8(key.into_pkcs8()).map_err(|error| failed(error.into()))?;
        CertificateAuthority::load(home.authority_certificate(name)?, home.issuers(name)?, key).map_err(failed)
    }

    fn read(&self, file: &Path) -> Result<PrivateKey, HomeError> {
        let file = KeyFile::read(file)?;
        match &self.passphrase {
            None if file.is_encrypted() => Err(HomeError::PassphraseNeeded {
                path: file.path().to_owned(),
            }),
            Some(passphrase) if file.is_encrypted() => Ok(file.key(Some(passphrase))?),
            _ => Ok(file.key(None)?),
        }
    }
}
