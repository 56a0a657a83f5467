//! A keyset in a file, and the root key in another.

use std::fs::{File, TryLockError};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use cryptokit::keyset::{KeyMaterial, Keyset, KeysetError, MAX_SEALED_BYTES, RootKey};
use serde::Deserialize;

use crate::cli::KeysetArgs;
use crate::error::{Error, printable};

/// Reads a root key.
pub(crate) fn root_key(path: &Path) -> Result<RootKey, Error> {
    RootKey::from_text(&private_files::read(path)?)
        .map_err(|error| Error::input(path.display().to_string(), error, "make one with `cryptokit root-key`"))
}

/// A sealed keyset as read from its file. Name and purpose are believed only after it was opened with them.
pub(crate) struct SealedKeyset {
    path: String,
    json: String,
    name: String,
    purpose: String,
}

/// What can be read without opening.
#[derive(Deserialize)]
struct Outside {
    name: String,
    purpose: String,
}

impl SealedKeyset {
    /// Reads the file.
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        // As much as may be written, lest a keyset that has grown be lost.
        let json = private_files::read_up_to(path, MAX_SEALED_BYTES as u64)?.to_string();
        let shown = path.display().to_string();
        let outside: Outside = serde_json::from_str(&json)
            .map_err(|_| Error::input(&shown, "it is not a keyset", "make one with `cryptokit keyset create`"))?;
        Ok(Self {
            path: shown,
            json,
            name: outside.name,
            purpose: outside.purpose,
        })
    }

    /// What its keys are said to be for.
    pub(crate) fn purpose(&self) -> &str {
        &self.purpose
    }

    /// Opens it.
    pub(crate) fn open<K: KeyMaterial>(&self, root: &RootKey) -> Result<Keyset<K>, Error> {
        if self.purpose != K::PURPOSE && K::VERSION_1.is_none_or(|version| version.purpose != self.purpose) {
            let why = format!("its keys are for `{}`, not for `{}`", self.purpose, K::PURPOSE);
            return Err(Error::input(&self.path, why, "give the keyset made for this"));
        }
        root.open(&self.name, &self.json).map_err(|error| {
            let hint = match error {
                KeysetError::Version => "use the version of this command that wrote it, or a later one",
                KeysetError::TooLarge => "give the right file",
                _ => "check that --root-key is the one it was sealed under",
            };
            Error::input(&self.path, error, hint)
        })
    }
}

/// Opens a keyset for use.
pub(crate) fn open<K: KeyMaterial>(args: &KeysetArgs) -> Result<Keyset<K>, Error> {
    SealedKeyset::read(&args.file)?.open(&root_key(&args.root_key)?)
}

/// Keeps others from changing a keyset between reading and replacing it.
pub(crate) struct Lock {
    _file: File,
    path: PathBuf,
}

impl Lock {
    /// Waits for whoever is changing it now.
    pub(crate) fn wait(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Read {
            path: path.to_owned(),
            source,
        };
        // A change replaces the file: whoever waited for the lock may then hold that of the old one.
        for _ in 0..1000 {
            let file = private_files::open(path)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    eprintln!(
                        "waiting: another process is changing {}",
                        printable(&path.to_string_lossy())
                    );
                    file.lock().map_err(failed)?;
                }
                Err(TryLockError::Error(source)) => return Err(failed(source)),
            }
            // Behind links: the file is to be replaced, not the link to it.
            let path = path.canonicalize().map_err(failed)?;
            let (held, there) = (file.metadata().map_err(failed)?, path.metadata().map_err(failed)?);
            if (held.dev(), held.ino()) == (there.dev(), there.ino()) {
                return Ok(Self { _file: file, path });
            }
        }
        Err(Error::input(
            path.display().to_string(),
            "others change it all the time",
            "try again when they are done",
        ))
    }

    /// Replaces the keyset.
    pub(crate) fn replace(self, json: &str) -> Result<(), Error> {
        Ok(private_files::replace(&self.path, json.as_bytes())?)
    }
}
