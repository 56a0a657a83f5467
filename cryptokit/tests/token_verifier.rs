//! What the token verifier refuses, on every provider, for every algorithm. The ids in the comments are those of the attack checklist.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

use std::sync::LazyLock;
use std::time::Duration;

use cryptokit::Provider;
use cryptokit::encoding::base64url;
use cryptokit::jose::{
    AccessTokenClaims, Audience, Confirmation, IssueError, Jwk, JwkSet, JwsAlgorithm, MAX_TOKEN_LEN, TokenError,
    TokenKeys, TokenSigner, TokenSigningKey, TokenVerifier, Unverified, VerificationKeys,
};
use cryptokit::keyset::Keyset;
use cryptokit::secret::SecretBytes;
use cryptokit::sign::P256SigningKey;
use hkdf::hmac::{Hmac, KeyInit, Mac};
use rsa::sha2::{Sha256, Sha384, Sha512};
use time::OffsetDateTime;

const NOW: i64 = 1_800_000_000;
const ISSUER: &str = "https://auth.example";

/// RSA key generation is slow; every test shares two keys of each algorithm.
static KEYS: LazyLock<[[TokenSigningKey; 4]; 2]> = LazyLock::new(|| {
    [(), ()].map(|()| JwsAlgorithm::ALL.map(|algorithm| TokenSigningKey::generate(algorithm).unwrap()))
});

fn key(algorithm: JwsAlgorithm) -> &'static TokenSigningKey {
    KEYS[0].iter().find(|key| key.algorithm() == algorithm).unwrap()
}

fn other_key(algorithm: JwsAlgorithm) -> &'static TokenSigningKey {
    KEYS[1].iter().find(|key| key.algorithm() == algorithm).unwrap()
}

struct Fixture {
    algorithm: JwsAlgorithm,
    key: TokenSigningKey,
    keys: TokenKeys,
    verifier: TokenVerifier,
}

fn copy(key: &TokenSigningKey, provider: Provider) -> TokenSigningKey {
    let pkcs8 = SecretBytes::new(key.pkcs8().expose_secret().to_vec());
    TokenSigningKey::from_pkcs8_with(provider, key.algorithm(), pkcs8).unwrap()
}

fn fixture(provider: Provider, algorithm: JwsAlgorithm) -> Fixture {
    Fixture {
        algorithm,
        key: copy(key(algorithm), provider),
        keys: TokenKeys::new(Keyset::new("tokens", copy(key(algorithm), provider))).unwrap(),
        verifier: TokenVerifier::new(ISSUER, Duration::from_secs(5)),
    }
}

fn fixtures() -> Vec<Fixture> {
    let on = |provider| JwsAlgorithm::ALL.map(|algorithm| fixture(provider, algorithm));
    Provider::all().into_iter().flat_map(on).collect()
}

fn claims() -> AccessTokenClaims {
    let now = NOW as u64;
    AccessTokenClaims {
        nbf: Some(now),
        email: Some("alice@example.com".into()),
        ..AccessTokenClaims::new(
            ISSUER,
            "user-1",
            Audience::one("orders"),
            "authsvc",
            "token-1",
            now,
            now + 900,
        )
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
        self.header_with(self.algorithm.name())
    }

    fn header_with(&self, algorithm: &str) -> String {
        let kid = self.keys.signer.kid();
        format!(r#"{{"typ":"at+jwt","alg":"{algorithm}","kid":"{kid}"}}"#)
    }

    /// The signing input of a good token.
    fn input(&self) -> String {
        self.good_token().rsplit_once('.').unwrap().0.to_owned()
    }

    fn verify_signature(&self, input: &str, signature: &[u8]) -> Result<AccessTokenClaims, TokenError> {
        self.verify(&format!("{input}.{}", base64url::encode(signature)))
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
    for algorithm in JwsAlgorithm::ALL {
        for signing in Provider::all() {
            for verifying in Provider::all() {
                let (signing, verifying) = (fixture(signing, algorithm), fixture(verifying, algorithm));
                assert_eq!(verifying.verify(&signing.good_token()), Ok(claims()));
                let deterministic = matches!(algorithm, JwsAlgorithm::Rs256 | JwsAlgorithm::EdDsa);
                let same = signing.good_token() == verifying.good_token();
                assert_eq!(same, deterministic, "{algorithm}");
            }
        }
    }
}

#[test]
fn every_claim_of_the_profile_is_read_back() {
    for fixture in fixtures() {
        let all = AccessTokenClaims {
            scope: Some("read write".into()),
            sid: Some("family".into()),
            auth_time: Some(NOW as u64 - 60),
            acr: Some("1".into()),
            amr: Some(vec!["pwd".into(), "otp".into()]),
            roles: Some(vec!["r".into()]),
            groups: Some(vec!["g".into()]),
            entitlements: Some(vec!["e".into()]),
            cnf: Some(Confirmation {
                x5t_s256: "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0".into(),
            }),
            ..claims()
        };
        let token = fixture.keys.signer.sign(&all).unwrap();
        assert_eq!(fixture.verify(token.expose_secret()), Ok(all));
        for (claim, value) in [
            ("cnf", r#"{"jkt":"x"}"#),
            ("cnf", r#"{"x5t#S256":"a","x5t#S256":"a"}"#),
            ("cnf", r#"{"x5t#S256":"a","jkt":"b"}"#),
            ("cnf", r#"["a"]"#),
            ("scope", r#"["read"]"#),
            ("amr", r#""pwd""#),
            ("auth_time", "1.5"),
            ("roles", r#"{"schemas":[]}"#),
        ] {
            let payload = replace_claim(&fixture.payload(), claim, Some(value));
            let token = fixture.forge(&fixture.header(), &payload);
            assert_eq!(fixture.verify(&token), Err(TokenError::Claims), "{claim}: {value}");
        }
    }
}

#[test]
fn t1_unsigned_tokens_are_refused() {
    for fixture in fixtures() {
        let name = fixture.algorithm.name();
        let (before, after) = (format!(" {name}"), format!("{name} "));
        let (lower, upper) = (name.to_lowercase(), format!("{name}x"));
        for algorithm in ["none", "None", "NONE", "nOnE", "", &before, &after, &lower, &upper] {
            let signed = fixture.forge(&fixture.header_with(algorithm), &fixture.payload());
            assert_eq!(fixture.verify(&signed), Err(TokenError::Algorithm), "{algorithm:?}");
            let unsigned = format!("{}.", signed.rsplit_once('.').unwrap().0);
            assert_eq!(fixture.verify(&unsigned), Err(TokenError::Algorithm), "{algorithm:?}");
        }
        let header = fixture.header().replace(&format!("\"alg\":\"{name}\","), "");
        assert_ne!(header, fixture.header());
        let missing = fixture.forge(&header, &fixture.payload());
        assert_eq!(fixture.verify(&missing), Err(TokenError::Header));
        assert_eq!(
            fixture.verify(&format!("{}.", fixture.input())),
            Err(TokenError::Malformed)
        );
    }
}

#[test]
fn t2_other_algorithms_are_refused_even_with_a_good_signature_by_the_key() {
    for fixture in fixtures() {
        for algorithm in [
            "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "ES256", "ES256K", "ES384",
            "EdDSA", "Ed25519", "Ed448", "RSA-OAEP",
        ] {
            if algorithm == fixture.algorithm.name() {
                continue;
            }
            let token = fixture.forge(&fixture.header_with(algorithm), &fixture.payload());
            assert_eq!(fixture.verify(&token), Err(TokenError::Algorithm), "{algorithm}");
        }
    }
}

#[test]
fn t2_no_encoding_of_the_public_key_is_the_secret_of_an_hmac() {
    for fixture in fixtures() {
        let set = fixture.keys.verification.jwk_set().to_json();
        let value: serde_json::Value = serde_json::from_str(&set).unwrap();
        let jwk = &value["keys"][0];
        let mut secrets = vec![Vec::new(), set.into_bytes(), jwk.to_string().into_bytes()];
        if let (Some(n), Some(e)) = (jwk["n"].as_str(), jwk["e"].as_str()) {
            let (n, e) = (base64url::decode(n).unwrap(), base64url::decode(e).unwrap());
            // RFC 8017 §A.1.1, and RFC 5280 §4.1.2.7 around it.
            let pkcs1 = der(
                0x30,
                &[der(0x02, &[&[0], n.as_slice()].concat()), der(0x02, &e)].concat(),
            );
            let algorithm = [
                0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
            ];
            let bits = der(0x03, &[&[0], pkcs1.as_slice()].concat());
            secrets.extend([n, der(0x30, &[der(0x30, &algorithm), bits].concat()), pkcs1]);
        }
        for algorithm in ["HS256", "HS384", "HS512"] {
            let header = base64url::encode(fixture.header_with(algorithm).as_bytes());
            let input = format!("{header}.{}", base64url::encode(fixture.payload().as_bytes()));
            for secret in &secrets {
                let tag = hmac(algorithm, secret, input.as_bytes());
                let token = format!("{input}.{}", base64url::encode(&tag));
                assert_eq!(fixture.verify(&token), Err(TokenError::Algorithm), "{algorithm}");
            }
        }
    }
}

/// RFC 7518 §3.2, by the RustCrypto crates.
fn hmac(algorithm: &str, key: &[u8], message: &[u8]) -> Vec<u8> {
    match algorithm {
        "HS256" => {
            let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
            mac.update(message);
            mac.finalize().into_bytes().to_vec()
        }
        "HS384" => {
            let mut mac = Hmac::<Sha384>::new_from_slice(key).unwrap();
            mac.update(message);
            mac.finalize().into_bytes().to_vec()
        }
        _ => {
            let mut mac = Hmac::<Sha512>::new_from_slice(key).unwrap();
            mac.update(message);
            mac.finalize().into_bytes().to_vec()
        }
    }
}

/// DER (X.690 §8.1): tag, length, content.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut head = vec![tag];
    match length {
        0..128 => head.push(length as u8),
        128..256 => head.extend([0x81, length as u8]),
        _ => head.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    [head.as_slice(), content].concat()
}

/// Each of the four algorithms in the header, each of the four keys named by it, each of the four keys signing: only
/// the three that belong together pass.
#[test]
fn t3_keys_and_algorithms_cannot_be_confused_for_each_other() {
    for provider in Provider::all() {
        let mut verification = VerificationKeys::default();
        for algorithm in JwsAlgorithm::ALL {
            verification
                .add(copy(key(algorithm), provider).verifying_key().unwrap())
                .unwrap();
        }
        let now = OffsetDateTime::from_unix_timestamp(NOW).unwrap();
        for named in JwsAlgorithm::ALL {
            for kid in JwsAlgorithm::ALL {
                for signing in JwsAlgorithm::ALL {
                    let header = fixture(provider, kid).header_with(named.name());
                    let token = fixture(provider, signing).forge(&header, &serde_json::to_string(&claims()).unwrap());
                    let verifier = TokenVerifier::new(ISSUER, Duration::ZERO);
                    let result = verifier.verify(&token, &verification, &["orders".into()], now);
                    let expected = match (named == kid, kid == signing) {
                        (true, true) => Ok(claims()),
                        (false, _) => Err(TokenError::Algorithm),
                        (true, false) => Err(TokenError::Signature),
                    };
                    assert_eq!(
                        result.map(|claims| claims.into_inner()),
                        expected,
                        "{named}, key of {kid}, signed by {signing}"
                    );
                }
            }
        }
    }
}

/// The classic: a verifier that takes the algorithm from the header takes the public key for an HMAC secret.
#[test]
fn t3_a_public_key_is_no_hmac_secret() {
    for fixture in fixtures() {
        let jwk = fixture.keys.verification.jwk_set().to_json();
        let input = format!(
            "{}.{}",
            base64url::encode(fixture.header_with("HS256").as_bytes()),
            base64url::encode(fixture.payload().as_bytes())
        );
        let tag = hmac_sha256(jwk.as_bytes(), input.as_bytes());
        assert_eq!(fixture.verify_signature(&input, &tag), Err(TokenError::Algorithm));
        // The same under the key's own algorithm: the tag is no signature.
        let tag = hmac_sha256(jwk.as_bytes(), fixture.input().as_bytes());
        assert_eq!(
            fixture.verify_signature(&fixture.input(), &tag),
            Err(TokenError::Signature)
        );
    }
}

/// The same RSA key signs by both paddings; each verifies as its own algorithm only.
#[test]
fn t3_one_rsa_key_is_for_one_padding() {
    for provider in Provider::all() {
        for (algorithm, other) in [
            (JwsAlgorithm::Rs256, JwsAlgorithm::Ps256),
            (JwsAlgorithm::Ps256, JwsAlgorithm::Rs256),
        ] {
            let fixture = fixture(provider, algorithm);
            let pkcs8 = SecretBytes::new(fixture.key.pkcs8().expose_secret().to_vec());
            let other_padding = TokenSigningKey::from_pkcs8_with(provider, other, pkcs8).unwrap();
            let signature = other_padding.sign(fixture.input().as_bytes()).unwrap();
            let result = fixture.verify_signature(&fixture.input(), &signature);
            assert_eq!(result, Err(TokenError::Signature), "{algorithm}");

            let mut both = VerificationKeys::default();
            both.add(fixture.key.verifying_key().unwrap()).unwrap();
            both.add(fixture.key.verifying_key().unwrap()).unwrap();
            assert_eq!(both.jwk_set().keys.len(), 1);
            assert!(
                both.add(other_padding.verifying_key().unwrap()).is_err(),
                "they share a kid"
            );
        }
    }
}

/// CVE-2022-21449 and its neighbours: numbers that satisfy a sloppy equation.
#[test]
fn signatures_that_nobody_made_are_refused() {
    let order = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad,
        0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    for fixture in fixtures() {
        let input = fixture.input();
        let good = fixture.key.sign(input.as_bytes()).unwrap();
        let mut one = vec![0; good.len()];
        *one.last_mut().unwrap() = 1;
        let mut identity = [0; 64];
        identity[0] = 1;
        for signature in [
            vec![0; good.len()],
            vec![0xff; good.len()],
            one,
            [order, order].concat(),
            identity.to_vec(),
            vec![0],
            vec![0; 63],
            vec![0; 65],
            good[1..].to_vec(),
            [&good[..], &[0]].concat(),
            [&[0], &good[..]].concat(),
        ] {
            let result = fixture.verify_signature(&input, &signature);
            assert_eq!(
                result,
                Err(TokenError::Signature),
                "{} {signature:x?}",
                fixture.algorithm
            );
        }
    }
}

/// RFC 7518 §3.4: r ‖ s, not DER.
#[test]
fn es256_in_der_is_refused() {
    for provider in Provider::all() {
        let fixture = fixture(provider, JwsAlgorithm::Es256);
        let pkcs8 = SecretBytes::new(fixture.key.pkcs8().expose_secret().to_vec());
        let der = P256SigningKey::from_pkcs8_with(provider, pkcs8).unwrap();
        let (input, public) = (fixture.input(), der.verifying_key().unwrap());
        let signature = der.sign(input.as_bytes()).unwrap();
        assert_eq!(public.verify(input.as_bytes(), &signature), Ok(()), "the control");
        assert_eq!(fixture.verify_signature(&input, &signature), Err(TokenError::Signature));
    }
}

#[test]
fn what_an_unverified_token_says_is_which_key_it_names() {
    for fixture in fixtures() {
        let token = fixture.good_token();
        let unverified = Unverified::parse(&token).unwrap();
        assert_eq!(unverified.kid(), fixture.keys.signer.kid());
        assert_eq!(unverified.algorithm(), fixture.algorithm);
        let now = OffsetDateTime::from_unix_timestamp(NOW).unwrap();
        let verified = fixture
            .verifier
            .verify_parsed(&unverified, &fixture.keys.verification, &["orders".into()], now);
        assert_eq!(verified.unwrap().into_inner(), claims());
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
            r#""alg":"none""#,
            r#""typ":"at+jwt""#,
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
            "[\"RS256\",\"at+jwt\",\"x\"]",
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
                // Absent and null say the same of a claim that is not required.
                if (claim, value) == ("nbf", "null") {
                    continue;
                }
                let payload = replace_claim(&fixture.payload(), claim, Some(value));
                let token = fixture.forge(&fixture.header(), &payload);
                assert_eq!(fixture.verify(&token), Err(TokenError::Claims), "{claim}: {value}");
            }
        }
        for claim in ["iss", "sub", "aud", "jti", "client_id", "exp", "iat"] {
            for value in [None, Some("1"), Some("null"), Some("{}"), Some("true"), Some("[1]")] {
                if matches!((claim, value), ("exp" | "iat", Some("1"))) {
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
        let other = other_key(fixture.algorithm);
        let stranger = TokenSigner::new(copy(other, Provider::default())).unwrap();
        let unknown = stranger.sign(&claims()).unwrap();
        assert_eq!(fixture.verify(unknown.expose_secret()), Err(TokenError::UnknownKey));
        // The stranger's good signature under our key id.
        let signature = other.sign(fixture.input().as_bytes()).unwrap();
        let posing = fixture.verify_signature(&fixture.input(), &signature);
        assert_eq!(posing, Err(TokenError::Signature));
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
            fixture.payload().replace("{", "{\"\\u0065xp\":1,"),
            fixture
                .payload()
                .replace("{", "{\"x\":{\"role\":\"a\",\"role\":\"b\"},"),
            fixture.payload().replace("{", "{\"x\":[[[[[[[[]]]]]]]],"),
            format!("[{}]", fixture.payload()),
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
        assert_eq!(fixture.verify(&"x".repeat(MAX_TOKEN_LEN)), Err(TokenError::Malformed));
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
    for fixture in fixtures() {
        let good = fixture.good_token();
        for index in 0..good.len() {
            let mut altered = good.clone().into_bytes();
            altered[index] = if altered[index] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered).unwrap();
            assert!(fixture.verify(&altered).is_err(), "character {index}");
        }
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

        let without = |claim| fixture.forge(&fixture.header(), &replace_claim(&fixture.payload(), claim, None));
        assert!(fixture.verify_at(&without("nbf"), NOW - 5).is_ok());
        assert_eq!(
            fixture.verify_at(&without("nbf"), NOW - 6),
            Err(TokenError::NotYetValid)
        );
        let later = replace_claim(&fixture.payload(), "nbf", Some(&(NOW + 60).to_string()));
        let later = fixture.forge(&fixture.header(), &later);
        assert_eq!(fixture.verify_at(&later, NOW + 54), Err(TokenError::NotYetValid));
        assert!(fixture.verify_at(&later, NOW + 55).is_ok());
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
    let fixture = &fixtures()[0];
    let mut keyset = Keyset::new("tokens", copy(&fixture.key, Provider::default()));
    let old = keyset.primary().0;
    let new = keyset.add(copy(other_key(JwsAlgorithm::EdDsa), Provider::default()));
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
        let set = JwkSet::parse(fixture.keys.verification.jwk_set().to_json().as_bytes()).unwrap();
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

/// RFC 2104 over the one hash that this crate gives away.
fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = [0; 64];
    if key.len() > 64 {
        block[..32].copy_from_slice(&cryptokit::hash::sha256(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let inner = cryptokit::hash::sha256(&[&block.map(|byte| byte ^ 0x36)[..], message].concat());
    cryptokit::hash::sha256(&[&block.map(|byte| byte ^ 0x5c)[..], &inner].concat())
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

#[test]
fn a_key_is_not_taken_for_another_one_published_under_its_name() {
    let key = || TokenSigningKey::generate(JwsAlgorithm::EdDsa).unwrap();
    let (own, foreign) = (key(), key().verifying_key().unwrap());
    let name = Jwk::from_key(&own.verifying_key().unwrap());
    let published = JwkSet::new(vec![Jwk::from_key(&foreign)]).to_json();
    let renamed = published.replace(Jwk::from_key(&foreign).kid(), name.kid());
    let set = JwkSet::parse(renamed.as_bytes()).unwrap();
    let mut keys = VerificationKeys::from_jwk_set(Provider::default(), &set).unwrap();
    assert_eq!(
        keys.add(own.verifying_key().unwrap()),
        Err(cryptokit::sign::SignError::InvalidPublicKey)
    );
    let mut keys = VerificationKeys::default();
    for _ in 0..2 {
        keys.add(own.verifying_key().unwrap()).unwrap();
    }
    assert_eq!(keys.jwk_set().keys, [name]);
}
