//! The feed of revocations through the real router, on both databases and two replicas, and services that verify tokens
//! by themselves and follow it.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

#[path = "../support/mod.rs"]
mod support;

mod keys;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use authsvc::config::DatabaseConfig;
use authsvc::storage::backup;
use authsvc_client::key_set::{Fetched, KeySource, RemoteKeySet, VerifyError};
use authsvc_client::local_verifier::LocalVerifier;
use authsvc_client::revocations::{FetchedDelta, RemoteRevocations, RevocationSource};
use authsvc_core::clock::Clock;
use authsvc_core::service::{DELTAS_KEPT_FOR, FEED_INTERVAL};
use authsvc_core::storage::Store;
use axum::body::Body;
use cryptokit::encoding::base64url;
use cryptokit::jose::{
    FeedPolicy, FeedVerifyingKey, RemoteKeysPolicy, Revocation, RevocationFeed, Standing, TokenVerifier, WhenStale,
};
use http::{Request, StatusCode};
use serde_json::{Value, json};
use support::databases;
use support::in_process::{Answer, EMAIL, ISSUER, PASSWORD, Service};
use support::replicas::pairs;
use tokio::time::Instant;

const BUDGET: Duration = Duration::from_secs(20);

async fn get(service: &Service, path: &str) -> Answer {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let peer = Some(service.peer(&["dns:orders.internal"]));
    service.send(&service.internal, peer, request).await
}

fn text(answer: &Answer) -> String {
    assert_eq!(answer.status, StatusCode::OK);
    String::from_utf8(answer.body.clone()).unwrap()
}

async fn login(service: &Service) -> (String, String) {
    let json = service.login(EMAIL, PASSWORD).await.json();
    let text = |name: &str| json[name].as_str().unwrap().to_owned();
    (text("refresh_token"), text("token"))
}

async fn logout(service: &Service, refresh_token: &str) {
    let body = json!({ "refresh_token": refresh_token }).to_string();
    assert_eq!(service.post("/v1/logout", body).await.status, StatusCode::NO_CONTENT);
}

/// A way to a service that a test can cut, and lead to another one.
#[derive(Clone)]
struct Way {
    to: Arc<Mutex<Arc<Service>>>,
    is_cut: Arc<AtomicBool>,
}

impl Way {
    fn to(service: &Arc<Service>) -> Self {
        Self {
            to: Arc::new(Mutex::new(Arc::clone(service))),
            is_cut: Arc::default(),
        }
    }

    fn cut(&self, is_cut: bool) {
        self.is_cut.store(is_cut, Ordering::SeqCst);
    }

    fn lead_to(&self, service: &Arc<Service>) {
        *self.to.lock().unwrap() = Arc::clone(service);
    }

    async fn get(&self, path: &str) -> Option<Answer> {
        if self.is_cut.load(Ordering::SeqCst) {
            return None;
        }
        let service = Arc::clone(&self.to.lock().unwrap());
        Some(get(&service, path).await)
    }
}

impl RevocationSource for Way {
    async fn keys(&self) -> Option<Vec<FeedVerifyingKey>> {
        Some(keys_of(&self.get("/v1/revocations/keys").await?.json()))
    }

    async fn snapshot(&self) -> Option<String> {
        Some(text(&self.get("/v1/revocations/snapshot").await?))
    }

    async fn delta(&self, feed: &str, number: u64) -> FetchedDelta {
        match self.get(&format!("/v1/revocations/{feed}/{number}")).await {
            None => FetchedDelta::Failed,
            Some(answer) if answer.status == StatusCode::NO_CONTENT => FetchedDelta::NotYet,
            Some(answer) if answer.status == StatusCode::NOT_FOUND => FetchedDelta::Gone,
            Some(answer) => FetchedDelta::Delta(text(&answer)),
        }
    }
}

impl KeySource for Way {
    async fn fetch(&self, _etag: Option<&str>) -> Fetched {
        let answer = self.get("/.well-known/jwks.json").await;
        answer.map_or(Fetched::Failed, |answer| Fetched::Document {
            body: answer.body,
            etag: None,
            max_age: None,
        })
    }
}

fn keys_of(json: &Value) -> Vec<FeedVerifyingKey> {
    assert_eq!(json["issuer"], ISSUER);
    let keys = json["feed_keys"].as_array().unwrap().iter();
    keys.map(|key| {
        let public: [u8; 32] = base64url::decode(key["public_key"].as_str().unwrap())
            .unwrap()
            .try_into()
            .unwrap();
        let public = FeedVerifyingKey::from_public_key(&public).unwrap();
        assert_eq!(key["kid"], public.kid());
        public
    })
    .collect()
}

/// A service that verifies by itself, over that way.
fn verifier(way: &Way, when_stale: WhenStale, clock: &Arc<impl Clock + 'static>) -> LocalVerifier<Way> {
    let clock = Arc::clone(clock);
    let revocations = RemoteRevocations::start(
        way.clone(),
        ISSUER,
        FeedPolicy::new(when_stale, BUDGET),
        Arc::new(move || clock.now()),
    );
    let keys = RemoteKeySet::new(way.clone(), RemoteKeysPolicy::default());
    LocalVerifier::new(TokenVerifier::new(ISSUER, Duration::from_secs(5)), keys, revocations)
}

async fn verify(verifier: &LocalVerifier<Way>, service: &Service, token: &str) -> Result<(), VerifyError> {
    let audiences = ["orders".to_owned()];
    let verified = verifier.verify(token, &audiences, service.clock.now()).await;
    verified.map(drop)
}

/// Waits for a state that following brings about.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds().await {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// What a running replica does in the background.
fn publishing(services: &[&Arc<Service>]) -> tokio::task::JoinSet<()> {
    let mut tasks = tokio::task::JoinSet::new();
    for service in services {
        let service = Arc::clone(service);
        tasks.spawn(async move {
            let mut ticks = tokio::time::interval(FEED_INTERVAL);
            loop {
                ticks.tick().await;
                // Nobody joins these: what is missing then, the test misses.
                if let Err(error) = service.feed.publish().await {
                    eprintln!("a round published nothing: {error:?}");
                }
            }
        });
    }
    tasks
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_publish_one_document_for_each_number_and_leave_nothing_out() {
    const EACH: usize = 60;
    for (first, second, _directory) in pairs().await {
        first.feed.publish().await.unwrap();
        let begun = text(&get(&second, "/v1/revocations/snapshot").await);
        let mut tasks = tokio::task::JoinSet::new();
        for (name, service) in [("a", &first), ("b", &second)] {
            let service = Arc::clone(service);
            tasks.spawn(async move {
                for index in 0..EACH {
                    service.sessions.revoke_jti(&format!("{name}{index}")).await.unwrap();
                    service.feed.publish().await.unwrap();
                }
            });
            // One that is killed and comes again, with keys and place from the database.
            let again = Arc::new(first.replica(Arc::clone(&first.store)).await);
            tasks.spawn(async move {
                for _ in 0..EACH {
                    again.feed.publish().await.unwrap();
                }
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.unwrap();
        }
        first.feed.publish().await.unwrap();

        let now = first.clock.now();
        let keys = keys_of(&get(&first, "/v1/revocations/keys").await.json());
        let mut feed = RevocationFeed::new(ISSUER, keys, FeedPolicy::new(WhenStale::Refuse, BUDGET));
        feed.apply_snapshot(&begun, now).unwrap();
        let name = feed.position().unwrap().feed.clone();
        let mut number = feed.position().unwrap().seq + 1;
        loop {
            let path = format!("/v1/revocations/{name}/{number}");
            let (one, other) = (get(&first, &path).await, get(&second, &path).await);
            assert_eq!((one.status, &one.body), (other.status, &other.body), "{number}");
            if one.status == StatusCode::NO_CONTENT {
                break;
            }
            // Signed, in order, and upon the one before.
            feed.apply_delta(&text(&one), now).unwrap();
            number += 1;
        }
        assert_eq!(feed.len(), 2 * EACH, "none is missing");
        assert_eq!(
            first.store.feed_head().await.unwrap().unwrap().position,
            *feed.position().unwrap()
        );
    }
}

#[tokio::test]
async fn much_at_once_is_published_in_parts_and_in_order() {
    for (first, _, _directory) in pairs().await {
        first.feed.publish().await.unwrap();
        let begun = text(&get(&first, "/v1/revocations/snapshot").await);
        let exp = first.clock.now().unix_timestamp().unsigned_abs() + 900;
        // As long as names may be, of characters that JSON writes with six.
        let all: Vec<Revocation> = (0..1_200)
            .map(|index| Revocation::Token {
                jti: format!("{index:04}{}", "\u{1}".repeat(252)),
                exp,
            })
            .collect();
        first.store.revoke(&all).await.unwrap();
        first.feed.publish().await.unwrap();
        let now = first.clock.now();
        let keys = || async { keys_of(&get(&first, "/v1/revocations/keys").await.json()) };
        let policy = FeedPolicy::new(WhenStale::Refuse, BUDGET);
        let mut feed = RevocationFeed::new(ISSUER, keys().await, policy.clone());
        feed.apply_snapshot(&begun, now).unwrap();
        while feed.len() < all.len() {
            let position = feed.position().unwrap();
            let path = format!("/v1/revocations/{}/{}", position.feed, position.seq + 1);
            feed.apply_delta(&text(&get(&first, &path).await), now).unwrap();
        }
        // A snapshot that is made now has them too.
        first.clock.advance(11);
        first.feed.publish().await.unwrap();
        let mut from_snapshot = RevocationFeed::new(ISSUER, keys().await, policy);
        let snapshot = text(&get(&first, "/v1/revocations/snapshot").await);
        from_snapshot.apply_snapshot(&snapshot, first.clock.now()).unwrap();
        assert_eq!(from_snapshot.len(), all.len());
        // What is old is gone, and the last one stays.
        first.clock.advance(DELTAS_KEPT_FOR.as_secs() as i64 + 20);
        first.feed.prune().await.unwrap();
        let position = from_snapshot.position().unwrap().clone();
        let path = |number| format!("/v1/revocations/{}/{number}", position.feed);
        assert_eq!(get(&first, &path(1)).await.status, StatusCode::NOT_FOUND);
        assert_eq!(get(&first, &path(position.seq)).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn the_feed_is_for_registered_services_and_says_what_may_be_kept() {
    let service = Service::start().await;
    let snapshot = get(&service, "/v1/revocations/snapshot").await;
    assert_eq!(snapshot.header("content-type"), "application/jwt");
    assert_eq!(snapshot.header("cache-control"), "private, no-cache");
    let keys = get(&service, "/v1/revocations/keys").await;
    assert_eq!(keys.header("cache-control"), "private, no-cache");
    let feed = service.store.feed_head().await.unwrap().unwrap().position.feed;
    let first = format!("/v1/revocations/{feed}/1");
    let delta = get(&service, &first).await;
    assert_eq!(delta.header("cache-control"), "private, max-age=600, immutable");
    for path in ["/v1/revocations/snapshot", "/v1/revocations/keys", &first] {
        let etag = get(&service, path).await.header("etag").to_owned();
        let request = Request::get(path).header("if-none-match", etag);
        let peer = Some(service.peer(&["dns:orders.internal"]));
        let answer = service
            .send(&service.internal, peer, request.body(Body::empty()).unwrap())
            .await;
        assert_eq!(
            (answer.status, answer.body.len()),
            (StatusCode::NOT_MODIFIED, 0),
            "{path}"
        );
    }
    let not_yet = get(&service, &format!("/v1/revocations/{feed}/2")).await;
    assert_eq!(not_yet.status, StatusCode::NO_CONTENT);
    assert_eq!(not_yet.header("cache-control"), "no-store");
    assert_eq!(service.reasons(), Vec::<&str>::new(), "polling is not recorded");

    for path in [
        "/v1/revocations/another/1".to_owned(),
        format!("/v1/revocations/{feed}/0"),
        format!("/v1/revocations/{feed}/01"),
        format!("/v1/revocations/{feed}/+1"),
        format!("/v1/revocations/{feed}/-1"),
        format!("/v1/revocations/{feed}/18446744073709551616"),
        format!("/v1/revocations/{feed}/x"),
    ] {
        assert_eq!(get(&service, &path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    service.reasons();
    let request = || Request::get(&first).body(Body::empty()).unwrap();
    for stranger in [Some(service.peer(&["dns:nobody.internal"])), None] {
        let answer = service.send(&service.internal, stranger, request()).await;
        assert_eq!(answer.problem(), "caller-not-allowed");
    }
    assert_eq!(service.reasons().len(), 2, "a refusal is recorded");
    let outside = service.send(&service.public, None, request()).await;
    assert_eq!(outside.status, StatusCode::NOT_FOUND);
}

/// The longest that a revoked token is still taken for good (docs/adr/0024-sessions.md).
const PROMISED: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_revoked_is_refused_by_every_verifier_within_two_seconds() {
    for (first, second, _directory) in pairs().await {
        let _publishing = publishing(&[&first, &second]);
        let verifiers: Vec<_> = [&first, &second, &first]
            .map(|service| verifier(&Way::to(service), WhenStale::Refuse, &first.clock))
            .into();
        for (round, service) in [&first, &second].into_iter().enumerate() {
            // By the clock on the wall, of a machine that has other work: one delay may be its own, three in a row are ours.
            let mut took = Vec::new();
            while took.len() < 3 && took.last().is_none_or(|last| *last >= PROMISED) {
                took.push(until_all_refuse(&verifiers, service, &first).await);
            }
            assert!(
                took.last().is_some_and(|last| *last < PROMISED),
                "round {round}: {took:?}"
            );
        }
    }
}

/// How long after its session's end the last of the verifiers refuses a token.
async fn until_all_refuse(verifiers: &[LocalVerifier<Way>], service: &Service, first: &Service) -> Duration {
    let (refresh_token, token) = login(service).await;
    for verifier in verifiers {
        until("followed", async || verifier.revocations().is_fresh()).await;
        verify(verifier, first, &token).await.unwrap();
    }
    let revoked_at = Instant::now();
    logout(service, &refresh_token).await;
    for verifier in verifiers {
        let refused = async || verify(verifier, first, &token).await == Err(VerifyError::Revoked);
        until("refused", refused).await;
    }
    revoked_at.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_that_is_cut_off_counts_until_the_budget_and_not_a_second_longer() {
    let service = Arc::new(Service::start().await);
    service.feed.publish().await.unwrap();
    let (_, token) = login(&service).await;
    let (refresh_token, revoked) = login(&service).await;
    logout(&service, &refresh_token).await;
    service.feed.publish().await.unwrap();
    for (when_stale, beyond, standing) in [
        (
            WhenStale::Refuse,
            Err(VerifyError::RevocationsStale),
            Standing::Unavailable,
        ),
        (WhenStale::Accept, Ok(()), Standing::AcceptedStale),
    ] {
        let way = Way::to(&service);
        let verifier = verifier(&way, when_stale, &service.clock);
        until("followed", async || verifier.revocations().is_fresh()).await;
        // With the keys, which are kept for longer.
        assert_eq!(verify(&verifier, &service, &token).await, Ok(()));
        way.cut(true);
        let issued_at = service.store.feed_head().await.unwrap().unwrap().issued_at;
        let ahead = service.clock.now().unix_timestamp() - issued_at as i64;
        service.clock.advance(BUDGET.as_secs() as i64 - ahead);
        assert!(verifier.revocations().is_fresh(), "at the budget");
        assert_eq!(verify(&verifier, &service, &token).await, Ok(()));
        service.clock.advance(1);
        assert_eq!(verify(&verifier, &service, &token).await, beyond, "a second beyond it");
        let claims = TokenVerifier::new(ISSUER, Duration::from_secs(5)).verify(
            &token,
            &service.keys.tokens().keys.verification,
            &["orders".to_owned()],
            service.clock.now(),
        );
        assert_eq!(verifier.revocations().check(&claims.unwrap()), standing);
        // What was known to be revoked stays so, whatever the choice.
        assert_eq!(verify(&verifier, &service, &revoked).await, Err(VerifyError::Revoked));
        // It goes on by itself where it stopped.
        service.feed.publish().await.unwrap();
        way.cut(false);
        until("fresh again", async || verifier.revocations().is_fresh()).await;
        assert_eq!(verify(&verifier, &service, &token).await, Ok(()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn verifiers_know_nothing_before_the_first_snapshot_and_take_a_gap_for_what_it_is() {
    let service = Arc::new(Service::start().await);
    let (refresh_token, token) = login(&service).await;
    let way = Way::to(&service);
    way.cut(true);
    let unknowing = verifier(&way, WhenStale::Refuse, &service.clock);
    assert_eq!(
        verify(&unknowing, &service, &token).await,
        Err(VerifyError::Unavailable),
        "not even keys"
    );
    way.cut(false);
    let verifier = verifier(&way, WhenStale::Refuse, &service.clock);
    until("followed", async || verifier.revocations().is_fresh()).await;
    way.cut(true);
    // Away for longer than deltas are kept.
    logout(&service, &refresh_token).await;
    for _ in 0..3 {
        service.clock.advance(DELTAS_KEPT_FOR.as_secs() as i64 / 2 + 1);
        service.feed.publish().await.unwrap();
    }
    service.feed.prune().await.unwrap();
    way.cut(false);
    until("from a snapshot", async || verifier.revocations().is_fresh()).await;
    assert_eq!(verifier.revocations().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r3_after_a_restore_the_feed_begins_anew_and_nothing_older_is_good() {
    let service = Arc::new(Service::start().await);
    service.feed.publish().await.unwrap();
    let (_, token) = login(&service).await;
    let file = service.directory.path().join("authsvc.db");
    let copy = service.directory.path().join("x.backup");
    backup::backup(&DatabaseConfig::sqlite(&file), &copy, service.clock.now())
        .await
        .unwrap();
    let way = Way::to(&service);
    let verifier = verifier(&way, WhenStale::Refuse, &service.clock);
    // Further than the copy, so that its numbers come again.
    for _ in 0..3 {
        service.clock.advance(5);
        service.feed.publish().await.unwrap();
    }
    until("followed", async || verifier.revocations().is_fresh()).await;
    assert_eq!(verify(&verifier, &service, &token).await, Ok(()));
    let before = verifier.revocations().position().unwrap();

    service.clock.advance(5);
    let restored = service.directory.path().join("restored.db");
    backup::restore(&DatabaseConfig::sqlite(&restored), &copy, service.clock.now())
        .await
        .unwrap();
    let store: Arc<dyn Store> = Arc::new(databases::open_sqlite(&restored).await);
    let again = Arc::new(service.replica(store).await);
    again.feed.publish().await.unwrap();
    way.lead_to(&again);
    let refused = async || verify(&verifier, &service, &token).await == Err(VerifyError::Revoked);
    until("refused", refused).await;
    let after = verifier.revocations().position().unwrap();
    assert_ne!(before.feed, after.feed);
    assert_eq!(after.seq, 1);
}
