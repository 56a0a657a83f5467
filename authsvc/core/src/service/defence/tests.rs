//! The rules over counters in memory, at times of choice.

use cryptokit::keyed_digest::DigestKey;

use super::ledger::{Answer, Charge, Ledger, Settlement};
use super::names::Names;
use super::*;
use crate::storage::attempts::{Attempts, Counter, CounterKey};

const START: i64 = 1_800_000_000;
const DAY: i64 = 86_400;

struct Table {
    key: DigestKey,
    policy: DefencePolicy,
    attempts: Attempts,
    now: i64,
}

impl Table {
    fn new() -> Self {
        Self {
            key: DigestKey::generate(),
            policy: DefencePolicy::default(),
            attempts: Attempts::default(),
            now: START,
        }
    }

    fn names(&self, account: &str, source: &str) -> Names {
        let account = account.parse().unwrap();
        Names::of(&self.key, &account, Some(source.parse().unwrap()), Factor::Password)
    }

    fn reserve(&mut self, account: &str, source: &str) -> Answer {
        let names = self.names(account, source);
        let ledger = Ledger {
            policy: &self.policy,
            now: self.now,
        };
        ledger.reserve(&mut self.attempts, &names, Factor::Password)
    }

    fn granted(&mut self, account: &str, source: &str) -> Charge {
        match self.reserve(account, source) {
            Answer::Granted(charge) => charge,
            other => panic!("{account} from {source}: {other:?}"),
        }
    }

    fn settle(&mut self, charge: &Charge, outcome: Settlement) {
        let ledger = Ledger {
            policy: &self.policy,
            now: self.now,
        };
        ledger.settle(&mut self.attempts, charge, outcome);
    }

    /// One wrong password; whether it was let through.
    fn fail(&mut self, account: &str, source: &str) -> bool {
        match self.reserve(account, source) {
            Answer::Granted(charge) => {
                self.settle(&charge, Settlement::Failed);
                true
            }
            Answer::Refused { .. } => false,
            Answer::Busy => panic!("nothing is under way"),
        }
    }

    fn succeed(&mut self, account: &str, source: &str) {
        let charge = self.granted(account, source);
        self.settle(&charge, Settlement::Succeeded);
    }

    /// Wrong passwords until none is let through; how many were.
    fn fail_until_refused(&mut self, account: &str, source: &str) -> u32 {
        (0..1000).take_while(|_| self.fail(account, source)).count() as u32
    }

    /// The limit that refuses, and for how long.
    fn refusal(&mut self, account: &str, source: &str) -> (Limit, u64) {
        match self.reserve(account, source) {
            Answer::Refused { limit, seconds } => (limit, seconds),
            other => panic!("{account} from {source}: {other:?}"),
        }
    }
}

#[test]
fn a_source_gets_ten_guesses_at_an_account_and_ten_more_after_a_quarter_of_an_hour_of_quiet() {
    let mut table = Table::new();
    assert_eq!(table.fail_until_refused("a@b.cd", "192.0.2.1"), 10);
    assert_eq!(table.refusal("a@b.cd", "192.0.2.1"), (Limit::AccountFromSource, 900));
    table.now += 899;
    assert_eq!(table.refusal("a@b.cd", "192.0.2.1"), (Limit::AccountFromSource, 1));
    table.now += 1;
    assert_eq!(table.fail_until_refused("a@b.cd", "192.0.2.1"), 10);
    assert!(table.fail("c@b.cd", "192.0.2.1"), "another account");
    assert!(table.fail("a@b.cd", "192.0.2.2"), "another source");
}

#[test]
fn l5_strangers_together_get_eighty_and_a_known_source_twenty_more_and_never_over_a_hundred() {
    let mut table = Table::new();
    table.succeed("a@b.cd", "198.51.100.1");
    let strangers: u32 = (1..=50)
        .map(|host| table.fail_until_refused("a@b.cd", &format!("203.0.113.{host}")))
        .sum();
    assert_eq!(strangers, 80);
    assert_eq!(table.refusal("a@b.cd", "203.0.113.99").0, Limit::Account);
    table.succeed("a@b.cd", "198.51.100.1");
    let mut known = table.fail_until_refused("a@b.cd", "198.51.100.1");
    table.now += 900;
    known += table.fail_until_refused("a@b.cd", "198.51.100.1");
    table.now += 900;
    assert_eq!(known, 20);
    assert_eq!(table.refusal("a@b.cd", "198.51.100.1").0, Limit::Account);
    assert_eq!(strangers + known, DefencePolicy::MAX_ACCOUNT_FAILURES);
    // A day after the last one it begins anew, without an operator.
    table.now += DAY;
    assert!(table.fail("a@b.cd", "203.0.113.1") && table.fail("a@b.cd", "198.51.100.1"));
}

#[test]
fn in_no_day_are_there_more_than_a_hundred_however_they_are_spread() {
    let mut table = Table::new();
    let mut failures: Vec<i64> = Vec::new();
    for round in 0..2000 {
        let source = format!("10.0.{}.{}", round / 200, round % 200);
        if table.fail("a@b.cd", &source) {
            failures.push(table.now);
        }
        // Somebody who logs in all the while gives nobody more guesses.
        if round % 7 == 0 && table.now < START + DAY {
            table.succeed("a@b.cd", "198.51.100.1");
        }
        table.now += 150;
    }
    for begin in &failures {
        let within = failures.iter().filter(|at| (*begin..begin + DAY).contains(at)).count();
        assert!(within <= 100, "{within} from {begin} on");
    }
    assert!(failures.len() > 100, "a lock ends by itself: {}", failures.len());
}

#[test]
fn a_success_forgives_its_own_source_and_nobody_else() {
    let mut table = Table::new();
    for _ in 0..9 {
        assert!(table.fail("a@b.cd", "192.0.2.1"));
    }
    for _ in 0..5 {
        assert!(table.fail("a@b.cd", "192.0.2.2"));
    }
    table.succeed("a@b.cd", "192.0.2.1");
    assert_eq!(table.fail_until_refused("a@b.cd", "192.0.2.1"), 10, "forgiven");
    assert_eq!(table.fail_until_refused("a@b.cd", "192.0.2.2"), 5, "not forgiven");
    let common = table.names("a@b.cd", "192.0.2.9").common;
    let reserved = table.names("a@b.cd", "192.0.2.9").reserved;
    let used = |table: &Table, key| table.attempts.counter(key).map_or(0, |counter| counter.used);
    assert_eq!((used(&table, common), used(&table, reserved)), (10, 10));
}

#[test]
fn l6_a_good_login_between_guesses_gives_the_source_no_more_of_them() {
    let mut table = Table::new();
    let mut guesses = 0;
    for account in 0..1000 {
        if table.fail(&format!("u{account}@b.cd"), "192.0.2.1") {
            guesses += 1;
        }
        if account % 3 == 0 && guesses < 200 {
            table.succeed("mallory@b.cd", "192.0.2.1");
        }
    }
    assert_eq!(guesses, 240);
    assert_eq!(table.refusal("v@b.cd", "192.0.2.1").0, Limit::Source);
    // Accounts that know the source have the rest.
    table.succeed("mallory@b.cd", "192.0.2.1");
    table.now += 3600;
    assert!(table.fail("v@b.cd", "192.0.2.1"));
}

#[test]
fn what_is_under_way_makes_others_wait_and_not_fail() {
    let mut table = Table::new();
    let under_way: Vec<Charge> = (0..10).map(|_| table.granted("a@b.cd", "192.0.2.1")).collect();
    assert!(matches!(table.reserve("a@b.cd", "192.0.2.1"), Answer::Busy));
    table.settle(&under_way[0], Settlement::Succeeded);
    let next = table.granted("a@b.cd", "192.0.2.1");
    table.settle(&next, Settlement::Unused);
    for charge in &under_way[1..] {
        table.settle(charge, Settlement::Failed);
    }
    assert_eq!(table.fail_until_refused("a@b.cd", "192.0.2.1"), 1);
}

#[test]
fn a_crashed_replicas_reservations_count_as_failed_and_then_end() {
    let mut table = Table::new();
    let lost: Vec<Charge> = (0..10).map(|_| table.granted("a@b.cd", "192.0.2.1")).collect();
    table.now += 329;
    assert!(matches!(table.reserve("a@b.cd", "192.0.2.1"), Answer::Busy));
    table.now += 1;
    assert_eq!(table.refusal("a@b.cd", "192.0.2.1"), (Limit::AccountFromSource, 900));
    table.now += 900;
    assert_eq!(table.fail_until_refused("a@b.cd", "192.0.2.1"), 10);
    drop(lost);
}

#[test]
fn a_clock_that_steps_locks_for_no_longer_than_a_window_and_unlocks_nobody_for_good() {
    let mut table = Table::new();
    // A year ahead, then back: what was written then must not hold for a year.
    table.now += 365 * DAY;
    table.fail_until_refused("a@b.cd", "192.0.2.1");
    let lost = table.granted("b@b.cd", "192.0.2.1");
    table.now = START;
    assert_eq!(table.refusal("a@b.cd", "192.0.2.1"), (Limit::AccountFromSource, 900));
    table.now += 900;
    assert!(table.fail("a@b.cd", "192.0.2.1"));
    table.settle(&lost, Settlement::Failed);

    // Back by a year: still locked, and for no longer than from now on.
    let mut table = Table::new();
    table.fail_until_refused("a@b.cd", "192.0.2.1");
    table.now -= 365 * DAY;
    assert_eq!(table.refusal("a@b.cd", "192.0.2.1"), (Limit::AccountFromSource, 900));
    table.now += 900;
    assert_eq!(
        table.fail_until_refused("a@b.cd", "192.0.2.1"),
        10,
        "one budget, not more"
    );
    // Known sources of a future that never came are not known.
    table.now += 40 * DAY;
    table.succeed("a@b.cd", "192.0.2.1");
    table.now -= 40 * DAY;
    for host in 1..=50 {
        table.fail_until_refused("a@b.cd", &format!("203.0.113.{host}"));
    }
    assert_eq!(table.refusal("a@b.cd", "192.0.2.1").0, Limit::Account);
}

#[test]
fn five_sources_are_known_the_latest_ones_and_for_thirty_days() {
    let mut table = Table::new();
    for host in 1..=6 {
        table.succeed("a@b.cd", &format!("198.51.100.{host}"));
        table.now += 2 * DAY;
    }
    for host in 1..=50 {
        table.fail_until_refused("a@b.cd", &format!("203.0.113.{host}"));
    }
    assert_eq!(
        table.refusal("a@b.cd", "198.51.100.1").0,
        Limit::Account,
        "the sixth last"
    );
    table.succeed("a@b.cd", "198.51.100.2");
    table.now += 30 * DAY;
    for host in 1..=50 {
        table.fail_until_refused("a@b.cd", &format!("203.0.113.{host}"));
    }
    assert_eq!(
        table.refusal("a@b.cd", "198.51.100.2").0,
        Limit::Account,
        "too long ago"
    );
}

#[test]
fn whoever_was_given_up_for_want_of_space_begins_no_lower() {
    let mut table = Table::new();
    table.fail_until_refused("a@b.cd", "192.0.2.1");
    let floor = Counter {
        used: 10,
        failed: 10,
        ends_at: START + DAY,
        ..Counter::default()
    };
    let mut swept = Attempts::default();
    swept.set_counter(CounterKey::FLOOR, floor);
    table.attempts = swept;
    assert_eq!(table.refusal("a@b.cd", "192.0.2.1").0, Limit::AccountFromSource);
    table.now += DAY;
    assert!(table.fail("a@b.cd", "192.0.2.1"), "the floor ends too");
}

#[test]
fn factors_have_budgets_of_their_own_and_networks_are_one_source() {
    let mut table = Table::new();
    table.fail_until_refused("a@b.cd", "2001:db8:1:2::1");
    assert_eq!(
        table.refusal("a@b.cd", "2001:db8:1:2:ffff::9").0,
        Limit::AccountFromSource
    );
    assert!(table.fail("a@b.cd", "2001:db8:1:3::1"));
    table.fail_until_refused("a@b.cd", "192.0.2.1");
    assert_eq!(table.refusal("a@b.cd", "::ffff:192.0.2.1").0, Limit::AccountFromSource);

    let account: EmailAddress = "a@b.cd".parse().unwrap();
    let names = Names::of(
        &table.key,
        &account,
        Some("192.0.2.1".parse().unwrap()),
        Factor::SecondFactor,
    );
    let ledger = Ledger {
        policy: &table.policy,
        now: table.now,
    };
    let answer = ledger.reserve(&mut table.attempts, &names, Factor::SecondFactor);
    assert!(matches!(answer, Answer::Granted(_)), "{answer:?}");
}
