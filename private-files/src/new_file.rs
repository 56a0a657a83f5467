//! A file that is there whole or not at all.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::PrivateFileError;

/// What becomes of a file that is already where a new one goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It is never touched; the new file is refused.
    Keep,
    /// It is replaced in one step, if it is a regular file. What is a directory, a device, a pipe or a symbolic link is
    /// refused: a link's target would stay as it is, and nobody wants a file in the place of `/dev/null`.
    Replace,
}

/// A file of mode 0600 being written out of sight, in the folder where it will be. It is put into place, flushed to disk,
/// by [`commit`](Self::commit); dropped without that, it is gone.
///
/// On Linux it has no name until then where the file system can do that, so that a process which is killed leaves nothing
/// behind. Elsewhere it has a temporary name, which a killed process leaves.
#[derive(Debug)]
pub struct NewFile {
    file: File,
    /// Its name until it is in place, if it has one.
    temporary: Option<PathBuf>,
    target: PathBuf,
    existing: Existing,
}

impl NewFile {
    /// Makes the file. What will be in its way at the end is reported now, not after the work: with [`Existing::Keep`]
    /// anything of that name, with [`Existing::Replace`] anything but a regular file.
    ///
    /// # Errors
    ///
    /// [`PrivateFileError::Write`] and [`PrivateFileError::NotAFile`].
    pub fn begin(path: &Path, existing: Existing) -> Result<Self, PrivateFileError> {
        let failed = |source| PrivateFileError::Write {
            path: path.display().to_string(),
            source,
        };
        if path.file_name().is_none() || path.as_os_str().as_bytes().ends_with(b"/") {
            return Err(failed(io::ErrorKind::IsADirectory.into()));
        }
        match (existing, path.symlink_metadata()) {
            (Existing::Keep, Ok(_)) => return Err(failed(io::ErrorKind::AlreadyExists.into())),
            (Existing::Replace, Ok(there)) if !there.is_file() => {
                return Err(PrivateFileError::NotAFile {
                    path: path.display().to_string(),
                });
            }
            (_, Err(source)) if source.kind() != io::ErrorKind::NotFound => return Err(failed(source)),
            _ => {}
        }
        let (file, temporary) = match nameless_in(parent_of(path)) {
            Some(file) => (file, None),
            None => {
                let temporary = temporary_beside(path);
                // Left behind by a process of the same number that was killed.
                let _ = std::fs::remove_file(&temporary);
                let mut options = OpenOptions::new();
                let file = options.write(true).create_new(true).mode(0o600).open(&temporary);
                (file.map_err(failed)?, Some(temporary))
            }
        };
        let new = Self {
            file,
            temporary,
            target: path.to_owned(),
            existing,
        };
        // The umask may have narrowed the mode given at creation; it cannot have widened it.
        new.file
            .set_permissions(std::fs::Permissions::from_mode(0o600))
            .map_err(failed)?;
        Ok(new)
    }

    /// Flushes the file to disk and puts it into place.
    ///
    /// # Errors
    ///
    /// [`PrivateFileError::Write`]; then the target is as it was, unless only its folder could not be flushed.
    pub fn commit(mut self) -> Result<(), PrivateFileError> {
        self.put_into_place().map_err(|source| PrivateFileError::Write {
            path: self.target.display().to_string(),
            source,
        })
    }

    fn put_into_place(&mut self) -> io::Result<()> {
        self.file.sync_all()?;
        match (self.existing, &self.temporary) {
            // A link fails where a rename would replace what is there.
            (Existing::Keep, None) => name(&self.file, &self.target)?,
            (Existing::Keep, Some(temporary)) => std::fs::hard_link(temporary, &self.target)?,
            (Existing::Replace, None) => {
                // Only a rename replaces, and only a file that has a name can be renamed.
                let temporary = temporary_beside(&self.target);
                let _ = std::fs::remove_file(&temporary);
                name(&self.file, &temporary)?;
                let temporary = self.temporary.insert(temporary);
                std::fs::rename(temporary, &self.target)?;
            }
            (Existing::Replace, Some(temporary)) => std::fs::rename(temporary, &self.target)?,
        }
        File::open(parent_of(&self.target))?.sync_all()
    }
}

/// A file without a name, if the system and the file system have such, and can name it later.
#[cfg(target_os = "linux")]
fn nameless_in(directory: &Path) -> Option<File> {
    use std::os::unix::fs::MetadataExt as _;

    let file = OpenOptions::new()
        .write(true)
        .mode(0o600)
        .custom_flags(rustix::fs::OFlags::TMPFILE.bits().cast_signed())
        .open(directory)
        .ok()?;
    let (seen, held) = (std::fs::metadata(handle(&file)).ok()?, file.metadata().ok()?);
    ((seen.dev(), seen.ino()) == (held.dev(), held.ino())).then_some(file)
}

/// Names a file that has no name, unless that name is taken.
#[cfg(target_os = "linux")]
fn name(file: &File, path: &Path) -> io::Result<()> {
    use rustix::fs::{AtFlags, CWD, linkat};

    Ok(linkat(CWD, handle(file), CWD, path, AtFlags::SYMLINK_FOLLOW)?)
}

/// An open file's own place in `/proc`: the way to name it that needs no privilege (open(2), `O_TMPFILE`).
#[cfg(target_os = "linux")]
fn handle(file: &File) -> PathBuf {
    use std::os::fd::AsRawFd as _;

    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

#[cfg(not(target_os = "linux"))]
fn nameless_in(_: &Path) -> Option<File> {
    None
}

#[cfg(not(target_os = "linux"))]
fn name(_: &File, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary {
            // After a rename it is no longer there, which is as good.
            let _ = std::fs::remove_file(temporary);
        }
    }
}

/// The folder that a file is in.
fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// A name of this process's own, different at each call, so that two writers of one file do not meet before the end.
fn temporary_beside(path: &Path) -> PathBuf {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(
        ".{}-{}.new",
        std::process::id(),
        CALLS.fetch_add(1, Ordering::Relaxed)
    ));
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_not_committed_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret");
        let mut file = NewFile::begin(&path, Existing::Keep).unwrap();
        file.write_all(b"half").unwrap();
        drop(file);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);

        let mut file = NewFile::begin(&path, Existing::Keep).unwrap();
        file.write_all(b"whole").unwrap();
        std::fs::write(&path, "somebody was faster").unwrap();
        assert!(file.commit().is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "somebody was faster");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
        assert!(
            NewFile::begin(&path, Existing::Keep).is_err(),
            "said before any work is done"
        );
    }

    /// A process that is killed runs no `drop`.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_forgotten_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        if nameless_in(directory.path()).is_none() {
            // Not on this file system.
            return;
        }
        for existing in [Existing::Keep, Existing::Replace] {
            let mut file = NewFile::begin(&directory.path().join("secret"), existing).unwrap();
            file.write_all(b"half").unwrap();
            std::mem::forget(file);
            assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "{existing:?}");
        }
    }

    /// Where the file system has no files without names.
    #[test]
    fn a_file_with_a_temporary_name_is_put_into_place_alike() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret");
        for (existing, content) in [(Existing::Keep, "first"), (Existing::Replace, "second")] {
            let temporary = temporary_beside(&path);
            let mut file = NewFile {
                file: File::create_new(&temporary).unwrap(),
                temporary: Some(temporary),
                target: path.clone(),
                existing,
            };
            file.write_all(content.as_bytes()).unwrap();
            file.commit().unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), content);
            assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
        }
    }

    #[test]
    fn only_a_regular_file_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        std::fs::create_dir(at("folder")).unwrap();
        std::os::unix::fs::symlink("/dev/null", at("device")).unwrap();
        std::os::unix::fs::symlink("target", at("dangling")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        for name in ["folder", "device", "dangling", "socket"] {
            let refused = NewFile::begin(&at(name), Existing::Replace);
            assert!(matches!(refused, Err(PrivateFileError::NotAFile { .. })), "{name}");
        }
        let paths = [
            PathBuf::new(),
            at("folder/"),
            at("new/"),
            at(".."),
            at("no/folder"),
            at(&"x".repeat(256)),
        ];
        for path in paths {
            for existing in [Existing::Keep, Existing::Replace] {
                assert!(NewFile::begin(&path, existing).is_err(), "{path:?} {existing:?}");
            }
        }
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 4);
    }
}
