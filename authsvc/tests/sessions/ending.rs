//! How sessions end: by their owner, by their age, by their number.

use std::sync::Arc;

use authsvc_core::domain::EmailAddress;
use axum::body::Body;
use cryptokit::password::Password;
use http::{Request, StatusCode};
use serde_json::json;
use tokio::sync::Barrier;

use super::{CONSOLE, assert_dead, login, logout, pairs, refresh, tokens};
use crate::support::in_process::{EMAIL, PASSWORD, SESSION_POLICY, Service, json_request};

/// How a session ends before its time. Deleting the account is in `refresh.rs`.
#[derive(Clone, Copy, Debug)]
enum Way {
    Logout,
    LogoutEverywhere,
    RevokedByAdministrator,
    RevokedByUser,
    RevokedByTime,
    Disabled,
    Deleted,
}

impl Way {
    const ALL: [Self; 7] = [
        Self::Logout,
        Self::LogoutEverywhere,
        Self::RevokedByAdministrator,
        Self::RevokedByUser,
        Self::RevokedByTime,
        Self::Disabled,
        Self::Deleted,
    ];

    /// Ends the session of this token. `bearer` is of another one of the account, for the service itself.
    async fn end(self, service: &Service, token: &str, bearer: &str) {
        let by_request = match self {
            Self::Logout => Some(logout(service, token).await),
            Self::LogoutEverywhere => {
                let request = Request::delete("/v1/me/sessions").header("authorization", format!("Bearer {bearer}"));
                let request = request.body(Body::empty()).unwrap();
                Some(service.send(&service.public, None, request).await.status)
            }
            Self::RevokedByAdministrator => {
                let request = json_request("/v1/revoke", json!({ "token": token }).to_string());
                let console = Some(service.peer(&[CONSOLE]));
                Some(service.send(&service.internal, console, request).await.status)
            }
            Self::RevokedByUser => {
                let user = service.stored(EMAIL).await.id;
                service.sessions.revoke_user(user).await.unwrap();
                None
            }
            Self::RevokedByTime => {
                // As an operator says it: until now. What a refresh gives in this second is no older than that.
                let request = json_request("/v1/admin/revocations", json!({ "issued_before": "0s" }).to_string());
                let console = Some(service.peer(&[CONSOLE]));
                let answer = service.send(&service.internal, console, request).await;
                assert_eq!(answer.status, StatusCode::OK);
                None
            }
            Self::Disabled => {
                service.set_disabled(EMAIL, true).await;
                None
            }
            Self::Deleted => {
                let email: EmailAddress = EMAIL.parse().unwrap();
                service.users.delete(&email).await.unwrap();
                None
            }
        };
        assert_eq!(
            by_request.unwrap_or(StatusCode::NO_CONTENT),
            StatusCode::NO_CONTENT,
            "{self:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r4_a_refresh_that_races_an_ending_leaves_nothing_alive() {
    for (first, second, _directory) in pairs().await {
        first.register_administrator("console", CONSOLE).await;
        for round in 0..20 {
            for way in Way::ALL {
                // The second in which tokens of all before were revoked is over.
                first.clock.advance(2);
                let body = json!({ "email": EMAIL, "password": PASSWORD, "audience": "authsvc" }).to_string();
                let (_, bearer) = tokens(&first.post("/v1/auth", body).await);
                let (token, access) = login(&first).await;
                assert_eq!(first.validate(&access).await.status, StatusCode::OK);
                first.clock.advance(1);
                let barrier = Arc::new(Barrier::new(2));
                let (service, waiting, used) = (Arc::clone(&first), Arc::clone(&barrier), token.clone());
                let refreshing = tokio::spawn(async move {
                    waiting.wait().await;
                    refresh(&service, &used).await
                });
                barrier.wait().await;
                way.end(&second, &token, &bearer).await;
                let answer = refreshing.await.unwrap();
                assert_dead(&first, &token).await;
                let mut issued = vec![access];
                if answer.status == StatusCode::OK {
                    let (next, access) = tokens(&answer);
                    assert_dead(&second, &next).await;
                    issued.push(access);
                }
                for replica in [&first, &second] {
                    replica.sessions.poll().await.unwrap();
                    for access in &issued {
                        let answer = replica.validate(access).await;
                        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{way:?}, round {round}");
                    }
                }
                match way {
                    Way::Disabled => second.set_disabled(EMAIL, false).await,
                    Way::Deleted => {
                        let password = Password::new(PASSWORD).unwrap();
                        second.users.add(EMAIL.parse().unwrap(), password).await.unwrap();
                    }
                    _ => {}
                }
                assert_dead(&first, &token).await;
            }
        }
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
