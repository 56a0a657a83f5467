//! Every route that takes a credential is defended.

use std::collections::BTreeSet;
use std::net::IpAddr;

use authsvc_core::service::defence::Factor;
use http::StatusCode;

use super::{hashes, start, strict};
use crate::support::in_process::{EMAIL, PASSWORD, json_request};

/// Members of request bodies that somebody could guess. `token` of `/v1/password-reset` is none: it is 256 random bits, no
/// account's counter could be asked before the account is known by it, and wrong ones cost a digest and a look-up, at
/// the rate of their source. So it is with refresh tokens.
const CREDENTIALS: [&str; 6] = [
    "password",
    "old_password",
    "current_password",
    "otp",
    "code",
    "recovery_code",
];

/// Routes that take one, and a body that is well formed. A new route is added here, and then has to pass.
const CREDENTIAL_ROUTES: &[(&str, &str)] = &[
    (
        "/v1/auth",
        r#"{"email":"alice@example.com","password":"a wrong guess"}"#,
    ),
    ("/v1/me/otp", r#"{"password":"a wrong guess"}"#),
    ("/v1/me/otp/confirm", r#"{"otp":"123456"}"#),
    (
        "/v1/me/password",
        r#"{"password":"a wrong guess","new_password":"three words of mine: tapir"}"#,
    ),
    ("/v1/me/otp/disable", r#"{"password":"a wrong guess","otp":"123456"}"#),
    (
        "/v1/me/otp/recovery-codes",
        r#"{"password":"a wrong guess","otp":"123456"}"#,
    ),
];

#[tokio::test]
async fn l8_every_route_that_takes_a_credential_asks_the_same_counter() {
    let document: serde_json::Value = serde_json::from_str(include_str!("../../openapi.json")).unwrap();
    let mut found = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for operation in methods.as_object().unwrap().values() {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"]["$ref"];
            let Some(name) = schema.as_str().and_then(|text| text.rsplit('/').next()) else {
                continue;
            };
            let members = document["components"]["schemas"][name]["properties"]
                .as_object()
                .unwrap();
            if CREDENTIALS.iter().any(|credential| members.contains_key(*credential)) {
                found.insert(path.as_str());
            }
        }
    }
    let listed: BTreeSet<_> = CREDENTIAL_ROUTES.iter().map(|(path, _)| *path).collect();
    assert_eq!(
        found, listed,
        "name each route that takes a credential, so that it is tried below"
    );

    let service = start(strict()).await;
    let body = serde_json::json!({ "email": EMAIL, "password": PASSWORD, "audience": "authsvc" }).to_string();
    let token = service.post("/v1/auth", body).await.json()["token"]
        .as_str()
        .unwrap()
        .to_owned();
    let source: IpAddr = [192, 0, 2, 7].into();
    for factor in Factor::ALL {
        while let Ok(reservation) = service
            .defence
            .reserve(&EMAIL.parse().unwrap(), Some(source), factor)
            .await
        {
            reservation.failed();
        }
    }
    let before = hashes(&service);
    for (path, body) in CREDENTIAL_ROUTES {
        let mut request = json_request(path, *body);
        let bearer = format!("Bearer {token}").parse().unwrap();
        request.headers_mut().insert("authorization", bearer);
        let answer = service.send(&service.public, None, request).await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{path}");
    }
    assert_eq!(hashes(&service), before);
}
