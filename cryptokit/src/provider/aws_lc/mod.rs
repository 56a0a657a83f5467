//! AWS-LC.

mod aead;
mod digest;
mod ec;
mod ed25519;
mod oaep;
mod pkcs8;
mod rsa;

use std::num::NonZeroU32;

use rustls_pki_types::SignatureVerificationAlgorithm;
use webpki::aws_lc_rs as verification;
use zeroize::Zeroizing;

use super::{
    AeadKey, Backend, Curve, EcSigner, EcdsaEncoding, Ed25519Signer, Hash, HmacKey, OaepDecrypter, OaepEncrypter,
    RsaScheme, RsaSigner, SignatureVerifier, Unspecified,
};

pub(super) struct AwsLc;

impl Backend for AwsLc {
    fn name(&self) -> &'static str {
        "aws-lc"
    }

    fn fill_random(&self, destination: &mut [u8]) -> Result<(), Unspecified> {
        // Not AWS-LC's own generator, whose state is the process's: two copies of a virtual machine would go on with the
        // same numbers (docs/adr/0016-seeds-from-the-operating-system.md).
        getrandom::fill(destination).map_err(|_| Unspecified)
    }

    fn sha1_of_key_identifiers(&self, message: &[u8]) -> [u8; 20] {
        digest::sha1_of_key_identifiers(message)
    }

    fn sha256(&self, parts: &[&[u8]]) -> [u8; 32] {
        digest::sha256(parts)
    }

    fn sha512(&self, parts: &[&[u8]]) -> [u8; 64] {
        digest::sha512(parts)
    }

    fn digest(&self, hash: Hash, parts: &[&[u8]], out: &mut [u8]) {
        digest::digest(hash, parts, out);
    }

    fn hmac(&self, hash: Hash, key: &[u8]) -> Box<dyn HmacKey> {
        digest::hmac(hash, key)
    }

    fn hkdf_expand(&self, hash: Hash, prk: &[u8], info: &[&[u8]], out: &mut [u8]) {
        digest::hkdf_expand(hash, prk, info, out);
    }

    fn pbkdf2(&self, hash: Hash, password: &[u8], salt: &[u8], iterations: NonZeroU32, out: &mut [u8]) {
        digest::pbkdf2(hash, password, salt, iterations, out);
    }

    fn aes_gcm(&self, key: &[u8]) -> Result<Box<dyn AeadKey>, Unspecified> {
        aead::aes_gcm(key)
    }

    fn generate_rsa_pkcs8(&self, bits: usize) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
        rsa::generate_pkcs8(bits)
    }

    fn rsa_signer(&self, scheme: RsaScheme, pkcs8: &[u8]) -> Result<Box<dyn RsaSigner>, Unspecified> {
        rsa::signer(scheme, pkcs8)
    }

    fn rsa_verifier(&self, scheme: RsaScheme, n: &[u8], e: &[u8]) -> Result<Box<dyn SignatureVerifier>, Unspecified> {
        rsa::verifier(scheme, n, e)
    }

    fn oaep_encrypter(&self, n: &[u8], e: &[u8]) -> Result<Box<dyn OaepEncrypter>, Unspecified> {
        oaep::encrypter(n, e)
    }

    fn decrypts_oaep(&self) -> bool {
        true
    }

    fn oaep_decrypter(&self, pkcs8: &[u8]) -> Result<Box<dyn OaepDecrypter>, Unspecified> {
        oaep::decrypter(pkcs8)
    }

    fn generate_ec_pkcs8(&self, curve: Curve) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
        ec::generate_pkcs8(curve)
    }

    fn ec_signer(&self, curve: Curve, encoding: EcdsaEncoding, pkcs8: &[u8]) -> Result<Box<dyn EcSigner>, Unspecified> {
        ec::signer(curve, encoding, pkcs8)
    }

    fn ec_verifier(
        &self,
        curve: Curve,
        encoding: EcdsaEncoding,
        point: &[u8],
    ) -> Result<Box<dyn SignatureVerifier>, Unspecified> {
        ec::verifier(curve, encoding, point)
    }

    fn generate_ed25519_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
        ed25519::generate_pkcs8()
    }

    fn ed25519_signer(&self, pkcs8: &[u8]) -> Result<Box<dyn Ed25519Signer>, Unspecified> {
        ed25519::signer(pkcs8)
    }

    fn ed25519_verifier(&self, public_key: &[u8; 32]) -> Result<Box<dyn SignatureVerifier>, Unspecified> {
        ed25519::verifier(public_key)
    }

    fn certificate_signature_algorithms(&self) -> &'static [&'static dyn SignatureVerificationAlgorithm] {
        &CERTIFICATE_SIGNATURE_ALGORITHMS
    }

    #[cfg(feature = "tls")]
    fn tls(&self) -> rustls::crypto::CryptoProvider {
        rustls::crypto::aws_lc_rs::default_provider()
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
