//! Who may ask, and what it is told.

use cryptokit::encoding::base64url;
use http::StatusCode;

use super::{decode, forge};
use crate::support::in_process::{EMAIL, PASSWORD, Service, json_request, peer_of};

#[tokio::test]
async fn a_service_learns_nothing_about_tokens_for_others() {
    let service = Service::start().await;
    service.register("billing", "dns:billing.internal", &["billing"]).await;
    let token = service.token().await;
    let foreign = service.validate_as(&["dns:billing.internal"], &token).await;
    let garbage = service.validate_as(&["dns:billing.internal"], "garbage").await;
    let without_id = |answer: crate::support::in_process::Answer| {
        let id = answer.json()["id"].as_str().unwrap().to_owned();
        (
            answer.status,
            String::from_utf8(answer.body).unwrap().replace(&id, "ID"),
        )
    };
    assert_eq!(without_id(foreign), without_id(garbage));
}

#[tokio::test]
async fn unregistered_ambiguous_and_foreign_callers_are_forbidden_before_the_token_is_looked_at() {
    let service = Service::start().await;
    service.register("billing", "dns:billing.internal", &["billing"]).await;
    let token = service.token().await;
    service.reasons();
    for (names, reason) in [
        (&["dns:stranger.internal"][..], "unregistered_caller"),
        (&["dns:orders.internal.evil"], "unregistered_caller"),
        (&["uri:https://orders.internal/"], "unregistered_caller"),
        (&["dns:orders.internal", "dns:billing.internal"], "ambiguous_caller"),
    ] {
        for token in [&token, "garbage"] {
            let answer = service.validate_as(names, token).await;
            assert_eq!(
                (answer.status, answer.problem().as_str()),
                (StatusCode::FORBIDDEN, "caller-not-allowed")
            );
            assert_eq!(service.reasons(), [reason], "{names:?}");
        }
    }
    let many: Vec<String> = (0..17).map(|n| format!("dns:n{n}.internal")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(service.validate_as(&many, &token).await.status, StatusCode::FORBIDDEN);
    assert_eq!(service.reasons(), ["ambiguous_caller"]);
    // One registered name beside unknown ones is still exactly one match.
    let beside = service
        .validate_as(&["dns:orders.internal", "dns:stranger.internal"], &token)
        .await;
    assert_eq!(beside.status, StatusCode::OK);

    // The same name from another CA is somebody else.
    let other = Service::start().await;
    let body = serde_json::json!({ "token": token }).to_string();
    let peer = peer_of(
        &other.authority,
        &["dns:orders.internal"],
        authsvc_core::clock::Clock::now(&*service.clock),
    );
    let answer = service
        .send(
            &service.internal,
            Some(peer),
            json_request("/v1/validate-token", body.clone()),
        )
        .await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    // Without any certificate, were the route ever wired to a listener that asks for none.
    let answer = service
        .send(&service.internal, None, json_request("/v1/validate-token", body))
        .await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn m1_identity_never_comes_from_a_header() {
    let service = Service::start().await;
    let body = serde_json::json!({ "token": service.token().await }).to_string();
    for name in [
        "x-forwarded-client-cert",
        "client-cert",
        "client-cert-chain",
        "x-client-cert",
        "x-client-certificate",
        "x-ssl-cert",
        "x-ssl-client-cert",
        "x-ssl-client-cert-chain",
        "x-ssl-client-s-dn",
        "x-ssl-client-subject-dn",
        "x-ssl-client-verify",
        "x-client-verify",
        "x-client-dn",
        "x-client-cn",
        "ssl-client-cert",
        "ssl-client-verify",
        "ssl_client_cert",
        "x-tls-client-cert",
        "x-tls-client-subject",
        "x-arr-clientcert",
        "x-amzn-mtls-clientcert",
        "x-amzn-mtls-clientcert-leaf",
        "x-apigateway-api-userinfo",
        "x-forwarded-tls-client-cert",
        "x-forwarded-tls-client-cert-info",
        "x-spiffe-id",
        "x-authsvc-service",
        "from",
    ] {
        let mut request = json_request("/v1/validate-token", body.clone());
        request
            .headers_mut()
            .insert(name, "Subject=\"CN=orders\";DNS=orders.internal".parse().unwrap());
        let answer = service
            .send(
                &service.internal,
                Some(service.peer(&["dns:stranger.internal"])),
                request,
            )
            .await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name}");
    }
}

/// Everything an answer shows that is not its own: the id of the refusal, in the body.
fn shown(answer: &crate::support::in_process::Answer) -> (StatusCode, Vec<(String, String)>, String) {
    let headers = answer.headers.iter().map(|(name, value)| {
        let value = value.to_str().unwrap().to_owned();
        (name.to_string(), value)
    });
    // The request's id is in a header of its own.
    let headers = headers
        .filter(|(name, _)| name != "x-request-id" && name != "date")
        .collect();
    let body = String::from_utf8(answer.body.clone()).unwrap();
    let body = match answer.json()["id"].as_str() {
        Some(id) => body.replace(id, "ID"),
        None => body,
    };
    (answer.status, headers, body)
}

#[tokio::test]
async fn m7_r6_a_caller_cannot_scan_for_tokens_that_are_not_its_own() {
    let service = Service::start().await;
    service.register("billing", "dns:billing.internal", &["billing"]).await;
    let good = service.token().await;
    for (caller, reasons) in [
        ("dns:stranger.internal", ["unregistered_caller", "unregistered_caller"]),
        ("dns:billing.internal", ["token_audience", "token_malformed"]),
    ] {
        service.reasons();
        let live = shown(&service.validate_as(&[caller], &good).await);
        let garbage = shown(&service.validate_as(&[caller], "garbage").await);
        assert_eq!(live, garbage, "{caller}");
        assert_eq!(service.reasons(), reasons);

        // Nor what has become of the account since: it is not even looked at.
        service.set_disabled(EMAIL, true).await;
        assert_eq!(shown(&service.validate_as(&[caller], &good).await), live, "{caller}");
        assert_eq!(service.reasons(), [reasons[0]]);
        service.set_disabled(EMAIL, false).await;
    }
}

/// A good token with further claims.
async fn token_with(service: &Service, claims: &str) -> String {
    let good = service.token().await;
    let (header, rest) = good.split_once('.').unwrap();
    let payload = decode(rest.split_once('.').unwrap().0);
    forge(
        service,
        decode(header),
        payload.replacen('{', &format!("{{{claims},"), 1),
    )
    .await
}

async fn ask(service: &Service, question: serde_json::Value) -> crate::support::in_process::Answer {
    let peer = Some(service.peer(&["dns:orders.internal"]));
    let request = json_request("/v1/validate-token", question.to_string());
    service.send(&service.internal, peer, request).await
}

#[tokio::test]
async fn a_caller_is_told_of_its_own_scopes_only_and_may_require_them() {
    let service = Service::start().await;
    service.register_with(&["orders:read", "orders:write"]).await;
    let token = token_with(&service, r#""scope":"orders:read admin orders:readall""#).await;
    let peer = || Some(service.peer(&["dns:scoped.internal"]));
    let ask = async |scope: Option<&str>| {
        let mut body = serde_json::json!({ "token": token });
        if let Some(scope) = scope {
            body["scope"] = scope.into();
        }
        let request = json_request("/v1/validate-token", body.to_string());
        service.send(&service.internal, peer(), request).await
    };
    let answer = ask(None).await;
    assert_eq!(
        (answer.status, &answer.json()["scope"]),
        (StatusCode::OK, &"orders:read".into())
    );
    assert_eq!(ask(Some("orders:read")).await.status, StatusCode::OK);
    service.reasons();
    // Not in the token; in the token, but not the caller's to know; one of two.
    for scope in ["orders:write", "admin", "orders:read admin"] {
        let answer = ask(Some(scope)).await;
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (StatusCode::FORBIDDEN, "insufficient-scope")
        );
        assert!(answer.header("www-authenticate").contains("insufficient_scope"));
        assert_eq!(service.reasons(), ["token_scope"], "{scope}");
    }
    for scope in ["", " ", "a  b", "a\"b", "a b "] {
        assert_eq!(
            ask(Some(scope)).await.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{scope:?}"
        );
    }
    // A service without scopes is told of none.
    assert!(service.validate(&token).await.json().get("scope").is_none());
    // What a token lacks is not told to those who may not ask about it at all.
    service.register("billing", "dns:billing.internal", &["billing"]).await;
    let body = serde_json::json!({ "token": token, "scope": "orders:read" }).to_string();
    let peer = Some(service.peer(&["dns:billing.internal"]));
    let foreign = service
        .send(&service.internal, peer, json_request("/v1/validate-token", body))
        .await;
    assert_eq!(foreign.problem(), "invalid-token");
}

#[tokio::test]
async fn m8_a_bound_token_is_good_with_its_certificate_only() {
    let service = Service::start().await;
    let user = service.peer(&["dns:batch.internal"]);
    let thumbprint = |peer: &cryptokit::x509::PeerCertificate| base64url::encode(&peer.certificate().sha256());
    let login = serde_json::json!({ "email": EMAIL, "password": PASSWORD, "binding": "x5t#S256" }).to_string();
    let issued = service
        .send(
            &service.internal,
            Some(user.clone()),
            json_request("/v1/auth", login.clone()),
        )
        .await;
    assert_eq!(issued.status, StatusCode::OK);
    let token = issued.json()["token"].as_str().unwrap().to_owned();
    let payload: serde_json::Value = serde_json::from_str(&decode(token.split('.').nth(1).unwrap())).unwrap();
    assert_eq!(payload["cnf"]["x5t#S256"], thumbprint(&user));

    let answer = ask(
        &service,
        serde_json::json!({ "token": token, "client_certificate_sha256": thumbprint(&user), "required_binding": "x5t#S256" }),
    )
    .await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.json()["binding"], "x5t#S256");
    assert_eq!(answer.json()["cnf"]["x5t#S256"], thumbprint(&user));

    let garbage = shown(&ask(&service, serde_json::json!({ "token": "garbage" })).await);
    service.reasons();
    // Another certificate of the same name from the same CA; none at all; a plain token where a bound one is required.
    let other = thumbprint(&service.peer(&["dns:batch.internal"]));
    let plain = service.token().await;
    service.reasons();
    for (question, reason) in [
        (
            serde_json::json!({ "token": token, "client_certificate_sha256": other }),
            "token_binding_mismatch",
        ),
        (serde_json::json!({ "token": token }), "token_binding_not_shown"),
        (
            serde_json::json!({ "token": token, "required_binding": "x5t#S256" }),
            "token_binding_not_shown",
        ),
        (
            serde_json::json!({ "token": plain, "client_certificate_sha256": other, "required_binding": "x5t#S256" }),
            "token_not_bound",
        ),
    ] {
        assert_eq!(shown(&ask(&service, question).await), garbage, "{reason}");
        assert_eq!(service.reasons(), [reason]);
    }
    // A certificate says nothing about a token that is bound to none.
    let answer = ask(
        &service,
        serde_json::json!({ "token": plain, "client_certificate_sha256": other }),
    )
    .await;
    assert_eq!(
        (answer.status, &answer.json()["binding"]),
        (StatusCode::OK, &"none".into())
    );
    assert!(answer.json().get("cnf").is_none());
    // A binding of a kind that is not understood makes the token invalid.
    let strange = token_with(&service, r#""cnf":{"jkt":"x"}"#).await;
    assert_eq!(service.validate(&strange).await.status, StatusCode::UNAUTHORIZED);

    for (member, value) in [
        ("client_certificate_sha256", "x"),
        ("client_certificate_sha256", &format!("{other}=")),
        ("required_binding", "none"),
        ("required_binding", "jkt"),
    ] {
        let mut question = serde_json::json!({ "token": token });
        question[member] = value.into();
        assert_eq!(
            ask(&service, question).await.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{member} {value}"
        );
    }
    // Where no certificate is asked for, there is nothing to bind to, and no password is checked for it.
    let refused = service
        .send(&service.public, None, json_request("/v1/auth", login))
        .await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.json()["errors"][0]["field"], "binding");
}

#[tokio::test]
async fn m2_a_certificate_of_the_right_authority_is_its_own_exact_name_and_no_other() {
    let service = Service::start().await;
    service
        .register("workload", "uri:spiffe://example.org/orders", &["orders"])
        .await;
    let token = service.token().await;
    for name in [
        "dns:orders.internal.example",
        "dns:xorders.internal",
        "dns:rders.internal",
        "dns:*.internal",
        "dns:internal",
        "uri:https://orders.internal",
        "uri:spiffe://orders.internal/orders",
        "uri:spiffe://example.org/orders/admin",
        "uri:spiffe://example.org/Orders",
        "email:orders@orders.internal",
        "ip:127.0.0.1",
    ] {
        let Ok(name) = name.parse::<cryptokit::x509::SubjectAlternativeName>() else {
            continue;
        };
        let name = name.to_string();
        let answer = service.validate_as(&[&name], &token).await;
        assert_eq!(answer.problem(), "caller-not-allowed", "{name}");
    }
    for name in ["dns:orders.internal", "uri:spiffe://example.org/orders"] {
        assert_eq!(
            service.validate_as(&[name], &token).await.status,
            StatusCode::OK,
            "{name}"
        );
    }
}
