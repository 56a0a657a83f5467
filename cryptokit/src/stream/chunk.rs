//! One chunk: its nonce, its seal, its opening.

use zeroize::Zeroize;

use super::{CHUNK_LEN, MAX_CHUNKS, StreamError};
use crate::provider::AeadKey;

pub(super) const TAG_LEN: usize = 16;
pub(super) const SEALED_CHUNK_LEN: usize = CHUNK_LEN + TAG_LEN;
pub(super) const NONCE_LEN: usize = 12;

/// Seals and opens the chunks of one stream.
pub(super) struct Chunks {
    key: Box<dyn AeadKey>,
    base_nonce: [u8; NONCE_LEN],
}

impl Chunks {
    pub(super) fn new(key: Box<dyn AeadKey>, base_nonce: [u8; NONCE_LEN]) -> Self {
        Self { key, base_nonce }
    }

    /// Seals plaintext in place; the last 16 bytes of `chunk` are room for the tag.
    pub(super) fn seal(&self, index: u64, chunk: &mut [u8]) -> Result<(), StreamError> {
        let nonce = self.nonce(index)?;
        let (plaintext, tag) = chunk.split_at_mut(chunk.len() - TAG_LEN);
        // The associated data is empty ("AEAD usage"); the context is bound by the key.
        let sealed = self.key.seal(nonce, &[], plaintext);
        tag.copy_from_slice(&sealed.expect("16 KiB are within the bounds of GCM"));
        Ok(())
    }

    /// Seals `plaintext` into `chunk`, which is longer by a tag.
    pub(super) fn seal_into(&self, index: u64, plaintext: &[u8], chunk: &mut [u8]) -> Result<(), StreamError> {
        let nonce = self.nonce(index)?;
        let (ciphertext, tag) = chunk.split_at_mut(plaintext.len());
        let sealed = self.key.seal_into(nonce, &[], plaintext, ciphertext);
        tag.copy_from_slice(&sealed.expect("16 KiB are within the bounds of GCM"));
        Ok(())
    }

    /// Opens a chunk in place and returns the length of its plaintext. On failure the chunk is wiped.
    pub(super) fn open(&self, index: u64, chunk: &mut [u8]) -> Result<usize, StreamError> {
        let nonce = self.nonce(index)?;
        let Some(len) = chunk.len().checked_sub(TAG_LEN) else {
            return Err(StreamError::Truncated);
        };
        let (ciphertext, tag) = chunk.split_at_mut(len);
        let tag = (&*tag).try_into().expect("split at its length");
        if self.key.open(nonce, &[], ciphertext, tag).is_err() {
            // A backend may leave unauthenticated plaintext behind.
            ciphertext.zeroize();
            return Err(StreamError::Altered { chunk: index });
        }
        Ok(len)
    }

    /// "The final 5 bytes of the base nonce are XOR'd with the chunk number as a big-endian 38-bit integer."
    fn nonce(&self, index: u64) -> Result<[u8; NONCE_LEN], StreamError> {
        if index >= MAX_CHUNKS {
            return Err(StreamError::TooLong);
        }
        let mut nonce = self.base_nonce;
        for (byte, counter) in nonce[NONCE_LEN - 8..].iter_mut().zip(index.to_be_bytes()) {
            *byte ^= counter;
        }
        Ok(nonce)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Provider;

    fn chunks(provider: Provider) -> Chunks {
        Chunks::new(provider.backend().aes_gcm(&[7; 32]).unwrap(), [0xf0; NONCE_LEN])
    }

    #[test]
    fn the_counter_is_at_the_end_and_stops_at_2_to_the_38() {
        let chunks = chunks(Provider::default());
        assert_eq!(chunks.nonce(0), Ok([0xf0; 12]));
        let of = |last: [u8; 5]| {
            let mut nonce = [0xf0; 12];
            nonce[7..].copy_from_slice(&last);
            Ok(nonce)
        };
        assert_eq!(chunks.nonce(0x0102), of([0xf0, 0xf0, 0xf0, 0xf1, 0xf2]));
        assert_eq!(chunks.nonce(1 << 32), of([0xf1, 0xf0, 0xf0, 0xf0, 0xf0]));
        assert_eq!(chunks.nonce(MAX_CHUNKS - 1), of([0xcf, 0x0f, 0x0f, 0x0f, 0x0f]));
        for index in [MAX_CHUNKS, MAX_CHUNKS + 1, u64::MAX] {
            assert_eq!(chunks.nonce(index), Err(StreamError::TooLong));
            assert_eq!(chunks.seal(index, &mut [0; 17]), Err(StreamError::TooLong));
            assert_eq!(chunks.open(index, &mut [0; 17]), Err(StreamError::TooLong));
        }
    }

    #[test]
    fn a_chunk_opens_at_its_place_only_and_is_wiped_elsewhere() {
        for provider in Provider::all() {
            let chunks = chunks(provider);
            let mut chunk = *b"plaintext and room for the tag..";
            chunks.seal(3, &mut chunk).unwrap();
            let mut from_elsewhere = [0; 32];
            chunks.seal_into(3, b"plaintext and ro", &mut from_elsewhere).unwrap();
            assert_eq!(from_elsewhere, chunk, "{provider:?}");
            let mut elsewhere = chunk;
            assert_eq!(
                chunks.open(4, &mut elsewhere),
                Err(StreamError::Altered { chunk: 4 }),
                "{provider:?}"
            );
            assert_eq!(elsewhere[..16], [0; 16], "{provider:?}");
            assert_eq!(chunks.open(3, &mut chunk), Ok(16), "{provider:?}");
            assert_eq!(&chunk[..16], b"plaintext and ro");
        }
    }
}
