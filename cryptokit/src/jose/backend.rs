//! `jsonwebtoken`'s `CryptoProvider` over our own keys.
//!
//! That crate hands its backend key *bytes* at every call and would have them parsed again each time. Here the bytes
//! are a handle: the number under which a parsed key is registered for as long as its owner lives.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Once, PoisonError, RwLock, Weak};

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use signature::{Signer, Verifier};

use super::algorithm::JwsAlgorithm;
use super::key::{TokenSigningKey, TokenVerifyingKey};

/// A signing key that `jsonwebtoken::encode` can use.
#[derive(Debug)]
pub(super) struct RegisteredSigner {
    pub(super) encoding_key: EncodingKey,
    registration: Registration<TokenSigningKey>,
}

impl RegisteredSigner {
    pub(super) fn new(key: TokenSigningKey) -> Self {
        let registration = Registration::new(&SIGNERS, key);
        Self {
            encoding_key: encoding_key(registration.key.algorithm(), &registration.handle()),
            registration,
        }
    }

    pub(super) fn key(&self) -> &TokenSigningKey {
        &self.registration.key
    }
}

/// A verification key that `jsonwebtoken::decode` can use.
#[derive(Debug)]
pub(super) struct RegisteredVerifier {
    pub(super) decoding_key: DecodingKey,
    registration: Registration<TokenVerifyingKey>,
}

impl RegisteredVerifier {
    pub(super) fn new(key: TokenVerifyingKey) -> Self {
        let registration = Registration::new(&VERIFIERS, key);
        Self {
            decoding_key: DecodingKey::from_secret(&registration.handle()),
            registration,
        }
    }

    pub(super) fn algorithm(&self) -> JwsAlgorithm {
        self.registration.key.algorithm()
    }
}

/// The handle as a key of the algorithm's family, which `jsonwebtoken::encode` checks.
fn encoding_key(algorithm: JwsAlgorithm, handle: &[u8]) -> EncodingKey {
    match algorithm {
        JwsAlgorithm::Rs256 | JwsAlgorithm::Ps256 => EncodingKey::from_rsa_der(handle),
        JwsAlgorithm::Es256 => EncodingKey::from_ec_der(handle),
        JwsAlgorithm::EdDsa => EncodingKey::from_ed_der(handle),
    }
}

type Registry<K> = LazyLock<RwLock<HashMap<u64, Weak<K>>>>;

static SIGNERS: Registry<TokenSigningKey> = LazyLock::new(RwLock::default);
static VERIFIERS: Registry<TokenVerifyingKey> = LazyLock::new(RwLock::default);
static NEXT_HANDLE: AtomicU64 = AtomicU64::new(1);

#[derive(Debug)]
struct Registration<K: 'static> {
    id: u64,
    key: Arc<K>,
    registry: &'static Registry<K>,
}

impl<K> Registration<K> {
    fn new(registry: &'static Registry<K>, key: K) -> Self {
        install();
        let id = NEXT_HANDLE.fetch_add(1, Ordering::Relaxed);
        let key = Arc::new(key);
        registry
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id, Arc::downgrade(&key));
        Self { id, key, registry }
    }

    fn handle(&self) -> [u8; 8] {
        self.id.to_be_bytes()
    }
}

impl<K: 'static> Drop for Registration<K> {
    fn drop(&mut self) {
        self.registry
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.id);
    }
}

fn find<K>(registry: &'static Registry<K>, handle: &[u8]) -> Result<Arc<K>, Error> {
    let unusable = || Error::from(ErrorKind::InvalidKeyFormat);
    let id = u64::from_be_bytes(handle.try_into().map_err(|_| unusable())?);
    let registry = registry.read().unwrap_or_else(PoisonError::into_inner);
    registry.get(&id).and_then(Weak::upgrade).ok_or_else(unusable)
}

/// Makes ours the process's provider. When another library installed its own first, that one is given our handles,
/// can parse none of them, and every token is refused: closed, not open.
fn install() {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        let _ = PROVIDER.install_default();
    });
}

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory,
    verifier_factory,
    // Its JWK functions are not used; ours are in `jwk.rs`.
    key_utils: KeyUtils::new_unimplemented(),
};

fn signer_factory(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>, Error> {
    let key = find(&SIGNERS, key.as_bytes())?;
    if *algorithm != key.algorithm().into() {
        return Err(ErrorKind::InvalidAlgorithm.into());
    }
    Ok(Box::new(FoundSigner(key)))
}

fn verifier_factory(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, Error> {
    let key = find(&VERIFIERS, key.try_get_as_bytes()?)?;
    if *algorithm != key.algorithm().into() {
        return Err(ErrorKind::InvalidAlgorithm.into());
    }
    Ok(Box::new(FoundVerifier(key)))
}

struct FoundSigner(Arc<TokenSigningKey>);

impl Signer<Vec<u8>> for FoundSigner {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        self.0.sign(message).map_err(|_| signature::Error::new())
    }
}

impl JwtSigner for FoundSigner {
    fn algorithm(&self) -> Algorithm {
        self.0.algorithm().into()
    }
}

struct FoundVerifier(Arc<TokenVerifyingKey>);

impl Verifier<Vec<u8>> for FoundVerifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        self.0.verify(message, signature).map_err(|_| signature::Error::new())
    }
}

impl JwtVerifier for FoundVerifier {
    fn algorithm(&self) -> Algorithm {
        self.0.algorithm().into()
    }
}
