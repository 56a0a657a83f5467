//! Reads a descriptor that was inherited.
//!
//! Taking one by its number is unsafe in Rust: it could be closed under somebody else's hands. Its entry in /dev/fd is
//! opened instead, which is how shells do it.

use std::fs::{self, OpenOptions};
use std::io::{self, IsTerminal as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use zeroize::Zeroizing;

use crate::{Secret, SecretInputError, bounded_text};

/// Reads to the end. Waits for whoever writes into a pipe.
pub(crate) fn read(secret: Secret, number: u32) -> Result<Zeroizing<String>, SecretInputError> {
    let failed = |source| SecretInputError::Descriptor { number, source };
    let path = format!("/dev/fd/{number}");
    let entry = fs::symlink_metadata(&path).map_err(|error| match error.kind() {
        // Of the entry in /dev/fd, which nobody has asked about.
        io::ErrorKind::NotFound => failed(io::Error::other("it is not open")),
        _ => failed(error),
    })?;
    // Linux shows there how it was opened. The writing end of a pipe would keep us waiting for ourselves.
    if entry.is_symlink() && entry.permissions().mode() & 0o400 == 0 {
        return Err(failed(io::Error::other("it is open for writing only")));
    }
    // Opening a named pipe whose writer has left would wait for another one.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
        .open(&path)
        .map_err(failed)?;
    if file.is_terminal() {
        return Err(failed(io::Error::other(
            "it is a terminal, which would show the secret",
        )));
    }
    fcntl_getfl(&file)
        .and_then(|flags| fcntl_setfl(&file, flags - OFlags::NONBLOCK))
        .map_err(|error| failed(error.into()))?;
    bounded_text(secret, file)
}
