//! Access tokens and all that reading one involves: base64url, strict JSON, claims.

use std::sync::LazyLock;
use std::time::Duration;

use cryptokit::Provider;
use cryptokit::encoding::{base64url, json};
use cryptokit::jose::{
    ACCESS_TOKEN_TYPE, AccessTokenClaims, JwkSet, JwsAlgorithm, MAX_TOKEN_LEN, TokenError, TokenVerifier,
    VerificationKeys,
};
use time::OffsetDateTime;

/// Reads the bytes as a token, as header and payload of a token, and as each of the parts that tokens are made of.
///
/// As header and payload, the first line is the header and the rest the payload: the fuzzer need not discover base64
/// to reach what is inside.
///
/// # Panics
///
/// When a token is accepted, since whoever wrote the bytes has not signed them; when one is refused for a later cause
/// than its text warrants; when the strict parser reads something else than `serde_json` does; when an accepted value
/// does not survive being written and read again.
pub fn jwt_verifier(data: &[u8]) {
    base64url_has_one_form(data);
    strict_json_agrees_with_serde_json(data);
    claims_round_trip(data);
    if let Ok(text) = std::str::from_utf8(data) {
        token_is_refused(text);
    }
    token_is_refused(&signed_for_another_text(data));
}

const ISSUER: &str = "https://auth.example";
const AUDIENCE: &str = "orders";
/// Within the validity that the seeds claim.
const NOW: i64 = 1_800_000_000;

/// Public keys of RFC 7515 appendices A.2.1 and A.3.1 and of RFC 8037 appendix A.2, under `kid`s that the fuzzer learns
/// from the seeds.
const KEYS_BY_ID: [(&str, JwsAlgorithm); 3] = [
    ("A.2", JwsAlgorithm::Rs256),
    ("A.3", JwsAlgorithm::Es256),
    ("ed", JwsAlgorithm::EdDsa),
];
const P256_KEY: &str = r#"{"kty":"EC","kid":"A.3","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
const ED25519_KEY: &str =
    r#"{"kty":"OKP","kid":"ed","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
const MODULUS: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
/// The signature of the same appendix, over another text than any that is tried here.
const SIGNATURE: &str = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

static VERIFIER: LazyLock<TokenVerifier> = LazyLock::new(|| TokenVerifier::new(ISSUER, Duration::ZERO));
static KEYS: LazyLock<VerificationKeys> = LazyLock::new(|| {
    let set =
        format!(r#"{{"keys":[{{"kty":"RSA","kid":"A.2","n":"{MODULUS}","e":"AQAB"}},{P256_KEY},{ED25519_KEY}]}}"#);
    let set = JwkSet::parse(set.as_bytes()).expect("a JWK Set");
    VerificationKeys::from_jwk_set(Provider::default(), &set).expect("a published key")
});

fn signed_for_another_text(data: &[u8]) -> String {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (header, rest) = data.split_at(end);
    let payload = rest.get(1..).unwrap_or_default();
    format!(
        "{}.{}.{SIGNATURE}",
        base64url::encode(header),
        base64url::encode(payload)
    )
}

fn token_is_refused(token: &str) {
    let now = OffsetDateTime::from_unix_timestamp(NOW).expect("a time in range");
    let Err(error) = VERIFIER.verify(token, &KEYS, &[AUDIENCE.to_owned()], now) else {
        panic!("accepted, and nobody signed it");
    };
    assert_eq!(error == TokenError::TooLong, token.len() > MAX_TOKEN_LEN);
    match error {
        TokenError::TooLong | TokenError::Malformed | TokenError::Header => {}
        TokenError::Type => {
            header_members(token);
        }
        TokenError::Algorithm => {
            let members = header_members(token);
            assert!(!KEYS_BY_ID.iter().any(|(kid, algorithm)| members["kid"] == *kid
                && members["alg"] == algorithm.name()
                && members["typ"] == ACCESS_TOKEN_TYPE));
        }
        TokenError::UnknownKey => assert_eq!(key_of_acceptable_header(token), None),
        TokenError::Signature => assert!(key_of_acceptable_header(token).is_some_and(|of_key| of_key)),
        // RFC 8725 §3.3: claims mean nothing, not even as the cause of a refusal, until the signature is good.
        _ => panic!("claims were looked at before the signature was good: {error}"),
    }
}

/// The header as `serde_json` reads it: whatever gets as far as the key names exactly the one type and a known
/// algorithm. Whether that is the algorithm of the key that it names, if there is such a key.
fn key_of_acceptable_header(token: &str) -> Option<bool> {
    let members = header_members(token);
    assert_eq!(members["typ"], ACCESS_TOKEN_TYPE);
    let named = members["alg"].as_str().and_then(JwsAlgorithm::from_name);
    let named = named.expect("an algorithm that we know");
    let (_, of_key) = KEYS_BY_ID.iter().find(|(kid, _)| members["kid"] == *kid)?;
    Some(*of_key == named)
}

fn header_members(token: &str) -> serde_json::Map<String, serde_json::Value> {
    let header = token.split('.').next().unwrap_or_default();
    let header = base64url::decode(header).expect("base64url, or it would have been refused earlier");
    let members: serde_json::Map<_, _> = serde_json::from_slice(&header).expect("an object, or likewise");
    assert!(
        members.keys().eq(["alg", "kid", "typ"]) && members.values().all(serde_json::Value::is_string),
        "three members, all strings"
    );
    members
}

fn base64url_has_one_form(data: &[u8]) {
    assert_eq!(
        base64url::decode(&base64url::encode(data)).as_deref(),
        Ok(data),
        "bytes round-trip"
    );
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(bytes) = base64url::decode(text)
    {
        assert_eq!(base64url::encode(&bytes), text, "text round-trips");
    }
}

fn strict_json_agrees_with_serde_json(data: &[u8]) {
    if let Ok(ours) = json::parse(data) {
        let theirs = serde_json::from_slice(data).expect("whatever is strict JSON is JSON");
        assert_same(&ours, &theirs, 0);
    }
}

fn assert_same(ours: &json::Value, theirs: &serde_json::Value, depth: usize) {
    assert!(depth <= json::MAX_DEPTH, "nesting is bounded");
    match (ours, theirs) {
        (json::Value::Null, serde_json::Value::Null) => {}
        (json::Value::Bool(ours), serde_json::Value::Bool(theirs)) => assert_eq!(ours, theirs),
        (json::Value::Number(ours), serde_json::Value::Number(theirs)) => {
            assert_eq!(Some(ours.to_bits()), theirs.as_f64().map(f64::to_bits));
        }
        (json::Value::String(ours), serde_json::Value::String(theirs)) => assert_eq!(ours.expose_secret(), theirs),
        (json::Value::Array(ours), serde_json::Value::Array(theirs)) => {
            assert_eq!(ours.len(), theirs.len());
            for (ours, theirs) in ours.iter().zip(theirs) {
                assert_same(ours, theirs, depth + 1);
            }
        }
        (json::Value::Object(ours), serde_json::Value::Object(theirs)) => {
            // Of duplicate members `serde_json` keeps one, so this also says that there were none.
            assert_eq!(ours.len(), theirs.len());
            for (name, ours) in ours {
                assert_same(ours, &theirs[name], depth + 1);
            }
        }
        _ => panic!("another type than serde_json reads"),
    }
}

fn claims_round_trip(data: &[u8]) {
    let Ok(claims) = serde_json::from_slice::<AccessTokenClaims>(data) else {
        return;
    };
    let audiences = claims.aud.as_slice();
    assert!(!audiences.is_empty() && audiences.iter().all(|audience| !audience.is_empty()));
    let written = serde_json::to_vec(&claims).expect("claims are plain data");
    let again: AccessTokenClaims = serde_json::from_slice(&written).expect("claims are read again");
    assert_eq!(again, claims, "claims round-trip");
}
