//! What a replica makes of its stored keys: gone, older, foreign.

use std::sync::Arc;

use authsvc::key_upkeep::KeyUpkeep;
use authsvc_core::audit::AuditSink;
use authsvc_core::service::{
    FEED_KEYSET, FeedKeyKeeper, KeyStorageError, MAX_UNPOLLED_SIGNING, SEALING_KEYSET, SigningError, TOKEN_KEYSET,
};
use cryptokit::keyset::RootKey;
use http::StatusCode;

use super::{POLICY, claims, keeper, keeper_of, replica, ring, same_root};
use crate::support::in_process::{ISSUER, Service};

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

    let next = current.version + 1;
    for (version, sealed, reason) in [
        (old.version, old.sealed.as_str(), "keyset_rolled_back"),
        (next, &old.sealed, "keyset_unreadable"),
        (next, &current.sealed, "keyset_unreadable"),
        (next, &sealing.sealed, "keyset_unreadable"),
        (next, "{}", "keyset_unreadable"),
        (next, &"x".repeat(2 << 20), "keyset_unreadable"),
    ] {
        write(&service, TOKEN_KEYSET, version, sealed).await;
        assert!(upkeep.follow().await.is_err());
        assert!(upkeep.follow().await.is_err());
        assert_eq!(service.reasons(), [reason], "one record while it stays so");
        assert_eq!(service.validate(&good).await.status, StatusCode::OK);
        assert_eq!(service.validate(&stolen).await.status, StatusCode::UNAUTHORIZED);
        // A process that starts with such a row does not serve; only a whole older row cannot be told from a restore.
        let fresh = ring(&service, &service.store, same_root(&service)).await;
        assert_eq!(fresh.is_err(), reason == "keyset_unreadable");
        write(&service, TOKEN_KEYSET, current.version, &current.sealed).await;
        upkeep.follow().await.unwrap();
        service.reasons();
    }
    let foreign = ring(&service, &service.store, RootKey::generate()).await;
    assert!(matches!(foreign, Err(KeyStorageError::Sealed { .. })));
}

#[tokio::test]
async fn a_keyset_of_the_feed_that_is_older_or_swapped_is_on_record_and_neither_keyset_waits_for_the_other() {
    let service = Service::start().await;
    let feed_keeper = || {
        let keysets = service.keys.keysets().clone();
        FeedKeyKeeper::new(keysets, ISSUER, Arc::clone(&service.clock) as _, POLICY)
    };
    let upkeep = KeyUpkeep::new(
        Arc::clone(&service.keys),
        keeper_of(&service, &service.keys, POLICY),
        Arc::clone(&service.audit) as Arc<dyn AuditSink>,
        Arc::clone(&service.clock) as _,
    )
    .with_feed(Arc::clone(&service.feed), feed_keeper());
    let old = service.store.keyset(FEED_KEYSET).await.unwrap().unwrap();
    feed_keeper().revoke(None).await.unwrap();
    upkeep.advance().await.unwrap();
    upkeep.follow().await.unwrap();
    let current = service.store.keyset(FEED_KEYSET).await.unwrap().unwrap();
    service.reasons();
    for (version, sealed, reason) in [
        (old.version, old.sealed.as_str(), "keyset_rolled_back"),
        (current.version + 1, &old.sealed, "keyset_unreadable"),
    ] {
        write(&service, FEED_KEYSET, version, sealed).await;
        assert!(upkeep.follow().await.is_err());
        assert!(upkeep.follow().await.is_err());
        assert_eq!(service.reasons(), [reason], "one record while it stays so");
        write(&service, FEED_KEYSET, current.version, &current.sealed).await;
        upkeep.follow().await.unwrap();
    }

    service.clock.advance(91 * 86_400);
    let tokens = service.store.keyset(TOKEN_KEYSET).await.unwrap().unwrap();
    write(&service, TOKEN_KEYSET, tokens.version, "{}").await;
    let before = feed_keeper().report().await.unwrap().keys.len();
    assert!(
        upkeep.advance().await.is_err(),
        "a key of tokens is due and cannot be made"
    );
    assert!(feed_keeper().report().await.unwrap().keys.len() > before);
}

async fn write(service: &Service, keyset: &str, version: u64, sealed: &str) {
    let version = i64::try_from(version).unwrap();
    let file = service.directory.path().join("authsvc.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
    let pool = sqlx::sqlite::SqlitePool::connect_with(options).await.unwrap();
    sqlx::query("UPDATE keysets SET version = ?, sealed = ? WHERE name = ?")
        .bind(version)
        .bind(sealed)
        .bind(keyset)
        .execute(&pool)
        .await
        .unwrap();
    pool.close().await;
}
