//! Files outside an authority's directory: there whole or not at all, and never in the place of something.

use std::borrow::Cow;
use std::fs::{self, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use cryptokit::secret::SecretString;
use private_files::{Existing, NewFile, PrivateFileError};

use crate::explain::Explain;

/// Mode of what everybody may read, whatever the umask.
const PUBLIC_MODE: u32 = 0o644;

/// Why a file was not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NewFileError {
    /// Something is there already.
    #[error("`{}` already exists", path.display())]
    Exists {
        /// What exists.
        path: PathBuf,
    },
    /// The file system refused.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Explain for NewFileError {
    fn hint(&self) -> Cow<'static, str> {
        match self {
            Self::Exists { .. } => "choose another name, or move it away first: certgen never overwrites".into(),
            Self::Write { .. } => "check the path, the space on the disk, and who may write there".into(),
        }
    }
}

/// A file that will be. What is in its way is reported before the work; dropped without [`put`](Self::put), nothing
/// was written.
#[derive(Debug)]
pub(crate) struct Target {
    file: NewFile,
    path: PathBuf,
    is_public: bool,
}

impl Target {
    /// For all to read: mode 0644.
    pub(crate) fn public(path: &Path) -> Result<Self, NewFileError> {
        Self::begin(path, true)
    }

    /// For its owner alone: mode 0600 from its first moment.
    pub(crate) fn key(path: &Path) -> Result<Self, NewFileError> {
        Self::begin(path, false)
    }

    /// As [`Self::key`], in the place of a regular file of that name if there is one.
    pub(crate) fn replacing_key(path: &Path) -> Result<Self, NewFileError> {
        Ok(Self {
            file: NewFile::begin(path, Existing::Replace).map_err(|error| refused(path, error))?,
            path: path.to_owned(),
            is_public: false,
        })
    }

    fn begin(path: &Path, is_public: bool) -> Result<Self, NewFileError> {
        Ok(Self {
            file: NewFile::begin(path, Existing::Keep).map_err(|error| refused(path, error))?,
            path: path.to_owned(),
            is_public,
        })
    }

    /// Writes it, flushes it to disk and puts it into place.
    pub(crate) fn put(mut self, contents: &[u8]) -> Result<(), NewFileError> {
        let failed = |source| NewFileError::Write {
            path: self.path.clone(),
            source,
        };
        self.file.write_all(contents).map_err(failed)?;
        self.file.commit().map_err(|error| refused(&self.path, error))?;
        if self.is_public {
            fs::set_permissions(&self.path, Permissions::from_mode(PUBLIC_MODE)).map_err(failed)?;
        }
        Ok(())
    }
}

/// A key, and something public that belongs to it: both, or neither.
pub(crate) fn put_pair(key: (Target, &SecretString), public: (Target, &str)) -> Result<(), NewFileError> {
    let key_path = key.0.path.clone();
    key.0.put(key.1.expose_secret().as_bytes())?;
    public.0.put(public.1.as_bytes()).inspect_err(|_| {
        // It was put there a moment ago, in the place of nothing. The error that led here is the one to report.
        let _ = fs::remove_file(&key_path);
    })
}

fn refused(path: &Path, error: PrivateFileError) -> NewFileError {
    let path = path.to_owned();
    match error {
        PrivateFileError::Write { source, .. } if source.kind() == io::ErrorKind::AlreadyExists => {
            NewFileError::Exists { path }
        }
        PrivateFileError::Write { source, .. } => NewFileError::Write { path, source },
        other => NewFileError::Write {
            path,
            source: io::Error::other(other),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_exists_stays_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        fs::write(path("file"), "mine").unwrap();
        fs::create_dir(path("directory")).unwrap();
        std::os::unix::fs::symlink("nowhere", path("dangling")).unwrap();
        for name in ["file", "directory", "dangling"] {
            for target in [Target::public(&path(name)), Target::key(&path(name))] {
                assert!(matches!(target, Err(NewFileError::Exists { .. })), "{name}");
            }
        }
        assert_eq!(fs::read_to_string(path("file")).unwrap(), "mine");
        assert!(!path("nowhere").exists());
    }

    #[test]
    fn what_appears_meanwhile_stays_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let target = Target::public(&path).unwrap();
        fs::write(&path, "mine").unwrap();
        assert!(matches!(target.put(b"ours"), Err(NewFileError::Exists { .. })));
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    }

    #[test]
    fn a_pair_is_there_as_a_pair_or_not_at_all() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let secret = SecretString::new("secret".to_owned());
        let pair = || {
            (
                Target::key(&path("key")).unwrap(),
                Target::public(&path("public")).unwrap(),
            )
        };
        let (key, public) = pair();
        fs::write(path("public"), "mine").unwrap();
        assert!(put_pair((key, &secret), (public, "ours")).is_err());
        assert!(!path("key").exists());

        fs::remove_file(path("public")).unwrap();
        let (key, public) = pair();
        put_pair((key, &secret), (public, "ours")).unwrap();
        let mode = |name| fs::metadata(path(name)).unwrap().permissions().mode() & 0o7777;
        assert_eq!((mode("key"), mode("public")), (0o600, 0o644));
    }
}
