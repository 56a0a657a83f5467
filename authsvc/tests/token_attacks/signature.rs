//! Attacks on the signature, the key and the header that names it.

use cryptokit::encoding::base64url;
use cryptokit::jose::{JwsAlgorithm, TokenSigner, TokenSigningKey};
use serde_json::{Value, json};

use super::{Attack, input};

#[tokio::test]
async fn t1_no_algorithm_is_no_signature() {
    let attack = Attack::begin().await;
    let payload = attack.payload.to_string();
    for name in ["none", "None", "nOnE", "NONE", "", " none", "null"] {
        let mut header = attack.header.clone();
        header["alg"] = json!(name);
        let input = input(&header.to_string(), &payload);
        for token in [format!("{input}."), format!("{input}.AA"), input.clone()] {
            let reason = attack.refused(&token).await;
            assert!(
                ["token_algorithm", "token_malformed"].contains(&reason),
                "{name}: {reason}"
            );
        }
        let signed = attack.signed(&header.to_string(), &payload);
        assert_eq!(attack.refused(&signed).await, "token_algorithm", "{name}");
    }
    let missing = attack.with_header(|header| {
        header.as_object_mut().unwrap().remove("alg");
    });
    assert_eq!(attack.refused(&missing).await, "token_header");
    for alg in [json!(null), json!(["RS256"]), json!(256)] {
        let token = attack.with_header(|header| header["alg"] = alg);
        assert_eq!(attack.refused(&token).await, "token_header");
    }
    let (signed, _) = attack.token.rsplit_once('.').unwrap();
    assert_eq!(attack.refused(&format!("{signed}.")).await, "token_malformed");
}

#[tokio::test]
async fn t2_t3_the_public_key_is_no_secret_of_an_hmac() {
    let attack = Attack::begin().await;
    let jwks = attack.service.get("/.well-known/jwks.json").await.json();
    let jwk = &jwks["keys"][0];
    let modulus = base64url::decode(jwk["n"].as_str().unwrap()).unwrap();
    let bare = json!({ "kty": "RSA", "n": jwk["n"], "e": jwk["e"] });
    let exponent = base64url::decode(jwk["e"].as_str().unwrap()).unwrap();
    // RFC 8017 §A.1.1 and RFC 5280 §4.1.2.7: the encodings in which a public key is published.
    let pkcs1 = der(0x30, &[der_integer(&modulus), der_integer(&exponent)].concat());
    let rsa_encryption = [
        0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
    ];
    let bits = der(0x03, &[&[0], pkcs1.as_slice()].concat());
    let spki = der(0x30, &[der(0x30, &rsa_encryption), bits].concat());
    let (pem, pkcs1_pem) = (armoured("PUBLIC KEY", &spki), armoured("RSA PUBLIC KEY", &pkcs1));
    let secrets = [
        pem.clone().into_bytes(),
        pem.trim().as_bytes().to_vec(),
        pem.replace('\n', "\r\n").into_bytes(),
        format!(" {pem}").into_bytes(),
        pkcs1_pem.trim().as_bytes().to_vec(),
        pkcs1_pem.into_bytes(),
        spki,
        pkcs1,
        jwk.to_string().into_bytes(),
        // T3: a JWK that does not say its algorithm, and the empty key that one reader made of it.
        bare.to_string().into_bytes(),
        modulus,
        Vec::new(),
    ];
    for alg in ["HS256", "HS384", "HS512"] {
        let mut header = attack.header.clone();
        header["alg"] = json!(alg);
        let input = input(&header.to_string(), &attack.payload.to_string());
        for secret in &secrets {
            // The right tag for HS256; those of the others are in cryptokit/tests/token_verifier.rs.
            let tag = hmac_sha256(secret, input.as_bytes());
            let token = format!("{input}.{}", base64url::encode(&tag));
            assert_eq!(attack.refused(&token).await, "token_algorithm");
        }
    }
    // The algorithm is the key's: the same RSA key under another RSA algorithm is refused before the signature.
    for alg in ["PS256", "ES256", "EdDSA"] {
        let token = attack.with_header(|header| header["alg"] = json!(alg));
        assert_eq!(attack.refused(&token).await, "token_algorithm", "{alg}");
    }
    for alg in ["RS384", "RS512", "rs256", "RS256 "] {
        let token = attack.with_header(|header| header["alg"] = json!(alg));
        assert_eq!(attack.refused(&token).await, "token_algorithm", "{alg}");
    }
}

#[tokio::test]
async fn t4_t14_encrypted_and_nested_tokens_are_refused_unread() {
    let attack = Attack::begin().await;
    let encode = |value: Value| base64url::encode(value.to_string().as_bytes());
    for header in [
        json!({ "alg": "RSA-OAEP-256", "enc": "A256GCM", "cty": "JWT" }),
        json!({ "alg": "dir", "enc": "A256GCM", "zip": "DEF" }),
        json!({ "alg": "PBES2-HS256+A128KW", "enc": "A128GCM", "p2c": 1_u64 << 31, "p2s": "AA" }),
    ] {
        let five_parts = format!("{}.AA.AA.AA.AA", encode(header.clone()));
        assert_eq!(attack.refused(&five_parts).await, "token_malformed");
        let three_parts = format!("{}.AA.AA", encode(header));
        assert_eq!(attack.refused(&three_parts).await, "token_header");
    }
    let nested = attack.signed(&attack.header.to_string(), &attack.token);
    assert_eq!(attack.refused(&nested).await, "token_claims");
    for member in [("cty", json!("JWT")), ("zip", json!("DEF")), ("p2c", json!(1))] {
        let token = attack.with_header(|header| header[member.0] = member.1);
        assert_eq!(attack.refused(&token).await, "token_header", "{}", member.0);
    }
}

#[tokio::test]
async fn t5_critical_headers_are_not_overlooked() {
    let attack = Attack::begin().await;
    for crit in [json!(["exp"]), json!([]), json!(["b64"]), json!("exp"), json!(null)] {
        let token = attack.with_header(|header| header["crit"] = crit);
        assert_eq!(attack.refused(&token).await, "token_header");
    }
    let unencoded = attack.with_header(|header| header["b64"] = json!(false));
    assert_eq!(attack.refused(&unencoded).await, "token_header");
}

#[tokio::test]
async fn t6_keys_in_the_token_are_refused_and_nobody_is_asked_for_them() {
    let attack = Attack::begin().await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}/keys", listener.local_addr().unwrap());
    // A good signature of the very key that the token brings along.
    let own = TokenSigner::new(TokenSigningKey::generate(JwsAlgorithm::Es256).unwrap()).unwrap();
    let public = own.key().verifying_key().unwrap();
    let jwk: Value =
        serde_json::from_str(&cryptokit::jose::JwkSet::new(vec![cryptokit::jose::Jwk::from_key(&public)]).to_json())
            .unwrap();
    for (member, value) in [
        ("jwk", jwk["keys"][0].clone()),
        ("jku", json!(url)),
        ("x5u", json!(url)),
        ("x5c", json!(["AA"])),
        ("x5t#S256", json!("AA")),
    ] {
        let mut header = attack.header.clone();
        header["alg"] = json!("ES256");
        header["kid"] = json!(own.kid());
        header[member] = value;
        let input = input(&header.to_string(), &attack.payload.to_string());
        let signature = own.key().sign(input.as_bytes()).unwrap();
        let token = format!("{input}.{}", base64url::encode(&signature));
        assert_eq!(attack.refused(&token).await, "token_header", "{member}");
    }
    let unknown = listener.accept().unwrap_err();
    assert_eq!(unknown.kind(), std::io::ErrorKind::WouldBlock, "no connection was made");
}

#[tokio::test]
async fn t7_a_kid_is_looked_up_and_nothing_else() {
    let attack = Attack::begin().await;
    let kid = attack.header["kid"].as_str().unwrap().to_owned();
    for hostile in [
        "../../../../dev/null",
        "/etc/passwd",
        "' OR 1=1 --",
        "*)(uid=*))(|(uid=*",
        "a\0b",
        "\n{\"event\":\"planted\"}",
        "\u{1b}[31m\u{202e}",
        "",
        &format!("{kid} "),
        &kid.to_uppercase(),
        &"k".repeat(5000),
    ] {
        let token = attack.with_header(|header| header["kid"] = json!(hostile));
        assert_eq!(attack.refused(&token).await, "token_unknown_key", "{hostile:?}");
    }
    for kid in [
        json!(1),
        json!(null),
        json!([kid.clone()]),
        json!({ "kid": kid.clone() }),
    ] {
        let token = attack.with_header(|header| header["kid"] = kid);
        assert_eq!(attack.refused(&token).await, "token_header");
    }
    let twice = attack
        .header
        .to_string()
        .replacen('{', &format!("{{\"kid\":\"{kid}\","), 1);
    let token = attack.signed(&twice, &attack.payload.to_string());
    assert_eq!(attack.refused(&token).await, "token_header", "two of them");
    // What is logged of it does not repeat it.
    let token = attack.with_header(|header| header["kid"] = json!("\n{\"event\":\"planted\"}"));
    attack.service.validate(&token).await;
    let lines: Vec<_> = attack.service.audit.take().iter().map(|r| format!("{r:?}")).collect();
    assert!(lines.iter().all(|line| !line.contains("planted")), "{lines:?}");
}

#[tokio::test]
async fn t15_signatures_that_verify_for_no_key() {
    let attack = Attack::begin().await;
    let (input, signature) = attack.token.rsplit_once('.').unwrap();
    let signature = base64url::decode(signature).unwrap();
    let mut cases = vec![
        vec![0; signature.len()],
        vec![0xff; signature.len()],
        signature[1..].to_vec(),
        [&[0], signature.as_slice()].concat(),
        [signature.as_slice(), &[0]].concat(),
        vec![1],
    ];
    for bit in [0, 1000, 2047] {
        let mut flipped = signature.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        cases.push(flipped);
    }
    for case in cases {
        let token = format!("{input}.{}", base64url::encode(&case));
        assert_eq!(attack.refused(&token).await, "token_signature");
    }
    // The same for the other algorithms, on a service whose key is of one of them.
    for algorithm in [JwsAlgorithm::Es256, JwsAlgorithm::EdDsa, JwsAlgorithm::Ps256] {
        let service = &attack.service;
        crate::support::keys::sign_with(service, algorithm).await;
        let token = service.token().await;
        attack.accepted(&token).await;
        let (input, signature) = token.rsplit_once('.').unwrap();
        let signature = base64url::decode(signature).unwrap();
        let mut with_order_added = signature.clone();
        if algorithm == JwsAlgorithm::EdDsa {
            // RFC 8032 §5.1.7: S must be below the order, or each signature has a second form.
            add(&mut with_order_added[32..], &ED25519_ORDER);
        } else {
            with_order_added.reverse();
        }
        for case in [vec![0; signature.len()], signature[1..].to_vec(), with_order_added] {
            let token = format!("{input}.{}", base64url::encode(&case));
            assert_eq!(attack.refused(&token).await, "token_signature", "{algorithm}");
        }
    }
}

/// 2^252 + 27742317777372353535851937790883648493, little endian (RFC 8032 §5.1).
const ED25519_ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

fn add(number: &mut [u8], other: &[u8]) {
    let mut carry = 0;
    for (byte, more) in number.iter_mut().zip(other) {
        let sum = u16::from(*byte) + u16::from(*more) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
}

/// HMAC-SHA-256 (RFC 2104).
fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = [0; 64];
    match key.len() {
        0..=64 => block[..key.len()].copy_from_slice(key),
        _ => block[..32].copy_from_slice(&cryptokit::hash::sha256(key)),
    }
    let inner = cryptokit::hash::sha256(&[&block.map(|b| b ^ 0x36), message].concat());
    cryptokit::hash::sha256(&[block.map(|b| b ^ 0x5c).as_slice(), &inner].concat())
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

fn der_integer(unsigned: &[u8]) -> Vec<u8> {
    match unsigned.first() {
        Some(0x80..) => der(0x02, &[&[0], unsigned].concat()),
        _ => der(0x02, unsigned),
    }
}

/// RFC 7468.
fn armoured(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}-----END {label}-----\n", base64_lines(der))
}

/// Base64 (RFC 4648 §4) in lines of 64.
fn base64_lines(bytes: &[u8]) -> String {
    let mut text = base64url::encode(bytes).replace('-', "+").replace('_', "/");
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    format!("{}\n", lines.join("\n"))
}
