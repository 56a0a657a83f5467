//! ECDSA on ring.

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use zeroize::Zeroizing;

use crate::provider::{P256Signer, Unspecified};

pub(super) fn generate_pkcs8() -> Result<Zeroizing<Vec<u8>>, Unspecified> {
    let document =
        EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new()).map_err(|_| Unspecified)?;
    Ok(Zeroizing::new(document.as_ref().to_vec()))
}

pub(super) fn signer(pkcs8: &[u8]) -> Result<Box<dyn P256Signer>, Unspecified> {
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8, &SystemRandom::new())
        .map_err(|_| Unspecified)?;
    Ok(Box::new(P256(key)))
}

struct P256(EcdsaKeyPair);

impl P256Signer for P256 {
    fn sign_asn1(&self, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let signature = self.0.sign(&SystemRandom::new(), message).map_err(|_| Unspecified)?;
        Ok(signature.as_ref().to_vec())
    }

    fn public_point(&self) -> &[u8] {
        self.0.public_key().as_ref()
    }
}
