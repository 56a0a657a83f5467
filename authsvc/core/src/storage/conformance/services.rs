//! The registry of services.

use cryptokit::x509::SubjectAlternativeName;
use time::OffsetDateTime;

use crate::domain::{Service, ServiceIdentity};
use crate::storage::{Store, StoreError};

pub(super) async fn run(store: &dyn Store) {
    services_are_found_by_their_whole_identity(store).await;
    taken_service_names_and_identities_conflict(store).await;
    removed_services_are_gone_with_their_audiences(store).await;
}

fn service(name: &str, issuer: u8, san: &str, audiences: &[&str]) -> Service {
    Service {
        name: name.parse().expect("a name"),
        identity: identity(issuer, san),
        audiences: audiences
            .iter()
            .map(|audience| audience.parse().expect("an audience"))
            .collect(),
        created_at: OffsetDateTime::from_unix_timestamp(1_800_000_000).expect("in the calendar"),
    }
}

fn identity(issuer: u8, san: &str) -> ServiceIdentity {
    ServiceIdentity {
        issuer_spki_sha256: [issuer; 32],
        subject_alternative_name: san.parse::<SubjectAlternativeName>().expect("a name"),
    }
}

async fn services_are_found_by_their_whole_identity(store: &dyn Store) {
    let orders = service("orders", 1, "dns:orders.internal", &["orders", "billing"]);
    store.insert_service(&orders).await.expect("a new name");
    let found = store
        .service_by_identity(&orders.identity)
        .await
        .expect("the store answers")
        .expect("registered");
    assert_eq!((&found.name, &found.identity), (&orders.name, &orders.identity));
    let mut audiences = found.audiences;
    audiences.sort();
    assert_eq!(
        audiences.iter().map(|audience| audience.as_str()).collect::<Vec<_>>(),
        ["billing", "orders"]
    );

    for stranger in [
        identity(2, "dns:orders.internal"),
        identity(1, "dns:orders.internal.evil"),
        identity(1, "dns:rders.internal"),
        identity(1, "uri:spiffe://orders.internal/x"),
    ] {
        let found = store.service_by_identity(&stranger).await.expect("the store answers");
        assert!(found.is_none(), "{stranger}");
    }
}

async fn taken_service_names_and_identities_conflict(store: &dyn Store) {
    let same_name = service("orders", 1, "dns:other.internal", &["other"]);
    assert!(matches!(
        store.insert_service(&same_name).await,
        Err(StoreError::Conflict)
    ));
    let same_identity = service("other", 1, "dns:orders.internal", &["other"]);
    assert!(matches!(
        store.insert_service(&same_identity).await,
        Err(StoreError::Conflict)
    ));
    let other = "other".parse().expect("an audience");
    assert!(
        !store.audience_exists(&other).await.expect("the store answers"),
        "nothing is left of a refused one"
    );
    assert_eq!(store.services().await.expect("the store answers").len(), 1);
}

async fn removed_services_are_gone_with_their_audiences(store: &dyn Store) {
    let name = "orders".parse().expect("a name");
    let orders = "orders".parse().expect("an audience");
    assert!(store.audience_exists(&orders).await.expect("the store answers"));
    assert!(store.remove_service(&name).await.expect("the store answers"));
    assert!(
        !store.remove_service(&name).await.expect("the store answers"),
        "the second time there is none"
    );
    assert!(!store.audience_exists(&orders).await.expect("the store answers"));
    let gone = store.service_by_identity(&identity(1, "dns:orders.internal")).await;
    assert!(gone.expect("the store answers").is_none());
}
