//! The rules: what a reservation needs, and what its outcome changes. No database, no time but what is passed in.

use std::time::Duration;

use super::names::Names;
use super::policy::{DefencePolicy, FactorLimits, reserved};
use super::{Factor, Limit};
use crate::storage::attempts::{Attempts, Counter, CounterKey, MAX_KNOWN_SOURCES};

/// After this without an outcome, an attempt counts as failed: whoever tried it has crashed. Longer than any request.
const LEASE_SECONDS: i64 = 330;
/// How long a source is known after a login from it.
pub(super) const KNOWN_FOR_SECONDS: i64 = 30 * 86_400;
/// How old the memory of a source gets before it is written again.
const KNOWN_RENEWAL_SECONDS: i64 = 86_400;

/// An attempt that was let through, to be settled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Charge {
    names: Names,
    /// The account's budget that it was taken from.
    pool: CounterKey,
    factor: Factor,
}

impl Charge {
    pub(super) fn names(&self) -> &Names {
        &self.names
    }
}

/// What a reservation got.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answer {
    Granted(Charge),
    /// Attempts are under way whose outcome decides.
    Busy,
    Refused {
        limit: Limit,
        seconds: u64,
    },
}

/// How an attempt came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settlement {
    Succeeded,
    Failed,
    Unused,
}

/// The rules at a moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ledger<'a> {
    pub(super) policy: &'a DefencePolicy,
    /// Seconds since 1970.
    pub(super) now: i64,
}

/// A limit on one counter.
#[derive(Clone, Copy)]
struct Bound {
    key: CounterKey,
    limit: u32,
    window: i64,
    what: Limit,
}

#[derive(Clone, Copy)]
enum Room {
    Free,
    Busy,
    /// Until then.
    Full(i64),
}

impl Ledger<'_> {
    /// Takes one attempt from every budget that it concerns, or from none.
    pub(super) fn reserve(&self, attempts: &mut Attempts, names: &Names, factor: Factor) -> Answer {
        let known = self.knows(attempts, names);
        let limits = self.policy.limits(factor);
        let pair = self.pair(names, limits);
        let source = self.source(names, known);
        let common = self.common(names, limits);
        // What is kept for known sources is theirs first, and then they are in the same boat as everybody.
        let pools = [self.reserved(names, limits), common];
        let pools = if known { &pools[..] } else { &pools[1..] };

        let mut full = Vec::new();
        let mut busy = false;
        let pool = self.pool(attempts, pools, names);
        match pool {
            Ok(_) => {}
            Err(Room::Full(ends_at)) => full.push((Limit::Account, ends_at)),
            Err(Room::Free | Room::Busy) => busy = true,
        }
        for bound in [&pair, &source] {
            match self.room(attempts, bound, names) {
                Room::Free => {}
                Room::Busy => busy = true,
                Room::Full(ends_at) => full.push((bound.what, ends_at)),
            }
        }
        if let Some((limit, _)) = full.first() {
            let ends_at = full.iter().map(|(_, ends_at)| *ends_at).max().unwrap_or(self.now);
            return Answer::Refused {
                limit: *limit,
                seconds: u64::try_from(ends_at - self.now).unwrap_or_default().max(1),
            };
        }
        let (Ok(pool), false) = (pool, busy) else {
            return Answer::Busy;
        };
        for bound in [&pair, &source, &pool] {
            self.charge(attempts, bound, names);
        }
        Answer::Granted(Charge {
            names: *names,
            pool: pool.key,
            factor,
        })
    }

    /// Takes note of an outcome. Counters that an operator removed meanwhile stay removed.
    pub(super) fn settle(&self, attempts: &mut Attempts, charge: &Charge, outcome: Settlement) {
        let limits = self.policy.limits(charge.factor);
        let names = &charge.names;
        // Whoever logs in has mistyped before: what this source got wrong at this account is forgiven, and nothing of
        // what others did. Of the source's failures nothing is: one good account would pay for any number of guesses.
        let forgiven = match outcome {
            Settlement::Succeeded => attempts.counter(names.pair).map_or(0, |counter| counter.failed),
            Settlement::Failed | Settlement::Unused => 0,
        };
        for (key, window, forgiven) in [
            (names.pair, seconds(limits.source_quiet), forgiven),
            (charge.pool, seconds(limits.account_quiet), forgiven),
            (names.source, seconds(self.policy.source_window), 0),
        ] {
            let Some(stored) = attempts.counter(key) else { continue };
            let mut counter = self.refreshed(stored, window);
            let forgiven = forgiven.min(counter.failed);
            match outcome {
                Settlement::Failed => {
                    if counter.failed < counter.used {
                        counter.failed += 1;
                    }
                    // A source's failures are forgotten at the end of its window, or a busy network never would be
                    // rid of them; an account's only after quiet.
                    if key != names.source {
                        counter.ends_at = self.now + window;
                    }
                }
                Settlement::Succeeded | Settlement::Unused => {
                    counter.failed -= forgiven;
                    counter.used = counter.used.saturating_sub(forgiven + 1).max(counter.failed);
                }
            }
            attempts.set_counter(key, counter);
        }
        if outcome == Settlement::Succeeded && charge.factor == Factor::Password {
            self.remember(attempts, names);
        }
    }

    fn knows(&self, attempts: &Attempts, names: &Names) -> bool {
        attempts
            .known_sources(names.account)
            .iter()
            .any(|(source, seen_at)| *source == names.known_source && self.is_recent(*seen_at, KNOWN_FOR_SECONDS))
    }

    fn remember(&self, attempts: &mut Attempts, names: &Names) {
        let mut sources = attempts.known_sources(names.account).to_vec();
        let fresh = sources
            .iter()
            .any(|(source, seen_at)| *source == names.known_source && self.is_recent(*seen_at, KNOWN_RENEWAL_SECONDS));
        if fresh {
            return;
        }
        sources.retain(|(source, _)| *source != names.known_source);
        sources.push((names.known_source, self.now));
        sources.sort_by_key(|(_, seen_at)| std::cmp::Reverse(*seen_at));
        sources.truncate(MAX_KNOWN_SOURCES);
        attempts.set_known_sources(names.account, sources);
    }

    /// Whether that was within `seconds`; not, when it is yet to come: the clock was wrong then.
    fn is_recent(&self, seen_at: i64, seconds: i64) -> bool {
        (0..seconds).contains(&(self.now - seen_at))
    }

    fn pair(&self, names: &Names, limits: &FactorLimits) -> Bound {
        Bound {
            key: names.pair,
            limit: limits.source_failures,
            window: seconds(limits.source_quiet),
            what: Limit::AccountFromSource,
        }
    }

    fn common(&self, names: &Names, limits: &FactorLimits) -> Bound {
        Bound {
            key: names.common,
            limit: limits.account_failures - reserved(limits.account_failures),
            window: seconds(limits.account_quiet),
            what: Limit::Account,
        }
    }

    fn reserved(&self, names: &Names, limits: &FactorLimits) -> Bound {
        Bound {
            key: names.reserved,
            limit: reserved(limits.account_failures),
            window: seconds(limits.account_quiet),
            what: Limit::Account,
        }
    }

    fn source(&self, names: &Names, known: bool) -> Bound {
        let limit = self.policy.source_failures;
        Bound {
            key: names.source,
            limit: if known { limit } else { limit - reserved(limit) },
            window: seconds(self.policy.source_window),
            what: Limit::Source,
        }
    }

    /// The first budget with room, or what has to happen before one has.
    fn pool(&self, attempts: &mut Attempts, pools: &[Bound], names: &Names) -> Result<Bound, Room> {
        let mut soonest = Room::Full(i64::MAX);
        for pool in pools {
            soonest = match (self.room(attempts, pool, names), soonest) {
                (Room::Free, _) => return Ok(*pool),
                (Room::Full(one), Room::Full(other)) => Room::Full(one.min(other)),
                _ => Room::Busy,
            };
        }
        Err(soonest)
    }

    fn room(&self, attempts: &mut Attempts, bound: &Bound, names: &Names) -> Room {
        let counter = match attempts.counter(bound.key) {
            Some(stored) => {
                let counter = self.refreshed(stored, bound.window);
                // A refusal writes nothing else; an end that a wrong clock wrote would stay.
                if counter.ends_at != stored.ends_at {
                    attempts.set_counter(bound.key, counter);
                }
                counter
            }
            None => self.fresh(attempts, bound, names),
        };
        if counter.failed >= bound.limit {
            Room::Full(counter.ends_at)
        } else if counter.used >= bound.limit {
            Room::Busy
        } else {
            Room::Free
        }
    }

    fn charge(&self, attempts: &mut Attempts, bound: &Bound, names: &Names) {
        let mut counter = match attempts.counter(bound.key) {
            Some(stored) => self.refreshed(stored, bound.window),
            None => self.fresh(attempts, bound, names),
        };
        if counter.ends_at <= self.now {
            counter.ends_at = self.now + bound.window;
        }
        counter.used += 1;
        counter.lease_ends_at = self.now + LEASE_SECONDS;
        attempts.set_counter(bound.key, counter);
    }

    /// A counter that is not in the table. It may have been given up for want of space: it begins no lower than it can
    /// have been.
    fn fresh(&self, attempts: &Attempts, bound: &Bound, names: &Names) -> Counter {
        let floor = attempts
            .counter(CounterKey::FLOOR)
            .filter(|floor| floor.ends_at > self.now)
            .map_or(0, |floor| floor.failed);
        Counter {
            used: floor,
            failed: floor,
            ends_at: self.now + bound.window,
            lease_ends_at: self.now,
            account: match bound.what {
                Limit::Source => 0,
                Limit::Account | Limit::AccountFromSource => names.account.0,
            },
        }
    }

    /// A counter as it is by now.
    fn refreshed(&self, mut counter: Counter, window: i64) -> Counter {
        // Times further away than they can be come from a clock that was wrong. They must not lock for ever.
        counter.ends_at = counter.ends_at.min(self.now + window);
        counter.lease_ends_at = counter.lease_ends_at.min(self.now + LEASE_SECONDS);
        if counter.lease_ends_at <= self.now && counter.failed < counter.used {
            counter.failed = counter.used;
            counter.ends_at = counter.ends_at.max(counter.lease_ends_at + window);
        }
        if counter.ends_at <= self.now {
            // Those under way stay: their outcome is still to come.
            counter.used -= counter.failed.min(counter.used);
            counter.failed = 0;
        }
        counter
    }
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX / 4)
}
