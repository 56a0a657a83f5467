//! Passwords: Argon2id (RFC 9106) with a pepper, through a bounded pool of reused memory.
//!
//! ```text
//! Password ──▶ PasswordHasher::hash(permit, …) ──▶ StoredHash ──▶ SealedHash (bound to its row)
//!    HashPool ──▶ HashPermit ─┘
//! ```
//!
//! A fast hash such as SHA-512, salted or not, is wrong for passwords: one core tries hundreds of thousands a second.
//! Argon2id at the default parameters takes about 15 ms and 19 MiB for each guess.
//!
//! # Schemes
//!
//! | | made | verified | pepper |
//! | --- | --- | --- | --- |
//! | Argon2id | by default | by default | as the secret value K; `keyid` names it |
//! | bcrypt over HMAC-SHA-256 | on request ([`NewHash::PepperedBcrypt`]) | by default | as the HMAC key; `keyid` names it |
//! | Argon2id without a pepper | on request ([`NewHash::UnpepperedArgon2id`]) | by default | none |
//! | Argon2i, Argon2d, Argon2 of version 0x10; bcrypt; PBKDF2; scrypt | never | where [`Policy::accepting`] says so | none |
//! | salted and peppered SHA-512, labelled | by a method of its own, unfit for passwords | where the policy says so | as the HMAC key; `keyid` names it |
//! | salted and peppered SHA-512, unlabelled | never | where the policy says so | every one of [`UnlabelledPeppers`] is tried |
//!
//! What a stored hash says of itself is believed in so far as the [`Policy`] allows: its scheme must be accepted and its
//! costs be under the ceilings, or nothing is allocated and nothing computed. A `keyid` is a hint: with another one, or
//! none, nothing verifies that did not before. [`Verdict::needs_rehash`] is set whenever the stored hash is not what the
//! policy makes now, so that old schemes, costs and peppers go as their users log in.
//!
//! ```
//! # use std::num::NonZeroUsize;
//! # use cryptokit::keyset::Keyset;
//! # use cryptokit::password::*;
//! let policy = Policy::default().accepting([Scheme::Bcrypt, Scheme::Pbkdf2]);
//! let hasher = PasswordHasher::new(policy, Keyset::new("peppers", Pepper::generate()));
//! let imported = StoredHash::parse("$2b$04$yPqEimSXfB7LMMuimiF8AO6nLgcAao7ScSJVEoB2/o9XfOqZ9VCLy")?;
//!
//! let mut permit = HashPool::new(NonZeroUsize::MIN).try_acquire().expect("nobody else is hashing");
//! let verdict = hasher.verify(&mut permit, &Password::new("correct horse")?, &imported)?;
//! assert!(verdict.ok && verdict.needs_rehash);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod arena;
mod argon2;
mod backend;
mod calibrate;
mod hasher;
mod params;
mod pepper;
mod policy;
mod pool;
mod scheme;
mod sealed;
#[cfg(feature = "argon2-simd")]
mod simd;

use std::fmt;

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

pub use backend::{Argon2Backend, UnfitBackend};
pub use calibrate::{CalibrateError, Calibration, CalibrationTarget, calibrate};
pub use hasher::{HashError, PasswordHasher, Verdict};
pub use params::{Argon2Params, InvalidParams};
pub use pepper::Pepper;
pub use policy::{Limits, NewHash, Policy, Range, Standing};
pub use pool::{HashPermit, HashPool};
pub use scheme::bcrypt::{BcryptCost, InvalidBcryptCost};
pub use scheme::pbkdf2::Pbkdf2Hmac;
pub use scheme::scrypt::{InvalidScryptParams, ScryptParams};
pub use scheme::unlabelled::{InvalidUnlabelledPeppers, UnlabelledPeppers};
pub use scheme::{Cost, Scheme, StoredHash, StoredHashError};
pub use sealed::{HashBinding, ResealError, SealedHash, UnsealError};

use crate::secret::SecretString;

/// A password in Unicode normalisation form C (NIST SP 800-63B-4 §3.1.1.2), within the length bounds.
///
/// No other rule is applied: whether a password is good enough is decided when it is chosen, never when it is used.
pub struct Password {
    normalised: SecretString,
    /// Where it differs from the normalised form.
    typed: Option<SecretString>,
}

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
        let typed = (*normalised != text).then(|| SecretString::new(text.to_owned()));
        Ok(Self {
            normalised: normalised.into(),
            typed,
        })
    }

    /// What our own hashes are of.
    fn normalised(&self) -> &[u8] {
        self.normalised.expose_secret().as_bytes()
    }

    /// What another system, which knew nothing of normalisation, was given.
    fn typed(&self) -> &[u8] {
        let typed = self.typed.as_ref().unwrap_or(&self.normalised);
        typed.expose_secret().as_bytes()
    }

    /// The password in normalisation form C, for what decides whether a new one is good enough. To be looked at and
    /// dropped: never stored, logged or repeated.
    pub fn expose_secret(&self) -> &str {
        self.normalised.expose_secret()
    }

    /// Number of Unicode scalar values, for length policies at enrolment.
    pub fn chars(&self) -> usize {
        self.normalised.expose_secret().chars().count()
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
        assert_eq!(composed.normalised(), decomposed.normalised());
        assert_eq!(composed.typed(), composed.normalised());
        assert_eq!(decomposed.typed(), "cafe\u{301}".as_bytes(), "kept for imported hashes");
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
            Password::new("a\0b").unwrap().normalised(),
            b"a\0b",
            "NUL is a character like any other"
        );
    }
}
