//! AES-256-GCM (NIST SP 800-38D) under a keyset, with associated data that cannot be left out.
//!
//! A sealed message is
//!
//! ```text
//! version (1 byte, 0x01) ‖ key id (8 bytes) ‖ nonce (12 bytes) ‖ ciphertext ‖ tag (16 bytes)
//! ```
//!
//! Version and key id are authenticated. The nonce is 96 random bits and never an argument, so that it cannot be
//! reused by mistake. A GCM nonce does not stop replay; what a message may be used for belongs in its
//! [`AssociatedData`].

use std::sync::atomic::{AtomicU64, Ordering};
use std::{fmt, mem};

use zeroize::Zeroize;

use crate::keyset::{InvalidMaterial, KeyId, KeyMaterial, Keyset, Version1};
use crate::provider::{self, Provider};
use crate::random;
use crate::secret::{SecretBytes, SecretKey};

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

/// What a sealed message is bound to: a purpose and fields, each with its length, so that no two different lists
/// encode alike.
#[derive(Clone, PartialEq, Eq)]
pub struct AssociatedData(Vec<u8>);

impl AssociatedData {
    /// Starts with a purpose: one constant per use, such as `authsvc password hash`.
    pub fn new(purpose: &str) -> Self {
        Self(Vec::new()).with(purpose.as_bytes())
    }

    /// Adds a field.
    #[must_use]
    pub fn with(mut self, field: &[u8]) -> Self {
        self.0.extend_from_slice(&(field.len() as u64).to_be_bytes());
        self.0.extend_from_slice(field);
        self
    }
}

impl fmt::Debug for AssociatedData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AssociatedData({} bytes)", self.0.len())
    }
}

/// An AES-256-GCM key.
pub struct AeadKey {
    secret: SecretKey,
    key: Box<dyn provider::AeadKey>,
    sealed_messages: AtomicU64,
}

impl AeadKey {
    /// Makes a key with the default provider.
    pub fn generate() -> Self {
        Self::new(SecretKey::generate())
    }

    /// Takes key material, for the default provider.
    pub fn new(secret: SecretKey) -> Self {
        Self::new_with(Provider::default(), secret)
    }

    /// Takes key material, for the given provider.
    ///
    /// # Panics
    ///
    /// Never: the key has the length of an AES-256 key.
    pub fn new_with(provider: Provider, secret: SecretKey) -> Self {
        let key = provider
            .backend()
            .aes_gcm(secret.expose_secret())
            .expect("AES-256 takes 32 bytes");
        Self {
            secret,
            key,
            sealed_messages: AtomicU64::new(0),
        }
    }

    fn count_message(&self) -> Result<(), AeadError> {
        self.sealed_messages
            .try_update(Ordering::Relaxed, Ordering::Relaxed, |count| {
                (count < MAX_MESSAGES_PER_KEY).then_some(count + 1)
            })
            .map(|_| ())
            .map_err(|_| AeadError::KeyExhausted)
    }
}

impl fmt::Debug for AeadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AeadKey([redacted])")
    }
}

impl KeyMaterial for AeadKey {
    const PURPOSE: &'static str = "aead";
    const VERSION_1: Option<Version1> = Some(Version1 {
        purpose: "aead-aes-256-gcm",
        algorithm: "A256GCM",
    });

    fn algorithm(&self) -> &'static str {
        "A256GCM"
    }

    fn to_bytes(&self) -> SecretBytes {
        SecretBytes::new(self.secret.expose_secret().to_vec())
    }

    fn from_bytes(algorithm: &str, bytes: SecretBytes) -> Result<Self, InvalidMaterial> {
        if algorithm != "A256GCM" {
            return Err(InvalidMaterial);
        }
        let mut key: [u8; SecretKey::LEN] = bytes.expose_secret().try_into().map_err(|_| InvalidMaterial)?;
        let secret = SecretKey::from_bytes(key);
        key.zeroize();
        Ok(Self::new(secret))
    }
}

impl Keyset<AeadKey> {
    /// Seals `plaintext` under the primary key. One allocation of the output's size; O(n).
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

        let mut sealed = Vec::with_capacity(plaintext.len() + OVERHEAD);
        sealed.push(VERSION);
        sealed.extend_from_slice(id.as_bytes());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plaintext);
        let bound = bind(&sealed[..HEADER_LEN], associated_data);
        let tag = primary
            .key
            .seal(nonce, &bound, &mut sealed[HEADER_LEN + NONCE_LEN..])
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
        let (header, rest) = sealed.split_at(HEADER_LEN);
        let (nonce, rest) = rest.split_at(NONCE_LEN);
        let (ciphertext, tag) = rest.split_at(rest.len() - TAG_LEN);
        let id = KeyId::from_bytes(header[1..].try_into().expect("the header holds a key id"));
        let key = self.get(id).ok_or(AeadError::Open)?;

        let mut buffer = ciphertext.to_vec();
        let opened = key.key.open(
            nonce.try_into().expect("split at its length"),
            &bind(header, associated_data),
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
}

/// The header has a fixed length, so putting it in front is unambiguous.
fn bind(header: &[u8], associated_data: &AssociatedData) -> Vec<u8> {
    let mut bound = Vec::with_capacity(header.len() + associated_data.0.len());
    bound.extend_from_slice(header);
    bound.extend_from_slice(&associated_data.0);
    bound
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;

    use super::*;

    fn keyset() -> Keyset<AeadKey> {
        Keyset::new("test", AeadKey::generate())
    }

    fn about(text: &str) -> AssociatedData {
        AssociatedData::new("test").with(text.as_bytes())
    }

    #[test]
    fn nist_gcm_test_case_16_on_every_provider() {
        // McGrew & Viega, "The Galois/Counter Mode of Operation", test case 16 (256-bit key).
        let key = hex!("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
        let nonce = hex!("cafebabefacedbaddecaf888");
        let associated_data = hex!("feedfacedeadbeeffeedfacedeadbeefabaddad2");
        let plaintext = hex!(
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72
             1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
        );
        let ciphertext = hex!(
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa
             8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
        );
        let tag = hex!("76fc6ece0f4e1768cddf8853bb2d551b");
        for provider in Provider::all() {
            let gcm = provider.backend().aes_gcm(&key).unwrap();
            let mut buffer = plaintext;
            assert_eq!(gcm.seal(nonce, &associated_data, &mut buffer), Ok(tag), "{provider:?}");
            assert_eq!(buffer, ciphertext, "{provider:?}");
            assert_eq!(
                gcm.open(nonce, &associated_data, &mut buffer, tag),
                Ok(()),
                "{provider:?}"
            );
            assert_eq!(buffer, plaintext, "{provider:?}");
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
