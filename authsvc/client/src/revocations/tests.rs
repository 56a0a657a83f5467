//! A follower and its issuer, with somebody between them who may have a key that was the issuer's.

use std::sync::Mutex;

use cryptokit::jose::{Audience, FeedSigningKey, Revocation, RevocationPublisher, RevokedBy, WhenStale};
use cryptokit::keyset::KeyMaterial;
use time::macros::datetime;

use super::*;

const NOW: OffsetDateTime = datetime!(2030-01-01 00:00:00 UTC);
const ISSUER: &str = "https://auth.example";
const BUDGET: Duration = Duration::from_secs(20);
const HEARTBEAT: Duration = Duration::from_secs(5);
const REVOKED: Standing = Standing::Revoked(RevokedBy::Token);

/// One side of the feed: what it serves, in the order in which it was signed.
struct Side {
    publisher: RevocationPublisher,
    deltas: Vec<String>,
    revoked: Vec<Revocation>,
}

/// What answers a follower.
#[derive(Clone)]
struct Line(Arc<Mutex<State>>);

struct State {
    started: Instant,
    side: Side,
    keys: Option<Vec<[u8; 32]>>,
    asked_for_keys: usize,
    snapshots: usize,
    /// No answer comes to the question for keys.
    hides_keys: bool,
    /// How long each delta takes; with one that does, there is always another one.
    takes: Duration,
}

fn now(started: Instant) -> OffsetDateTime {
    NOW + (Instant::now() - started)
}

fn key() -> (FeedSigningKey, [u8; 32]) {
    let key = FeedSigningKey::generate().unwrap();
    let public = *key.verifying_key().unwrap().public_key();
    (key, public)
}

fn token(jti: &str) -> Revocation {
    let exp = (NOW + Duration::from_secs(3000)).unix_timestamp().unsigned_abs();
    let jti = jti.to_owned();
    Revocation::Token { jti, exp }
}

impl Side {
    fn new(key: FeedSigningKey) -> Self {
        Self {
            publisher: RevocationPublisher::new(ISSUER, key).unwrap(),
            deltas: Vec::new(),
            revoked: Vec::new(),
        }
    }

    /// The same history, continued with another key.
    fn continued_by(&self, key: FeedSigningKey) -> Self {
        let position = self.publisher.position().clone();
        let mut publisher = RevocationPublisher::resume(ISSUER, key, position.clone()).unwrap();
        publisher.move_to(position, self.publisher.last_issued_at());
        Self {
            publisher,
            deltas: self.deltas.clone(),
            revoked: self.revoked.clone(),
        }
    }
}

impl Line {
    fn new(side: Side, keys: &[[u8; 32]]) -> Self {
        Self(Arc::new(Mutex::new(State {
            started: Instant::now(),
            side,
            keys: Some(keys.to_vec()),
            asked_for_keys: 0,
            snapshots: 0,
            hides_keys: false,
            takes: Duration::ZERO,
        })))
    }

    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.0.lock().unwrap())
    }

    fn publish(&self, entries: &[Revocation]) {
        self.with(|state| {
            let now = now(state.started);
            let delta = state.side.publisher.delta(entries, now, HEARTBEAT).unwrap();
            state.side.deltas.push(delta);
            state.side.revoked.extend_from_slice(entries);
        });
    }

    fn name(&self, keys: &[[u8; 32]]) {
        self.with(|state| state.keys = Some(keys.to_vec()));
    }

    fn serve(&self, side: Side) -> Side {
        self.with(|state| std::mem::replace(&mut state.side, side))
    }

    fn follower(&self) -> Follower<Self> {
        let policy = FeedPolicy::new(WhenStale::Refuse, BUDGET);
        let started = self.with(|state| state.started);
        Follower {
            source: self.clone(),
            feed: Arc::new(RwLock::new(RevocationFeed::new(ISSUER, [], policy))),
            now: Arc::new(move || now(started)),
            keys_named_at: None,
            keys_due: Instant::now(),
            no_keys_before: Instant::now(),
            no_snapshot_before: Instant::now(),
            no_renewal_before: Instant::now(),
        }
    }
}

impl RevocationSource for Line {
    async fn keys(&self) -> Option<Vec<FeedVerifyingKey>> {
        if self.with(|state| state.hides_keys) {
            std::future::pending::<()>().await;
        }
        self.with(|state| {
            state.asked_for_keys += 1;
            let keys = state.keys.as_ref()?.iter();
            Some(
                keys.map(|key| FeedVerifyingKey::from_public_key(key).unwrap())
                    .collect(),
            )
        })
    }

    async fn snapshot(&self) -> Option<String> {
        self.with(|state| {
            state.snapshots += 1;
            let (side, now) = (&state.side, now(state.started));
            Some(side.publisher.snapshot(&side.revoked, now, HEARTBEAT).unwrap())
        })
    }

    async fn delta(&self, feed: &str, number: u64) -> FetchedDelta {
        let takes = self.with(|state| state.takes);
        if !takes.is_zero() {
            tokio::time::sleep(takes).await;
            self.publish(&[]);
        }
        self.with(|state| {
            if state.side.publisher.position().feed != feed {
                return FetchedDelta::Gone;
            }
            let index = usize::try_from(number - 1).unwrap();
            let found = state.side.deltas.get(index).cloned();
            found.map_or(FetchedDelta::NotYet, FetchedDelta::Delta)
        })
    }
}

/// Follows for a time, twice a second, while whoever serves publishes at every heartbeat.
async fn follow(follower: &mut Follower<Line>, duration: Duration) {
    let rounds = duration.as_millis() / POLL_INTERVAL.as_millis();
    for round in 0..rounds {
        if round % 10 == 0 {
            follower.source.publish(&[]);
        }
        follower.round().await;
        tokio::time::advance(POLL_INTERVAL).await;
    }
    follower.round().await;
}

fn standing(follower: &Follower<Line>, jti: &str) -> Standing {
    let now = (follower.now)();
    let iat = NOW.unix_timestamp().unsigned_abs();
    let claims = AccessTokenClaims::new(ISSUER, "u", Audience::one("orders"), "authsvc", jti, iat, iat + 3000);
    read(&follower.feed).check(&claims, now)
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_thief_with_a_revoked_key_is_believed_for_a_minute_and_no_longer() {
    let ((stolen, stolen_public), (new, new_public)) = (key(), key());
    let thief = key().0;
    let line = Line::new(Side::new(stolen), &[stolen_public]);
    line.publish(&[token("revoked")]);
    let mut follower = line.follower();
    follow(&mut follower, SECOND).await;
    assert_eq!(standing(&follower, "revoked"), REVOKED);
    assert_eq!(standing(&follower, "a"), Standing::NotRevoked);

    // The issuer revokes the key, begins anew and revokes a token. The thief serves what he signs himself.
    line.name(&[new_public]);
    let mut truth = Side::new(new);
    truth.revoked = vec![token("revoked"), token("a")];
    follow(&mut follower, RevocationFeed::KEY_REFRESH).await;
    assert_ne!(standing(&follower, "a"), Standing::NotRevoked);
    assert_eq!(standing(&follower, "revoked"), REVOKED);
    // Nor does he come in again, with that key or any other.
    follow(&mut follower, 2 * RevocationFeed::KEY_REFRESH).await;
    assert_eq!(standing(&follower, "a"), Standing::Unavailable);
    let lies = line.with(|state| state.side.continued_by(thief));
    line.serve(lies);
    follow(&mut follower, SECOND).await;
    assert_eq!(standing(&follower, "a"), Standing::Unavailable);

    // As soon as the issuer is heard, all is well, whatever time the thief wrote into his documents.
    line.serve(truth);
    follow(&mut follower, 3 * SECOND).await;
    assert_eq!(standing(&follower, "a"), REVOKED);
    assert_eq!(standing(&follower, "b"), Standing::NotRevoked);
}

#[tokio::test(start_paused = true)]
async fn what_a_thief_said_to_be_revoked_is_good_again_with_the_first_document_of_the_issuer() {
    let ((stolen, stolen_public), (new, new_public)) = (key(), key());
    let line = Line::new(Side::new(stolen), &[stolen_public]);
    let mut follower = line.follower();
    follow(&mut follower, SECOND).await;
    line.publish(&[Revocation::All {
        before: u64::MAX,
        exp: u64::MAX,
    }]);
    follow(&mut follower, SECOND).await;
    assert!(matches!(standing(&follower, "a"), Standing::Revoked(_)));
    // Found out. Verifiers find another feed, and a snapshot of a key that they do not know yet.
    line.name(&[new_public]);
    line.serve(Side::new(new));
    follow(&mut follower, 3 * SECOND).await;
    assert_eq!(standing(&follower, "a"), Standing::NotRevoked);
    let asked = line.with(|state| (state.asked_for_keys, state.snapshots));
    assert_eq!(
        asked,
        (2, 3),
        "keys, and snapshots: the first, one too early, and the one that counts"
    );
}

#[tokio::test(start_paused = true)]
async fn whoever_keeps_the_keys_away_gains_the_budget_and_a_minute() {
    let (stolen, stolen_public) = key();
    let line = Line::new(Side::new(stolen), &[stolen_public]);
    let mut follower = line.follower();
    follow(&mut follower, SECOND).await;
    line.with(|state| state.keys = None);
    follow(&mut follower, RevocationFeed::KEY_REFRESH + BUDGET - SECOND).await;
    assert_eq!(standing(&follower, "a"), Standing::NotRevoked);
    follow(&mut follower, SECOND).await;
    assert_eq!(standing(&follower, "a"), Standing::Unavailable);
    let asked = line.with(|state| state.asked_for_keys);
    assert!((8..=14).contains(&asked), "not in every round: {asked}");
    line.name(&[stolen_public]);
    follow(&mut follower, 3 * SECOND).await;
    assert_eq!(standing(&follower, "a"), Standing::NotRevoked);
}

#[tokio::test(start_paused = true)]
async fn whoever_makes_every_delta_slow_is_not_believed_for_longer() {
    let ((stolen, stolen_public), (_, new_public)) = (key(), key());
    let line = Line::new(Side::new(stolen), &[stolen_public]);
    let mut follower = line.follower();
    follow(&mut follower, SECOND).await;
    line.name(&[new_public]);
    line.with(|state| state.takes = SECOND);
    let feed = Arc::clone(&follower.feed);
    let is_fresh = |follower: &Follower<Line>| read(&feed).is_fresh((follower.now)());
    // One round, that would last for more than four minutes.
    let half_a_minute = tokio::time::timeout(30 * SECOND, follower.round()).await;
    assert!(half_a_minute.is_err() && is_fresh(&follower));
    let _ = tokio::time::timeout(31 * SECOND, follower.round()).await;
    assert!(!is_fresh(&follower));
    assert_eq!(line.with(|state| state.asked_for_keys), 2);
}

#[tokio::test(start_paused = true)]
async fn keys_that_do_not_come_keep_no_delta_waiting() {
    let (signs, public) = key();
    let line = Line::new(Side::new(signs), &[public]);
    let mut follower = line.follower();
    follow(&mut follower, SECOND).await;
    line.with(|state| state.hides_keys = true);
    follow(&mut follower, RevocationFeed::KEY_REFRESH).await;
    for index in 0..4 {
        let jti = index.to_string();
        line.publish(&[token(&jti)]);
        let published = Instant::now();
        while standing(&follower, &jti) != REVOKED {
            follower.round().await;
            tokio::time::advance(POLL_INTERVAL).await;
            assert!(published.elapsed() <= KEYS_TIMEOUT + POLL_INTERVAL, "{index}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_rotation_is_followed_without_a_moment_of_doubt() {
    let ((old, old_public), (new, new_public)) = (key(), key());
    let line = Line::new(Side::new(old), &[old_public]);
    line.publish(&[token("a")]);
    let mut follower = line.follower();
    follow(&mut follower, SECOND).await;
    line.name(&[old_public, new_public]);
    // One that learns of the new key by meeting it.
    let continued = line.with(|state| state.side.continued_by(new));
    line.serve(continued);
    for _ in 0..180 {
        follow(&mut follower, 30 * SECOND).await;
        assert_eq!(standing(&follower, "b"), Standing::NotRevoked);
        // Gone when no token is left of which it can have said anything.
        if follower.source.with(|state| now(state.started)) > NOW + Duration::from_secs(4320) {
            line.name(&[new_public]);
        }
    }
    let snapshots = line.with(|state| state.snapshots);
    assert_eq!(
        snapshots, 2,
        "the first, and one without what only the old key has said"
    );
}

#[tokio::test(start_paused = true)]
async fn a_delta_that_no_key_of_the_issuer_signed_is_passed_over_by_a_snapshot() {
    let ((good, public), (foreign, _)) = (key(), key());
    let again = FeedSigningKey::from_bytes(good.algorithm(), good.to_bytes()).unwrap();
    let line = Line::new(Side::new(again), &[public]);
    let mut follower = line.follower();
    follow(&mut follower, SECOND).await;
    // As by a replica of another version, which has not heard that its key was revoked.
    let foreign = line.with(|state| state.side.continued_by(foreign));
    line.serve(foreign);
    line.publish(&[token("a")]);
    let back = line.with(|state| state.side.continued_by(good));
    line.serve(back);
    line.publish(&[token("b")]);
    follow(&mut follower, 10 * SECOND).await;
    assert_eq!(standing(&follower, "a"), REVOKED);
    assert_eq!(standing(&follower, "b"), REVOKED);
    assert_eq!(standing(&follower, "c"), Standing::NotRevoked);
}
