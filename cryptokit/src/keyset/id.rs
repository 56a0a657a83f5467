//! Names of keys.

use std::fmt;

use crate::random;

/// Names one key of a set: eight random bytes, hexadecimal in text. Eight because Argon2's `keyid` holds no more.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId([u8; Self::LEN]);

impl KeyId {
    /// Length in bytes.
    pub const LEN: usize = 8;

    /// Takes the bytes.
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    pub(super) fn generate() -> Self {
        Self(random::bytes())
    }

    /// Reads what `Display` writes: 16 lower-case hexadecimal digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        if text.len() != 2 * Self::LEN || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return None;
        }
        Some(Self(u64::from_str_radix(text, 16).ok()?.to_be_bytes()))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}
