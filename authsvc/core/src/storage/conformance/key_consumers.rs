//! Which service has fetched which keys.

use time::OffsetDateTime;

use super::services::service;
use crate::storage::{KeyConsumer, Store};

pub(super) async fn run(store: &dyn Store) {
    only_registered_services_are_consumers(store).await;
    the_latest_fetch_counts(store).await;
    a_registration_takes_its_fetches_with_it(store).await;
}

async fn only_registered_services_are_consumers(store: &dyn Store) {
    assert!(!record(store, "kc-nobody", 100, &["k1"]).await);
    assert!(consumers(store, 0).await.is_empty());
}

async fn the_latest_fetch_counts(store: &dyn Store) {
    for (name, issuer) in [("kc-a", 71), ("kc-b", 72)] {
        let registered = service(name, issuer, "dns:kc.internal", &["kc"]);
        store.insert_service(&registered).await.expect("a new name");
    }
    assert!(record(store, "kc-b", 100, &["k1"]).await);
    assert!(record(store, "kc-a", 200, &["k1", "k2"]).await);
    assert!(record(store, "kc-b", 300, &["k1", "k2"]).await);
    assert!(
        record(store, "kc-b", 250, &["k1"]).await,
        "late news of an earlier fetch"
    );
    let (a, b) = (
        consumer("kc-a", 200, &["k1", "k2"]),
        consumer("kc-b", 300, &["k1", "k2"]),
    );
    assert_eq!(consumers(store, 0).await, [a, b.clone()]);
    assert_eq!(consumers(store, 201).await, std::slice::from_ref(&b));
    assert_eq!(consumers(store, 300).await, [b]);
    assert!(consumers(store, 301).await.is_empty());
    assert!(
        record(store, "kc-b", 300, &[]).await,
        "within one second the last word counts"
    );
    assert_eq!(consumers(store, 300).await, [consumer("kc-b", 300, &[])]);
}

async fn a_registration_takes_its_fetches_with_it(store: &dyn Store) {
    for name in ["kc-a", "kc-b"] {
        let name = name.parse().expect("a name");
        assert!(store.remove_service(&name).await.expect("the store answers"));
    }
    assert!(consumers(store, 0).await.is_empty());
}

async fn record(store: &dyn Store, service: &str, at: i64, kids: &[&str]) -> bool {
    let recorded = store.record_key_consumer(&consumer(service, at, kids)).await;
    recorded.expect("the store answers")
}

async fn consumers(store: &dyn Store, since: i64) -> Vec<KeyConsumer> {
    let found = store.key_consumers(time(since)).await;
    found.expect("the store answers")
}

fn consumer(service: &str, at: i64, kids: &[&str]) -> KeyConsumer {
    KeyConsumer {
        service: service.parse().expect("a name"),
        fetched_at: time(at),
        kids: kids.iter().map(ToString::to_string).collect(),
    }
}

fn time(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(seconds).expect("in the calendar")
}
