//! The header of an encrypted file: the key of its stream, wrapped to each recipient.
//!
//! ```text
//! "cryptokit-file/1" (16 bytes) ‖ length of the message (4 bytes, big-endian) ‖ message
//! ```
//!
//! The message is a JWE in the general JSON form, `typ` `cryptokit-file`, with a commitment; its plaintext is the 32-byte
//! key of the stream that follows. [`FileHeader::context`] binds that stream to the header.

use zeroize::Zeroize;

use super::decrypter::JweDecrypter;
use super::encrypter::JweEncrypter;
use super::{JweError, inspect};
use crate::hash;
use crate::provider::Provider;
use crate::secret::SecretKey;

/// The `typ` that no other message may have.
pub(super) const TYPE: &str = "cryptokit-file";

/// Longest message in bytes of text.
pub(super) const MAX_MESSAGE_LEN: usize = FileHeader::MAX_LEN - FileHeader::PREFIX_LEN;

const MAGIC: &[u8; 16] = b"cryptokit-file/1";

/// What stands in front of an encrypted stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileHeader {
    bytes: Vec<u8>,
}

/// Why bytes are not the start of an encrypted file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileHeaderError {
    /// More bytes are needed to tell.
    #[error("header is cut short: {needed} bytes are needed")]
    Incomplete {
        /// How many bytes from the start are needed at least.
        needed: usize,
    },
    /// It does not start as an encrypted file of this version does.
    #[error("not an encrypted file, or of an unknown version")]
    NotAFile,
    /// The header is longer than [`FileHeader::MAX_LEN`], or not a message that carries a key.
    #[error("the header of the file is not one")]
    Malformed,
}

impl FileHeader {
    /// Length in bytes of what has to be read to learn how long the header is.
    pub const PREFIX_LEN: usize = MAGIC.len() + 4;

    /// Longest header in bytes, its prefix included.
    pub const MAX_LEN: usize = 64 * 1024;

    /// Makes a fresh key for one file and wraps it to the recipients of `encrypter`. The key must encrypt that one file
    /// and nothing else.
    ///
    /// # Errors
    ///
    /// As [`JweEncrypter::encrypt_json`]; [`JweError::TextTooLong`] when the recipients' key ids do not fit into
    /// [`Self::MAX_LEN`]; [`JweError::AssociatedData`] when the encrypter binds some.
    ///
    /// # Panics
    ///
    /// Never: the message is shorter than a header may be.
    pub fn create(encrypter: &JweEncrypter) -> Result<(Self, SecretKey), JweError> {
        let key = SecretKey::generate();
        let message = encrypter.encrypt_file_key(key.expose_secret())?;
        let length = u32::try_from(message.len()).expect("shorter than a header may be");
        let bytes = [MAGIC, length.to_be_bytes().as_slice(), message.as_bytes()].concat();
        Ok((Self { bytes }, key))
    }

    /// Reads the header from the start of a file; what follows it is not looked at.
    ///
    /// # Errors
    ///
    /// [`FileHeaderError::Incomplete`] says how many bytes to come back with; the others are final.
    ///
    /// # Panics
    ///
    /// Never: parts are taken at their lengths.
    pub fn read(start: &[u8]) -> Result<Self, FileHeaderError> {
        let known = start.len().min(MAGIC.len());
        if start[..known] != MAGIC[..known] {
            return Err(FileHeaderError::NotAFile);
        }
        let Some(length) = start.get(MAGIC.len()..Self::PREFIX_LEN) else {
            return Err(FileHeaderError::Incomplete {
                needed: Self::PREFIX_LEN,
            });
        };
        let length = u32::from_be_bytes(length.try_into().expect("four bytes were taken"));
        // Before anything is read or allocated by that length.
        let needed = usize::try_from(length)
            .ok()
            .and_then(|length| length.checked_add(Self::PREFIX_LEN))
            .filter(|needed| *needed <= Self::MAX_LEN)
            .ok_or(FileHeaderError::Malformed)?;
        let bytes = start.get(..needed).ok_or(FileHeaderError::Incomplete { needed })?;
        let header = Self { bytes: bytes.to_vec() };
        let message = header.message().ok_or(FileHeaderError::Malformed)?;
        match inspect(message) {
            Ok(found) if found.typ.as_deref() == Some(TYPE) && found.committed => Ok(header),
            _ => Err(FileHeaderError::Malformed),
        }
    }

    /// Unwraps the key of the file.
    ///
    /// # Errors
    ///
    /// [`JweError::Open`] for every cause.
    pub fn open(&self, decrypter: &JweDecrypter) -> Result<SecretKey, JweError> {
        let message = self.message().ok_or(JweError::Open)?;
        let key = decrypter.decrypt_file_key(message)?;
        let mut bytes: [u8; SecretKey::LEN] = key.expose_secret().try_into().map_err(|_| JweError::Open)?;
        let key = SecretKey::from_bytes(bytes);
        bytes.zeroize();
        Ok(key)
    }

    /// The header as it stands in front of the stream.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What the stream is to be bound to: this header, and whatever the application adds, such as a purpose. A stream
    /// moved behind another header, or opened for another purpose, does not open.
    ///
    /// SHA-256 over the header's length in eight bytes, the header, and `application`.
    pub fn context(&self, application: &[u8]) -> [u8; 32] {
        let length = (self.bytes.len() as u64).to_be_bytes();
        hash::sha256_with(Provider::default(), &[&length, &self.bytes, application])
    }

    fn message(&self) -> Option<&str> {
        std::str::from_utf8(self.bytes.get(Self::PREFIX_LEN..)?).ok()
    }
}
