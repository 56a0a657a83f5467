//! JWK: RFC 7517 appendix A, RFC 7638 §3.1, RFC 8037 appendix A.

use cryptokit::key_format::{Jwk, JwkMetadata, KeyFormatError, KeyType, MAX_JWK_BYTES, PrivateKey, PublicKey};
use cryptokit::sign::{P256SigningKey, SignError};

use super::published::{ED25519_JWK, P256_JWK, RSA_JWK, RSA_PUBLIC_JWK};

const PRIVATE: [&str; 3] = [RSA_JWK, P256_JWK, ED25519_JWK];

fn private(json: &str) -> Result<Jwk<PrivateKey>, KeyFormatError> {
    Jwk::<PrivateKey>::parse(json.as_bytes())
}

fn public(json: &str) -> Result<Jwk<PublicKey>, KeyFormatError> {
    Jwk::<PublicKey>::parse(json.as_bytes())
}

fn value(json: &str) -> serde_json::Value {
    serde_json::from_str(json).unwrap()
}

/// The JWK without some members.
fn without(json: &str, members: &[&str]) -> String {
    let mut value = value(json);
    for member in members {
        value.as_object_mut().unwrap().remove(*member).unwrap();
    }
    value.to_string()
}

/// The JWK with a member set.
fn with(json: &str, member: &str, to: serde_json::Value) -> String {
    let mut value = value(json);
    value.as_object_mut().unwrap().insert(member.to_owned(), to);
    value.to_string()
}

#[test]
fn published_keys_are_read_and_written_without_loss() {
    for (json, key_type) in PRIVATE.iter().zip([KeyType::Rsa, KeyType::P256, KeyType::Ed25519]) {
        let jwk = private(json).unwrap();
        assert_eq!(jwk.key.key_type(), key_type);
        let written = jwk.to_json();
        assert_eq!(value(written.expose_secret()), value(json));
        let pkcs8 = PrivateKey::from_pkcs8_der(jwk.key.pkcs8().expose_secret()).unwrap();
        assert_eq!(pkcs8.public_key(), jwk.key.public_key());
    }
    let jwk = public(RSA_PUBLIC_JWK).unwrap();
    assert_eq!(value(&jwk.to_json()), value(RSA_PUBLIC_JWK));
    assert_eq!(jwk.key, *private(RSA_JWK).unwrap().key.public_key());
    let metadata = JwkMetadata {
        key_id: Some("2011-04-29".into()),
        algorithm: Some("RS256".into()),
        ..JwkMetadata::default()
    };
    assert_eq!(jwk.metadata, metadata);
}

#[test]
fn thumbprints_of_rfc_7638_and_rfc_8037() {
    // RFC 7638 §3.1 and RFC 8037 appendix A.3.
    let thumbprint = |json| private(json).unwrap().key.public_key().thumbprint();
    assert_eq!(thumbprint(RSA_JWK), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    assert_eq!(thumbprint(ED25519_JWK), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    // The EC key of RFC 7517 has no published thumbprint; RFC 7638 §3.2 gives the members and their order.
    let canonical = r#"{"crv":"P-256","kty":"EC","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}"#;
    let digest = cryptokit::hash::sha256(canonical.as_bytes());
    assert_eq!(thumbprint(P256_JWK), cryptokit::encoding::base64url::encode(&digest));
}

#[test]
fn a_private_key_is_refused_where_a_public_one_is_expected_and_the_reverse() {
    for json in PRIVATE {
        assert_eq!(public(json).unwrap_err(), KeyFormatError::UnexpectedPrivateKey);
        let json = Jwk::from(private(json).unwrap().key.public_key().clone()).to_json();
        assert!(public(&json).is_ok());
        assert_eq!(private(&json).unwrap_err(), KeyFormatError::UnexpectedPublicKey);
    }
    // One private member alone is enough.
    for member in ["d", "p", "q", "dp", "dq", "qi", "k"] {
        let leaked = with(RSA_PUBLIC_JWK, member, "AQ".into());
        assert_eq!(
            public(&leaked).unwrap_err(),
            KeyFormatError::UnexpectedPrivateKey,
            "{member}"
        );
    }
}

#[test]
fn halves_that_do_not_belong_together_are_refused() {
    let other =
        Jwk::from(PrivateKey::from_pkcs8_der(P256SigningKey::generate().unwrap().pkcs8().expose_secret()).unwrap());
    let other = value(other.to_json().expose_secret());
    let crossed = with(P256_JWK, "d", other["d"].clone());
    assert_eq!(private(&crossed).unwrap_err(), KeyFormatError::Inconsistent);
    let crossed = with(ED25519_JWK, "d", "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2E".into());
    assert!(private(&crossed).is_err(), "not canonical base64url");
    let crossed = with(ED25519_JWK, "d", "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2Q".into());
    assert_eq!(private(&crossed).unwrap_err(), KeyFormatError::Inconsistent);

    let rsa = value(RSA_JWK);
    for (member, from) in [("p", "q"), ("dp", "dq"), ("d", "n"), ("qi", "dp")] {
        // ring computes with the CRT values alone and does not compare `d` with them.
        if member == "d" && cryptokit::Provider::default().name() == "ring" {
            continue;
        }
        let crossed = with(RSA_JWK, member, rsa[from].clone());
        assert_eq!(
            private(&crossed).unwrap_err(),
            KeyFormatError::Inconsistent,
            "{member} from {from}"
        );
    }
}

#[test]
fn rsa_keys_without_all_their_numbers_or_with_more_primes_are_refused() {
    for member in ["d", "p", "q", "dp", "dq", "qi"] {
        let cut = without(RSA_JWK, &[member]);
        assert_eq!(private(&cut).unwrap_err(), KeyFormatError::RsaPrimes, "{member}");
    }
    let only_d = without(RSA_JWK, &["p", "q", "dp", "dq", "qi"]);
    assert_eq!(private(&only_d).unwrap_err(), KeyFormatError::RsaPrimes);
    let three = with(RSA_JWK, "oth", serde_json::json!([{"r": "AQ", "d": "AQ", "t": "AQ"}]));
    assert_eq!(private(&three).unwrap_err(), KeyFormatError::RsaPrimes);
}

#[test]
fn malformed_members_are_refused() {
    let p256_x = "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4";
    let cases = [
        (
            RSA_JWK.replace("\"e\":\"AQAB\"", "\"e\":\"AAEAAQ\""),
            KeyFormatError::Malformed,
        ),
        (
            RSA_JWK.replace("\"e\":\"AQAB\"", "\"e\":\"AQAB=\""),
            KeyFormatError::Malformed,
        ),
        (
            RSA_JWK.replace("\"e\":\"AQAB\"", "\"e\":65537"),
            KeyFormatError::Malformed,
        ),
        (
            RSA_JWK.replace("\"e\":\"AQAB\"", "\"e\":\"\""),
            KeyFormatError::Malformed,
        ),
        (
            RSA_JWK.replace("\"e\":\"AQAB\"", "\"e\":\"Aw\""),
            KeyFormatError::PublicKey(SignError::InvalidPublicKey),
        ),
        (
            RSA_JWK.replace("\"e\"", "\"e\":\"AQAB\",\"e\""),
            KeyFormatError::Malformed,
        ),
        (
            RSA_JWK.replace("\"kid\"", "\"x\\u0031\":1,\"x1\""),
            KeyFormatError::Malformed,
        ),
        (with(RSA_JWK, "crv", "P-256".into()), KeyFormatError::Malformed),
        (with(RSA_JWK, "kty", "oct".into()), KeyFormatError::UnsupportedAlgorithm),
        (with(RSA_JWK, "kty", "rsa".into()), KeyFormatError::UnsupportedAlgorithm),
        (without(RSA_JWK, &["kty"]), KeyFormatError::Malformed),
        (without(RSA_JWK, &["n"]), KeyFormatError::Malformed),
        (without(P256_JWK, &["crv"]), KeyFormatError::Malformed),
        (without(P256_JWK, &["y"]), KeyFormatError::Malformed),
        (
            with(P256_JWK, "crv", "P-521".into()),
            KeyFormatError::UnsupportedAlgorithm,
        ),
        (
            with(P256_JWK, "crv", "secp256k1".into()),
            KeyFormatError::UnsupportedAlgorithm,
        ),
        (with(P256_JWK, "crv", "P-384".into()), KeyFormatError::Malformed),
        (with(P256_JWK, "d", "AQ".into()), KeyFormatError::Malformed),
        // A point that is not on the curve.
        (
            with(P256_JWK, "y", p256_x.into()),
            KeyFormatError::PublicKey(SignError::InvalidPublicKey),
        ),
        (
            with(ED25519_JWK, "crv", "X25519".into()),
            KeyFormatError::UnsupportedAlgorithm,
        ),
        (with(ED25519_JWK, "x", "AQ".into()), KeyFormatError::Malformed),
        (without(ED25519_JWK, &["x"]), KeyFormatError::Malformed),
        (format!("[{RSA_JWK}]"), KeyFormatError::Malformed),
        (format!("{RSA_JWK} {RSA_JWK}"), KeyFormatError::Malformed),
        (r#"["RSA"]"#.to_owned(), KeyFormatError::Malformed),
        (String::new(), KeyFormatError::Malformed),
        // RFC 7517 appendix A.3: a symmetric key.
        (
            r#"{"kty":"oct","alg":"A128KW","k":"GawgguFyGrWKav7AX4VKUg"}"#.to_owned(),
            KeyFormatError::UnsupportedAlgorithm,
        ),
    ];
    for (json, error) in cases {
        let refused = private(&json).unwrap_err();
        assert_eq!(refused, error, "{json:.120}");
    }
    let padded = |len: usize| format!("{}{P256_JWK}", " ".repeat(len - P256_JWK.len()));
    assert!(private(&padded(MAX_JWK_BYTES)).is_ok());
    let bytes = MAX_JWK_BYTES + 1;
    assert_eq!(private(&padded(bytes)).unwrap_err(), KeyFormatError::TooLarge { bytes });
}

#[test]
fn unknown_members_are_ignored_and_metadata_is_kept() {
    let json = with(P256_JWK, "x5t", "whatever".into());
    let json = with(&json, "ext", true.into());
    let json = with(&json, "key_ops", serde_json::json!(["deriveKey", "deriveBits"]));
    let jwk = private(&json).unwrap();
    assert_eq!(jwk.metadata.public_key_use.as_deref(), Some("enc"));
    assert_eq!(jwk.metadata.key_id.as_deref(), Some("1"));
    assert_eq!(
        jwk.metadata.key_operations.as_deref(),
        Some(&["deriveKey".to_owned(), "deriveBits".to_owned()][..])
    );
    let expected = without(&json, &["x5t", "ext"]);
    assert_eq!(value(jwk.to_json().expose_secret()), value(&expected));
}

#[test]
fn long_metadata_is_written_beside_a_private_key_without_growing_the_buffer() {
    // Growing leaves the key behind in freed memory; a debug assertion sees to it.
    for json in PRIVATE {
        let mut jwk = private(json).unwrap();
        jwk.metadata.key_id = Some("\u{1}".repeat(2000));
        let written = jwk.to_json();
        assert_eq!(private(written.expose_secret()).unwrap().metadata, jwk.metadata);
    }
}

#[test]
fn debug_shows_no_private_member() {
    for json in PRIVATE {
        let shown = format!("{:?}", private(json).unwrap());
        let d = value(json)["d"].as_str().unwrap()[..16].to_owned();
        assert!(!shown.contains(&d), "{shown}");
    }
}
