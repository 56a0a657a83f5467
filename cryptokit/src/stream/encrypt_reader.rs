//! Encrypting what is read.

use std::fmt;
use std::io::{self, Read};
use std::ops::Range;

use super::StreamError;
use super::batch::Batch;
use super::chunk::{Chunks, SEALED_CHUNK_LEN};
use super::key::Start;

/// Chunks read and sealed together.
const BATCH_CHUNKS: usize = 4;

/// Reads a message from `R` and gives the stream that it becomes, for whoever wants to read one: the body of a request,
/// say.
///
/// Holds 64 KiB, wiped when dropped. After an error of `R` reading may go on where it was.
pub struct EncryptReader<R> {
    inner: R,
    chunks: Chunks,
    header: Vec<u8>,
    header_sent: usize,
    batch: Batch,
    /// What of the sealed batch is still to be given.
    sealed: Range<usize>,
    /// Number of the batch's first chunk.
    next: u64,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Open,
    /// The last chunk is sealed.
    Ended,
    Failed(StreamError),
}

impl<R: Read> EncryptReader<R> {
    pub(super) fn start(inner: R, start: Start) -> Self {
        Self {
            inner,
            chunks: start.chunks,
            header: start.header,
            header_sent: 0,
            batch: Batch::new(BATCH_CHUNKS),
            sealed: 0..0,
            next: 0,
            state: State::Open,
        }
    }

    /// Gives the reader back. It has been read further than the stream has been given.
    pub fn into_inner(self) -> R {
        self.inner
    }

    fn seal_more(&mut self) -> io::Result<()> {
        if self.batch.is_full() {
            self.batch.clear_whole();
        }
        let sealed = if self.batch.fill_from_reader(&mut self.inner)? {
            let chunks = self.batch.seal_whole(&self.chunks, self.next);
            chunks.map(|chunks| {
                self.next += chunks as u64;
                chunks * SEALED_CHUNK_LEN
            })
        } else {
            self.state = State::Ended;
            self.batch.seal_last(&self.chunks, self.next)
        };
        let len = sealed.inspect_err(|error| self.state = State::Failed(*error))?;
        self.sealed = 0..len;
        Ok(())
    }
}

impl<R: Read> Read for EncryptReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.header_sent < self.header.len() {
            let len = (&self.header[self.header_sent..]).read(buffer)?;
            self.header_sent += len;
            return Ok(len);
        }
        if self.sealed.is_empty() {
            match self.state {
                State::Open => self.seal_more()?,
                State::Ended => return Ok(0),
                State::Failed(error) => return Err(error.into()),
            }
        }
        let len = (&self.batch.sealed(self.sealed.end)[self.sealed.start..]).read(buffer)?;
        self.sealed.start += len;
        Ok(len)
    }
}

impl<R> fmt::Debug for EncryptReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncryptReader")
            .field("next_chunk", &self.next)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}
