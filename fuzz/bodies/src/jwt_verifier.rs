//! Access tokens and all that reading one involves: base64url, strict JSON, JWK Sets, claims.

use std::sync::LazyLock;
use std::time::Duration;

use cryptokit::Provider;
use cryptokit::encoding::{base64url, json};
use cryptokit::jose::{
    ACCESS_TOKEN_TYPE, AccessTokenClaims, Jwk, JwkSet, MAX_TOKEN_LEN, TokenError, TokenVerifier, VerificationKeys,
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
    jwk_sets_round_trip(data);
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

/// RFC 7515 appendix A.2.1, the public key only, under a `kid` that the fuzzer learns from the seeds.
const KEY_ID: &str = "A.2";
const MODULUS: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
/// The signature of the same appendix, over another text than any that is tried here.
const SIGNATURE: &str = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

static VERIFIER: LazyLock<TokenVerifier> = LazyLock::new(|| TokenVerifier::new(ISSUER, Duration::ZERO));
static KEYS: LazyLock<VerificationKeys> = LazyLock::new(|| {
    let set = format!(r#"{{"keys":[{{"kty":"RSA","kid":"{KEY_ID}","n":"{MODULUS}","e":"AQAB"}}]}}"#);
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
        TokenError::Algorithm | TokenError::Type => {
            header_members(token);
        }
        TokenError::UnknownKey => assert_ne!(key_id_of_acceptable_header(token), KEY_ID),
        TokenError::Signature => assert_eq!(key_id_of_acceptable_header(token), KEY_ID),
        // RFC 8725 §3.3: claims mean nothing, not even as the cause of a refusal, until the signature is good.
        _ => panic!("claims were looked at before the signature was good: {error}"),
    }
}

/// The header as `serde_json` reads it: whatever gets as far as the key names exactly the one algorithm and type.
fn key_id_of_acceptable_header(token: &str) -> String {
    let members = header_members(token);
    assert_eq!(members["alg"], "RS256");
    assert_eq!(members["typ"], ACCESS_TOKEN_TYPE);
    members["kid"].as_str().expect("a string").to_owned()
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
        (json::Value::String(ours), serde_json::Value::String(theirs)) => assert_eq!(ours.as_str(), theirs),
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

fn jwk_sets_round_trip(data: &[u8]) {
    let Ok(set) = JwkSet::parse(data) else {
        return;
    };
    // RFC 7517 §4 and §5: a key and a set of keys are JSON objects.
    let document: serde_json::Value = serde_json::from_slice(data).expect("JSON");
    assert!(document.is_object(), "the set is an object");
    let keys = document["keys"].as_array().expect("an array of keys");
    assert!(keys.iter().all(serde_json::Value::is_object), "each key is an object");

    assert_eq!(
        JwkSet::parse(set.to_json().as_bytes()).as_ref(),
        Ok(&set),
        "sets round-trip"
    );
    for provider in Provider::all() {
        if let Ok(keys) = VerificationKeys::from_jwk_set(provider, &set) {
            assert_eq!(keys.jwk_set(), &set);
        }
        for jwk in &set.keys {
            if let Ok(key) = jwk.to_key(provider) {
                let again = Jwk::from_key(&key).to_key(provider).expect("keys round-trip");
                assert_eq!((again.modulus(), again.exponent()), (key.modulus(), key.exponent()));
            }
        }
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
