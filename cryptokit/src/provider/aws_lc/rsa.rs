//! RSA keys, RSASSA-PKCS1-v1_5 and RSASSA-PSS on AWS-LC.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    KeyPair, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RSA_PSS_2048_8192_SHA256, RSA_PSS_SHA256,
    RsaKeyPair, RsaParameters, RsaPublicKeyComponents, RsaSignatureEncoding,
};
use zeroize::Zeroizing;

use super::pkcs8::ends_with_its_structure;
use crate::provider::{RsaScheme, RsaSigner, SignatureVerifier, Unspecified};

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

pub(super) fn signer(scheme: RsaScheme, pkcs8: &[u8]) -> Result<Box<dyn RsaSigner>, Unspecified> {
    let key = RsaKeyPair::from_pkcs8(ends_with_its_structure(pkcs8)?).map_err(|_| Unspecified)?;
    let encoding: &RsaSignatureEncoding = match scheme {
        RsaScheme::Pkcs1Sha256 => &RSA_PKCS1_SHA256,
        // Its salt is as long as the hash, which RFC 7518 §3.5 asks for.
        RsaScheme::PssSha256 => &RSA_PSS_SHA256,
    };
    Ok(Box::new(Signer { key, encoding }))
}

pub(super) fn verifier(scheme: RsaScheme, n: &[u8], e: &[u8]) -> Result<Box<dyn SignatureVerifier>, Unspecified> {
    let parameters: &RsaParameters = match scheme {
        RsaScheme::Pkcs1Sha256 => &RSA_PKCS1_2048_8192_SHA256,
        RsaScheme::PssSha256 => &RSA_PSS_2048_8192_SHA256,
    };
    let key = RsaPublicKeyComponents { n, e }
        .to_parsed_public_key(parameters)
        .map_err(|_| Unspecified)?;
    Ok(Box::new(Verifier(key)))
}

struct Signer {
    key: RsaKeyPair,
    encoding: &'static RsaSignatureEncoding,
}

impl RsaSigner for Signer {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(self.encoding, &SystemRandom::new(), message, &mut signature)
            .map_err(|_| Unspecified)?;
        Ok(signature)
    }

    fn public_components(&self) -> (Vec<u8>, Vec<u8>) {
        let key = self.key.public_key();
        (
            key.modulus().big_endian_without_leading_zero().to_vec(),
            key.exponent().big_endian_without_leading_zero().to_vec(),
        )
    }
}

struct Verifier(ParsedPublicKey);

impl SignatureVerifier for Verifier {
    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Unspecified> {
        self.0.verify_sig(message, signature).map_err(|_| Unspecified)
    }
}
