//! User accounts.

use std::fmt;
use std::str::FromStr;

use cryptokit::password::SealedHash;
use cryptokit::random;
use time::OffsetDateTime;
use uuid::Uuid;

use super::email::EmailAddress;

/// Identifies an account for ever: a random UUID, the `sub` of its tokens. Never reused, never changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserId(Uuid);

impl UserId {
    /// A fresh id.
    pub fn generate() -> Self {
        Self(uuid::Builder::from_random_bytes(random::bytes()).into_uuid())
    }
}

impl FromStr for UserId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        text.parse().map(Self)
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An account as it is stored.
#[derive(Clone, Debug)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// Its name.
    pub email: EmailAddress,
    /// Its password hash, sealed to `id`.
    pub password_hash: SealedHash,
    /// Whether it may not log in.
    pub disabled: bool,
    /// When it was made.
    pub created_at: OffsetDateTime,
}
