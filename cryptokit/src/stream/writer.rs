//! Encrypting what is written.

use std::fmt;
use std::io::{self, Write};

use super::batch::Batch;
use super::chunk::{Chunks, SEALED_CHUNK_LEN};
use super::key::Start;
use super::{CHUNK_LEN, StreamError};

/// Chunks held before they are sealed and written together.
const BATCH_CHUNKS: usize = 4;

/// Encrypts what is written to it and writes that to `W`.
///
/// [`finish`](Self::finish) writes the last chunk. A stream dropped without it is cut off, and every reader refuses it:
/// so an upload that fails half way cannot be taken for a short one.
///
/// Holds 64 KiB, wiped when dropped. After `W` failed to write, every further call fails with [`StreamError::Broken`]; a
/// flush that failed may be repeated.
#[must_use = "without `finish` the stream is cut off"]
pub struct EncryptWriter<W: Write> {
    inner: W,
    chunks: Chunks,
    batch: Batch,
    /// Number of the batch's first chunk.
    next: u64,
    broken: bool,
}

impl<W: Write> EncryptWriter<W> {
    pub(super) fn start(mut inner: W, start: Start) -> io::Result<Self> {
        inner.write_all(&start.header)?;
        Ok(Self {
            inner,
            chunks: start.chunks,
            batch: Batch::new(BATCH_CHUNKS),
            next: 0,
            broken: false,
        })
    }

    /// Writes the last chunk, flushes, and gives `W` back.
    ///
    /// # Errors
    ///
    /// Those of `W`, [`StreamError::Broken`] after an earlier one, and [`StreamError::TooLong`]. The stream is then
    /// incomplete.
    pub fn finish(mut self) -> io::Result<W> {
        self.refuse_if_broken()?;
        let len = self.batch.seal_last(&self.chunks, self.next)?;
        self.inner.write_all(self.batch.sealed(len))?;
        self.inner.flush()?;
        Ok(self.inner)
    }

    /// Seals and writes the whole chunks that wait.
    fn write_waiting(&mut self) -> io::Result<()> {
        self.broken = true;
        let sealed = self.batch.seal_whole(&self.chunks, self.next)?;
        self.write_sealed(sealed)?;
        self.batch.clear_whole();
        Ok(())
    }

    /// Seals and writes whole chunks of `data`, where nothing waits, without copying them first.
    fn write_through(&mut self, data: &[u8]) -> io::Result<usize> {
        self.broken = true;
        let sealed = self.batch.seal_from_slice(&self.chunks, self.next, data)?;
        self.write_sealed(sealed)?;
        Ok(sealed * CHUNK_LEN)
    }

    /// Writes that many chunks. Until all is written the stream is broken: nobody knows how much of it was.
    fn write_sealed(&mut self, chunks: usize) -> io::Result<()> {
        self.inner.write_all(self.batch.sealed(chunks * SEALED_CHUNK_LEN))?;
        self.next += chunks as u64;
        self.broken = false;
        Ok(())
    }

    fn refuse_if_broken(&self) -> Result<(), StreamError> {
        if self.broken { Err(StreamError::Broken) } else { Ok(()) }
    }
}

impl<W: Write> Write for EncryptWriter<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.refuse_if_broken()?;
        if self.batch.is_full() {
            self.write_waiting()?;
        }
        if self.batch.filled() == 0 && data.len() >= CHUNK_LEN {
            return self.write_through(data);
        }
        Ok(self.batch.fill_from_slice(data))
    }

    /// Writes the whole chunks. What is shorter than a chunk waits for [`EncryptWriter::finish`] or for more.
    fn flush(&mut self) -> io::Result<()> {
        self.refuse_if_broken()?;
        self.write_waiting()?;
        self.inner.flush()
    }
}

impl<W: Write> fmt::Debug for EncryptWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncryptWriter")
            .field("next_chunk", &self.next)
            .field("broken", &self.broken)
            .finish_non_exhaustive()
    }
}
