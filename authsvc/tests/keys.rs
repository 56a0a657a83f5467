//! The life of the signing keys: rotation that nobody notices, revocation that everybody does, replicas that agree.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use authsvc::key_upkeep::{BlockingKeyMaker, KeyUpkeep};
use authsvc::root_key_exchange::{ExchangeStep, RootKeyExchange};
use authsvc::secret_files::{RootKeyFile, read_root_key};
use authsvc::storage::sqlite::SqliteStore;
use authsvc_core::audit::{AuditSink, Outcome};
use authsvc_core::clock::{Clock, TestClock};
use authsvc_core::service::key_schedule::{KeyPolicy, MAX_PROMOTION_DELAY, PUBLISHED_BEFORE_USE};
use authsvc_core::service::{
    KeyChange, KeyChangeError, KeyKeeper, KeyRing, KeyStorageError, MAX_UNPOLLED_SIGNING, Patience, SEALING_KEYSET,
    SealedKeysets, SigningError, TOKEN_KEYSET, sealed_name,
};
use authsvc_core::storage::Store;
use axum::body::Body;
use cryptokit::Provider;
use cryptokit::jose::{AccessTokenClaims, Audience, JwkSet, JwsAlgorithm, TokenError, TokenVerifier, VerificationKeys};
use cryptokit::keyset::{KeyStatus, RootKey};
use cryptokit::sign::RsaKeySize;
use http::{Request, StatusCode};
use support::in_process::{ISSUER, NOW, Service};
use support::process::{run, stderr, stdout};

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
    let store: Arc<dyn Store> = Arc::new(
        SqliteStore::open(&service.directory.path().join("authsvc.db"))
            .await
            .unwrap(),
    );
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

#[tokio::test]
async fn a_rotation_waits_a_day_for_a_frozen_consumer_names_it_and_fails_no_validation() {
    let service = Service::start().await;
    service.register("frozen", "dns:frozen.internal", &["orders"]).await;
    let keeper = keeper(&service);
    assert!(matches!(
        keeper.maintain().await.unwrap(),
        Some(KeyChange::Begun { .. })
    ));
    assert_eq!(keeper.maintain().await.unwrap(), None);
    // The frozen one fetches at its start and never again, as too many verifiers do.
    service.clock.advance(80 * DAY);
    let old_set = fetch(&service, "dns:frozen.internal").await;

    service.clock.advance(10 * DAY);
    // Both paths, with both sets: a token of any moment is good where it is shown.
    let frozen_accepts = async |set: &JwkSet| {
        let token = service.token().await;
        assert_eq!(service.validate(&token).await.status, StatusCode::OK);
        verified_with(&service, set, &token)
    };
    fetch(&service, "dns:orders.internal").await;
    let Some(KeyChange::Published { kid, .. }) = keeper.maintain().await.unwrap() else {
        panic!("a key is due")
    };
    assert_eq!(frozen_accepts(&old_set).await, Ok(()));
    assert_eq!(keeper.laggards().await.unwrap().len(), 2, "nobody has fetched it yet");
    service.clock.advance(61);
    let new_set = fetch(&service, "dns:orders.internal").await;
    assert!(new_set.keys.iter().any(|key| key.kid() == kid));
    assert_eq!(keeper.laggards().await.unwrap()[0].as_str(), "frozen");

    service.clock.advance(PUBLISHED);
    assert_eq!(keeper.maintain().await.unwrap(), None, "it waits");
    let refused = keeper.promote(&kid, Patience::Wait).await.unwrap_err();
    assert!(
        refused.to_string().ends_with("has not been fetched by frozen"),
        "{refused}"
    );
    let report = keeper.report().await.unwrap();
    assert_eq!(report.laggards.len(), 1);
    assert_eq!(report.laggards[0].service.as_str(), "frozen");
    assert_eq!(
        report.laggards[0].fetched_at.unix_timestamp(),
        NOW + 80 * DAY,
        "since when"
    );

    let (at, latest) = report.promotion.unwrap();
    assert_eq!(latest - at, MAX_PROMOTION_DELAY);
    let wait = latest.unix_timestamp() - service.clock.now().unix_timestamp();
    service.clock.advance(wait - 1);
    assert_eq!(keeper.maintain().await.unwrap(), None);
    assert_eq!(frozen_accepts(&old_set).await, Ok(()));
    let last_old = service.token().await;
    service.clock.advance(1);
    let promoted = keeper.maintain().await.unwrap();
    assert!(
        matches!(&promoted, Some(KeyChange::Promoted { laggards, .. }) if laggards[0].as_str() == "frozen"),
        "{promoted:?}"
    );

    // Online, tokens of both keys are good; offline, whoever has fetched them within a day.
    let token = service.token().await;
    for token in [&last_old, &token] {
        assert_eq!(service.validate(token).await.status, StatusCode::OK);
        assert_eq!(verified_with(&service, &new_set, token), Ok(()));
    }
    assert_eq!(verified_with(&service, &old_set, &token), Err(TokenError::UnknownKey));

    // The retired key goes when its last token has.
    assert_eq!(statuses(&service.keys), [KeyStatus::Retired, KeyStatus::Primary]);
    service
        .clock
        .advance(3600 + 60 + MAX_UNPOLLED_SIGNING.as_secs() as i64 + 60);
    assert_eq!(keeper.maintain().await.unwrap(), None);
    service.clock.advance(1);
    assert!(matches!(
        keeper.maintain().await.unwrap(),
        Some(KeyChange::Pruned { .. })
    ));
    assert_eq!(statuses(&service.keys), [KeyStatus::Primary]);
    assert_eq!(service.keys.tokens().published.kids, [kid]);
}

#[tokio::test]
async fn promotion_comes_early_when_every_consumer_has_the_key() {
    let service = Service::start().await;
    let keeper = keeper(&service);
    fetch(&service, "dns:orders.internal").await;
    let KeyChange::Published { kid, .. } = keeper.rotate(Some(JwsAlgorithm::EdDsa)).await.unwrap() else {
        panic!("published")
    };
    assert!(matches!(
        keeper.rotate(None).await,
        Err(KeyChangeError::AlreadyPending { .. })
    ));
    let early = keeper.promote(&kid, Patience::Wait).await.unwrap_err();
    assert!(matches!(early, KeyChangeError::TooEarly { .. }), "{early}");
    fetch(&service, "dns:orders.internal").await;
    service.clock.advance(PUBLISHED - 1);
    assert!(!matches!(
        keeper.maintain().await.unwrap(),
        Some(KeyChange::Promoted { .. })
    ));
    service.clock.advance(1);
    let promoted = keeper.maintain().await.unwrap();
    assert!(
        matches!(&promoted, Some(KeyChange::Promoted { laggards, .. }) if laggards.is_empty()),
        "{promoted:?}"
    );
    assert_eq!(service.keys.tokens().primary().algorithm, JwsAlgorithm::EdDsa);
    assert_eq!(service.validate(&service.token().await).await.status, StatusCode::OK);
}

#[tokio::test]
async fn of_several_replicas_one_takes_a_step_and_all_agree_after_one_poll() {
    let service = Service::start().await;
    let replicas = [
        replica(&service).await,
        replica(&service).await,
        replica(&service).await,
    ];
    let all_maintain = async || {
        let (a, b, c) = tokio::join!(
            replicas[0].keeper.maintain(),
            replicas[1].keeper.maintain(),
            replicas[2].keeper.maintain()
        );
        [a, b, c].into_iter().filter_map(Result::unwrap).count()
    };
    assert_eq!(all_maintain().await, 1, "the beginning");
    for round in 0..3 {
        service.clock.advance(91 * DAY);
        for step in ["publish", "promote"] {
            for replica in &replicas {
                replica.ring.poll().await.unwrap();
            }
            let done = all_maintain().await;
            // The third step, pruning the key of the round before, may come in between.
            assert!(done == 1, "round {round}: {step} was taken {done} times");
            service.clock.advance(PUBLISHED);
        }
        service.clock.advance(DAY);
        for replica in &replicas {
            replica.ring.poll().await.unwrap();
        }
        let versions: Vec<_> = replicas.iter().map(|replica| replica.ring.tokens().version).collect();
        assert!(versions.iter().all(|version| *version == versions[0]), "{versions:?}");
        assert_eq!(all_maintain().await, 1, "round {round}: prune");
    }
    let entries = &replicas[0].ring.tokens().entries;
    replicas[0].ring.poll().await.unwrap();
    assert!(entries.len() <= 2, "{entries:?}");
    // The service that was not polled meanwhile is a replica too, and agrees after one poll.
    assert!(service.keys.poll().await.unwrap());
    assert_eq!(
        service.keys.tokens().primary().kid,
        replicas[0].ring.tokens().primary().kid
    );
    assert!(!service.keys.poll().await.unwrap(), "nothing newer");
}

#[tokio::test]
async fn a_rotation_goes_on_where_an_ended_process_left_it() {
    let service = Service::start().await;
    let first = service.keys.tokens().primary().kid.clone();
    // A process for each step, and one before it that is cut off wherever it waits first, or has done the step by then.
    for _ in 0..8 {
        let cut_off = replica(&service).await;
        let _ = tokio::time::timeout(Duration::ZERO, cut_off.keeper.maintain()).await;
        cut_off.store.close().await;
        let replica = replica(&service).await;
        replica.keeper.maintain().await.unwrap();
        assert!(replica.ring.tokens().entries.len() <= 2);
        service.keys.poll().await.unwrap();
        assert_eq!(service.validate(&service.token().await).await.status, StatusCode::OK);
        service.clock.advance(match replica.ring.tokens().entries.len() {
            1 => 90 * DAY,
            _ => 6000,
        });
    }
    assert_ne!(service.keys.tokens().primary().kid, first);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t17_no_token_of_a_revoked_key_is_accepted_however_it_races() {
    let service = Service::start().await;
    let other = replica(&service).await;
    let revoked = service.keys.tokens().primary().kid.clone();
    // Signs without a pause until it has signed with another key for a while; says when it has begun.
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let (ring, claims, old) = (Arc::clone(&service.keys), claims(&service), revoked.clone());
    let signing = tokio::task::spawn_blocking(move || {
        let (mut tokens, mut begun, mut by_others) = (Vec::new(), Some(begun), 0);
        while by_others < 50 {
            assert!(tokens.len() < 1_000_000, "the revocation never arrived");
            let token = ring.sign(&claims).unwrap().expose_secret().to_owned();
            by_others += usize::from(header(&token)["kid"] != old.as_str());
            tokens.push(token);
            if tokens.len() == 50 {
                begun.take().unwrap().send(()).unwrap();
            }
        }
        tokens
    });
    has_begun.await.unwrap();
    let change = other.keeper.revoke(&revoked[..12]).await.unwrap();
    let KeyChange::Revoked { kid, successor } = change else {
        panic!("{change:?}")
    };
    assert_eq!(kid, revoked);
    let successor = successor.unwrap();
    service.keys.poll().await.unwrap();
    assert_eq!(service.keys.tokens().published.kids, [successor], "no longer published");

    let (mut good, mut refused) = (0, 0);
    let tokens = signing.await.unwrap();
    // Those around the change, and some of the many before.
    for token in tokens.iter().rev().take(100).chain(tokens.iter().step_by(97)) {
        let by_revoked = header(token)["kid"] == revoked.as_str();
        let expected = if by_revoked {
            StatusCode::UNAUTHORIZED
        } else {
            StatusCode::OK
        };
        assert_eq!(service.validate(token).await.status, expected);
        *if by_revoked { &mut refused } else { &mut good } += 1;
    }
    assert!(good > 0 && refused > 0, "{good} good, {refused} refused");
    let answer = service.get("/.well-known/jwks.json").await;
    assert!(!String::from_utf8(answer.body).unwrap().contains(&revoked));
}

#[tokio::test]
async fn t17_a_published_key_takes_the_place_of_a_revoked_one_without_waiting() {
    let service = Service::start().await;
    let keeper = keeper(&service);
    fetch(&service, "dns:orders.internal").await;
    let before = service.token().await;
    let KeyChange::Published { kid, .. } = keeper.rotate(None).await.unwrap() else {
        panic!("published")
    };
    let primary = service.keys.tokens().primary().kid.clone();
    let change = keeper.revoke(&primary).await.unwrap();
    let successor = Some(kid.clone());
    assert_eq!(
        change,
        KeyChange::Revoked {
            kid: primary.clone(),
            successor
        }
    );
    assert_eq!(
        service.keys.tokens().primary().kid,
        kid,
        "at once, although a service lags"
    );
    assert_eq!(service.validate(&before).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(service.reasons().last(), Some(&"token_unknown_key"));
    assert_eq!(service.validate(&service.token().await).await.status, StatusCode::OK);

    // A retired key's tokens live on, until it is revoked too.
    let before = service.token().await;
    keeper.replace_now(None).await.unwrap();
    assert_eq!(service.validate(&before).await.status, StatusCode::OK);
    keeper.revoke(&kid).await.unwrap();
    assert_eq!(service.validate(&before).await.status, StatusCode::UNAUTHORIZED);

    assert!(matches!(keeper.revoke("").await, Err(KeyChangeError::NoSuchKey { .. })));
    assert!(matches!(
        keeper.revoke("nothing").await,
        Err(KeyChangeError::NoSuchKey { .. })
    ));
    assert!(matches!(
        keeper.promote(&primary, Patience::None).await,
        Err(KeyChangeError::NotPending { .. })
    ));
    let Some(KeyChange::Pruned { kids }) = keeper.prune().await.unwrap() else {
        panic!("pruned")
    };
    assert_eq!(kids, [primary, kid]);
    assert_eq!(keeper.prune().await.unwrap(), None);
}

#[tokio::test]
async fn t18_a_key_past_its_end_signs_nothing_until_it_is_replaced() {
    let service = Service::start().await;
    let keeper = keeper(&service);
    keeper.maintain().await.unwrap();
    let upkeep = KeyUpkeep::new(
        Arc::clone(&service.keys),
        keeper_of(&service, &service.keys, POLICY),
        Arc::clone(&service.audit) as Arc<dyn AuditSink>,
        Arc::clone(&service.clock) as _,
    );
    let end = service.keys.tokens().primary().usage_period.not_after().unwrap();
    let left = end.unix_timestamp() - service.clock.now().unix_timestamp();
    service.clock.advance(left);
    service.token().await;
    assert_eq!(upkeep.gauges().seconds_left, Some(0));

    service.clock.advance(1);
    let answer = service
        .login(support::in_process::EMAIL, support::in_process::PASSWORD)
        .await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!answer.header("retry-after").is_empty());
    assert_eq!(service.reasons().last(), Some(&"signing_key_ended"));
    // The alarm: one record, not one for each poll.
    upkeep.follow().await.unwrap();
    upkeep.follow().await.unwrap();
    assert_eq!(service.reasons(), ["signing_key_ended"]);

    upkeep.advance().await.unwrap();
    upkeep.follow().await.unwrap();
    assert_eq!(service.validate(&service.token().await).await.status, StatusCode::OK);

    // A clock that was set back finds a key whose time has not come.
    service.clock.advance(-DAY);
    assert!(matches!(
        service.keys.sign(&claims(&service)),
        Err(SigningError::OutsideUsagePeriod { .. })
    ));
}

#[tokio::test]
async fn a_replica_without_its_database_signs_for_ten_minutes_more() {
    let service = Service::start().await;
    let replica = replica(&service).await;
    replica.store.close().await;
    assert!(replica.ring.poll().await.is_err());
    service.clock.advance(MAX_UNPOLLED_SIGNING.as_secs() as i64);
    assert!(replica.ring.poll().await.is_err());
    assert!(replica.ring.sign(&claims(&service)).is_ok());
    service.clock.advance(1);
    assert_eq!(
        replica.ring.sign(&claims(&service)).unwrap_err(),
        SigningError::Unpolled
    );
    service.keys.poll().await.unwrap();
    assert!(service.keys.sign(&claims(&service)).is_ok(), "where it can be asked");
}

#[tokio::test]
async fn older_swapped_and_foreign_keysets_are_refused_and_the_keys_stay() {
    let service = Service::start().await;
    let keeper = keeper(&service);
    let upkeep = KeyUpkeep::new(
        Arc::clone(&service.keys),
        keeper_of(&service, &service.keys, POLICY),
        Arc::clone(&service.audit) as Arc<dyn AuditSink>,
        Arc::clone(&service.clock) as _,
    );
    let old = service.store.keyset(TOKEN_KEYSET).await.unwrap().unwrap();
    let compromised = service.keys.tokens().primary().kid.clone();
    let stolen = service.token().await;
    keeper.revoke(&compromised).await.unwrap();
    let current = service.store.keyset(TOKEN_KEYSET).await.unwrap().unwrap();
    let sealing = service.store.keyset(SEALING_KEYSET).await.unwrap().unwrap();
    let good = service.token().await;
    service.reasons();

    let write = async |version: u64, sealed: &str| {
        let version = i64::try_from(version).unwrap();
        let file = service.directory.path().join("authsvc.db");
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
        let pool = sqlx::sqlite::SqlitePool::connect_with(options).await.unwrap();
        sqlx::query("UPDATE keysets SET version = ?, sealed = ? WHERE name = 'access-tokens'")
            .bind(version)
            .bind(sealed)
            .execute(&pool)
            .await
            .unwrap();
        pool.close().await;
    };
    let next = current.version + 1;
    for (version, sealed, reason) in [
        (old.version, old.sealed.as_str(), "keyset_rolled_back"),
        (next, &old.sealed, "keyset_unreadable"),
        (next, &current.sealed, "keyset_unreadable"),
        (next, &sealing.sealed, "keyset_unreadable"),
        (next, "{}", "keyset_unreadable"),
        (next, &"x".repeat(2 << 20), "keyset_unreadable"),
    ] {
        write(version, sealed).await;
        assert!(upkeep.follow().await.is_err());
        assert!(upkeep.follow().await.is_err());
        assert_eq!(service.reasons(), [reason], "one record while it stays so");
        assert_eq!(service.validate(&good).await.status, StatusCode::OK);
        assert_eq!(service.validate(&stolen).await.status, StatusCode::UNAUTHORIZED);
        // A process that starts with such a row does not serve; only a whole older row cannot be told from a restore.
        let fresh = ring(&service, &service.store, same_root(&service)).await;
        assert_eq!(fresh.is_err(), reason == "keyset_unreadable");
        write(current.version, &current.sealed).await;
        upkeep.follow().await.unwrap();
        service.reasons();
    }
    let foreign = ring(&service, &service.store, RootKey::generate()).await;
    assert!(matches!(foreign, Err(KeyStorageError::Sealed { .. })));
}

#[tokio::test]
async fn fetching_keys_is_conditional_and_noted_for_registered_services_once_a_minute() {
    let service = Service::start().await;
    let answer = service.get("/.well-known/jwks.json").await;
    assert_eq!(answer.header("cache-control"), "public, max-age=300");
    let etag = answer.header("etag").to_owned();
    assert!(etag.starts_with('"') && etag.ends_with('"'), "{etag}");
    let conditional = async |tags: &str, peer| {
        let request = Request::get("/.well-known/jwks.json").header("if-none-match", tags);
        let request = request.body(Body::empty()).unwrap();
        service.send(&service.internal, peer, request).await
    };
    for tags in [etag.clone(), format!("W/{etag}"), format!("\"x\", {etag}"), "*".into()] {
        let answer = conditional(&tags, None).await;
        assert_eq!(
            (answer.status, answer.body.len()),
            (StatusCode::NOT_MODIFIED, 0),
            "{tags}"
        );
        assert_eq!(answer.header("etag"), etag);
    }
    for tags in ["\"x\"", "", &etag[1..], "W/*"] {
        assert_eq!(conditional(tags, None).await.status, StatusCode::OK, "{tags}");
    }
    let consumers = async || {
        let since = service.clock.now() - Duration::from_secs(1_000_000);
        service.store.key_consumers(since).await.unwrap()
    };
    fetch(&service, "dns:stranger.internal").await;
    assert!(consumers().await.is_empty(), "only who is registered");

    // Somebody who confirms what is there has it.
    conditional(&etag, Some(service.peer(&["dns:orders.internal"]))).await;
    let first = consumers().await;
    assert_eq!(first[0].service.as_str(), "orders");
    assert_eq!(first[0].kids, service.keys.tokens().published.kids);
    service.clock.advance(59);
    fetch(&service, "dns:orders.internal").await;
    assert_eq!(consumers().await, first, "within the minute nothing is written");
    keeper(&service).rotate(None).await.unwrap();
    fetch(&service, "dns:orders.internal").await;
    let second = consumers().await;
    assert_eq!(second[0].kids.len(), 2, "another set is written at once");
    assert_ne!(service.get("/.well-known/jwks.json").await.header("etag"), etag);
}

#[test]
fn the_key_commands_do_what_they_say_and_refuse_what_would_hurt() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("home");
    init(&home);
    let config = home.join("authsvc.toml");
    let key = |arguments: &[&str]| run(&[&["key"], arguments, &["--config", config.to_str().unwrap()]].concat());
    let list = || -> serde_json::Value { serde_json::from_str(&stdout(&key(&["list", "--json"]))).unwrap() };

    let first = list()["keys"][0]["kid"].as_str().unwrap().to_owned();
    assert_eq!(list()["keys"][0]["state"], "signing");
    let rotated = key(&["rotate", "--algorithm", "ES256"]);
    assert!(stdout(&rotated).contains("is published"), "{}", stderr(&rotated));
    assert!(!key(&["rotate"]).status.success(), "one at a time");
    assert!(!key(&["rotate", "--algorithm", "none"]).status.success());
    let second = list()["keys"][1]["kid"].as_str().unwrap().to_owned();
    assert_eq!(list()["keys"][1]["algorithm"], "ES256");
    let early = key(&["promote", &second]);
    assert!(stderr(&early).contains("not to sign before"), "{}", stderr(&early));
    assert!(key(&["promote", &second[..10], "--force"]).status.success());
    assert_eq!(list()["keys"][1]["state"], "signing");
    assert_eq!(list()["keys"][0]["state"], "retired");
    assert_eq!(stdout(&key(&["prune"])), "Nothing to take out.\n");
    assert_eq!(key(&["revoke", &second]).status.code(), Some(2), "a reason is required");
    let revoked = key(&["revoke", &second, "--reason", "laptop stolen"]);
    assert!(stdout(&revoked).contains("is revoked. Key "), "{}", stderr(&revoked));
    let acts = run(&[
        "audit",
        "search",
        "--event",
        "authz_admin",
        "--config",
        config.to_str().unwrap(),
    ]);
    assert!(
        stdout(&acts).contains("\"note\":\"laptop stolen\""),
        "{}",
        stdout(&acts)
    );
    assert!(stdout(&key(&["rotate", "--now"])).contains("is new and signs"));
    assert!(stdout(&key(&["prune"])).contains(&second));
    let text = stdout(&key(&["list"]));
    assert!(text.contains(&first) && !text.contains(&second), "{text}");
}

#[tokio::test]
async fn the_root_key_is_exchanged_and_everything_opens_at_every_moment() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("home");
    init(&home);
    let config = home.join("authsvc.toml");
    let root_file = RootKeyFile::new(home.join("root.key"));
    let (peppers, database) = (home.join("pepper.json"), home.join("authsvc.db"));
    let old = read_root_key(root_file.path()).unwrap();
    let clock: Arc<dyn Clock> = Arc::new(TestClock::at(NOW));
    let open = async |store: &Arc<dyn Store>| {
        let keysets = SealedKeysets::new(Arc::clone(store) as Arc<dyn Store>, Arc::new(root_file.clone()));
        KeyRing::open(keysets, Arc::clone(&clock)).await
    };
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&database).await.unwrap());
    // What a service makes for itself, and a keyset that this program does not know: all rows are moved, by name or not.
    let keysets = SealedKeysets::new(Arc::clone(&store), Arc::new(root_file.clone()));
    authsvc_core::service::defence::open_digest_key(&keysets).await.unwrap();
    authsvc_core::audit::AuditKeys::open(&keysets).await.unwrap();
    let feed = cryptokit::keyset::Keyset::new("feed", cryptokit::aead::AeadKey::generate());
    if store.keyset("feed").await.unwrap().is_none() {
        keysets.create(&feed).await.unwrap();
    }
    let names: Vec<String> = store
        .keyset_versions()
        .await
        .unwrap()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    for name in [
        "access-tokens",
        "audit-pseudonyms",
        "audit-signing",
        "feed",
        "login-defence",
        "password-hashes",
    ] {
        assert!(names.iter().any(|found| found == name), "{name} in {names:?}");
    }
    // One that serves meanwhile.
    let serving = Arc::new(open(&store).await.unwrap());
    let policy = KeyPolicy {
        algorithm: JwsAlgorithm::EdDsa,
        ..POLICY
    };
    let keeper = KeyKeeper::new(
        Arc::clone(&serving),
        Arc::new(BlockingKeyMaker),
        Arc::clone(&clock),
        policy,
    );
    let mut steps = Vec::new();
    // Each step by a process of its own, which ends after it.
    while steps.last() != Some(&ExchangeStep::Finished) {
        assert!(steps.len() < 20, "{steps:?}");
        let mut exchange =
            RootKeyExchange::new(Arc::clone(&store) as Arc<dyn Store>, root_file.clone(), peppers.clone());
        steps.push(exchange.step().await.unwrap().unwrap());
        assert!(open(&store).await.is_ok(), "{steps:?}");
        assert!(root_file.read_peppers(&peppers).is_ok(), "{steps:?}");
        serving.poll().await.unwrap();
        // What changes a keyset in between leaves it under the key that it is under.
        if steps.len() % 2 == 0 {
            keeper.replace_now(None).await.unwrap();
        }
    }
    assert_eq!(steps[0], ExchangeStep::KeyMade);
    assert!(steps.contains(&ExchangeStep::Keyset(TOKEN_KEYSET.into())) && steps.contains(&ExchangeStep::Peppers));
    for (name, version) in store.keyset_versions().await.unwrap() {
        let stored = store.keyset(&name).await.unwrap().unwrap();
        assert!(!old.has_sealed(&sealed_name(&name, version), &stored.sealed), "{name}");
    }
    for name in &names {
        assert!(
            steps.contains(&ExchangeStep::Keyset(name.clone())),
            "{name} in {steps:?}"
        );
    }
    authsvc_core::service::defence::open_digest_key(&keysets).await.unwrap();
    authsvc_core::audit::AuditKeys::open(&keysets).await.unwrap();
    assert!(!root_file.next_path().exists());
    keeper.replace_now(None).await.unwrap();
    store.close().await;
    // And by the command, at once.
    let command = run(&["key", "rewrap", "--config", config.to_str().unwrap()]);
    assert!(
        stdout(&command).contains("It is the root key now"),
        "{}",
        stderr(&command)
    );
    assert!(stdout(&run(&["key", "list", "--config", config.to_str().unwrap()])).contains("signing"));

    // What opens with neither key stops it before anything is lost.
    let before = read_root_key(root_file.path()).unwrap();
    std::fs::write(&peppers, "{}").unwrap();
    let command = run(&["key", "rewrap", "--config", config.to_str().unwrap()]);
    assert!(
        stderr(&command).contains("opens with neither root key"),
        "{}",
        stderr(&command)
    );
    assert_eq!(*read_root_key(root_file.path()).unwrap().to_text(), *before.to_text());
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&database).await.unwrap());
    assert!(open(&store).await.is_ok());
}

fn init(home: &std::path::Path) {
    let home = home.to_str().unwrap();
    let made = run(&["init", "--home", home, "--issuer", ISSUER, "--server-san", "localhost"]);
    assert!(made.status.success(), "{}", stderr(&made));
}

fn header(token: &str) -> serde_json::Value {
    let header = token.split('.').next().unwrap();
    serde_json::from_slice(&cryptokit::encoding::base64url::decode(header).unwrap()).unwrap()
}

#[tokio::test]
async fn alarms_and_steps_are_on_record() {
    let service = Service::start().await;
    let upkeep = KeyUpkeep::new(
        Arc::clone(&service.keys),
        keeper(&service),
        Arc::clone(&service.audit) as Arc<dyn AuditSink>,
        Arc::clone(&service.clock) as _,
    );
    service.audit.take();
    upkeep.advance().await.unwrap();
    let records = service.audit.take();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].what.name(), "change-keys");
    assert!(matches!(records[0].outcome, Outcome::Success));
    service.clock.advance(30);
    assert_eq!(upkeep.gauges().age_seconds, 90, "since the allowance for clocks");
}
