//! The only door to a cryptographic backend.
//!
//! Every primitive in this crate runs on a [`Provider`]. Two exist, chosen by feature: `aws-lc` (the default) and
//! `ring`. Both may be compiled in and used side by side in one process; the cross-check tests do exactly that.
//! Outside this module no code names a backend crate.

#[cfg(feature = "aws-lc")]
mod aws_lc;
#[cfg(feature = "ring")]
mod ring;
#[cfg(feature = "tls")]
mod tls;

use std::fmt;

use rustls_pki_types::SignatureVerificationAlgorithm;
use zeroize::Zeroizing;

#[cfg(not(any(feature = "aws-lc", feature = "ring")))]
compile_error!("cryptokit needs a backend: enable the feature `aws-lc` (default) or `ring`");

/// A cryptographic backend, cheap to copy.
///
/// [`Provider::default`] is AWS-LC when the feature `aws-lc` is on, otherwise ring.
#[derive(Clone, Copy)]
pub struct Provider(&'static dyn Backend);

impl Provider {
    /// AWS-LC through `aws-lc-rs`.
    #[cfg(feature = "aws-lc")]
    pub const fn aws_lc() -> Self {
        Self(&aws_lc::AwsLc)
    }

    /// `ring`, with `aes-gcm` for AES-GCM and `rsa` for RSA key generation.
    #[cfg(feature = "ring")]
    pub const fn ring() -> Self {
        Self(&ring::Ring)
    }

    /// Every provider compiled in, the default first.
    pub fn all() -> Vec<Self> {
        vec![
            #[cfg(feature = "aws-lc")]
            Self::aws_lc(),
            #[cfg(feature = "ring")]
            Self::ring(),
        ]
    }

    /// The backend's name: `aws-lc` or `ring`.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    pub(crate) fn backend(self) -> &'static dyn Backend {
        self.0
    }
}

impl Default for Provider {
    #[cfg(feature = "aws-lc")]
    fn default() -> Self {
        Self::aws_lc()
    }

    #[cfg(all(feature = "ring", not(feature = "aws-lc")))]
    fn default() -> Self {
        Self::ring()
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Provider").field(&self.name()).finish()
    }
}

/// A backend failed or refused, and saying why would help nobody but an attacker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unspecified;

/// What a backend supplies. Keys come back parsed, so that no operation parses twice.
pub(crate) trait Backend: Send + Sync {
    fn name(&self) -> &'static str;

    fn fill_random(&self, destination: &mut [u8]) -> Result<(), Unspecified>;

    /// FIPS 180-4 SHA-256 over the concatenation of `parts`.
    fn sha256(&self, parts: &[&[u8]]) -> [u8; 32];

    fn aes_256_gcm(&self, key: &[u8; 32]) -> Box<dyn AeadKey>;

    /// An RSA key with exponent 65537 as PKCS#8 DER.
    fn generate_rsa_pkcs8(&self, bits: usize) -> Result<Zeroizing<Vec<u8>>, Unspecified>;

    fn rsa_signer(&self, pkcs8: &[u8]) -> Result<Box<dyn RsaSigner>, Unspecified>;

    /// `n` and `e` are big-endian without leading zeros; the caller has checked their sizes.
    fn rsa_verifier(&self, n: &[u8], e: &[u8]) -> Result<Box<dyn RsaVerifier>, Unspecified>;

    fn generate_p256_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, Unspecified>;

    fn p256_signer(&self, pkcs8: &[u8]) -> Result<Box<dyn P256Signer>, Unspecified>;

    /// What certificate path building may use: ECDSA P-256/P-384, Ed25519, RSA from 2048 bits.
    fn certificate_signature_algorithms(&self) -> &'static [&'static dyn SignatureVerificationAlgorithm];

    #[cfg(feature = "tls")]
    fn tls(&self) -> rustls::crypto::CryptoProvider;
}

/// AES-256-GCM under one key; a 96-bit nonce and a 128-bit tag.
pub(crate) trait AeadKey: Send + Sync {
    /// Encrypts `buffer` in place and returns the tag.
    fn seal(&self, nonce: [u8; 12], associated_data: &[u8], buffer: &mut [u8]) -> Result<[u8; 16], Unspecified>;

    /// Decrypts `buffer` in place. On failure `buffer` holds nothing of use.
    fn open(
        &self,
        nonce: [u8; 12],
        associated_data: &[u8],
        buffer: &mut [u8],
        tag: [u8; 16],
    ) -> Result<(), Unspecified>;
}

/// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 §8.2).
pub(crate) trait RsaSigner: Send + Sync {
    fn sign_pkcs1_sha256(&self, message: &[u8]) -> Result<Vec<u8>, Unspecified>;

    /// Modulus and exponent, big-endian without leading zeros.
    fn public_components(&self) -> (Vec<u8>, Vec<u8>);
}

/// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 §8.2).
pub(crate) trait RsaVerifier: Send + Sync {
    fn verify_pkcs1_sha256(&self, message: &[u8], signature: &[u8]) -> Result<(), Unspecified>;
}

/// ECDSA on P-256 with SHA-256; signatures are DER (RFC 5480, FIPS 186-5).
pub(crate) trait P256Signer: Send + Sync {
    fn sign_asn1(&self, message: &[u8]) -> Result<Vec<u8>, Unspecified>;

    /// The public point, uncompressed (SEC 1 §2.3.3), 65 bytes.
    fn public_point(&self) -> &[u8];
}
