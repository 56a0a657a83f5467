//! Codes that stand in for a lost authenticator, each once.

use std::fmt;

use cryptokit::random;
use cryptokit::secret::{SecretBytes, SecretString};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::base32;

/// 80 random bits as sixteen characters of base32: too many to guess, so that a fast digest suffices to store them.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct RecoveryCode([u8; Self::CHARS]);

/// Not the form of a recovery code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a recovery code has 16 letters and digits, in groups of four with dashes or without")]
pub struct NotARecoveryCode;

impl RecoveryCode {
    /// Characters without dashes.
    pub const CHARS: usize = 16;
    /// Characters with the three dashes.
    pub const CHARS_WITH_DASHES: usize = Self::CHARS + Self::CHARS / GROUP - 1;

    /// A fresh code.
    pub fn generate() -> Self {
        let mut bytes: [u8; 10] = random::bytes();
        let text = base32::encode(&bytes);
        bytes.zeroize();
        let mut code = [0; Self::CHARS];
        code.copy_from_slice(text.as_bytes());
        Self(code)
    }

    /// Reads what somebody typed: all dashes or none, letters of either case. Case and dashes carry nothing, and people
    /// copy these from paper; anything else, spaces included, is refused.
    ///
    /// # Errors
    ///
    /// [`NotARecoveryCode`].
    pub fn parse(text: &str) -> Result<Self, NotARecoveryCode> {
        let bytes = text.as_bytes();
        let dashed = bytes.len() == Self::CHARS_WITH_DASHES;
        if !dashed && bytes.len() != Self::CHARS {
            return Err(NotARecoveryCode);
        }
        let mut code = Self([0; Self::CHARS]);
        let mut taken = 0;
        for (index, byte) in bytes.iter().enumerate() {
            if dashed && index % (GROUP + 1) == GROUP {
                if *byte != b'-' {
                    return Err(NotARecoveryCode);
                }
                continue;
            }
            let letter = byte.to_ascii_uppercase();
            if !base32::ALPHABET.contains(&letter) {
                return Err(NotARecoveryCode);
            }
            code.0[taken] = letter;
            taken += 1;
        }
        Ok(code)
    }

    /// The form that is shown, once: four groups of four.
    pub fn to_text(&self) -> SecretString {
        let mut text = Zeroizing::new(String::with_capacity(Self::CHARS_WITH_DASHES));
        for (index, group) in self.0.chunks_exact(GROUP).enumerate() {
            if index > 0 {
                text.push('-');
            }
            text.extend(group.iter().map(|byte| char::from(*byte)));
        }
        SecretString::from(text)
    }

    /// What is sealed and stored instead of the code.
    pub fn digest(&self) -> SecretBytes {
        let parts = Zeroizing::new([b"authsvc recovery code\0".as_slice(), &self.0].concat());
        SecretBytes::new(cryptokit::hash::sha256(&parts).to_vec())
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode([redacted])")
    }
}

const GROUP: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_reads_back_with_and_without_dashes_in_either_case() {
        let code = RecoveryCode::generate();
        let shown = code.to_text();
        let shown = shown.expose_secret();
        assert_eq!(shown.len(), RecoveryCode::CHARS_WITH_DASHES);
        for typed in [
            shown.to_owned(),
            shown.replace('-', ""),
            shown.to_ascii_lowercase(),
            shown.replace('-', "").to_ascii_lowercase(),
        ] {
            let read = RecoveryCode::parse(&typed).unwrap();
            assert_eq!(read.digest().expose_secret(), code.digest().expose_secret());
        }
        assert_ne!(
            RecoveryCode::generate().digest().expose_secret(),
            code.digest().expose_secret()
        );
    }

    #[test]
    fn l9_other_ways_to_write_a_code_are_refused() {
        for text in [
            "",
            "123456",
            "ABCDEFGHIJKLMNO",
            "ABCDEFGHIJKLMNOPQ",
            "ABCD EFGH IJKL MNOP",
            " ABCDEFGHIJKLMNOP",
            "ABCDEFGHIJKLMNOP\n",
            "ABCD-EFGH-IJKLMNOP",
            "ABCD-EFGH-IJKL-MNO-",
            "-ABCDEFGH-IJKL-MNOP",
            "ABCDE-FGH-IJKL-MNOP",
            "ABCD–EFGH–IJKL–MNOP",
            "ABCDEFGHIJKLMNO0",
            "ABCDEFGHIJKLMNO1",
            "ABCDEFGHIJKLMNO8",
            "ＡＢＣＤ",
            "ABCDEFGHIJKLMſ",
        ] {
            assert_eq!(RecoveryCode::parse(text).unwrap_err(), NotARecoveryCode, "{text:?}");
        }
    }
}
