//! Sessions: beginning, refreshing and ending them, and what is revoked by that.
//!
//! [`Sessions`] is what needs no key: ending, revoking, knowing what is revoked. Beginning and refreshing issue tokens
//! and are use cases of [`AuthService`](super::AuthService), one a file.

mod begin;
mod logout;
mod memory;
mod refresh;
mod revoke;
mod settled_time;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cryptokit::jose::{AccessTokenClaims, Revocation};
use time::OffsetDateTime;

pub use logout::LoggedOut;
pub use memory::MAX_REVOCATIONS;
pub use refresh::Refresh;
pub use revoke::RevokeToken;

use memory::{Knowledge, RevocationMemory};
use settled_time::SettledTime;

use super::end_sessions::{end_sessions, ending_at};
use super::{ErrorCode, Failure};
use crate::audit::reasons;
use crate::clock::Clock;
use crate::domain::{EndReason, PageSize, Session, SessionId, UserId};
use crate::storage::{Ending, Store, StoreError};

/// How often a replica reads what is revoked.
pub const REVOCATION_POLL_INTERVAL: Duration = Duration::from_millis(500);
/// How old that knowledge may be for a token to be called good.
pub const MAX_REVOCATION_AGE: Duration = Duration::from_secs(2);
/// How often what is over is removed.
pub const SESSION_PRUNE_INTERVAL: Duration = Duration::from_secs(5);

/// How long a spent token is answered with the same successor.
const RETRY_WINDOW: Duration = Duration::from_secs(10);
/// Most clock difference that any verifier forgives, and as much again between the clocks of replicas.
const SKEW: Duration = Duration::from_secs(60 + 60);
/// The longest life that a setting can give an access token, and the clocks' difference. Not the life configured now:
/// tokens may be older than the setting.
pub(super) const TOKENS_END: Duration = Duration::from_secs(3600 + SKEW.as_secs());
/// How long a session that is over is still known by its tokens.
const KEPT_FOR: Duration = Duration::from_secs(24 * 3600);
/// A login that was under way when all tokens were revoked has begun its session by then, or never will: longer than any
/// request, and the clocks' difference.
const LATE_LOGIN: Duration = Duration::from_secs(300 + 30 + SKEW.as_secs());
/// Rows removed at once: a bound on how long other writers wait.
const PRUNE_BATCH: u32 = 1_000;

/// The bounds of sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionPolicy {
    /// Most living sessions of a user; the one unused for longest makes room.
    pub most_per_user: u32,
    /// A session ends when it was not used for this long.
    pub idle_ttl: Duration,
    /// A session ends this long after the login, however much it is used.
    pub absolute_ttl: Duration,
}

/// Ends sessions and revokes tokens, and knows what is revoked.
pub struct Sessions {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    policy: SessionPolicy,
    memory: RevocationMemory,
    settled: SettledTime,
}

impl Sessions {
    /// Puts it together. Nothing is known to be revoked before the first [`Self::poll`].
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, policy: SessionPolicy) -> Self {
        Self {
            store,
            clock,
            policy,
            memory: RevocationMemory::default(),
            settled: SettledTime::default(),
        }
    }

    /// Reads what was revoked since the last time.
    ///
    /// # Errors
    ///
    /// What the store fails with.
    pub async fn poll(&self) -> Result<(), StoreError> {
        self.memory
            .poll(self.store.as_ref(), self.clock.as_ref(), self.over_by())
            .await
    }

    /// How many revocations are kept in memory.
    pub fn revocations(&self) -> usize {
        self.memory.len()
    }

    /// As of when it is known what is revoked; `None` while that is not known.
    pub fn revocations_as_of(&self) -> Option<OffsetDateTime> {
        self.memory.as_of()
    }

    /// Ends one session and revokes its access tokens; whether it had not ended.
    ///
    /// # Errors
    ///
    /// What the store fails with; the session has not ended then.
    pub async fn end(&self, id: SessionId, why: EndReason) -> Result<bool, StoreError> {
        let ended = self.store.end_session(id, &self.ending(why)).await?;
        self.follow().await;
        Ok(ended)
    }

    /// Ends all sessions of a user but `except`, and revokes their access tokens; how many. A login that is under way
    /// begins none.
    ///
    /// To be called after what the reason names was written: whoever logs in later is checked against that.
    ///
    /// # Errors
    ///
    /// What the store fails with; no session has ended then.
    pub async fn end_all(&self, user: UserId, except: Option<SessionId>, why: EndReason) -> Result<u64, StoreError> {
        let ended = end_sessions(self.store.as_ref(), self.clock.now(), user, except, why).await?;
        self.follow().await;
        Ok(ended)
    }

    /// Revokes one access token by its `jti`.
    ///
    /// # Errors
    ///
    /// What the store fails with.
    pub async fn revoke_jti(&self, jti: &str) -> Result<(), StoreError> {
        let exp = seconds(self.clock.now() + TOKENS_END);
        self.revoke(Revocation::Token {
            jti: jti.to_owned(),
            exp,
        })
        .await
    }

    /// Ends all sessions of a user and revokes all its access tokens issued until now, also such as belong to no
    /// session; how many sessions ended. Tokens of a login within the same second are revoked as well.
    ///
    /// # Errors
    ///
    /// What the store fails with.
    pub async fn revoke_user(&self, user: UserId) -> Result<u64, StoreError> {
        let ended = self.end_all(user, None, EndReason::Operator).await?;
        let now = self.clock.now();
        self.revoke(Revocation::Subject {
            sub: user.to_string(),
            before: seconds(now) + 1,
            exp: seconds(now + TOKENS_END),
        })
        .await?;
        Ok(ended)
    }

    /// Revokes all access tokens issued before a moment and ends all sessions that had begun by then, with whatever tokens
    /// they got since; how many. A moment within a second is the end of that second, because tokens say no more than the
    /// second in which they were issued. Sessions of logins that are under way end within [`SESSION_PRUNE_INTERVAL`] of
    /// their beginning.
    ///
    /// # Errors
    ///
    /// What the store fails with.
    pub async fn revoke_issued_before(&self, before: OffsetDateTime) -> Result<u64, StoreError> {
        let before = end_of_second(before);
        let ended = self
            .store
            .revoke_issued_before(before, &self.ending(EndReason::Operator))
            .await?;
        self.follow().await;
        Ok(ended)
    }

    /// The living sessions of a user, the one used last first.
    ///
    /// # Errors
    ///
    /// What the store fails with.
    pub async fn of_user(&self, user: UserId) -> Result<Vec<Session>, StoreError> {
        self.store.sessions_of(user, self.clock.now()).await
    }

    /// All living sessions, a page at a time in the order of their ids.
    ///
    /// # Errors
    ///
    /// What the store fails with.
    pub async fn page(&self, after: Option<SessionId>) -> Result<Vec<Session>, StoreError> {
        self.page_of(after, PageSize::MAX).await
    }

    /// As [`Self::page`], at most `most`.
    ///
    /// # Errors
    ///
    /// What the store fails with.
    pub async fn page_of(&self, after: Option<SessionId>, most: u32) -> Result<Vec<Session>, StoreError> {
        let most = most.min(PageSize::MAX);
        self.store.sessions_after(after, most, self.clock.now()).await
    }

    /// Erases successors that are not given out any more, and removes sessions and revocations that say nothing any more.
    ///
    /// # Errors
    ///
    /// What the store fails with.
    pub async fn prune(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        self.store.erase_successors(now).await?;
        self.store.prune_sessions(now - KEPT_FOR, PRUNE_BATCH).await?;
        // An `exp` is TOKENS_END after the act.
        let late = self.ending(EndReason::Operator);
        self.store
            .end_late_sessions(now + TOKENS_END - LATE_LOGIN, &late)
            .await?;
        if let Some(over_by) = self.over_by() {
            self.store.prune_revocations(over_by).await?;
        }
        Ok(())
    }

    /// Revocations of tokens that had expired by then can be forgotten: by the settled time, or by the clock where so many
    /// are kept that soon there would be no room for new ones.
    fn over_by(&self) -> Option<OffsetDateTime> {
        let settled = self.settled.read(self.clock.as_ref());
        if self.memory.len() > MAX_REVOCATIONS / 2 {
            return Some(self.clock.now());
        }
        settled
    }

    /// Whether a verified token was revoked, by what is in memory. Only when that is too old, as at the start or after a
    /// clock that jumped, the database is asked.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidToken`] when it was; [`ErrorCode::Unavailable`] when that cannot be told.
    pub(super) async fn check(&self, claims: &AccessTokenClaims) -> Result<(), Failure> {
        let known = match self.memory.check(claims, self.clock.now()) {
            Knowledge::Stale => {
                self.follow().await;
                self.memory.check(claims, self.clock.now())
            }
            known => known,
        };
        match known {
            Knowledge::NotRevoked => Ok(()),
            Knowledge::Revoked => Err(Failure::new(ErrorCode::InvalidToken, reasons::session::REVOKED)),
            Knowledge::Stale => Err(Failure::new(
                ErrorCode::Unavailable,
                reasons::session::REVOCATIONS_STALE,
            )),
        }
    }

    async fn revoke(&self, revocation: Revocation) -> Result<(), StoreError> {
        self.store.revoke(&[revocation]).await?;
        self.follow().await;
        Ok(())
    }

    /// This replica knows at once what it did itself. If it does not work out, the next poll makes up for it, or its
    /// absence is noticed.
    pub(super) async fn follow(&self) {
        let _ = self.poll().await;
    }

    fn ending(&self, why: EndReason) -> Ending {
        ending_at(self.clock.now(), why)
    }

    /// When a session ends that is used now, unless it is used again.
    fn idle_end(&self, now: OffsetDateTime, absolute_end: OffsetDateTime) -> OffsetDateTime {
        (now + self.policy.idle_ttl).min(absolute_end)
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions")
            .field("policy", &self.policy)
            .field("memory", &self.memory)
            .finish_non_exhaustive()
    }
}

/// The first whole second that is not before `time`.
fn end_of_second(time: OffsetDateTime) -> OffsetDateTime {
    match time.nanosecond() {
        0 => time,
        passed => time + (time::Duration::SECOND - time::Duration::nanoseconds(passed.into())),
    }
}

fn seconds(time: OffsetDateTime) -> u64 {
    u64::try_from(time.unix_timestamp()).unwrap_or(0)
}
