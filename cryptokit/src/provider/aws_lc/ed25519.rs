//! Ed25519 on AWS-LC.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, ParsedPublicKey};
use zeroize::Zeroizing;

use super::pkcs8::ends_with_its_structure;
use crate::provider::{Ed25519Signer, SignatureVerifier, Unspecified};

pub(super) fn generate_pkcs8() -> Result<Zeroizing<Vec<u8>>, Unspecified> {
    let document = Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new()).map_err(|_| Unspecified)?;
    Ok(Zeroizing::new(document.as_ref().to_vec()))
}

pub(super) fn signer(pkcs8: &[u8]) -> Result<Box<dyn Ed25519Signer>, Unspecified> {
    Ok(Box::new(Signer(
        Ed25519KeyPair::from_pkcs8(ends_with_its_structure(pkcs8)?).map_err(|_| Unspecified)?,
    )))
}

pub(super) fn verifier(public_key: &[u8; 32]) -> Result<Box<dyn SignatureVerifier>, Unspecified> {
    Ok(Box::new(Verifier(
        ParsedPublicKey::new(&ED25519, public_key).map_err(|_| Unspecified)?,
    )))
}

struct Signer(Ed25519KeyPair);

impl Ed25519Signer for Signer {
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], Unspecified> {
        let signature = self.0.try_sign(message).map_err(|_| Unspecified)?;
        signature.as_ref().try_into().map_err(|_| Unspecified)
    }

    fn public_key(&self) -> [u8; 32] {
        let key = self.0.public_key().as_ref();
        key.try_into().expect("an Ed25519 public key has 32 bytes")
    }
}

struct Verifier(ParsedPublicKey);

impl SignatureVerifier for Verifier {
    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Unspecified> {
        self.0.verify_sig(message, signature).map_err(|_| Unspecified)
    }
}
