//! How many refusals get a row of their own, and the sums of the others.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use authsvc_core::audit::chain::network_of;
use serde_json::{Value, json};
use time::OffsetDateTime;

/// Pairs of reason and source that are counted apart; the rest is one sum.
const MAX_PAIRS: usize = 64;
const WINDOW: Duration = Duration::from_secs(60);

/// Counts refusals.
#[derive(Debug)]
pub(super) struct Excess {
    per_minute: u64,
    window_began: OffsetDateTime,
    in_window: u64,
    pairs: BTreeMap<(&'static str, String), u64>,
    others: u64,
}

impl Excess {
    pub(super) fn new(per_minute: u64) -> Self {
        Self {
            per_minute,
            window_began: OffsetDateTime::UNIX_EPOCH,
            in_window: 0,
            pairs: BTreeMap::new(),
            others: 0,
        }
    }

    /// Whether this one gets a row; if not, it is counted.
    pub(super) fn gets_row(&mut self, now: OffsetDateTime, reason: &'static str, source: Option<IpAddr>) -> bool {
        // A clock that was set back begins a new window, too.
        if now < self.window_began || now - self.window_began >= WINDOW {
            self.window_began = now;
            self.in_window = 0;
        }
        if self.in_window < self.per_minute {
            self.in_window += 1;
            return true;
        }
        let pair = (reason, source.map(network_of).unwrap_or_default());
        if self.pairs.contains_key(&pair) || self.pairs.len() < MAX_PAIRS {
            *self.pairs.entry(pair).or_default() += 1;
        } else {
            self.others += 1;
        }
        false
    }

    /// The sums since the last call.
    pub(super) fn take(&mut self) -> Option<Value> {
        if self.pairs.is_empty() {
            return None;
        }
        let pairs = std::mem::take(&mut self.pairs);
        let sums: Vec<Value> = pairs
            .into_iter()
            .map(|((reason, network), count)| json!({ "reason": reason, "network": network, "count": count }))
            .collect();
        Some(json!({ "sums": sums, "others": std::mem::take(&mut self.others) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_leaves_a_bounded_number_of_rows_and_exact_sums() {
        let mut excess = Excess::new(3);
        let start = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
        let mut rows = 0;
        for number in 0..1000_u32 {
            let source = IpAddr::from([10, 0, (number / 256) as u8, (number % 256) as u8]);
            rows += u32::from(excess.gets_row(start, "wrong_password", Some(source)));
        }
        assert_eq!(rows, 3);
        let sums = excess.take().unwrap();
        assert_eq!(sums["sums"].as_array().unwrap().len(), MAX_PAIRS);
        assert_eq!(sums["others"], 1000 - 3 - MAX_PAIRS);
        assert!(excess.take().is_none());
        assert!(!excess.gets_row(start + Duration::from_secs(59), "x", None));
        assert!(excess.gets_row(start + Duration::from_secs(60), "x", None));
        assert!(excess.gets_row(start, "x", None), "the clock was set back");
    }
}
