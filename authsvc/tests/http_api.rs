//! The API through its real router: every refusal, every header, every record.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

mod support;

use std::sync::Arc;

use async_trait::async_trait;
use authsvc_core::audit::{Action, GivenAddress, Outcome};
use authsvc_core::domain::{User, UserId, UserRecord};
use authsvc_core::service::{CredentialHasher, HashingError};
use axum::body::Body;
use bytes::Bytes;
use cryptokit::jose::{JwkSet, TokenVerifier, VerificationKeys};
use cryptokit::password::{Password, SealedHash, StoredHash, Verdict};
use futures_util::stream;
use http::{Method, Request, StatusCode};
use support::in_process::{EMAIL, ISSUER, NOW, PASSWORD, Service, TTL_SECONDS, json_request, login_body};

#[tokio::test]
async fn the_right_password_gets_a_token_that_the_published_key_verifies() {
    let service = Service::start().await;
    let answer = service.login(EMAIL, PASSWORD).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("content-type"), "application/json");
    let json = answer.json();
    assert_eq!(json["token_type"], "Bearer");
    assert_eq!(json["expires_in"], TTL_SECONDS);
    assert_eq!(json["expires_at"], "2027-01-15T08:15:00Z");

    let jwks = service.get("/.well-known/jwks.json").await;
    assert_eq!(jwks.header("content-type"), "application/jwk-set+json");
    let set = JwkSet::parse(&jwks.body).unwrap();
    let keys = VerificationKeys::from_jwk_set(cryptokit::Provider::default(), &set).unwrap();
    let now = time::OffsetDateTime::from_unix_timestamp(NOW).unwrap();
    let claims = TokenVerifier::new(ISSUER, std::time::Duration::ZERO)
        .verify(json["token"].as_str().unwrap(), &keys, &["orders".to_owned()], now)
        .unwrap();
    assert_eq!(claims.sub, service.user_id.to_string());
    assert_eq!(claims.email.as_deref(), Some(EMAIL));
    assert_eq!((claims.iat, claims.exp), (NOW as u64, (NOW + TTL_SECONDS) as u64));
    assert_eq!(claims.client_id, "authsvc");
    assert_eq!(service.reasons(), ["ok"]);
    let metrics = service.metrics.render();
    assert!(metrics.contains(r#"authsvc_operations_total{operation="login",reason="none"} 1"#));
    assert!(!metrics.contains("unfinished"), "counted once: {metrics}");
}

#[tokio::test]
async fn spellings_of_the_address_and_forms_of_the_password_log_in_alike() {
    let service = Service::start().await;
    assert_eq!(
        service.login("Alice@EXAMPLE.com", PASSWORD).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn wrong_password_unknown_and_disabled_user_are_alike_but_for_the_id() {
    let service = Service::start().await;
    let disabled = "disabled@example.com";
    copy_of_alice(&service, disabled).await;

    let mut answers = Vec::new();
    for (email, password) in [
        (EMAIL, "not the password"),
        ("nobody@example.com", PASSWORD),
        (disabled, PASSWORD),
        (disabled, "not the password"),
    ] {
        let before = service.hasher.pool().completed();
        let mut request = json_request("/v1/auth", login_body(email, password));
        request.headers_mut().insert("x-request-id", "same".parse().unwrap());
        let answer = service.send(&service.public, None, request).await;
        assert_eq!(
            service.hasher.pool().completed() - before,
            1,
            "exactly one Argon2 run for {email}"
        );
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_eq!(answer.problem(), "invalid-credentials");
        assert!(answer.header("www-authenticate").starts_with("Bearer"));
        let id = answer.json()["id"].as_str().unwrap().to_owned();
        assert_eq!(id.len(), 36);
        let body = String::from_utf8(answer.body.clone()).unwrap().replace(&id, "ID");
        answers.push((body, format!("{:?}", answer.headers), id));
    }
    for pair in answers.windows(2) {
        assert_eq!(pair[0].0, pair[1].0);
        assert_eq!(pair[0].1, pair[1].1);
        assert_ne!(pair[0].2, pair[1].2);
    }

    let records = service.audit.take();
    let reasons: Vec<_> = records
        .iter()
        .map(|record| match &record.outcome {
            Outcome::Failure(reason) => reason.code(),
            Outcome::Success => "ok",
        })
        .collect();
    assert_eq!(
        reasons,
        ["wrong_password", "unknown_user", "disabled_user", "disabled_user"]
    );
    for (record, (_, _, id)) in records.iter().zip(&answers) {
        assert_eq!(record.id.to_string(), *id, "the caller's id finds the record");
        assert_eq!(record.what, Action::Login);
        assert_eq!(record.r#where.source, Some([192, 0, 2, 7].into()));
        assert_eq!(record.r#where.route, Some("/v1/auth"));
        assert_eq!(record.r#where.request_id.as_deref(), Some("same"));
        assert!(matches!(record.who.address, Some(GivenAddress::Address(_))));
    }
    assert_eq!(records[0].who.user_id, Some(service.user_id));
    assert_eq!(records[1].who.user_id, None);
}

#[tokio::test]
async fn a_hash_moved_from_another_account_logs_nobody_in() {
    let service = Service::start().await;
    copy_of_alice(&service, "mallory@example.com").await;
    service.set_disabled("mallory@example.com", false).await;
    let before = service.hasher.pool().completed();
    let answer = service.login("mallory@example.com", PASSWORD).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(service.reasons(), ["unusable_hash"]);
    assert_eq!(service.hasher.pool().completed() - before, 1);
}

#[tokio::test]
async fn an_old_hash_is_renewed_by_the_login_that_proves_its_password() {
    let service = Service::start().await;
    let user = service.stored(EMAIL).await;
    service.token().await;
    let same = service.stored(EMAIL).await;
    assert_eq!(
        same.password_hash.as_str(),
        user.password_hash.as_str(),
        "a current hash is left alone"
    );
    let stronger = Service::start_with(|inner| Arc::new(AsksForRehash(inner))).await;
    let before = stronger.stored(EMAIL).await;
    stronger.token().await;
    let after = stronger.stored(EMAIL).await;
    assert_ne!(after.password_hash.as_str(), before.password_hash.as_str());
    stronger.token().await;
}

struct AsksForRehash(Arc<dyn CredentialHasher>);

#[async_trait]
impl CredentialHasher for AsksForRehash {
    async fn hash(&self, password: Arc<Password>) -> Result<StoredHash, HashingError> {
        self.0.hash(password).await
    }

    async fn verify(&self, password: Arc<Password>, stored: StoredHash) -> Result<Verdict, HashingError> {
        let verdict = self.0.verify(password, stored).await?;
        Ok(Verdict {
            needs_rehash: verdict.ok,
            ..verdict
        })
    }

    async fn verify_decoy(&self, password: Arc<Password>) -> Result<(), HashingError> {
        self.0.verify_decoy(password).await
    }
}

#[tokio::test]
async fn audiences_are_those_of_registered_services() {
    let service = Service::start().await;
    service.register("billing", "dns:billing.internal", &["billing"]).await;
    let with = |audience: &str, password: &str| {
        serde_json::json!({ "email": EMAIL, "password": password, "audience": audience }).to_string()
    };
    assert_eq!(
        service.post("/v1/auth", with("billing", PASSWORD)).await.status,
        StatusCode::OK
    );
    let unknown = service.post("/v1/auth", with("nobody", PASSWORD)).await;
    assert_eq!(
        (unknown.status, unknown.problem()),
        (StatusCode::UNPROCESSABLE_ENTITY, "validation-failed".into())
    );
    assert_eq!(unknown.json()["errors"][0]["field"], "audience");
    let wrong = service.post("/v1/auth", with("nobody", "not the password")).await;
    assert_eq!(
        wrong.status,
        StatusCode::UNAUTHORIZED,
        "without the password, audiences cannot be guessed"
    );
    assert_eq!(service.reasons(), ["ok", "unknown_audience", "wrong_password"]);
}

#[tokio::test]
async fn malformed_bodies_are_400_and_unacceptable_fields_422_with_all_of_them() {
    let service = Service::start().await;
    let good = login_body(EMAIL, PASSWORD);
    for body in [
        String::new(),
        "{".into(),
        "null".into(),
        "[]".into(),
        format!("{good}{good}"),
        format!("{good}x"),
        good.replace("{", "{\"email\":\"b@example.com\","),
        format!("{{\"a\":{}1{}}}", "[".repeat(100), "]".repeat(100)),
    ] {
        let answer = service.post("/v1/auth", body.clone()).await;
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (StatusCode::BAD_REQUEST, "malformed-request"),
            "{body:.60}"
        );
    }
    service.reasons();

    let answer = service
        .post(
            "/v1/auth",
            r#"{"email":"not an address","password":"","Password":"x","hunter2":"y"}"#,
        )
        .await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let json = answer.json();
    let fields: Vec<_> = json["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["field"].as_str().unwrap())
        .collect();
    assert_eq!(fields, ["*", "email", "password"]);
    assert!(!String::from_utf8_lossy(&answer.body).contains("hunter2"));
    let records = service.audit.take();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].who.address, Some(GivenAddress::NotAnAddress { len: 14 }));
    assert_eq!(records[0].what, Action::Login);
}

#[tokio::test]
async fn control_characters_are_refused_in_every_field() {
    let service = Service::start().await;
    for (email, password) in [
        ("a\r\nBcc: x@example.com", PASSWORD),
        (EMAIL, "with\u{0}nul"),
        (EMAIL, "with\u{85}c1"),
    ] {
        let answer = service.login(email, password).await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{email:?} {password:?}"
        );
    }
}

#[tokio::test]
async fn unknown_routes_methods_types_and_sizes_are_refused() {
    let service = Service::start().await;
    for path in [
        "/nothing",
        "/v1/auth/",
        "//v1/auth",
        "/v1/../v1/auth",
        "/v1/AUTH",
        "/v1/validate-token",
        "/healthz",
        "/v1/auth%2f",
    ] {
        let answer = service.post(path, login_body(EMAIL, PASSWORD)).await;
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (StatusCode::NOT_FOUND, "not-found"),
            "{path}"
        );
    }
    for (method, path, allow) in [
        (Method::GET, "/v1/auth", "POST"),
        (Method::DELETE, "/metadata", "GET,HEAD"),
    ] {
        let request = Request::builder()
            .method(method.clone())
            .uri(path)
            .body(Body::empty())
            .unwrap();
        let answer = service.send(&service.public, None, request).await;
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed")
        );
        assert_eq!(answer.header("allow"), allow, "{method} {path}");
    }
    for kind in ["text/plain", "application/x-www-form-urlencoded", ""] {
        let request = Request::post("/v1/auth")
            .header("content-type", kind)
            .body(Body::from("{}"))
            .unwrap();
        let answer = service.send(&service.public, None, request).await;
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type")
        );
    }
    let mut request = json_request("/v1/auth", login_body(EMAIL, PASSWORD));
    request.headers_mut().insert("accept", "text/html".parse().unwrap());
    let answer = service.send(&service.public, None, request).await;
    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (StatusCode::NOT_ACCEPTABLE, "not-acceptable")
    );

    let exact = padded(16 * 1024);
    assert_eq!(service.post("/v1/auth", exact).await.status, StatusCode::OK);
    let large = service.post("/v1/auth", padded(16 * 1024 + 1)).await;
    assert_eq!(
        (large.status, large.problem().as_str()),
        (StatusCode::PAYLOAD_TOO_LARGE, "body-too-large")
    );
    // The same without a length that gives it away: in chunks.
    let chunks = (0..1024).map(|_| Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 1024])));
    let answer = service.post("/v1/auth", Body::from_stream(stream::iter(chunks))).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn credentials_in_a_query_are_refused_and_never_recorded() {
    let service = Service::start().await;
    let uri = format!("/v1/auth?email={EMAIL}&password=canary-in-query");
    let answer = service.post(&uri, login_body(EMAIL, PASSWORD)).await;
    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (StatusCode::BAD_REQUEST, "query-not-allowed")
    );
    let records = format!("{:?}", service.audit.take());
    assert!(
        records.contains("query_not_allowed") && !records.contains("canary"),
        "{records}"
    );
}

#[tokio::test]
async fn a_slow_body_is_408_and_a_broken_one_400() {
    let service = Service::start().await;
    let silent = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
    let answer = service.post("/v1/auth", silent).await;
    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (StatusCode::REQUEST_TIMEOUT, "request-timeout")
    );
    let broken = Body::from_stream(stream::iter([
        Ok(Bytes::from_static(b"{\"email\":")),
        Err(std::io::Error::other("the client left")),
    ]));
    assert_eq!(service.post("/v1/auth", broken).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(service.reasons(), ["request_timeout", "malformed_request"]);
}

#[tokio::test]
async fn every_answer_has_its_headers_and_each_failure_one_record() {
    let service = Service::start().await;
    let mut failures = 0;
    for (answer, sent_id) in [
        (service.get("/").await, None),
        (service.get("/metadata").await, None),
        (service.get("/.well-known/jwks.json").await, None),
        (service.get("/openapi.json").await, None),
        (service.get("/nothing").await, None),
        (service.login(EMAIL, PASSWORD).await, None),
        (service.login(EMAIL, "wrong").await, None),
        (service.post("/v1/auth", "{").await, None),
        (
            with_id(&service, "client-chosen.ID_1").await,
            Some("client-chosen.ID_1"),
        ),
    ] {
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert!(answer.header("strict-transport-security").starts_with("max-age="));
        assert_eq!(
            answer.header("content-security-policy"),
            "default-src 'none'; frame-ancestors 'none'"
        );
        assert!(!answer.header("cache-control").is_empty());
        match sent_id {
            Some(id) => assert_eq!(answer.header("x-request-id"), id),
            None => assert_eq!(answer.header("x-request-id").len(), 36),
        }
        failures += usize::from(answer.status.is_client_error());
        if answer.status.is_success() {
            let parsed = serde_json::from_slice::<serde_json::Value>(&answer.body).unwrap_or_default();
            assert!(parsed.get("type").is_none(), "no success carries a problem");
        }
    }
    let reasons = service.reasons();
    assert_eq!(reasons.iter().filter(|reason| **reason != "ok").count(), failures);
}

#[tokio::test]
async fn metadata_has_exactly_six_strings() {
    let service = Service::start().await;
    for path in ["/metadata", "/v1/metadata"] {
        let json = service.get(path).await.json();
        let members = json.as_object().unwrap();
        let names: Vec<_> = members.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            ["api_version", "auth", "description", "name", "repository", "version"]
        );
        assert!(members.values().all(serde_json::Value::is_string));
        assert_eq!(json["auth"], "bearer,mtls");
    }
}

#[tokio::test]
async fn a_panic_is_a_500_a_record_and_a_count_and_the_process_lives() {
    let service = Service::start_with(|inner| Arc::new(PanicsForUnknown(inner))).await;
    for _ in 0..3 {
        let answer = service.login("nobody@example.com", PASSWORD).await;
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (StatusCode::INTERNAL_SERVER_ERROR, "internal")
        );
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert!(!String::from_utf8_lossy(&answer.body).contains("planted"));
    }
    assert_eq!(service.hasher.pool().in_use(), 0, "every permit is back");
    assert_eq!(service.login(EMAIL, PASSWORD).await.status, StatusCode::OK);
    let metrics = service.metrics.render();
    assert!(metrics.contains("authsvc_panics_total 3"), "{metrics}");
    let records = service.audit.take();
    assert_eq!(records.len(), 4);
    assert!(
        format!("{:?}", records[0].outcome).contains("planted"),
        "the operator learns it"
    );
}

/// Panics in the handler's own task, after real work.
struct PanicsForUnknown(Arc<dyn CredentialHasher>);

#[async_trait]
impl CredentialHasher for PanicsForUnknown {
    async fn hash(&self, password: Arc<Password>) -> Result<StoredHash, HashingError> {
        self.0.hash(password).await
    }

    async fn verify(&self, password: Arc<Password>, stored: StoredHash) -> Result<Verdict, HashingError> {
        self.0.verify(password, stored).await
    }

    async fn verify_decoy(&self, password: Arc<Password>) -> Result<(), HashingError> {
        self.0.verify_decoy(password).await?;
        panic!("planted");
    }
}

#[tokio::test]
async fn a_client_that_leaves_in_the_middle_leaves_a_record() {
    let begun = Arc::new(tokio::sync::Notify::new());
    let service = Service::start_with({
        let begun = Arc::clone(&begun);
        |_| Arc::new(NeverDone(begun))
    })
    .await;
    // Dropped once the hash has begun, as hyper does when the connection ends.
    tokio::select! {
        answer = service.login(EMAIL, PASSWORD) => panic!("{}", answer.status),
        () = begun.notified() => {}
    }
    let counted = r#"authsvc_operations_total{operation="login",reason="unfinished"} 1"#;
    assert!(service.metrics.render().contains(counted));
    let records = service.audit.take();
    assert_eq!(records.len(), 1);
    assert!(matches!(&records[0].outcome, Outcome::Failure(reason) if reason.code() == "client_gone"));
    assert!(matches!(&records[0].who.address, Some(GivenAddress::Address(address)) if address.as_str() == EMAIL));
}

struct NeverDone(Arc<tokio::sync::Notify>);

#[async_trait]
impl CredentialHasher for NeverDone {
    async fn hash(&self, _: Arc<Password>) -> Result<StoredHash, HashingError> {
        std::future::pending().await
    }

    async fn verify(&self, _: Arc<Password>, _: StoredHash) -> Result<Verdict, HashingError> {
        self.0.notify_one();
        std::future::pending().await
    }

    async fn verify_decoy(&self, _: Arc<Password>) -> Result<(), HashingError> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_busy_hasher_is_503_with_retry_after() {
    let service = Service::start_with(|_| Arc::new(AlwaysBusy)).await;
    for (email, password) in [(EMAIL, PASSWORD), ("nobody@example.com", PASSWORD)] {
        let answer = service.login(email, password).await;
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (StatusCode::SERVICE_UNAVAILABLE, "overloaded")
        );
        assert_eq!(answer.header("retry-after"), "1");
    }
    assert_eq!(service.reasons(), ["hashing_overloaded", "hashing_overloaded"]);
}

struct AlwaysBusy;

#[async_trait]
impl CredentialHasher for AlwaysBusy {
    async fn hash(&self, _: Arc<Password>) -> Result<StoredHash, HashingError> {
        Err(HashingError::Overloaded {
            retry_after: std::time::Duration::from_secs(1),
        })
    }

    async fn verify(&self, _: Arc<Password>, _: StoredHash) -> Result<Verdict, HashingError> {
        Err(HashingError::Overloaded {
            retry_after: std::time::Duration::from_secs(1),
        })
    }

    async fn verify_decoy(&self, _: Arc<Password>) -> Result<(), HashingError> {
        Err(HashingError::Overloaded {
            retry_after: std::time::Duration::from_secs(1),
        })
    }
}

#[tokio::test]
async fn a_database_that_is_gone_is_503_with_retry_after() {
    let service = Service::start().await;
    let token = service.token().await;
    service.reasons();
    service.store.close().await;
    for answer in [service.login(EMAIL, PASSWORD).await, service.validate(&token).await] {
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
        );
        assert_eq!(answer.header("retry-after"), "1");
    }
    assert_eq!(service.reasons(), ["store_unavailable", "store_unavailable"]);
}

/// An account, disabled, with a hash of its own for the same password. Where `sealed to alice` matters it is copied.
async fn copy_of_alice(service: &Service, email: &str) {
    let alice = service.stored(EMAIL).await;
    let id = UserId::generate();
    let password_hash = if email.starts_with("mallory") {
        SealedHash::from_stored(alice.password_hash.as_str().to_owned())
    } else {
        hash_for(service, id).await
    };
    let mut user = User::new(id, email.parse().unwrap(), password_hash, alice.created_at);
    user.disabled = true;
    let keys = authsvc_core::service::open_keys(service.store.as_ref(), &service.root_key)
        .await
        .unwrap();
    let user = UserRecord::seal(user, &keys.sealing).unwrap();
    service.store.insert_user(&user).await.unwrap();
}

async fn hash_for(service: &Service, id: UserId) -> SealedHash {
    let keys = authsvc_core::service::open_keys(service.store.as_ref(), &service.root_key)
        .await
        .unwrap();
    let phc = service
        .hasher
        .hash(Arc::new(Password::new(PASSWORD).unwrap()))
        .await
        .unwrap();
    let binding = cryptokit::password::HashBinding {
        column: "users.password_hash",
        user_id: &id.to_string(),
    };
    SealedHash::seal(&keys.sealing, &phc, binding).unwrap()
}

async fn with_id(service: &Service, id: &str) -> support::in_process::Answer {
    let request = Request::get("/")
        .header("x-request-id", id)
        .body(Body::empty())
        .unwrap();
    service.send(&service.public, None, request).await
}

/// A good login of exactly that many bytes.
fn padded(len: usize) -> String {
    let body = login_body(EMAIL, PASSWORD);
    format!("{body}{}", " ".repeat(len - body.len()))
}
