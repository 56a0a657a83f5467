//! Decrypting from front to back.

use std::fmt;
use std::io::{self, BufRead, Read};
use std::ops::Range;

use zeroize::Zeroizing;

use super::StreamError;
use super::chunk::{Chunks, SEALED_CHUNK_LEN, TAG_LEN};

/// Chunks read together.
const BATCH_CHUNKS: usize = 4;

/// Reads a stream from `R` and gives the message.
///
/// A chunk is given when its tag has been checked, never before. The end (a read of 0 bytes) is given when the last
/// chunk has been checked and nothing follows it. After a refusal every further read is refused for the same cause; what was
/// given before it is a true beginning of the message and no more than that.
///
/// Holds 64 KiB, wiped when dropped, and reads as much ahead. As a [`BufRead`] it copies nothing. After an error of `R`
/// itself reading may go on where it was.
pub struct DecryptReader<R> {
    inner: R,
    chunks: Chunks,
    /// Chunks at multiples of their length: opened and given up to `plain`, sealed from `start` to `end`.
    buffer: Zeroizing<Vec<u8>>,
    plain: Range<usize>,
    start: usize,
    end: usize,
    inner_ended: bool,
    /// Number of the chunk at `start`.
    next: u64,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Open,
    /// The last chunk has been opened.
    Ended,
    Failed(StreamError),
}

impl<R: Read> DecryptReader<R> {
    pub(super) fn start(inner: R, chunks: Chunks) -> Self {
        Self {
            inner,
            chunks,
            buffer: Zeroizing::new(vec![0; BATCH_CHUNKS * SEALED_CHUNK_LEN]),
            plain: 0..0,
            start: 0,
            end: 0,
            inner_ended: false,
            next: 0,
            state: State::Open,
        }
    }

    /// Gives the reader back. It has been read further than the message has been given.
    pub fn into_inner(self) -> R {
        self.inner
    }

    /// Opens the chunk at `start`.
    fn open_next(&mut self) -> io::Result<()> {
        if self.start == self.buffer.len() {
            (self.start, self.end) = (0, 0);
        }
        // A chunk is the last one if it is short, so no chunk is opened before it is here or `inner` has ended.
        while !self.inner_ended && self.end < self.start + SEALED_CHUNK_LEN {
            match self.inner.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.inner_ended = true,
                Ok(len) => self.end += len,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let len = SEALED_CHUNK_LEN.min(self.end - self.start);
        let opened = if len < TAG_LEN {
            Err(StreamError::Truncated)
        } else {
            self.chunks
                .open(self.next, &mut self.buffer[self.start..self.start + len])
        };
        match opened {
            Ok(plain) => {
                self.plain = self.start..self.start + plain;
                self.start += len;
                self.next += 1;
                if len < SEALED_CHUNK_LEN {
                    self.state = State::Ended;
                }
                Ok(())
            }
            Err(error) => {
                self.state = State::Failed(error);
                Err(error.into())
            }
        }
    }
}

impl<R: Read> BufRead for DecryptReader<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.plain.is_empty() {
            match self.state {
                State::Open => self.open_next()?,
                State::Ended => {}
                State::Failed(error) => return Err(error.into()),
            }
        }
        Ok(&self.buffer[self.plain.clone()])
    }

    fn consume(&mut self, amount: usize) {
        self.plain.start = self.plain.end.min(self.plain.start.saturating_add(amount));
    }
}

impl<R: Read> Read for DecryptReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let len = self.fill_buf()?.read(buffer)?;
        self.consume(len);
        Ok(len)
    }
}

impl<R> fmt::Debug for DecryptReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecryptReader")
            .field("next_chunk", &self.next)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}
