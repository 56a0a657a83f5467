//! The revocation feed from both ends: what a verifier refuses, what it knows, and any mishap on the way against a model.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

use std::collections::BTreeMap;
use std::time::Duration;

use cryptokit::encoding::base64url;
use cryptokit::jose::{
    AccessTokenClaims, Audience, FeedError, FeedPolicy, FeedPosition, FeedSigningKey, PublishError, Revocation,
    RevocationFeed, RevocationPublisher, RevokedBy, Standing, TokenError, TokenSigner, WhenStale,
};
use cryptokit::keyset::{Keyset, RootKey};
use cryptokit::secret::SecretBytes;
use cryptokit::sign::Ed25519SigningKey;
use proptest::prelude::*;
use time::OffsetDateTime;

const NOW: u64 = 1_800_000_000;
const ISSUER: &str = "https://auth.example";
const EVERY: Duration = Duration::from_secs(2);

fn at(seconds: u64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(seconds as i64).unwrap()
}

fn policy() -> FeedPolicy {
    let mut policy = FeedPolicy::new(WhenStale::Refuse, Duration::from_secs(10));
    policy.max_entries = 8;
    policy
}

struct Pair {
    key: Ed25519SigningKey,
    publisher: RevocationPublisher,
    feed: RevocationFeed,
}

fn copy(key: &Ed25519SigningKey) -> Ed25519SigningKey {
    Ed25519SigningKey::from_pkcs8(SecretBytes::new(key.pkcs8().expose_secret().to_vec())).unwrap()
}

/// A publisher and a feed that has its first snapshot.
fn pair() -> Pair {
    let key = Ed25519SigningKey::generate().unwrap();
    let signing = FeedSigningKey::from(copy(&key));
    let public = signing.verifying_key().unwrap();
    let publisher = RevocationPublisher::new(ISSUER, signing).unwrap();
    let mut feed = RevocationFeed::new(ISSUER, [public], policy());
    assert!(feed.needs_snapshot());
    feed.apply_snapshot(&publisher.snapshot(&[], at(NOW), EVERY).unwrap(), at(NOW))
        .unwrap();
    assert!(!feed.needs_snapshot());
    Pair { key, publisher, feed }
}

impl Pair {
    fn delta(&mut self, entries: &[Revocation], now: u64) -> String {
        self.publisher.delta(entries, at(now), EVERY).unwrap()
    }

    /// Any header and payload under a good signature of the feed's key.
    fn forge(&self, header: &str, payload: &str) -> String {
        let input = format!(
            "{}.{}",
            base64url::encode(header.as_bytes()),
            base64url::encode(payload.as_bytes())
        );
        let signature = self.key.sign(input.as_bytes()).unwrap();
        format!("{input}.{}", base64url::encode(&signature))
    }

    fn parts(document: &str) -> (String, String) {
        let mut parts = document.split('.');
        let mut next = || String::from_utf8(base64url::decode(parts.next().unwrap()).unwrap()).unwrap();
        (next(), next())
    }
}

fn token(jti: &str) -> Revocation {
    Revocation::Token {
        jti: jti.into(),
        exp: NOW + 900,
    }
}

fn claims(jti: &str, sub: &str, sid: Option<&str>, iat: u64) -> AccessTokenClaims {
    AccessTokenClaims {
        sid: sid.map(str::to_owned),
        ..AccessTokenClaims::new(ISSUER, sub, Audience::one("orders"), "authsvc", jti, iat, iat + 900)
    }
}

#[test]
fn each_kind_revokes_what_it_names_and_nothing_else() {
    let mut pair = pair();
    let exp = NOW + 900;
    let entries = [
        token("t"),
        Revocation::Family { sid: "f".into(), exp },
        Revocation::Subject {
            sub: "s".into(),
            before: NOW,
            exp,
        },
    ];
    let delta = pair.delta(&entries, NOW);
    pair.feed.apply_delta(&delta, at(NOW)).unwrap();
    assert_eq!(pair.feed.len(), 3);
    let check = |jti, sub, sid, iat| pair.feed.check(&claims(jti, sub, sid, iat), at(NOW));
    assert_eq!(check("t", "u", None, NOW), Standing::Revoked(RevokedBy::Token));
    assert_eq!(check("u", "u", Some("f"), NOW), Standing::Revoked(RevokedBy::Family));
    assert_eq!(check("u", "s", None, NOW - 1), Standing::Revoked(RevokedBy::Subject));
    assert_eq!(check("u", "s", None, NOW), Standing::NotRevoked);
    assert_eq!(check("u", "u", Some("g"), NOW), Standing::NotRevoked);
    // A name means what it names.
    for name in ["t", "f", "s"] {
        let longer = claims(&format!("{name}x"), "x", None, 0);
        assert_eq!(pair.feed.check(&longer, at(NOW)), Standing::NotRevoked);
    }
    assert_eq!(check("f", "t", Some("s"), 0), Standing::NotRevoked);

    let all = pair.delta(&[Revocation::All { before: NOW, exp }], NOW);
    pair.feed.apply_delta(&all, at(NOW)).unwrap();
    let check = |iat| pair.feed.check(&claims("u", "u", None, iat), at(NOW));
    assert_eq!(check(NOW - 1), Standing::Revoked(RevokedBy::All));
    assert_eq!(check(NOW), Standing::NotRevoked);

    // A login before the moment has ended, with what it got afterwards.
    for (auth_time, standing) in [
        (NOW - 1, Standing::Revoked(RevokedBy::All)),
        (NOW, Standing::NotRevoked),
    ] {
        let refreshed = AccessTokenClaims {
            auth_time: Some(auth_time),
            ..claims("u", "u", None, NOW)
        };
        assert_eq!(pair.feed.check(&refreshed, at(NOW)), standing);
    }
}

#[test]
fn a_later_revocation_of_the_same_name_never_weakens_an_earlier_one() {
    let mut pair = pair();
    let subject = |before, exp| Revocation::Subject {
        sub: "s".into(),
        before,
        exp,
    };
    let delta = pair.delta(&[subject(NOW, NOW + 900), subject(NOW - 100, NOW + 100)], NOW);
    pair.feed.apply_delta(&delta, at(NOW)).unwrap();
    let later = pair.delta(&[], NOW + 500);
    pair.feed.apply_delta(&later, at(NOW + 500)).unwrap();
    let standing = pair.feed.check(&claims("u", "s", None, NOW - 1), at(NOW + 500));
    assert_eq!(standing, Standing::Revoked(RevokedBy::Subject));
}

#[test]
fn replayed_reordered_and_missing_deltas_are_noticed() {
    let mut pair = pair();
    let deltas: Vec<_> = ["a", "b", "c"].map(|jti| pair.delta(&[token(jti)], NOW)).into();
    let Pair { feed, publisher, .. } = &mut pair;
    let gap = feed.apply_delta(&deltas[1], at(NOW)).unwrap_err();
    assert_eq!(gap, FeedError::Gap { expected: 1, found: 2 });
    assert!(feed.needs_snapshot());
    assert_eq!(feed.len(), 0);
    // The missing one helps as well as a snapshot.
    feed.apply_delta(&deltas[0], at(NOW)).unwrap();
    assert!(!feed.needs_snapshot());
    assert_eq!(feed.apply_delta(&deltas[0], at(NOW)).unwrap_err(), FeedError::Old);
    feed.apply_delta(&deltas[1], at(NOW)).unwrap();
    feed.apply_delta(&deltas[2], at(NOW)).unwrap();
    assert_eq!(feed.apply_delta(&deltas[1], at(NOW)).unwrap_err(), FeedError::Old);
    assert_eq!(feed.position(), Some(publisher.position()));
    assert_eq!(feed.next_update(), Some(NOW + 2));
}

#[test]
fn a_second_history_is_noticed() {
    let mut pair = pair();
    let first = pair.publisher.position().clone();
    let one = pair.delta(&[token("a")], NOW);
    // Another replica, or a database set back: the same number, said twice.
    let mut other = RevocationPublisher::resume(ISSUER, copy(&pair.key).into(), first).unwrap();
    let branch = other.delta(&[token("b")], at(NOW), EVERY).unwrap();
    let after_branch = other.delta(&[], at(NOW), EVERY).unwrap();
    pair.feed.apply_delta(&one, at(NOW)).unwrap();
    assert_eq!(pair.feed.apply_delta(&branch, at(NOW)).unwrap_err(), FeedError::Old);
    assert_eq!(
        pair.feed.apply_delta(&after_branch, at(NOW)).unwrap_err(),
        FeedError::Fork
    );
    assert!(pair.feed.needs_snapshot());

    let snapshot = RevocationPublisher::resume(ISSUER, copy(&pair.key).into(), {
        let mut position = other.position().clone();
        position.seq = 1;
        position
    });
    let snapshot = snapshot.unwrap().snapshot(&[], at(NOW), EVERY).unwrap();
    assert_eq!(
        pair.feed.apply_snapshot(&snapshot, at(NOW)).unwrap_err(),
        FeedError::Fork
    );
}

#[test]
fn snapshots_never_take_the_feed_back() {
    let mut pair = pair();
    let old = pair.publisher.snapshot(&[], at(NOW), EVERY).unwrap();
    let delta = pair.delta(&[token("a")], NOW + 1);
    pair.feed.apply_delta(&delta, at(NOW + 1)).unwrap();
    assert_eq!(pair.feed.apply_snapshot(&old, at(NOW + 1)).unwrap_err(), FeedError::Old);
    assert!(pair.feed.check(&claims("a", "u", None, NOW), at(NOW + 1)) == Standing::Revoked(RevokedBy::Token));

    // A new feed has to be newer, and then replaces everything.
    let mut next = RevocationPublisher::new(ISSUER, copy(&pair.key).into()).unwrap();
    let same_second = next.snapshot(&[], at(NOW + 1), EVERY).unwrap();
    assert_eq!(
        pair.feed.apply_snapshot(&same_second, at(NOW + 1)).unwrap_err(),
        FeedError::Old
    );
    let foreign = next.delta(&[token("b")], at(NOW + 2), EVERY).unwrap();
    let refused = pair.feed.apply_delta(&foreign, at(NOW + 2)).unwrap_err();
    assert_eq!(refused, FeedError::NeedsSnapshot);
    let newer = next.snapshot(&[token("b")], at(NOW + 2), EVERY).unwrap();
    pair.feed.apply_snapshot(&newer, at(NOW + 2)).unwrap();
    assert_eq!(
        pair.feed.check(&claims("a", "u", None, NOW), at(NOW + 2)),
        Standing::NotRevoked
    );
    let revoked = Standing::Revoked(RevokedBy::Token);
    assert_eq!(pair.feed.check(&claims("b", "u", None, NOW), at(NOW + 2)), revoked);
}

#[test]
fn a_stale_feed_fails_open_or_closed_as_chosen() {
    for (when_stale, standing) in [
        (WhenStale::Accept, Standing::AcceptedStale),
        (WhenStale::Refuse, Standing::Unavailable),
    ] {
        let mut pair = pair();
        let public = FeedSigningKey::from(copy(&pair.key)).verifying_key().unwrap();
        let policy = FeedPolicy::new(when_stale, Duration::from_secs(10));
        let mut feed = RevocationFeed::new(ISSUER, [public], policy);
        let good = claims("good", "u", None, NOW);
        assert_eq!(feed.check(&good, at(NOW)), standing, "before the first snapshot");
        let snapshot = pair.publisher.snapshot(&[token("bad")], at(NOW), EVERY).unwrap();
        feed.apply_snapshot(&snapshot, at(NOW + 8)).unwrap();
        assert_eq!(feed.check(&good, at(NOW + 10)), Standing::NotRevoked);
        assert_eq!(feed.check(&good, at(NOW + 11)), standing, "by the issuer's clock");
        let revoked = feed.check(&claims("bad", "u", None, NOW), at(NOW + 1000));
        assert_eq!(revoked, Standing::Revoked(RevokedBy::Token), "however stale");
        // An empty delta says that nothing has happened.
        feed.apply_delta(&pair.delta(&[], NOW + 12), at(NOW + 12)).unwrap();
        assert_eq!(feed.check(&good, at(NOW + 22)), Standing::NotRevoked);
        assert_eq!(standing.is_accepted(), when_stale == WhenStale::Accept);
    }
}

#[test]
fn documents_of_others_and_from_the_future_are_refused() {
    let mut pair = pair();
    let elsewhere = FeedSigningKey::from(copy(&pair.key));
    let mut elsewhere =
        RevocationPublisher::resume("https://other.example", elsewhere, pair.publisher.position().clone());
    let elsewhere = elsewhere.as_mut().unwrap();
    let refused = elsewhere.delta(&[], at(NOW), EVERY).unwrap();
    assert_eq!(pair.feed.apply_delta(&refused, at(NOW)).unwrap_err(), FeedError::Issuer);
    let refused = elsewhere.snapshot(&[], at(NOW), EVERY).unwrap();
    assert_eq!(
        pair.feed.apply_snapshot(&refused, at(NOW)).unwrap_err(),
        FeedError::Issuer
    );

    let stranger = FeedSigningKey::generate().unwrap();
    let mut stranger = RevocationPublisher::resume(ISSUER, stranger, pair.publisher.position().clone()).unwrap();
    let refused = stranger.delta(&[], at(NOW), EVERY).unwrap();
    let error = pair.feed.apply_delta(&refused, at(NOW)).unwrap_err();
    assert_eq!(error, FeedError::Document(TokenError::UnknownKey));

    let future = pair.delta(&[], NOW + 61);
    assert_eq!(
        pair.feed.apply_delta(&future, at(NOW)).unwrap_err(),
        FeedError::NotYetIssued
    );
    pair.feed.apply_delta(&future, at(NOW + 1)).unwrap();
    let back = pair.delta(&[], NOW);
    assert_eq!(pair.feed.apply_delta(&back, at(NOW + 1)).unwrap_err(), FeedError::Fork);
}

#[test]
fn everything_else_under_a_good_signature_is_refused() {
    let mut pair = pair();
    let delta = pair.delta(&[token("a")], NOW);
    let snapshot = pair.publisher.snapshot(&[], at(NOW), EVERY).unwrap();
    let (header, payload) = Pair::parts(&delta);
    let refuse = |feed: &mut RevocationFeed, document: &str| match feed.apply_delta(document, at(NOW)) {
        Err(FeedError::Document(error)) => error,
        other => panic!("{document}: {other:?}"),
    };
    for (from, to) in [
        ("{\"iss\"", "{\"iss\":\"x\",\"iss\""),
        ("{\"iss\"", "{\"extra\":1,\"iss\""),
        ("\"seq\":1", "\"seq\":-1"),
        ("\"seq\":1", "\"seq\":1.0"),
        ("\"seq\":1", "\"seq\":\"1\""),
        ("\"seq\":1,", ""),
        ("\"prev\":\"", "\"prev\":\"A"),
        ("\"entries\":[", "\"entries\":[[],"),
        ("\"jti\":\"a\"", "\"jti\":\"\""),
        ("\"jti\":\"a\"", "\"jti\":\"a\",\"jti\":\"b\""),
        ("\"jti\":\"a\"", "\"sub\":\"a\""),
        ("\"token\"", "\"everything\""),
        ("{\"iss\"", "[{\"iss\""),
    ] {
        let altered = payload.replacen(from, to, 1);
        assert_ne!(altered, payload, "{from}");
        let forged = pair.forge(&header, &altered);
        assert_eq!(refuse(&mut pair.feed, &forged), TokenError::Claims, "{altered}");
    }
    for (from, to, error) in [
        ("revocation-delta+jwt", "at+jwt", TokenError::Type),
        ("revocation-delta+jwt", "JWT", TokenError::Type),
        ("EdDSA", "none", TokenError::Algorithm),
        ("EdDSA", "ES256", TokenError::Algorithm),
        ("{", "{\"crit\":[\"exp\"],", TokenError::Header),
        ("{", "{\"alg\":\"EdDSA\",", TokenError::Header),
    ] {
        let forged = pair.forge(&header.replacen(from, to, 1), &payload);
        assert_eq!(refuse(&mut pair.feed, &forged), error, "{to}");
    }
    assert_eq!(refuse(&mut pair.feed, &snapshot), TokenError::Type);
    let swapped = pair.feed.apply_snapshot(&delta, at(NOW)).unwrap_err();
    assert_eq!(swapped, FeedError::Document(TokenError::Type));
    let long = pair.forge(&header, &" ".repeat(RevocationFeed::MAX_DELTA_LEN));
    assert_eq!(refuse(&mut pair.feed, &long), TokenError::TooLong);
    for index in (0..delta.len()).step_by(7) {
        let mut altered = delta.clone().into_bytes();
        altered[index] = if altered[index] == b'A' { b'B' } else { b'A' };
        assert!(
            pair.feed
                .apply_delta(&String::from_utf8(altered).unwrap(), at(NOW))
                .is_err()
        );
    }
    pair.feed.apply_delta(&delta, at(NOW)).unwrap();
}

/// A feed's key is no token key, even for somebody who uses the same bytes for both.
#[test]
fn a_token_is_no_delta() {
    let mut pair = pair();
    let signer = TokenSigner::new(copy(&pair.key)).unwrap();
    let token = signer.sign(&claims("a", "u", None, NOW)).unwrap();
    let error = pair.feed.apply_delta(token.expose_secret(), at(NOW)).unwrap_err();
    assert_eq!(error, FeedError::Document(TokenError::Type));
}

#[test]
fn revocations_are_forgotten_when_no_token_of_theirs_is_left() {
    let mut pair = pair();
    let delta = pair.delta(
        &[
            token("a"),
            Revocation::All {
                before: 1,
                exp: NOW + 900,
            },
        ],
        NOW,
    );
    pair.feed.apply_delta(&delta, at(NOW)).unwrap();
    // Until the last verifier with the largest leeway is done with it.
    let later = pair.delta(&[], NOW + 960);
    pair.feed.apply_delta(&later, at(NOW + 960)).unwrap();
    assert_eq!(pair.feed.len(), 1);
    let later = pair.delta(&[token("expired long ago")], NOW + 1030);
    pair.feed.apply_delta(&later, at(NOW + 1030)).unwrap();
    assert_eq!(pair.feed.len(), 0);
    assert_eq!(
        pair.feed.check(&claims("x", "u", None, 0), at(NOW + 1030)),
        Standing::NotRevoked
    );
}

#[test]
fn a_clock_that_went_back_makes_no_feed_fresh() {
    let pair = pair();
    assert!(pair.feed.is_fresh(at(NOW - 60)), "clocks differ a little");
    for wrong in [
        at(NOW - 61),
        at(NOW - 86_400),
        OffsetDateTime::from_unix_timestamp(-1).unwrap(),
    ] {
        assert!(!pair.feed.is_fresh(wrong), "{wrong}");
        let standing = pair.feed.check(&claims("t", "u", None, NOW - 86_400), wrong);
        assert_eq!(standing, Standing::Unavailable, "{wrong}");
    }
}

#[test]
fn a_publisher_whose_clock_went_back_makes_no_second_history() {
    let mut pair = pair();
    for now in [NOW + 5, NOW + 3] {
        let delta = pair.delta(&[], now);
        pair.feed.apply_delta(&delta, at(NOW + 5)).unwrap();
    }
    let snapshot = pair.publisher.snapshot(&[], at(NOW + 3), EVERY).unwrap();
    pair.feed.apply_snapshot(&snapshot, at(NOW + 5)).unwrap();
}

#[test]
fn a_clock_that_was_ahead_for_a_while_forgets_nothing() {
    let mut pair = pair();
    let delta = pair.delta(&[token("t")], NOW);
    pair.feed.apply_delta(&delta, at(NOW)).unwrap();
    let ahead = at(NOW + 86_400);
    let delta = pair.delta(&[token("u")], NOW + 2);
    pair.feed.apply_delta(&delta, ahead).unwrap();
    for jti in ["t", "u"] {
        let standing = pair.feed.check(&claims(jti, "s", None, NOW), at(NOW + 4));
        assert_eq!(standing, Standing::Revoked(RevokedBy::Token), "{jti}");
    }
    let snapshot = pair
        .publisher
        .snapshot(&[token("t"), token("u")], at(NOW + 4), EVERY)
        .unwrap();
    pair.feed.apply_snapshot(&snapshot, ahead).unwrap();
    assert_eq!(pair.feed.len(), 2);
}

#[test]
fn more_than_is_kept_makes_the_feed_stale_and_forgets_nothing() {
    let mut pair = pair();
    let eight: Vec<_> = (0..8).map(|index| token(&index.to_string())).collect();
    let delta = pair.delta(&eight, NOW);
    pair.feed.apply_delta(&delta, at(NOW)).unwrap();
    assert!(pair.feed.is_fresh(at(NOW)));
    let ninth = pair.delta(&[token("ninth")], NOW);
    assert_eq!(pair.feed.apply_delta(&ninth, at(NOW)).unwrap_err(), FeedError::Full);
    assert_eq!(pair.feed.len(), 8);
    assert!(pair.feed.needs_snapshot());
    let standing = pair.feed.check(&claims("ninth", "u", None, NOW), at(NOW));
    assert_eq!(standing, Standing::Unavailable, "not known to be good");
    let too_much = [&eight[..], &[token("ninth")]].concat();
    let snapshot = pair.publisher.snapshot(&too_much, at(NOW), EVERY).unwrap();
    assert_eq!(
        pair.feed.apply_snapshot(&snapshot, at(NOW)).unwrap_err(),
        FeedError::Full
    );
    let snapshot = pair.publisher.snapshot(&too_much[1..], at(NOW), EVERY).unwrap();
    pair.feed.apply_snapshot(&snapshot, at(NOW)).unwrap();
    assert!(pair.feed.is_fresh(at(NOW)) && !pair.feed.needs_snapshot());
    // A snapshot that does not fit says that something is missing here, which no delta brings.
    let snapshot = pair.publisher.snapshot(&too_much, at(NOW), EVERY).unwrap();
    let refused = pair.feed.apply_snapshot(&snapshot, at(NOW)).unwrap_err();
    assert_eq!(refused, FeedError::Full);
    assert!(!pair.feed.is_fresh(at(NOW)) && pair.feed.needs_snapshot());
}

#[test]
fn a_publisher_refuses_what_no_verifier_would_take() {
    let mut pair = pair();
    let before = pair.publisher.position().clone();
    let long = token(&"x".repeat(257));
    for entry in [token(""), long] {
        let refused = pair.publisher.delta(&[entry], at(NOW), EVERY);
        assert!(matches!(refused, Err(PublishError::Revocation(_))));
    }
    let many: Vec<_> = (0..2000).map(|index| token(&format!("{index:0200}"))).collect();
    assert_eq!(pair.publisher.delta(&many, at(NOW), EVERY), Err(PublishError::TooLong));
    let never = OffsetDateTime::from_unix_timestamp(-1).unwrap();
    assert_eq!(pair.publisher.delta(&[], never, EVERY), Err(PublishError::Clock));
    assert_eq!(pair.publisher.position(), &before);
}

#[test]
fn the_last_number_is_the_last() {
    let mut pair = pair();
    let mut position = pair.publisher.position().clone();
    position.seq = u64::MAX;
    let mut last = RevocationPublisher::resume(ISSUER, copy(&pair.key).into(), position).unwrap();
    assert_eq!(last.delta(&[], at(NOW), EVERY), Err(PublishError::Exhausted));
    let snapshot = last.snapshot(&[], at(NOW), EVERY).unwrap();
    pair.feed.apply_snapshot(&snapshot, at(NOW)).unwrap();
    let (header, payload) = Pair::parts(&pair.delta(&[], NOW));
    let forged = pair.forge(&header, &payload.replace("\"seq\":1", &format!("\"seq\":{}", u64::MAX)));
    assert_eq!(pair.feed.apply_delta(&forged, at(NOW)).unwrap_err(), FeedError::Old);
}

#[test]
fn keys_and_positions_survive_being_stored() {
    let mut pair = pair();
    let _ = pair.delta(&[token("a")], NOW);
    let json = serde_json::to_string(pair.publisher.position()).unwrap();
    let position: FeedPosition = serde_json::from_str(&json).unwrap();
    assert_eq!(&position, pair.publisher.position());

    let root = RootKey::generate();
    let sealed = root
        .seal(&Keyset::new("feed", FeedSigningKey::from(copy(&pair.key))))
        .unwrap();
    let opened: Keyset<FeedSigningKey> = root.open("feed", &sealed).unwrap();
    let key = opened.into_entries().remove(0).key;
    assert_eq!(key.verifying_key().unwrap().public_key(), pair.key.public_key());
    let mut publisher = RevocationPublisher::resume(ISSUER, key, position).unwrap();
    let first = pair.publisher.snapshot(&[token("a")], at(NOW), EVERY).unwrap();
    pair.feed.apply_snapshot(&first, at(NOW)).unwrap();
    let next = publisher.delta(&[token("b")], at(NOW), EVERY).unwrap();
    pair.feed.apply_delta(&next, at(NOW)).unwrap();
    assert_eq!(pair.feed.len(), 2);
}

#[derive(Clone, Debug)]
enum Event {
    Publish(u8),
    Pass(u64),
    /// Delivers any delta ever published.
    Deliver(prop::sample::Index),
    /// Delivers what the feed would ask for next.
    CatchUp,
    Snapshot,
    OldSnapshot(prop::sample::Index),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => any::<u8>().prop_map(Event::Publish),
        2 => (0..8_u64).prop_map(Event::Pass),
        4 => any::<prop::sample::Index>().prop_map(Event::Deliver),
        4 => Just(Event::CatchUp),
        1 => Just(Event::Snapshot),
        1 => any::<prop::sample::Index>().prop_map(Event::OldSnapshot),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Whatever is lost, repeated or reordered: the feed knows exactly what the issuer had revoked up to its position,
    /// and its position never goes back.
    #[test]
    fn any_delivery_gives_the_issuers_own_view(events in proptest::collection::vec(event(), 1..60)) {
        let mut pair = pair();
        let mut now = NOW;
        let mut deltas: Vec<String> = Vec::new();
        let mut snapshots: Vec<String> = Vec::new();
        // The issuer's view after each delta: what is revoked, and when it was said.
        let mut views: Vec<(BTreeMap<String, u64>, u64)> = vec![(BTreeMap::new(), NOW)];
        let mut issued_at = NOW;
        for event in events {
            let before = pair.feed.position().unwrap().seq;
            match event {
                Event::Publish(choice) => {
                    let jti = format!("t{}", choice % 6);
                    deltas.push(pair.delta(&[token(&jti)], now));
                    let mut view = views.last().unwrap().0.clone();
                    view.insert(jti, NOW + 900);
                    views.push((view, now));
                }
                Event::Pass(seconds) => now += seconds,
                Event::Deliver(index) if !deltas.is_empty() => {
                    let index = index.index(deltas.len());
                    let result = pair.feed.apply_delta(&deltas[index], at(now));
                    let expected = match (index as u64 + 1).checked_sub(before) {
                        Some(1) => Ok(()),
                        Some(0) | None => Err(FeedError::Old),
                        Some(_) => Err(FeedError::Gap { expected: before + 1, found: index as u64 + 1 }),
                    };
                    prop_assert_eq!(result, expected);
                }
                Event::CatchUp => {
                    while let Some(delta) = deltas.get(pair.feed.position().unwrap().seq as usize) {
                        if pair.feed.apply_delta(delta, at(now)).is_err() {
                            break;
                        }
                    }
                }
                Event::Snapshot => {
                    let entries: Vec<_> = views.last().unwrap().0.keys().map(|jti| token(jti)).collect();
                    let snapshot = pair.publisher.snapshot(&entries, at(now), EVERY).unwrap();
                    pair.feed.apply_snapshot(&snapshot, at(now)).unwrap();
                    issued_at = now;
                    snapshots.push(snapshot);
                }
                Event::OldSnapshot(index) if !snapshots.is_empty() => {
                    let _ = pair.feed.apply_snapshot(&snapshots[index.index(snapshots.len())], at(now));
                }
                Event::Deliver(_) | Event::OldSnapshot(_) => {}
            }
            let position = pair.feed.position().unwrap().seq;
            prop_assert!(position >= before, "the position went back");
            let (view, said_at) = &views[position as usize];
            issued_at = issued_at.max(*said_at);
            prop_assert_eq!(pair.feed.len(), view.len());
            for index in 0..6 {
                let jti = format!("t{index}");
                let revoked = matches!(
                    pair.feed.check(&claims(&jti, "u", None, NOW), at(now)),
                    Standing::Revoked(RevokedBy::Token)
                );
                prop_assert_eq!(revoked, view.contains_key(&jti));
            }
            prop_assert_eq!(pair.feed.is_fresh(at(now)), now <= issued_at + 10);
        }
    }
}
