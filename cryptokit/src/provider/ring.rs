//! ring, with two pure-Rust crates for what it lacks or this project keeps as a second implementation.
//!
//! `rsa` only makes keys here (ring cannot). It signs and decrypts nothing: RUSTSEC-2023-0071 is a timing leak in
//! private-key operations that a network peer can provoke, and no peer can provoke key generation.

use aes_gcm::aead::{AeadInOut, KeyInit};
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair,
    RsaPublicKeyComponents,
};
use ring::{digest, rand};
use rsa::pkcs8::EncodePrivateKey;
use rustls_pki_types::SignatureVerificationAlgorithm;
use webpki::ring as verification;
use zeroize::Zeroizing;

use super::{AeadKey, Backend, P256Signer, RsaSigner, RsaVerifier, Unspecified};

pub(super) struct Ring;

impl Backend for Ring {
    fn name(&self) -> &'static str {
        "ring"
    }

    fn fill_random(&self, destination: &mut [u8]) -> Result<(), Unspecified> {
        SystemRandom::new().fill(destination).map_err(|_| Unspecified)
    }

    fn sha256(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = digest::Context::new(&digest::SHA256);
        for part in parts {
            context.update(part);
        }
        context.finish().as_ref().try_into().expect("SHA-256 gives 32 bytes")
    }

    fn aes_256_gcm(&self, key: &[u8; 32]) -> Box<dyn AeadKey> {
        Box::new(Aes256Gcm(aes_gcm::Aes256Gcm::new(key.into())))
    }

    fn generate_rsa_pkcs8(&self, bits: usize) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
        if !matches!(bits, 2048 | 3072 | 4096) {
            return Err(Unspecified);
        }
        let key = rsa::RsaPrivateKey::new(&mut ProviderRng, bits).map_err(|_| Unspecified)?;
        let document = key.to_pkcs8_der().map_err(|_| Unspecified)?;
        Ok(Zeroizing::new(document.as_bytes().to_vec()))
    }

    fn rsa_signer(&self, pkcs8: &[u8]) -> Result<Box<dyn RsaSigner>, Unspecified> {
        Ok(Box::new(Rsa(RsaKeyPair::from_pkcs8(pkcs8).map_err(|_| Unspecified)?)))
    }

    fn rsa_verifier(&self, n: &[u8], e: &[u8]) -> Result<Box<dyn RsaVerifier>, Unspecified> {
        Ok(Box::new(RsaPublic {
            n: n.to_vec(),
            e: e.to_vec(),
        }))
    }

    fn generate_p256_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new())
            .map_err(|_| Unspecified)?;
        Ok(Zeroizing::new(document.as_ref().to_vec()))
    }

    fn p256_signer(&self, pkcs8: &[u8]) -> Result<Box<dyn P256Signer>, Unspecified> {
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8, &SystemRandom::new())
            .map_err(|_| Unspecified)?;
        Ok(Box::new(P256(key)))
    }

    fn certificate_signature_algorithms(&self) -> &'static [&'static dyn SignatureVerificationAlgorithm] {
        &CERTIFICATE_SIGNATURE_ALGORITHMS
    }

    #[cfg(feature = "tls")]
    fn tls(&self) -> rustls::crypto::CryptoProvider {
        rustls::crypto::ring::default_provider()
    }
}

struct Aes256Gcm(aes_gcm::Aes256Gcm);

impl AeadKey for Aes256Gcm {
    fn seal(&self, nonce: [u8; 12], associated_data: &[u8], buffer: &mut [u8]) -> Result<[u8; 16], Unspecified> {
        self.0
            .encrypt_inout_detached(&nonce.into(), associated_data, buffer.into())
            .map(Into::into)
            .map_err(|_| Unspecified)
    }

    fn open(
        &self,
        nonce: [u8; 12],
        associated_data: &[u8],
        buffer: &mut [u8],
        tag: [u8; 16],
    ) -> Result<(), Unspecified> {
        self.0
            .decrypt_inout_detached(&nonce.into(), associated_data, buffer.into(), &tag.into())
            .map_err(|_| Unspecified)
    }
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

/// ring's generator in the shape the `rsa` crate asks for.
struct ProviderRng;

impl rsa::rand_core::TryRng for ProviderRng {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok(u32::from_le_bytes(random_array()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Ok(u64::from_le_bytes(random_array()))
    }

    fn try_fill_bytes(&mut self, destination: &mut [u8]) -> Result<(), Self::Error> {
        SystemRandom::new()
            .fill(destination)
            .expect("the operating system gives random bytes");
        Ok(())
    }
}

impl rsa::rand_core::TryCryptoRng for ProviderRng {}

/// A key made without randomness would be worse than no key: a failing generator ends the process.
fn random_array<const N: usize>() -> [u8; N]
where
    rand::Random<[u8; N]>: Sized,
    [u8; N]: rand::RandomlyConstructable,
{
    rand::generate(&SystemRandom::new())
        .expect("the operating system gives random bytes")
        .expose()
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
