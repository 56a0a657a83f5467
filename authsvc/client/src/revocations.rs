//! What the issuer has revoked, followed by a service that verifies tokens by itself.
//!
//! One [`RemoteRevocations`] follows the feed twice a second, so that a revocation is known here within two seconds of
//! its being made. It drives [`RevocationFeed`], which decides: documents are taken in order and verified; what is older
//! than the policy's budget counts as stale, and what becomes of tokens then is the policy's choice.
//!
//! It asks for the feed's keys again every minute. Under a key that the issuer has revoked nothing is believed from then
//! on: a thief who has such a key, and can put himself between the issuer and this service, keeps up his story for a
//! minute, or until a minute after the budget's end if he can keep the keys away too.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use cryptokit::encoding::base64url;
use cryptokit::jose::{
    AccessTokenClaims, FeedError, FeedPolicy, FeedPosition, FeedVerifyingKey, RevocationFeed, Standing, TokenError,
};
use http::{Method, StatusCode};
use serde::Deserialize;
use time::OffsetDateTime;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};

use super::Client;

/// Between two looks for what is new.
pub const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// Between two questions for the keys that came to nothing, when there are keys: deltas must not wait for them.
const KEYS_PAUSE: Duration = Duration::from_secs(2);
/// Longest wait for an answer to that question, when there are keys.
const KEYS_TIMEOUT: Duration = Duration::from_secs(2);
/// Between two snapshots, when the first of them could not be used: it may be large.
const SNAPSHOT_PAUSE: Duration = Duration::from_secs(2);
/// Between two snapshots that are only wanted: longer than one may be behind, so that the second is not.
const RENEWAL_PAUSE: Duration = Duration::from_secs(15);
/// Deltas taken in one round; more are taken in the next.
const DELTAS_IN_A_ROUND: usize = 256;
/// Longest snapshot read, that of a million revocations.
const MAX_SNAPSHOT_BYTES: usize = 128 << 20;

const UNKNOWN_KEY: FeedError = FeedError::Document(TokenError::UnknownKey);

const KEYS_PATH: &str = "/v1/revocations/keys";
const SNAPSHOT_PATH: &str = "/v1/revocations/snapshot";

/// What a source says to the question for a delta.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchedDelta {
    /// It is this.
    Delta(String),
    /// There is none yet.
    NotYet,
    /// There is none any more: a snapshot is needed.
    Gone,
    /// Anything else, or nothing in time.
    Failed,
}

/// Where a feed comes from. Nothing that it says is believed but the keys; those have to come from the issuer itself.
pub trait RevocationSource: Send + Sync + 'static {
    /// The keys that sign the feed; `None` when they cannot be had.
    fn keys(&self) -> impl Future<Output = Option<Vec<FeedVerifyingKey>>> + Send;

    /// A snapshot; `None` when it cannot be had.
    fn snapshot(&self) -> impl Future<Output = Option<String>> + Send;

    /// A delta of a feed.
    fn delta(&self, feed: &str, number: u64) -> impl Future<Output = FetchedDelta> + Send;
}

impl<S: RevocationSource> RevocationSource for Arc<S> {
    async fn keys(&self) -> Option<Vec<FeedVerifyingKey>> {
        self.as_ref().keys().await
    }

    async fn snapshot(&self) -> Option<String> {
        self.as_ref().snapshot().await
    }

    async fn delta(&self, feed: &str, number: u64) -> FetchedDelta {
        self.as_ref().delta(feed, number).await
    }
}

/// authsvc's internal listener, for a registered service.
impl RevocationSource for Client {
    async fn keys(&self) -> Option<Vec<FeedVerifyingKey>> {
        #[derive(Deserialize)]
        struct Keys {
            feed_keys: Vec<Key>,
        }
        #[derive(Deserialize)]
        struct Key {
            algorithm: String,
            public_key: String,
        }
        let answer = self.get(KEYS_PATH).await.ok()?;
        let keys: Keys = answer.json(StatusCode::OK).ok()?;
        // Whatever it is that this version does not know, it does not verify with.
        let known = keys.feed_keys.iter().filter(|key| key.algorithm == "Ed25519");
        Some(
            known
                .filter_map(|key| {
                    let public: [u8; 32] = base64url::decode(&key.public_key).ok()?.try_into().ok()?;
                    FeedVerifyingKey::from_public_key(&public).ok()
                })
                .collect(),
        )
    }

    async fn snapshot(&self) -> Option<String> {
        let answer = self
            .request_up_to(Method::GET, SNAPSHOT_PATH, Vec::new(), &[], MAX_SNAPSHOT_BYTES)
            .await
            .ok()?;
        (answer.status == StatusCode::OK).then_some(())?;
        String::from_utf8(answer.body.expose_secret().to_vec()).ok()
    }

    async fn delta(&self, feed: &str, number: u64) -> FetchedDelta {
        let path = format!("/v1/revocations/{feed}/{number}");
        match self.get(&path).await {
            Ok(answer) if answer.status == StatusCode::OK => {
                let text = String::from_utf8(answer.body.expose_secret().to_vec());
                text.map_or(FetchedDelta::Failed, FetchedDelta::Delta)
            }
            Ok(answer) if answer.status == StatusCode::NO_CONTENT => FetchedDelta::NotYet,
            Ok(answer) if answer.status == StatusCode::NOT_FOUND => FetchedDelta::Gone,
            _ => FetchedDelta::Failed,
        }
    }
}

/// Tells the time. Not this crate's to know.
pub type Now = Arc<dyn Fn() -> OffsetDateTime + Send + Sync>;

/// What one issuer has revoked. Following ends when it is dropped.
pub struct RemoteRevocations {
    feed: Arc<RwLock<RevocationFeed>>,
    now: Now,
    following: JoinHandle<()>,
}

impl RemoteRevocations {
    /// Follows the feed of `issuer` from `source`, on a task of its own. Nothing is known before its first round: tokens
    /// stand as the policy says of a stale feed.
    ///
    /// The policy's budget has to be longer than the ten seconds that a snapshot may be behind and the five between two
    /// deltas; 20 seconds is the least that honest networks keep.
    pub fn start(source: impl RevocationSource, issuer: &str, policy: FeedPolicy, now: Now) -> Self {
        let feed = Arc::new(RwLock::new(RevocationFeed::new(issuer, [], policy)));
        let mut follower = Follower {
            source,
            feed: Arc::clone(&feed),
            now: Arc::clone(&now),
            keys_named_at: None,
            keys_due: Instant::now(),
            no_keys_before: Instant::now(),
            no_snapshot_before: Instant::now(),
            no_renewal_before: Instant::now(),
        };
        let following = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(POLL_INTERVAL);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                follower.round().await;
            }
        });
        Self { feed, now, following }
    }

    /// Where a verified token stands. Constant time, and nothing is asked.
    pub fn check(&self, claims: &AccessTokenClaims) -> Standing {
        read(&self.feed).check(claims, (self.now)())
    }

    /// Whether what is known is within the policy's budget.
    pub fn is_fresh(&self) -> bool {
        read(&self.feed).is_fresh((self.now)())
    }

    /// After which delta it is.
    pub fn position(&self) -> Option<FeedPosition> {
        read(&self.feed).position().cloned()
    }

    /// How many revocations are kept.
    pub fn len(&self) -> usize {
        read(&self.feed).len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Drop for RemoteRevocations {
    fn drop(&mut self) {
        self.following.abort();
    }
}

impl fmt::Debug for RemoteRevocations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteRevocations")
            .field("position", &self.position())
            .finish_non_exhaustive()
    }
}

/// Asks, and hands on what it gets.
struct Follower<S> {
    source: S,
    feed: Arc<RwLock<RevocationFeed>>,
    now: Now,
    /// When the issuer named its keys, by the clock that the feed's age is told by.
    keys_named_at: Option<OffsetDateTime>,
    /// When to ask for them again.
    keys_due: Instant,
    no_keys_before: Instant,
    no_snapshot_before: Instant,
    no_renewal_before: Instant,
}

impl<S: RevocationSource> Follower<S> {
    /// Takes all that there is, or as far as it goes: the next round comes soon.
    async fn round(&mut self) {
        for _ in 0..DELTAS_IN_A_ROUND {
            // Before each of them: whoever makes them slow would else be believed for as long as he can make the round last.
            let are_keys_new = self.are_keys_due() && self.fetch_keys().await;
            if self.keys_named_at.is_none() {
                return;
            }
            if read(&self.feed).needs_snapshot() && !self.take_snapshot().await {
                return;
            }
            self.renew().await;
            let Some(position) = read(&self.feed).position().cloned() else {
                return;
            };
            let taken = match self.source.delta(&position.feed, position.seq.saturating_add(1)).await {
                FetchedDelta::Delta(delta) => {
                    let now = (self.now)();
                    let taken = write(&self.feed).apply_delta(&delta, now);
                    match taken {
                        Ok(()) => true,
                        // It was published by somebody whom the issuer does not name: what follows has to do without it.
                        Err(UNKNOWN_KEY) if are_keys_new => self.take_snapshot().await,
                        Err(error) => {
                            self.note(error);
                            false
                        }
                    }
                }
                FetchedDelta::Gone => self.take_snapshot().await,
                FetchedDelta::NotYet | FetchedDelta::Failed => false,
            };
            if !taken {
                return;
            }
        }
    }

    /// By both clocks: after a machine has slept, one of them has not moved.
    fn are_keys_due(&self) -> bool {
        let refresh = RevocationFeed::KEY_REFRESH;
        let is_old = |named_at: OffsetDateTime| ((self.now)() - named_at).abs() >= refresh;
        let now = Instant::now();
        now >= self.no_keys_before && (now >= self.keys_due || self.keys_named_at.is_none_or(is_old))
    }

    async fn fetch_keys(&mut self) -> bool {
        // Not when the answer comes, which may be kept back.
        let (asked_at, now) = (Instant::now(), (self.now)());
        let asked = self.source.keys();
        let answer = match self.keys_named_at {
            Some(_) => tokio::time::timeout(KEYS_TIMEOUT, asked).await.ok().flatten(),
            None => asked.await,
        };
        let Some(keys) = answer.filter(|keys| !keys.is_empty()) else {
            if self.keys_named_at.is_some() {
                // From here, or a question that takes as long as the pause leaves no time for deltas.
                self.no_keys_before = Instant::now() + KEYS_PAUSE;
            }
            return false;
        };
        let mut feed = write(&self.feed);
        let needed_snapshot = feed.needs_snapshot();
        feed.set_keys(keys, now);
        if feed.needs_snapshot() && !needed_snapshot {
            // Nothing is known until there is one.
            self.no_snapshot_before = asked_at;
        }
        drop(feed);
        self.keys_named_at = Some(now);
        self.keys_due = asked_at + RevocationFeed::KEY_REFRESH;
        true
    }

    /// Takes a snapshot that is wanted and not needed. Deltas are followed meanwhile, whatever becomes of it.
    async fn renew(&mut self) {
        if read(&self.feed).wants_snapshot() && Instant::now() >= self.no_renewal_before {
            self.take_snapshot().await;
            self.no_renewal_before = Instant::now() + RENEWAL_PAUSE;
        }
    }

    async fn take_snapshot(&mut self) -> bool {
        if Instant::now() < self.no_snapshot_before {
            return false;
        }
        let Some(snapshot) = self.source.snapshot().await else {
            return false;
        };
        let now = (self.now)();
        let taken = write(&self.feed).apply_snapshot(&snapshot, now);
        // Also after one that could be used: a source that says "gone" to everything is asked for no more of them.
        self.no_snapshot_before = Instant::now() + SNAPSHOT_PAUSE;
        taken.map_err(|error| self.note(error)).is_ok()
    }

    /// The issuer may have another key by now.
    fn note(&mut self, error: FeedError) {
        if error == UNKNOWN_KEY {
            self.keys_due = Instant::now();
        }
    }
}

// Nothing is left half done by a panic: a document is taken whole or not at all.
fn read(feed: &RwLock<RevocationFeed>) -> RwLockReadGuard<'_, RevocationFeed> {
    feed.read().unwrap_or_else(PoisonError::into_inner)
}

fn write(feed: &RwLock<RevocationFeed>) -> RwLockWriteGuard<'_, RevocationFeed> {
    feed.write().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
