//! Streams under a keyset: which key it is stands in front, authenticated.

use std::io::{self, Read, Seek, Write};

use super::key::{Start, read_exact_or_truncated};
use super::whole;
use super::{DecryptReader, EncryptReader, EncryptWriter, SeekReader, StreamError, StreamKey};
use crate::aead::AssociatedData;
use crate::keyset::{InvalidMaterial, KeyId, KeyMaterial, Keyset};
use crate::provider::Provider;
use crate::secret::{SecretBytes, SecretKey};

/// Bytes that a keyset puts in front of a stream: version (1 byte, 0x02) and key id (8 bytes).
///
/// A sealed message of [`crate::aead`] begins with 0x01, so the two cannot be taken for each other.
pub const KEYSET_HEADER_LEN: usize = 1 + KeyId::LEN;

const VERSION: u8 = 2;
/// There is no registered name; the specification's own.
const ALGORITHM: &str = "Cobblestone-256";

impl KeyMaterial for StreamKey {
    const PURPOSE: &'static str = "stream";

    fn algorithm(&self) -> &'static str {
        ALGORITHM
    }

    fn to_bytes(&self) -> SecretBytes {
        SecretBytes::new(self.secret.expose_secret().to_vec())
    }

    fn from_bytes(algorithm: &str, bytes: SecretBytes) -> Result<Self, InvalidMaterial> {
        if algorithm != ALGORITHM {
            return Err(InvalidMaterial);
        }
        let key: &[u8; SecretKey::LEN] = bytes.expose_secret().try_into().map_err(|_| InvalidMaterial)?;
        Ok(Self::new_with(Provider::default(), SecretKey::from_bytes(*key)))
    }
}

/// As with a [`StreamKey`] alone, but the primary key seals, whatever its usage period (see [`Keyset::primary`]), and the
/// key that the stream names opens. Each stream is bound to its associated data and to the name of its key.
impl Keyset<StreamKey> {
    /// As [`StreamKey::encrypt_writer`], under the primary key.
    ///
    /// # Errors
    ///
    /// Those of `inner`.
    pub fn encrypt_writer<W: Write>(&self, about: &AssociatedData, inner: W) -> io::Result<EncryptWriter<W>> {
        EncryptWriter::start(inner, self.start(about))
    }

    /// As [`StreamKey::encrypt_reader`], under the primary key.
    pub fn encrypt_reader<R: Read>(&self, about: &AssociatedData, inner: R) -> EncryptReader<R> {
        EncryptReader::start(inner, self.start(about))
    }

    /// As [`StreamKey::decrypt_reader`], under the key that the stream names.
    ///
    /// # Errors
    ///
    /// As there; [`StreamError::Key`] also for an unknown version and for a key that is unknown or revoked.
    pub fn decrypt_reader<R: Read>(&self, about: &AssociatedData, mut inner: R) -> io::Result<DecryptReader<R>> {
        let (key, context) = self.read_prefix(about, &mut inner)?;
        key.decrypt_reader(&context, inner)
    }

    /// As [`StreamKey::decrypt_seek`], under the key that the stream names.
    ///
    /// # Errors
    ///
    /// As there; [`StreamError::Key`] also for an unknown version and for a key that is unknown or revoked.
    pub fn decrypt_seek<R: Read + Seek>(&self, about: &AssociatedData, mut inner: R) -> io::Result<SeekReader<R>> {
        let (key, context) = self.read_prefix(about, &mut inner)?;
        key.decrypt_seek(&context, inner)
    }

    /// As [`StreamKey::encrypt`], under the primary key.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn encrypt<R: Read + Send, W: Write>(
        &self,
        about: &AssociatedData,
        reader: R,
        writer: W,
        workers: usize,
    ) -> io::Result<u64> {
        whole::encrypt(self.start(about), reader, writer, workers)
    }

    /// As [`StreamKey::decrypt`], under the key that the stream names.
    ///
    /// # Errors
    ///
    /// As there; [`StreamError::Key`] also for an unknown version and for a key that is unknown or revoked.
    pub fn decrypt<R: Read + Send, W: Write>(
        &self,
        about: &AssociatedData,
        mut reader: R,
        writer: W,
        workers: usize,
    ) -> io::Result<u64> {
        let (key, context) = self.read_prefix(about, &mut reader)?;
        key.decrypt(&context, reader, writer, workers)
    }

    fn start(&self, about: &AssociatedData) -> Start {
        let (id, primary) = self.primary();
        let mut prefix = [VERSION; KEYSET_HEADER_LEN];
        prefix[1..].copy_from_slice(id.as_bytes());
        primary.start(&prefix, &context(&prefix, about))
    }

    fn read_prefix(&self, about: &AssociatedData, inner: &mut impl Read) -> io::Result<(&StreamKey, Vec<u8>)> {
        let mut prefix = [0; KEYSET_HEADER_LEN];
        read_exact_or_truncated(inner, &mut prefix)?;
        let [version, id @ ..] = prefix;
        let key = self.get(KeyId::from_bytes(id)).filter(|_| version == VERSION);
        Ok((key.ok_or(StreamError::Key)?, context(&prefix, about)))
    }
}

/// What is in front has a fixed length, so this is unambiguous.
fn context(prefix: &[u8; KEYSET_HEADER_LEN], about: &AssociatedData) -> Vec<u8> {
    [prefix, about.as_bytes()].concat()
}
