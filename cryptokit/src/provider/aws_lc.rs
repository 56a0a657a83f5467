//! AWS-LC.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_SHA256, RsaKeyPair, RsaPublicKeyComponents,
};
use aws_lc_rs::{digest, rand};
use rustls_pki_types::SignatureVerificationAlgorithm;
use webpki::aws_lc_rs as verification;
use zeroize::Zeroizing;

use super::{AeadKey, Backend, P256Signer, RsaSigner, RsaVerifier, Unspecified};

pub(super) struct AwsLc;

impl Backend for AwsLc {
    fn name(&self) -> &'static str {
        "aws-lc"
    }

    fn fill_random(&self, destination: &mut [u8]) -> Result<(), Unspecified> {
        rand::fill(destination).map_err(|_| Unspecified)
    }

    fn sha256(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = digest::Context::new(&digest::SHA256);
        for part in parts {
            context.update(part);
        }
        context.finish().as_ref().try_into().expect("SHA-256 gives 32 bytes")
    }

    fn aes_256_gcm(&self, key: &[u8; 32]) -> Box<dyn AeadKey> {
        let key = UnboundKey::new(&AES_256_GCM, key).expect("AES-256 takes 32 bytes");
        Box::new(Aes256Gcm(LessSafeKey::new(key)))
    }

    fn generate_rsa_pkcs8(&self, bits: usize) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
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

    fn rsa_signer(&self, pkcs8: &[u8]) -> Result<Box<dyn RsaSigner>, Unspecified> {
        Ok(Box::new(Rsa(RsaKeyPair::from_pkcs8(pkcs8).map_err(|_| Unspecified)?)))
    }

    fn rsa_verifier(&self, n: &[u8], e: &[u8]) -> Result<Box<dyn RsaVerifier>, Unspecified> {
        let key = RsaPublicKeyComponents { n, e }
            .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
            .map_err(|_| Unspecified)?;
        Ok(Box::new(RsaPublic(key)))
    }

    fn generate_p256_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new())
            .map_err(|_| Unspecified)?;
        Ok(Zeroizing::new(document.as_ref().to_vec()))
    }

    fn p256_signer(&self, pkcs8: &[u8]) -> Result<Box<dyn P256Signer>, Unspecified> {
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8).map_err(|_| Unspecified)?;
        Ok(Box::new(P256(key)))
    }

    fn certificate_signature_algorithms(&self) -> &'static [&'static dyn SignatureVerificationAlgorithm] {
        &CERTIFICATE_SIGNATURE_ALGORITHMS
    }

    #[cfg(feature = "tls")]
    fn tls(&self) -> rustls::crypto::CryptoProvider {
        rustls::crypto::aws_lc_rs::default_provider()
    }
}

struct Aes256Gcm(LessSafeKey);

impl AeadKey for Aes256Gcm {
    fn seal(&self, nonce: [u8; 12], associated_data: &[u8], buffer: &mut [u8]) -> Result<[u8; 16], Unspecified> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self
            .0
            .seal_in_place_separate_tag(nonce, Aad::from(associated_data), buffer)
            .map_err(|_| Unspecified)?;
        tag.as_ref().try_into().map_err(|_| Unspecified)
    }

    fn open(
        &self,
        nonce: [u8; 12],
        associated_data: &[u8],
        buffer: &mut [u8],
        tag: [u8; 16],
    ) -> Result<(), Unspecified> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.0
            .open_in_place_separate_tag(nonce, Aad::from(associated_data), &tag, buffer)
            .map(|_| ())
            .map_err(|_| Unspecified)
    }
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

static CERTIFICATE_SIGNATURE_ALGORITHMS: [&dyn SignatureVerificationAlgorithm; 8] = [
    verification::ECDSA_P256_SHA256,
    verification::ECDSA_P256_SHA384,
    verification::ECDSA_P384_SHA256,
    verification::ECDSA_P384_SHA384,
    verification::ED25519,
    verification::RSA_PKCS1_2048_8192_SHA256,
    verification::RSA_PKCS1_2048_8192_SHA384,
    verification::RSA_PKCS1_2048_8192_SHA512,
];
