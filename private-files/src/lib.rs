//! The only reader and writer of files that hold secrets: mode 0600 from the first moment, written whole or not at all,
//! and read only when nobody but their owner can use them.
//!
//! It knows nothing of what the files hold. Unix only: permissions elsewhere are another thing.

mod new_file;

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::OFlags;
use zeroize::Zeroizing;

pub use new_file::{Existing, NewFile};

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
