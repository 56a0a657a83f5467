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
use crate::sign::{RsaSigningKey, RsaVerifyingKey};

/// A signing key that `jsonwebtoken::encode` can use.
#[derive(Debug)]
pub(super) struct RegisteredSigner {
    pub(super) encoding_key: EncodingKey,
    registration: Registration<RsaSigningKey>,
}

impl RegisteredSigner {
    pub(super) fn new(key: RsaSigningKey) -> Self {
        let registration = Registration::new(&SIGNERS, key);
        Self {
            encoding_key: EncodingKey::from_rsa_der(&registration.handle()),
            registration,
        }
    }

    pub(super) fn key(&self) -> &RsaSigningKey {
        &self.registration.key
    }
}

/// A verification key that `jsonwebtoken::decode` can use.
#[derive(Debug)]
pub(super) struct RegisteredVerifier {
    pub(super) decoding_key: DecodingKey,
    /// Held for its drop: the handle in `decoding_key` is good as long as this lives.
    _registration: Registration<RsaVerifyingKey>,
}

impl RegisteredVerifier {
    pub(super) fn new(key: RsaVerifyingKey) -> Self {
        let registration = Registration::new(&VERIFIERS, key);
        Self {
            decoding_key: DecodingKey::from_rsa_der(&registration.handle()),
            _registration: registration,
        }
    }

    pub(super) fn algorithm(&self) -> JwsAlgorithm {
        JwsAlgorithm::Rs256
    }
}

type Registry<K> = LazyLock<RwLock<HashMap<u64, Weak<K>>>>;

static SIGNERS: Registry<RsaSigningKey> = LazyLock::new(RwLock::default);
static VERIFIERS: Registry<RsaVerifyingKey> = LazyLock::new(RwLock::default);
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
    if *algorithm != Algorithm::RS256 {
        return Err(ErrorKind::InvalidAlgorithm.into());
    }
    Ok(Box::new(Rs256Signer(find(&SIGNERS, key.as_bytes())?)))
}

fn verifier_factory(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, Error> {
    if *algorithm != Algorithm::RS256 {
        return Err(ErrorKind::InvalidAlgorithm.into());
    }
    Ok(Box::new(Rs256Verifier(find(&VERIFIERS, key.try_get_as_bytes()?)?)))
}

struct Rs256Signer(Arc<RsaSigningKey>);

impl Signer<Vec<u8>> for Rs256Signer {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        self.0.sign(message).map_err(|_| signature::Error::new())
    }
}

impl JwtSigner for Rs256Signer {
    fn algorithm(&self) -> Algorithm {
        Algorithm::RS256
    }
}

struct Rs256Verifier(Arc<RsaVerifyingKey>);

impl Verifier<Vec<u8>> for Rs256Verifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        self.0.verify(message, signature).map_err(|_| signature::Error::new())
    }
}

impl JwtVerifier for Rs256Verifier {
    fn algorithm(&self) -> Algorithm {
        Algorithm::RS256
    }
}
