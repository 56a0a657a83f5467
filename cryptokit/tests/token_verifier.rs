//! What the token verifier refuses, on every provider. The ids in the comments are those of the attack checklist.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

use std::sync::LazyLock;
use std::time::Duration;

use cryptokit::Provider;
use cryptokit::encoding::base64url;
use cryptokit::jose::{
    AccessTokenClaims, Audience, IssueError, MAX_TOKEN_LEN, TokenError, TokenKeys, TokenSigner, TokenVerifier,
    VerificationKeys,
};
use cryptokit::keyset::Keyset;
use cryptokit::secret::SecretBytes;
use cryptokit::sign::{RsaKeySize, RsaSigningKey};
use time::OffsetDateTime;

const NOW: i64 = 1_800_000_000;
const ISSUER: &str = "https://auth.example";

/// Key generation is slow; every test shares two keys.
static KEY: LazyLock<RsaSigningKey> = LazyLock::new(|| RsaSigningKey::generate(RsaKeySize::Bits2048).unwrap());
static OTHER_KEY: LazyLock<RsaSigningKey> = LazyLock::new(|| RsaSigningKey::generate(RsaKeySize::Bits2048).unwrap());

struct Fixture {
    key: RsaSigningKey,
    keys: TokenKeys,
    verifier: TokenVerifier,
}

fn copy(key: &RsaSigningKey, provider: Provider) -> RsaSigningKey {
    RsaSigningKey::from_pkcs8_with(provider, SecretBytes::new(key.pkcs8().expose_secret().to_vec())).unwrap()
}

fn fixtures() -> Vec<Fixture> {
    let fixture = |provider| Fixture {
        key: copy(&KEY, provider),
        keys: TokenKeys::new(Keyset::new("tokens", copy(&KEY, provider))).unwrap(),
        verifier: TokenVerifier::new(ISSUER, Duration::from_secs(5)),
    };
    Provider::all().into_iter().map(fixture).collect()
}

fn claims() -> AccessTokenClaims {
    AccessTokenClaims {
        iss: ISSUER.into(),
        sub: "user-1".into(),
        aud: Audience::one("orders"),
        exp: NOW as u64 + 900,
        iat: NOW as u64,
        nbf: NOW as u64,
        jti: "token-1".into(),
        client_id: "authsvc".into(),
        scope: None,
        email: Some("alice@example.com".into()),
    }
}

impl Fixture {
    fn verify(&self, token: &str) -> Result<AccessTokenClaims, TokenError> {
        self.verify_at(token, NOW)
    }

    fn verify_at(&self, token: &str, now: i64) -> Result<AccessTokenClaims, TokenError> {
        let now = OffsetDateTime::from_unix_timestamp(now).unwrap();
        self.verifier
            .verify(token, &self.keys.verification, &["orders".to_owned()], now)
            .map(|claims| claims.into_inner())
    }

    fn good_token(&self) -> String {
        self.keys.signer.sign(&claims()).unwrap().expose_secret().to_owned()
    }

    /// A token with a good signature of our key over any header and payload.
    fn forge(&self, header: &str, payload: &str) -> String {
        let input = format!(
            "{}.{}",
            base64url::encode(header.as_bytes()),
            base64url::encode(payload.as_bytes())
        );
        let signature = self.key.sign(input.as_bytes()).unwrap();
        format!("{input}.{}", base64url::encode(&signature))
    }

    fn header(&self) -> String {
        format!(r#"{{"typ":"at+jwt","alg":"RS256","kid":"{}"}}"#, self.keys.signer.kid())
    }

    fn payload(&self) -> String {
        serde_json::to_string(&claims()).unwrap()
    }
}

#[test]
fn a_good_token_gives_its_claims_back() {
    for fixture in fixtures() {
        assert_eq!(fixture.verify(&fixture.good_token()), Ok(claims()));
        assert_eq!(
            fixture.verify(&fixture.forge(&fixture.header(), &fixture.payload())),
            Ok(claims())
        );
    }
}

#[test]
fn a_token_signed_on_one_provider_verifies_on_every_other() {
    let fixtures = fixtures();
    for signing in &fixtures {
        for verifying in &fixtures {
            assert_eq!(signing.good_token(), verifying.good_token(), "RS256 is deterministic");
            assert_eq!(verifying.verify(&signing.good_token()), Ok(claims()));
        }
    }
}

#[test]
fn t1_unsigned_tokens_are_refused() {
    for fixture in fixtures() {
        for algorithm in ["none", "None", "NONE", "nOnE", "", " RS256", "RS256 ", "rs256"] {
            let header = fixture.header().replace("RS256", algorithm);
            let signed = fixture.forge(&header, &fixture.payload());
            assert_eq!(fixture.verify(&signed), Err(TokenError::Algorithm), "{algorithm:?}");
            let unsigned = format!("{}.", signed.rsplit_once('.').unwrap().0);
            assert_eq!(fixture.verify(&unsigned), Err(TokenError::Algorithm), "{algorithm:?}");
        }
        let missing = fixture.forge(&fixture.header().replace("\"alg\":\"RS256\",", ""), &fixture.payload());
        assert_eq!(fixture.verify(&missing), Err(TokenError::Header));
        let good = fixture.good_token();
        let empty = format!("{}.", good.rsplit_once('.').unwrap().0);
        assert_eq!(fixture.verify(&empty), Err(TokenError::Malformed));
    }
}

#[test]
fn t2_other_algorithms_are_refused_even_with_a_good_rs256_signature() {
    for fixture in fixtures() {
        for algorithm in [
            "HS256", "HS384", "HS512", "RS384", "RS512", "PS256", "ES256", "EdDSA", "RSA-OAEP",
        ] {
            let token = fixture.forge(&fixture.header().replace("RS256", algorithm), &fixture.payload());
            assert_eq!(fixture.verify(&token), Err(TokenError::Algorithm), "{algorithm}");
        }
    }
}

#[test]
fn t5_t6_every_other_header_member_is_refused() {
    for fixture in fixtures() {
        for member in [
            r#""crit":["exp"]"#,
            r#""crit":[]"#,
            r#""b64":false"#,
            r#""jwk":{"kty":"RSA"}"#,
            r#""jku":"https://127.0.0.1/keys""#,
            r#""x5u":"https://127.0.0.1/chain""#,
            r#""x5c":[]"#,
            r#""zip":"DEF""#,
            r#""cty":"JWT""#,
            r#""p2c":2147483647"#,
            r#""kid":"second""#,
            r#""alg":"RS256""#,
        ] {
            let header = fixture.header().replace("{\"typ\"", &format!("{{{member},\"typ\""));
            let token = fixture.forge(&header, &fixture.payload());
            assert_eq!(fixture.verify(&token), Err(TokenError::Header), "{member}");
        }
        for header in [
            "",
            "null",
            "[]",
            "{}",
            "\"x\"",
            "{\"alg\":1,\"typ\":\"at+jwt\",\"kid\":\"x\"}",
        ] {
            let token = fixture.forge(header, &fixture.payload());
            assert_eq!(fixture.verify(&token), Err(TokenError::Header), "{header}");
        }
    }
}

#[test]
fn t7_the_key_id_is_only_looked_up() {
    for fixture in fixtures() {
        for kid in ["", "../../etc/passwd", "' OR 1=1 --", "a\\u0000b", &"k".repeat(4000)] {
            let header = fixture.header().replace(fixture.keys.signer.kid(), kid);
            let token = fixture.forge(&header, &fixture.payload());
            assert_eq!(fixture.verify(&token), Err(TokenError::UnknownKey), "{kid:.20}");
        }
    }
}

#[test]
fn t8_mistyped_and_missing_claims_are_refused() {
    for fixture in fixtures() {
        for claim in ["exp", "iat", "nbf"] {
            for value in [
                "\"1800000900\"",
                "1800000900.5",
                "-1",
                "1e400",
                "null",
                "[]",
                "true",
                "18446744073709551616",
            ] {
                let payload = replace_claim(&fixture.payload(), claim, Some(value));
                let token = fixture.forge(&fixture.header(), &payload);
                assert_eq!(fixture.verify(&token), Err(TokenError::Claims), "{claim}: {value}");
            }
        }
        for claim in ["iss", "sub", "aud", "jti", "client_id", "exp", "iat", "nbf"] {
            for value in [None, Some("1"), Some("null"), Some("{}"), Some("true"), Some("[1]")] {
                if matches!((claim, value), ("exp" | "iat" | "nbf", Some("1"))) {
                    continue;
                }
                let payload = replace_claim(&fixture.payload(), claim, value);
                let token = fixture.forge(&fixture.header(), &payload);
                assert_eq!(fixture.verify(&token), Err(TokenError::Claims), "{claim}: {value:?}");
            }
        }
    }
}

#[test]
fn t9_audiences_match_whole_and_exactly() {
    for fixture in fixtures() {
        let with = |value| {
            fixture.forge(
                &fixture.header(),
                &replace_claim(&fixture.payload(), "aud", Some(value)),
            )
        };
        assert!(fixture.verify(&with(r#"["billing","orders"]"#)).is_ok());
        for value in [
            r#""Orders""#,
            r#""order""#,
            r#""orders ""#,
            r#""orders/1""#,
            r#"["billing"]"#,
        ] {
            assert_eq!(fixture.verify(&with(value)), Err(TokenError::Audience), "{value}");
        }
        for value in ["[]", r#""""#, r#"["orders",""]"#, r#"["orders",1]"#, r#"[["orders"]]"#] {
            assert_eq!(fixture.verify(&with(value)), Err(TokenError::Claims), "{value}");
        }
        let nobody = fixture.verifier.verify(
            &fixture.good_token(),
            &fixture.keys.verification,
            &[],
            OffsetDateTime::from_unix_timestamp(NOW).unwrap(),
        );
        assert_eq!(nobody.unwrap_err(), TokenError::Audience);
    }
}

#[test]
fn t10_other_issuers_and_other_keys_are_refused() {
    for fixture in fixtures() {
        for issuer in [
            "https://auth.example/",
            "https://auth.example.evil",
            "http://auth.example",
            "",
        ] {
            let value = format!("{issuer:?}");
            let payload = replace_claim(&fixture.payload(), "iss", Some(&value));
            assert_eq!(
                fixture.verify(&fixture.forge(&fixture.header(), &payload)),
                Err(TokenError::Issuer)
            );
        }
        let stranger = TokenSigner::new(copy(&OTHER_KEY, Provider::default())).unwrap();
        let unknown = stranger.sign(&claims()).unwrap();
        assert_eq!(fixture.verify(unknown.expose_secret()), Err(TokenError::UnknownKey));
        // The stranger's good signature under our key id.
        let input = fixture.good_token().rsplit_once('.').unwrap().0.to_owned();
        let signature = OTHER_KEY.sign(input.as_bytes()).unwrap();
        let posing = format!("{input}.{}", base64url::encode(&signature));
        assert_eq!(fixture.verify(&posing), Err(TokenError::Signature));
    }
}

#[test]
fn t11_other_kinds_of_token_are_refused() {
    for fixture in fixtures() {
        for kind in [
            "JWT",
            "jwt",
            "AT+JWT",
            "application/at+jwt",
            "logout+jwt",
            "dpop+jwt",
            "",
        ] {
            let token = fixture.forge(&fixture.header().replace("at+jwt", kind), &fixture.payload());
            assert_eq!(fixture.verify(&token), Err(TokenError::Type), "{kind}");
        }
        let untyped = fixture.forge(&fixture.header().replace("\"typ\":\"at+jwt\",", ""), &fixture.payload());
        assert_eq!(fixture.verify(&untyped), Err(TokenError::Header));
    }
}

#[test]
fn t12_duplicate_members_and_loose_encodings_are_refused() {
    for fixture in fixtures() {
        for payload in [
            fixture.payload().replace("{", "{\"exp\":1,"),
            fixture.payload().replace("{", "{\"role\":\"a\",\"role\":\"b\","),
            fixture.payload() + " x",
            fixture.payload() + &fixture.payload(),
            format!("\u{feff}{}", fixture.payload()),
        ] {
            let token = fixture.forge(&fixture.header(), &payload);
            assert_eq!(fixture.verify(&token), Err(TokenError::Claims), "{payload:.60}");
        }
        let good = fixture.good_token();
        let parts: Vec<_> = good.split('.').collect();
        for part in 0..3 {
            for suffix in ["=", "==", "\n", " ", "\0", "+"] {
                let mut altered: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
                altered[part].push_str(suffix);
                assert_eq!(
                    fixture.verify(&altered.join(".")),
                    Err(TokenError::Malformed),
                    "{suffix:?}"
                );
            }
        }
    }
}

#[test]
fn t13_t4_wrong_numbers_of_parts_and_huge_tokens_are_refused() {
    for fixture in fixtures() {
        let good = fixture.good_token();
        assert_eq!(fixture.verify(&"x".repeat(MAX_TOKEN_LEN + 1)), Err(TokenError::TooLong));
        assert_eq!(fixture.verify(&".".repeat(1 << 20)), Err(TokenError::TooLong));
        for token in [
            "",
            ".",
            "..",
            "...",
            "....",
            "a.b",
            &format!("{good}."),
            &format!("{good}.e30"),
            &good[1..],
        ] {
            let result = fixture.verify(token);
            assert!(
                matches!(result, Err(TokenError::Malformed | TokenError::Header)),
                "{token:.20}: {result:?}"
            );
        }
    }
}

#[test]
fn every_altered_character_is_refused() {
    let fixture = &fixtures()[0];
    let good = fixture.good_token();
    for index in 0..good.len() {
        let mut altered = good.clone().into_bytes();
        altered[index] = if altered[index] == b'A' { b'B' } else { b'A' };
        let altered = String::from_utf8(altered).unwrap();
        assert!(fixture.verify(&altered).is_err(), "character {index}");
    }
}

#[test]
fn t19_times_are_exact_to_the_leeway() {
    for fixture in fixtures() {
        let token = fixture.good_token();
        assert!(fixture.verify_at(&token, NOW + 899).is_ok());
        assert!(fixture.verify_at(&token, NOW + 900 + 4).is_ok());
        assert_eq!(fixture.verify_at(&token, NOW + 900 + 5), Err(TokenError::Expired));
        assert!(fixture.verify_at(&token, NOW - 5).is_ok());
        assert_eq!(fixture.verify_at(&token, NOW - 6), Err(TokenError::NotYetValid));
        assert_eq!(fixture.verify_at(&token, -1), Err(TokenError::NotYetValid));
    }
    let strict = TokenVerifier::new(ISSUER, Duration::MAX);
    let fixture = &fixtures()[0];
    let late = OffsetDateTime::from_unix_timestamp(NOW + 900 + 60).unwrap();
    let result = strict.verify(
        &fixture.good_token(),
        &fixture.keys.verification,
        &["orders".into()],
        late,
    );
    assert_eq!(result.unwrap_err(), TokenError::Expired, "the leeway is capped");
}

#[test]
fn t17_a_revoked_key_verifies_nothing_and_is_not_published() {
    let mut keyset = Keyset::new("tokens", copy(&KEY, Provider::default()));
    let old = keyset.primary().0;
    let fixture = &fixtures()[0];
    let new = keyset.add(copy(&OTHER_KEY, Provider::default()));
    keyset.promote(new).unwrap();
    let token = fixture.good_token();
    let now = OffsetDateTime::from_unix_timestamp(NOW).unwrap();

    keyset.revoke(old).unwrap();
    let keys = TokenKeys::new(keyset).unwrap();
    let result = fixture
        .verifier
        .verify(&token, &keys.verification, &["orders".into()], now);
    assert_eq!(result.unwrap_err(), TokenError::UnknownKey);
    assert_eq!(keys.verification.jwk_set().keys.len(), 1);
}

#[test]
fn a_published_set_verifies_in_another_process() {
    for fixture in fixtures() {
        let set = cryptokit::jose::JwkSet::parse(fixture.keys.verification.jwk_set().to_json().as_bytes()).unwrap();
        let keys = VerificationKeys::from_jwk_set(Provider::default(), &set).unwrap();
        let now = OffsetDateTime::from_unix_timestamp(NOW).unwrap();
        let result = fixture
            .verifier
            .verify(&fixture.good_token(), &keys, &["orders".into()], now);
        assert_eq!(result.unwrap().into_inner(), claims());
    }
}

#[test]
fn an_issuer_refuses_to_sign_what_no_verifier_would_take() {
    let fixture = &fixtures()[0];
    let mut dead = claims();
    dead.exp = dead.iat;
    assert_eq!(fixture.keys.signer.sign(&dead).unwrap_err(), IssueError::Times);
    let mut long = claims();
    long.sub = "x".repeat(MAX_TOKEN_LEN);
    assert_eq!(fixture.keys.signer.sign(&long).unwrap_err(), IssueError::TooLong);
}

#[test]
fn debug_of_signers_shows_no_key() {
    let fixture = &fixtures()[0];
    let shown = format!("{:?}", fixture.keys);
    assert!(shown.contains(fixture.keys.signer.kid()));
    assert!(shown.len() < 400, "{shown}");
}

fn replace_claim(payload: &str, claim: &str, value: Option<&str>) -> String {
    let serde_json::Value::Object(mut object) = serde_json::from_str(payload).unwrap() else {
        panic!("claims are an object");
    };
    object.remove(claim);
    let rest = serde_json::to_string(&object).unwrap();
    match value {
        None => rest,
        Some(value) => rest.replacen('{', &format!("{{\"{claim}\":{value},"), 1),
    }
}
