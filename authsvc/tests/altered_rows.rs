//! What somebody can do who writes to the database and has no keys: nothing that makes anybody mightier (row A13).

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

mod support;

use authsvc_core::clock::Clock;
use authsvc_core::domain::{
    EndReason, RefreshToken, SealedRow, Service as Registration, ServiceIdentity, Session, SessionHolder, SessionId,
};
use authsvc_core::service::seal_unsealed_rows;
use authsvc_core::storage::{Begun, Ending};
use http::StatusCode;
use serde_json::json;
use support::in_process::{EMAIL, PASSWORD, Service};
use time::Duration;

/// A test over both databases.
async fn on_both(test: impl AsyncFn(Service)) {
    test(Service::start().await).await;
    if let Some(service) = Service::start_on_postgres().await {
        test(service).await;
    }
}

async fn registration(service: &Service, name: &str) -> Registration {
    let all = service.store.services().await.unwrap();
    all.into_iter().find(|found| found.name.as_str() == name).unwrap()
}

#[tokio::test]
async fn a13_a_registration_that_was_written_or_changed_in_the_database_lets_nobody_in() {
    on_both(async |service| {
        let token = service.token().await;
        assert_eq!(service.validate(&token).await.status, StatusCode::OK);
        service.reasons();

        // A service of their own, an administrator, for everybody's tokens: as they would insert it, and with a seal that
        // is another service's.
        let orders = registration(&service, "orders").await;
        for (name, seal) in [("bare", None), ("dressed", orders.seal.clone())] {
            let forged = Registration {
                name: name.parse().unwrap(),
                identities: vec![ServiceIdentity {
                    issuer_spki_sha256: service.authority.certificate().spki_sha256(),
                    subject_alternative_name: format!("dns:{name}.internal").parse().unwrap(),
                }],
                admin: true,
                seal,
                ..orders.clone()
            };
            service.store.insert_service(&forged).await.unwrap();
            let refused = service.validate_as(&[&format!("dns:{name}.internal")], &token).await;
            assert_eq!(refused.problem(), "caller-not-allowed");
            assert_eq!(service.reasons(), ["altered_registration"]);
            assert!(service.store.remove_service(&forged.name).await.unwrap());
        }

        // One more name for a service that is there: nobody is that service until somebody has looked.
        let thief = ServiceIdentity {
            issuer_spki_sha256: service.authority.certificate().spki_sha256(),
            subject_alternative_name: "dns:thief.internal".parse().unwrap(),
        };
        let seal = orders.seal.clone().unwrap();
        assert!(
            service
                .store
                .add_service_identity(&orders, &thief, &seal)
                .await
                .unwrap()
        );
        for name in ["dns:thief.internal", "dns:orders.internal"] {
            let refused = service.validate_as(&[name], &token).await;
            assert_eq!(refused.problem(), "caller-not-allowed", "{name}");
            assert_eq!(service.reasons(), ["altered_registration"]);
        }
        // Put right again, it is as it was.
        let altered = registration(&service, "orders").await;
        assert!(
            service
                .store
                .remove_service_identity(&altered, &thief, &seal)
                .await
                .unwrap()
        );
        assert_eq!(service.validate(&token).await.status, StatusCode::OK);
    })
    .await;
}

#[tokio::test]
async fn a13_a_session_that_was_written_or_moved_in_the_database_gives_no_token() {
    on_both(async |service| {
        service.login(EMAIL, PASSWORD).await;
        let account = service.stored(EMAIL).await;
        let genuine = service
            .store
            .sessions_of(account.id, service.clock.now())
            .await
            .unwrap()
            .remove(0);
        service.reasons();
        for seal in [None, genuine.seal.clone()] {
            let token = RefreshToken::generate();
            let forged = session_for(&service, &genuine, &token, seal);
            insert(&service, &forged, account.session_epoch).await;
            let refused = refresh(&service, &token).await;
            assert_eq!(refused.problem(), "invalid-token");
            assert_eq!(service.reasons(), ["altered_session"]);
        }
        // The owner's own session goes on.
        let mine = service.login(EMAIL, PASSWORD).await.json();
        let body = json!({ "refresh_token": mine["refresh_token"] }).to_string();
        assert_eq!(service.post("/v1/refresh", body).await.status, StatusCode::OK);
    })
    .await;
}

#[tokio::test]
async fn what_an_older_program_wrote_is_good_once_an_operator_vouches_for_it() {
    on_both(async |service| {
        let account = service.stored(EMAIL).await;
        service.login(EMAIL, PASSWORD).await;
        let genuine = service
            .store
            .sessions_of(account.id, service.clock.now())
            .await
            .unwrap()
            .remove(0);
        let token = RefreshToken::generate();
        let older = session_for(&service, &genuine, &token, None);
        insert(&service, &older, account.session_epoch).await;
        let forged = RefreshToken::generate();
        let altered = session_for(&service, &genuine, &forged, genuine.seal.clone());
        insert(&service, &altered, account.session_epoch).await;
        let orders = registration(&service, "orders").await;
        let unsealed = Registration {
            name: "older".parse().unwrap(),
            identities: vec![ServiceIdentity {
                issuer_spki_sha256: [1; 32],
                subject_alternative_name: "dns:older.internal".parse().unwrap(),
            }],
            seal: None,
            ..orders
        };
        service.store.insert_service(&unsealed).await.unwrap();

        let seal = async || {
            seal_unsealed_rows(service.store.as_ref(), &service.keys, service.clock.now())
                .await
                .unwrap()
        };
        assert_eq!(seal().await, (1, 1), "altered ones are not vouched for");
        assert_eq!(seal().await, (0, 0));
        let keys = service.keys.sealing();
        assert_eq!(registration(&service, "older").await.check_seal(&keys.keys), Ok(()));
        assert_eq!(refresh(&service, &token).await.status, StatusCode::OK);
        assert_eq!(refresh(&service, &forged).await.problem(), "invalid-token");
    })
    .await;
}

/// A session for the account of another one, with a token of one's own.
fn session_for(service: &Service, genuine: &Session, token: &RefreshToken, seal: Option<String>) -> Session {
    Session {
        id: SessionId::generate(),
        holder: SessionHolder::Bearer,
        family: token.family(),
        generation: 0,
        current: token.digest(),
        idle_end: service.clock.now() + Duration::hours(1),
        seal,
        ..genuine.clone()
    }
}

async fn insert(service: &Service, session: &Session, epoch: u64) {
    let now = service.clock.now();
    let displaced = Ending {
        at: now,
        why: EndReason::Displaced,
        tokens_end: now,
    };
    let begun = service
        .store
        .begin_session(session, epoch, 64, &displaced)
        .await
        .unwrap();
    assert!(matches!(begun, Begun::Begun { .. }));
}

async fn refresh(service: &Service, token: &RefreshToken) -> support::in_process::Answer {
    let body = json!({ "refresh_token": token.to_text().expose_secret() }).to_string();
    service.post("/v1/refresh", body).await
}
