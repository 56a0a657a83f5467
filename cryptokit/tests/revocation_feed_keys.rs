//! The keys of a revocation feed: what becomes of what a verifier knows when the issuer names others.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

use std::time::Duration;

use cryptokit::jose::{
    AccessTokenClaims, Audience, FeedError, FeedPolicy, FeedSigningKey, FeedVerifyingKey, Revocation, RevocationFeed,
    RevocationPublisher, RevokedBy, Standing, TokenError, WhenStale,
};
use time::OffsetDateTime;

const NOW: u64 = 1_800_000_000;
const ISSUER: &str = "https://auth.example";
const EVERY: Duration = Duration::from_secs(2);
const BUDGET: u64 = 10;
const UNKNOWN: Result<(), FeedError> = Err(FeedError::Document(TokenError::UnknownKey));

fn at(seconds: u64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(seconds as i64).unwrap()
}

/// A feed that one key signs.
struct Signed {
    public: [u8; 32],
    publisher: RevocationPublisher,
}

impl Signed {
    fn another_feed() -> Self {
        Self::with(|key| RevocationPublisher::new(ISSUER, key).unwrap())
    }

    /// The same feed, signed by another key from here on.
    fn successor(&self) -> Self {
        let position = self.publisher.position();
        Self::with(|key| {
            let mut publisher = RevocationPublisher::resume(ISSUER, key, position.clone()).unwrap();
            publisher.move_to(position.clone(), self.publisher.last_issued_at());
            publisher
        })
    }

    fn with(publisher: impl FnOnce(FeedSigningKey) -> RevocationPublisher) -> Self {
        let key = FeedSigningKey::generate().unwrap();
        Self {
            public: *key.verifying_key().unwrap().public_key(),
            publisher: publisher(key),
        }
    }

    fn delta(&mut self, entries: &[Revocation], now: u64) -> String {
        self.publisher.delta(entries, at(now), EVERY).unwrap()
    }

    fn snapshot(&self, entries: &[Revocation], now: u64) -> String {
        self.publisher.snapshot(entries, at(now), EVERY).unwrap()
    }
}

fn verifier(when_stale: WhenStale) -> RevocationFeed {
    RevocationFeed::new(ISSUER, [], FeedPolicy::new(when_stale, Duration::from_secs(BUDGET)))
}

fn name(feed: &mut RevocationFeed, keys: &[&Signed], now: u64) {
    let keys = keys
        .iter()
        .map(|signed| FeedVerifyingKey::from_public_key(&signed.public).unwrap());
    feed.set_keys(keys, at(now));
}

fn token(jti: &str) -> Revocation {
    Revocation::Token {
        jti: jti.into(),
        exp: NOW + 900,
    }
}

fn check(feed: &RevocationFeed, jti: &str, now: u64) -> Standing {
    let claims = AccessTokenClaims::new(ISSUER, "u", Audience::one("orders"), "authsvc", jti, NOW, NOW + 900);
    feed.check(&claims, at(now))
}

const REVOKED: Standing = Standing::Revoked(RevokedBy::Token);

#[test]
fn what_a_revoked_key_said_makes_no_token_good_and_is_no_bar_to_the_truth() {
    for (when_stale, unknown) in [
        (WhenStale::Refuse, Standing::Unavailable),
        (WhenStale::Accept, Standing::AcceptedStale),
    ] {
        let (mut stolen, mut new) = (Signed::another_feed(), Signed::another_feed());
        let mut feed = verifier(when_stale);
        name(&mut feed, &[&stolen], NOW);
        feed.apply_snapshot(&stolen.snapshot(&[token("a thief's")], NOW + 60), at(NOW))
            .unwrap();
        // As far ahead as is forgiven, and further than the issuer will be for a while.
        feed.apply_delta(&stolen.delta(&[], NOW + 60), at(NOW)).unwrap();
        assert_eq!(check(&feed, "good", NOW), Standing::NotRevoked);

        name(&mut feed, &[&new], NOW + 1);
        assert!(feed.needs_snapshot() && !feed.is_fresh(at(NOW + 1)));
        assert_eq!(check(&feed, "good", NOW + 1), unknown);
        // It may be true, whatever the budget, for as long as a token lives: leeway included, and not a second longer.
        assert_eq!(check(&feed, "a thief's", NOW + 1 + 3600 + 60), REVOKED);
        assert_eq!(check(&feed, "a thief's", NOW + 2 + 3600 + 60), unknown);

        // What the thief has left over, and what he makes now.
        assert_eq!(feed.apply_delta(&stolen.delta(&[], NOW + 2), at(NOW + 2)), UNKNOWN);
        assert_eq!(
            feed.apply_snapshot(&stolen.snapshot(&[], NOW + 2), at(NOW + 2)),
            UNKNOWN
        );
        // The keys named once more end no doubt.
        name(&mut feed, &[&new], NOW + 2);
        name(&mut feed, &[&new, &stolen], NOW + 2);
        assert_eq!(check(&feed, "good", NOW + 2), unknown);
        name(&mut feed, &[&new], NOW + 2);

        // A snapshot of the new key, older than what the thief has said.
        new.delta(&[], NOW + 2);
        feed.apply_snapshot(&new.snapshot(&[token("revoked")], NOW + 2), at(NOW + 3))
            .unwrap();
        assert_eq!(check(&feed, "good", NOW + 3), Standing::NotRevoked);
        assert_eq!(check(&feed, "a thief's", NOW + 3), Standing::NotRevoked);
        assert_eq!(check(&feed, "revoked", NOW + 3), REVOKED);
        assert_eq!(feed.position(), Some(new.publisher.position()));
        feed.apply_delta(&new.delta(&[], NOW + 4), at(NOW + 4)).unwrap();
    }
}

#[test]
fn what_was_true_under_a_key_that_is_still_named_does_not_become_true_again() {
    let (mut ended, good) = (Signed::another_feed(), Signed::another_feed());
    let mut feed = verifier(WhenStale::Accept);
    name(&mut feed, &[&ended, &good], NOW);
    // Kept by somebody in the middle.
    let old = good.snapshot(&[], NOW);
    feed.apply_snapshot(&good.snapshot(&[token("a")], NOW + 2), at(NOW + 2))
        .unwrap();
    // What is known may rest on the other key by then.
    ended.delta(&[], NOW + 3);
    feed.apply_snapshot(&ended.snapshot(&[token("a")], NOW + 3), at(NOW + 3))
        .unwrap();
    name(&mut feed, &[&good], NOW + 4);
    assert_eq!(feed.apply_snapshot(&old, at(NOW + 4)), Err(FeedError::Old));
    assert!(feed.needs_snapshot() && !feed.is_fresh(at(NOW + 4)));
    assert_eq!(check(&feed, "a", NOW + 4), REVOKED);
    feed.apply_snapshot(&good.snapshot(&[token("a")], NOW + 4), at(NOW + 4))
        .unwrap();
    assert_eq!(check(&feed, "a", NOW + 4), REVOKED);
    assert_eq!(check(&feed, "good", NOW + 4), Standing::NotRevoked);
}

#[test]
fn a_delta_is_not_built_upon_what_is_doubted_even_where_it_fits() {
    let old = Signed::another_feed();
    let mut feed = verifier(WhenStale::Refuse);
    name(&mut feed, &[&old], NOW);
    feed.apply_snapshot(&old.snapshot(&[], NOW), at(NOW)).unwrap();
    let mut new = old.successor();
    let delta = new.delta(&[], NOW + 1);
    name(&mut feed, &[&new], NOW + 1);
    assert_eq!(feed.apply_delta(&delta, at(NOW + 1)), Err(FeedError::NeedsSnapshot));
    assert_eq!(check(&feed, "good", NOW + 1), Standing::Unavailable);
    feed.apply_snapshot(&new.snapshot(&[], NOW + 1), at(NOW + 1)).unwrap();
    assert_eq!(check(&feed, "good", NOW + 1), Standing::NotRevoked);
}

#[test]
fn a_key_that_is_replaced_in_good_order_goes_without_a_doubt() {
    // The last second in which a token may be good of which the old key could have said something, leeway included.
    let last = NOW + 1 + 3600 + 60;
    for (gone_at, is_doubted) in [(last, true), (last + 1, false)] {
        let mut old = Signed::another_feed();
        let mut feed = verifier(WhenStale::Refuse);
        name(&mut feed, &[&old], NOW);
        feed.apply_snapshot(&old.snapshot(&[], NOW), at(NOW)).unwrap();
        let invented = Revocation::All {
            before: u64::MAX,
            exp: u64::MAX,
        };
        feed.apply_delta(&old.delta(&[token("a"), invented], NOW), at(NOW + 1))
            .unwrap();

        let mut new = old.successor();
        let delta = new.delta(&[], NOW + 2);
        assert_eq!(feed.apply_delta(&delta, at(NOW + 2)), UNKNOWN, "not named yet");
        name(&mut feed, &[&old, &new], NOW + 2);
        feed.apply_delta(&delta, at(NOW + 2)).unwrap();
        let known = check(&feed, "a", NOW + 2);
        assert!(matches!(known, Standing::Revoked(_)), "what is known stays");
        assert!(!feed.needs_snapshot());

        feed.apply_delta(&new.delta(&[], gone_at), at(gone_at)).unwrap();
        name(&mut feed, &[&new], gone_at);
        assert_eq!(feed.is_fresh(at(gone_at)), !is_doubted);
        assert_eq!(feed.needs_snapshot(), is_doubted);
        // What was invented under it would else be there for ever.
        assert!(matches!(check(&feed, "other", gone_at), Standing::Revoked(_)));
        assert!(feed.wants_snapshot());
        let delta = new.delta(&[], gone_at);
        if !is_doubted {
            assert_eq!(
                feed.apply_snapshot(&new.snapshot(&[], NOW + 2), at(gone_at)),
                Err(FeedError::Old)
            );
            feed.apply_delta(&delta, at(gone_at)).unwrap();
            assert!(feed.wants_snapshot(), "a delta takes nothing back");
        }
        feed.apply_snapshot(&new.snapshot(&[], gone_at), at(gone_at)).unwrap();
        assert_eq!(check(&feed, "other", gone_at), Standing::NotRevoked);
        assert!(!feed.wants_snapshot());
    }
}

#[test]
fn keys_that_the_issuer_has_not_confirmed_for_too_long_vouch_for_nothing() {
    let mut signed = Signed::another_feed();
    let mut feed = verifier(WhenStale::Refuse);
    name(&mut feed, &[&signed], NOW);
    let last = NOW + BUDGET + RevocationFeed::KEY_REFRESH.as_secs();
    feed.apply_snapshot(&signed.snapshot(&[token("a")], last), at(last))
        .unwrap();
    assert_eq!(check(&feed, "good", last), Standing::NotRevoked);
    feed.apply_delta(&signed.delta(&[], last + 1), at(last + 1)).unwrap();
    assert_eq!(check(&feed, "good", last + 1), Standing::Unavailable);
    assert_eq!(check(&feed, "a", last + 1), REVOKED, "that much is known");
    name(&mut feed, &[&signed], last + 1);
    assert_eq!(check(&feed, "good", last + 1), Standing::NotRevoked);
    // By a clock that went back, nobody knows how long ago that was.
    assert!(!feed.is_fresh(at(last - 60)));
    // Keys that were given once and for all have no such moment.
    let key = FeedVerifyingKey::from_public_key(&signed.public).unwrap();
    let mut feed = RevocationFeed::new(
        ISSUER,
        [key],
        FeedPolicy::new(WhenStale::Refuse, Duration::from_secs(BUDGET)),
    );
    feed.apply_snapshot(&signed.snapshot(&[], last), at(last)).unwrap();
    assert!(feed.is_fresh(at(last)));
}

#[test]
fn an_issuer_that_names_no_key_is_believed_in_nothing() {
    let mut signed = Signed::another_feed();
    let mut feed = verifier(WhenStale::Refuse);
    name(&mut feed, &[&signed], NOW);
    feed.apply_snapshot(&signed.snapshot(&[], NOW), at(NOW)).unwrap();
    name(&mut feed, &[], NOW);
    assert_eq!(check(&feed, "good", NOW), Standing::Unavailable);
    assert_eq!(feed.apply_delta(&signed.delta(&[], NOW), at(NOW)), UNKNOWN);
}
