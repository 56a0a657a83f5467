//! Secrets as types: wiped on drop, silent in `Debug`, without `Clone`, `==`, `Display` or serde.
//!
//! So none is printed,
//!
//! ```compile_fail,E0277
//! # use cryptokit::secret::SecretString;
//! println!("{}", SecretString::new("correct horse".into()));
//! ```
//!
//! copied,
//!
//! ```compile_fail,E0599
//! # use cryptokit::secret::SecretBytes;
//! let copy = SecretBytes::new(vec![1; 32]).clone();
//! ```
//!
//! compared in a time that tells where they differ,
//!
//! ```compile_fail,E0369
//! # use cryptokit::secret::SecretKey;
//! let same = SecretKey::generate() == SecretKey::generate();
//! ```
//!
//! or serialized by mistake:
//!
//! ```compile_fail,E0277
//! # use cryptokit::secret::SecretBytes;
//! let json = serde_json::to_string(&SecretBytes::new(vec![1; 32]));
//! ```

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing, optimization_barrier};

use crate::provider::Provider;
use crate::random;

/// Secret bytes of any length, such as a PKCS#8 key.
///
/// The only way to read them is [`expose_secret`](Self::expose_secret).
pub struct SecretBytes(Vec<u8>);

impl SecretBytes {
    /// Takes ownership; the vector's buffer is wiped when this value is dropped.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The secret itself. Keep the borrow short and never log it.
    pub fn expose_secret(&self) -> &[u8] {
        &self.0
    }

    /// Compares in time that depends on the lengths only.
    pub fn ct_eq(&self, other: &[u8]) -> bool {
        self.0.ct_eq(other).into()
    }
}

impl From<Zeroizing<Vec<u8>>> for SecretBytes {
    fn from(mut bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(std::mem::take(&mut *bytes))
    }
}

impl Zeroize for SecretBytes {
    fn zeroize(&mut self) {
        wipe(&mut self.0);
    }
}

impl Drop for SecretBytes {
    fn drop(&mut self) {
        self.zeroize();
    }
}

impl ZeroizeOnDrop for SecretBytes {}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes([redacted])")
    }
}

/// A secret string: a password, or a token on its way in.
pub struct SecretString(String);

impl SecretString {
    /// Takes ownership; the string's buffer is wiped when this value is dropped.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The secret itself. Keep the borrow short and never log it.
    pub fn expose_secret(&self) -> &str {
        &self.0
    }

    /// Length in bytes of its UTF-8 form.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Zeroizing<String>> for SecretString {
    fn from(mut text: Zeroizing<String>) -> Self {
        Self(std::mem::take(&mut *text))
    }
}

impl Zeroize for SecretString {
    fn zeroize(&mut self) {
        wipe(&mut std::mem::take(&mut self.0).into_bytes());
    }
}

impl Drop for SecretString {
    fn drop(&mut self) {
        self.zeroize();
    }
}

impl ZeroizeOnDrop for SecretString {}

impl fmt::Debug for SecretString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretString([redacted])")
    }
}

/// A 256-bit symmetric key: AES-256-GCM key material, a pepper, a root key.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct SecretKey([u8; Self::LEN]);

impl SecretKey {
    /// Length in bytes.
    pub const LEN: usize = 32;

    /// A fresh key from the operating system's generator.
    ///
    /// # Panics
    ///
    /// When the generator fails; see [`random::fill`].
    pub fn generate() -> Self {
        let mut key = Self([0; Self::LEN]);
        random::fill(Provider::default(), &mut key.0);
        key
    }

    /// Takes raw key bytes. The caller's copy is the caller's to wipe.
    pub fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The secret itself. Keep the borrow short and never log it.
    pub fn expose_secret(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey([redacted])")
    }
}

/// Zeroes all that a vector's buffer has room for, and leaves the vector empty.
///
/// As `zeroize` does it for a vector, but with stores as wide as the processor has them instead of one a byte: a service
/// wipes every body it reads.
fn wipe(bytes: &mut Vec<u8>) {
    // What was cut off may still be in the buffer, behind the vector's end.
    bytes.resize(bytes.capacity(), 0);
    bytes.fill(0);
    // Or the stores would be left out as those of a buffer that nobody reads again.
    optimization_barrier(bytes.as_slice());
    bytes.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!(
            "{:?} {:?} {:?}",
            SecretBytes::new(b"canary".to_vec()),
            SecretString::new("canary".into()),
            SecretKey::from_bytes(*b"canarycanarycanarycanarycanary!!"),
        );
        assert!(!shown.contains("canary"), "{shown}");
        assert!(!shown.contains("99, 97"), "{shown}");
    }

    #[test]
    fn wiping_reaches_all_of_a_buffer_and_keeps_it() {
        let mut bytes = b"canary and what follows it".to_vec();
        bytes.truncate(6);
        let (room, buffer) = (bytes.capacity(), bytes.as_ptr());
        wipe(&mut bytes);
        assert_eq!((bytes.len(), bytes.capacity(), bytes.as_ptr()), (0, room, buffer));
        let mut secret = SecretString::new("canary".into());
        secret.zeroize();
        assert!(secret.is_empty());
        let mut secret = SecretBytes::new(b"canary".to_vec());
        secret.zeroize();
        assert!(secret.expose_secret().is_empty());
    }

    #[test]
    fn constant_time_comparison_decides_rightly() {
        let secret = SecretBytes::new(vec![1, 2, 3]);
        assert!(secret.ct_eq(&[1, 2, 3]));
        assert!(!secret.ct_eq(&[1, 2, 4]));
        assert!(!secret.ct_eq(&[1, 2]));
    }

    #[test]
    fn generated_keys_differ() {
        assert_ne!(
            SecretKey::generate().expose_secret(),
            SecretKey::generate().expose_secret()
        );
    }
}
