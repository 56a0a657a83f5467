//! Counters of failed logins, shared by all replicas.
//!
//! A store keeps numbers under keys and knows nothing of what they count: the rules are in
//! [`service::defence`](crate::service::defence), once for all databases.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use async_trait::async_trait;

use super::StoreError;

/// Most sources that are remembered for one account.
pub const MAX_KNOWN_SOURCES: usize = 5;

/// Names a counter: 64 bits of a keyed digest, so that the table lists nobody's address. Two names share one with a
/// probability of 2⁻⁴⁴ among a million.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CounterKey(pub i64);

impl CounterKey {
    /// Where the table remembers how far the largest counter had come that it gave up for want of space. No digest has
    /// this value.
    pub const FLOOR: Self = Self(0);
}

/// Attempts that were let through and not yet forgiven or forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counter {
    /// Those that failed, and those whose outcome is not known yet.
    pub used: u32,
    /// Those that failed.
    pub failed: u32,
    /// When the failures are forgotten, in seconds since 1970.
    pub ends_at: i64,
    /// When those without an outcome count as failed, in seconds since 1970: whoever tried them has crashed.
    pub lease_ends_at: i64,
    /// The account that is concerned, so that an operator can unlock it; 0 where it is none.
    pub account: i64,
}

/// Which part of the counters a change is about.
#[derive(Clone, Debug, Default)]
pub struct AttemptScope {
    /// The counters, beside [`CounterKey::FLOOR`], which is always there.
    pub counters: BTreeSet<CounterKey>,
    /// The accounts whose known sources matter.
    pub accounts: BTreeSet<CounterKey>,
}

/// That part, as it is in the database, and what becomes of it.
#[derive(Clone, Debug, Default)]
pub struct Attempts {
    counters: BTreeMap<CounterKey, Counter>,
    changed_counters: BTreeSet<CounterKey>,
    /// By account: its sources, and when each was last logged in from.
    known_sources: BTreeMap<CounterKey, Vec<(CounterKey, i64)>>,
    changed_accounts: BTreeSet<CounterKey>,
}

impl Attempts {
    /// What a store has loaded.
    pub fn loaded(
        counters: impl IntoIterator<Item = (CounterKey, Counter)>,
        known_sources: impl IntoIterator<Item = (CounterKey, CounterKey, i64)>,
    ) -> Self {
        let mut attempts = Self {
            counters: counters.into_iter().collect(),
            ..Self::default()
        };
        for (account, source, seen_at) in known_sources {
            let sources = attempts.known_sources.entry(account).or_default();
            sources.push((source, seen_at));
        }
        attempts
    }

    /// A counter, if there is one.
    pub fn counter(&self, key: CounterKey) -> Option<Counter> {
        self.counters.get(&key).copied()
    }

    /// Makes or changes a counter. The same value is no change.
    pub fn set_counter(&mut self, key: CounterKey, counter: Counter) {
        if self.counters.insert(key, counter) != Some(counter) {
            self.changed_counters.insert(key);
        }
    }

    /// The sources an account has logged in from, and when it last did.
    pub fn known_sources(&self, account: CounterKey) -> &[(CounterKey, i64)] {
        self.known_sources.get(&account).map_or(&[], Vec::as_slice)
    }

    /// Replaces an account's known sources.
    pub fn set_known_sources(&mut self, account: CounterKey, sources: Vec<(CounterKey, i64)>) {
        self.known_sources.insert(account, sources);
        self.changed_accounts.insert(account);
    }

    /// The counters that a store has to write.
    pub fn changed_counters(&self) -> impl Iterator<Item = (CounterKey, Counter)> {
        self.changed_counters
            .iter()
            .filter_map(|key| Some((*key, self.counter(*key)?)))
    }

    /// The accounts whose known sources a store has to replace.
    pub fn changed_accounts(&self) -> impl Iterator<Item = (CounterKey, &[(CounterKey, i64)])> {
        self.changed_accounts
            .iter()
            .map(|account| (*account, self.known_sources(*account)))
    }

    /// Whether there is nothing to write.
    pub fn is_unchanged(&self) -> bool {
        self.changed_counters.is_empty() && self.changed_accounts.is_empty()
    }
}

/// What is decided about a part of the counters. Called again, with what is loaded then, when a database asks for a
/// transaction to be repeated.
pub type AttemptChange<'a> = &'a mut (dyn FnMut(&mut Attempts) + Send);

/// A part of the table to clear.
#[derive(Clone, Debug)]
pub struct SweepOrder {
    /// The keys looked at. Keys are evenly spread, so that a range stands for the whole.
    pub keys: RangeInclusive<i64>,
    /// Seconds since 1970.
    pub now: i64,
    /// No counter ends later than this: one that says so was written by a clock that was wrong.
    pub latest_end: i64,
    /// Known sources last seen before this are forgotten.
    pub known_sources_before: i64,
    /// How many counters may stay in the range.
    pub keep: u64,
}

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Counters that had ended.
    pub ended: u64,
    /// Counters given up for want of space.
    pub evicted: u64,
    /// Counters that stay in the range.
    pub kept: u64,
}

/// Counters of attempts.
#[async_trait]
pub trait AttemptStore: Send + Sync {
    /// Loads a part, has it changed and writes it back, in one transaction that no other change of the same part runs
    /// beside.
    async fn change_attempts(&self, scope: &AttemptScope, change: AttemptChange<'_>) -> Result<(), StoreError>;

    /// Removes the counters and known sources of an account.
    async fn forget_account(&self, account: CounterKey) -> Result<(), StoreError>;

    /// Removes an account's known sources.
    async fn forget_known_sources(&self, account: CounterKey) -> Result<(), StoreError>;

    /// Removes what has ended, then the smallest counters where there are more than may stay.
    ///
    /// Where some are given up, [`CounterKey::FLOOR`] is raised to the largest of them, and ends at
    /// [`SweepOrder::latest_end`].
    async fn sweep_attempts(&self, order: &SweepOrder) -> Result<Swept, StoreError>;
}
