//! Signatures beside RS256 at 2048 bits: the other algorithms of tokens and the larger RSA keys, each beside the backend
//! alone.

use std::hint::black_box;
use std::sync::LazyLock;
use std::time::Duration;

use cryptokit::Provider;
use cryptokit::encoding::base64url;
use cryptokit::jose::{JwsAlgorithm, TokenKeys, TokenSigningKey, TokenVerifier};
use cryptokit::keyset::Keyset;
use cryptokit::secret::SecretBytes;
use cryptokit::sign::{RsaKeySize, RsaSigningKey};
use time::OffsetDateTime;

use crate::rs256::{AUDIENCE, ISSUED_AT, ISSUER, claims};
use crate::{Baseline, Comparison, Operation};

/// Key generation where it is quick, signing, verifying and a whole token, on AWS-LC: ring has no parsed public keys to
/// compare with.
pub fn comparisons() -> Vec<Comparison> {
    let mut all = Vec::new();
    for (name, key, whole_token) in KEYS.iter() {
        all.extend(of_key(name, key, *whole_token));
    }
    all.extend([JwsAlgorithm::Es256, JwsAlgorithm::EdDsa].map(generation));
    all
}

/// Made once: large RSA keys take seconds.
static KEYS: LazyLock<Vec<(String, TokenSigningKey, bool)>> = LazyLock::new(|| {
    let mut keys = Vec::new();
    for algorithm in [JwsAlgorithm::Ps256, JwsAlgorithm::Es256, JwsAlgorithm::EdDsa] {
        let key = TokenSigningKey::generate(algorithm).expect("the backend makes keys");
        keys.push((algorithm.to_string(), key, true));
    }
    for size in [RsaKeySize::Bits3072, RsaKeySize::Bits4096] {
        let key = RsaSigningKey::generate(size).expect("the backend makes keys");
        keys.push((format!("RS256 {} bits", size.bits()), key.into(), false));
    }
    keys
});

fn compare(what: String, ours: Operation, name: &'static str, bar: Option<f64>, run: Operation) -> Comparison {
    Comparison {
        what,
        bytes: 0,
        never_under: Duration::ZERO,
        ours,
        baselines: vec![Baseline { name, bar, run }],
    }
}

fn generation(algorithm: JwsAlgorithm) -> Comparison {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};

    compare(
        format!("{algorithm}: make a key"),
        Box::new(move || {
            black_box(TokenSigningKey::generate(algorithm).expect("the backend makes keys"));
        }),
        "aws-lc-rs make and parse",
        None,
        Box::new(move || {
            let random = SystemRandom::new();
            if algorithm == JwsAlgorithm::Es256 {
                let curve = &ECDSA_P256_SHA256_FIXED_SIGNING;
                let pkcs8 = EcdsaKeyPair::generate_pkcs8(curve, &random).expect("the backend makes keys");
                black_box(EcdsaKeyPair::from_pkcs8(curve, pkcs8.as_ref()).expect("made above"));
            } else {
                let pkcs8 = Ed25519KeyPair::generate_pkcs8v1(&random).expect("the backend makes keys");
                black_box(Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8.as_ref()).expect("made above"));
            }
        }),
    )
}

fn of_key(name: &str, key: &TokenSigningKey, whole_token: bool) -> Vec<Comparison> {
    let provider = Provider::aws_lc();
    let copy = || {
        let pkcs8 = SecretBytes::new(key.pkcs8().expose_secret().to_vec());
        TokenSigningKey::from_pkcs8_with(provider, key.algorithm(), pkcs8).expect("made above")
    };
    let keys = TokenKeys::new(Keyset::new("tokens", copy())).expect("made above");
    let token = keys.signer.sign(&claims()).expect("short claims in order");
    let token = token.expose_secret().to_owned();
    let (signed, signature) = token.rsplit_once('.').expect("a compact JWS");
    let (message, signature) = (
        signed.as_bytes().to_vec(),
        base64url::decode(signature).expect("a compact JWS"),
    );

    let (signing, verifying) = (copy(), copy().verifying_key().expect("made above"));
    let sign: Operation = {
        let message = message.clone();
        Box::new(move || {
            black_box(signing.sign(black_box(&message)).expect("the backend signs"));
        })
    };
    let verify: Operation = {
        let (message, signature) = (message.clone(), signature.clone());
        Box::new(move || {
            verifying
                .verify(black_box(&message), black_box(&signature))
                .expect("signed above");
        })
    };
    let bare_verify = || bare::verify(key, &message, &signature);
    let bare_sign = bare::sign(key, &message);
    let mut all = vec![
        compare(format!("{name}: sign"), sign, "aws-lc-rs sign", Some(0.95), bare_sign),
        compare(
            format!("{name}: verify"),
            verify,
            "aws-lc-rs verify, parsed key",
            Some(0.95),
            bare_verify(),
        ),
    ];
    if whole_token {
        let verifier = TokenVerifier::new(ISSUER, Duration::ZERO);
        let audiences = [AUDIENCE.to_owned()];
        let now = OffsetDateTime::from_unix_timestamp(ISSUED_AT as i64).expect("in range");
        all.push(compare(
            format!("{name}: verify a token into claims"),
            Box::new(move || {
                let verified = verifier.verify(black_box(&token), &keys.verification, &audiences, now);
                black_box(verified.expect("issued above"));
            }),
            "aws-lc-rs verify, parsed key",
            Some(0.85),
            bare_verify(),
        ));
    }
    all
}

/// The backend's own calls on parsed keys.
mod bare {
    use std::hint::black_box;

    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
        ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RSA_PSS_2048_8192_SHA256, RSA_PSS_SHA256,
        RsaKeyPair, RsaPublicKeyComponents,
    };
    use cryptokit::jose::{JwsAlgorithm, TokenSigningKey};

    use crate::Operation;

    pub(super) fn sign(key: &TokenSigningKey, message: &[u8]) -> Operation {
        let (pkcs8, message) = (key.pkcs8().expose_secret(), message.to_vec());
        match key.algorithm() {
            JwsAlgorithm::Es256 => {
                let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).expect("made above");
                Box::new(move || {
                    black_box(
                        key.sign(&SystemRandom::new(), black_box(&message))
                            .expect("the backend signs"),
                    );
                })
            }
            JwsAlgorithm::EdDsa => {
                let key = Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8).expect("made above");
                Box::new(move || {
                    black_box(key.sign(black_box(&message)));
                })
            }
            algorithm => {
                let key = RsaKeyPair::from_pkcs8(pkcs8).expect("made above");
                let encoding = if algorithm == JwsAlgorithm::Ps256 {
                    &RSA_PSS_SHA256
                } else {
                    &RSA_PKCS1_SHA256
                };
                let mut signature = vec![0; key.public_modulus_len()];
                Box::new(move || {
                    key.sign(encoding, &SystemRandom::new(), black_box(&message), &mut signature)
                        .expect("the backend signs");
                    black_box(&signature);
                })
            }
        }
    }

    pub(super) fn verify(key: &TokenSigningKey, message: &[u8], signature: &[u8]) -> Operation {
        let parsed = parsed(key);
        let (message, signature) = (message.to_vec(), signature.to_vec());
        Box::new(move || {
            parsed
                .verify_sig(black_box(&message), black_box(&signature))
                .expect("signed above");
        })
    }

    fn parsed(key: &TokenSigningKey) -> ParsedPublicKey {
        let pkcs8 = key.pkcs8().expose_secret();
        match key.algorithm() {
            JwsAlgorithm::Es256 => {
                let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).expect("made above");
                ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.public_key().as_ref()).expect("made above")
            }
            JwsAlgorithm::EdDsa => {
                let key = Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8).expect("made above");
                ParsedPublicKey::new(&ED25519, key.public_key().as_ref()).expect("made above")
            }
            algorithm => {
                let key = RsaKeyPair::from_pkcs8(pkcs8).expect("made above");
                let parameters = if algorithm == JwsAlgorithm::Ps256 {
                    &RSA_PSS_2048_8192_SHA256
                } else {
                    &RSA_PKCS1_2048_8192_SHA256
                };
                RsaPublicKeyComponents {
                    n: key.public_key().modulus().big_endian_without_leading_zero(),
                    e: key.public_key().exponent().big_endian_without_leading_zero(),
                }
                .to_parsed_public_key(parameters)
                .expect("made above")
            }
        }
    }
}
