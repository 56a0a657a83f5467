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

/// The feed.
#[async_trait]
pub trait RevocationFeedStore: Send + Sync {
    /// Where the feed is; `None` before its first delta.
    async fn feed_head(&self) -> Result<Option<FeedHead>, StoreError>;

    /// Keeps a delta under its number and moves the feed to `head`, if it still is at `from`; whether it was. Of all that
    /// publish the same number one succeeds.
    async fn publish_delta(
        &self,
        from: Option<&FeedPosition>,
        head: &FeedHead,
        delta: &str,
    ) -> Result<bool, StoreError>;

    /// The delta of that number, as it was signed, if it is still kept.
    async fn delta(&self, seq: u64) -> Result<Option<String>, StoreError>;

    /// Removes deltas issued before a moment, but never the last one; how many.
    async fn prune_deltas(&self, before: OffsetDateTime) -> Result<u64, StoreError>;
}
