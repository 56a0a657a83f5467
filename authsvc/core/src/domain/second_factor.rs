//! An account's second factor as it is stored.

use std::fmt;
use std::str::FromStr;

use cryptokit::random;
use time::OffsetDateTime;
use uuid::Uuid;

use super::sealed_field::SealedField;
use super::user::UserId;

/// Identifies one enrolment, or one recovery code: a random UUID. A secret that replaces another is another factor, so
/// that what was checked against the one never counts for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FactorId(Uuid);

impl FactorId {
    /// A fresh id.
    pub fn generate() -> Self {
        Self(uuid::Builder::from_random_bytes(random::bytes()).into_uuid())
    }
}

impl FromStr for FactorId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        text.parse().map(Self)
    }
}

impl fmt::Display for FactorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An authenticator app that an account must log in with.
#[derive(Clone, Debug)]
pub struct SecondFactor {
    /// Its id.
    pub id: FactorId,
    /// Whose it is.
    pub user_id: UserId,
    /// Its secret, sealed to `user_id`.
    pub secret: SealedField,
    /// The last step of which a code was accepted. Only codes of later steps are.
    pub last_step: u64,
    /// When it was confirmed.
    pub enabled_at: OffsetDateTime,
}

/// An enrolment that waits for its first code.
#[derive(Clone, Debug)]
pub struct PendingSecondFactor {
    /// Whose it is.
    pub user_id: UserId,
    /// Its secret, sealed to `user_id`.
    pub secret: SealedField,
    /// From when on it cannot be confirmed any more.
    pub expires_at: OffsetDateTime,
}

/// An unused recovery code.
#[derive(Clone, Debug)]
pub struct StoredRecoveryCode {
    /// Its id.
    pub id: FactorId,
    /// The digest of the code, sealed to the account.
    pub digest: SealedField,
}
