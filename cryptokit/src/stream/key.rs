//! The key of a stream, and what is derived from it for each stream.

use std::fmt;
use std::io::{self, Read, Seek, Write};

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::chunk::{Chunks, NONCE_LEN};
use super::{DecryptReader, EncryptReader, EncryptWriter, HEADER_LEN, SeekReader, StreamError};
use crate::provider::{Hash, Provider};
use crate::random;
use crate::secret::SecretKey;

const SALT_LEN: usize = 24;
const COMMITMENT_LEN: usize = 32;
const LABEL: &[u8] = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0";

/// A Cobblestone-256 key. Every stream gets a key of its own, derived with a random salt of 24 bytes, so that
/// 2⁷⁷ streams of any length may be made under one.
///
/// `context` is what a stream is about: its purpose, its name, its owner. A stream opens in its own context only.
/// It may be empty. Where it has several parts, their lengths belong in it; a keyset's
/// [`AssociatedData`](crate::aead::AssociatedData) sees to that.
///
/// A key cannot be shown, copied or compared:
///
/// ```compile_fail,E0277
/// # use cryptokit::stream::StreamKey;
/// println!("{}", StreamKey::generate());
/// ```
pub struct StreamKey {
    pub(super) secret: SecretKey,
    provider: Provider,
}

impl StreamKey {
    /// Makes a key for the default provider.
    ///
    /// # Panics
    ///
    /// When the operating system's generator fails; see [`random::fill`].
    pub fn generate() -> Self {
        Self::new(SecretKey::generate())
    }

    /// Takes uniformly random bytes, such as the content key of an envelope, for the default provider.
    pub fn new(secret: SecretKey) -> Self {
        Self::new_with(Provider::default(), secret)
    }

    /// As [`Self::new`], for the given provider.
    pub fn new_with(provider: Provider, secret: SecretKey) -> Self {
        Self { secret, provider }
    }

    /// Writes the header to `inner` and takes the message from then on.
    ///
    /// # Errors
    ///
    /// Those of `inner`.
    ///
    /// # Panics
    ///
    /// When the operating system's generator fails; see [`random::fill`].
    pub fn encrypt_writer<W: Write>(&self, context: &[u8], inner: W) -> io::Result<EncryptWriter<W>> {
        EncryptWriter::start(inner, self.start(&[], context))
    }

    /// Reads the message from `inner` and gives the stream.
    ///
    /// # Panics
    ///
    /// When the operating system's generator fails; see [`random::fill`].
    pub fn encrypt_reader<R: Read>(&self, context: &[u8], inner: R) -> EncryptReader<R> {
        EncryptReader::start(inner, self.start(&[], context))
    }

    /// Reads the header from `inner`, checks it, and gives the message from then on.
    ///
    /// # Errors
    ///
    /// Those of `inner`; [`StreamError::Truncated`] before the end of the header; [`StreamError::Key`].
    pub fn decrypt_reader<R: Read>(&self, context: &[u8], mut inner: R) -> io::Result<DecryptReader<R>> {
        let chunks = self.read_header(context, &mut inner)?;
        Ok(DecryptReader::start(inner, chunks))
    }

    /// Reads the header at the position of `inner`, takes all that follows it for the stream, and checks header and last
    /// chunk.
    ///
    /// # Errors
    ///
    /// Those of `inner`; [`StreamError::Truncated`], [`StreamError::Key`], [`StreamError::Altered`] and
    /// [`StreamError::TooLong`]. A stream that was cut off is refused here, before anything is released.
    pub fn decrypt_seek<R: Read + Seek>(&self, context: &[u8], mut inner: R) -> io::Result<SeekReader<R>> {
        let chunks = self.read_header(context, &mut inner)?;
        SeekReader::start(inner, chunks)
    }

    /// A new stream. `prefix` goes in front of the header.
    pub(super) fn start(&self, prefix: &[u8], context: &[u8]) -> Start {
        self.start_with_salt(prefix, context, &random::bytes())
    }

    pub(super) fn start_with_salt(&self, prefix: &[u8], context: &[u8], salt: &[u8; SALT_LEN]) -> Start {
        let derived = self.derive(salt, context);
        Start {
            header: [prefix, salt, &derived.commitment].concat(),
            chunks: derived.chunks,
        }
    }

    pub(super) fn read_header(&self, context: &[u8], inner: &mut impl Read) -> io::Result<Chunks> {
        let mut header = [0; HEADER_LEN];
        read_exact_or_truncated(inner, &mut header)?;
        let (salt, commitment) = header.split_at(SALT_LEN);
        let derived = self.derive(salt.try_into().expect("split at its length"), context);
        if !bool::from(derived.commitment.ct_eq(commitment)) {
            return Err(StreamError::Key.into());
        }
        Ok(derived.chunks)
    }

    /// "Key derivation": key ‖ base nonce ‖ commitment = HKDF-Expand(input key, label ‖ salt ‖ context).
    pub(super) fn derive(&self, salt: &[u8; SALT_LEN], context: &[u8]) -> Derived {
        const NONCE_AT: usize = SecretKey::LEN;
        const COMMITMENT_AT: usize = NONCE_AT + NONCE_LEN;
        let backend = self.provider.backend();
        let mut okm = Zeroizing::new([0; COMMITMENT_AT + COMMITMENT_LEN]);
        backend.hkdf_expand(
            Hash::Sha512,
            self.secret.expose_secret(),
            &[LABEL, salt, context],
            okm.as_mut_slice(),
        );
        let key = backend.aes_gcm(&okm[..NONCE_AT]).expect("AES-256 takes 32 bytes");
        let base_nonce = okm[NONCE_AT..COMMITMENT_AT].try_into().expect("12 bytes");
        Derived {
            chunks: Chunks::new(key, base_nonce),
            commitment: okm[COMMITMENT_AT..].try_into().expect("32 bytes"),
        }
    }
}

impl fmt::Debug for StreamKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StreamKey([redacted])")
    }
}

/// A stream about to be written.
pub(super) struct Start {
    pub(super) header: Vec<u8>,
    pub(super) chunks: Chunks,
}

pub(super) struct Derived {
    pub(super) chunks: Chunks,
    pub(super) commitment: [u8; COMMITMENT_LEN],
}

pub(super) fn read_exact_or_truncated(inner: &mut impl Read, buffer: &mut [u8]) -> io::Result<()> {
    inner.read_exact(buffer).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => StreamError::Truncated.into(),
        _ => error,
    })
}
