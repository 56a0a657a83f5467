//! Refresh tokens: one lineage, one use, and what a refresh gives.

use std::collections::HashSet;
use std::sync::Arc;

use authsvc_core::domain::RefreshToken;
use cryptokit::x509::{CertificateAuthority, DistinguishedName};
use http::StatusCode;
use serde_json::json;
use tokio::sync::Barrier;

use super::{ROUNDS, assert_dead, claims, login, pairs, refresh, refresh_as, tokens};
use crate::support::in_process::{EMAIL, PASSWORD, Service, json_request, login_body, peer_of};

const PARALLEL: usize = 64;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r1_of_64_parallel_uses_one_lineage_goes_on() {
    for (first, second, _directory) in pairs().await {
        let (begun, _) = login(&first).await;
        let mut token = begun.clone();
        for round in 0..ROUNDS {
            let barrier = Arc::new(Barrier::new(PARALLEL));
            let mut uses = tokio::task::JoinSet::new();
            for index in 0..PARALLEL {
                let service = Arc::clone(if index % 2 == 0 { &first } else { &second });
                let (barrier, token) = (Arc::clone(&barrier), token.clone());
                uses.spawn(async move {
                    barrier.wait().await;
                    refresh(&service, &token).await
                });
            }
            let mut successors = HashSet::new();
            while let Some(answer) = uses.join_next().await {
                successors.insert(tokens(&answer.unwrap()).0);
            }
            assert_eq!(
                successors.len(),
                1,
                "round {round}: all honest retries get the one successor"
            );
            token = successors.into_iter().next().unwrap();
        }
        let (last, _) = tokens(&refresh(&second, &token).await);
        assert_dead(&first, &begun).await;
        assert_dead(&second, &last).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r1_a_thief_among_parallel_uses_never_gets_a_lineage_of_its_own() {
    for (first, second, _directory) in pairs().await {
        for round in 0..10 {
            let (token, _) = login(&first).await;
            let barrier = Arc::new(Barrier::new(16));
            let mut uses = tokio::task::JoinSet::new();
            for index in 0..16 {
                let service = Arc::clone(if index % 2 == 0 { &first } else { &second });
                let user_agent = if index % 4 < 2 { "the app" } else { "a thief" };
                let (barrier, token) = (Arc::clone(&barrier), token.clone());
                uses.spawn(async move {
                    barrier.wait().await;
                    refresh_as(&service, &token, user_agent).await
                });
            }
            let mut successors = HashSet::new();
            let mut refused = 0;
            while let Some(answer) = uses.join_next().await {
                let answer = answer.unwrap();
                match answer.status {
                    StatusCode::OK => drop(successors.insert(tokens(&answer).0)),
                    _ => refused += 1,
                }
            }
            assert_eq!(successors.len(), 1, "round {round}");
            assert!(refused > 0, "round {round}: one of the two is somebody else");
            for successor in successors {
                assert_dead(&second, &successor).await;
            }
        }
    }
}

#[tokio::test]
async fn r2_generations_are_told_apart_within_one_second() {
    for (first, second, _directory) in pairs().await {
        for replayed in 0..5 {
            let mut chain = vec![login(&first).await.0];
            for _ in 0..5 {
                let last = chain.last().unwrap();
                chain.push(tokens(&refresh(&first, last).await).0);
            }
            let answer = refresh(&second, &chain[replayed]).await;
            if replayed == 4 {
                assert_eq!(tokens(&answer).0, chain[5], "the last but one may be retried");
            } else {
                assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
                assert_dead(&first, &chain[5]).await;
            }
        }
    }
}

#[tokio::test]
async fn r3_a_replay_is_known_after_a_restart() {
    for (first, _, _directory) in pairs().await {
        let (begun, _) = login(&first).await;
        let (next, access) = tokens(&refresh(&first, &begun).await);
        first.clock.advance(10);
        let restarted = first.replica(Arc::clone(&first.store)).await;
        assert_dead(&restarted, &begun).await;
        assert_dead(&restarted, &next).await;
        let again = first.replica(Arc::clone(&first.store)).await;
        assert_eq!(again.validate(&access).await.status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn r5_family_kill_survives_the_failing_request() {
    for (first, second, _directory) in pairs().await {
        for user_agent in ["the app", "a thief"] {
            let (begun, _) = login(&first).await;
            let (next, access) = tokens(&refresh(&first, &begun).await);
            assert_eq!(second.validate(&access).await.status, StatusCode::OK);
            // The same client after the window; somebody else even within it.
            if user_agent == "the app" {
                first.clock.advance(10);
            }
            first.reasons();
            let replay = refresh_as(&first, &begun, user_agent).await;
            assert_eq!(replay.status, StatusCode::UNAUTHORIZED);
            assert_eq!(first.reasons(), ["refresh_token_reused"]);
            assert_dead(&second, &next).await;
            second.sessions.poll().await.unwrap();
            for replica in [&first, &second] {
                assert_eq!(replica.validate(&access).await.status, StatusCode::UNAUTHORIZED);
            }
        }
    }
}

#[tokio::test]
async fn a_lost_answer_is_given_again_until_the_window_ends() {
    for (first, second, _directory) in pairs().await {
        let (begun, _) = login(&first).await;
        let (next, _) = tokens(&refresh(&first, &begun).await);
        first.clock.advance(9);
        let (again, access) = tokens(&refresh(&second, &begun).await);
        assert_eq!(again, next);
        assert_eq!(second.validate(&access).await.status, StatusCode::OK);
        first.clock.advance(1);
        first.sessions.prune().await.unwrap();
        let family = RefreshToken::parse(&begun).unwrap().family();
        let session = first.store.session_by_family(&family).await.unwrap().unwrap();
        assert_eq!(session.spent.unwrap().successor, None, "the sealed successor is erased");
        // The successor itself was not spent and goes on.
        tokens(&refresh(&second, &next).await);
    }
}

#[tokio::test]
async fn r6_and_r7_a_bound_token_serves_its_service_and_nobody_else() {
    let service = Service::start().await;
    service.register("billing", "dns:billing.internal", &["billing"]).await;
    let orders = || Some(service.peer(&["dns:orders.internal"]));
    let with = |token: &str| json_request("/v1/refresh", json!({ "refresh_token": token }).to_string());
    let begun = service
        .send(
            &service.internal,
            orders(),
            json_request("/v1/auth", login_body(EMAIL, PASSWORD)),
        )
        .await;
    let (token, _) = tokens(&begun);

    // Every peer has a key of its own: this is a renewed certificate of the same identity.
    for _ in 0..3 {
        let (same, access) = tokens(&service.send(&service.internal, orders(), with(&token)).await);
        assert_eq!(same, token, "not rotated");
        assert_eq!(service.validate(&access).await.status, StatusCode::OK);
    }
    let now = time::OffsetDateTime::from_unix_timestamp(crate::support::in_process::NOW).unwrap();
    let elsewhere = CertificateAuthority::new_root(&DistinguishedName::new("Another CA").unwrap(), now)
        .unwrap()
        .issue_intermediate(&DistinguishedName::new("Another issuing CA").unwrap(), now)
        .unwrap();
    let billing = || Some(service.peer(&["dns:billing.internal"]));
    for stranger in [
        billing(),
        Some(peer_of(&elsewhere, &["dns:orders.internal"], now)),
        Some(service.peer(&["dns:nobody.internal"])),
        None,
    ] {
        let answer = service.send(&service.internal, stranger, with(&token)).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
    for path in ["/v1/revoke", "/v1/logout"] {
        let field = if path == "/v1/revoke" { "token" } else { "refresh_token" };
        let request = json_request(path, json!({ field: token }).to_string());
        let answer = service.send(&service.internal, billing(), request).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "as for garbage");
    }
    let (_, access) = tokens(&service.send(&service.internal, orders(), with(&token)).await);

    // A browser's token is none of a service's business.
    let (of_browser, _) = login(&service).await;
    let answer = service.send(&service.internal, billing(), with(&of_browser)).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    tokens(&refresh(&service, &of_browser).await);

    let request = json_request("/v1/revoke", json!({ "token": token }).to_string());
    let answer = service.send(&service.internal, orders(), request).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    let answer = service.send(&service.internal, orders(), with(&token)).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(service.validate(&access).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn r9_a_disabled_deleted_or_changed_account_refreshes_nothing() {
    for (first, second, _directory) in pairs().await {
        let email = EMAIL.parse().unwrap();
        let (token, access) = login(&first).await;
        first.set_disabled(EMAIL, true).await;
        assert_dead(&second, &token).await;
        second.sessions.poll().await.unwrap();
        assert_eq!(second.validate(&access).await.status, StatusCode::UNAUTHORIZED);
        first.set_disabled(EMAIL, false).await;
        assert_dead(&second, &token).await;

        let (token, access) = login(&first).await;
        let (user_id, epoch) = (first.user_id, first.stored(EMAIL).await.session_epoch);
        assert!(epoch > 0, "{user_id}: logins that were under way begin nothing");
        first.users.delete(&email).await.unwrap();
        assert_dead(&second, &token).await;
        second.sessions.poll().await.unwrap();
        assert_eq!(second.validate(&access).await.status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn a_refresh_narrows_scopes_and_gives_no_more_than_the_account_has_by_then() {
    for (first, second, _directory) in pairs().await {
        let email = EMAIL.parse().unwrap();
        let grant = async |scopes: &str| {
            let scopes = Some(scopes.parse().unwrap());
            first.users.set_grants(&email, None, scopes).await.unwrap();
        };
        let refresh_with = async |token: &str, scope: Option<&str>| {
            let mut body = json!({ "refresh_token": token });
            if let Some(scope) = scope {
                body["scope"] = scope.into();
            }
            let answer = second.post("/v1/refresh", body.to_string()).await;
            let (next, access) = tokens(&answer);
            let said = answer.json()["scope"].as_str().map(str::to_owned);
            assert_eq!(claims(&access)["scope"].as_str().map(str::to_owned), said);
            (next, said.unwrap_or_default())
        };
        grant("orders:read orders:write").await;
        let (token, _) = login(&first).await;
        let (token, narrowed) = refresh_with(&token, Some("orders:read")).await;
        assert_eq!(narrowed, "orders:read");
        // Narrowed was that token, not what the login gave (RFC 6749 §6).
        let (token, all) = refresh_with(&token, None).await;
        assert_eq!(all, "orders:read orders:write");
        grant("orders:read").await;
        let (token, less) = refresh_with(&token, None).await;
        assert_eq!(less, "orders:read");
        let (token, none) = refresh_with(&token, Some("orders:write")).await;
        assert_eq!(none, "");
        // What the account got since is for a login to ask for.
        grant("orders:read orders:write orders:delete").await;
        let (token, again) = refresh_with(&token, None).await;
        assert_eq!(again, "orders:read orders:write");
        let body = json!({ "refresh_token": token, "scope": "orders:delete" }).to_string();
        let wider = second.post("/v1/refresh", body).await;
        assert_eq!(wider.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
}

#[tokio::test]
async fn what_was_bound_to_a_certificate_stays_bound_through_refreshes() {
    let service = Service::start().await;
    let batch = service.peer(&["dns:batch.internal"]);
    let body = json!({ "email": EMAIL, "password": PASSWORD, "binding": "x5t#S256" }).to_string();
    let begun = json_request("/v1/auth", body);
    let (token, access) = tokens(&service.send(&service.internal, Some(batch.clone()), begun).await);
    let bound_to = |access: &str| claims(access)["cnf"]["x5t#S256"].clone();
    let thumbprint = |peer: &cryptokit::x509::PeerCertificate| {
        json!(cryptokit::encoding::base64url::encode(&peer.certificate().sha256()))
    };
    assert_eq!(bound_to(&access), thumbprint(&batch));
    let with = |token: &str| json_request("/v1/refresh", json!({ "refresh_token": token }).to_string());

    // Without a certificate there is no token, and nothing is spent.
    for router in [&service.public, &service.internal] {
        let answer = service.send(router, None, with(&token)).await;
        assert_eq!(answer.problem(), "invalid-token");
    }
    // Another certificate: bound to that one, never to none.
    let renewed = service.peer(&["dns:batch.internal"]);
    let (next, access) = tokens(
        &service
            .send(&service.internal, Some(renewed.clone()), with(&token))
            .await,
    );
    assert_ne!(next, token);
    assert_eq!(bound_to(&access), thumbprint(&renewed));
    assert_eq!(
        service.validate(&access).await.status,
        StatusCode::UNAUTHORIZED,
        "not without it"
    );
}
