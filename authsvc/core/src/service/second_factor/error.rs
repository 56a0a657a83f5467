//! Why a second factor was not made, accepted or changed.

use cryptokit::aead::AeadError;

use crate::audit::{Reason, reasons};
use crate::domain::AlteredRecord;
use crate::service::{ErrorCode, Failure};
use crate::storage::StoreError;

/// Why a second factor was not made, accepted or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecondFactorError {
    /// The account has a second factor already.
    #[error("the account has a second factor; disable it before another one is set up")]
    AlreadyEnabled,
    /// No enrolment waits for a code, or its time is over.
    #[error("no enrolment waits for a code, or its time is over")]
    NotPending,
    /// The account has no second factor.
    #[error("the account has no second factor")]
    NotEnabled,
    /// The code belongs to no step near the present one.
    #[error("the code is wrong")]
    WrongCode,
    /// The code is right, and one of this or a later step was accepted before.
    #[error("a code of this or a later time step was accepted before")]
    SpentCode,
    /// The account has no such unused recovery code.
    #[error("the recovery code is wrong or used")]
    WrongRecoveryCode,
    /// A stored secret does not open for this account: moved, altered, or sealed under a lost key.
    #[error("the stored second factor does not open for this account")]
    Unusable,
    /// The account's record is not as this program wrote it.
    #[error("{0}\nhelp: authsvc user show says what the record claims; once that is right, authsvc user seal")]
    Altered(#[from] AlteredRecord),
    /// A secret could not be sealed.
    #[error("a secret could not be sealed")]
    Sealing(#[source] AeadError),
    /// The database did not do its part.
    #[error("the database could not be used")]
    Store(#[from] StoreError),
}

impl SecondFactorError {
    /// Whether a code was looked at and not accepted.
    pub(super) const fn is_guess(&self) -> bool {
        matches!(self, Self::WrongCode | Self::SpentCode | Self::WrongRecoveryCode)
    }
}

/// A wrong code, a spent one and a factor that cannot be used are one answer: what is said in addition to "a second factor
/// is required" must not help to guess.
impl From<SecondFactorError> for Failure {
    fn from(error: SecondFactorError) -> Self {
        use reasons::second_factor as reason;
        match error {
            SecondFactorError::AlreadyEnabled => Self::new(ErrorCode::OtpAlreadyEnabled, reason::ALREADY_ENABLED),
            SecondFactorError::NotPending => Self::new(ErrorCode::OtpNotPending, reason::NOT_PENDING),
            SecondFactorError::NotEnabled => Self::new(ErrorCode::OtpNotEnabled, reason::NOT_ENABLED),
            SecondFactorError::WrongCode => Self::new(ErrorCode::InvalidOtp, reason::WRONG_CODE),
            SecondFactorError::SpentCode => Self::new(ErrorCode::InvalidOtp, reason::SPENT_CODE),
            SecondFactorError::WrongRecoveryCode => Self::new(ErrorCode::InvalidOtp, reason::WRONG_RECOVERY_CODE),
            SecondFactorError::Unusable => Self::new(ErrorCode::InvalidOtp, reason::UNUSABLE),
            SecondFactorError::Altered(altered) => Self::new(
                ErrorCode::Internal,
                Reason::new(reasons::login::ALTERED_RECORD, altered.to_string()),
            ),
            SecondFactorError::Sealing(error) => Self::new(
                ErrorCode::Internal,
                Reason::new(reasons::system::INTERNAL, error.to_string()),
            ),
            SecondFactorError::Store(error) => error.into(),
        }
    }
}
