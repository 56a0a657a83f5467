//! From a keyset of signing keys to what signs and what verifies.

use std::collections::HashMap;
use std::fmt;

use super::backend::RegisteredVerifier;
use super::jwk::{Jwk, JwkError, JwkSet};
use super::signer::TokenSigner;
use crate::keyset::{InvalidMaterial, KeyMaterial, KeyStatus, Keyset, Version1};
use crate::provider::Provider;
use crate::secret::SecretBytes;
use crate::sign::{RsaSigningKey, SignError};

impl KeyMaterial for RsaSigningKey {
    const PURPOSE: &'static str = "token-signing";
    const VERSION_1: Option<Version1> = Some(Version1 {
        purpose: "token-signing-rs256",
        algorithm: "RS256",
    });

    fn algorithm(&self) -> &'static str {
        "RS256"
    }

    fn to_bytes(&self) -> SecretBytes {
        SecretBytes::new(self.pkcs8().expose_secret().to_vec())
    }

    fn from_bytes(algorithm: &str, bytes: SecretBytes) -> Result<Self, InvalidMaterial> {
        if algorithm != "RS256" {
            return Err(InvalidMaterial);
        }
        Self::from_pkcs8(bytes).map_err(|_| InvalidMaterial)
    }
}

/// An issuer's keys in use: the primary signs, all that are not revoked verify.
#[derive(Debug)]
pub struct TokenKeys {
    /// Signs with the primary key.
    pub signer: TokenSigner,
    /// Verifies with every key that is not revoked.
    pub verification: VerificationKeys,
}

impl TokenKeys {
    /// Takes the keys out of a keyset.
    ///
    /// # Errors
    ///
    /// [`SignError`] when the backend refuses a key's public half.
    ///
    /// # Panics
    ///
    /// Never: a keyset has a primary key.
    pub fn new(keyset: Keyset<RsaSigningKey>) -> Result<Self, SignError> {
        let mut signer = None;
        let mut verification = VerificationKeys::default();
        for entry in keyset.into_entries() {
            if entry.status == KeyStatus::Revoked {
                continue;
            }
            verification.insert(Jwk::from_key(&entry.key.verifying_key()?), entry.key.verifying_key()?);
            if entry.status == KeyStatus::Primary {
                signer = Some(TokenSigner::new(entry.key)?);
            }
        }
        Ok(Self {
            signer: signer.expect("a keyset has a primary key"),
            verification,
        })
    }
}

/// Public keys by `kid`. The `kid` of a token is looked up here and used for nothing else.
#[derive(Default)]
pub struct VerificationKeys {
    by_kid: HashMap<String, RegisteredVerifier>,
    published: JwkSet,
}

impl VerificationKeys {
    /// Reads an issuer's published set.
    ///
    /// # Errors
    ///
    /// [`JwkError`] when any key of the set is unusable: a set is trusted whole or not at all.
    pub fn from_jwk_set(provider: Provider, set: &JwkSet) -> Result<Self, JwkError> {
        let mut keys = Self::default();
        for jwk in &set.keys {
            keys.insert(jwk.clone(), jwk.to_key(provider)?);
        }
        Ok(keys)
    }

    /// The set to publish.
    pub fn jwk_set(&self) -> &JwkSet {
        &self.published
    }

    pub(super) fn get(&self, kid: &str) -> Option<&RegisteredVerifier> {
        self.by_kid.get(kid)
    }

    fn insert(&mut self, jwk: Jwk, key: crate::sign::RsaVerifyingKey) {
        self.by_kid.insert(jwk.kid().to_owned(), RegisteredVerifier::new(key));
        self.published.keys.push(jwk);
    }
}

impl fmt::Debug for VerificationKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.published.keys.iter().map(Jwk::kid))
            .finish()
    }
}
