//! Decrypting anywhere in a file.

use std::fmt;
use std::io::{self, Read, Seek, SeekFrom};

use zeroize::Zeroizing;

use super::chunk::{Chunks, SEALED_CHUNK_LEN, TAG_LEN};
use super::key::read_exact_or_truncated;
use super::{CHUNK_LEN, HEADER_LEN, MAX_CHUNKS, StreamError, message_len};

/// Reads the message of a stream in any order. Each chunk that is touched is read and checked by itself.
///
/// Header and last chunk are checked when it is made, so the length of the message is authentic from then on: a stream that
/// was cut off or extended gives no reader at all, and seeking relative to the end is safe. After a refusal every
/// further read is refused for the same cause.
///
/// Holds one chunk, wiped when dropped. Its reads of `R` are 16 KiB each; `R` needs no buffer.
pub struct SeekReader<R> {
    inner: R,
    chunks: Chunks,
    /// Where in `inner` chunk 0 begins.
    begin: u64,
    message_len: u64,
    /// Where in the message the next read begins; may be behind its end.
    position: u64,
    buffer: Zeroizing<Vec<u8>>,
    /// Which chunk is in the buffer, and how much plaintext it has.
    held: Option<(u64, usize)>,
    failed: Option<StreamError>,
}

impl<R: Read + Seek> SeekReader<R> {
    /// `inner` stands behind the header.
    pub(super) fn start(mut inner: R, chunks: Chunks) -> io::Result<Self> {
        let begin = inner.stream_position()?;
        let end = inner.seek(SeekFrom::End(0))?;
        let sealed = end.saturating_sub(begin);
        let Some(message_len) = message_len(sealed.saturating_add(HEADER_LEN as u64)) else {
            // No message has this length: between two chunks, or beyond all of them.
            let beyond = sealed / SEALED_CHUNK_LEN as u64 >= MAX_CHUNKS;
            return Err(if beyond {
                StreamError::TooLong
            } else {
                StreamError::Truncated
            }
            .into());
        };
        let mut reader = Self {
            inner,
            chunks,
            begin,
            message_len,
            position: 0,
            buffer: Zeroizing::new(vec![0; SEALED_CHUNK_LEN]),
            held: None,
            failed: None,
        };
        reader.hold(message_len / CHUNK_LEN as u64)?;
        Ok(reader)
    }

    /// Length of the message in bytes, authenticated.
    pub fn message_len(&self) -> u64 {
        self.message_len
    }

    /// Gives the reader back, at a position of no meaning.
    pub fn into_inner(self) -> R {
        self.inner
    }

    /// Reads and opens a chunk unless it is there, and returns the length of its plaintext.
    fn hold(&mut self, chunk: u64) -> io::Result<usize> {
        if let Some((held, len)) = self.held
            && held == chunk
        {
            return Ok(len);
        }
        self.held = None;
        // Every chunk but the last is full; `message_len` decides which one is the last.
        let rest = self.message_len - chunk * CHUNK_LEN as u64;
        let len = rest.min(CHUNK_LEN as u64) as usize;
        let sealed = &mut self.buffer[..len + TAG_LEN];
        self.inner
            .seek(SeekFrom::Start(self.begin + chunk * SEALED_CHUNK_LEN as u64))?;
        let opened = match read_exact_or_truncated(&mut self.inner, sealed) {
            Ok(()) => self.chunks.open(chunk, sealed),
            // It was longer when its end was checked.
            Err(error) => Err(StreamError::of(&error).ok_or(error)?),
        };
        let len = opened.inspect_err(|error| self.failed = Some(*error))?;
        self.held = Some((chunk, len));
        Ok(len)
    }
}

impl<R: Read + Seek> Read for SeekReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if let Some(error) = self.failed {
            return Err(error.into());
        }
        if self.position >= self.message_len {
            return Ok(0);
        }
        let len = self.hold(self.position / CHUNK_LEN as u64)?;
        let within = (self.position % CHUNK_LEN as u64) as usize;
        let len = (&self.buffer[within..len]).read(buffer)?;
        self.position += len as u64;
        Ok(len)
    }
}

impl<R: Read + Seek> Seek for SeekReader<R> {
    /// Moves in the message. Behind its end reads give nothing; before its beginning there is no place.
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.message_len.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = place.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

impl<R> fmt::Debug for SeekReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SeekReader")
            .field("message_len", &self.message_len)
            .field("position", &self.position)
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}
