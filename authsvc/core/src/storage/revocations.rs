//! What is revoked, numbered in the order in which it became visible.

use async_trait::async_trait;
use cryptokit::jose::Revocation;
use time::OffsetDateTime;

use super::StoreError;

/// A revocation and its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberedRevocation {
    /// Its number. Whoever has seen number n has seen every smaller one: none appears later.
    pub number: u64,
    /// What is revoked.
    pub revocation: Revocation,
}

/// Revocations.
#[async_trait]
pub trait RevocationStore: Send + Sync {
    /// Adds revocations; the number of the last one.
    async fn revoke(&self, revocations: &[Revocation]) -> Result<u64, StoreError>;

    /// Adds a revocation of all tokens issued before a moment, and ends the sessions that had begun by then; how many.
    async fn revoke_issued_before(&self, before: OffsetDateTime, ending: &super::Ending) -> Result<u64, StoreError>;

    /// Ends the sessions that had begun before such a moment, and revokes their access tokens: those of logins that were
    /// under way, and not yet to be seen, when all tokens were revoked. Only revocations whose `exp` lies after `exp_after`
    /// count, so that nothing is looked for once no such login can be left; how many ended. One indexed question while there
    /// is none; with one, each call looks at all sessions.
    async fn end_late_sessions(&self, exp_after: OffsetDateTime, ending: &super::Ending) -> Result<u64, StoreError>;

    /// Those with a number above `number`, by number, at most `most`.
    async fn revocations_after(&self, number: u64, most: u32) -> Result<Vec<NumberedRevocation>, StoreError>;

    /// Removes those that concern no token which expires at `now` or later; how many.
    async fn prune_revocations(&self, now: OffsetDateTime) -> Result<u64, StoreError>;
}
