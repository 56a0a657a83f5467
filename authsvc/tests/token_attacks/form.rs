//! Attacks on how a token is written.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use cryptokit::encoding::base64url;
use http::StatusCode;

use super::Attack;

#[tokio::test]
async fn t12_there_is_one_way_to_write_a_token() {
    let attack = Attack::begin().await;
    let (header, payload) = (attack.header.to_string(), attack.payload.to_string());
    for (token, reason) in [
        (
            attack.signed(&header.replacen('{', "{\"alg\":\"RS256\",", 1), &payload),
            "token_header",
        ),
        (
            attack.signed(&header, &payload.replacen('{', "{\"exp\":9999999999,", 1)),
            "token_claims",
        ),
        (
            attack.signed(&header, &payload.replacen('{', "{\"x\":{\"a\":1,\"a\":2},", 1)),
            "token_claims",
        ),
        (attack.signed(&header, &format!("{payload} x")), "token_claims"),
        (attack.signed(&format!("{header}{{}}"), &payload), "token_header"),
        (attack.signed(&header, &format!("\u{feff}{payload}")), "token_claims"),
        (format!("{}=", attack.token), "token_malformed"),
        (format!("{}==", attack.token), "token_malformed"),
        (format!(" {}", attack.token), "token_malformed"),
        (attack.token.replace('.', ". "), "token_malformed"),
        (attack.token.replace('-', "+").replace('_', "/"), "token_malformed"),
        (format!("{}.{}", attack.token, "AA"), "token_malformed"),
        (attack.token.replacen("ey", "", 1), "token_malformed"),
    ] {
        let found = attack.refused(&token).await;
        let allowed = [reason, "token_header", "token_malformed"];
        assert!(
            found == reason || reason == "token_malformed" && allowed.contains(&found),
            "{reason}: {found}"
        );
    }
    for odd in [
        format!("{}\n", attack.token),
        format!("{}\0", attack.token),
        format!("\u{feff}{}", attack.token),
    ] {
        let status = attack.service.validate(&odd).await.status;
        let refusals = [StatusCode::UNPROCESSABLE_ENTITY, StatusCode::UNAUTHORIZED];
        assert!(refusals.contains(&status), "{status}");
    }
    attack.service.reasons();
    // UTF-16, with the signature over exactly these bytes.
    let utf16: Vec<u8> = payload.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let input = format!("{}.{}", base64url::encode(header.as_bytes()), base64url::encode(&utf16));
    let signature = attack
        .service
        .keys
        .tokens()
        .keys
        .signer
        .key()
        .sign(input.as_bytes())
        .unwrap();
    let token = format!("{input}.{}", base64url::encode(&signature));
    assert_eq!(attack.refused(&token).await, "token_claims");
    // The last character of the signature has bits that no byte has: all but one of its forms are refused.
    let (kept, last) = attack.token.split_at(attack.token.len() - 1);
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for other in alphabet.chars().filter(|other| !last.starts_with(*other)) {
        attack.refused(&format!("{kept}{other}")).await;
    }
    let nested = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
    let deep = attack.signed(&header, &payload.replacen('{', &format!("{{\"x\":{nested},"), 1));
    let reason = attack.refused(&deep).await;
    assert!(["token_claims", "token_too_long"].contains(&reason), "{reason}");
}

#[tokio::test]
async fn t13_huge_tokens_cost_nothing() {
    /// As a socket delivers a body.
    const CHUNK: usize = 4096;
    /// What a body may have.
    const MOST: usize = 16 * 1024;
    let attack = Attack::begin().await;
    for body in [
        format!(r#"{{"token":"{}"}}"#, ".".repeat(1 << 20)),
        format!(
            "{{{}}}",
            (0..100_000).map(|n| format!("\"{n}\":1")).collect::<Vec<_>>().join(",")
        ),
        format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)),
    ] {
        // Work, not time: what is beyond the bound is never taken from the connection, so nothing can be done about it.
        let taken = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&taken);
        let chunks: Vec<Vec<u8>> = body.as_bytes().chunks(CHUNK).map(<[u8]>::to_vec).collect();
        let stream = futures_util::stream::iter(chunks.into_iter().map(move |chunk| {
            counted.fetch_add(chunk.len(), Ordering::Relaxed);
            Ok::<_, std::convert::Infallible>(chunk)
        }));
        let peer = Some(attack.service.peer(&["dns:orders.internal"]));
        let request = crate::support::in_process::json_request("/v1/validate-token", Body::from_stream(stream));
        let answer = attack.service.send(&attack.service.internal, peer, request).await;
        let expected = [StatusCode::PAYLOAD_TOO_LARGE, StatusCode::BAD_REQUEST];
        assert!(expected.contains(&answer.status), "{}", answer.status);
        let taken = taken.load(Ordering::Relaxed);
        assert!(taken <= MOST + CHUNK, "{taken} of {} bytes", body.len());
        assert!(
            !answer.body.is_empty() && answer.body.len() < 1024,
            "nor is it given back"
        );
    }
    attack.service.reasons();
    // Within the bound a token is looked at once: before any key is, and whatever it nests.
    let dots = ".".repeat(8000);
    assert_eq!(attack.refused(&dots).await, "token_malformed");
    let nested = base64url::encode(format!("{}{}", "[".repeat(1000), "]".repeat(1000)).as_bytes());
    assert_eq!(attack.refused(&format!("{nested}.{nested}.AAAA")).await, "token_header");
}
