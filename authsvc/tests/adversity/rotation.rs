//! A signing key is exchanged while logins and validations come in, and one service does not fetch the new one: nobody's
//! request fails, and the key does not sign before that service has it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use authsvc_client::Client;
use cryptokit::Provider;
use cryptokit::jose::{JwkSet, TokenError, TokenVerifier, VerificationKeys};
use http::StatusCode;
use serde_json::Value;

use super::installation::{EMAIL, ISSUER, Installation, PASSWORD, PATIENT, Server, tokens, until};
use super::support::process::stderr;

/// Logs in, and has each token validated at once and the one before it again, until told to stop. None may fail.
async fn load(server: Arc<Server>, stop: Arc<AtomicBool>, done: Arc<AtomicUsize>) {
    let mut before: Option<String> = None;
    while !stop.load(Ordering::SeqCst) {
        let (_, token) = tokens(&server.login(EMAIL, PASSWORD).await);
        for shown in before.iter().chain([&token]) {
            assert_eq!(server.validate(shown).await.status, StatusCode::OK);
        }
        before = Some(token);
        done.fetch_add(1, Ordering::SeqCst);
    }
}

async fn key_set(client: &Client) -> JwkSet {
    let answer = client.get("/.well-known/jwks.json").await.unwrap();
    assert_eq!(answer.status, StatusCode::OK);
    JwkSet::parse(answer.body.expose_secret()).unwrap()
}

/// Whether somebody who holds that set accepts the token, as a service does that verifies by itself.
fn accepted(set: &JwkSet, token: &str) -> Result<(), TokenError> {
    let keys = VerificationKeys::from_jwk_set(Provider::default(), set).unwrap();
    let verifier = TokenVerifier::new(ISSUER, Duration::from_secs(5));
    let now = authsvc_core::clock::Clock::now(&authsvc_core::clock::SystemClock);
    verifier.verify(token, &keys, &["orders".to_owned()], now).map(drop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_under_load_fails_no_request_and_does_not_leave_a_frozen_service_behind() {
    let mut installation = Installation::new(None, PATIENT);
    let server = Arc::new(installation.serve());
    let list = || -> Value { serde_json::from_str(&installation.succeeds(&["key", "list", "--json"])).unwrap() };
    key_set(&server.orders).await;
    let mut frozen_set = key_set(&server.frozen).await;
    // Who fetched is noted beside the answer, and not when that takes long.
    until("the frozen service's fetch is on record", async || {
        let noted = list()["consumers"]
            .as_array()
            .unwrap()
            .iter()
            .any(|consumer| consumer["service"] == "frozen");
        if !noted {
            frozen_set = key_set(&server.frozen).await;
        }
        noted
    })
    .await;

    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..3)
        .map(|_| tokio::spawn(load(Arc::clone(&server), Arc::clone(&stop), Arc::clone(&done))))
        .collect();
    let some_load = async || {
        let enough = done.load(Ordering::SeqCst) + 6;
        until("load", async || done.load(Ordering::SeqCst) >= enough).await;
    };
    some_load().await;

    // Published: everybody can have it, nobody has tokens of it, and the frozen service keeps it from signing.
    installation.succeeds(&["key", "rotate"]);
    let next = list()["keys"][1]["kid"].as_str().unwrap().to_owned();
    until("the new key is published", async || {
        key_set(&server.public).await.keys.iter().any(|key| key.kid() == next)
    })
    .await;
    until("the frozen service is named", async || {
        let lagging = |consumer: &Value| consumer["service"] == "frozen" && consumer["lags"] == true;
        list()["consumers"].as_array().unwrap().iter().any(lagging)
    })
    .await;
    let refused = installation.command(&["key", "promote", &next], "");
    assert!(!refused.status.success(), "{}", stderr(&refused));
    some_load().await;
    for _ in 0..3 {
        let (_, token) = tokens(&server.login(EMAIL, PASSWORD).await);
        assert_eq!(
            accepted(&frozen_set, &token),
            Ok(()),
            "signed with the key that it knows"
        );
    }
    let (_, last) = tokens(&server.login(EMAIL, PASSWORD).await);

    // It thaws, and only then the key signs. Ten minutes are not waited for here.
    let thawed_set = key_set(&server.frozen).await;
    installation.succeeds(&["key", "promote", &next, "--force"]);
    until("a token of the new key", async || {
        let (_, token) = tokens(&server.login(EMAIL, PASSWORD).await);
        assert_eq!(accepted(&thawed_set, &token), Ok(()));
        accepted(&frozen_set, &token) == Err(TokenError::UnknownKey)
    })
    .await;
    some_load().await;
    assert_eq!(accepted(&thawed_set, &last), Ok(()));
    assert_eq!(
        server.validate(&last).await.status,
        StatusCode::OK,
        "the last token of the old key"
    );
    stop.store(true, Ordering::SeqCst);
    for client in clients {
        client.await.unwrap();
    }
    println!("{} logins beside the rotation", done.load(Ordering::SeqCst));
}
