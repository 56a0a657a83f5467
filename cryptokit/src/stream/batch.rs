//! Plaintext gathered where it will be sealed: chunk after chunk, each with room for its tag.

use std::io::{self, Read};

use zeroize::Zeroizing;

use super::chunk::{Chunks, SEALED_CHUNK_LEN, TAG_LEN};
use super::{CHUNK_LEN, StreamError};

/// A few chunks. Filled, sealed in place, sent away, filled again.
pub(super) struct Batch {
    bytes: Zeroizing<Vec<u8>>,
    chunks: usize,
    /// Bytes of plaintext in it.
    filled: usize,
}

impl Batch {
    pub(super) fn new(chunks: usize) -> Self {
        Self {
            // One more tag: a message that ends with a full chunk ends with an empty one after it.
            bytes: Zeroizing::new(vec![0; chunks * SEALED_CHUNK_LEN + TAG_LEN]),
            chunks,
            filled: 0,
        }
    }

    pub(super) fn filled(&self) -> usize {
        self.filled
    }

    pub(super) fn is_full(&self) -> bool {
        self.filled == self.chunks * CHUNK_LEN
    }

    /// Copies what fits and says how much that was.
    pub(super) fn fill_from_slice(&mut self, mut data: &[u8]) -> usize {
        let before = self.filled;
        while !data.is_empty() && !self.is_full() {
            let room = self.room();
            let len = room.len().min(data.len());
            room[..len].copy_from_slice(&data[..len]);
            self.filled += len;
            data = &data[len..];
        }
        self.filled - before
    }

    /// Reads until the batch is full (`true`) or `inner` has ended (`false`).
    pub(super) fn fill_from_reader(&mut self, inner: &mut impl Read) -> io::Result<bool> {
        while !self.is_full() {
            match inner.read(self.room()) {
                Ok(0) => return Ok(false),
                Ok(len) => self.filled += len,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Seals the whole chunks, the first of which is number `first`, and says how many they are.
    pub(super) fn seal_whole(&mut self, chunks: &Chunks, first: u64) -> Result<usize, StreamError> {
        let whole = self.filled / CHUNK_LEN;
        for (index, chunk) in (first..).zip(self.bytes.chunks_exact_mut(SEALED_CHUNK_LEN).take(whole)) {
            chunks.seal(index, chunk)?;
        }
        Ok(whole)
    }

    /// Seals whole chunks straight from `data` into the empty batch, as many as both have, and says how many they are.
    pub(super) fn seal_from_slice(&mut self, chunks: &Chunks, first: u64, data: &[u8]) -> Result<usize, StreamError> {
        let rooms = self.bytes.chunks_exact_mut(SEALED_CHUNK_LEN);
        let mut sealed = 0;
        for ((index, plaintext), room) in (first..).zip(data.chunks_exact(CHUNK_LEN)).zip(rooms) {
            chunks.seal_into(index, plaintext, room)?;
            sealed += 1;
        }
        Ok(sealed)
    }

    /// Seals all there is as the end of the stream and returns the length of the result.
    pub(super) fn seal_last(&mut self, chunks: &Chunks, first: u64) -> Result<usize, StreamError> {
        let whole = self.seal_whole(chunks, first)?;
        let start = whole * SEALED_CHUNK_LEN;
        let end = start + self.filled % CHUNK_LEN + TAG_LEN;
        chunks.seal(first + whole as u64, &mut self.bytes[start..end])?;
        Ok(end)
    }

    /// The first `len` bytes as they are: sealed, after one of the two above.
    pub(super) fn sealed(&self, len: usize) -> &[u8] {
        &self.bytes[..len]
    }

    /// Makes room again; what is behind the whole chunks moves to the front.
    pub(super) fn clear_whole(&mut self) {
        let rest = self.filled % CHUNK_LEN;
        let start = self.filled / CHUNK_LEN * SEALED_CHUNK_LEN;
        self.bytes.copy_within(start..start + rest, 0);
        self.filled = rest;
    }

    /// Forgets all there is.
    pub(super) fn clear(&mut self) {
        self.filled = 0;
    }

    /// What is left of the chunk being filled.
    fn room(&mut self) -> &mut [u8] {
        let within = self.filled % CHUNK_LEN;
        let chunk = self.filled / CHUNK_LEN * SEALED_CHUNK_LEN;
        &mut self.bytes[chunk + within..chunk + CHUNK_LEN]
    }
}
