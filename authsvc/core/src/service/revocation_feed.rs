//! The feed of revocations: what services hear of that verify tokens by themselves.
//!
//! Every replica tries to publish. The number of a delta is taken in the transaction that stores it, so that of all that
//! publish at once one succeeds, and what the others made is dropped before anybody has seen it. A replica that dies
//! leaves nothing half done, and the next one goes on. The same transaction asks whether the keys are still those that
//! signed, so that no replica publishes under a key of whose end it has not heard.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cryptokit::jose::{FeedPosition, FeedSigningKey, PublishError, Revocation, RevocationPublisher};
use cryptokit::sign::SignError;
use time::OffsetDateTime;

use super::feed_keys::{FeedKeyRing, FeedKeyset};
use super::keysets::{KeyStorageError, SealedKeysets};
use super::signing_key::SigningKeyEntry;
use super::{ErrorCode, Failure};
use crate::audit::{Reason, reasons};
use crate::clock::Clock;
use crate::storage::{FeedHead, NumberedRevocation, Publication, Store, StoreError};

/// How often a replica looks for revocations to publish.
pub const FEED_INTERVAL: Duration = Duration::from_millis(500);
/// How often there is a delta even if nothing was revoked, so that verifiers know it.
pub const FEED_HEARTBEAT: Duration = Duration::from_secs(5);
/// How long a delta can be fetched. Who was away for longer starts from a snapshot.
pub const DELTAS_KEPT_FOR: Duration = Duration::from_secs(10 * 60);

/// How far a snapshot may be behind the feed and is still handed out: the deltas after it are there.
const SNAPSHOT_LAG_SECONDS: u64 = 10;
/// Revocations in one delta: as many with the longest names are below what verifiers take unless they hold
/// what JSON escapes, and then it is halved.
const MOST_IN_A_DELTA: usize = 500;
/// Deltas published in one round, when much was revoked at once.
const MOST_IN_A_ROUND: usize = 50;
/// Read at once for a snapshot.
const PAGE: u32 = 10_000;
/// Until when a delta's time counts when the clock went back: as far as verifiers forgive.
const MAX_AHEAD: u64 = 60;

/// Why nothing was published.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FeedFault {
    /// The database did not do its part.
    #[error("the database could not be used")]
    Store(#[from] StoreError),
    /// The key could not be used.
    #[error("the key of the revocation feed could not be used")]
    Key(#[from] SignError),
    /// It could not be found out which keys sign.
    #[error("the keys of the revocation feed cannot be had")]
    Keys(#[from] KeyStorageError),
    /// A document could not be made.
    #[error("no document of the revocation feed could be made")]
    Publish(#[from] PublishError),
}

impl From<FeedFault> for Failure {
    fn from(error: FeedFault) -> Self {
        match error {
            FeedFault::Store(error) | FeedFault::Keys(KeyStorageError::Store(error)) => error.into(),
            other => Self::internal(&other),
        }
    }
}

/// What a verifier asks the feed for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedQuestion {
    /// The keys that sign it.
    Keys,
    /// All that is revoked.
    Snapshot,
    /// One delta.
    Delta {
        /// Of the feed with this name.
        feed: String,
        /// Its number.
        number: u64,
    },
}

/// What the feed has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedAnswer {
    /// The keys.
    Keys(FeedKeys),
    /// A snapshot.
    Snapshot(Arc<FeedDocument>),
    /// A delta.
    Delta(FeedDocument),
    /// There is no such delta yet.
    NotYet,
    /// There is none any more, or never was: get a snapshot.
    Gone,
}

/// The public keys of the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedKeys {
    /// Whose feed it is.
    pub issuer: String,
    /// The key's name in documents, and its 32 bytes (RFC 8032 §5.1.5).
    pub keys: Vec<(String, [u8; 32])>,
}

/// A signed document, and what it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedDocument {
    /// The feed.
    pub feed: String,
    /// After which delta it is.
    pub seq: u64,
    /// As it was signed.
    pub text: String,
}

/// Where the feed was when this replica last looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedSeen {
    /// The last delta's number.
    pub seq: u64,
    /// When it was issued, in seconds since 1970.
    pub issued_at: u64,
}

/// One replica's part in publishing the feed.
pub struct FeedPublisher {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    issuer: String,
    keys: FeedKeyRing,
    seen: Mutex<Option<FeedSeen>>,
    /// One at a time: it may be large.
    snapshot: tokio::sync::Mutex<Option<KeptSnapshot>>,
}

struct KeptSnapshot {
    keys: Arc<FeedKeyset>,
    issued_at: u64,
    document: Arc<FeedDocument>,
}

/// A delta that is not stored yet.
pub(super) struct Next {
    pub(super) head: FeedHead,
    pub(super) delta: String,
    /// Whether there is more to publish.
    more: bool,
}

impl FeedPublisher {
    /// Opens the feed's keyset, and makes it where there is none yet.
    ///
    /// # Errors
    ///
    /// [`KeyStorageError`].
    pub async fn open(keysets: &SealedKeysets, issuer: &str, clock: Arc<dyn Clock>) -> Result<Self, KeyStorageError> {
        Ok(Self {
            store: Arc::clone(keysets.store()),
            clock,
            issuer: issuer.to_owned(),
            keys: FeedKeyRing::open(keysets).await?,
            seen: Mutex::default(),
            snapshot: tokio::sync::Mutex::default(),
        })
    }

    /// Publishes what was revoked since the last delta, or that nothing was.
    ///
    /// # Errors
    ///
    /// [`FeedFault`]. What is missing comes with the next round.
    pub async fn publish(&self) -> Result<(), FeedFault> {
        for _ in 0..MOST_IN_A_ROUND {
            let head = self.store.feed_head().await?;
            if let Some(head) = &head {
                self.saw(head);
            }
            let keys = self.keys.current();
            let next = match &head {
                None => Some(self.beginning(&keys).await?),
                Some(head) => self.following(head, &keys).await?,
            };
            let Some(next) = next else { return Ok(()) };
            let from = head.as_ref().map(|head| &head.position);
            let (store, signed) = (&self.store, keys.signed());
            match store.publish_delta(signed, from, &next.head, &next.delta).await? {
                Publication::Done => {
                    self.saw(&next.head);
                    if !next.more {
                        return Ok(());
                    }
                }
                // Another replica was faster: it has published the same, or what is left is in the next round.
                Publication::FeedMoved => return Ok(()),
                // What was signed here is dropped.
                Publication::KeysChanged => drop(self.keys.follow().await?),
            }
        }
        Ok(())
    }

    /// What is known of the feed's keys, revoked ones included, as they are now.
    ///
    /// # Errors
    ///
    /// [`KeyStorageError`].
    pub async fn key_entries(&self) -> Result<Vec<SigningKeyEntry>, KeyStorageError> {
        Ok(self.keys.follow().await?.entries.clone())
    }

    /// Removes deltas that nobody fetches any more.
    ///
    /// # Errors
    ///
    /// What the store fails with.
    pub async fn prune(&self) -> Result<(), StoreError> {
        let before = self.clock.now() - DELTAS_KEPT_FOR;
        self.store.prune_deltas(before).await.map(drop)
    }

    /// Answers a verifier.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::Unavailable`] and [`ErrorCode::Internal`].
    pub async fn answer(&self, question: &FeedQuestion) -> Result<FeedAnswer, Failure> {
        match question {
            FeedQuestion::Keys => Ok(FeedAnswer::Keys(self.public_keys().await?)),
            FeedQuestion::Snapshot => Ok(FeedAnswer::Snapshot(self.current_snapshot().await?)),
            FeedQuestion::Delta { feed, number } => Ok(self.delta(feed, *number).await?),
        }
    }

    /// Where the feed was in the last round; `None` before the first.
    pub fn seen(&self) -> Option<FeedSeen> {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As they are now: a replica that cannot know vouches for no key.
    async fn public_keys(&self) -> Result<FeedKeys, FeedFault> {
        Ok(FeedKeys {
            issuer: self.issuer.clone(),
            keys: self.keys.follow().await?.public.clone(),
        })
    }

    async fn delta(&self, feed: &str, number: u64) -> Result<FeedAnswer, StoreError> {
        let Some(head) = self.store.feed_head().await? else {
            return Ok(FeedAnswer::Gone);
        };
        // After a restore there is another feed, and its numbers say nothing of this one.
        if head.position.feed != feed || number == 0 {
            return Ok(FeedAnswer::Gone);
        }
        if number > head.position.seq {
            return Ok(FeedAnswer::NotYet);
        }
        Ok(match self.store.delta(number).await? {
            Some(text) => FeedAnswer::Delta(FeedDocument {
                feed: head.position.feed,
                seq: number,
                text,
            }),
            None => FeedAnswer::Gone,
        })
    }

    async fn current_snapshot(&self) -> Result<Arc<FeedDocument>, Failure> {
        let mut kept = self.snapshot.lock().await;
        let mut head = self.store.feed_head().await?;
        if head.is_none() {
            self.publish().await?;
            head = self.store.feed_head().await?;
        }
        let head = head.ok_or_else(|| {
            let detail = "the revocation feed has not begun".to_owned();
            Failure::new(
                ErrorCode::Unavailable,
                Reason::new(reasons::system::STORE_UNAVAILABLE, detail),
            )
        })?;
        let keys = self.keys.follow().await.map_err(FeedFault::from)?;
        if let Some(kept) = kept.as_ref()
            && Arc::ptr_eq(&kept.keys, &keys)
            && kept.document.feed == head.position.feed
            && kept.document.seq <= head.position.seq
            && head.issued_at.abs_diff(kept.issued_at) <= SNAPSHOT_LAG_SECONDS
        {
            return Ok(Arc::clone(&kept.document));
        }
        // The old one goes first: two of a million entries are more than one.
        *kept = None;
        let document = Arc::new(self.make_snapshot(&head, &keys).await?);
        *kept = Some(KeptSnapshot {
            keys,
            issued_at: head.issued_at,
            document: Arc::clone(&document),
        });
        Ok(document)
    }

    /// All that the feed has published and that still concerns a token. It says to be as old as the last delta, because
    /// it knows no more.
    async fn make_snapshot(&self, head: &FeedHead, keys: &FeedKeyset) -> Result<FeedDocument, FeedFault> {
        let mut entries = Vec::new();
        let mut after = 0;
        loop {
            let page = self.store.revocations_after(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.number;
            let is_last = page.len() < PAGE as usize || after >= head.number;
            let published = page.into_iter().filter(|row| row.number <= head.number);
            entries.extend(published.map(|row| row.revocation));
            if is_last {
                break;
            }
        }
        let issued_at = i64::try_from(head.issued_at)
            .ok()
            .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
            .ok_or(PublishError::Clock)?;
        let publisher = self.publisher_at(head.position.clone(), head.issued_at, keys)?;
        Ok(FeedDocument {
            feed: head.position.feed.clone(),
            seq: head.position.seq,
            text: publisher.snapshot(&entries, issued_at, FEED_HEARTBEAT)?,
        })
    }

    async fn beginning(&self, keys: &FeedKeyset) -> Result<Next, FeedFault> {
        let (store, now) = (self.store.as_ref(), self.clock.now());
        new_feed(store, &self.issuer, keys.signing_key()?, now, None).await
    }

    /// What comes after `head`, if anything has to.
    async fn following(&self, head: &FeedHead, keys: &FeedKeyset) -> Result<Option<Next>, FeedFault> {
        let most = u32::try_from(MOST_IN_A_DELTA).unwrap_or(u32::MAX);
        let rows = self.store.revocations_after(head.number, most).await?;
        if rows.is_empty() && !is_due(head.issued_at, self.clock.now()) {
            return Ok(None);
        }
        let mut entries = rows.as_slice();
        loop {
            let number = entries.last().map_or(head.number, |row| row.number);
            let publisher = self.publisher_at(head.position.clone(), head.issued_at, keys)?;
            let more = entries.len() < rows.len() || rows.len() == MOST_IN_A_DELTA;
            match sign(publisher, entries, number, more, self.clock.now()) {
                Err(FeedFault::Publish(PublishError::TooLong)) if entries.len() > 1 => {
                    entries = &entries[..entries.len() / 2];
                }
                signed => return signed.map(Some),
            }
        }
    }

    fn publisher_at(
        &self,
        position: FeedPosition,
        issued_at: u64,
        keys: &FeedKeyset,
    ) -> Result<RevocationPublisher, FeedFault> {
        let mut publisher = RevocationPublisher::resume(&self.issuer, keys.signing_key()?, position.clone())?;
        publisher.move_to(position, issued_at);
        Ok(publisher)
    }

    fn saw(&self, head: &FeedHead) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(FeedSeen {
            seq: head.position.seq,
            issued_at: head.issued_at,
        });
    }
}

impl fmt::Debug for FeedPublisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FeedPublisher")
            .field("issuer", &self.issuer)
            .field("seen", &self.seen())
            .finish_non_exhaustive()
    }
}

/// A new feed. What is revoked already is in its snapshots, from which every verifier starts. It begins at least a second
/// after `former`, where there is one: verifiers of the one before tell by the time which came later.
pub(super) async fn new_feed(
    store: &dyn Store,
    issuer: &str,
    key: FeedSigningKey,
    now: OffsetDateTime,
    former: Option<&FeedHead>,
) -> Result<Next, FeedFault> {
    // Every revocation up to this number is visible: the counter's row is locked by whoever adds one.
    let number = store.revoke(&[]).await?;
    let mut publisher = RevocationPublisher::new(issuer, key)?;
    if let Some(former) = former {
        publisher.move_to(publisher.position().clone(), former.issued_at.saturating_add(1));
    }
    sign(publisher, &[], number, false, now)
}

fn sign(
    mut publisher: RevocationPublisher,
    rows: &[NumberedRevocation],
    number: u64,
    more: bool,
    now: OffsetDateTime,
) -> Result<Next, FeedFault> {
    let entries: Vec<Revocation> = rows.iter().map(|row| row.revocation.clone()).collect();
    let delta = publisher.delta(&entries, now, FEED_HEARTBEAT)?;
    Ok(Next {
        head: FeedHead {
            issued_at: publisher.last_issued_at(),
            position: publisher.position().clone(),
            number,
        },
        delta,
        more,
    })
}

/// Whether verifiers were promised a delta by now. Also when the clock went so far back that what was issued lies in a
/// future that no verifier accepts.
fn is_due(issued_at: u64, now: OffsetDateTime) -> bool {
    let now = u64::try_from(now.unix_timestamp()).unwrap_or(0);
    now >= issued_at.saturating_add(FEED_HEARTBEAT.as_secs()) || issued_at > now.saturating_add(MAX_AHEAD)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_delta_is_due_after_the_heartbeat_and_after_a_clock_that_was_far_ahead() {
        let now = datetime!(2030-01-01 00:00:00 UTC);
        let at = |offset: i64| (now.unix_timestamp() + offset).unsigned_abs();
        for (offset, due) in [(-6, true), (-5, true), (-4, false), (0, false), (60, false), (61, true)] {
            assert_eq!(is_due(at(offset), now), due, "{offset}");
        }
    }
}
