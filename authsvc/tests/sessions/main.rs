//! Refresh tokens and sessions through the real router, on both databases and two replicas: what is reused, raced,
//! stolen, foreign or over. The names begin with the rows of the attack checklist that they hold.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

#[path = "../support/mod.rs"]
mod support;

mod ending;
mod faults;
mod refresh;
mod revocation;

use std::sync::Arc;

use http::StatusCode;
use serde_json::json;

use support::in_process::{Answer, EMAIL, PASSWORD, Service, json_request};
use support::replicas::pairs;

/// Of both databases, two replicas each.
const ROUNDS: usize = 100;

/// An administrator's name.
const CONSOLE: &str = "dns:console.internal";

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
