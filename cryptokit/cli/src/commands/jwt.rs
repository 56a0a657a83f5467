//! `jwt inspect` and `jwt verify`.

use std::path::Path;
use std::time::Duration;

use cryptokit::Provider;
use cryptokit::encoding::base64url;
use cryptokit::jose::{JwkSet, MAX_TOKEN_LEN, TokenVerifier, VerificationKeys};
use serde_json::Value;
use time::OffsetDateTime;

use crate::cli::JwtCommand;
use crate::error::Error;
use crate::streams::{Input, is_stdin, print, refuse_stdin_twice};

/// Largest key set read, in bytes.
const MAX_JWKS_LEN: usize = 1024 * 1024;

/// Runs one of the subcommands of `jwt`.
pub(crate) fn run(command: &JwtCommand, now: OffsetDateTime) -> Result<(), Error> {
    match command {
        JwtCommand::Inspect { input } => inspect(input.as_deref()),
        JwtCommand::Verify {
            input,
            jwks,
            issuer,
            audience,
            leeway,
        } => {
            let verifier = TokenVerifier::new(issuer, Duration::from_secs(u64::from(*leeway)));
            verify(input.as_deref(), jwks, &verifier, audience, now)
        }
    }
}

fn verify(
    input: Option<&Path>,
    jwks: &Path,
    verifier: &TokenVerifier,
    audiences: &[String],
    now: OffsetDateTime,
) -> Result<(), Error> {
    if is_stdin(Some(jwks)) && is_stdin(input) {
        return Err(refuse_stdin_twice("the JWK Set", "the token"));
    }
    let shown = jwks.display().to_string();
    let unusable =
        |why: &dyn ToString| Error::input(&shown, why.to_string(), "give the JWK Set that the issuer publishes");
    let document = Input::open(Some(jwks))?.text(MAX_JWKS_LEN)?;
    let set = JwkSet::parse(document.as_bytes()).map_err(|error| unusable(&error))?;
    let keys = VerificationKeys::from_jwk_set(Provider::default(), &set).map_err(|error| unusable(&error))?;
    let token = token(input)?;
    let claims = verifier
        .verify(&token, &keys, audiences, now)
        .map_err(|error| Error::no(format!("the token is not good: {error}")))?;
    let json = serde_json::to_string_pretty(&*claims).map_err(|error| Error::library("writing the claims", error))?;
    print(&without_controls(&json))
}

fn inspect(input: Option<&Path>) -> Result<(), Error> {
    let token = token(input)?;
    let parts: Vec<&str> = token.split('.').collect();
    let (kind, names): (_, &[_]) = match parts.len() {
        3 => ("signed (JWS)", &["header", "payload"]),
        5 => ("encrypted (JWE)", &["header"]),
        _ => return Err(not_a_token("it has neither three nor five parts")),
    };
    // The claims follow on standard output for programs; the warning is for the person.
    eprintln!("A {kind} token. NOT VERIFIED: anybody can write this.");
    let mut shown = serde_json::Map::new();
    for (name, part) in names.iter().zip(&parts) {
        let bytes = base64url::decode(part).map_err(|_| not_a_token("a part is not base64url"))?;
        let value: Value = serde_json::from_slice(&bytes).map_err(|_| not_a_token("a part is not JSON"))?;
        shown.insert((*name).to_owned(), value);
    }
    let json = serde_json::to_string_pretty(&shown).map_err(|error| Error::library("writing the token", error))?;
    print(&without_controls(&json))
}

/// The same JSON, with those characters escaped that JSON does not ask to be and that move the cursor or turn the order of
/// what follows: what a stranger wrote is shown here.
fn without_controls(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '\n' => text.push(character),
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                text.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            _ if character.is_control() => text.push_str(&format!("\\u{:04x}", u32::from(character))),
            _ => text.push(character),
        }
    }
    text
}

fn token(input: Option<&Path>) -> Result<String, Error> {
    let text = Input::open(input)?.text(MAX_TOKEN_LEN + 2)?;
    Ok(text.trim().to_owned())
}

fn not_a_token(why: &str) -> Error {
    Error::input("the token", why, "give one token in compact form and nothing else")
}
