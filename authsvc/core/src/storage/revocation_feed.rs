//! The published feed of revocations: where it is, and its last documents.

use async_trait::async_trait;
use cryptokit::jose::FeedPosition;
use time::OffsetDateTime;

use super::StoreError;

/// Where the feed is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedHead {
    /// After which delta.
    pub position: FeedPosition,
    /// When that delta says it was issued, in seconds since 1970.
    pub issued_at: u64,
    /// The last revocation that is in the feed; none with a smaller number is missing.
    pub number: u64,
}

impl FeedHead {
    /// Whether a feed may begin here when the one before it is at `former`, and was last seen at `seen`. By the time of
    /// their documents verifiers tell which of two feeds came later.
    pub fn may_begin_after(&self, former: Option<&Self>, seen: Option<&FeedPosition>) -> bool {
        former.is_none_or(|former| Some(&former.position) == seen || former.issued_at < self.issued_at)
    }
}

/// The keyset whose key signed a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedUnder<'a> {
    /// Its name.
    pub keyset: &'a str,
    /// Its version then.
    pub version: u64,
}

/// What became of a delta.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Publication {
    /// It is published.
    Done,
    /// The feed was not where it was thought to be: somebody else has published.
    FeedMoved,
    /// The keyset has another version: the key that signed may be revoked.
    KeysChanged,
}

/// The feed.
#[async_trait]
pub trait RevocationFeedStore: Send + Sync {
    /// Where the feed is; `None` before its first delta.
    async fn feed_head(&self) -> Result<Option<FeedHead>, StoreError>;

    /// Keeps a delta under its number and moves the feed to `head`, if it still is at `from` and its keyset at the version
    /// it was signed under, both until the delta is there. Of all that publish the same number one succeeds.
    async fn publish_delta(
        &self,
        signed: SignedUnder<'_>,
        from: Option<&FeedPosition>,
        head: &FeedHead,
        delta: &str,
    ) -> Result<Publication, StoreError>;

    /// Replaces the feed's keyset if it still has the version it had, removes all deltas that there are, and begins another
    /// feed with `delta`, if the one before is still at `from` or began and went on earlier than `head` all the same: all of
    /// it or nothing, and which.
    async fn begin_feed_under(
        &self,
        former: SignedUnder<'_>,
        from: Option<&FeedPosition>,
        sealed: &str,
        head: &FeedHead,
        delta: &str,
    ) -> Result<bool, StoreError>;

    /// The delta of that number, as it was signed, if it is still kept.
    async fn delta(&self, seq: u64) -> Result<Option<String>, StoreError>;

    /// Removes deltas issued before a moment, but never the last one; how many.
    async fn prune_deltas(&self, before: OffsetDateTime) -> Result<u64, StoreError>;
}
