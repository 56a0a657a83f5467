//! Why a PKCS#12 file was not read or written.

use super::read::{MAX_PKCS12_BYTES, MAX_PKCS12_ITERATIONS};
use crate::key_format::KeyFormatError;

/// Why a PKCS#12 file was not read or written. No variant holds any of its contents or of the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Pkcs12Error {
    /// Longer than [`MAX_PKCS12_BYTES`].
    #[error("{bytes} bytes; at most {MAX_PKCS12_BYTES} are read")]
    TooLarge {
        /// The size found.
        bytes: usize,
    },
    /// More entries than a key store has.
    #[error("more entries than are read or written")]
    TooMany,
    /// Not the structure of RFC 7292.
    #[error("not a PKCS#12 file, or a damaged one")]
    Malformed,
    /// An encryption or integrity protection that is broken or unknown.
    #[error("{scheme} is not read")]
    Unsupported {
        /// Its name.
        scheme: &'static str,
    },
    /// More work to open than [`MAX_PKCS12_ITERATIONS`] allows. What was too much was not computed.
    #[error("too costly to open: at most {MAX_PKCS12_ITERATIONS} iterations are run for one file")]
    TooCostly,
    /// Wrong password or damaged file: the two cannot be told apart.
    #[error("wrong password, or a damaged file")]
    Password,
    /// An empty password, which protects nothing.
    #[error("an empty password")]
    EmptyPassword,
    /// The certificate is for another key.
    #[error("the certificate is not for this key")]
    KeyMismatch,
    /// A name that cannot be written: empty, with control characters, or with characters that a BMPString lacks.
    #[error("a name must be text without control characters and without characters beyond U+FFFF")]
    Name,
    /// Two entries with one name, which Java's key stores tell apart by nothing else, not even by case.
    #[error("two entries have the same name")]
    NameTwice,
}

impl From<der::Error> for Pkcs12Error {
    fn from(_: der::Error) -> Self {
        Self::Malformed
    }
}

impl From<KeyFormatError> for Pkcs12Error {
    fn from(error: KeyFormatError) -> Self {
        match error {
            KeyFormatError::UnsupportedEncryption { scheme } => Self::Unsupported { scheme },
            KeyFormatError::TooCostly => Self::TooCostly,
            KeyFormatError::Passphrase => Self::Password,
            _ => Self::Malformed,
        }
    }
}
