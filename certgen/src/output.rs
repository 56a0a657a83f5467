//! The only writer: a directory that appears whole or not at all.
//!
//! Everything is written into a temporary directory beside the target, flushed to disk, and renamed into place. A
//! rename replaces nothing but an empty directory, so of two runs at once exactly one wins, and nothing that exists
//! is touched. When a step fails the temporary directory is removed; only a kill or a crash leaves one behind, under
//! a name that says what it is.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use cryptokit::random;
use cryptokit::secret::SecretString;

use crate::init_error::InitError;

/// Mode of every directory.
const DIRECTORY_MODE: u32 = 0o700;
/// Mode of every private key.
const KEY_MODE: u32 = 0o600;
/// Mode of every certificate.
const CERTIFICATE_MODE: u32 = 0o644;

/// How what was written gets to the disk before it is put into place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flush {
    /// File by file: waits for nothing else.
    Files,
    /// The file system at once, others' changes with it: where there are hundreds of files, in a fifth of the time.
    FileSystem,
}

impl Flush {
    /// What suits so many files.
    pub(crate) fn of(files: usize) -> Self {
        if cfg!(target_os = "linux") && files > MANY_FILES {
            Self::FileSystem
        } else {
            Self::Files
        }
    }
}

const MANY_FILES: usize = 64;

/// A directory being made; dropped without [`commit`](Self::commit), it is gone.
pub(crate) struct NewDirectory {
    target: PathBuf,
    parent: PathBuf,
    temporary: PathBuf,
    directories: Vec<PathBuf>,
    flush: Flush,
}

impl NewDirectory {
    /// Refuses what [`begin`](Self::begin) would refuse.
    pub(crate) fn check(target: &Path) -> Result<(), InitError> {
        resolve(target).map(drop)
    }

    /// Refuses when something is at `target`, and makes the temporary directory.
    pub(crate) fn begin(target: &Path, flush: Flush) -> Result<Self, InitError> {
        let (target, parent) = resolve(target)?;
        let mut temporary_name = std::ffi::OsString::from(".");
        temporary_name.push(target.file_name().unwrap_or_default());
        temporary_name.push(format!(".certgen-{:016x}", u64::from_be_bytes(random::bytes())));
        let temporary = parent.join(temporary_name);
        make_directory(&temporary)?;
        Ok(Self {
            target,
            parent,
            directories: vec![temporary.clone()],
            temporary,
            flush,
        })
    }

    /// Where it will be.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Makes a directory in it.
    pub(crate) fn directory(&mut self, name: &str) -> Result<(), InitError> {
        let path = self.temporary.join(name);
        make_directory(&path)?;
        self.directories.push(path);
        Ok(())
    }

    /// Writes certificates, for all to read. Gives the path that the file will have.
    pub(crate) fn certificate(&self, name: &str, pem: &str) -> Result<PathBuf, InitError> {
        self.file(name, pem.as_bytes(), CERTIFICATE_MODE)
    }

    /// Writes a private key, for its owner alone. Gives the path that the file will have.
    pub(crate) fn key(&self, name: &str, pem: &SecretString) -> Result<PathBuf, InitError> {
        self.file(name, pem.expose_secret().as_bytes(), KEY_MODE)
    }

    /// Writes what is nobody else's concern, for its owner alone.
    pub(crate) fn private(&self, name: &str, contents: &[u8]) -> Result<(), InitError> {
        self.file(name, contents, KEY_MODE).map(|_| ())
    }

    /// Puts it into place.
    pub(crate) fn commit(mut self) -> Result<(), InitError> {
        match self.flush {
            Flush::Files => self.directories.iter().try_for_each(|path| sync_directory(path))?,
            Flush::FileSystem => sync_file_system(&self.temporary)?,
        }
        fs::rename(&self.temporary, &self.target).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists | io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::NotADirectory => {
                InitError::Exists {
                    path: self.target.clone(),
                }
            }
            _ => InitError::Io {
                action: "make",
                path: self.target.clone(),
                source,
            },
        })?;
        self.temporary = PathBuf::new();
        // From here on it is there.
        sync_directory(&self.parent).map_err(|_| InitError::NotFlushed {
            path: self.target.clone(),
        })
    }

    fn file(&self, name: &str, contents: &[u8], mode: u32) -> Result<PathBuf, InitError> {
        let path = self.temporary.join(name);
        write_new(&path, contents, mode, self.flush).map_err(|source| InitError::Io {
            action: "write",
            path: self.target.join(name),
            source,
        })?;
        Ok(self.target.join(name))
    }
}

impl Drop for NewDirectory {
    fn drop(&mut self) {
        if !self.temporary.as_os_str().is_empty() {
            // The error that led here is the one to report.
            let _ = fs::remove_dir_all(&self.temporary);
        }
    }
}

/// The directory to make, which nothing stands in the place of, and the one above it.
fn resolve(target: &Path) -> Result<(PathBuf, PathBuf), InitError> {
    let name = target.file_name().ok_or_else(|| InitError::NotANewDirectory {
        path: target.to_owned(),
    })?;
    // Put together anew: with a slash at its end the path of a link would mean what the link points at.
    let directly_above = target.parent().unwrap_or(Path::new(""));
    let target = directly_above.join(name);
    let parent = if directly_above.as_os_str().is_empty() {
        Path::new(".")
    } else {
        directly_above
    };
    if !parent.is_dir() {
        return Err(InitError::NoParent {
            path: parent.to_owned(),
        });
    }
    refuse_existing(&target)?;
    Ok((target, parent.to_owned()))
}

fn refuse_existing(target: &Path) -> Result<(), InitError> {
    let io = |source| InitError::Io {
        action: "look at",
        path: target.to_owned(),
        source,
    };
    let metadata = match fs::symlink_metadata(target) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(io(error)),
    };
    if metadata.is_symlink() {
        return Err(InitError::SymbolicLink {
            path: target.to_owned(),
        });
    }
    let empty_directory = metadata.is_dir() && fs::read_dir(target).map_err(io)?.next().is_none();
    if empty_directory {
        Ok(())
    } else {
        Err(InitError::Exists {
            path: target.to_owned(),
        })
    }
}

/// The mode is given at creation, so that nothing is open to others for a moment, and set again afterwards, so that
/// the umask does not narrow it.
fn make_directory(path: &Path) -> Result<(), InitError> {
    DirBuilder::new()
        .mode(DIRECTORY_MODE)
        .create(path)
        .and_then(|()| fs::set_permissions(path, Permissions::from_mode(DIRECTORY_MODE)))
        .map_err(|source| InitError::Io {
            action: "make",
            path: path.to_owned(),
            source,
        })
}

fn write_new(path: &Path, contents: &[u8], mode: u32, flush: Flush) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.set_permissions(Permissions::from_mode(mode))?;
    file.write_all(contents)?;
    match flush {
        Flush::Files => file.sync_all(),
        Flush::FileSystem => Ok(()),
    }
}

/// Linux says since 5.8 when something could not be written.
fn sync_file_system(path: &Path) -> Result<(), InitError> {
    File::open(path)
        .and_then(|directory| {
            #[cfg(target_os = "linux")]
            rustix::fs::syncfs(&directory)?;
            directory.sync_all()
        })
        .map_err(|source| InitError::Io {
            action: "flush",
            path: path.to_owned(),
            source,
        })
}

fn sync_directory(path: &Path) -> Result<(), InitError> {
    File::open(path)
        .and_then(|directory| directory.sync_all())
        .map_err(|source| InitError::Io {
            action: "flush",
            path: path.to_owned(),
            source,
        })
}
