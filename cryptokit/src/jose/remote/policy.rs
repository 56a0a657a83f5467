//! The times and bounds of [`RemoteKeys`](super::RemoteKeys).

use std::time::Duration;

use crate::jose::JwkSet;

/// When a foreign key set is fetched, and how long it is good.
///
/// `Default` suits an issuer that publishes a key some minutes before it signs with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteKeysPolicy {
    /// Least time between the starts of two fetches, whatever happened to the first. Default 30 s, at least
    /// [`MIN_COOLDOWN`](Self::MIN_COOLDOWN).
    pub cooldown: Duration,
    /// A fetch that has not been reported on after this time is given up, and its report ignored. Default 10 s.
    pub fetch_timeout: Duration,
    /// Shortest time for which a set is fresh, whatever `max-age` says. Default 1 min.
    pub min_fresh: Duration,
    /// Time for which a set is fresh when the answer does not say. Default 5 min.
    pub default_fresh: Duration,
    /// Longest time for which a set is fresh, whatever `max-age` says. Default 1 h.
    pub max_fresh: Duration,
    /// How long a set is still used after it ceased to be fresh, while fetching fails. Then nothing verifies any more.
    /// Default 24 h. It is also how long a revoked key may go on verifying if somebody keeps the issuer unreachable.
    pub max_stale: Duration,
    /// For how long a `kid` that a fetched set did not hold is refused without another fetch. Default 5 min.
    pub unknown_for: Duration,
    /// How many such `kid`s are remembered; the oldest gives way. Default 256, at most
    /// [`MAX_UNKNOWN`](Self::MAX_UNKNOWN).
    pub max_unknown: usize,
    /// Longest accepted document in bytes. Default and at most [`JwkSet::MAX_LEN`].
    pub max_document_len: usize,
}

impl RemoteKeysPolicy {
    /// Shortest cooldown: what keeps strangers' tokens from becoming requests to the issuer.
    pub const MIN_COOLDOWN: Duration = Duration::from_secs(1);
    /// Most unknown `kid`s that are remembered.
    pub const MAX_UNKNOWN: usize = 4096;

    /// The policy with every bound in its range: a mistaken setting makes the machine careful, not unsafe.
    pub(super) fn within_bounds(mut self) -> Self {
        self.cooldown = self.cooldown.max(Self::MIN_COOLDOWN);
        self.max_unknown = self.max_unknown.clamp(1, Self::MAX_UNKNOWN);
        self.max_document_len = self.max_document_len.min(JwkSet::MAX_LEN);
        self.max_fresh = self.max_fresh.max(self.min_fresh);
        self
    }

    pub(super) fn fresh_for(&self, max_age: Option<Duration>) -> Duration {
        max_age
            .unwrap_or(self.default_fresh)
            .clamp(self.min_fresh, self.max_fresh)
    }
}

impl Default for RemoteKeysPolicy {
    fn default() -> Self {
        Self {
            cooldown: Duration::from_secs(30),
            fetch_timeout: Duration::from_secs(10),
            min_fresh: Duration::from_secs(60),
            default_fresh: Duration::from_secs(5 * 60),
            max_fresh: Duration::from_secs(60 * 60),
            max_stale: Duration::from_secs(24 * 60 * 60),
            unknown_for: Duration::from_secs(5 * 60),
            max_unknown: 256,
            max_document_len: JwkSet::MAX_LEN,
        }
    }
}
