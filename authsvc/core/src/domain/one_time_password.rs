//! What comes in the field `otp`.

use cryptokit::otp::OtpCode;

use super::recovery_code::RecoveryCode;

/// A second factor as it was typed.
#[derive(Debug)]
pub enum OneTimePassword {
    /// What an authenticator app shows.
    Code(OtpCode),
    /// One of the codes shown at enrolment.
    Recovery(RecoveryCode),
}

/// Neither six digits nor a recovery code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be six digits or a recovery code")]
pub struct NotAOneTimePassword;

impl OneTimePassword {
    /// Shortest form: a code's digits.
    pub const MIN_LEN: usize = OtpCode::DIGITS;
    /// Longest form: a recovery code with its dashes.
    pub const MAX_LEN: usize = RecoveryCode::CHARS_WITH_DASHES;

    /// Reads what somebody typed. The two kinds differ in length, so that one text is never both.
    ///
    /// # Errors
    ///
    /// [`NotAOneTimePassword`].
    pub fn parse(text: &str) -> Result<Self, NotAOneTimePassword> {
        OtpCode::parse(text)
            .map(Self::Code)
            .or_else(|_| RecoveryCode::parse(text).map(Self::Recovery))
            .map_err(|_| NotAOneTimePassword)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_are_told_apart_and_nothing_else_is_taken() {
        assert!(matches!(OneTimePassword::parse("012345"), Ok(OneTimePassword::Code(_))));
        assert!(matches!(
            OneTimePassword::parse("abcd-efgh-ijkl-mnop"),
            Ok(OneTimePassword::Recovery(_))
        ));
        for text in ["", "12345", "012345 ", "０１２３４５", "abcdef"] {
            assert_eq!(
                OneTimePassword::parse(text).unwrap_err(),
                NotAOneTimePassword,
                "{text:?}"
            );
        }
    }
}
