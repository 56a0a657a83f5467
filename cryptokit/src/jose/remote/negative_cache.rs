//! `kid`s that were looked for and not found, a bounded number of them for a bounded time.

use std::collections::VecDeque;
use std::time::Duration;

/// The oldest first. Short enough that a search through all of it costs less than the hash of one `kid`.
#[derive(Debug, Default)]
pub(super) struct NegativeCache {
    entries: VecDeque<(String, Duration)>,
}

impl NegativeCache {
    /// Longest `kid` that is looked for at all; a thumbprint has 43 bytes.
    pub(super) const MAX_KID_LEN: usize = 128;

    pub(super) fn holds(&mut self, kid: &str, now: Duration) -> bool {
        // All entries live equally long, so they expire in their order.
        while self.entries.front().is_some_and(|(_, until)| *until <= now) {
            self.entries.pop_front();
        }
        self.entries.iter().any(|(known, _)| known == kid)
    }

    pub(super) fn insert(&mut self, kid: String, until: Duration, max_entries: usize) {
        self.entries.retain(|(known, _)| *known != kid);
        while self.entries.len() >= max_entries {
            self.entries.pop_front();
        }
        self.entries.push_back((kid, until));
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}
