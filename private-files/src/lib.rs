//! The only reader and writer of files that hold secrets: mode 0600 from the first moment, written whole or not at all,
//! and read only when nobody but their owner can use them.
//!
//! It knows nothing of what the files hold. Unix only: permissions elsewhere are another thing.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::OFlags;
use zeroize::Zeroizing;

/// Largest file that [`read`] reads, in bytes.
pub const MAX_LEN: u64 = 64 * 1024;

/// Why a file is not used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PrivateFileError {
    /// It cannot be read.
    #[error("{path} cannot be read")]
    Read {
        /// The file.
        path: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It cannot be written.
    #[error("{path} cannot be written")]
    Write {
        /// The file.
        path: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Others than its owner may read or write it.
    #[error("{path} has mode {mode:04o}, so others than its owner can use it\nhelp: chmod go= {path}")]
    LoosePermissions {
        /// The file.
        path: String,
        /// Its permission bits.
        mode: u32,
    },
    /// It belongs to somebody else.
    #[error("{path} belongs to user {owner}, neither root nor the user this program runs as")]
    ForeignOwner {
        /// The file.
        path: String,
        /// Whom it belongs to.
        owner: u32,
    },
    /// It is a directory, a device or a pipe.
    #[error("{path} is not a regular file")]
    NotAFile {
        /// The file.
        path: String,
    },
    /// It is larger than any secret of ours.
    #[error("{path} is larger than {max_len} bytes")]
    TooLarge {
        /// The file.
        path: String,
        /// The most that is read, in bytes.
        max_len: u64,
    },
    /// It is not UTF-8 text.
    #[error("{path} is not text")]
    NotText {
        /// The file.
        path: String,
    },
}

/// Reads a secret text of at most [`MAX_LEN`] bytes whose file only its owner can use.
///
/// # Errors
///
/// [`PrivateFileError`]; permissions are checked on the open file, so that it cannot be exchanged in between.
pub fn read(path: &Path) -> Result<Zeroizing<String>, PrivateFileError> {
    read_up_to(path, MAX_LEN)
}

/// As [`read`], for secrets that may be longer or must be shorter: at most `max_len` bytes. Reserves that much.
///
/// # Errors
///
/// As [`read`].
pub fn read_up_to(path: &Path, max_len: u64) -> Result<Zeroizing<String>, PrivateFileError> {
    let shown = || path.display().to_string();
    let failed = |source| PrivateFileError::Read { path: shown(), source };
    let too_large = || PrivateFileError::TooLarge { path: shown(), max_len };
    let file = open(path)?;
    if file.metadata().map_err(failed)?.len() > max_len {
        return Err(too_large());
    }
    // Reserved at its bound, so that no shorter copy is left behind by growth.
    let bound = usize::try_from(max_len).unwrap_or(usize::MAX).saturating_add(1);
    let mut bytes = Zeroizing::new(Vec::with_capacity(bound));
    file.take(max_len.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > max_len {
        // It has grown meanwhile.
        return Err(too_large());
    }
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err(PrivateFileError::NotText { path: shown() }),
    }
}

/// Opens a secret file for reading, if only its owner can use it. Never waits: a pipe is refused.
///
/// # Errors
///
/// As [`read`].
pub fn open(path: &Path) -> Result<File, PrivateFileError> {
    let shown = || path.display().to_string();
    let failed = |source| PrivateFileError::Read { path: shown(), source };
    // Without O_NONBLOCK, opening a pipe waits until somebody writes to it.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
        .open(path)
        .map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(PrivateFileError::NotAFile { path: shown() });
    }
    let mode = metadata.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(PrivateFileError::LoosePermissions { path: shown(), mode });
    }
    let owner = metadata.uid();
    if owner != 0 && owner != rustix::process::geteuid().as_raw() {
        return Err(PrivateFileError::ForeignOwner { path: shown(), owner });
    }
    Ok(file)
}

/// Checks that nobody but its owner can use a file that is not read here, such as a database.
///
/// # Errors
///
/// [`PrivateFileError::LoosePermissions`]; a missing file is somebody else's to report.
pub fn check_private(path: &Path) -> Result<(), PrivateFileError> {
    check_mode(path, 0o077)
}

/// Checks that nobody but its owner can change a file. Others may read it: a configuration holds no secret, and
/// orchestrators mount it readable.
///
/// # Errors
///
/// [`PrivateFileError::LoosePermissions`]; a missing file is somebody else's to report.
pub fn check_unchangeable(path: &Path) -> Result<(), PrivateFileError> {
    check_mode(path, 0o022)
}

fn check_mode(path: &Path, forbidden: u32) -> Result<(), PrivateFileError> {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.mode() & forbidden != 0 => Err(PrivateFileError::LoosePermissions {
            path: path.display().to_string(),
            mode: metadata.mode() & 0o7777,
        }),
        _ => Ok(()),
    }
}

/// Writes a new file of mode 0600, complete or not at all. An existing file is never touched.
///
/// # Errors
///
/// [`PrivateFileError::Write`].
pub fn write_new(path: &Path, content: &[u8]) -> Result<(), PrivateFileError> {
    write_whole(path, content, Existing::Keep)
}

/// Replaces a file by one of mode 0600, the old or the new content whole at every moment.
///
/// # Errors
///
/// [`PrivateFileError::Write`].
pub fn replace(path: &Path, content: &[u8]) -> Result<(), PrivateFileError> {
    write_whole(path, content, Existing::Replace)
}

fn write_whole(path: &Path, content: &[u8], existing: Existing) -> Result<(), PrivateFileError> {
    let mut file = NewFile::begin(path, existing)?;
    file.write_all(content).map_err(|source| PrivateFileError::Write {
        path: path.display().to_string(),
        source,
    })?;
    file.commit()
}

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
    let file = OpenOptions::new()
        .write(true)
        .mode(0o600)
        .custom_flags(OFlags::TMPFILE.bits().cast_signed())
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

/// Makes a directory of mode 0700, parents included; an existing one must be its owner's alone.
///
/// # Errors
///
/// [`PrivateFileError::Write`] and [`PrivateFileError::LoosePermissions`].
pub fn ensure_private_directory(path: &Path) -> Result<(), PrivateFileError> {
    let failed = |source| PrivateFileError::Write {
        path: path.display().to_string(),
        source,
    };
    if !path.is_dir() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(failed)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).map_err(failed)?;
    }
    let mode = std::fs::metadata(path).map_err(failed)?.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(PrivateFileError::LoosePermissions {
            path: path.display().to_string(),
            mode,
        });
    }
    Ok(())
}

/// Takes every file below a directory away from everybody but its owner.
///
/// # Errors
///
/// [`PrivateFileError::Write`].
pub fn make_private(directory: &Path) -> Result<(), PrivateFileError> {
    let failed = |source| PrivateFileError::Write {
        path: directory.display().to_string(),
        source,
    };
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_type().map_err(failed)?.is_dir() {
            make_private(&entry.path())?;
        } else {
            std::fs::set_permissions(entry.path(), std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
        }
    }
    Ok(())
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
    fn loose_permissions_other_kinds_and_sizes_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret");
        assert!(matches!(read(&path), Err(PrivateFileError::Read { .. })));
        write_new(&path, b"text\n").unwrap();
        assert_eq!(*read(&path).unwrap(), "text\n");
        for mode in [0o640, 0o604, 0o660, 0o620, 0o777] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert!(
                matches!(read(&path), Err(PrivateFileError::LoosePermissions { .. })),
                "{mode:o}"
            );
        }
        assert!(matches!(read(directory.path()), Err(PrivateFileError::NotAFile { .. })));
        let pipe = directory.path().join("pipe");
        let made = std::process::Command::new("mkfifo")
            .arg("-m")
            .arg("600")
            .arg(&pipe)
            .status()
            .unwrap();
        assert!(made.success());
        assert!(
            matches!(read(&pipe), Err(PrivateFileError::NotAFile { .. })),
            "and no waiting for a writer"
        );
        let big = directory.path().join("big");
        write_new(&big, &[b'x'; 64 * 1024 + 1]).unwrap();
        assert!(matches!(read(&big), Err(PrivateFileError::TooLarge { .. })));
        let binary = directory.path().join("binary");
        write_new(&binary, &[0xff]).unwrap();
        assert!(matches!(read(&binary), Err(PrivateFileError::NotText { .. })));
    }

    #[test]
    fn new_files_are_private_and_never_replace_anything() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret");
        write_new(&path, b"first").unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
        assert!(write_new(&path, b"second").is_err());
        assert_eq!(*read(&path).unwrap(), "first");

        let target = directory.path().join("target");
        std::fs::write(&target, "theirs").unwrap();
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(&target, &link).unwrap();
        assert!(write_new(&link, b"ours").is_err());
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "theirs");
        assert_eq!(
            std::fs::read_dir(directory.path()).unwrap().count(),
            3,
            "nothing temporary is left"
        );

        replace(&path, b"second").unwrap();
        assert_eq!(*read(&path).unwrap(), "second");
    }

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

    #[test]
    fn the_largest_size_is_the_readers_choice() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret");
        write_new(&path, b"12345").unwrap();
        assert_eq!(*read_up_to(&path, 5).unwrap(), "12345");
        let refused = read_up_to(&path, 4);
        assert!(matches!(refused, Err(PrivateFileError::TooLarge { max_len: 4, .. })));
    }

    #[test]
    fn directories_are_made_private_and_loose_ones_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a/b");
        ensure_private_directory(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o7777, 0o700);
        ensure_private_directory(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert!(ensure_private_directory(&path).is_err());
    }
}
