//! Ed25519 on ring.

use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use zeroize::Zeroizing;

use crate::provider::{Ed25519Signer, SignatureVerifier, Unspecified};

/// PKCS#8 version 1 around a 32-byte seed (RFC 8410 §7). ring itself writes version 2 only, which OpenSSL 3.0 does not
/// read.
const PKCS8_PREFIX: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

pub(super) fn generate_pkcs8() -> Result<Zeroizing<Vec<u8>>, Unspecified> {
    let mut pkcs8 = Zeroizing::new([&PKCS8_PREFIX[..], &[0; 32]].concat());
    SystemRandom::new()
        .fill(&mut pkcs8[PKCS8_PREFIX.len()..])
        .map_err(|_| Unspecified)?;
    Ok(pkcs8)
}

pub(super) fn signer(pkcs8: &[u8]) -> Result<Box<dyn Ed25519Signer>, Unspecified> {
    // Its "unchecked" are files of version 1, which hold no public key that could be checked.
    let key = Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8).map_err(|_| Unspecified)?;
    Ok(Box::new(Signer(key)))
}

pub(super) fn verifier(public_key: &[u8; 32]) -> Result<Box<dyn SignatureVerifier>, Unspecified> {
    Ok(Box::new(Verifier(UnparsedPublicKey::new(&ED25519, *public_key))))
}

struct Signer(Ed25519KeyPair);

impl Ed25519Signer for Signer {
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], Unspecified> {
        self.0.sign(message).as_ref().try_into().map_err(|_| Unspecified)
    }

    fn public_key(&self) -> [u8; 32] {
        let key = self.0.public_key().as_ref();
        key.try_into().expect("an Ed25519 public key has 32 bytes")
    }
}

struct Verifier(UnparsedPublicKey<[u8; 32]>);

impl SignatureVerifier for Verifier {
    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Unspecified> {
        self.0.verify(message, signature).map_err(|_| Unspecified)
    }
}
