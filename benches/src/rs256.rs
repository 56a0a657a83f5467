//! RS256 at 2048 bits: signing, verifying, and a whole token into typed claims, beside the backend alone.

use std::hint::black_box;
use std::time::Duration;

use cryptokit::Provider;
use cryptokit::encoding::base64url;
use cryptokit::jose::{AccessTokenClaims, Audience, TokenKeys, TokenVerifier};
use cryptokit::keyset::Keyset;
use cryptokit::secret::SecretBytes;
use cryptokit::sign::{RsaKeySize, RsaSigningKey};
use time::OffsetDateTime;

use crate::{Baseline, Comparison, Operation};

pub(crate) const ISSUER: &str = "https://auth.example";
pub(crate) const AUDIENCE: &str = "orders";
pub(crate) const ISSUED_AT: u64 = 1_800_000_000;

/// Three operations on each provider compiled in.
pub fn comparisons() -> Vec<Comparison> {
    Provider::all().into_iter().flat_map(on).collect()
}

fn on(provider: Provider) -> Vec<Comparison> {
    let token = Token::new(provider);
    let bare = match provider.name() {
        #[cfg(feature = "aws-lc")]
        "aws-lc" => aws_lc(&token),
        #[cfg(feature = "ring")]
        "ring" => ring(&token),
        other => unreachable!("no baseline for {other}"),
    };
    let compare = |what: &str, ours: Operation, name, bar, run| Comparison {
        what: format!("RS256 {}: {what}", provider.name()),
        bytes: 0,
        never_under: Duration::ZERO,
        ours,
        baselines: vec![Baseline {
            name,
            bar: Some(bar),
            run,
        }],
    };
    vec![
        compare("sign", token.sign(), bare.sign_name, 0.95, bare.sign),
        compare("verify", token.verify(), bare.verify_name, 0.95, bare.verify),
        compare(
            "verify a token into claims",
            token.verify_into_claims(),
            bare.verify_name,
            0.85,
            bare.verify_again,
        ),
    ]
}

/// A token as authsvc issues it, in the parts that the three operations need.
struct Token {
    provider: Provider,
    pkcs8: Vec<u8>,
    token: String,
    signed: String,
    signature: Vec<u8>,
}

impl Token {
    fn new(provider: Provider) -> Self {
        // Made on the default provider: ring's takes far longer, and how a key was made does not show in its use.
        let key = RsaSigningKey::generate(RsaKeySize::Bits2048).expect("the backend makes keys");
        let pkcs8 = key.pkcs8().expose_secret().to_vec();
        let keys = token_keys(provider, &pkcs8);
        let token = keys.signer.sign(&claims()).expect("short claims in order");
        let token = token.expose_secret().to_owned();
        let (signed, signature) = token.rsplit_once('.').expect("a compact JWS");
        Self {
            provider,
            pkcs8,
            signed: signed.to_owned(),
            signature: base64url::decode(signature).expect("a compact JWS"),
            token,
        }
    }

    fn key(&self) -> RsaSigningKey {
        RsaSigningKey::from_pkcs8_with(self.provider, SecretBytes::new(self.pkcs8.clone())).expect("made above")
    }

    fn sign(&self) -> Operation {
        let (key, message) = (self.key(), self.signed.clone().into_bytes());
        Box::new(move || {
            black_box(key.sign(black_box(&message)).expect("the backend signs"));
        })
    }

    fn verify(&self) -> Operation {
        let key = self.key().verifying_key().expect("made above");
        let (message, signature) = (self.signed.clone().into_bytes(), self.signature.clone());
        Box::new(move || {
            key.verify(black_box(&message), black_box(&signature))
                .expect("signed above");
        })
    }

    fn verify_into_claims(&self) -> Operation {
        let keys = token_keys(self.provider, &self.pkcs8).verification;
        let verifier = TokenVerifier::new(ISSUER, Duration::ZERO);
        let audiences = [AUDIENCE.to_owned()];
        let now = OffsetDateTime::from_unix_timestamp(ISSUED_AT as i64).expect("in range");
        let token = self.token.clone();
        Box::new(move || {
            let verified = verifier.verify(black_box(&token), &keys, &audiences, now);
            black_box(verified.expect("issued above"));
        })
    }
}

fn token_keys(provider: Provider, pkcs8: &[u8]) -> TokenKeys {
    let key = RsaSigningKey::from_pkcs8_with(provider, SecretBytes::new(pkcs8.to_vec())).expect("made above");
    TokenKeys::new(Keyset::new("tokens", key)).expect("made above")
}

pub(crate) fn claims() -> AccessTokenClaims {
    AccessTokenClaims {
        nbf: Some(ISSUED_AT),
        email: Some("alice@example.com".into()),
        ..AccessTokenClaims::new(
            ISSUER,
            "4b1f6f0c-8f0a-4c39-9d61-0d6f3c1f7a52",
            Audience::one(AUDIENCE),
            "authsvc",
            "b7c1f4e2-6f0d-4c0b-8a35-5a2f2d9e7c11",
            ISSUED_AT,
            ISSUED_AT + 900,
        )
    }
}

/// A backend's own calls on parsed keys, over the same bytes.
struct Bare {
    sign_name: &'static str,
    sign: Operation,
    verify_name: &'static str,
    verify: Operation,
    /// The same once more, for the comparison with the whole token.
    verify_again: Operation,
}

#[cfg(feature = "aws-lc")]
fn aws_lc(token: &Token) -> Bare {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{
        KeyPair, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, RsaPublicKeyComponents,
    };

    let key = RsaKeyPair::from_pkcs8(&token.pkcs8).expect("made above");
    let verify = || -> Operation {
        let public = RsaPublicKeyComponents {
            n: key.public_key().modulus().big_endian_without_leading_zero(),
            e: key.public_key().exponent().big_endian_without_leading_zero(),
        };
        let parsed = public
            .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
            .expect("made above");
        let (message, signature) = (token.signed.clone().into_bytes(), token.signature.clone());
        Box::new(move || {
            parsed
                .verify_sig(black_box(&message), black_box(&signature))
                .expect("signed above");
        })
    };
    let (verify, verify_again) = (verify(), verify());
    let message = token.signed.clone().into_bytes();
    let mut signature = vec![0; key.public_modulus_len()];
    Bare {
        sign_name: "aws-lc-rs sign",
        sign: Box::new(move || {
            key.sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                black_box(&message),
                &mut signature,
            )
            .expect("the backend signs");
            black_box(&signature);
        }),
        verify_name: "aws-lc-rs verify, parsed key",
        verify,
        verify_again,
    }
}

#[cfg(feature = "ring")]
fn ring(token: &Token) -> Bare {
    use ring::rand::SystemRandom;
    use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, RsaPublicKeyComponents};

    let key = RsaKeyPair::from_pkcs8(&token.pkcs8).expect("made above");
    let verify = || -> Operation {
        // ring has no parsed form of an RSA public key.
        let public = RsaPublicKeyComponents::<Vec<u8>>::from(key.public());
        let (message, signature) = (token.signed.clone().into_bytes(), token.signature.clone());
        Box::new(move || {
            public
                .verify(&RSA_PKCS1_2048_8192_SHA256, black_box(&message), black_box(&signature))
                .expect("signed above");
        })
    };
    let (verify, verify_again) = (verify(), verify());
    let message = token.signed.clone().into_bytes();
    let mut signature = vec![0; key.public().modulus_len()];
    Bare {
        sign_name: "ring sign",
        sign: Box::new(move || {
            key.sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                black_box(&message),
                &mut signature,
            )
            .expect("the backend signs");
            black_box(&signature);
        }),
        verify_name: "ring verify",
        verify,
        verify_again,
    }
}
