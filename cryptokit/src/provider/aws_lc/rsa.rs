//! RSA keys and RSASSA-PKCS1-v1_5 on AWS-LC.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    KeyPair, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, RsaPublicKeyComponents,
};
use zeroize::Zeroizing;

use crate::provider::{RsaSigner, RsaVerifier, Unspecified};

pub(super) fn generate_pkcs8(bits: usize) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
    let size = match bits {
        2048 => KeySize::Rsa2048,
        3072 => KeySize::Rsa3072,
        4096 => KeySize::Rsa4096,
        _ => return Err(Unspecified),
    };
    let key = RsaKeyPair::generate(size).map_err(|_| Unspecified)?;
    let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&key).map_err(|_| Unspecified)?;
    Ok(Zeroizing::new(der.as_ref().to_vec()))
}

pub(super) fn signer(pkcs8: &[u8]) -> Result<Box<dyn RsaSigner>, Unspecified> {
    Ok(Box::new(Rsa(RsaKeyPair::from_pkcs8(pkcs8).map_err(|_| Unspecified)?)))
}

pub(super) fn verifier(n: &[u8], e: &[u8]) -> Result<Box<dyn RsaVerifier>, Unspecified> {
    let key = RsaPublicKeyComponents { n, e }
        .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
        .map_err(|_| Unspecified)?;
    Ok(Box::new(RsaPublic(key)))
}

struct Rsa(RsaKeyPair);

impl RsaSigner for Rsa {
    fn sign_pkcs1_sha256(&self, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let mut signature = vec![0; self.0.public_modulus_len()];
        self.0
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
            .map_err(|_| Unspecified)?;
        Ok(signature)
    }

    fn public_components(&self) -> (Vec<u8>, Vec<u8>) {
        let key = self.0.public_key();
        (
            key.modulus().big_endian_without_leading_zero().to_vec(),
            key.exponent().big_endian_without_leading_zero().to_vec(),
        )
    }
}

struct RsaPublic(ParsedPublicKey);

impl RsaVerifier for RsaPublic {
    fn verify_pkcs1_sha256(&self, message: &[u8], signature: &[u8]) -> Result<(), Unspecified> {
        self.0.verify_sig(message, signature).map_err(|_| Unspecified)
    }
}
