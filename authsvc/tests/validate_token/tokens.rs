//! Which tokens are good.

use authsvc_core::audit::Outcome;
use cryptokit::encoding::base64url;
use http::StatusCode;

use super::{decode, forge};
use crate::support::in_process::{EMAIL, ISSUER, LEEWAY_SECONDS, NOW, Service, TTL_SECONDS};

#[tokio::test]
async fn a_good_token_is_active_with_its_claims() {
    let service = Service::start().await;
    let answer = service.validate(&service.token().await).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("cache-control"), "no-store");
    let json = answer.json();
    assert_eq!(json["active"], true);
    assert_eq!(json["email"], EMAIL);
    assert_eq!(json["sub"], service.user_id.to_string());
    assert_eq!(json["aud"], "orders");
    assert_eq!(json["iss"], ISSUER);
    assert_eq!(json["iat"], NOW);
    assert_eq!(json["exp"], NOW + TTL_SECONDS);
    assert_eq!(json["jti"].as_str().unwrap().len(), 36);
    let records = service.audit.take();
    assert_eq!(records[1].who.service.as_ref().unwrap().as_str(), "orders");
    assert_eq!(records[1].who.user_id, Some(service.user_id));
}

#[tokio::test]
async fn every_token_that_is_not_good_is_the_same_401_with_its_own_reason() {
    let service = Service::start().await;
    service.register("billing", "dns:billing.internal", &["billing"]).await;
    let good = service.token().await;
    let (input, signature) = good.rsplit_once('.').unwrap();
    let (header, payload) = input.split_once('.').unwrap();
    let (header, payload) = (decode(header), decode(payload));
    let hmac = |header: &str| {
        // The public key as the secret of an HMAC: the oldest confusion there is.
        let input = format!(
            "{}.{}",
            base64url::encode(header.as_bytes()),
            base64url::encode(payload.as_bytes())
        );
        format!("{input}.{}", base64url::encode(&[7; 32]))
    };
    let signed = |header: String, payload: String| forge(&service, header, payload);

    let mut cases = vec![
        (tampered(&good), "token_signature"),
        (format!("{input}.{}", with_a_bit_flipped(signature)), "token_signature"),
        (
            signed(header.clone(), payload.replace(ISSUER, "https://other.example")).await,
            "token_issuer",
        ),
        (
            signed(header.clone(), payload.replace("\"orders\"", "\"billing\"")).await,
            "token_audience",
        ),
        (
            format!(
                "{}.",
                hmac(&header.replace("RS256", "none")).rsplit_once('.').unwrap().0
            ),
            "token_algorithm",
        ),
        (hmac(&header.replace("RS256", "HS256")), "token_algorithm"),
        (
            signed(header.replace("\"kid\":\"", "\"kid\":\"x"), payload.clone()).await,
            "token_unknown_key",
        ),
        (
            signed(header.replace("at+jwt", "JWT"), payload.clone()).await,
            "token_type",
        ),
        (
            signed(header.replace('{', "{\"crit\":[\"exp\"],"), payload.clone()).await,
            "token_header",
        ),
        (
            signed(header.clone(), payload.replace("\"exp\":", "\"ex\":")).await,
            "token_claims",
        ),
        (
            signed(header.clone(), payload.replace('{', "{\"exp\":1,")).await,
            "token_claims",
        ),
        ("garbage".to_owned(), "token_malformed"),
        (
            signed(header.clone(), payload.replace(&service.user_id.to_string(), "nobody")).await,
            "token_of_disabled_user",
        ),
    ];
    cases.push((
        signed(
            header,
            payload.replace(&format!("\"nbf\":{NOW}"), &format!("\"nbf\":{}", NOW + 60)),
        )
        .await,
        "token_not_yet_valid",
    ));
    service.reasons();

    let mut bodies = Vec::new();
    for (token, reason) in cases {
        let answer = service.validate(&token).await;
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (StatusCode::UNAUTHORIZED, "invalid-token"),
            "{reason}"
        );
        assert!(answer.header("www-authenticate").contains("invalid_token"));
        let record = &service.audit.take()[0];
        let Outcome::Failure(found) = &record.outcome else {
            panic!("{reason} succeeded")
        };
        assert_eq!(found.code(), reason);
        assert_eq!(record.who.service.as_ref().unwrap().as_str(), "orders");
        assert!(
            record
                .who
                .caller
                .as_ref()
                .unwrap()
                .to_string()
                .starts_with("dns:orders.internal by ")
        );
        let id = answer.json()["id"].as_str().unwrap().to_owned();
        assert_eq!(record.id.to_string(), id);
        bodies.push(String::from_utf8(answer.body).unwrap().replace(&id, "ID"));
    }
    assert!(
        bodies.windows(2).all(|pair| pair[0] == pair[1]),
        "no cause can be told from another"
    );
}

#[tokio::test]
async fn a_token_ends_at_its_time() {
    let service = Service::start().await;
    let token = service.token().await;
    service.clock.advance(TTL_SECONDS + LEEWAY_SECONDS - 1);
    assert_eq!(service.validate(&token).await.status, StatusCode::OK);
    service.clock.advance(1);
    assert_eq!(service.validate(&token).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(service.reasons(), ["ok", "ok", "token_expired"]);
}

#[tokio::test]
async fn tokens_of_disabled_users_are_refused_at_once() {
    let service = Service::start().await;
    let token = service.token().await;
    service.set_disabled(EMAIL, true).await;
    assert_eq!(service.validate(&token).await.status, StatusCode::UNAUTHORIZED);
    // What disabling has ended does not live again.
    service.set_disabled(EMAIL, false).await;
    assert_eq!(service.validate(&token).await.status, StatusCode::UNAUTHORIZED);
    let fresh = service.token().await;
    assert_eq!(service.validate(&fresh).await.status, StatusCode::OK);
    assert_eq!(service.reasons(), ["ok", "token_revoked", "token_revoked", "ok", "ok"]);
}

fn with_a_bit_flipped(signature: &str) -> String {
    let mut bytes = base64url::decode(signature).unwrap();
    bytes[100] ^= 1;
    base64url::encode(&bytes)
}

/// The same claims with one character changed, under the old signature.
fn tampered(token: &str) -> String {
    let (header, rest) = token.split_once('.').unwrap();
    let (payload, signature) = rest.split_once('.').unwrap();
    let changed = decode(payload).replace("alice", "admin");
    format!("{header}.{}.{signature}", base64url::encode(changed.as_bytes()))
}
