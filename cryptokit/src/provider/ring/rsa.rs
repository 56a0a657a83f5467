//! RSASSA-PKCS1-v1_5 on ring, and key generation by `rsa`, which ring lacks.
//!
//! `rsa` only makes keys here. It signs and decrypts nothing: RUSTSEC-2023-0071 is a timing leak in private-key
//! operations that a network peer can provoke, and no peer can provoke key generation.

use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, RsaPublicKeyComponents};
use rsa::pkcs8::EncodePrivateKey;
use zeroize::Zeroizing;

use super::random::RingRng;
use crate::provider::{RsaSigner, RsaVerifier, Unspecified};

pub(super) fn generate_pkcs8(bits: usize) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
    if !matches!(bits, 2048 | 3072 | 4096) {
        return Err(Unspecified);
    }
    let key = rsa::RsaPrivateKey::new(&mut RingRng, bits).map_err(|_| Unspecified)?;
    let document = key.to_pkcs8_der().map_err(|_| Unspecified)?;
    Ok(Zeroizing::new(document.as_bytes().to_vec()))
}

pub(super) fn signer(pkcs8: &[u8]) -> Result<Box<dyn RsaSigner>, Unspecified> {
    Ok(Box::new(Rsa(RsaKeyPair::from_pkcs8(pkcs8).map_err(|_| Unspecified)?)))
}

pub(super) fn verifier(n: &[u8], e: &[u8]) -> Result<Box<dyn RsaVerifier>, Unspecified> {
    Ok(Box::new(RsaPublic {
        n: n.to_vec(),
        e: e.to_vec(),
    }))
}

struct Rsa(RsaKeyPair);

impl RsaSigner for Rsa {
    fn sign_pkcs1_sha256(&self, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let mut signature = vec![0; self.0.public().modulus_len()];
        self.0
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
            .map_err(|_| Unspecified)?;
        Ok(signature)
    }

    fn public_components(&self) -> (Vec<u8>, Vec<u8>) {
        let components = RsaPublicKeyComponents::<Vec<u8>>::from(self.0.public());
        (components.n, components.e)
    }
}

/// ring has no parsed form of an RSA public key: it checks the components at each use.
struct RsaPublic {
    n: Vec<u8>,
    e: Vec<u8>,
}

impl RsaVerifier for RsaPublic {
    fn verify_pkcs1_sha256(&self, message: &[u8], signature: &[u8]) -> Result<(), Unspecified> {
        RsaPublicKeyComponents { n: &self.n, e: &self.e }
            .verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            .map_err(|_| Unspecified)
    }
}
