//! From a keyset of signing keys to what signs and what verifies.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use super::backend::RegisteredVerifier;
use super::jwk::{Jwk, JwkError};
use super::jwk_set::JwkSet;
use super::key::{TokenSigningKey, TokenVerifyingKey};
use super::signer::TokenSigner;
use crate::keyset::{KeyMaterial, KeyStatus, Keyset};
use crate::provider::Provider;
use crate::sign::SignError;

/// An issuer's keys in use: the primary signs, all that are not revoked verify.
#[derive(Debug)]
pub struct TokenKeys {
    /// Signs with the primary key.
    pub signer: TokenSigner,
    /// Verifies with every key that is not revoked.
    pub verification: VerificationKeys,
}

impl TokenKeys {
    /// Takes the keys out of a keyset, of one algorithm or of several.
    ///
    /// # Errors
    ///
    /// [`SignError`] when the backend refuses a key's public half; [`SignError::InvalidPublicKey`] for one RSA key under
    /// two algorithms, which would share a `kid`.
    ///
    /// # Panics
    ///
    /// Never: a keyset has a primary key.
    pub fn new<K: KeyMaterial + Into<TokenSigningKey>>(keyset: Keyset<K>) -> Result<Self, SignError> {
        let mut signer = None;
        let mut verification = VerificationKeys::default();
        for entry in keyset.into_entries() {
            if entry.status == KeyStatus::Revoked {
                continue;
            }
            let key = entry.key.into();
            verification.add(key.verifying_key()?)?;
            if entry.status == KeyStatus::Primary {
                signer = Some(TokenSigner::new(key)?);
            }
        }
        Ok(Self {
            signer: signer.expect("a keyset has a primary key"),
            verification,
        })
    }
}

/// Public keys by `kid`. The `kid` of a token is looked up here and used for nothing else.
pub struct VerificationKeys {
    by_kid: HashMap<String, RegisteredVerifier>,
    published: JwkSet,
    generation: u64,
}

/// No two states of any sets in a process have the same generation.
static NEXT_GENERATION: AtomicU64 = AtomicU64::new(0);

impl Default for VerificationKeys {
    fn default() -> Self {
        Self {
            by_kid: HashMap::new(),
            published: JwkSet::default(),
            generation: NEXT_GENERATION.fetch_add(1, Ordering::Relaxed),
        }
    }
}

impl VerificationKeys {
    /// Reads an issuer's published set.
    ///
    /// # Errors
    ///
    /// [`JwkError::Key`] when any key of the set is unacceptable, [`JwkError::DuplicateKeyId`] when two share a `kid`: a
    /// set is trusted whole or not at all.
    pub fn from_jwk_set(provider: Provider, set: &JwkSet) -> Result<Self, JwkError> {
        let mut keys = Self::default();
        for jwk in &set.keys {
            if keys.by_kid.contains_key(jwk.kid()) {
                return Err(JwkError::DuplicateKeyId);
            }
            keys.insert(jwk.clone(), jwk.to_key(provider)?);
        }
        Ok(keys)
    }

    /// Adds a key under its thumbprint. The same key twice is one key.
    ///
    /// # Errors
    ///
    /// [`SignError::InvalidPublicKey`] when another key has that `kid` already, or the same RSA key has it under another
    /// algorithm.
    pub fn add(&mut self, key: TokenVerifyingKey) -> Result<(), SignError> {
        let jwk = Jwk::from_key(&key);
        if !self.by_kid.contains_key(jwk.kid()) {
            self.insert(jwk, key);
        } else if !self.published.keys.contains(&jwk) {
            return Err(SignError::InvalidPublicKey);
        }
        Ok(())
    }

    /// The set to publish.
    pub fn jwk_set(&self) -> &JwkSet {
        &self.published
    }

    /// Names these keys within this process: another set has another, and so has this one when it has changed.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    pub(super) fn get(&self, kid: &str) -> Option<&RegisteredVerifier> {
        self.by_kid.get(kid)
    }

    fn insert(&mut self, jwk: Jwk, key: TokenVerifyingKey) {
        self.by_kid.insert(jwk.kid().to_owned(), RegisteredVerifier::new(key));
        self.published.keys.push(jwk);
        self.generation = NEXT_GENERATION.fetch_add(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for VerificationKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.published.keys.iter().map(Jwk::kid))
            .finish()
    }
}
