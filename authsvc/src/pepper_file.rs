//! Changing the peppers: one process at a time, the old file or the new one whole at every moment.
//!
//! ```text
//!   a new pepper is added ─► the file is carried to every machine that serves, and read there ─► it becomes the one that
//!   makes hashes ─► each login replaces a hash ─► nothing names the old one: it is taken out
//! ```
//!
//! A hash can only be verified where its pepper is. So a new pepper makes hashes on one machine only after it has arrived
//! on all; with a single machine both steps are one.

use std::fs::File;
use std::path::{Path, PathBuf};

use cryptokit::keyset::{KeyId, KeyStatus, Keyset, KeysetError, MAX_SEALED_BYTES, RootKey};
use cryptokit::password::Pepper;
use private_files::PrivateFileError;

use crate::secret_files::{PEPPERS, RootKeyFile, SecretFileError};

/// Why the peppers were not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PepperError {
    /// A file.
    #[error(transparent)]
    Secret(#[from] SecretFileError),
    /// A file.
    #[error(transparent)]
    File(#[from] PrivateFileError),
    /// The peppers open with no root key.
    #[error("{path} does not open with this root key")]
    Sealed {
        /// The file.
        path: String,
        /// What is wrong.
        #[source]
        source: KeysetError,
    },
    /// A change that is not possible in their state.
    #[error(transparent)]
    Change(#[from] KeysetError),
    /// Another process is at it.
    #[error("{path} is being changed by another process, or cannot be locked")]
    Locked {
        /// The directory.
        path: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// There is a new pepper already.
    #[error("pepper {id} makes no hashes yet: carry the file to every machine, then authsvc pepper promote")]
    Waiting {
        /// Which.
        id: KeyId,
    },
    /// There is none to promote.
    #[error("there is no pepper that waits to be used; authsvc pepper rotate makes one")]
    NoneWaiting,
}

/// The file that holds the peppers, sealed by the root key.
#[derive(Clone, Debug)]
pub struct PepperFile {
    root: RootKeyFile,
    path: PathBuf,
}

impl PepperFile {
    /// The file at `path` under that root key.
    pub fn new(root: RootKeyFile, path: PathBuf) -> Self {
        Self { root, path }
    }

    /// The peppers.
    ///
    /// # Errors
    ///
    /// [`SecretFileError`].
    pub fn read(&self) -> Result<Keyset<Pepper>, SecretFileError> {
        self.root.read_peppers(&self.path)
    }

    /// Adds a pepper that verifies and makes no hashes yet.
    ///
    /// # Errors
    ///
    /// [`PepperError::Waiting`], and what reading and writing can fail with.
    pub fn add(&self) -> Result<KeyId, PepperError> {
        self.change(|peppers| match waiting(peppers) {
            Some(id) => Err(PepperError::Waiting { id }),
            None => Ok(peppers.add(Pepper::generate())),
        })
    }

    /// Lets the pepper that waits make hashes; the one before is retired. Which is which.
    ///
    /// # Errors
    ///
    /// [`PepperError::NoneWaiting`], and what reading and writing can fail with.
    pub fn promote(&self) -> Result<(KeyId, KeyId), PepperError> {
        self.change(|peppers| {
            let id = waiting(peppers).ok_or(PepperError::NoneWaiting)?;
            let former = peppers.primary().0;
            peppers.promote(id)?;
            peppers.retire(former)?;
            Ok((id, former))
        })
    }

    /// Takes a pepper out. Whoever's hash names it has to choose another password.
    ///
    /// # Errors
    ///
    /// [`PepperError::Change`] for the one that makes hashes and for one that is not there, and what reading and writing
    /// can fail with.
    pub fn remove(&self, id: KeyId) -> Result<(), PepperError> {
        self.change(|peppers| {
            peppers.revoke(id)?;
            peppers.prune(id, time::OffsetDateTime::UNIX_EPOCH)?;
            Ok(())
        })
    }

    fn change<T>(&self, change: impl FnOnce(&mut Keyset<Pepper>) -> Result<T, PepperError>) -> Result<T, PepperError> {
        let _lock = lock(&self.path)?;
        let (root, mut peppers) = self.open()?;
        let changed = change(&mut peppers)?;
        private_files::replace(&self.path, root.seal(&peppers)?.as_bytes())?;
        Ok(changed)
    }

    /// The peppers and the root key that they are under: while the root key is exchanged, only the exchange moves them.
    fn open(&self) -> Result<(RootKey, Keyset<Pepper>), PepperError> {
        let sealed = private_files::read_up_to(&self.path, MAX_SEALED_BYTES as u64)?;
        let (root, next) = self.root.read()?;
        let mut source = KeysetError::Open;
        for root in std::iter::once(root).chain(next) {
            match root.open(PEPPERS, &sealed) {
                Ok(peppers) => return Ok((root, peppers)),
                Err(error) => source = error,
            }
        }
        let path = self.path.display().to_string();
        Err(PepperError::Sealed { path, source })
    }
}

/// Held while the pepper file is read, changed and written: of two changes at once the later one would undo the other, and
/// the hashes made in between would be lost. It is on the directory, as the file itself is replaced.
///
/// # Errors
///
/// [`PepperError::Locked`].
pub fn lock(pepper_file: &Path) -> Result<File, PepperError> {
    let directory = pepper_file.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = directory.unwrap_or_else(|| Path::new("."));
    let failed = |source| PepperError::Locked {
        path: directory.display().to_string(),
        source,
    };
    let file = File::open(directory).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(error) => Err(failed(error.into())),
    }
}

fn waiting(peppers: &Keyset<Pepper>) -> Option<KeyId> {
    let mut active = peppers
        .entries()
        .iter()
        .filter(|entry| entry.status == KeyStatus::Active);
    active.next().map(|entry| entry.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(directory: &tempfile::TempDir) -> PepperFile {
        let root_key = RootKey::generate();
        let (root, peppers) = (directory.path().join("root.key"), directory.path().join("pepper.json"));
        private_files::write_new(&root, root_key.to_text().as_bytes()).unwrap();
        let sealed = root_key.seal(&Keyset::new(PEPPERS, Pepper::generate())).unwrap();
        private_files::write_new(&peppers, sealed.as_bytes()).unwrap();
        PepperFile::new(RootKeyFile::new(root), peppers)
    }

    #[test]
    fn a_pepper_is_added_used_and_taken_out_in_this_order_only() {
        let directory = tempfile::tempdir().unwrap();
        let file = file(&directory);
        let first = file.read().unwrap().primary().0;
        assert!(matches!(file.promote(), Err(PepperError::NoneWaiting)));
        assert!(
            matches!(file.remove(first), Err(PepperError::Change(_))),
            "it makes hashes"
        );
        let second = file.add().unwrap();
        assert_eq!(file.read().unwrap().primary().0, first, "not yet");
        assert!(matches!(file.add(), Err(PepperError::Waiting { id }) if id == second));
        assert_eq!(file.promote().unwrap(), (second, first));
        let peppers = file.read().unwrap();
        assert_eq!(peppers.primary().0, second);
        assert!(peppers.get(first).is_some(), "hashes name it");
        file.remove(first).unwrap();
        let peppers = file.read().unwrap();
        assert_eq!((peppers.entries().len(), peppers.pruned()), (1, &[first][..]));
        assert!(file.remove(first).is_err(), "gone");
    }

    #[test]
    fn of_changes_at_once_one_is_made_and_the_others_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let file = file(&directory);
        let held = lock(&file.path).unwrap();
        assert!(matches!(file.add(), Err(PepperError::Locked { .. })));
        drop(held);
        let made: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| file.add().is_ok())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(made.iter().filter(|made| **made).count(), 1);
        assert_eq!(file.read().unwrap().entries().len(), 2);
    }
}
