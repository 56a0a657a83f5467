//! Passwords: Argon2id (RFC 9106) with a pepper, through a bounded pool of reused memory.
//!
//! ```text
//! Password ──▶ PasswordHasher::hash(permit, …) ──▶ StoredHash ──▶ SealedHash (bound to its row)
//!    HashPool ──▶ HashPermit ─┘
//! ```
//!
//! A fast hash such as SHA-512, salted or not, is wrong for passwords: one core tries hundreds of thousands a second.
//! Argon2id at the default parameters takes about 15 ms and 19 MiB for each guess.

mod arena;
mod argon2;
mod backend;
mod calibrate;
mod hasher;
mod params;
mod pepper;
mod phc;
mod pool;
mod sealed;
#[cfg(feature = "argon2-simd")]
mod simd;

use std::fmt;

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

pub use backend::{Argon2Backend, UnfitBackend};
pub use calibrate::{CalibrateError, Calibration, CalibrationTarget, calibrate};
pub use hasher::{HashError, PasswordHasher, Policy, Verdict};
pub use params::{Argon2Params, InvalidParams};
pub use pepper::Pepper;
pub use phc::{StoredHash, StoredHashError};
pub use pool::{HashPermit, HashPool};
pub use sealed::{HashBinding, ResealError, SealedHash, UnsealError};

use crate::secret::SecretString;

/// A password in Unicode normalisation form C (NIST SP 800-63B-4 §3.1.1.2), within the length bounds.
///
/// No other rule is applied: whether a password is good enough is decided when it is chosen, never when it is used.
pub struct Password(SecretString);

impl Password {
    /// Longest password in bytes of UTF-8, before and after normalisation.
    pub const MAX_LEN: usize = 1024;

    /// Normalises and checks the bounds.
    ///
    /// # Errors
    ///
    /// [`PasswordError::Empty`] and [`PasswordError::TooLong`].
    pub fn new(text: &str) -> Result<Self, PasswordError> {
        if text.is_empty() {
            return Err(PasswordError::Empty);
        }
        // Checked before as well, so that a huge input is not normalised first.
        if text.len() > Self::MAX_LEN {
            return Err(PasswordError::TooLong);
        }
        // Reserved at its bound, so that no shorter copy is left behind by growth.
        let mut normalised = Zeroizing::new(String::with_capacity(4 * Self::MAX_LEN));
        normalised.extend(text.nfc());
        if normalised.len() > Self::MAX_LEN {
            return Err(PasswordError::TooLong);
        }
        Ok(Self(normalised.into()))
    }

    fn as_bytes(&self) -> &[u8] {
        self.0.expose_secret().as_bytes()
    }

    /// Number of Unicode scalar values, for length policies at enrolment.
    pub fn chars(&self) -> usize {
        self.0.expose_secret().chars().count()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password([redacted])")
    }
}

/// Why a text cannot be a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// It is empty.
    #[error("password is empty")]
    Empty,
    /// It has more than [`Password::MAX_LEN`] bytes.
    #[error("password is longer than {} bytes", Password::MAX_LEN)]
    TooLong,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn composed_and_decomposed_forms_are_one_password() {
        let composed = Password::new("caf\u{e9}").unwrap();
        let decomposed = Password::new("cafe\u{301}").unwrap();
        assert_eq!(composed.as_bytes(), decomposed.as_bytes());
        assert_eq!(composed.chars(), 4);
    }

    #[test]
    fn length_is_bounded_in_bytes_and_nothing_is_cut() {
        assert!(Password::new(&"a".repeat(1024)).is_ok());
        assert_eq!(Password::new(&"a".repeat(1025)).unwrap_err(), PasswordError::TooLong);
        assert_eq!(Password::new(&"é".repeat(513)).unwrap_err(), PasswordError::TooLong);
        assert_eq!(Password::new("").unwrap_err(), PasswordError::Empty);
        // U+1D160 decomposes under NFC into three scalars of four bytes: 4 bytes become 12.
        assert_eq!(
            Password::new(&"\u{1D160}".repeat(256)).unwrap_err(),
            PasswordError::TooLong
        );
        assert_eq!(
            Password::new("a\0b").unwrap().as_bytes(),
            b"a\0b",
            "NUL is a character like any other"
        );
    }
}
