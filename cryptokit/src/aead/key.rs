//! AES-GCM keys of a keyset: their sizes, their count of messages, their form at rest.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{AeadError, MAX_MESSAGES_PER_KEY};
use crate::keyset::{InvalidMaterial, KeyMaterial, Version1};
use crate::provider::{self, Provider};
use crate::random;
use crate::secret::{SecretBytes, SecretKey};

/// How long an AES key is (FIPS 197 §5). The key carries it; no message does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AesKeySize {
    /// AES-128: 16 bytes. For peers that have nothing else.
    Aes128,
    /// AES-192: 24 bytes. For peers that have nothing else.
    Aes192,
    /// AES-256: 32 bytes, the default.
    Aes256,
}

impl AesKeySize {
    /// Length in bytes: 16, 24 or 32.
    pub const fn len_bytes(self) -> usize {
        match self {
            Self::Aes128 => 16,
            Self::Aes192 => 24,
            Self::Aes256 => 32,
        }
    }

    /// RFC 7518 §5.3.
    const fn algorithm(self) -> &'static str {
        match self {
            Self::Aes128 => "A128GCM",
            Self::Aes192 => "A192GCM",
            Self::Aes256 => "A256GCM",
        }
    }

    /// The size of a key of that many bytes.
    ///
    /// # Errors
    ///
    /// [`InvalidKeySize`] unless `len` is 16, 24 or 32.
    pub const fn from_len_bytes(len: usize) -> Result<Self, InvalidKeySize> {
        match len {
            16 => Ok(Self::Aes128),
            24 => Ok(Self::Aes192),
            32 => Ok(Self::Aes256),
            len => Err(InvalidKeySize { len }),
        }
    }
}

/// AES has no key of this length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("key of {len} bytes; an AES key has 16, 24 or 32")]
pub struct InvalidKeySize {
    /// The length given, in bytes.
    pub len: usize,
}

/// An AES-GCM key of 128, 192 or 256 bits.
///
/// It can be neither shown, copied nor compared:
///
/// ```compile_fail,E0277
/// # use cryptokit::aead::AeadKey;
/// println!("{}", AeadKey::generate());
/// ```
///
/// ```compile_fail,E0599
/// # use cryptokit::aead::AeadKey;
/// let copy = AeadKey::generate().clone();
/// ```
pub struct AeadKey {
    secret: SecretBytes,
    size: AesKeySize,
    pub(super) key: Box<dyn provider::AeadKey>,
    pub(super) sealed_messages: AtomicU64,
}

impl AeadKey {
    /// Makes a 256-bit key for the default provider.
    ///
    /// # Panics
    ///
    /// When the operating system's generator fails; see [`random::fill`].
    pub fn generate() -> Self {
        Self::new(SecretKey::generate())
    }

    /// Makes a key of the given size for the default provider. Without a peer that asks for less, 256 bits are right.
    ///
    /// # Panics
    ///
    /// As [`Self::generate`].
    pub fn generate_with_size(size: AesKeySize) -> Self {
        let mut secret = vec![0; size.len_bytes()];
        random::fill(Provider::default(), &mut secret);
        Self::from_sized(Provider::default(), SecretBytes::new(secret), size)
    }

    /// Takes the material of a 256-bit key, for the default provider.
    pub fn new(secret: SecretKey) -> Self {
        Self::new_with(Provider::default(), secret)
    }

    /// Takes the material of a 256-bit key, for the given provider.
    pub fn new_with(provider: Provider, secret: SecretKey) -> Self {
        let secret = SecretBytes::new(secret.expose_secret().to_vec());
        Self::from_sized(provider, secret, AesKeySize::Aes256)
    }

    /// Takes material of 16, 24 or 32 bytes, uniformly random, for the given provider.
    ///
    /// # Errors
    ///
    /// [`InvalidKeySize`] at any other length.
    pub fn from_secret_bytes(provider: Provider, secret: SecretBytes) -> Result<Self, InvalidKeySize> {
        let size = AesKeySize::from_len_bytes(secret.expose_secret().len())?;
        Ok(Self::from_sized(provider, secret, size))
    }

    fn from_sized(provider: Provider, secret: SecretBytes, size: AesKeySize) -> Self {
        let key = provider
            .backend()
            .aes_gcm(secret.expose_secret())
            .expect("every backend has the three sizes of AES");
        Self {
            secret,
            size,
            key,
            sealed_messages: AtomicU64::new(0),
        }
    }

    /// The key's size.
    pub fn size(&self) -> AesKeySize {
        self.size
    }

    pub(super) fn count_message(&self) -> Result<(), AeadError> {
        // What is counted beyond the bound does no harm: nobody asks 2⁶⁴ times.
        if self.sealed_messages.fetch_add(1, Ordering::Relaxed) < MAX_MESSAGES_PER_KEY {
            Ok(())
        } else {
            Err(AeadError::KeyExhausted)
        }
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
        algorithm: AesKeySize::Aes256.algorithm(),
    });

    fn algorithm(&self) -> &'static str {
        self.size.algorithm()
    }

    fn to_bytes(&self) -> SecretBytes {
        SecretBytes::new(self.secret.expose_secret().to_vec())
    }

    fn from_bytes(algorithm: &str, bytes: SecretBytes) -> Result<Self, InvalidMaterial> {
        let key = Self::from_secret_bytes(Provider::default(), bytes).map_err(|_| InvalidMaterial)?;
        if key.algorithm() == algorithm {
            Ok(key)
        } else {
            Err(InvalidMaterial)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyset::{Keyset, RootKey};

    const SIZES: [AesKeySize; 3] = [AesKeySize::Aes128, AesKeySize::Aes192, AesKeySize::Aes256];

    #[test]
    fn only_the_three_lengths_of_aes_are_keys() {
        for len in 0..=64 {
            let made = AeadKey::from_secret_bytes(Provider::default(), SecretBytes::new(vec![1; len]));
            match len {
                16 | 24 | 32 => assert_eq!(made.unwrap().size().len_bytes(), len),
                _ => assert_eq!(made.unwrap_err(), InvalidKeySize { len }),
            }
            for size in SIZES {
                let read = <AeadKey as KeyMaterial>::from_bytes(size.algorithm(), SecretBytes::new(vec![1; len]));
                assert_eq!(
                    read.is_ok(),
                    len == size.len_bytes(),
                    "{len} bytes as {}",
                    size.algorithm()
                );
            }
            assert!(AeadKey::from_bytes("A256CBC-HS512", SecretBytes::new(vec![1; len])).is_err());
        }
    }

    #[test]
    fn the_default_is_256_bits() {
        assert_eq!(AeadKey::generate().size(), AesKeySize::Aes256);
        assert_eq!(AeadKey::generate().to_bytes().expose_secret().len(), 32);
    }

    #[test]
    fn a_key_of_any_size_survives_its_sealed_keyset() {
        let root = RootKey::generate();
        for size in SIZES {
            let keyset = Keyset::new("a", AeadKey::generate_with_size(size));
            let read: Keyset<AeadKey> = root.open("a", &root.seal(&keyset).unwrap()).unwrap();
            assert_eq!(read.primary().1.size(), size);
            assert!(
                read.primary()
                    .1
                    .to_bytes()
                    .ct_eq(keyset.primary().1.to_bytes().expose_secret())
            );
        }
    }

    #[test]
    fn debug_shows_no_key() {
        let key = AeadKey::new(SecretKey::from_bytes(*b"canarycanarycanarycanarycanary!!"));
        let shown = format!("{key:?}");
        assert!(!shown.contains("canary") && !shown.contains("99, 97"), "{shown}");
    }
}
