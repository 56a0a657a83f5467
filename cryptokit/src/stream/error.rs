//! Why a stream was refused.

use std::io;

/// Why a stream was refused, or could not be written.
///
/// It travels as the inner error of an [`io::Error`] of the kind `InvalidData`; [`StreamError::of`] takes it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// Nobody made this stream with this key and context, or its header was altered, or it names a key that is not there.
    #[error("stream is not of this key and context, or its header was altered")]
    Key,
    /// A chunk's tag is wrong: altered, moved, cut off within, or from another stream.
    #[error("stream was altered at chunk {chunk}")]
    Altered {
        /// Counts from zero.
        chunk: u64,
    },
    /// The stream ends before its last chunk.
    #[error("stream was cut off")]
    Truncated,
    /// More than [`MAX_CHUNKS`](super::MAX_CHUNKS) chunks.
    #[error("stream is longer than any may be")]
    TooLong,
    /// An earlier write failed, and how much of it arrived is not known. The stream has to be written anew.
    #[error("an earlier write of this stream failed")]
    Broken,
}

impl StreamError {
    /// The cause inside an error of a reader or writer of this module, `None` where it came from the reader or writer
    /// underneath.
    pub fn of(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref().copied()
    }
}

impl From<StreamError> for io::Error {
    fn from(error: StreamError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_can_be_told_from_a_failing_disk() {
        let refused = io::Error::from(StreamError::Truncated);
        assert_eq!(StreamError::of(&refused), Some(StreamError::Truncated));
        assert_eq!(StreamError::of(&io::Error::other("disk on fire")), None);
        assert_eq!(StreamError::of(&io::ErrorKind::UnexpectedEof.into()), None);
    }
}
