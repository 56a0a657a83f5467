//! The life of the signing keys: rotation that nobody notices, revocation that everybody does, replicas that agree.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

#[path = "../support/mod.rs"]
mod support;

mod commands;
mod revocation;
mod rotation;
mod stored;

use std::sync::Arc;
use std::time::Duration;

use authsvc::key_upkeep::BlockingKeyMaker;
use authsvc_core::clock::Clock;
use authsvc_core::service::key_schedule::{KeyPolicy, PUBLISHED_BEFORE_USE};
use authsvc_core::service::{KeyKeeper, KeyRing, KeyStorageError, SealedKeysets};
use authsvc_core::storage::Store;
use axum::body::Body;
use cryptokit::Provider;
use cryptokit::jose::{AccessTokenClaims, Audience, JwkSet, JwsAlgorithm, TokenError, TokenVerifier, VerificationKeys};
use cryptokit::keyset::{KeyStatus, RootKey};
use cryptokit::sign::RsaKeySize;
use http::{Request, StatusCode};

use support::databases;
use support::in_process::{ISSUER, Service};

const DAY: i64 = 86_400;

/// Published before use, and the allowance for clocks.
const PUBLISHED: i64 = PUBLISHED_BEFORE_USE.as_secs() as i64 + 60;

const POLICY: KeyPolicy = KeyPolicy {
    rotation_period: Some(Duration::from_secs(90 * DAY as u64)),
    algorithm: JwsAlgorithm::Es256,
    rsa_key_size: RsaKeySize::Bits2048,
};

/// Another process over the same database.
struct Replica {
    store: Arc<dyn Store>,
    ring: Arc<KeyRing>,
    keeper: KeyKeeper,
}

async fn replica(service: &Service) -> Replica {
    let file = service.directory.path().join("authsvc.db");
    let store: Arc<dyn Store> = Arc::new(databases::open_sqlite(&file).await);
    let ring = Arc::new(ring(service, &store, same_root(service)).await.unwrap());
    let keeper = keeper_of(service, &ring, POLICY);
    Replica { store, ring, keeper }
}

async fn ring(service: &Service, store: &Arc<dyn Store>, root: RootKey) -> Result<KeyRing, KeyStorageError> {
    let keysets = SealedKeysets::new(Arc::clone(store), Arc::new(root));
    KeyRing::open(keysets, Arc::clone(&service.clock) as _).await
}

fn same_root(service: &Service) -> RootKey {
    RootKey::from_text(&service.root_key.to_text()).unwrap()
}

fn keeper_of(service: &Service, ring: &Arc<KeyRing>, policy: KeyPolicy) -> KeyKeeper {
    KeyKeeper::new(
        Arc::clone(ring),
        Arc::new(BlockingKeyMaker),
        Arc::clone(&service.clock) as _,
        policy,
    )
}

fn keeper(service: &Service) -> KeyKeeper {
    keeper_of(service, &service.keys, POLICY)
}

/// The key set as a service fetches it over mTLS.
async fn fetch(service: &Service, san: &str) -> JwkSet {
    let request = Request::get("/.well-known/jwks.json").body(Body::empty()).unwrap();
    let peer = Some(service.peer(&[san]));
    let answer = service.send(&service.internal, peer, request).await;
    assert_eq!(answer.status, StatusCode::OK);
    JwkSet::parse(&answer.body).unwrap()
}

/// The same, until it is noted: noting is given up rather than keys be late, and is up to the next fetch then.
async fn fetch_noted(service: &Service, san: &str) -> JwkSet {
    let name = san.trim_start_matches("dns:").trim_end_matches(".internal");
    for _ in 0..100 {
        let set = fetch(service, san).await;
        let kids = &service.keys.tokens().published.kids;
        let consumers = service
            .store
            .key_consumers(time::OffsetDateTime::UNIX_EPOCH)
            .await
            .unwrap();
        if consumers
            .iter()
            .any(|consumer| consumer.service.as_str() == name && consumer.kids == *kids)
        {
            return set;
        }
    }
    panic!("{name} is not noted");
}

/// Whether somebody who holds that set accepts the token.
fn verified_with(service: &Service, set: &JwkSet, token: &str) -> Result<(), TokenError> {
    let keys = VerificationKeys::from_jwk_set(Provider::default(), set).unwrap();
    let verifier = TokenVerifier::new(ISSUER, Duration::from_secs(5));
    let audiences = ["orders".to_owned()];
    verifier.verify(token, &keys, &audiences, service.clock.now()).map(drop)
}

fn statuses(ring: &KeyRing) -> Vec<KeyStatus> {
    ring.tokens().entries.iter().map(|entry| entry.status).collect()
}

fn claims(service: &Service) -> AccessTokenClaims {
    let now = service.clock.now().unix_timestamp() as u64;
    let sub = service.user_id.to_string();
    AccessTokenClaims::new(ISSUER, &sub, Audience::one("orders"), "authsvc", "jti", now, now + 900)
}

fn header(token: &str) -> serde_json::Value {
    let header = token.split('.').next().unwrap();
    serde_json::from_slice(&cryptokit::encoding::base64url::decode(header).unwrap()).unwrap()
}
