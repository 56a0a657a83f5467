//! A compact JWS (RFC 7515 §7.1) taken apart, before anybody has looked at its signature.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::algorithm::JwsAlgorithm;
use super::backend::RegisteredVerifier;
use super::error::TokenError;
use crate::encoding::{base64url, json};

/// Three parts of canonical base64url under a header of ours. Of these, the header has been read and nothing else.
#[derive(Debug)]
pub(super) struct Compact<'t> {
    pub(super) kid: String,
    pub(super) algorithm: JwsAlgorithm,
    pub(super) text: &'t str,
    signed: &'t str,
    signature: &'t str,
}

/// RFC 7515 §4.1: members that we know, and no others. `crit` (§4.1.11), `b64` (RFC 7797), `jwk`, `jku`, `x5c`, `x5u`
/// and `zip` end here.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header<'a> {
    #[serde(borrow)]
    alg: Cow<'a, str>,
    #[serde(borrow)]
    typ: Cow<'a, str>,
    #[serde(borrow)]
    kid: Cow<'a, str>,
}

impl<'t> Compact<'t> {
    /// Reads form and header; refuses every other `typ` than the one given, compared exactly (RFC 8725 §3.11).
    pub(super) fn parse(text: &'t str, max_len: usize, token_type: &str) -> Result<Self, TokenError> {
        if text.len() > max_len {
            return Err(TokenError::TooLong);
        }
        let mut parts = text.splitn(4, '.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(TokenError::Malformed);
        };
        let header_bytes = base64url::decode(header).map_err(|_| TokenError::Malformed)?;
        if !base64url::is_canonical(payload) || !base64url::is_canonical(signature) {
            return Err(TokenError::Malformed);
        }
        let Header { alg, typ, kid } = json::from_slice(&header_bytes).map_err(|_| TokenError::Header)?;
        let algorithm = JwsAlgorithm::from_name(&alg).ok_or(TokenError::Algorithm)?;
        if typ != token_type {
            return Err(TokenError::Type);
        }
        // Checked after the header, so that `alg: none` is named as what it is.
        if signature.is_empty() {
            return Err(TokenError::Malformed);
        }
        Ok(Self {
            kid: kid.into_owned(),
            algorithm,
            text,
            signed: &text[..header.len() + 1 + payload.len()],
            signature,
        })
    }

    /// Verifies the signature and only then reads the payload, strictly.
    pub(super) fn verify<T: DeserializeOwned>(&self, key: &RegisteredVerifier) -> Result<T, TokenError> {
        self.verify_signature(key)?;
        self.read_verified()
    }

    /// Verifies the signature.
    pub(super) fn verify_signature(&self, key: &RegisteredVerifier) -> Result<(), TokenError> {
        // RFC 8725 §3.1: the algorithm belongs to the key. A token that names another is not looked at any further.
        if self.algorithm != key.algorithm() {
            return Err(TokenError::Algorithm);
        }
        let good = jsonwebtoken::crypto::verify(
            self.signature,
            self.signed.as_bytes(),
            &key.decoding_key,
            self.algorithm.into(),
        );
        if !good.is_ok_and(|good| good) {
            return Err(TokenError::Signature);
        }
        Ok(())
    }

    /// Reads the payload of a token whose signature is known to be good.
    pub(super) fn read_verified<T: DeserializeOwned>(&self) -> Result<T, TokenError> {
        // RFC 7519 §4: duplicate claim names are refused, wherever they are.
        let json::Strict(payload) =
            jsonwebtoken::dangerous::insecure_decode_claims(self.text).map_err(|_| TokenError::Claims)?;
        Ok(payload)
    }
}
