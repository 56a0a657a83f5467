//! What is revoked, in memory: the database is asked every half second and never for a validation.

use std::fmt;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use cryptokit::jose::{AccessTokenClaims, RevocationIndex, TokenVerifier};
use time::{Duration, OffsetDateTime};

use super::{MAX_REVOCATION_AGE, seconds};
use crate::clock::Clock;
use crate::storage::{RevocationStore, Store, StoreError};

/// Most revocations kept, in some 60 MB. Beyond it no token is called good until some have expired.
pub const MAX_REVOCATIONS: usize = 1_000_000;

/// Read at once.
const PAGE: u32 = 10_000;
/// Between two searches through all entries for what has expired.
const FORGET_EVERY_SECONDS: u64 = 60;

/// Where a token stands, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Knowledge {
    NotRevoked,
    Revoked,
    /// What is known is older than [`MAX_REVOCATION_AGE`], incomplete, or from the future.
    Stale,
}

#[derive(Default)]
pub(super) struct RevocationMemory(RwLock<State>);

#[derive(Default)]
struct State {
    index: RevocationIndex,
    /// Everything up to this number is in.
    number: u64,
    /// When a read began that found nothing more.
    as_of: Option<OffsetDateTime>,
    forget_at: u64,
}

impl RevocationMemory {
    /// Reads what is new, and forgets what was over at `over_by`. Two at a time do no harm: entries are idempotent and
    /// numbers only grow.
    pub(super) async fn poll(
        &self,
        store: &dyn Store,
        clock: &dyn Clock,
        over_by: Option<OffsetDateTime>,
    ) -> Result<(), StoreError> {
        // Of the time before the question: what is revoked after it may not be in the answer.
        let asked_at = clock.now();
        loop {
            let after = self.read().number;
            let page = RevocationStore::revocations_after(store, after, PAGE).await?;
            let is_last = page.len() < PAGE as usize;
            let mut state = self.write();
            state.forget(over_by, asked_at);
            for row in page {
                if state.index.len() >= MAX_REVOCATIONS {
                    state.as_of = None;
                    return Err(StoreError::Unavailable(
                        "more revocations than are kept in memory".into(),
                    ));
                }
                // What another poll has put in meanwhile is put in again.
                state.index.insert(&row.revocation);
                state.number = state.number.max(row.number);
            }
            if is_last {
                state.learned(asked_at);
                return Ok(());
            }
        }
    }

    pub(super) fn check(&self, claims: &AccessTokenClaims, now: OffsetDateTime) -> Knowledge {
        let state = self.read();
        if state.index.revoked_by(claims).is_some() {
            return Knowledge::Revoked;
        }
        match state.as_of {
            // A clock that went back tells nothing about the age.
            Some(as_of) if (now - as_of).abs() <= MAX_REVOCATION_AGE => Knowledge::NotRevoked,
            _ => Knowledge::Stale,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.read().index.len()
    }

    pub(super) fn as_of(&self) -> Option<OffsetDateTime> {
        self.read().as_of
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        // Nothing is left half done by a panic: each step leaves the state as good as before.
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn learned(&mut self, asked_at: OffsetDateTime) {
        // Of two polls the one that began later says more, unless the clock went back in between.
        let is_newer = self
            .as_of
            .is_none_or(|as_of| as_of < asked_at || as_of - asked_at > Duration::seconds(1));
        if is_newer {
            self.as_of = Some(asked_at);
        }
    }

    /// Now and then, or when it is full, forgets what no token can need that had not expired at `over_by`.
    fn forget(&mut self, over_by: Option<OffsetDateTime>, now: OffsetDateTime) {
        let Some(over_by) = over_by else { return };
        let now = seconds(now);
        // A clock that went back does not put it off.
        let is_due = now >= self.forget_at || now + FORGET_EVERY_SECONDS < self.forget_at;
        if is_due || self.index.len() >= MAX_REVOCATIONS {
            self.index
                .forget_before(seconds(over_by).saturating_sub(TokenVerifier::MAX_LEEWAY.as_secs()));
            self.forget_at = now + FORGET_EVERY_SECONDS;
        }
    }
}

impl fmt::Debug for RevocationMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.read();
        write!(
            f,
            "{} revocations up to {} as of {:?}",
            state.index.len(),
            state.number,
            state.as_of
        )
    }
}
