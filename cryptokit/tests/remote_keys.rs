//! The machine that decides when a foreign key set is fetched: its rules one by one, and any sequence of events against
//! a model.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

use std::collections::BTreeSet;
use std::time::Duration;

use cryptokit::Provider;
use cryptokit::encoding::base64url;
use cryptokit::jose::{Fetch, FetchError, FetchOutcome, JwkSet, KeyRefusal, KeyStep, RemoteKeys, RemoteKeysPolicy};
use proptest::prelude::*;

const SECOND: Duration = Duration::from_secs(1);

fn policy() -> RemoteKeysPolicy {
    RemoteKeysPolicy {
        cooldown: 30 * SECOND,
        fetch_timeout: 10 * SECOND,
        min_fresh: 60 * SECOND,
        default_fresh: 120 * SECOND,
        max_fresh: 240 * SECOND,
        max_stale: 300 * SECOND,
        unknown_for: 90 * SECOND,
        max_unknown: 3,
        max_document_len: 16 * 1024,
    }
}

fn machine() -> RemoteKeys {
    RemoteKeys::new(Provider::default(), policy())
}

/// A set with keys of these `kid`s. Any odd number of 2048 bits is a modulus that nobody can sign for.
fn document(kids: &BTreeSet<&str>) -> Vec<u8> {
    let mut modulus = vec![0xc5; 256];
    modulus[255] = 0x0d;
    let n = base64url::encode(&modulus);
    let keys: Vec<_> = kids
        .iter()
        .map(|kid| format!(r#"{{"kty":"RSA","use":"sig","alg":"RS256","kid":"{kid}","n":"{n}","e":"AQAB"}}"#))
        .collect();
    format!(r#"{{"keys":[{}]}}"#, keys.join(",")).into_bytes()
}

fn set(kids: &[&'static str]) -> BTreeSet<&'static str> {
    kids.iter().copied().collect()
}

fn must_fetch(keys: &mut RemoteKeys, kid: &str, now: Duration) -> Fetch {
    match keys.step(kid, now) {
        KeyStep::Fetch(fetch) => fetch,
        other => panic!("{other:?}"),
    }
}

fn deliver(keys: &mut RemoteKeys, fetch: Fetch, kids: &[&'static str], now: Duration) {
    let body = document(&set(kids));
    let outcome = FetchOutcome::Document {
        body: &body,
        etag: Some("\"v1\""),
        max_age: None,
    };
    keys.complete(fetch, outcome, now).unwrap();
}

fn verifies(keys: &mut RemoteKeys, kid: &str, now: Duration) -> bool {
    matches!(keys.step(kid, now), KeyStep::Verify { .. })
}

#[test]
fn an_unknown_kid_is_fetched_for_once_then_remembered_then_asked_for_again() {
    let mut keys = machine();
    let fetch = must_fetch(&mut keys, "a", Duration::ZERO);
    deliver(&mut keys, fetch, &["a"], SECOND);
    assert!(verifies(&mut keys, "a", SECOND));

    assert!(
        matches!(keys.step("b", 2 * SECOND), KeyStep::Refuse(KeyRefusal::UnknownKey)),
        "within the cooldown"
    );
    let fetch = must_fetch(&mut keys, "b", 30 * SECOND);
    deliver(&mut keys, fetch, &["a"], 31 * SECOND);
    for now in [31, 61, 120] {
        assert!(
            matches!(keys.step("b", now * SECOND), KeyStep::Refuse(KeyRefusal::UnknownKey)),
            "remembered"
        );
    }
    let fetch = must_fetch(&mut keys, "b", 121 * SECOND);
    deliver(&mut keys, fetch, &["a", "b"], 121 * SECOND);
    assert!(verifies(&mut keys, "b", 121 * SECOND));
}

#[test]
fn only_one_fetch_is_under_way_and_others_wait_for_it() {
    let mut keys = machine();
    let fetch = must_fetch(&mut keys, "a", Duration::ZERO);
    for kid in ["a", "b", ""] {
        assert!(matches!(keys.step(kid, 9 * SECOND), KeyStep::Wait { until } if until == 10 * SECOND));
    }
    // Given up at 10 s; the next may start when the cooldown is over, and the late report counts for nothing.
    assert!(matches!(
        keys.step("a", 10 * SECOND),
        KeyStep::Refuse(KeyRefusal::Unavailable { retry_at }) if retry_at == 30 * SECOND
    ));
    let next = must_fetch(&mut keys, "a", 30 * SECOND);
    let late = keys.complete(fetch, FetchOutcome::Failed, 30 * SECOND);
    assert_eq!(late, Err(FetchError::TooLate));
    assert!(matches!(keys.step("a", 31 * SECOND), KeyStep::Wait { .. }));
    deliver(&mut keys, next, &["a"], 31 * SECOND);
    assert!(verifies(&mut keys, "a", 31 * SECOND));
}

#[test]
fn a_key_that_disappears_stops_verifying() {
    let mut keys = machine();
    let fetch = must_fetch(&mut keys, "a", Duration::ZERO);
    deliver(&mut keys, fetch, &["a", "b"], Duration::ZERO);
    assert!(verifies(&mut keys, "b", SECOND));
    let fetch = must_fetch(&mut keys, "c", 30 * SECOND);
    deliver(&mut keys, fetch, &["a"], 30 * SECOND);
    assert!(!verifies(&mut keys, "b", 30 * SECOND));
    assert!(verifies(&mut keys, "a", 30 * SECOND));
}

#[test]
fn a_stale_set_is_refreshed_beside_the_verification_and_ends_at_the_limit() {
    let mut keys = machine();
    let fetch = must_fetch(&mut keys, "a", Duration::ZERO);
    deliver(&mut keys, fetch, &["a"], Duration::ZERO);
    assert!(matches!(
        keys.step("a", 119 * SECOND),
        KeyStep::Verify { refresh: None, .. }
    ));
    let KeyStep::Verify {
        refresh: Some(refresh), ..
    } = keys.step("a", 120 * SECOND)
    else {
        panic!("a refresh is due")
    };
    assert_eq!(refresh.etag(), Some("\"v1\""));
    assert!(
        matches!(keys.step("a", 120 * SECOND), KeyStep::Verify { refresh: None, .. }),
        "one at a time"
    );
    let failed = keys.complete(refresh, FetchOutcome::Failed, 121 * SECOND);
    assert_eq!(failed, Err(FetchError::Failed));

    assert!(verifies(&mut keys, "a", 419 * SECOND), "stale if error");
    let refused = keys.step("a", 420 * SECOND);
    assert!(!matches!(refused, KeyStep::Verify { .. }), "{refused:?}");
}

#[test]
fn not_modified_prolongs_the_set_it_names_and_no_other() {
    let mut keys = machine();
    let fetch = must_fetch(&mut keys, "a", Duration::ZERO);
    let not_modified = FetchOutcome::NotModified { max_age: None };
    assert_eq!(
        keys.complete(fetch, not_modified, SECOND),
        Err(FetchError::NothingToConfirm)
    );
    let fetch = must_fetch(&mut keys, "a", 30 * SECOND);
    deliver(&mut keys, fetch, &["a"], 30 * SECOND);
    let fetch = must_fetch(&mut keys, "b", 60 * SECOND);
    keys.complete(fetch, not_modified, 61 * SECOND).unwrap();
    assert!(verifies(&mut keys, "a", 181 * SECOND - Duration::from_nanos(1)));
    assert!(
        matches!(keys.step("b", 62 * SECOND), KeyStep::Refuse(KeyRefusal::UnknownKey)),
        "looked for and not found"
    );
}

#[test]
fn max_age_counts_within_the_bounds() {
    for (max_age, fresh) in [
        (Some(Duration::ZERO), 60),
        (Some(100 * SECOND), 100),
        (Some(Duration::MAX), 240),
        (None, 120),
    ] {
        let mut keys = machine();
        let fetch = must_fetch(&mut keys, "a", Duration::ZERO);
        let body = document(&set(&["a"]));
        let outcome = FetchOutcome::Document {
            body: &body,
            etag: None,
            max_age,
        };
        keys.complete(fetch, outcome, Duration::ZERO).unwrap();
        let fresh = fresh * SECOND;
        assert!(matches!(
            keys.step("a", fresh - SECOND),
            KeyStep::Verify { refresh: None, .. }
        ));
        assert!(matches!(
            keys.step("a", fresh),
            KeyStep::Verify { refresh: Some(_), .. }
        ));
    }
}

#[test]
fn unusable_documents_change_nothing() {
    let long = [document(&set(&["b"])), vec![b' '; 16 * 1024]].concat();
    let twice = String::from_utf8(document(&set(&["b"]))).unwrap();
    let twice = twice.replace("[{", &format!("[{},{{", &twice[9..twice.len() - 2]));
    for (body, too_long) in [
        (long.as_slice(), true),
        (b"", false),
        (b"<html>", false),
        (b"{}", false),
        (twice.as_bytes(), false),
    ] {
        let mut keys = machine();
        let fetch = must_fetch(&mut keys, "a", Duration::ZERO);
        deliver(&mut keys, fetch, &["a"], Duration::ZERO);
        let fetch = must_fetch(&mut keys, "b", 30 * SECOND);
        let outcome = FetchOutcome::Document {
            body,
            etag: None,
            max_age: None,
        };
        let error = keys.complete(fetch, outcome, 31 * SECOND).unwrap_err();
        assert_eq!(error == FetchError::TooLong, too_long, "{error}");
        assert!(verifies(&mut keys, "a", 31 * SECOND));
        assert!(!verifies(&mut keys, "b", 31 * SECOND));
    }
}

#[test]
fn hostile_kids_and_entity_tags_are_not_kept() {
    let mut keys = machine();
    let fetch = must_fetch(&mut keys, "a", Duration::ZERO);
    let body = document(&set(&["a"]));
    let outcome = FetchOutcome::Document {
        body: &body,
        etag: Some("\"a\r\nX: y\""),
        max_age: None,
    };
    keys.complete(fetch, outcome, Duration::ZERO).unwrap();
    let long = "k".repeat(4000);
    assert!(matches!(
        keys.step(&long, 60 * SECOND),
        KeyStep::Refuse(KeyRefusal::UnknownKey)
    ));
    assert_eq!(must_fetch(&mut keys, "b", 60 * SECOND).etag(), None);
}

const KIDS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

#[derive(Clone, Debug)]
enum Event {
    Ask(usize),
    Pass(u64),
    Document {
        ticket: usize,
        kids: u8,
        max_age: Option<u64>,
    },
    Garbage {
        ticket: usize,
    },
    NotModified {
        ticket: usize,
    },
    Fail {
        ticket: usize,
    },
    Forget {
        ticket: usize,
    },
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (0..KIDS.len()).prop_map(Event::Ask),
        4 => (0..45_u64).prop_map(Event::Pass),
        1 => (100..500_u64).prop_map(Event::Pass),
        4 => (0..3_usize, any::<u8>(), proptest::option::of(0..400_u64))
            .prop_map(|(ticket, kids, max_age)| Event::Document { ticket, kids, max_age }),
        1 => (0..3_usize).prop_map(|ticket| Event::Garbage { ticket }),
        1 => (0..3_usize).prop_map(|ticket| Event::NotModified { ticket }),
        1 => (0..3_usize).prop_map(|ticket| Event::Fail { ticket }),
        1 => (0..3_usize).prop_map(|ticket| Event::Forget { ticket }),
    ]
}

/// What is true of the machine, kept by somebody who only sees its events.
#[derive(Default)]
struct Model {
    now: Duration,
    starts: Vec<Duration>,
    /// Handed out and not reported on: the ticket and its start.
    tickets: Vec<(Fetch, Duration)>,
    set: BTreeSet<&'static str>,
    usable_until: Duration,
    fresh_until: Duration,
}

impl Model {
    fn started(&mut self, fetch: Fetch) {
        if let Some(last) = self.starts.last() {
            assert!(self.now >= *last + policy().cooldown, "two fetches within the cooldown");
            let under_way = self.tickets.iter().any(|(_, start)| self.in_time(*start));
            assert!(!under_way, "two fetches at once");
        }
        self.starts.push(self.now);
        self.tickets.push((fetch, self.now));
    }

    fn in_time(&self, start: Duration) -> bool {
        self.now < start + policy().fetch_timeout
    }

    fn refreshed(&mut self, max_age: Option<Duration>) {
        let policy = policy();
        let fresh = max_age
            .unwrap_or(policy.default_fresh)
            .clamp(policy.min_fresh, policy.max_fresh);
        self.fresh_until = self.now + fresh;
        self.usable_until = self.fresh_until + policy.max_stale;
    }

    fn ask(&mut self, keys: &mut RemoteKeys, kid: &'static str) {
        let known = self.now < self.usable_until && self.set.contains(kid);
        match keys.step(kid, self.now) {
            KeyStep::Verify { keys, refresh } => {
                assert!(known, "verifies with a key that is gone, or too old");
                let kids: BTreeSet<_> = keys.jwk_set().keys.iter().map(|jwk| jwk.kid().to_owned()).collect();
                assert!(kids.iter().map(String::as_str).eq(self.set.iter().copied()));
                if let Some(fetch) = refresh {
                    assert!(self.now >= self.fresh_until, "refreshed while fresh");
                    self.started(fetch);
                }
            }
            KeyStep::Fetch(fetch) => {
                assert!(!known);
                self.started(fetch);
            }
            KeyStep::Wait { until } => {
                assert!(!known);
                assert!(until > self.now && until <= self.now + policy().fetch_timeout);
            }
            KeyStep::Refuse(KeyRefusal::UnknownKey) => {
                assert!(
                    !known && self.now < self.usable_until,
                    "a key is unknown only beside a set"
                );
            }
            KeyStep::Refuse(KeyRefusal::Unavailable { retry_at }) => {
                assert!(!known && self.now >= self.fresh_until);
                assert!(retry_at > self.now && retry_at <= self.now + policy().cooldown);
            }
            KeyStep::Refuse(other) => panic!("{other}"),
        }
    }

    fn complete(&mut self, keys: &mut RemoteKeys, event: &Event) {
        let (Event::Document { ticket, .. }
        | Event::Garbage { ticket }
        | Event::NotModified { ticket }
        | Event::Fail { ticket }
        | Event::Forget { ticket }) = event
        else {
            return;
        };
        if self.tickets.is_empty() {
            return;
        }
        let (fetch, start) = self.tickets.remove(*ticket % self.tickets.len());
        let in_time = self.in_time(start);
        let named = fetch.etag().is_some();
        match event {
            Event::Document { kids, max_age, .. } => {
                let chosen: BTreeSet<_> = (0..KIDS.len())
                    .filter(|i| kids >> i & 1 == 1)
                    .map(|i| KIDS[i])
                    .collect();
                let body = document(&chosen);
                let max_age = max_age.map(Duration::from_secs);
                let outcome = FetchOutcome::Document {
                    body: &body,
                    etag: Some("\"v\""),
                    max_age,
                };
                let result = keys.complete(fetch, outcome, self.now);
                assert_eq!(result, if in_time { Ok(()) } else { Err(FetchError::TooLate) });
                if in_time {
                    self.set = chosen;
                    self.refreshed(max_age);
                }
            }
            Event::NotModified { .. } => {
                let result = keys.complete(fetch, FetchOutcome::NotModified { max_age: None }, self.now);
                assert_eq!(result.is_ok(), in_time && named);
                if result.is_ok() {
                    self.refreshed(None);
                }
            }
            Event::Garbage { .. } => {
                let outcome = FetchOutcome::Document {
                    body: b"{\"keys\":[{}]",
                    etag: None,
                    max_age: None,
                };
                assert!(keys.complete(fetch, outcome, self.now).is_err());
            }
            Event::Fail { .. } => assert!(keys.complete(fetch, FetchOutcome::Failed, self.now).is_err()),
            // Given back to nobody: the machine has to notice by itself. The model keeps counting it as under way.
            _ => self.tickets.push((fetch, start)),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_events_keeps_the_promises(events in proptest::collection::vec(event(), 1..120)) {
        let mut keys = machine();
        let mut model = Model::default();
        for event in &events {
            match event {
                Event::Ask(index) => model.ask(&mut keys, KIDS[*index]),
                Event::Pass(seconds) => model.now += Duration::from_secs(*seconds),
                other => model.complete(&mut keys, other),
            }
            assert!(keys.remembered_unknown() <= policy().max_unknown, "memory is bounded");
        }
        // However it got here: once everything has been given up, the next question is answered by a fetch or a key.
        model.now += Duration::from_secs(1000);
        let step = keys.step("never asked for", model.now);
        prop_assert!(matches!(step, KeyStep::Fetch(_)), "stuck: {:?}", step);
    }

    /// Whatever is asked for, and however often: one fetch per cooldown.
    #[test]
    fn a_flood_of_kids_causes_one_fetch_per_cooldown(kids in proptest::collection::vec("[a-z]{1,6}", 50..300)) {
        let mut keys = machine();
        let mut fetches = 0;
        for (index, kid) in kids.iter().enumerate() {
            let now = Duration::from_millis(500 * index as u64);
            if let KeyStep::Fetch(fetch) = keys.step(kid, now) {
                fetches += 1;
                deliver(&mut keys, fetch, &["known"], now);
            }
            prop_assert!(keys.remembered_unknown() <= 3);
        }
        let bound = 1 + kids.len() / 60;
        prop_assert!(fetches <= bound, "{} fetches, {} allowed", fetches, bound);
    }
}

#[test]
fn the_policy_is_brought_within_its_bounds() {
    let wild = RemoteKeysPolicy {
        max_unknown: usize::MAX,
        max_document_len: usize::MAX,
        max_fresh: Duration::ZERO,
        cooldown: Duration::ZERO,
        ..policy()
    };
    let keys = RemoteKeys::new(Provider::default(), wild);
    assert_eq!(keys.policy().max_unknown, RemoteKeysPolicy::MAX_UNKNOWN);
    assert_eq!(keys.policy().max_document_len, JwkSet::MAX_LEN);
    assert_eq!(keys.policy().max_fresh, policy().min_fresh);
    // Without one, each token of a stranger would be a request to the issuer.
    assert_eq!(keys.policy().cooldown, RemoteKeysPolicy::MIN_COOLDOWN);
}
