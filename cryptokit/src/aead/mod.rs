//! AES-GCM (NIST SP 800-38D) under a keyset, with associated data that cannot be left out.
//!
//! A sealed message is
//!
//! ```text
//! version (1 byte, 0x01) ‖ key id (8 bytes) ‖ nonce (12 bytes) ‖ ciphertext ‖ tag (16 bytes)
//! ```
//!
//! Version and key id are authenticated. The nonce is 96 random bits and never an argument, so that it cannot be
//! reused by mistake; [`hazmat`] is for those whose protocol prescribes it. A GCM nonce does not stop replay; what a
//! message may be used for belongs in its [`AssociatedData`]:
//!
//! ```
//! use cryptokit::aead::{AeadKey, AssociatedData};
//! use cryptokit::keyset::Keyset;
//!
//! let keyset = Keyset::new("orders", AeadKey::generate());
//! let row = AssociatedData::new("orders.note").with(b"4711");
//! let sealed = keyset.seal(b"ring twice", &row)?;
//! assert_eq!(keyset.open(&sealed, &row)?.expose_secret(), b"ring twice");
//! assert!(keyset.open(&sealed, &AssociatedData::new("orders.note").with(b"4712")).is_err());
//! # Ok::<(), cryptokit::aead::AeadError>(())
//! ```
//!
//! It cannot be forgotten, nor can a nonce be given:
//!
//! ```compile_fail,E0061
//! # use cryptokit::{aead::AeadKey, keyset::Keyset};
//! let sealed = Keyset::new("orders", AeadKey::generate()).seal(b"ring twice");
//! ```
//!
//! ```compile_fail,E0061
//! # use cryptokit::{aead::{AeadKey, AssociatedData}, keyset::Keyset};
//! let keyset = Keyset::new("orders", AeadKey::generate());
//! let sealed = keyset.seal(b"ring twice", &AssociatedData::new("orders.note"), [0; 12]);
//! ```
//!
//! Keys have 256 bits unless a peer can do no more than 192 or 128 ([`AesKeySize`]). AES-GCM does not commit to its key;
//! see [`hazmat`]. What does not fit in memory, or must commit, is for [`crate::stream`].

mod associated_data;
pub mod hazmat;
mod key;

use std::mem;

use zeroize::Zeroize;

pub use self::associated_data::AssociatedData;
pub use self::key::{AeadKey, AesKeySize, InvalidKeySize};
use crate::keyset::{KeyId, Keyset};
use crate::random;
use crate::secret::SecretBytes;

/// Bytes that sealing adds to a message.
pub const OVERHEAD: usize = HEADER_LEN + NONCE_LEN + TAG_LEN;

/// Longest message in bytes: 64 MiB. GCM's own bound is 2³⁶ − 32 bytes, but opening needs the whole message in
/// memory before the first byte may be released.
pub const MAX_MESSAGE_LEN: usize = 64 << 20;

/// Messages one key may seal: 2³², the bound of SP 800-38D §8.3 for random 96-bit nonces.
///
/// The count is kept per loaded key. A process that seals close to this many messages in its life should rotate.
pub const MAX_MESSAGES_PER_KEY: u64 = 1 << 32;

const VERSION: u8 = 1;
const HEADER_LEN: usize = 1 + KeyId::LEN;
const NONCE_LEN: usize = 12;
const TAG_LEN: usize = 16;

/// Why sealing or opening failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AeadError {
    /// The message is longer than [`MAX_MESSAGE_LEN`].
    #[error("message of {len} bytes; at most {MAX_MESSAGE_LEN} are sealed")]
    MessageTooLong {
        /// The length given, in bytes.
        len: usize,
    },
    /// The primary key has sealed [`MAX_MESSAGES_PER_KEY`] messages.
    #[error("the primary key has sealed as many messages as it may; rotate it")]
    KeyExhausted,
    /// The message cannot be opened. Whether key, associated data or bytes are wrong is not said.
    #[error("sealed message does not open")]
    Open,
}

impl Keyset<AeadKey> {
    /// Seals `plaintext` under the primary key, whatever its usage period: see [`Keyset::primary`]. One allocation of the
    /// output's size; O(n).
    ///
    /// # Errors
    ///
    /// [`AeadError::MessageTooLong`] and [`AeadError::KeyExhausted`].
    pub fn seal(&self, plaintext: &[u8], associated_data: &AssociatedData) -> Result<Vec<u8>, AeadError> {
        if plaintext.len() > MAX_MESSAGE_LEN {
            return Err(AeadError::MessageTooLong { len: plaintext.len() });
        }
        let (id, primary) = self.primary();
        primary.count_message()?;
        let nonce: [u8; NONCE_LEN] = random::bytes();

        let mut header = [VERSION; HEADER_LEN];
        header[1..].copy_from_slice(id.as_bytes());
        let mut room = Bound::room();
        let bound = bind(&header, associated_data, &mut room);
        let mut sealed = Vec::with_capacity(plaintext.len() + OVERHEAD);
        sealed.extend_from_slice(&header);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plaintext);
        let tag = primary
            .key
            .seal(nonce, bound, &mut sealed[HEADER_LEN + NONCE_LEN..])
            .map_err(|_| AeadError::KeyExhausted)?;
        sealed.extend_from_slice(&tag);
        Ok(sealed)
    }

    /// Opens a message sealed under any key of the set that is not revoked.
    ///
    /// # Errors
    ///
    /// [`AeadError::Open`] for every cause: too short, unknown version or key, revoked key, other associated data,
    /// altered bytes. No plaintext is released before its tag is checked.
    ///
    /// # Panics
    ///
    /// Never: the parts are split at their lengths.
    pub fn open(&self, sealed: &[u8], associated_data: &AssociatedData) -> Result<SecretBytes, AeadError> {
        if sealed.len() < OVERHEAD || sealed.len() > MAX_MESSAGE_LEN + OVERHEAD || sealed[0] != VERSION {
            return Err(AeadError::Open);
        }
        let (header, rest) = sealed.split_first_chunk().ok_or(AeadError::Open)?;
        let (nonce, rest) = rest.split_at(NONCE_LEN);
        let (ciphertext, tag) = rest.split_at(rest.len() - TAG_LEN);
        let id = KeyId::from_bytes(header[1..].try_into().expect("the header holds a key id"));
        let key = self.get(id).ok_or(AeadError::Open)?;

        let mut buffer = ciphertext.to_vec();
        let opened = key.key.open(
            nonce.try_into().expect("split at its length"),
            bind(header, associated_data, &mut Bound::room()),
            &mut buffer,
            tag.try_into().expect("split at its length"),
        );
        if opened.is_err() {
            // A backend may leave unauthenticated plaintext behind.
            mem::take(&mut buffer).zeroize();
            return Err(AeadError::Open);
        }
        Ok(SecretBytes::new(buffer))
    }

    /// Whether the message names the primary key: what does not is due to be sealed anew. Does not open it, so that damage
    /// is not noticed.
    pub fn primary_sealed(&self, sealed: &[u8]) -> bool {
        named_key(sealed) == Some(self.primary().0)
    }
}

/// The key that a sealed message names, or nothing if it has not the form of one. A hint, until the message is opened.
pub(crate) fn named_key(sealed: &[u8]) -> Option<KeyId> {
    let id = sealed
        .get(1..HEADER_LEN)
        .filter(|_| sealed.len() >= OVERHEAD && sealed[0] == VERSION)?;
    id.try_into().ok().map(KeyId::from_bytes)
}

/// Room for header and associated data as one, filled by [`bind`].
struct Bound {
    inline: [u8; Self::INLINE],
    spilled: Vec<u8>,
}

impl Bound {
    const INLINE: usize = 128;

    const fn room() -> Self {
        Self {
            inline: [0; Self::INLINE],
            spilled: Vec::new(),
        }
    }
}

/// Header and associated data as one. The header has a fixed length, so putting it in front is unambiguous.
///
/// What fits is put on the stack: an allocation is a twentieth of what sealing a short message costs.
#[inline]
fn bind<'a>(header: &[u8; HEADER_LEN], associated_data: &AssociatedData, room: &'a mut Bound) -> &'a [u8] {
    let data = associated_data.as_bytes();
    let len = HEADER_LEN + data.len();
    if len > Bound::INLINE {
        room.spilled = [header, data].concat();
        return &room.spilled;
    }
    room.inline[..HEADER_LEN].copy_from_slice(header);
    room.inline[HEADER_LEN..len].copy_from_slice(data);
    &room.inline[..len]
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::*;
    use crate::provider::Provider;
    use crate::secret::SecretKey;

    fn keyset() -> Keyset<AeadKey> {
        Keyset::new("test", AeadKey::generate())
    }

    fn about(text: &str) -> AssociatedData {
        AssociatedData::new("test").with(text.as_bytes())
    }

    #[test]
    fn a_message_opens_under_its_key_whatever_the_size() {
        for size in [AesKeySize::Aes128, AesKeySize::Aes192, AesKeySize::Aes256] {
            let keyset = Keyset::new("test", AeadKey::generate_with_size(size));
            let sealed = keyset.seal(b"message", &about("x")).unwrap();
            assert_eq!(sealed.len(), 7 + OVERHEAD, "the form is the same: {size:?}");
            assert_eq!(keyset.open(&sealed, &about("x")).unwrap().expose_secret(), b"message");
            assert!(keyset.open(&sealed, &about("y")).is_err());
        }
    }

    #[test]
    fn associated_data_of_any_length_is_bound_whole() {
        let keyset = keyset();
        for len in (0..400).step_by(7).chain([Bound::INLINE - HEADER_LEN, Bound::INLINE]) {
            let of = |last: u8| {
                let mut field = vec![1; len];
                field.push(last);
                AssociatedData::new("test").with(&field)
            };
            let sealed = keyset.seal(b"m", &of(1)).unwrap();
            assert!(keyset.open(&sealed, &of(1)).is_ok(), "{len}");
            assert!(keyset.open(&sealed, &of(2)).is_err(), "{len}");
        }
    }

    #[test]
    fn a_message_sealed_by_one_provider_opens_on_every_other() {
        for sealing in Provider::all() {
            for opening in Provider::all() {
                let secret = || SecretKey::from_bytes([7; 32]);
                let sealer = Keyset::new("test", AeadKey::new_with(sealing, secret()));
                let sealed = sealer.seal(b"message", &about("x")).unwrap();
                let opener = Keyset::with_id("test", sealer.primary().0, AeadKey::new_with(opening, secret()));
                assert_eq!(opener.open(&sealed, &about("x")).unwrap().expose_secret(), b"message");
            }
        }
    }

    #[test]
    fn the_nonce_travels_with_the_message_and_is_fresh_each_time() {
        let keyset = keyset();
        let first = keyset.seal(b"same", &about("x")).unwrap();
        let second = keyset.seal(b"same", &about("x")).unwrap();
        assert_eq!(first.len(), 4 + OVERHEAD);
        assert_ne!(first[9..21], second[9..21]);
        assert_eq!(keyset.open(&first, &about("x")).unwrap().expose_secret(), b"same");
    }

    #[test]
    fn every_altered_bit_every_cut_and_every_addition_is_refused() {
        let keyset = keyset();
        let sealed = keyset.seal(b"message", &about("x")).unwrap();
        for index in 0..sealed.len() {
            for bit in 0..8 {
                let mut altered = sealed.clone();
                altered[index] ^= 1 << bit;
                assert_eq!(keyset.open(&altered, &about("x")).unwrap_err(), AeadError::Open);
            }
            assert_eq!(keyset.open(&sealed[..index], &about("x")).unwrap_err(), AeadError::Open);
        }
        let mut longer = sealed.clone();
        longer.push(0);
        assert_eq!(keyset.open(&longer, &about("x")).unwrap_err(), AeadError::Open);
    }

    #[test]
    fn associated_data_binds_and_its_fields_cannot_be_shifted() {
        let keyset = keyset();
        let sealed = keyset
            .seal(b"m", &AssociatedData::new("p").with(b"ab").with(b"c"))
            .unwrap();
        assert!(
            keyset
                .open(&sealed, &AssociatedData::new("p").with(b"a").with(b"bc"))
                .is_err()
        );
        assert!(keyset.open(&sealed, &AssociatedData::new("p").with(b"abc")).is_err());
        assert!(
            keyset
                .open(&sealed, &AssociatedData::new("q").with(b"ab").with(b"c"))
                .is_err()
        );
    }

    #[test]
    fn swapping_key_ids_between_two_messages_fails() {
        let mut keyset = keyset();
        let old = keyset.seal(b"m", &about("x")).unwrap();
        let id = keyset.add(AeadKey::generate());
        keyset.promote(id).unwrap();
        let new = keyset.seal(b"m", &about("x")).unwrap();
        assert!(keyset.open(&old, &about("x")).is_ok(), "older keys still open");
        let mut swapped = old.clone();
        swapped[1..9].copy_from_slice(&new[1..9]);
        assert!(keyset.open(&swapped, &about("x")).is_err());
    }

    #[test]
    fn a_revoked_key_opens_nothing() {
        let mut keyset = keyset();
        let old_id = keyset.primary().0;
        let old = keyset.seal(b"m", &about("x")).unwrap();
        let id = keyset.add(AeadKey::generate());
        keyset.promote(id).unwrap();
        keyset.revoke(old_id).unwrap();
        assert!(keyset.open(&old, &about("x")).is_err());
    }

    #[test]
    fn an_exhausted_key_stops() {
        let keyset = keyset();
        keyset
            .primary()
            .1
            .sealed_messages
            .store(MAX_MESSAGES_PER_KEY - 1, Ordering::Relaxed);
        assert!(keyset.seal(b"last", &about("x")).is_ok());
        assert_eq!(keyset.seal(b"one more", &about("x")), Err(AeadError::KeyExhausted));
    }

    #[test]
    fn a_message_over_the_limit_is_refused() {
        let message = vec![0; MAX_MESSAGE_LEN + 1];
        assert_eq!(
            keyset().seal(&message, &about("x")),
            Err(AeadError::MessageTooLong {
                len: MAX_MESSAGE_LEN + 1
            }),
        );
    }
}
