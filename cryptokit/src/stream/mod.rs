//! Encryption of streams and files: Cobblestone-256, that is C2SP chunked encryption with AES-256-GCM and
//! HKDF-Expand-SHA-512 (<https://c2sp.org/chunked-encryption>).
//!
//! A stream is
//!
//! ```text
//! salt (24 bytes) ‖ commitment (32 bytes) ‖ chunk 0 ‖ chunk 1 ‖ … ‖ last chunk
//! ```
//!
//! where each chunk holds 16 KiB of the message and a tag of 16 bytes, and the last one holds less than 16 KiB, perhaps
//! nothing. A stream that does not end in such a chunk has been cut off and is refused. Chunks cannot be
//! reordered, repeated, left out or added, and no byte of a message is released before the tag of its chunk has
//! been checked. The commitment is to the key: no stream opens under two keys, unlike a message of [`crate::aead`].
//!
//! | to | use |
//! | --- | --- |
//! | encrypt what is written | [`EncryptWriter`] |
//! | encrypt what is read | [`EncryptReader`] |
//! | decrypt from front to back | [`DecryptReader`] |
//! | decrypt anywhere in a file | [`SeekReader`] |
//! | encrypt or decrypt all of it, on several cores | [`StreamKey::encrypt`], [`StreamKey::decrypt`] |
//!
//! They take any [`Read`](std::io::Read), [`Write`](std::io::Write) and [`Seek`](std::io::Seek), hold a few chunks each
//! however long the message is, and open no file themselves. Reading from front to back releases a chunk
//! when that chunk is good; only the end says that there is no more. Whoever acts on a message as a whole must
//! wait for the end, and discard what came before an error.
//!
//! A [`StreamKey`] makes and reads the bare format, which other implementations share. A [`Keyset`] of them puts nine
//! bytes in front that name the key, so that keys can be rotated; see [`Keyset::encrypt_writer`].
//!
//! ```
//! use std::io::{Read, Write};
//!
//! use cryptokit::aead::AssociatedData;
//! use cryptokit::keyset::Keyset;
//! use cryptokit::stream::StreamKey;
//!
//! let keyset = Keyset::new("backups", StreamKey::generate());
//! let about = AssociatedData::new("backup").with(b"2026-11-22");
//!
//! let mut writer = keyset.encrypt_writer(&about, Vec::new())?;
//! writer.write_all(b"all that we know")?;
//! let sealed = writer.finish()?; // without it, what was written cannot be read
//!
//! let mut message = Vec::new();
//! keyset.decrypt_reader(&about, sealed.as_slice())?.read_to_end(&mut message)?;
//! assert_eq!(message, b"all that we know");
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! Context, like associated data elsewhere, cannot be forgotten:
//!
//! ```compile_fail,E0061
//! # use cryptokit::stream::StreamKey;
//! let writer = StreamKey::generate().encrypt_writer(Vec::new());
//! ```
//!
//! [`Keyset`]: crate::keyset::Keyset
//! [`Keyset::encrypt_writer`]: crate::keyset::Keyset::encrypt_writer

mod batch;
mod chunk;
#[cfg(test)]
mod commitment;
mod encrypt_reader;
mod error;
mod key;
mod keyset;
mod reader;
mod seek;
#[cfg(test)]
mod vectors;
mod whole;
mod writer;

pub use self::encrypt_reader::EncryptReader;
pub use self::error::StreamError;
pub use self::key::StreamKey;
pub use self::keyset::KEYSET_HEADER_LEN;
pub use self::reader::DecryptReader;
pub use self::seek::SeekReader;
pub use self::whole::MAX_WORKERS;
pub use self::writer::EncryptWriter;

use self::chunk::{SEALED_CHUNK_LEN, TAG_LEN};

/// Bytes of the message in each chunk but the last, which has fewer.
pub const CHUNK_LEN: usize = 16 << 10;

/// Bytes in front of the first chunk: salt and commitment.
pub const HEADER_LEN: usize = 24 + 32;

/// Chunks in one stream: 2³⁸, which is 4 PiB.
pub const MAX_CHUNKS: u64 = 1 << 38;

/// Longest message in bytes: one less than 4 PiB, since the last chunk is not full.
pub const MAX_MESSAGE_LEN: u64 = MAX_CHUNKS * CHUNK_LEN as u64 - 1;

/// Length of the stream that a message of `message_len` bytes becomes, in bytes; `None` above [`MAX_MESSAGE_LEN`].
pub const fn sealed_len(message_len: u64) -> Option<u64> {
    if message_len > MAX_MESSAGE_LEN {
        return None;
    }
    let chunks = message_len / CHUNK_LEN as u64 + 1;
    Some(HEADER_LEN as u64 + message_len + chunks * TAG_LEN as u64)
}

/// Length of the message in a stream of `sealed_len` bytes, header included; `None` where no stream has that length.
///
/// The length of a stream that nobody has authenticated says nothing: see [`SeekReader::message_len`].
pub const fn message_len(sealed_len: u64) -> Option<u64> {
    let Some(chunks) = sealed_len.checked_sub(HEADER_LEN as u64) else {
        return None;
    };
    let full = chunks / SEALED_CHUNK_LEN as u64;
    let Some(rest) = (chunks % SEALED_CHUNK_LEN as u64).checked_sub(TAG_LEN as u64) else {
        return None;
    };
    if full < MAX_CHUNKS {
        Some(full * CHUNK_LEN as u64 + rest)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_of_the_specification() {
        let chunk = CHUNK_LEN as u64;
        for (message, sealed) in [
            (0, 72),
            (1, 73),
            (chunk - 1, 56 + chunk + 15),
            (chunk, 56 + 16_400 + 16),
            (chunk + 1, 56 + 16_400 + 17),
            (MAX_MESSAGE_LEN, 56 + MAX_CHUNKS * 16_400 - 1),
        ] {
            assert_eq!(sealed_len(message), Some(sealed));
            assert_eq!(message_len(sealed), Some(message));
        }
        assert_eq!(sealed_len(MAX_MESSAGE_LEN + 1), None);
        assert_eq!(sealed_len(u64::MAX), None);
    }

    #[test]
    fn no_message_has_a_length_between_two_chunks() {
        for sealed in [
            0,
            23,
            55,
            56,
            71,
            56 + 16_400,
            56 + 16_400 + 15,
            56 + MAX_CHUNKS * 16_400,
        ] {
            assert_eq!(message_len(sealed), None, "{sealed}");
        }
        assert_eq!(message_len(u64::MAX), None);
    }
}
