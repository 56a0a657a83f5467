//! Deltas and snapshots as they are signed.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::entry::Revocation;
use crate::encoding::base64url;
use crate::hash;

/// `typ` of a delta.
pub(super) const DELTA_TYPE: &str = "revocation-delta+jwt";
/// `typ` of a snapshot.
pub(super) const SNAPSHOT_TYPE: &str = "revocation-snapshot+jwt";

/// Where a feed is: after which delta.
///
/// A publisher keeps it beside what it publishes, so as to [resume](super::RevocationPublisher::resume) there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeedPosition {
    /// Names the feed. A new one begins when the issuer has lost its place.
    pub feed: String,
    /// The last delta's number; 0 before the first.
    pub seq: u64,
    /// SHA-256 of the last delta as it was sent; of the feed's name before the first.
    pub head: FeedDigest,
}

impl FeedPosition {
    pub(super) fn start(feed: String) -> Self {
        let head = FeedDigest::of(&feed);
        Self { feed, seq: 0, head }
    }

    /// The position after `delta`, whose number is `seq`.
    pub(super) fn after(&self, seq: u64, delta: &str) -> Self {
        Self {
            feed: self.feed.clone(),
            seq,
            head: FeedDigest::of(delta),
        }
    }
}

/// A SHA-256 digest, base64url in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedDigest([u8; 32]);

impl FeedDigest {
    fn of(text: &str) -> Self {
        Self(hash::sha256(text.as_bytes()))
    }
}

impl Serialize for FeedDigest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&base64url::encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for FeedDigest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        base64url::decode(&text)
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("not a SHA-256 digest in base64url"))
    }
}

/// What a delta says: these revocations follow upon the delta with the digest `prev`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Delta {
    pub(super) iss: String,
    pub(super) feed: String,
    pub(super) seq: u64,
    pub(super) prev: FeedDigest,
    pub(super) iat: u64,
    pub(super) next: u64,
    pub(super) entries: Vec<Revocation>,
}

/// What a snapshot says: this is all that is revoked after the delta with the digest `head`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Snapshot {
    pub(super) iss: String,
    pub(super) feed: String,
    pub(super) seq: u64,
    pub(super) head: FeedDigest,
    pub(super) iat: u64,
    pub(super) next: u64,
    pub(super) entries: Vec<Revocation>,
}
