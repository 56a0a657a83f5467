//! User accounts.

use std::fmt;
use std::str::FromStr;

use cryptokit::password::SealedHash;
use cryptokit::random;
use time::OffsetDateTime;
use uuid::Uuid;

use super::email::EmailAddress;
use super::name_set::{Roles, Scopes};

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

/// An account.
#[derive(Clone, Debug)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// Its name.
    pub email: EmailAddress,
    /// Its password hash, sealed to `id`.
    pub password_hash: SealedHash,
    /// What it is, for the services that read its tokens.
    pub roles: Roles,
    /// The most that its tokens may allow.
    pub scopes: Scopes,
    /// Whether it may not log in.
    pub disabled: bool,
    /// Whether a login needs more than the password.
    pub second_factor: bool,
    /// Whether a second factor was stored for it when it was looked up. Nothing seals this, and so it can only ask for more.
    pub factor_stored: bool,
    /// How often all its sessions were ended or it got a second factor. A login begins a session only if none of that
    /// happened since it looked the account up.
    pub session_epoch: u64,
    /// When it was made.
    pub created_at: OffsetDateTime,
}

impl User {
    /// A new account: enabled, without roles, scopes or second factor.
    pub fn new(id: UserId, email: EmailAddress, password_hash: SealedHash, created_at: OffsetDateTime) -> Self {
        Self {
            id,
            email,
            password_hash,
            roles: Roles::default(),
            scopes: Scopes::default(),
            disabled: false,
            second_factor: false,
            factor_stored: false,
            session_epoch: 0,
            created_at,
        }
    }
}
