//! Attacks on what a token says.

use serde_json::json;

use super::Attack;
use crate::support::in_process::{ISSUER, LEEWAY_SECONDS, NOW, Service, TTL_SECONDS};

#[tokio::test]
async fn t8_times_are_whole_numbers_that_are_there() {
    let attack = Attack::begin().await;
    for name in ["exp", "iat", "nbf"] {
        for value in [
            json!("1900000000"),
            json!(1_900_000_000.5),
            json!(-1),
            json!([1_900_000_000]),
            json!({}),
            json!(true),
        ] {
            let token = attack.with_claims(|claims| claims[name] = value.clone());
            assert_eq!(attack.refused(&token).await, "token_claims", "{name}: {value}");
        }
        for number in ["1e400", "1e12", "99999999999999999999999", "-0.0", "0x7fffffff", "NaN"] {
            let payload = attack.payload.to_string();
            let old = format!("\"{name}\":{}", attack.payload[name]);
            assert!(payload.contains(&old));
            let payload = payload.replace(&old, &format!("\"{name}\":{number}"));
            let token = attack.signed(&attack.header.to_string(), &payload);
            assert_eq!(attack.refused(&token).await, "token_claims", "{name}: {number}");
        }
    }
    for name in ["exp", "iat", "iss", "sub", "aud", "jti", "client_id"] {
        for absent in [true, false] {
            let token = attack.with_claims(|claims| match absent {
                true => drop(claims.as_object_mut().unwrap().remove(name)),
                false => claims[name] = json!(null),
            });
            assert_eq!(attack.refused(&token).await, "token_claims", "{name}");
        }
    }
}

#[tokio::test]
async fn t9_the_audience_is_compared_whole() {
    let attack = Attack::begin().await;
    for (aud, reason) in [
        (json!([]), "token_claims"),
        (json!(""), "token_claims"),
        (json!([""]), "token_claims"),
        (json!([["orders"]]), "token_claims"),
        (json!({ "orders": true }), "token_claims"),
        (json!(["orders", 1]), "token_claims"),
        (json!("Orders"), "token_audience"),
        (json!("order"), "token_audience"),
        (json!("orders "), "token_audience"),
        (json!("orders,billing"), "token_audience"),
        (json!("*"), "token_audience"),
        (json!(["billing", "ORDERS"]), "token_audience"),
    ] {
        let token = attack.with_claims(|claims| claims["aud"] = aud.clone());
        assert_eq!(attack.refused(&token).await, reason, "{aud}");
    }
    attack
        .accepted(&attack.with_claims(|claims| claims["aud"] = json!(["billing", "orders"])))
        .await;
}

#[tokio::test]
async fn t10_an_issuer_is_believed_for_its_own_keys_only() {
    let attack = Attack::begin().await;
    let other = Service::start().await;
    let foreign = other.token().await;
    assert_eq!(
        attack.refused(&foreign).await,
        "token_unknown_key",
        "same claims, another's key"
    );
    for iss in [
        "https://other.example",
        "https://auth.example/",
        "HTTPS://AUTH.EXAMPLE",
        "auth.example",
        "",
    ] {
        let token = attack.with_claims(|claims| claims["iss"] = json!(iss));
        assert_eq!(attack.refused(&token).await, "token_issuer", "{iss}");
    }
    assert_eq!(attack.payload["iss"], ISSUER);
}

#[tokio::test]
async fn t11_other_kinds_of_tokens_are_not_access_tokens() {
    let attack = Attack::begin().await;
    for typ in [
        "JWT",
        "jwt",
        "AT+JWT",
        "application/at+jwt",
        "id+jwt",
        "logout+jwt",
        "client-authentication+jwt",
        "dpop+jwt",
        "secevent+jwt",
        "rt+jwt",
        "at+jwt ",
        "",
    ] {
        let token = attack.with_header(|header| header["typ"] = json!(typ));
        assert_eq!(attack.refused(&token).await, "token_type", "{typ:?}");
    }
    let without = attack.with_header(|header| {
        header.as_object_mut().unwrap().remove("typ");
    });
    assert_eq!(attack.refused(&without).await, "token_header");
}

#[tokio::test]
async fn t19_leeway_is_what_is_configured_to_the_second() {
    let attack = Attack::begin().await;
    let clock = &attack.service.clock;
    clock.advance(TTL_SECONDS + LEEWAY_SECONDS - 1);
    attack.accepted(&attack.token).await;
    clock.advance(1);
    assert_eq!(attack.refused(&attack.token).await, "token_expired");
    clock.advance(-TTL_SECONDS - LEEWAY_SECONDS);
    for name in ["nbf", "iat"] {
        let early = |by: i64| attack.with_claims(|claims| claims[name] = json!(NOW + by));
        attack.accepted(&early(LEEWAY_SECONDS)).await;
        assert_eq!(
            attack.refused(&early(LEEWAY_SECONDS + 1)).await,
            "token_not_yet_valid",
            "{name}"
        );
    }
    // No configuration makes it more than a minute.
    let text = "tokens.leeway_seconds";
    let setting = authsvc::config::SETTINGS
        .iter()
        .find(|setting| setting.key == text)
        .unwrap();
    assert!(setting.help.ends_with("0 to 60"), "{}", setting.help);
}
