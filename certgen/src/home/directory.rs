//! Directories by their handle: what is done in one is done in that one, whatever its path comes to mean meanwhile,
//! and no symbolic link in it is followed.

use std::fs::{File, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::error::HomeError;

/// Mode of every directory.
pub(super) const DIRECTORY_MODE: u32 = 0o700;
/// Mode of every private key and of the inventory.
pub(super) const PRIVATE_MODE: u32 = 0o600;
/// Mode of certificates and revocation lists.
pub(super) const PUBLIC_MODE: u32 = 0o644;

/// A directory that was opened.
#[derive(Debug)]
pub(super) struct Directory {
    handle: OwnedFd,
    /// For messages only.
    path: PathBuf,
}

const OPEN: OFlags = OFlags::DIRECTORY
    .union(OFlags::RDONLY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

impl Directory {
    /// Opens a directory that is not a link.
    pub(super) fn open(path: &Path) -> Result<Self, HomeError> {
        // Put together anew: with a slash at its end the path of a link would mean what the link points at.
        let path: PathBuf = path.components().collect();
        let path = if path.as_os_str().is_empty() {
            PathBuf::from(".")
        } else {
            path
        };
        match rustix::fs::openat(CWD, &path, OPEN, Mode::empty()) {
            Ok(handle) => Ok(Self { handle, path }),
            Err(Errno::NOENT) => Err(HomeError::Missing { path }),
            Err(error) => {
                let kind = rustix::fs::lstat(&path).map(|stat| FileType::from_raw_mode(stat.st_mode));
                Err(not_opened(path, kind, error))
            }
        }
    }

    /// The path it was opened by.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Refuses a directory in which others than its owner could exchange files, and one of somebody else.
    pub(super) fn check_ours(&self) -> Result<(), HomeError> {
        let stat = rustix::fs::fstat(&self.handle).map_err(|error| self.failed("look at", "", error))?;
        let user = rustix::process::geteuid().as_raw();
        if user != 0 && stat.st_uid != user && stat.st_uid != 0 {
            return Err(HomeError::ForeignOwner {
                path: self.path.clone(),
                owner: stat.st_uid,
            });
        }
        let mode = stat.st_mode & 0o7777;
        if mode & 0o022 != 0 {
            return Err(HomeError::WritableByOthers {
                path: self.path.clone(),
                mode,
            });
        }
        Ok(())
    }

    /// A directory in it, if there is one.
    pub(super) fn subdirectory(&self, name: &str) -> Result<Option<Self>, HomeError> {
        let path = self.path.join(name);
        match rustix::fs::openat(&self.handle, name, OPEN, Mode::empty()) {
            Ok(handle) => Ok(Some(Self { handle, path })),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => {
                let kind = self.stat(name).map(|stat| FileType::from_raw_mode(stat.st_mode));
                Err(not_opened(path, kind, error))
            }
        }
    }

    /// Makes a directory in it, for its owner alone.
    pub(super) fn make_subdirectory(&self, name: &str) -> Result<Self, HomeError> {
        // The mode is given at creation, so that nothing is open to others for a moment, and set again afterwards, so
        // that the umask does not narrow it.
        let mode = Mode::from_raw_mode(DIRECTORY_MODE);
        rustix::fs::mkdirat(&self.handle, name, mode)
            .and_then(|()| rustix::fs::chmodat(&self.handle, name, mode, AtFlags::empty()))
            .map_err(|error| self.failed("make", name, error))?;
        let made = self.subdirectory(name)?;
        made.ok_or_else(|| self.failed("open", name, Errno::NOENT))
    }

    /// Makes a file in it, with this mode from its first moment, and flushes its contents to disk.
    pub(super) fn create(&self, name: &str, contents: &[u8], mode: u32) -> Result<(), HomeError> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.handle, name, flags, Mode::from_raw_mode(mode))
            .map_err(|error| self.failed("make", name, error))?;
        let mut file = File::from(file);
        file.set_permissions(Permissions::from_mode(mode))
            .and_then(|()| file.write_all(contents))
            .and_then(|()| file.sync_all())
            .map_err(|error| self.failed("write", name, error))
    }

    /// Adds to a file in it, which is cut to `length` before, and flushes it to disk.
    pub(super) fn append(&self, name: &str, length: u64, contents: &[u8]) -> Result<(), HomeError> {
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.handle, name, flags, Mode::empty())
            .map_err(|error| self.failed("write", name, error))?;
        let mut file = File::from(file);
        file.set_len(length)
            .and_then(|()| io::Seek::seek(&mut file, io::SeekFrom::End(0)))
            .and_then(|_| file.write_all(contents))
            .and_then(|()| file.sync_all())
            .map_err(|error| self.failed("write", name, error))
    }

    /// The contents of a regular file of at most `max` bytes in it, if there is one.
    pub(super) fn read(&self, name: &str, max: u64) -> Result<Option<Vec<u8>>, HomeError> {
        // Without NONBLOCK, opening a pipe waits until somebody writes to it.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(&self.handle, name, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => {
                return Err(HomeError::SymbolicLink {
                    path: self.path.join(name),
                });
            }
            Err(error) => return Err(self.failed("read", name, error)),
        };
        let failed = |error: io::Error| self.failed("read", name, error);
        if !file.metadata().map_err(failed)?.is_file() {
            return Err(HomeError::NotAFile {
                path: self.path.join(name),
            });
        }
        let mut contents = Vec::new();
        file.take(max + 1).read_to_end(&mut contents).map_err(failed)?;
        if contents.len() as u64 > max {
            return Err(HomeError::TooLarge {
                path: self.path.join(name),
                max,
            });
        }
        Ok(Some(contents))
    }

    /// Opens a file in it for locking, made if it is not there.
    pub(super) fn lock_file(&self, name: &str) -> Result<File, HomeError> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        match rustix::fs::openat(&self.handle, name, flags, Mode::from_raw_mode(PRIVATE_MODE)) {
            Ok(file) => Ok(File::from(file)),
            Err(Errno::LOOP) => Err(HomeError::SymbolicLink {
                path: self.path.join(name),
            }),
            Err(error) => Err(self.failed("make", name, error)),
        }
    }

    /// What is in it under this name, if anything; a link itself, not what it points at.
    pub(super) fn kind(&self, name: &str) -> Result<Option<FileType>, HomeError> {
        match self.stat(name) {
            Ok(stat) => Ok(Some(FileType::from_raw_mode(stat.st_mode))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(self.failed("look at", name, error)),
        }
    }

    /// Refuses what is neither absent nor a regular file.
    pub(super) fn check_replaceable(&self, name: &str) -> Result<(), HomeError> {
        let path = || self.path.join(name);
        match self.kind(name)? {
            None | Some(FileType::RegularFile) => Ok(()),
            Some(FileType::Symlink) => Err(HomeError::SymbolicLink { path: path() }),
            Some(_) => Err(HomeError::NotAFile { path: path() }),
        }
    }

    /// Puts a file or directory of this directory into another one, in the place of a file of that name.
    pub(super) fn rename(&self, name: &str, to: &Self, new_name: &str) -> Result<(), HomeError> {
        rustix::fs::renameat(&self.handle, name, &to.handle, new_name)
            .map_err(|error| to.failed("put into place", new_name, error))
    }

    /// Gives a file in it to the owner of another directory, if that is somebody else: root's part.
    pub(super) fn give_to_owner_of(&self, name: &str, other: &Self) -> Result<(), HomeError> {
        let failed = |error| other.failed("give away the files for", "", error);
        let stat = rustix::fs::fstat(&other.handle).map_err(failed)?;
        if stat.st_uid == rustix::process::geteuid().as_raw() || !rustix::process::geteuid().is_root() {
            return Ok(());
        }
        let owner = rustix::fs::Uid::from_raw(stat.st_uid);
        let group = rustix::fs::Gid::from_raw(stat.st_gid);
        rustix::fs::chownat(&self.handle, name, Some(owner), Some(group), AtFlags::SYMLINK_NOFOLLOW).map_err(failed)
    }

    /// Removes a file that may be there.
    pub(super) fn remove(&self, name: &str) -> Result<(), HomeError> {
        match rustix::fs::unlinkat(&self.handle, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(self.failed("remove", name, error)),
        }
    }

    /// Removes a directory in it with all that is in there. Links in there are removed, not followed.
    pub(super) fn remove_tree(&self, name: &str) -> Result<(), HomeError> {
        let path = self.path.join(name);
        match std::fs::remove_dir_all(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.failed("remove", name, error)),
            _ => Ok(()),
        }
    }

    /// The names in it, sorted. Those that are not UTF-8 are nobody's of ours and left out.
    pub(super) fn names(&self) -> Result<Vec<String>, HomeError> {
        let failed = |error| self.failed("read", "", error);
        let mut names = Vec::new();
        for entry in Dir::read_from(self.handle.as_fd()).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if let Ok(name) = entry.file_name().to_str()
                && name != "."
                && name != ".."
            {
                names.push(name.to_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    /// Flushes the entries to disk.
    pub(super) fn sync(&self) -> Result<(), HomeError> {
        rustix::fs::fsync(&self.handle).map_err(|error| self.failed("flush", "", error))
    }

    fn stat(&self, name: &str) -> Result<Stat, Errno> {
        rustix::fs::statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW)
    }

    fn failed(&self, action: &'static str, name: impl AsRef<Path>, error: impl Into<io::Error>) -> HomeError {
        let name = name.as_ref();
        HomeError::Io {
            action,
            path: if name.as_os_str().is_empty() {
                self.path.clone()
            } else {
                self.path.join(name)
            },
            source: error.into(),
        }
    }
}

fn not_opened(path: PathBuf, kind: Result<FileType, Errno>, error: Errno) -> HomeError {
    match kind {
        Ok(FileType::Symlink) => HomeError::SymbolicLink { path },
        Ok(FileType::Directory) | Err(_) => HomeError::Io {
            action: "open",
            path,
            source: error.into(),
        },
        Ok(_) => HomeError::NotADirectory { path },
    }
}
