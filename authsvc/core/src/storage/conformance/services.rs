//! The registry of services.

use cryptokit::x509::SubjectAlternativeName;
use time::OffsetDateTime;

use crate::domain::{Service, ServiceIdentity};
use crate::storage::{Store, StoreError};

pub(super) async fn run(store: &dyn Store) {
    services_are_found_by_their_whole_identity(store).await;
    taken_service_names_and_identities_conflict(store).await;
    removed_services_are_gone_with_their_audiences(store).await;
    scopes_and_the_right_to_administer_are_kept(store).await;
    a_service_may_have_several_identities(store).await;
    an_identity_belongs_to_one_service(store).await;
    the_last_identity_stays(store).await;
    a_change_is_made_of_what_was_read_and_nothing_else(store).await;
}

pub(super) fn service(name: &str, issuer: u8, san: &str, audiences: &[&str]) -> Service {
    Service {
        name: name.parse().expect("a name"),
        identities: vec![identity(issuer, san)],
        audiences: audiences
            .iter()
            .map(|audience| audience.parse().expect("an audience"))
            .collect(),
        scopes: Vec::new(),
        admin: false,
        created_at: OffsetDateTime::from_unix_timestamp(1_800_000_000).expect("in the calendar"),
        seal: Some(format!("seal of {name}")),
    }
}

pub(super) fn identity(issuer: u8, san: &str) -> ServiceIdentity {
    ServiceIdentity {
        issuer_spki_sha256: [issuer; 32],
        subject_alternative_name: san.parse::<SubjectAlternativeName>().expect("a name"),
    }
}

async fn services_are_found_by_their_whole_identity(store: &dyn Store) {
    let orders = service("orders", 1, "dns:orders.internal", &["orders", "billing"]);
    store.insert_service(&orders).await.expect("a new name");
    let found = store
        .service_by_identity(&orders.identities[0])
        .await
        .expect("the store answers")
        .expect("registered");
    assert_eq!((&found.name, &found.identities), (&orders.name, &orders.identities));
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

async fn scopes_and_the_right_to_administer_are_kept(store: &dyn Store) {
    let mut admin = service("admin", 1, "uri:spiffe://example.org/admin", &[]);
    admin.admin = true;
    admin.scopes = ["orders:read", "orders:write"]
        .map(|name| name.parse().expect("a scope"))
        .to_vec();
    store.insert_service(&admin).await.expect("a new name");
    let plain = service("plain", 1, "dns:plain.internal", &["plain"]);
    store.insert_service(&plain).await.expect("a new name");

    let mut found = by_identity(store, &admin.identities[0]).await.expect("registered");
    found.scopes.sort();
    assert_eq!((found.admin, &found.scopes), (true, &admin.scopes));
    assert!(found.audiences.is_empty());
    let found = by_identity(store, &plain.identities[0]).await.expect("registered");
    assert!(!found.admin && found.scopes.is_empty());
    for service in [admin, plain] {
        assert!(store.remove_service(&service.name).await.expect("the store answers"));
    }
}

async fn a_service_may_have_several_identities(store: &dyn Store) {
    let orders = service("orders", 1, "dns:orders.internal", &["a", "b"]);
    store.insert_service(&orders).await.expect("a new name");
    let (old, new) = (orders.identities[0].clone(), identity(2, "dns:orders.internal"));
    assert!(
        store
            .add_service_identity(&orders, &new, "seal of orders")
            .await
            .expect("a new identity")
    );
    for identity in [&old, &new] {
        let found = by_identity(store, identity).await.expect("registered");
        assert_eq!(
            (&found.name, found.identities.len(), found.audiences.len()),
            (&orders.name, 2, 2)
        );
        assert!(found.identities.contains(&old) && found.identities.contains(&new));
    }
    assert_eq!(
        store.services().await.expect("the store answers").len(),
        1,
        "it is one service"
    );
    // The first one is the one that leaves: the issuing CA was exchanged.
    assert!(remove(store, &orders, &old).await);
    assert!(!remove(store, &orders, &old).await, "the second time there is none");
    assert!(by_identity(store, &old).await.is_none());
    assert_eq!(by_identity(store, &new).await.expect("registered").identities, [new]);

    let both = Service {
        name: "both".parse().expect("a name"),
        identities: vec![old.clone(), identity(3, "dns:orders.internal")],
        ..orders.clone()
    };
    store
        .insert_service(&both)
        .await
        .expect("what was removed is free again");
    assert_eq!(by_identity(store, &old).await.expect("registered").name, both.name);
    assert!(store.remove_service(&both.name).await.expect("the store answers"));
    assert!(by_identity(store, &both.identities[1]).await.is_none());
}

/// `orders` is left from the check before, by issuer 2.
async fn an_identity_belongs_to_one_service(store: &dyn Store) {
    let billing = service("billing", 1, "dns:billing.internal", &[]);
    store.insert_service(&billing).await.expect("a new name");
    let taken = identity(2, "dns:orders.internal");
    for name in ["billing", "orders"] {
        let service = service(name, 1, "dns:any.internal", &[]);
        let added = store.add_service_identity(&service, &taken, "another").await;
        assert!(matches!(added, Err(StoreError::Conflict)), "{name}");
        let all = store.services().await.expect("the store answers");
        let found = all.iter().find(|found| found.name == service.name).expect("registered");
        assert_eq!(found.seal, service.seal, "nothing of a refused change is left");
    }
    let thief = service("thief", 2, "dns:orders.internal", &["theirs"]);
    assert!(matches!(store.insert_service(&thief).await, Err(StoreError::Conflict)));
    let nobody = service("nobody", 1, "dns:any.internal", &[]);
    let free = identity(9, "dns:nobody.internal");
    assert!(
        !store
            .add_service_identity(&nobody, &free, "seal")
            .await
            .expect("the store answers")
    );
    assert!(by_identity(store, &free).await.is_none());
    assert!(
        !remove(store, &billing, &taken).await,
        "it is not the identity of this one"
    );
    assert_eq!(
        by_identity(store, &taken).await.expect("registered").name.as_str(),
        "orders"
    );
}

async fn the_last_identity_stays(store: &dyn Store) {
    for (name, identity) in [
        ("orders", identity(2, "dns:orders.internal")),
        ("billing", identity(1, "dns:billing.internal")),
    ] {
        let name = service(name, 1, "dns:any.internal", &[]);
        let removed = store.remove_service_identity(&name, &identity, "another").await;
        let name = name.name;
        assert!(matches!(removed, Err(StoreError::Conflict)), "{name}");
        assert_eq!(by_identity(store, &identity).await.expect("registered").name, name);
        assert!(store.remove_service(&name).await.expect("the store answers"));
    }
    let mut nameless = service("nameless", 1, "dns:nameless.internal", &[]);
    nameless.identities.clear();
    assert!(store.insert_service(&nameless).await.is_err());
    assert!(store.services().await.expect("the store answers").is_empty());
}

async fn a_change_is_made_of_what_was_read_and_nothing_else(store: &dyn Store) {
    let read = service("sealed", 1, "dns:sealed.internal", &["sealed"]);
    store.insert_service(&read).await.expect("a new name");
    let stale = Service {
        seal: Some("another".into()),
        ..read.clone()
    };
    let unsealed = Service {
        seal: None,
        ..read.clone()
    };
    let more = identity(2, "dns:sealed.internal");
    for expected in [&stale, &unsealed] {
        let changes = [
            store.add_service_identity(expected, &more, "new").await,
            store
                .remove_service_identity(expected, &read.identities[0], "new")
                .await,
            store.reseal_service(expected, "new").await,
        ];
        for change in changes {
            assert!(!change.expect("the store answers"));
        }
    }
    let found = by_identity(store, &read.identities[0]).await.expect("registered");
    assert_eq!((found.seal, found.identities.len()), (read.seal.clone(), 1));
    assert!(
        store
            .add_service_identity(&read, &more, "new")
            .await
            .expect("the store answers")
    );
    let found = by_identity(store, &more).await.expect("registered");
    assert_eq!(found.seal.as_deref(), Some("new"));
    assert!(store.reseal_service(&found, "newer").await.expect("the store answers"));
    assert!(!store.reseal_service(&found, "newest").await.expect("the store answers"));
    assert!(store.remove_service(&read.name).await.expect("the store answers"));
}

async fn by_identity(store: &dyn Store, identity: &ServiceIdentity) -> Option<Service> {
    store.service_by_identity(identity).await.expect("the store answers")
}

async fn remove(store: &dyn Store, service: &Service, identity: &ServiceIdentity) -> bool {
    let seal = service.seal.as_deref().expect("a seal");
    let removed = store.remove_service_identity(service, identity, seal).await;
    removed.expect("the store answers")
}
