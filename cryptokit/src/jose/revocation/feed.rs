//! The verifier's side.

use std::collections::HashMap;
use std::time::Duration;

use serde::de::DeserializeOwned;
use time::OffsetDateTime;

use super::document::{DELTA_TYPE, Delta, FeedPosition, SNAPSHOT_TYPE, Snapshot};
use super::index::{RevocationIndex, RevokedBy};
use super::key::FeedVerifyingKey;
use crate::jose::backend::RegisteredVerifier;
use crate::jose::compact::Compact;
use crate::jose::{AccessTokenClaims, TokenError, TokenVerifier};

/// What a verifier does about tokens that are not known to be revoked while its feed is older than
/// [`FeedPolicy::max_staleness`]. There is no default: each choice is wrong for somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenStale {
    /// Fail open: accept them. Whoever can keep the feed away keeps revoked tokens alive until they expire.
    Accept,
    /// Fail closed: refuse them. Whoever can keep the feed away stops the service.
    Refuse,
}

/// The bounds of a [`RevocationFeed`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FeedPolicy {
    /// What happens beyond `max_staleness`.
    pub when_stale: WhenStale,
    /// How old the newest document may be, by the issuer's clock.
    pub max_staleness: Duration,
    /// Most revocations kept. Default 1,000,000, which take some 60 MB.
    pub max_entries: usize,
    /// Longest accepted snapshot in bytes. Default 128 MiB.
    pub max_snapshot_len: usize,
    /// Longest that a token of the issuer is good, leeway aside. For so long it matters which key something was learned
    /// under, and an issuer keeps a key that it has replaced in good order among those it names. Default an hour.
    pub max_token_lifetime: Duration,
}

impl FeedPolicy {
    /// The policy with the default bounds.
    pub fn new(when_stale: WhenStale, max_staleness: Duration) -> Self {
        Self {
            when_stale,
            max_staleness,
            max_entries: 1_000_000,
            max_snapshot_len: 128 << 20,
            max_token_lifetime: Duration::from_secs(3600),
        }
    }
}

/// Where a token stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Standing {
    /// Not revoked, as far as a fresh feed knows.
    NotRevoked,
    /// Not revoked as far as is known, which is not enough; accepted because of [`WhenStale::Accept`].
    AcceptedStale,
    /// Not known, and refused because of [`WhenStale::Refuse`]. Says nothing about the token.
    Unavailable,
    /// Revoked.
    Revoked(RevokedBy),
}

impl Standing {
    /// Whether a token that is otherwise good may be used.
    pub fn is_accepted(self) -> bool {
        matches!(self, Self::NotRevoked | Self::AcceptedStale)
    }
}

/// Why a document was not taken. Nothing has changed then, except what [`RevocationFeed::needs_snapshot`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FeedError {
    /// Too long, not a signed document of this kind, or its signature is not good.
    #[error("not a signed document of a revocation feed: {0}")]
    Document(#[from] TokenError),
    /// It is another issuer's.
    #[error("document is from another issuer")]
    Issuer,
    /// It is from another feed, or there is no snapshot yet, or none that can be relied upon: get one.
    #[error("delta of a feed of which there is no snapshot")]
    NeedsSnapshot,
    /// Deltas are missing before this one: get them, or a snapshot.
    #[error("delta {found} does not follow; {expected} is expected")]
    Gap {
        /// The next number.
        expected: u64,
        /// The number found.
        found: u64,
    },
    /// It was taken already, or is older than what was taken.
    #[error("document is not newer than what is known")]
    Old,
    /// It has the right number and does not follow upon the delta before: the issuer's history has two branches.
    #[error("document belongs to another history")]
    Fork,
    /// It was issued in the future.
    #[error("document is from the future")]
    NotYetIssued,
    /// More revocations than [`FeedPolicy::max_entries`]. Until a snapshot fits, the feed counts as stale.
    #[error("more revocations than are kept")]
    Full,
}

/// What an issuer has revoked.
#[derive(Debug)]
pub struct RevocationFeed {
    issuer: String,
    keys: HashMap<String, RegisteredVerifier>,
    /// When the issuer last named its keys; `None` for those that were given once and for all.
    keys_as_of: Option<u64>,
    policy: FeedPolicy,
    state: Option<State>,
    /// Since when a part of what is known rests on a key that the issuer no longer names.
    doubted_since: Option<u64>,
    /// When the newest document that was taken under a key says it was issued, for each key that is still named.
    newest_under: HashMap<String, u64>,
    needs_snapshot: bool,
    /// A part of what is known was said under a key that went in good order.
    outlived: bool,
    /// A document had to be left out for want of room.
    incomplete: bool,
}

#[derive(Debug)]
struct State {
    position: FeedPosition,
    issued_at: u64,
    next_update: u64,
    index: RevocationIndex,
    /// When to look for what can be forgotten.
    forget_at: u64,
    /// The keys that signed what is known, and when the last of it came.
    learned_under: HashMap<String, u64>,
}

impl RevocationFeed {
    /// Longest accepted delta in bytes.
    pub const MAX_DELTA_LEN: usize = 256 * 1024;

    /// Most that the issuer's clock may be ahead.
    pub(super) const MAX_AHEAD_SECONDS: u64 = 60;

    /// How often to ask the issuer for its keys and tell [`Self::set_keys`]. When it has not been told for as much longer
    /// as [`FeedPolicy::max_staleness`], the feed counts as stale: whoever has a key of the issuer could go on for ever with
    /// a verifier that does not hear of its revocation.
    pub const KEY_REFRESH: Duration = Duration::from_secs(60);

    /// Between two searches through all entries for what has expired.
    const FORGET_EVERY_SECONDS: u64 = 60;

    /// Starts with nothing; the first document has to be a snapshot. Any of `keys` may have signed, at any time: where
    /// keys are exchanged, begin with none and call [`Self::set_keys`].
    pub fn new(issuer: &str, keys: impl IntoIterator<Item = FeedVerifyingKey>, policy: FeedPolicy) -> Self {
        Self {
            issuer: issuer.to_owned(),
            keys: by_kid(keys),
            keys_as_of: None,
            policy,
            state: None,
            doubted_since: None,
            newest_under: HashMap::new(),
            needs_snapshot: true,
            outlived: false,
            incomplete: false,
        }
    }

    /// Takes the keys that the issuer names at `now`, the moment at which it was asked, in the place of those there are.
    ///
    /// What was learned under a key that is not among them is believed no longer: the issuer has revoked the key, or has
    /// replaced it for longer than any token lives that it can have said anything about. No token is known to be good
    /// then before a snapshot comes that one of these keys has signed. What was said to be revoked stays so until then, or
    /// until every token that it can concern has ended ([`FeedPolicy::max_token_lifetime`]): it may be a thief's, and most of
    /// it is true.
    ///
    /// Of a key that was replaced in good order a snapshot is wanted, for what somebody else may have said under it for
    /// longer than any token lives ([`Self::wants_snapshot`]).
    pub fn set_keys(&mut self, keys: impl IntoIterator<Item = FeedVerifyingKey>, now: OffsetDateTime) {
        let now = seconds(now);
        self.keys = by_kid(keys);
        self.keys_as_of = Some(now);
        self.newest_under.retain(|kid, _| self.keys.contains_key(kid));
        let matters_for = self.matters_for();
        let Some(state) = &mut self.state else { return };
        let (mut is_doubted, mut is_outlived) = (false, false);
        state.learned_under.retain(|kid, came_at| {
            let matters = came_at.saturating_add(matters_for) >= now;
            let is_named = self.keys.contains_key(kid);
            is_doubted |= matters && !is_named;
            is_outlived |= !matters && !is_named;
            matters || is_named
        });
        self.outlived |= is_outlived;
        if is_doubted {
            self.doubted_since.get_or_insert(now);
            self.needs_snapshot = true;
        }
    }

    /// Whether a token is revoked. Constant time; at most three digests of short names.
    ///
    /// The claims must be verified ones: this says nothing about a token that is not good anyway.
    pub fn check(&self, claims: &AccessTokenClaims, now: OffsetDateTime) -> Standing {
        let believed = self.state.as_ref().filter(|_| !self.is_forgotten(now));
        if let Some(by) = believed.and_then(|state| state.index.revoked_by(claims)) {
            return Standing::Revoked(by);
        }
        if self.is_fresh(now) {
            return Standing::NotRevoked;
        }
        match self.policy.when_stale {
            WhenStale::Accept => Standing::AcceptedStale,
            WhenStale::Refuse => Standing::Unavailable,
        }
    }

    /// Whether what is known is complete, signed by keys of which the issuer has said so lately, no older than
    /// [`FeedPolicy::max_staleness`] and not from the future: by a clock that went back, nothing can be told.
    pub fn is_fresh(&self, now: OffsetDateTime) -> bool {
        let (now, budget) = (seconds(now), self.policy.max_staleness.as_secs());
        let keys_last = budget.saturating_add(Self::KEY_REFRESH.as_secs());
        let are_keys_fresh = self
            .keys_as_of
            .is_none_or(|asked_at| now <= asked_at.saturating_add(keys_last) && !is_in_the_future(asked_at, now));
        !self.incomplete
            && are_keys_fresh
            && self.doubted_since.is_none()
            && self.state.as_ref().is_some_and(|state| {
                now <= state.issued_at.saturating_add(budget) && !is_in_the_future(state.issued_at, now)
            })
    }

    /// Whether only a snapshot helps: there is none yet, a delta came that does not follow, or a document that does not
    /// fit, or what is known rests on a key that the issuer no longer names.
    pub fn needs_snapshot(&self) -> bool {
        self.needs_snapshot
    }

    /// Whether a snapshot would be good to have, though everything goes on without one: an entry that was said under a key
    /// which has gone in good order ends when its time says, and that may be never. Ask for it at leisure; one that is
    /// behind what is known is refused, and a later one is not.
    pub fn wants_snapshot(&self) -> bool {
        self.needs_snapshot || self.outlived
    }

    /// The last delta that was taken. Ask the issuer for what follows.
    pub fn position(&self) -> Option<&FeedPosition> {
        self.state.as_ref().map(|state| &state.position)
    }

    /// When the newest document says it was issued, in seconds since 1970.
    pub fn issued_at(&self) -> Option<u64> {
        self.state.as_ref().map(|state| state.issued_at)
    }

    /// When the issuer has promised the next document, in seconds since 1970.
    pub fn next_update(&self) -> Option<u64> {
        self.state.as_ref().map(|state| state.next_update)
    }

    /// How many revocations are kept, at most [`FeedPolicy::max_entries`].
    pub fn len(&self) -> usize {
        self.state.as_ref().map_or(0, |state| state.index.len())
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes the next delta, whole or not at all. One signature check and O(n) in the delta; once a minute also in all
    /// that is kept.
    ///
    /// # Errors
    ///
    /// [`FeedError`], with the cause.
    pub fn apply_delta(&mut self, delta: &str, now: OffsetDateTime) -> Result<(), FeedError> {
        let now = seconds(now);
        let (kid, document): (_, Delta) = self.open(delta, Self::MAX_DELTA_LEN, DELTA_TYPE)?;
        self.check_origin(&document.iss, document.iat, now)?;
        // What is doubted is nothing to build upon, even where a delta would fit.
        let is_doubted = self.doubted_since.is_some();
        let follows = |state: &&mut State| !is_doubted && state.position.feed == document.feed;
        let Some(state) = self.state.as_mut().filter(follows) else {
            self.needs_snapshot = true;
            return Err(FeedError::NeedsSnapshot);
        };
        // After the last number there is none: whatever comes then is old.
        let expected = match state.position.seq.checked_add(1) {
            Some(expected) if document.seq >= expected => expected,
            _ => return Err(FeedError::Old),
        };
        if document.seq > expected {
            self.needs_snapshot = true;
            let found = document.seq;
            return Err(FeedError::Gap { expected, found });
        }
        if document.prev != state.position.head || document.iat < state.issued_at {
            self.needs_snapshot = true;
            return Err(FeedError::Fork);
        }
        let (known, horizon) = horizon(now, document.iat);
        let new: Vec<_> = document.entries.iter().filter(|entry| entry.exp() >= horizon).collect();
        if known >= state.forget_at || state.index.len() + new.len() > self.policy.max_entries {
            state.index.forget_before(horizon);
            state.forget_at = known.saturating_add(Self::FORGET_EVERY_SECONDS);
        }
        if state.index.len() + new.len() > self.policy.max_entries {
            self.incomplete = true;
            self.needs_snapshot = true;
            return Err(FeedError::Full);
        }
        new.into_iter().for_each(|entry| state.index.insert(entry));
        state.position = state.position.after(document.seq, delta);
        state.issued_at = document.iat;
        state.next_update = document.next;
        self.newest_under.insert(kid.clone(), document.iat);
        state.learned_under.insert(kid, now);
        self.needs_snapshot = self.incomplete;
        Ok(())
    }

    /// Takes a snapshot in the place of all that is known. One signature check and O(n) in the snapshot, which is in
    /// memory as a whole meanwhile. What rests on a key that the issuer no longer names is not asked what it thinks of it;
    /// what was taken under keys that are still named is.
    ///
    /// # Errors
    ///
    /// [`FeedError`], with the cause; [`FeedError::Old`] for one that would take the feed back.
    pub fn apply_snapshot(&mut self, snapshot: &str, now: OffsetDateTime) -> Result<(), FeedError> {
        let now = seconds(now);
        let (kid, document): (_, Snapshot) = self.open(snapshot, self.policy.max_snapshot_len, SNAPSHOT_TYPE)?;
        self.check_origin(&document.iss, document.iat, now)?;
        if let Some(state) = self.state.as_ref().filter(|_| self.doubted_since.is_none()) {
            if document.iat < state.issued_at {
                return Err(FeedError::Old);
            }
            if document.feed == state.position.feed {
                if document.seq < state.position.seq {
                    return Err(FeedError::Old);
                }
                if document.seq == state.position.seq && document.head != state.position.head {
                    return Err(FeedError::Fork);
                }
            } else if document.iat == state.issued_at {
                // Of two feeds within a second, which one followed cannot be told.
                return Err(FeedError::Old);
            }
        }
        // What was true before is not true again because another key has ended since.
        if self.newest_under.values().any(|newest| document.iat < *newest) {
            return Err(FeedError::Old);
        }
        let (known, horizon) = horizon(now, document.iat);
        let mut index = RevocationIndex::default();
        for entry in document.entries.iter().filter(|entry| entry.exp() >= horizon) {
            index.insert(entry);
            if index.len() > self.policy.max_entries {
                self.incomplete = true;
                self.needs_snapshot = true;
                return Err(FeedError::Full);
            }
        }
        self.newest_under.insert(kid.clone(), document.iat);
        self.state = Some(State {
            position: FeedPosition {
                feed: document.feed,
                seq: document.seq,
                head: document.head,
            },
            issued_at: document.iat,
            next_update: document.next,
            index,
            forget_at: known.saturating_add(Self::FORGET_EVERY_SECONDS),
            learned_under: HashMap::from([(kid, now)]),
        });
        self.doubted_since = None;
        self.outlived = false;
        self.needs_snapshot = false;
        self.incomplete = false;
        Ok(())
    }

    /// A document, and the key that signed it.
    fn open<T: DeserializeOwned>(
        &self,
        text: &str,
        max_len: usize,
        document_type: &str,
    ) -> Result<(String, T), TokenError> {
        let compact = Compact::parse(text, max_len, document_type)?;
        let key = self.keys.get(&compact.kid).ok_or(TokenError::UnknownKey)?;
        let document = compact.verify(key)?;
        Ok((compact.kid, document))
    }

    /// Whether what is doubted has been so for as long as any token lives that it can concern.
    fn is_forgotten(&self, now: OffsetDateTime) -> bool {
        self.doubted_since
            .is_some_and(|since| seconds(now) > since.saturating_add(self.matters_for()))
    }

    /// For how many seconds something that was learned can concern a token.
    fn matters_for(&self) -> u64 {
        let lifetime = self.policy.max_token_lifetime;
        lifetime.saturating_add(TokenVerifier::MAX_LEEWAY).as_secs()
    }

    fn check_origin(&self, issuer: &str, issued_at: u64, now: u64) -> Result<(), FeedError> {
        if issuer != self.issuer {
            return Err(FeedError::Issuer);
        }
        // Else a document from the future would count as fresh for as long as it likes.
        if is_in_the_future(issued_at, now) {
            return Err(FeedError::NotYetIssued);
        }
        Ok(())
    }
}

fn by_kid(keys: impl IntoIterator<Item = FeedVerifyingKey>) -> HashMap<String, RegisteredVerifier> {
    keys.into_iter()
        .map(|key| (key.kid(), RegisteredVerifier::new(key.0.into())))
        .collect()
}

/// What time it is at least, and before when a revocation must have ended to concern no token that any verifier still
/// accepts. Our clock and the issuer's have to agree on it: forgetting cannot be undone when a clock was ahead.
fn horizon(now: u64, issued_at: u64) -> (u64, u64) {
    let known = now.min(issued_at);
    (known, known.saturating_sub(TokenVerifier::MAX_LEEWAY.as_secs()))
}

fn is_in_the_future(issued_at: u64, now: u64) -> bool {
    issued_at > now.saturating_add(RevocationFeed::MAX_AHEAD_SECONDS)
}

/// Seconds since 1970; a clock before that is broken and says the least that it can.
fn seconds(time: OffsetDateTime) -> u64 {
    u64::try_from(time.unix_timestamp()).unwrap_or(0)
}
