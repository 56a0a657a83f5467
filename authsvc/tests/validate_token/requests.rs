//! How it may be asked: bodies, paths, names of hosts.

use http::StatusCode;

use super::{decode, shown_raw};
use crate::support::in_process::{EMAIL, ISSUER, PASSWORD, Service, json_request};

#[tokio::test]
async fn bodies_are_bounded_and_strict() {
    let service = Service::start().await;
    let send = async |body: String| {
        let peer = Some(service.peer(&["dns:orders.internal"]));
        service
            .send(&service.internal, peer, json_request("/v1/validate-token", body))
            .await
            .status
    };
    assert_eq!(send("{}".into()).await, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(send(r#"{"token":1}"#.into()).await, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        send(r#"{"token":"x","x":1}"#.into()).await,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(
        send(r#"{"token":"x","token":"x"}"#.into()).await,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(
        send(format!(r#"{{"token":"{}"}}"#, "x".repeat(8193))).await,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(
        send(format!(r#"{{"token":"{}"}}"#, ".".repeat(8192))).await,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        send(format!(r#"{{"token":"{}"}}"#, "x".repeat(1 << 20))).await,
        StatusCode::PAYLOAD_TOO_LARGE
    );
}

#[tokio::test]
async fn a5_no_spelling_of_a_path_reaches_a_route_that_it_is_not() {
    let service = Service::start().await;
    let token = service.token().await;
    let body = serde_json::json!({ "token": token }).to_string();
    for path in [
        "/v1/validate-token/",
        "//v1/validate-token",
        "/v1//validate-token",
        "/v1/./validate-token",
        "/v1/x/../validate-token",
        "/v1/%76alidate-token",
        "/v1/validate%2dtoken",
        "/v1%2fvalidate-token",
        "/v1/validate-token%00",
        "/v1/validate-token;v=1",
        "/V1/Validate-Token",
        "/v1/validate-token%2f..%2fauth",
        "/%2e%2e/v1/validate-token",
        "/v1/auth/../validate-token",
    ] {
        for router in [&service.internal, &service.public] {
            let peer = Some(service.peer(&["dns:orders.internal"]));
            let answer = service.send(router, peer, json_request(path, body.clone())).await;
            assert_eq!(
                (answer.status, answer.problem().as_str()),
                (StatusCode::NOT_FOUND, "not-found"),
                "{path}"
            );
        }
    }
    // The route itself is on one listener only.
    let peer = Some(service.peer(&["dns:orders.internal"]));
    let answer = service
        .send(&service.public, peer, json_request("/v1/validate-token", body))
        .await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a12_no_host_that_a_client_names_reaches_an_answer() {
    let service = Service::start().await;
    let plain = async |path: &str, headers: &[(&str, &str)]| {
        let mut request = http::Request::get(path).body(axum::body::Body::empty()).unwrap();
        for (name, value) in headers {
            let name: http::HeaderName = name.parse().unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        service.send(&service.internal, None, request).await
    };
    let hostile = [
        ("host", "evil.example"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "http"),
        ("forwarded", "host=evil.example;proto=http"),
        ("x-original-url", "/evil.example"),
        ("x-rewrite-url", "/evil.example"),
    ];
    for path in ["/", "/metadata", "/.well-known/jwks.json", "/openapi.json", "/nothing"] {
        let (before, after) = (plain(path, &[]).await, plain(path, &hostile).await);
        assert!(!String::from_utf8_lossy(&after.body).contains("evil.example"), "{path}");
        assert!(
            after
                .headers
                .values()
                .all(|value| !value.to_str().unwrap().contains("evil.example")),
            "{path}"
        );
        if before.status == StatusCode::OK {
            assert_eq!(shown_raw(&before), shown_raw(&after), "{path}");
        }
    }
    let mut request = json_request("/v1/auth", crate::support::in_process::login_body(EMAIL, PASSWORD));
    request.headers_mut().insert("host", "evil.example".parse().unwrap());
    let answer = service.send(&service.public, None, request).await;
    let token = answer.json()["token"].as_str().unwrap().to_owned();
    assert!(decode(token.split('.').nth(1).unwrap()).contains(&format!("\"iss\":\"{ISSUER}\"")));
}
