//! One-time passwords (HOTP, RFC 4226; TOTP, RFC 6238) as every authenticator app computes them: HMAC-SHA-1, six
//! digits, steps of 30 seconds.
//!
//! ```
//! use cryptokit::otp::{OtpCode, OtpKey, time_step};
//!
//! let key = OtpKey::generate();
//! let now = time_step(1_800_000_000);
//! let shown: OtpCode = key.code(now);
//! assert_eq!(key.matching_step(&shown, now), Some(now));
//! ```
//!
//! What is checked here is only that a code belongs to a step. That no step is accepted twice is for the caller to
//! ensure, by keeping the last one accepted (RFC 6238 §5.2), and so is a bound on guesses: one code in 333,333 is right.
//!
//! # Security
//!
//! HMAC-SHA-1 is not touched by the collisions of SHA-1; other hashes are what apps fall silent on. The secret is shared:
//! whoever reads it where it is stored makes codes. Seal it.

use std::fmt;

use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::provider::{Hash, Provider};
use crate::random;

/// Seconds of a step (RFC 6238 §5.2; ASVS 5.0 §6.5.5 allows no more).
pub const TIME_STEP_SECONDS: u64 = 30;

/// How many steps before and after the current one are accepted, for clocks that differ and people who type
/// (RFC 6238 §5.2).
pub const WINDOW: u64 = 1;

/// The number of the step that a time, in seconds since 1970-01-01T00:00:00Z, is in.
pub const fn time_step(unix_seconds: u64) -> u64 {
    unix_seconds / TIME_STEP_SECONDS
}

/// The secret that an app and a service share.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct OtpKey([u8; Self::LEN]);

/// Not a secret of [`OtpKey::LEN`] bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a one-time password secret has {} bytes", OtpKey::LEN)]
pub struct InvalidOtpKey;

impl OtpKey {
    /// Bytes of a secret: the 160 bits that RFC 4226 §4 (R6) recommends, and as long as SHA-1's digest.
    pub const LEN: usize = 20;

    /// A fresh secret.
    pub fn generate() -> Self {
        Self(random::bytes())
    }

    /// Takes a stored secret.
    ///
    /// # Errors
    ///
    /// [`InvalidOtpKey`] for another length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidOtpKey> {
        bytes.try_into().map(Self).map_err(|_| InvalidOtpKey)
    }

    /// The secret itself. Seal it for storing; show it once, to its owner.
    pub fn expose_secret(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// The code of a step.
    pub fn code(&self, step: u64) -> OtpCode {
        self.code_with(Provider::default(), step)
    }

    /// The step within [`WINDOW`] of `now` that `code` belongs to; the latest, should there be several. Takes the same
    /// time whichever it is, or none.
    pub fn matching_step(&self, code: &OtpCode, now: u64) -> Option<u64> {
        let mut found = Choice::from(0);
        let mut matching = 0;
        for step in now.saturating_sub(WINDOW)..=now.saturating_add(WINDOW) {
            let equal = self.code(step).0.ct_eq(&code.0);
            matching.conditional_assign(&step, equal);
            found |= equal;
        }
        bool::from(found).then_some(matching)
    }

    fn code_with(&self, provider: Provider, step: u64) -> OtpCode {
        let mut number = self.truncated(provider, step);
        let mut digits = [b'0'; OtpCode::DIGITS];
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (number % 10) as u8;
            number /= 10;
        }
        OtpCode(digits)
    }

    /// Dynamic truncation (RFC 4226 §5.3): 31 bits at the offset that the last four bits name.
    fn truncated(&self, provider: Provider, step: u64) -> u32 {
        let tag = provider
            .backend()
            .hmac(Hash::Sha1, &self.0)
            .sign(&[&step.to_be_bytes()]);
        let tag = tag.as_ref();
        let offset = usize::from(tag[tag.len() - 1] & 0x0f);
        let bytes = [tag[offset], tag[offset + 1], tag[offset + 2], tag[offset + 3]];
        u32::from_be_bytes(bytes) & 0x7fff_ffff
    }
}

impl fmt::Debug for OtpKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OtpKey([redacted])")
    }
}

/// Six digits: what an app shows.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct OtpCode([u8; Self::DIGITS]);

/// Not exactly six ASCII digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a code has exactly {} digits", OtpCode::DIGITS)]
pub struct NotAnOtpCode;

impl OtpCode {
    /// Digits of a code.
    pub const DIGITS: usize = 6;

    /// Reads what somebody typed. Exactly six ASCII digits: what is trimmed or converted is another way to write the
    /// same code, and each such way has been somebody's way around "once" or around a limit.
    ///
    /// # Errors
    ///
    /// [`NotAnOtpCode`].
    pub fn parse(text: &str) -> Result<Self, NotAnOtpCode> {
        let digits: [u8; Self::DIGITS] = text.as_bytes().try_into().map_err(|_| NotAnOtpCode)?;
        if digits.iter().all(u8::is_ascii_digit) {
            Ok(Self(digits))
        } else {
            Err(NotAnOtpCode)
        }
    }

    /// The digits. Never log them: they are good for a minute.
    ///
    /// # Panics
    ///
    /// Never: digits are UTF-8.
    pub fn expose_secret(&self) -> &str {
        std::str::from_utf8(&self.0).expect("digits are UTF-8")
    }
}

impl fmt::Debug for OtpCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OtpCode([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret of RFC 4226 appendix D and of RFC 6238 appendix B for SHA-1.
    const SECRET: &[u8] = b"12345678901234567890";

    fn key() -> OtpKey {
        OtpKey::from_bytes(SECRET).unwrap()
    }

    /// RFC 4226 appendix D: intermediate decimal values and codes.
    #[test]
    fn rfc_4226_appendix_d() {
        let vectors = [
            (0, 1_284_755_224, "755224"),
            (1, 1_094_287_082, "287082"),
            (2, 137_359_152, "359152"),
            (3, 1_726_969_429, "969429"),
            (4, 1_640_338_314, "338314"),
            (5, 868_254_676, "254676"),
            (6, 1_918_287_922, "287922"),
            (7, 82_162_583, "162583"),
            (8, 673_399_871, "399871"),
            (9, 645_520_489, "520489"),
        ];
        for provider in Provider::all() {
            for (counter, number, code) in vectors {
                assert_eq!(key().truncated(provider, counter), number, "{provider:?} {counter}");
                assert_eq!(key().code_with(provider, counter).expose_secret(), code);
            }
        }
    }

    /// RFC 6238 appendix B, SHA-1: eight digits there, of which an app shows the last six.
    #[test]
    fn rfc_6238_appendix_b() {
        let vectors = [
            (59, 0x1, 94_287_082),
            (1_111_111_109, 0x0235_23EC, 7_081_804),
            (1_111_111_111, 0x0235_23ED, 14_050_471),
            (1_234_567_890, 0x0273_EF07, 89_005_924),
            (2_000_000_000, 0x03F9_40AA, 69_279_037),
            (20_000_000_000, 0x27BC_86AA, 65_353_130),
        ];
        for provider in Provider::all() {
            for (seconds, step, eight_digits) in vectors {
                assert_eq!(time_step(seconds), step);
                assert_eq!(
                    key().truncated(provider, step) % 100_000_000,
                    eight_digits,
                    "{provider:?} {seconds}"
                );
                let six_digits = format!("{:06}", eight_digits % 1_000_000);
                assert_eq!(key().code_with(provider, step).expose_secret(), six_digits);
            }
        }
    }

    #[test]
    fn codes_of_the_neighbouring_steps_match_and_no_others() {
        let (key, now) = (key(), 60_000_000_u64);
        for step in now - 5..=now + 5 {
            let expected = (step.abs_diff(now) <= WINDOW).then_some(step);
            assert_eq!(key.matching_step(&key.code(step), now), expected, "{step}");
        }
        assert_eq!(
            key.matching_step(&key.code(0), 0),
            Some(0),
            "there is no step before the first"
        );
        assert_eq!(key.matching_step(&key.code(u64::MAX), u64::MAX), Some(u64::MAX));
        assert_eq!(OtpKey::generate().matching_step(&OtpCode(*b"      "), now), None);
    }

    #[test]
    fn l9_a_code_is_six_ascii_digits_and_nothing_else() {
        assert_eq!(OtpCode::parse("012345").unwrap().expose_secret(), "012345");
        for text in [
            "",
            "12345",
            "1234567",
            " 12345",
            "12345 ",
            "123 456",
            "123456 ",
            "123456\n",
            "+12345",
            "-12345",
            "12345a",
            "１２３４５６",
            "１２",
            "٣٤٥",
            "12345\0",
            "0x1234",
        ] {
            assert_eq!(OtpCode::parse(text).unwrap_err(), NotAnOtpCode, "{text:?}");
        }
    }

    #[test]
    fn a_secret_has_160_bits_and_is_silent() {
        for len in [0, 10, 19, 21, 32] {
            assert_eq!(OtpKey::from_bytes(&vec![1; len]).unwrap_err(), InvalidOtpKey);
        }
        assert_ne!(OtpKey::generate().expose_secret(), OtpKey::generate().expose_secret());
        assert_eq!(
            format!("{:?} {:?}", key(), key().code(0)),
            "OtpKey([redacted]) OtpCode([redacted])"
        );
    }
}
