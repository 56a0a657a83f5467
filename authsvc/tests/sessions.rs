//! Refresh tokens and sessions through the real router, on both databases and two replicas: what is reused, raced,
//! stolen, foreign or over. The names begin with the rows of the attack checklist that they hold.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

mod support;

use std::collections::HashSet;
use std::sync::Arc;

use authsvc_core::domain::{RefreshToken, ServiceIdentity};
use authsvc_core::service::{NewService, ServiceRegistry};
use authsvc_core::storage::Store;
use axum::body::Body;
use cryptokit::x509::{CertificateAuthority, DistinguishedName};
use http::{Request, StatusCode};
use serde_json::json;
use support::in_process::{Answer, EMAIL, PASSWORD, SESSION_POLICY, Service, json_request, login_body, peer_of};
use support::{databases, postgres};
use tokio::sync::Barrier;

const PARALLEL: usize = 64;
/// Of both databases, two replicas each.
const ROUNDS: usize = 100;

/// Two replicas over one SQLite database, and two over one Postgres where there is one.
async fn pairs() -> Vec<(Arc<Service>, Arc<Service>, Option<tempfile::TempDir>)> {
    let (store, directory) = databases::sqlite().await;
    let first = Service::start_over_store(Arc::clone(&store)).await;
    let second = first.replica(store).await;
    let mut pairs = vec![(Arc::new(first), Arc::new(second), Some(directory))];
    if let Some(database) = postgres::database().await {
        let first = Service::start_over_store(Arc::new(database.open().await)).await;
        let store: Arc<dyn Store> = Arc::new(database.open().await);
        let second = first.replica(store).await;
        pairs.push((Arc::new(first), Arc::new(second), None));
    }
    pairs
}

async fn refresh_as(service: &Service, token: &str, user_agent: &str) -> Answer {
    let mut request = json_request("/v1/refresh", json!({ "refresh_token": token }).to_string());
    request.headers_mut().insert("user-agent", user_agent.parse().unwrap());
    service.send(&service.public, None, request).await
}

async fn refresh(service: &Service, token: &str) -> Answer {
    refresh_as(service, token, "the app").await
}

/// The next refresh token and the access token beside it.
fn tokens(answer: &Answer) -> (String, String) {
    assert_eq!(
        answer.status,
        StatusCode::OK,
        "{}",
        String::from_utf8_lossy(&answer.body)
    );
    let json = answer.json();
    let text = |name: &str| json[name].as_str().unwrap().to_owned();
    (text("refresh_token"), text("token"))
}

async fn login(service: &Service) -> (String, String) {
    tokens(&service.login(EMAIL, PASSWORD).await)
}

async fn assert_dead(service: &Service, token: &str) {
    let answer = refresh(service, token).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer.problem(), "invalid-token");
}

async fn logout(service: &Service, token: &str) -> StatusCode {
    let body = json!({ "refresh_token": token }).to_string();
    service.post("/v1/logout", body).await.status
}

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r4_a_refresh_that_races_a_logout_leaves_nothing_alive() {
    for (first, second, _directory) in pairs().await {
        for _ in 0..30 {
            let (token, _) = login(&first).await;
            let barrier = Arc::new(Barrier::new(2));
            let (service, waiting, used) = (Arc::clone(&first), Arc::clone(&barrier), token.clone());
            let refreshing = tokio::spawn(async move {
                waiting.wait().await;
                refresh(&service, &used).await
            });
            barrier.wait().await;
            assert_eq!(logout(&second, &token).await, StatusCode::NO_CONTENT);
            let answer = refreshing.await.unwrap();
            assert_dead(&first, &token).await;
            if answer.status == StatusCode::OK {
                let (next, access) = tokens(&answer);
                assert_dead(&second, &next).await;
                first.sessions.poll().await.unwrap();
                for replica in [&first, &second] {
                    assert_eq!(replica.validate(&access).await.status, StatusCode::UNAUTHORIZED);
                }
            }
        }
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
    let now = time::OffsetDateTime::from_unix_timestamp(support::in_process::NOW).unwrap();
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
async fn logging_out_is_the_same_for_every_token_and_ends_the_session() {
    let service = Service::start().await;
    let (begun, access) = login(&service).await;
    let (next, _) = tokens(&refresh(&service, &begun).await);
    for nobody in ["x", "asr1_", &access] {
        assert_eq!(logout(&service, nobody).await, StatusCode::NO_CONTENT);
    }
    // By a token that is spent: its holder is still the owner, or wants what the owner would.
    for _ in 0..2 {
        assert_eq!(logout(&service, &begun).await, StatusCode::NO_CONTENT);
    }
    assert_dead(&service, &next).await;
    assert_eq!(service.validate(&access).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_user_sees_and_ends_the_own_sessions() {
    let service = Service::start().await;
    let (other, _) = login(&service).await;
    let body = json!({ "email": EMAIL, "password": PASSWORD, "audience": "authsvc" }).to_string();
    let (own, bearer) = tokens(&service.post("/v1/auth", body).await);
    let ask = |method: &str, path: &str| {
        let request = Request::builder().method(method).uri(path);
        let request = request.header("authorization", format!("Bearer {bearer}"));
        request.body(Body::empty()).unwrap()
    };
    let listed = service
        .send(&service.public, None, ask("GET", "/v1/me/sessions"))
        .await
        .json();
    let sessions = listed["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    let not_current = sessions.iter().find(|session| session["current"] == false).unwrap();
    let path = format!("/v1/me/sessions/{}", not_current["id"].as_str().unwrap());
    let ended = service.send(&service.public, None, ask("DELETE", &path)).await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT);
    assert_dead(&service, &other).await;
    let (own, _) = tokens(&refresh(&service, &own).await);
    let ended = service
        .send(&service.public, None, ask("DELETE", "/v1/me/sessions"))
        .await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT);
    assert_dead(&service, &own).await;
    let after = service.send(&service.public, None, ask("GET", "/v1/me/sessions")).await;
    assert_eq!(after.status, StatusCode::UNAUTHORIZED, "the asking one has ended too");
}

#[tokio::test]
async fn a_session_ends_unused_or_old_and_widens_nothing() {
    let service = Service::start().await;
    let (token, _) = login(&service).await;
    for body in [
        json!({ "refresh_token": token, "audience": "authsvc" }),
        json!({ "refresh_token": token, "scope": "orders:write" }),
    ] {
        let answer = service.post("/v1/refresh", body.to_string()).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let (token, _) = tokens(&refresh(&service, &token).await);
    service.clock.advance(14 * 86_400);
    assert_dead(&service, &token).await;

    let (mut token, _) = login(&service).await;
    for _ in 0..8 {
        service.clock.advance(11 * 86_400);
        token = tokens(&refresh(&service, &token).await).0;
    }
    service.clock.advance(2 * 86_400);
    assert_dead(&service, &token).await;
}

#[tokio::test]
async fn what_is_revoked_cannot_be_told_without_the_database() {
    let service = Service::start().await;
    let (_, access) = login(&service).await;
    assert_eq!(service.validate(&access).await.status, StatusCode::OK);
    let peer = service.peer(&["dns:orders.internal"]);
    service.store.close().await;
    service.clock.advance(3);
    let request = json_request("/v1/validate-token", json!({ "token": access }).to_string());
    let answer = service.send(&service.internal, Some(peer), request).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!answer.header("retry-after").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_revocation_appears_behind_one_that_was_seen() {
    const EACH: usize = 100;
    for (first, second, _directory) in pairs().await {
        let reader = Arc::clone(&first.store);
        let mut writers = tokio::task::JoinSet::new();
        for (name, service) in [("a", &first), ("b", &second)] {
            let sessions = Arc::clone(&service.sessions);
            writers.spawn(async move {
                for index in 0..EACH {
                    sessions.revoke_jti(&format!("{name}{index}")).await.unwrap();
                }
            });
        }
        // What a poller does that remembers the last number it saw: a sequence would let it miss some.
        let (mut seen, mut last) = (0, 0);
        while seen < 2 * EACH {
            for row in reader.revocations_after(last, 1_000).await.unwrap() {
                assert_eq!(row.number, last + 1, "without gaps, in order");
                last = row.number;
                seen += 1;
            }
        }
        while let Some(written) = writers.join_next().await {
            written.unwrap();
        }
        assert_eq!(reader.revocations_after(last, 1).await.unwrap(), []);
    }
}

/// The claims of a token, unverified.
fn claims(token: &str) -> serde_json::Value {
    let payload = cryptokit::encoding::base64url::decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&payload).unwrap()
}

async fn assert_refused(replicas: &[&Arc<Service>], token: &str) {
    for replica in replicas {
        replica.sessions.poll().await.unwrap();
        replica.reasons();
        assert_eq!(replica.validate(token).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(replica.reasons(), ["token_revoked"]);
    }
}

#[tokio::test]
async fn tokens_are_revoked_by_jti_by_user_and_by_the_time_they_were_issued() {
    for (first, second, _directory) in pairs().await {
        let both = [&first, &second];
        let (kept, by_jti) = login(&first).await;
        first
            .sessions
            .revoke_jti(claims(&by_jti)["jti"].as_str().unwrap())
            .await
            .unwrap();
        assert_refused(&both, &by_jti).await;
        // The token only: its session goes on, with tokens that are good.
        let (kept, of_session) = tokens(&refresh(&second, &kept).await);
        assert_eq!(second.validate(&of_session).await.status, StatusCode::OK);

        let (_, of_user) = login(&second).await;
        assert_eq!(first.sessions.revoke_user(first.user_id).await.unwrap(), 2);
        assert_refused(&both, &of_user).await;
        assert_dead(&second, &kept).await;
        // The second in which it was done is over.
        first.clock.advance(1);
        let (_, anew) = login(&first).await;
        assert_eq!(second.validate(&anew).await.status, StatusCode::OK);

        first.clock.advance(10);
        let before = first.stored(EMAIL).await.created_at + time::Duration::seconds(11);
        let (living, younger) = login(&second).await;
        assert_eq!(first.sessions.revoke_issued_before(before).await.unwrap(), 1);
        assert_refused(&both, &anew).await;
        assert_eq!(second.validate(&younger).await.status, StatusCode::OK);
        tokens(&refresh(&first, &living).await);
    }
}

#[tokio::test]
async fn an_administrator_revokes_any_token_and_a_service_only_its_own() {
    let service = Arc::new(Service::start().await);
    let identity = |san: &str| ServiceIdentity {
        issuer_spki_sha256: service.authority.certificate().spki_sha256(),
        subject_alternative_name: san.parse().unwrap(),
    };
    let mut console = NewService::new("console".parse().unwrap(), identity("dns:console.internal"));
    console.admin = true;
    ServiceRegistry::new(
        Arc::clone(&service.store),
        Arc::clone(&service.clock) as _,
        Arc::clone(&service.keys),
    )
    .add(console)
    .await
    .unwrap();
    service.register("billing", "dns:billing.internal", &["billing"]).await;
    let revoke = async |by: &str, token: &str| {
        let request = json_request("/v1/revoke", json!({ "token": token }).to_string());
        let answer = service
            .send(&service.internal, Some(service.peer(&[by])), request)
            .await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT);
    };
    // One of a browser, and one that was issued to a service.
    let (_, of_browser) = login(&service).await;
    let begun = json_request("/v1/auth", login_body(EMAIL, PASSWORD));
    let orders = Some(service.peer(&["dns:orders.internal"]));
    let (session, of_orders) = tokens(&service.send(&service.internal, orders, begun).await);
    for (by, token) in [
        ("dns:billing.internal", &of_orders),
        ("dns:billing.internal", &of_browser),
        ("dns:orders.internal", &of_browser),
    ] {
        revoke(by, token).await;
        assert_eq!(service.validate(token).await.status, StatusCode::OK, "not {by}'s");
    }
    revoke("dns:orders.internal", &of_orders).await;
    assert_refused(&[&service], &of_orders).await;
    revoke("dns:console.internal", &of_browser).await;
    assert_refused(&[&service], &of_browser).await;

    // A refresh token of anybody, and with it the session.
    let again = json_request("/v1/refresh", json!({ "refresh_token": session }).to_string());
    let orders = Some(service.peer(&["dns:orders.internal"]));
    let (_, of_orders) = tokens(&service.send(&service.internal, orders, again).await);
    revoke("dns:console.internal", &session).await;
    assert_refused(&[&service], &of_orders).await;
    let (browser, of_browser) = login(&service).await;
    revoke("dns:console.internal", &browser).await;
    assert_refused(&[&service], &of_browser).await;
    assert_dead(&service, &browser).await;
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

#[tokio::test]
async fn of_too_many_sessions_the_one_unused_for_longest_ends_with_its_tokens() {
    for (first, second, _directory) in pairs().await {
        let (oldest, access) = login(&first).await;
        first.clock.advance(1);
        let (used, _) = login(&second).await;
        first.clock.advance(1);
        let (oldest, _) = tokens(&refresh(&first, &oldest).await);
        // Of these, `used` is now the one unused for longest.
        for _ in 2..SESSION_POLICY.most_per_user {
            first.clock.advance(1);
            login(&first).await;
        }
        let last = tokens(&refresh(&first, &oldest).await).0;
        first.clock.advance(1);
        login(&second).await;
        assert_dead(&first, &used).await;
        assert_eq!(second.sessions.of_user(first.user_id).await.unwrap().len(), 64);
        tokens(&refresh(&second, &last).await);
        assert_eq!(second.validate(&access).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_clock_ahead_and_back_makes_no_revoked_token_good_again() {
    const AHEAD: i64 = 100_000;
    for (first, second, _directory) in pairs().await {
        let (token, access) = login(&first).await;
        first.sessions.poll().await.unwrap();
        // Long enough that the replica would forget, were it not for the clock.
        first.clock.advance(4_000);
        first.sessions.poll().await.unwrap();
        let (_, young) = tokens(&refresh(&first, &token).await);
        let logout = json_request("/v1/logout", json!({ "refresh_token": token }).to_string());
        first.send(&first.public, None, logout).await;
        first.clock.set_by(AHEAD);
        for replica in [&first, &second] {
            replica.sessions.poll().await.unwrap();
            replica.sessions.prune().await.unwrap();
        }
        first.clock.set_by(-AHEAD);
        let restarted = first.replica(Arc::clone(&first.store)).await;
        for replica in [&first, &second, &restarted] {
            replica.sessions.poll().await.unwrap();
            for access in [&access, &young] {
                assert_eq!(replica.validate(access).await.status, StatusCode::UNAUTHORIZED);
            }
            assert_eq!(replica.sessions.revocations(), 1);
        }
        // What was really over a token's longest life ago is forgotten, in memory and in the database.
        first.clock.advance(8_000);
        for _ in 0..2 {
            first.sessions.poll().await.unwrap();
            first.sessions.prune().await.unwrap();
        }
        assert_eq!(first.sessions.revocations(), 0);
        let kept = first.store.revocations_after(0, 10).await.unwrap();
        assert!(kept.is_empty(), "{kept:?}");
    }
}

/// Makes every write to the sessions' table fail: after tokens were signed, and before anything is answered.
struct Fault {
    database: Option<postgres::TestDatabase>,
    file: std::path::PathBuf,
}

impl Fault {
    async fn execute(&self, sqlite: &'static str, postgres: &str) {
        if let Some(database) = &self.database {
            return database.execute(postgres).await;
        }
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&self.file);
        let pool = sqlx::sqlite::SqlitePool::connect_with(options).await.unwrap();
        sqlx::query(sqlite).execute(&pool).await.unwrap();
        pool.close().await;
    }

    async fn begin(&self, when: &str) {
        let (sqlite, timing) = match when {
            "INSERT" => (
                "CREATE TRIGGER injected BEFORE INSERT ON sessions BEGIN SELECT RAISE(ABORT, 'injected'); END",
                "DEFERRABLE INITIALLY IMMEDIATE",
            ),
            // On Postgres when the transaction commits, after the statement has succeeded.
            _ => (
                "CREATE TRIGGER injected AFTER UPDATE ON sessions BEGIN SELECT RAISE(ABORT, 'injected'); END",
                "DEFERRABLE INITIALLY DEFERRED",
            ),
        };
        let postgres = format!(
            "CREATE OR REPLACE FUNCTION injected() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN RAISE EXCEPTION 'injected'; END $$;
             CREATE CONSTRAINT TRIGGER injected AFTER {when} ON sessions {timing}
                 FOR EACH ROW EXECUTE FUNCTION injected();"
        );
        self.execute(sqlite, &postgres).await;
    }

    async fn end(&self) {
        self.execute("DROP TRIGGER injected", "DROP TRIGGER injected ON sessions")
            .await;
    }
}

#[tokio::test]
async fn r10_a_write_that_fails_after_signing_leaves_no_session_no_token_and_nothing_spent() {
    let mut services = Vec::new();
    let (store, directory) = databases::sqlite().await;
    let file = directory.path().join("authsvc.db");
    services.push((Service::start_over_store(store).await, Fault { database: None, file }));
    if let Some(database) = postgres::database().await {
        let service = Service::start_over_store(Arc::new(database.open().await)).await;
        let file = std::path::PathBuf::new();
        services.push((
            service,
            Fault {
                database: Some(database),
                file,
            },
        ));
    }
    for (service, fault) in services {
        let living = async || service.sessions.of_user(service.user_id).await.unwrap();
        let failed = |answer: &Answer| {
            assert!(answer.status.is_server_error(), "{}", answer.status);
            let text = String::from_utf8(answer.body.clone()).unwrap();
            assert!(!text.contains("eyJ") && !text.contains("asr1_"), "no token in any form");
        };
        fault.begin("INSERT").await;
        failed(&service.login(EMAIL, PASSWORD).await);
        fault.end().await;
        assert_eq!(living().await, []);

        let (token, _) = login(&service).await;
        let before = living().await;
        fault.begin("UPDATE").await;
        failed(&refresh(&service, &token).await);
        // An end that is not written is not claimed either.
        let body = json!({ "refresh_token": token }).to_string();
        failed(&service.post("/v1/logout", body).await);
        fault.end().await;
        assert_eq!(living().await, before, "nothing is spent");
        let (next, access) = tokens(&refresh(&service, &token).await);
        assert_eq!(service.validate(&access).await.status, StatusCode::OK);
        tokens(&refresh(&service, &next).await);
    }
}
