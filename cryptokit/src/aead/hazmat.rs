//! AES-GCM with nonces chosen by the caller: for implementing protocols that prescribe them, and for test vectors.
//!
//! Two messages under one key and nonce give away the XOR of their plaintexts and the key that authenticates, and with
//! that key anybody can forge (NIST SP 800-38D §8, appendix A). Nothing here prevents it, counts messages or limits
//! them. To encrypt data, use [`Keyset::seal`](crate::keyset::Keyset::seal) or [`crate::stream`].
//!
//! AES-GCM does not commit to its key: one ciphertext can open under two keys, to two plaintexts, for whoever chose both
//! keys. Where several keys are tried, or a key may come from somebody who is not trusted, use [`crate::stream`].

use std::{fmt, mem};

use zeroize::Zeroize;

use super::{AeadError, InvalidKeySize, MAX_MESSAGE_LEN, NONCE_LEN, TAG_LEN};
use crate::provider::{self, Provider};
use crate::secret::SecretBytes;

/// A nonce that the caller vouches for. It is used up by sealing:
///
/// ```compile_fail,E0382
/// # use cryptokit::aead::hazmat::{AesGcm, UniqueNonce};
/// let key = AesGcm::new(&[7; 32])?;
/// let nonce = UniqueNonce::assume_unique_for_key([0; 12]);
/// key.seal_with_nonce(nonce, b"", b"one")?;
/// key.seal_with_nonce(nonce, b"", b"two")?; // used up by the first message
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct UniqueNonce([u8; NONCE_LEN]);

impl UniqueNonce {
    /// Takes 96 bits that no other message under the same key has had or will have.
    pub const fn assume_unique_for_key(bytes: [u8; NONCE_LEN]) -> Self {
        Self(bytes)
    }
}

/// An AES-GCM key without header, key id, count of messages or nonce of its own.
pub struct AesGcm(Box<dyn provider::AeadKey>);

impl AesGcm {
    /// Takes 16, 24 or 32 bytes, uniformly random, for the default provider. The caller's copy is the caller's to wipe.
    ///
    /// # Errors
    ///
    /// [`InvalidKeySize`] at any other length.
    pub fn new(key: &[u8]) -> Result<Self, InvalidKeySize> {
        Self::new_with(Provider::default(), key)
    }

    /// As [`Self::new`], for the given provider.
    ///
    /// # Errors
    ///
    /// [`InvalidKeySize`] at any length but 16, 24 and 32.
    pub fn new_with(provider: Provider, key: &[u8]) -> Result<Self, InvalidKeySize> {
        let parsed = provider.backend().aes_gcm(key);
        parsed.map(Self).map_err(|_| InvalidKeySize { len: key.len() })
    }

    /// Encrypts: ciphertext ‖ tag (16 bytes). One allocation of the output's size.
    ///
    /// # Errors
    ///
    /// [`AeadError::MessageTooLong`] above [`MAX_MESSAGE_LEN`] bytes.
    pub fn seal_with_nonce(
        &self,
        nonce: UniqueNonce,
        associated_data: &[u8],
        plaintext: &[u8],
    ) -> Result<Vec<u8>, AeadError> {
        let too_long = AeadError::MessageTooLong { len: plaintext.len() };
        if plaintext.len() > MAX_MESSAGE_LEN {
            return Err(too_long);
        }
        let mut sealed = Vec::with_capacity(plaintext.len() + TAG_LEN);
        sealed.extend_from_slice(plaintext);
        let tag = self
            .0
            .seal(nonce.0, associated_data, &mut sealed)
            .map_err(|_| too_long)?;
        sealed.extend_from_slice(&tag);
        Ok(sealed)
    }

    /// Opens ciphertext ‖ tag. Nothing is released before the tag is checked.
    ///
    /// # Errors
    ///
    /// [`AeadError::Open`] for every cause.
    ///
    /// # Panics
    ///
    /// Never: the tag is split off at its length.
    pub fn open_with_nonce(
        &self,
        nonce: [u8; NONCE_LEN],
        associated_data: &[u8],
        sealed: &[u8],
    ) -> Result<SecretBytes, AeadError> {
        let Some(len) = sealed.len().checked_sub(TAG_LEN) else {
            return Err(AeadError::Open);
        };
        if len > MAX_MESSAGE_LEN {
            return Err(AeadError::Open);
        }
        let (ciphertext, tag) = sealed.split_at(len);
        let mut buffer = ciphertext.to_vec();
        let tag = tag.try_into().expect("split at its length");
        if self.0.open(nonce, associated_data, &mut buffer, tag).is_err() {
            // A backend may leave unauthenticated plaintext behind.
            mem::take(&mut buffer).zeroize();
            return Err(AeadError::Open);
        }
        Ok(SecretBytes::new(buffer))
    }
}

impl fmt::Debug for AesGcm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AesGcm([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;

    use super::*;

    #[test]
    fn mcgrew_and_viega_test_case_16_on_every_provider() {
        // McGrew & Viega, "The Galois/Counter Mode of Operation", appendix B; the other cases are tested on the backends.
        let key = hex!("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
        let nonce = hex!("cafebabefacedbaddecaf888");
        let associated_data = hex!("feedfacedeadbeeffeedfacedeadbeefabaddad2");
        let plaintext = hex!(
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72
             1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
        );
        let expected = hex!(
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa
             8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662
             76fc6ece0f4e1768cddf8853bb2d551b"
        );
        for provider in Provider::all() {
            let gcm = AesGcm::new_with(provider, &key).unwrap();
            let unique = UniqueNonce::assume_unique_for_key(nonce);
            let sealed = gcm.seal_with_nonce(unique, &associated_data, &plaintext).unwrap();
            assert_eq!(sealed, expected, "{provider:?}");
            let opened = gcm.open_with_nonce(nonce, &associated_data, &sealed).unwrap();
            assert_eq!(opened.expose_secret(), plaintext, "{provider:?}");
            assert!(gcm.open_with_nonce(nonce, b"", &sealed).is_err(), "{provider:?}");
        }
    }

    #[test]
    fn whatever_is_shorter_than_a_tag_does_not_open() {
        let gcm = AesGcm::new(&[1; 32]).unwrap();
        for len in 0..TAG_LEN {
            assert_eq!(
                gcm.open_with_nonce([0; 12], b"", &vec![0; len]).unwrap_err(),
                AeadError::Open
            );
        }
    }

    #[test]
    fn other_key_lengths_are_refused() {
        for len in [0, 15, 17, 31, 33, 64] {
            assert_eq!(AesGcm::new(&vec![0; len]).unwrap_err(), InvalidKeySize { len });
        }
    }
}
