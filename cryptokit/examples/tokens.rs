//! Issues and verifies access tokens, so that other implementations can judge them (`tests/interop/token_algorithms.py`).
//!
//! `tokens issue ALGORITHM` makes a key and prints `{"token": …, "jwks": …}`. `tokens verify` reads such an object from
//! standard input and prints the subject, or fails with the reason. The issuer is `https://auth.example`, the audience
//! `orders`, and the time is always the same.

use std::error::Error;
use std::io::{self, Read};
use std::process::ExitCode;
use std::time::Duration;

use cryptokit::Provider;
use cryptokit::jose::{
    AccessTokenClaims, Audience, JwkSet, JwsAlgorithm, TokenKeys, TokenSigningKey, TokenVerifier, VerificationKeys,
};
use cryptokit::keyset::Keyset;
use time::OffsetDateTime;

const ISSUER: &str = "https://auth.example";
const AUDIENCE: &str = "orders";
const NOW: u64 = 1_800_000_000;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["issue", algorithm] => issue(algorithm),
        ["verify"] => verify(),
        _ => {
            eprintln!("usage: tokens issue RS256|PS256|ES256|EdDSA, tokens verify <DOCUMENT");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn issue(algorithm: &str) -> Result<String, Box<dyn Error>> {
    let algorithm = JwsAlgorithm::from_name(algorithm).ok_or("no such algorithm")?;
    let keys = TokenKeys::new(Keyset::new("tokens", TokenSigningKey::generate(algorithm)?))?;
    let claims = AccessTokenClaims::new(
        ISSUER,
        "user-1",
        Audience::one(AUDIENCE),
        "authsvc",
        "token-1",
        NOW,
        NOW + 900,
    );
    let token = keys.signer.sign(&claims)?;
    let jwks: serde_json::Value = serde_json::from_str(&keys.verification.jwk_set().to_json())?;
    Ok(serde_json::json!({"token": token.expose_secret(), "jwks": jwks}).to_string())
}

fn verify() -> Result<String, Box<dyn Error>> {
    let mut document = String::new();
    io::stdin().read_to_string(&mut document)?;
    let document: serde_json::Value = serde_json::from_str(&document)?;
    let token = document["token"].as_str().ok_or("no token")?;
    let set = JwkSet::parse(document["jwks"].to_string().as_bytes())?;
    let keys = VerificationKeys::from_jwk_set(Provider::default(), &set)?;
    let now = OffsetDateTime::from_unix_timestamp(NOW.try_into()?)?;
    let claims = TokenVerifier::new(ISSUER, Duration::ZERO).verify(token, &keys, &[AUDIENCE.to_owned()], now)?;
    Ok(claims.sub.clone())
}
