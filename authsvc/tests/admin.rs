//! `/v1/admin` through the real router: who is let in, what is on record, what two administrators do to each other. The
//! routes are enumerated from the API description, so that a new one is held to the same.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

mod support;

use std::sync::Arc;

use authsvc::transport::http::openapi_json;
use authsvc_core::audit::{Operator, Stage};
use authsvc_core::domain::ServiceIdentity;
use authsvc_core::service::NewService;
use axum::body::Body;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use support::in_process::{Answer, EMAIL, PASSWORD, Service};
use support::replicas::pairs;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

const ADMIN: &str = "dns:ops.internal";
const SERVICE: &str = "dns:orders.internal";
/// Numbers that no page and no lifetime may be.
const HOSTILE_NUMBERS: [&str; 14] = [
    "0",
    "-1",
    "-0.5",
    "1.5",
    "501000000",
    "4294967296",
    "4294967297",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
    "-9223372036854775809",
    "1e300",
    "\"7\"",
    "null",
];

/// A service with an administrator.
async fn start() -> Service {
    let service = Service::start().await;
    service.register_administrator("ops", ADMIN).await;
    service.audit.take();
    service
}

fn identity(service: &Service, san: &str) -> ServiceIdentity {
    ServiceIdentity {
        issuer_spki_sha256: service.authority.certificate().spki_sha256(),
        subject_alternative_name: san.parse().unwrap(),
    }
}

fn issuer(service: &Service) -> String {
    let digest = service.authority.certificate().spki_sha256();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Method and pattern of everything that is described below `/v1/admin`.
fn routes() -> Vec<(Method, String)> {
    let document: Value = serde_json::from_str(openapi_json()).unwrap();
    let mut routes = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        if path.starts_with("/v1/admin/") {
            for method in methods.as_object().unwrap().keys() {
                routes.push((method.to_ascii_uppercase().parse().unwrap(), path.clone()));
            }
        }
    }
    assert!(routes.len() >= 28, "{routes:?}");
    routes
}

/// A request to a route that an administrator would get: its path and body.
fn sample(service: &Service, method: &Method, pattern: &str, ids: &Ids) -> (String, Option<Value>) {
    let issuer = issuer(service);
    let body = match (method.as_str(), pattern) {
        ("POST", "/v1/admin/users") => Some(json!({ "email": "new@example.com", "roles": ["clerk"] })),
        ("PATCH", "/v1/admin/users/{id}") => Some(json!({ "roles": ["clerk"], "scopes": ["orders:read"] })),
        ("POST", "/v1/admin/revocations") => Some(json!({ "jti": "some-token" })),
        ("POST", "/v1/admin/services") => Some(
            json!({ "name": "billing", "san": "dns:billing.internal", "issuer_spki_sha256": issuer, "audiences": ["billing"] }),
        ),
        ("POST", "/v1/admin/services/{name}/identities") => {
            Some(json!({ "san": "dns:second.internal", "issuer_spki_sha256": issuer }))
        }
        ("POST", "/v1/admin/services/{name}/identities/remove") => {
            Some(json!({ "san": "dns:first.internal", "issuer_spki_sha256": issuer }))
        }
        ("POST", "/v1/admin/keys/{kid}/promote") => Some(json!({ "force": true })),
        ("POST", "/v1/admin/keys/{kid}/revoke" | "/v1/admin/feed-keys/revoke") => Some(json!({ "reason": "stolen" })),
        (
            "POST",
            "/v1/admin/users/{id}/reset-link"
            | "/v1/admin/keys"
            | "/v1/admin/feed-keys"
            | "/v1/admin/users/search"
            | "/v1/admin/sessions/search"
            | "/v1/admin/audit/search"
            | "/v1/admin/audit/top",
        ) => Some(json!({})),
        (
            "POST",
            "/v1/admin/users/{id}/disable"
            | "/v1/admin/users/{id}/enable"
            | "/v1/admin/users/{id}/unlock"
            | "/v1/admin/keys/prune",
        )
        | ("GET" | "DELETE", _) => None,
        other => panic!("{other:?} has no sample: add one, so that it is held to what the other routes are"),
    };
    let id = match pattern.starts_with("/v1/admin/sessions") {
        true => &ids.session,
        false if pattern.starts_with("/v1/admin/audit") => &ids.record,
        false => &ids.user,
    };
    let path = pattern
        .replace("{id}", id)
        .replace("{name}", "moved")
        .replace("{kid}", &ids.kid);
    (path, body)
}

/// What the samples are about.
struct Ids {
    user: String,
    session: String,
    record: String,
    kid: String,
}

impl Ids {
    /// Makes an account with a session, a service with two identities, and a key that waits.
    async fn make(service: &Service) -> Self {
        let user = service.user_id.to_string();
        assert_eq!(service.login(EMAIL, PASSWORD).await.status, StatusCode::OK);
        let sessions = service.sessions.of_user(service.user_id).await.unwrap();
        let registry = service.registry();
        let moved = NewService::new("moved".parse().unwrap(), identity(service, "dns:first.internal"));
        registry.add(moved).await.unwrap();
        let more = identity(service, "dns:other.internal");
        registry.add_identity(&"moved".parse().unwrap(), &more).await.unwrap();
        let made = call(service, "POST", "/v1/admin/keys", Some(json!({ "algorithm": "ES256" }))).await;
        assert_eq!(made.status, StatusCode::OK, "{}", String::from_utf8_lossy(&made.body));
        let kid = made.json()["kids"][0].as_str().unwrap().to_owned();
        let ids = Self {
            user,
            session: sessions[0].id.to_string(),
            record: "dbbe5812-c8aa-4f3a-b83e-02bf8a2087eb".to_owned(),
            kid,
        };
        service.audit.take();
        service.audit.take_acts();
        ids
    }
}

fn request(method: &str, path: &str, body: Option<&Value>) -> Request<Body> {
    let request = Request::builder().method(method).uri(path).header("if-match", "*");
    match body {
        None => request.body(Body::empty()).unwrap(),
        Some(body) => request
            .header("content-type", "application/json")
            .body(body.to_string().into())
            .unwrap(),
    }
}

/// As the administrator.
async fn call(service: &Service, method: &str, path: &str, body: Option<Value>) -> Answer {
    call_as(service, ADMIN, method, path, body).await
}

async fn call_as(service: &Service, san: &str, method: &str, path: &str, body: Option<Value>) -> Answer {
    let request = request(method, path, body.as_ref());
    let peer = service.peer(&[san]);
    service.send(&service.internal, Some(peer), request).await
}

async fn call_raw(service: &Service, path: &str, body: String) -> Answer {
    let request = Request::post(path)
        .header("content-type", "application/json")
        .body(Body::from(body))
        .unwrap();
    let peer = service.peer(&[ADMIN]);
    service.send(&service.internal, Some(peer), request).await
}

#[tokio::test]
async fn every_route_refuses_everybody_but_administrators_and_is_not_served_in_public() {
    let service = start().await;
    let ids = Ids::make(&service).await;
    let login = json!({ "email": EMAIL, "password": PASSWORD, "audience": "authsvc" }).to_string();
    let token = service.post("/v1/auth", login).await.json()["token"].clone();
    let bearer = format!("Bearer {}", token.as_str().unwrap());
    service.audit.take_acts();
    for (method, pattern) in routes() {
        let (path, body) = sample(&service, &method, &pattern, &ids);
        let fresh = |with_token: bool| {
            let mut request = request(method.as_str(), &path, body.as_ref());
            if with_token {
                request.headers_mut().insert("authorization", bearer.parse().unwrap());
            }
            request
        };
        for (who, peer, with_token) in [
            ("nobody", None, false),
            ("a user", None, true),
            ("a service", Some(service.peer(&[SERVICE])), false),
            ("a user by way of a service", Some(service.peer(&[SERVICE])), true),
            ("a stranger", Some(service.peer(&["dns:stranger.internal"])), false),
            ("two at once", Some(service.peer(&[ADMIN, SERVICE])), false),
        ] {
            let answer = service.send(&service.internal, peer, fresh(with_token)).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{who}: {method} {pattern}");
            assert_eq!(answer.problem(), "caller-not-allowed", "{who}: {method} {pattern}");
        }
        let public = service.send(&service.public, None, fresh(true)).await;
        assert_eq!(public.status, StatusCode::NOT_FOUND, "{method} {pattern}");
    }
    assert!(service.audit.take_acts().is_empty(), "nothing was even begun");
    assert!(!service.stored(EMAIL).await.disabled);
}

#[tokio::test]
async fn every_change_is_on_record_before_and_after_and_every_question_once() {
    for (method, pattern) in routes() {
        let service = start().await;
        let ids = Ids::make(&service).await;
        let (path, body) = sample(&service, &method, &pattern, &ids);
        let answer = call(&service, method.as_str(), &path, body).await;
        let acts = service.audit.take_acts();
        let looks = method == Method::GET || pattern.ends_with("/search") || pattern.ends_with("/top");
        if looks {
            assert!(acts.is_empty(), "{method} {pattern}");
            assert_eq!(service.audit.take().len(), 1, "{method} {pattern}");
            continue;
        }
        let [before, after] = acts.as_slice() else {
            panic!("{method} {pattern}: {acts:?}")
        };
        assert_eq!(before.act_id, after.act_id);
        assert!(matches!(before.stage, Stage::Begun), "{method} {pattern}");
        // A second key waits for the first one: refused, and on record as that.
        let waits = pattern == "/v1/admin/keys";
        match &after.stage {
            Stage::Done => assert!(answer.status.is_success() && !waits, "{method} {pattern}"),
            Stage::Failed { why } => assert!(waits && why.contains("published already"), "{method} {pattern}: {why}"),
            Stage::Begun => panic!("{method} {pattern}"),
        }
        let Operator::Service { name, identity, .. } = &before.act.operator else {
            panic!("{:?}", before.act)
        };
        assert_eq!(name.as_str(), "ops");
        assert_eq!(identity.subject_alternative_name, ADMIN.parse().unwrap());
        assert_eq!(answer.header("cache-control"), "no-store", "{method} {pattern}");
    }
}

#[tokio::test]
async fn a6_no_number_makes_a_page_of_another_size_or_a_panic() {
    let service = start().await;
    let link = format!("/v1/admin/users/{}/reset-link", service.user_id);
    for (path, field) in [
        ("/v1/admin/users/search", "limit"),
        ("/v1/admin/sessions/search", "limit"),
        ("/v1/admin/audit/search", "limit"),
        ("/v1/admin/audit/top", "count"),
        (link.as_str(), "expires_in"),
    ] {
        for number in HOSTILE_NUMBERS {
            let answer = call_raw(&service, path, format!("{{\"{field}\":{number}}}")).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{path} {number}");
            assert_eq!(answer.json()["errors"][0]["field"], field, "{path} {number}");
        }
        for number in ["60", "1e2", "500.0"] {
            let answer = call_raw(&service, path, format!("{{\"{field}\":{number}}}")).await;
            assert_eq!(answer.status, StatusCode::OK, "{path} {number}");
        }
    }
    assert!(
        service.audit.take_acts().len() == 6,
        "three links, each on record twice"
    );
}

#[tokio::test]
async fn of_two_administrators_who_read_one_account_the_second_overwrites_nothing() {
    let service = start().await;
    let path = format!("/v1/admin/users/{}", service.user_id);
    let seen = call(&service, "GET", &path, None).await.header("etag").to_owned();
    assert_eq!(seen.len(), 24);
    let set = async |tag: Option<&str>, roles: &str| {
        let mut request = request("PATCH", &path, Some(&json!({ "roles": [roles] })));
        request.headers_mut().remove("if-match");
        if let Some(tag) = tag {
            request.headers_mut().insert("if-match", tag.parse().unwrap());
        }
        let peer = service.peer(&[ADMIN]);
        service.send(&service.internal, Some(peer), request).await
    };
    let none = set(None, "clerk").await;
    assert_eq!(none.status, StatusCode::PRECONDITION_REQUIRED);
    assert_eq!(none.problem(), "precondition-required");
    let first = set(Some(&seen), "clerk").await;
    assert_eq!(first.status, StatusCode::OK);
    assert_eq!(first.json()["roles"], json!(["clerk"]));
    assert_ne!(first.header("etag"), seen);
    for stale in [seen.as_str(), "W/\"x\"", "\"\"", "x", "\"a\", \"b\""] {
        let second = set(Some(stale), "admin").await;
        assert_eq!(second.status, StatusCode::PRECONDITION_FAILED, "{stale}");
        assert_eq!(second.problem(), "precondition-failed");
    }
    assert_eq!(service.stored(EMAIL).await.roles.to_string(), "clerk");
}

#[tokio::test]
async fn an_account_is_made_with_a_link_that_is_shown_once_and_found_by_pages() {
    let service = start().await;
    let mut token = String::new();
    for name in ["dora", "bob", "carol"] {
        let body = json!({ "email": format!("{name}@example.com"), "scopes": ["orders:read"] });
        let made = call(&service, "POST", "/v1/admin/users", Some(body.clone())).await;
        assert_eq!(made.status, StatusCode::CREATED);
        assert_eq!(made.header("cache-control"), "no-store");
        token = made.json()["link"]["token"].as_str().unwrap().to_owned();
        let place = made.header("location").to_owned();
        let shown = call(&service, "GET", &place, None).await;
        assert!(!String::from_utf8_lossy(&shown.body).contains(&token), "shown once");
        let taken = call(&service, "POST", "/v1/admin/users", Some(body)).await;
        assert_eq!(taken.status, StatusCode::CONFLICT);
        assert_eq!(taken.json()["errors"][0]["field"], "email");
    }
    let set = json!({ "token": token, "new_password": "a lighthouse keeps its own hours" });
    let set = service.post("/v1/password-reset", set.to_string()).await;
    assert_eq!(
        set.status,
        StatusCode::NO_CONTENT,
        "{}",
        String::from_utf8_lossy(&set.body)
    );

    let mut names = Vec::new();
    let mut after = Value::Null;
    for _ in 0..3 {
        let mut body = json!({ "limit": 2 });
        if after.is_string() {
            body["after"] = after.clone();
        }
        let page = call(&service, "POST", "/v1/admin/users/search", Some(body))
            .await
            .json();
        names.extend(
            page["users"]
                .as_array()
                .unwrap()
                .iter()
                .map(|user| user["email"].clone()),
        );
        after = page["next"].clone();
        if after.is_null() {
            break;
        }
    }
    let expected = ["alice", "bob", "carol", "dora"].map(|name| json!(format!("{name}@example.com")));
    assert_eq!(names, expected);
    let one = json!({ "email": "Bob@Example.com" });
    let one = call(&service, "POST", "/v1/admin/users/search", Some(one)).await.json();
    assert_eq!(one["users"].as_array().unwrap().len(), 1);
    for forged in ["", "x", "YWxpY2U", "' OR 1=1", &"A".repeat(2000)] {
        let body = json!({ "after": forged });
        let answer = call(&service, "POST", "/v1/admin/users/search", Some(body)).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{forged:.20}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_404_and_a_query_is_refused() {
    let service = start().await;
    let nobody = "00000000-0000-4000-8000-000000000000";
    for (method, path) in [
        ("GET", format!("/v1/admin/users/{nobody}")),
        (
            "GET",
            format!("/v1/admin/users/{}", service.user_id.to_string().to_uppercase()),
        ),
        ("GET", "/v1/admin/users/alice@example.com".to_owned()),
        ("DELETE", format!("/v1/admin/users/{nobody}")),
        ("POST", format!("/v1/admin/users/{nobody}/disable")),
        ("GET", format!("/v1/admin/users/{nobody}/sessions")),
        ("DELETE", format!("/v1/admin/sessions/{nobody}")),
        ("DELETE", "/v1/admin/services/nobody".to_owned()),
        ("DELETE", "/v1/admin/services/NOBODY".to_owned()),
        ("GET", format!("/v1/admin/audit/records/{nobody}")),
        ("GET", "/v1/admin/audit/records/x".to_owned()),
    ] {
        let answer = call(&service, method, &path, None).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {path}");
        assert_eq!(answer.problem(), "not-found");
    }
    let answer = call(&service, "GET", "/v1/admin/services?name=orders", None).await;
    assert_eq!(answer.problem(), "query-not-allowed");
}

#[tokio::test]
async fn ended_sessions_and_disabled_accounts_are_refused_at_once() {
    let service = start().await;
    let token = service.token().await;
    assert_eq!(service.validate(&token).await.status, StatusCode::OK);
    let path = format!("/v1/admin/users/{}/sessions", service.user_id);
    let ended = call(&service, "DELETE", &path, None).await;
    assert_eq!(ended.json(), json!({ "sessions_ended": 1 }));
    assert_eq!(service.validate(&token).await.status, StatusCode::UNAUTHORIZED);
    let path = format!("/v1/admin/users/{}/disable", service.user_id);
    let disabled = call(&service, "POST", &path, None).await;
    assert_eq!(disabled.json()["disabled"], true);
    assert_eq!(service.login(EMAIL, PASSWORD).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_administrators_at_once_with_one_state_in_hand_one_changes_it() {
    for (first, second, _directory) in pairs().await {
        first.register_administrator("ops", ADMIN).await;
        let path = format!("/v1/admin/users/{}", first.user_id);
        let seen = call(&second, "GET", &path, None).await.header("etag").to_owned();
        let barrier = Arc::new(Barrier::new(8));
        let mut changes = JoinSet::new();
        for number in 0..8 {
            let service = Arc::clone(if number % 2 == 0 { &first } else { &second });
            let mut request = request("PATCH", &path, Some(&json!({ "roles": [format!("role-{number}")] })));
            request.headers_mut().insert("if-match", seen.parse().unwrap());
            let barrier = Arc::clone(&barrier);
            changes.spawn(async move {
                barrier.wait().await;
                let peer = service.peer(&[ADMIN]);
                service.send(&service.internal, Some(peer), request).await.status
            });
        }
        let statuses = changes.join_all().await;
        let of = |status| statuses.iter().filter(|got| **got == status).count();
        assert_eq!(of(StatusCode::OK), 1, "{statuses:?}");
        assert_eq!(of(StatusCode::PRECONDITION_FAILED), 7, "{statuses:?}");
        let acts = first.audit.take_acts().len() + second.audit.take_acts().len();
        assert_eq!(acts, 16, "the refused ones as well");
    }
}

#[tokio::test]
async fn no_administrator_removes_what_it_is_let_in_by_and_a_removed_one_is_out_at_once() {
    const SECOND: &str = "dns:ops-2.internal";
    let service = start().await;
    let own = json!({ "san": ADMIN, "issuer_spki_sha256": issuer(&service) });
    let remove = "/v1/admin/services/ops/identities/remove";
    let refused = [
        call(&service, "DELETE", "/v1/admin/services/ops", None).await,
        call(&service, "POST", remove, Some(own.clone())).await,
    ];
    for refused in refused {
        assert_eq!(refused.status, StatusCode::CONFLICT);
        assert_eq!(refused.json()["errors"][0]["field"], "san");
    }
    let second = json!({ "san": SECOND, "issuer_spki_sha256": issuer(&service) });
    let added = call(&service, "POST", "/v1/admin/services/ops/identities", Some(second)).await;
    assert_eq!(added.status, StatusCode::NO_CONTENT);
    // The first one is still refused: it is let in by that identity. The second one may, and the first one is out.
    let again = call(&service, "POST", remove, Some(own.clone())).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    let removed = call_as(&service, SECOND, "POST", remove, Some(own)).await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT);
    let out = call(&service, "GET", "/v1/admin/keys", None).await;
    assert_eq!(out.status, StatusCode::FORBIDDEN);
    let left = call_as(&service, SECOND, "GET", "/v1/admin/keys", None).await;
    assert_eq!(left.status, StatusCode::OK);
}

#[tokio::test]
async fn no_answer_has_a_secret_and_no_record_a_link() {
    let service = start().await;
    let ids = Ids::make(&service).await;
    let mut links = Vec::new();
    let mut told = String::new();
    for (method, pattern) in routes() {
        let (path, body) = sample(&service, &method, &pattern, &ids);
        let answer = call(&service, method.as_str(), &path, body).await;
        let text = String::from_utf8(answer.body.clone()).unwrap();
        if pattern == "/v1/admin/users" || pattern.ends_with("/reset-link") {
            if answer.status.is_success() {
                let json = answer.json();
                let link = if json["link"].is_object() { &json["link"] } else { &json };
                links.push(link["token"].as_str().unwrap().to_owned());
            }
        } else {
            told.push_str(&text);
        }
        for secret in ["$argon2", "refresh_token", "password_hash", "secret", PASSWORD] {
            assert!(!text.contains(secret), "{method} {pattern}: {secret}");
        }
    }
    assert!(!links.is_empty());
    let records = format!("{:?} {:?}", service.audit.take(), service.audit.take_acts());
    for link in links {
        assert!(!told.contains(&link), "a link is in the answer that made it");
        assert!(!records.contains(&link), "a link is in no record");
    }
    assert!(!records.contains("$argon2") && !records.contains(PASSWORD));
}

#[tokio::test]
async fn a_disabled_account_stays_disabled_whatever_else_is_done_to_it() {
    let service = start().await;
    let path = |act: &str| format!("/v1/admin/users/{}{act}", service.user_id);
    for _ in 0..2 {
        let disabled = call(&service, "POST", &path("/disable"), None).await;
        assert_eq!(disabled.json()["disabled"], true, "twice is once");
    }
    let link = call(&service, "POST", &path("/reset-link"), Some(json!({}))).await;
    assert_eq!(link.status, StatusCode::OK);
    let set = json!({ "token": link.json()["token"], "new_password": "a lighthouse keeps its own hours" });
    let refused = service.post("/v1/password-reset", set.to_string()).await;
    assert!(refused.status.is_client_error(), "{}", refused.status);
    for (method, act, body) in [
        ("PATCH", "", Some(json!({ "roles": ["admin"] }))),
        ("POST", "/unlock", None),
        ("DELETE", "/otp", None),
        ("DELETE", "/sessions", None),
    ] {
        let answer = call(&service, method, &path(act), body).await;
        assert!(answer.status.is_success(), "{method} {act}: {}", answer.status);
        assert!(service.stored(EMAIL).await.disabled, "{method} {act}");
        assert_eq!(service.login(EMAIL, PASSWORD).await.status, StatusCode::UNAUTHORIZED);
    }
    let enabled = call(&service, "POST", &path("/enable"), None).await;
    assert_eq!(enabled.json()["disabled"], false);
    assert_eq!(service.login(EMAIL, PASSWORD).await.status, StatusCode::OK);
}

#[tokio::test]
async fn filters_and_revocations_are_taken_as_they_are_or_refused() {
    let service = start().await;
    for field in ["id", "account", "source", "reason", "event"] {
        for hostile in ["' OR 1=1 --", "%", "_", "*", "\u{202e}", &"x".repeat(254)] {
            let answer = call(
                &service,
                "POST",
                "/v1/admin/audit/search",
                Some(json!({ field: hostile })),
            )
            .await;
            assert_eq!(answer.json(), json!({ "records": [] }), "{field}: {hostile:?}");
        }
        for unread in ["", "\0", "a\nb", &"x".repeat(255)] {
            let answer = call(
                &service,
                "POST",
                "/v1/admin/audit/search",
                Some(json!({ field: unread })),
            )
            .await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}: {unread:?}");
        }
    }
    for since in ["99999999999d", "18446744073709551615s", "-1h", "now"] {
        let answer = call(&service, "POST", "/v1/admin/audit/top", Some(json!({ "since": since }))).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{since}");
    }
    let future = json!({ "issued_before": "2999-01-01T00:00:00Z" });
    let answer = call(&service, "POST", "/v1/admin/revocations", Some(future)).await;
    assert_eq!(
        answer.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "nobody's next token is revoked"
    );
    assert_eq!(service.login(EMAIL, PASSWORD).await.status, StatusCode::OK);
    for body in ["{\"limit\":1,\"limit\":2}", "[]", "{\"limit\":1", "{\"l\":1}"] {
        let answer = call_raw(&service, "/v1/admin/users/search", body.to_owned()).await;
        assert!(answer.status.is_client_error(), "{body}: {}", answer.status);
    }
    let huge = call_raw(
        &service,
        "/v1/admin/users/search",
        format!("{{\"after\":\"{}\"}}", "A".repeat(1 << 20)),
    )
    .await;
    assert_eq!(huge.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn the_keys_of_the_feed_are_shown_exchanged_and_revoked() {
    let service = start().await;
    let listed = async || call(&service, "GET", "/v1/admin/keys", None).await.json()["feed"]["keys"].clone();
    let first = listed().await[0]["kid"].as_str().unwrap().to_owned();
    let rotate = async |body: Value| call(&service, "POST", "/v1/admin/feed-keys", Some(body)).await;
    assert_eq!(rotate(json!({})).await.status, StatusCode::OK);
    assert_eq!(listed().await[1]["state"], "published");
    assert_eq!(rotate(json!({ "now": false })).await.status, StatusCode::CONFLICT);
    assert_eq!(rotate(json!({ "now": true })).await.status, StatusCode::OK);

    let revoke = async |body: Value| call(&service, "POST", "/v1/admin/feed-keys/revoke", Some(body)).await;
    for body in [
        json!({}),
        json!({ "reason": "" }),
        json!({ "reason": "x", "kid": "" }),
        json!({ "reason": "x", "kid": "a/b" }),
        json!({ "reason": "x", "kid": "a".repeat(65) }),
        json!({ "reason": "x", "kids": first }),
    ] {
        let answer = revoke(body.clone()).await;
        assert_eq!(answer.problem(), "validation-failed", "{body}");
    }
    // Longer than any, so that none of them begins a kid by chance.
    for kid in ["-".repeat(44), "A".repeat(44)] {
        let answer = revoke(json!({ "reason": "x", "kid": kid })).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{kid}");
    }
    service.audit.take_acts();
    let one = revoke(json!({ "reason": "a laptop was stolen", "kid": first }))
        .await
        .json();
    assert_eq!(one["kids"][0], first.as_str());
    let acts = service.audit.take_acts();
    assert_eq!(acts.len(), 2);
    assert!(acts.iter().all(|record| record.act.name == "key.feed-revoke"));
    assert_eq!(acts[0].act.note.as_ref().unwrap().as_str(), "a laptop was stolen");
    let all = revoke(json!({ "reason": "everything was" })).await.json();
    assert_eq!(
        all["kids"].as_array().unwrap().len(),
        4,
        "three, and the one that signs now"
    );
    let signing = listed()
        .await
        .as_array()
        .unwrap()
        .iter()
        .filter(|key| key["state"] == "signing")
        .count();
    assert_eq!(signing, 1);
}
