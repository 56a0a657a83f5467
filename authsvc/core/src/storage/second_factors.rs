//! Second factors.

use async_trait::async_trait;
use time::OffsetDateTime;

use super::{EndOfSessions, StoreError};
use crate::domain::{FactorId, PendingSecondFactor, SealedField, SecondFactor, StoredRecoveryCode, UserId};

/// Authenticator apps, enrolments that wait for their first code, and recovery codes. All of them go with their account.
#[async_trait]
pub trait SecondFactorStore: Send + Sync {
    /// The account's second factor.
    async fn second_factor(&self, user_id: UserId) -> Result<Option<SecondFactor>, StoreError>;

    /// The account's enrolment that waits for its first code, expired or not.
    async fn pending_second_factor(&self, user_id: UserId) -> Result<Option<PendingSecondFactor>, StoreError>;

    /// Begins an enrolment in place of an earlier one that was not confirmed, so that an account never has more than one.
    /// [`StoreError::Conflict`] when there is no such account.
    async fn put_pending_second_factor(&self, pending: &PendingSecondFactor) -> Result<(), StoreError>;

    /// Ends the enrolment of exactly that secret and makes it the account's second factor, with these recovery codes and
    /// no others; whether it was. `false` when the enrolment is not, or no longer, that one, and when there is a second
    /// factor already. The account's sessions end with it. All or nothing.
    async fn activate_second_factor(
        &self,
        pending: &SealedField,
        factor: &SecondFactor,
        codes: &[StoredRecoveryCode],
        sessions: &EndOfSessions,
    ) -> Result<bool, StoreError>;

    /// Sets a second factor for an account that has none, without an enrolment, as an operator does; whether it was. The
    /// account's sessions end with it.
    async fn insert_second_factor(
        &self,
        factor: &SecondFactor,
        codes: &[StoredRecoveryCode],
        sessions: &EndOfSessions,
    ) -> Result<bool, StoreError>;

    /// Remembers that a code of that step was accepted, if that factor still is the account's and no code of that or a
    /// later step has been accepted before; whether it was. One statement: of any number of callers with one step, on
    /// any number of replicas, exactly one is told `true`.
    async fn accept_time_step(&self, user_id: UserId, factor: FactorId, step: u64) -> Result<bool, StoreError>;

    /// The account's unused recovery codes.
    async fn recovery_codes(&self, user_id: UserId) -> Result<Vec<StoredRecoveryCode>, StoreError>;

    /// Uses a recovery code up; whether it was still there.
    async fn use_recovery_code(&self, user_id: UserId, code: FactorId) -> Result<bool, StoreError>;

    /// Puts other recovery codes in the place of all there are, if that factor still is the account's; whether it is.
    async fn replace_recovery_codes(
        &self,
        user_id: UserId,
        factor: FactorId,
        codes: &[StoredRecoveryCode],
    ) -> Result<bool, StoreError>;

    /// Removes the account's second factor, a waiting enrolment and all recovery codes; whether there was a factor. If there
    /// was, the account's sessions end with it.
    async fn remove_second_factor(&self, user_id: UserId, sessions: &EndOfSessions) -> Result<bool, StoreError>;

    /// Forgets enrolments that ended before `now`; how many.
    async fn prune_pending_second_factors(&self, now: OffsetDateTime) -> Result<u64, StoreError>;

    /// Puts a secret that was sealed anew in place of what it was sealed from; whether that was still there.
    async fn replace_totp_secret(
        &self,
        user_id: UserId,
        expected: &SealedField,
        secret: &SealedField,
    ) -> Result<bool, StoreError>;

    /// As [`replace_totp_secret`](Self::replace_totp_secret), for the digest of a recovery code.
    async fn replace_recovery_code_digest(
        &self,
        user_id: UserId,
        expected: &StoredRecoveryCode,
        digest: &SealedField,
    ) -> Result<bool, StoreError>;

    /// The accounts with a second factor whose id comes after `after`, in order, at most `limit`: for passes over all.
    async fn users_with_second_factor(&self, after: Option<UserId>, limit: u32) -> Result<Vec<UserId>, StoreError>;
}
