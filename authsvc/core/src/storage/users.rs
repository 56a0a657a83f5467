//! Accounts.

use async_trait::async_trait;
use cryptokit::password::SealedHash;
use time::OffsetDateTime;

use super::{EndOfSessions, StoreError};
use crate::domain::{EmailAddress, UserId, UserRecord};

/// Accounts. What is read is to be believed only once its seal was checked: [`UserRecord::open`].
#[async_trait]
pub trait UserStore: Send + Sync {
    /// The account of that name.
    async fn user_by_email(&self, email: &EmailAddress) -> Result<Option<UserRecord>, StoreError>;

    /// The account of that id.
    async fn user_by_id(&self, id: UserId) -> Result<Option<UserRecord>, StoreError>;

    /// The accounts that come after a name, or the first ones, in the order of their names; at most `limit`.
    async fn users_after(&self, after: Option<&EmailAddress>, limit: u32) -> Result<Vec<UserRecord>, StoreError>;

    /// Adds an account; [`StoreError::Conflict`] when its name is taken.
    async fn insert_user(&self, user: &UserRecord) -> Result<(), StoreError>;

    /// Writes an account's roles, scopes, flags, epoch, password hash and seal, if its seal still is the one of
    /// `expected`; whether it was. Two changes that began with the same record cannot both succeed. Another password hash
    /// removes the account's token ([`Self::put_password_reset`]) with the same write: a link that was made for the old
    /// password is not to undo the new one.
    async fn replace_user(&self, expected: &UserRecord, user: &UserRecord) -> Result<bool, StoreError>;

    /// The same, and ends the account's sessions with the same write: whoever came in with the old password is out as soon as
    /// there is a new one.
    async fn replace_user_and_end_sessions(
        &self,
        expected: &UserRecord,
        user: &UserRecord,
        sessions: &EndOfSessions,
    ) -> Result<bool, StoreError>;

    /// Sets an account's hash if it still is `expected`; whether it was. A rehash must not undo a password change that
    /// happened meanwhile. `shape` is what checking it costs. A token stays: the password is the same.
    async fn replace_password_hash(
        &self,
        id: UserId,
        expected: &SealedHash,
        hash: &SealedHash,
        shape: Option<&str>,
    ) -> Result<bool, StoreError>;

    /// Removes an account and everything that hangs on it; whether there was one.
    async fn delete_user(&self, id: UserId) -> Result<bool, StoreError>;

    /// How many accounts there are, and how many have hashes of each shape.
    async fn hash_shapes(&self) -> Result<HashShapes, StoreError>;

    /// Makes a token the one with which the account's password may be set until `expires_at`, in place of any other.
    async fn put_password_reset(&self, reset: &PasswordReset) -> Result<(), StoreError>;

    /// The token of that digest, expired or not.
    async fn password_reset(&self, token_sha256: &[u8; 32]) -> Result<Option<PasswordReset>, StoreError>;

    /// Uses a token up, writes the account and ends its sessions, all of it or nothing; whether the token was there, not
    /// expired at `now`, and the account's seal the one of `expected`. Of any number of callers with one token, one succeeds.
    async fn redeem_password_reset(
        &self,
        token_sha256: &[u8; 32],
        now: OffsetDateTime,
        expected: &UserRecord,
        user: &UserRecord,
        sessions: &EndOfSessions,
    ) -> Result<bool, StoreError>;

    /// Removes the tokens that expired before `now`; how many.
    async fn prune_password_resets(&self, now: OffsetDateTime) -> Result<u64, StoreError>;

    /// Puts accounts aside for [`Self::commit_import`]. They are no accounts before.
    async fn stage_import(&self, import: &str, users: &[UserRecord]) -> Result<(), StoreError>;

    /// Makes accounts of what was put aside, all of them or none, except those whose name is taken by then; how many
    /// accounts were made. Nothing is left of the import.
    async fn commit_import(&self, import: &str) -> Result<u64, StoreError>;

    /// Forgets what was put aside.
    async fn discard_import(&self, import: &str) -> Result<(), StoreError>;

    /// How many accounts are put aside.
    async fn staged_accounts(&self) -> Result<u64, StoreError>;

    /// Forgets imports whose last account was put aside before `before`: nobody commits them any more. How many accounts.
    async fn prune_imports(&self, before: OffsetDateTime) -> Result<u64, StoreError>;

    /// Puts hashes and seals that were made anew in the place of those they were made from, account by account, where
    /// both still are what they were; how many were. What accounts say stays as it is, and so do the shapes of hashes.
    async fn reseal_users(&self, resealed: &[ResealedUser]) -> Result<u64, StoreError>;

    /// The tokens of the accounts whose id comes after `after`, in order, at most `limit`: for passes over all.
    async fn password_resets_after(&self, after: Option<UserId>, limit: u32) -> Result<Vec<PasswordReset>, StoreError>;

    /// Puts a seal that was made anew in place of the token's, if it still is the same token under the same seal; whether
    /// it was.
    async fn reseal_password_reset(&self, expected: &PasswordReset, seal: &str) -> Result<bool, StoreError>;
}

/// An account whose secrets were sealed anew.
#[derive(Clone, Debug)]
pub struct ResealedUser {
    /// As it was read.
    pub expected: UserRecord,
    /// The same under another key.
    pub resealed: UserRecord,
}

/// How the accounts' password hashes were made, as far as it matters for the time that a check takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HashShapes {
    /// All accounts.
    pub accounts: u64,
    /// Shapes, as hashes of zeros, and how many accounts have each; the most frequent first. Accounts whose hash is of our
    /// own making and older than this record have none.
    pub shapes: Vec<(String, u64)>,
}

/// Permission to set an account's password once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordReset {
    /// Whose password.
    pub user_id: UserId,
    /// SHA-256 of the token.
    pub token_sha256: [u8; 32],
    /// Until when.
    pub expires_at: OffsetDateTime,
    /// What shows that this program wrote it.
    pub seal: String,
}
