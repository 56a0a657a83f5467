//! The only door to a cryptographic backend.
//!
//! Every primitive in this crate runs on a [`Provider`]. Two exist, chosen by feature: `aws-lc` (the default) and
//! `ring`. Both may be compiled in and used side by side in one process; the cross-check tests do exactly that.
//! Outside this module no code names a backend crate.

#[cfg(test)]
mod agreement;
#[cfg(feature = "aws-lc")]
mod aws_lc;
#[cfg(test)]
mod known_answers;
mod operations;
#[cfg(feature = "ring")]
mod ring;
#[cfg(feature = "tls")]
mod tls;
#[cfg(test)]
mod wycheproof;

use std::fmt;
use std::num::NonZeroU32;

use rustls_pki_types::SignatureVerificationAlgorithm;
use zeroize::Zeroizing;

pub(crate) use operations::{
    AeadKey, Curve, EcSigner, EcdsaEncoding, Ed25519Signer, Hash, HmacKey, HmacTag, OaepDecrypter, OaepEncrypter,
    RsaScheme, RsaSigner, SignatureVerifier,
};

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

    /// `ring`, with `aes-gcm` for AES-GCM and `rsa` for RSA key generation and RSA-OAEP.
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

    /// Whether this provider opens RSA-OAEP: AWS-LC always, ring only with the feature `ring-oaep-decrypt`.
    ///
    /// # Security
    ///
    /// ring has no OAEP, and the `rsa` crate that stands in for it leaks the private key through the time an operation
    /// takes (RUSTSEC-2023-0071, the Marvin attack). Turn the feature on for tools that decrypt at rest, never where a
    /// network peer can send ciphertexts and time the answer.
    pub fn decrypts_oaep(self) -> bool {
        self.0.decrypts_oaep()
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

    /// FIPS 180-4 SHA-1, for telling what others' key identifiers are made of. Those are names; nobody gains by two keys
    /// of one name.
    fn sha1_of_key_identifiers(&self, message: &[u8]) -> [u8; 20];

    /// FIPS 180-4 SHA-256 over the concatenation of `parts`.
    fn sha256(&self, parts: &[&[u8]]) -> [u8; 32];

    /// FIPS 180-4 SHA-512 over the concatenation of `parts`.
    fn sha512(&self, parts: &[&[u8]]) -> [u8; 64];

    /// A hash of FIPS 180-4 over the concatenation of `parts`, into `out`, which is as long as the digest: where digests
    /// are secret and many.
    fn digest(&self, hash: Hash, parts: &[&[u8]], out: &mut [u8]);

    /// A key for HMAC (RFC 2104). Any length; longer than the hash's block is hashed first.
    fn hmac(&self, hash: Hash, key: &[u8]) -> Box<dyn HmacKey>;

    /// HKDF-Extract (RFC 5869 §2.2), for the vectors: every key here is uniform already and is expanded only.
    #[cfg(test)]
    fn hkdf_extract(&self, hash: Hash, salt: &[u8], input_key: &[u8]) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.hmac(hash, salt).sign(&[input_key]).as_ref().to_vec())
    }

    /// HKDF-Expand (RFC 5869 §2.3) with the concatenation of `info`, which the caller makes unambiguous.
    ///
    /// Panics when `prk` is longer than 64 bytes or `out` longer than 255 digests: neither length may come from
    /// outside.
    fn hkdf_expand(&self, hash: Hash, prk: &[u8], info: &[&[u8]], out: &mut [u8]);

    /// PBKDF2 (RFC 8018 §5.2) with HMAC. Costs `iterations` × ⌈`out` / digest⌉ tags: bound both before calling.
    fn pbkdf2(&self, hash: Hash, password: &[u8], salt: &[u8], iterations: NonZeroU32, out: &mut [u8]);

    /// AES-GCM with a key of 16, 24 or 32 bytes; any other length is refused.
    fn aes_gcm(&self, key: &[u8]) -> Result<Box<dyn AeadKey>, Unspecified>;

    /// An RSA key with exponent 65537 as PKCS#8 DER.
    fn generate_rsa_pkcs8(&self, bits: usize) -> Result<Zeroizing<Vec<u8>>, Unspecified>;

    /// A two-prime key in PKCS#8 DER; the caller checks the size and the exponent of its public half.
    fn rsa_signer(&self, scheme: RsaScheme, pkcs8: &[u8]) -> Result<Box<dyn RsaSigner>, Unspecified>;

    /// `n` and `e` are big-endian without leading zeros; the caller has checked their sizes.
    fn rsa_verifier(&self, scheme: RsaScheme, n: &[u8], e: &[u8]) -> Result<Box<dyn SignatureVerifier>, Unspecified>;

    /// RSAES-OAEP with SHA-256 (RFC 8017 §7.1) to a modulus of 2048 to 8192 bits; `n` and `e` as for
    /// [`Self::rsa_verifier`].
    fn oaep_encrypter(&self, n: &[u8], e: &[u8]) -> Result<Box<dyn OaepEncrypter>, Unspecified>;

    /// Whether [`Self::oaep_decrypter`] takes keys at all.
    fn decrypts_oaep(&self) -> bool;

    /// A two-prime key of 2048 to 8192 bits in PKCS#8 DER. Every key is refused by a backend that does not decrypt.
    fn oaep_decrypter(&self, pkcs8: &[u8]) -> Result<Box<dyn OaepDecrypter>, Unspecified>;

    /// An EC key as PKCS#8 DER (RFC 5915, RFC 5958), with its public half.
    fn generate_ec_pkcs8(&self, curve: Curve) -> Result<Zeroizing<Vec<u8>>, Unspecified>;

    /// A key of that curve in PKCS#8 DER, with its public half (ring asks for it).
    fn ec_signer(&self, curve: Curve, encoding: EcdsaEncoding, pkcs8: &[u8]) -> Result<Box<dyn EcSigner>, Unspecified>;

    /// `point` is uncompressed (SEC 1 §2.3.3) and refused when it is not on the curve.
    fn ec_verifier(
        &self,
        curve: Curve,
        encoding: EcdsaEncoding,
        point: &[u8],
    ) -> Result<Box<dyn SignatureVerifier>, Unspecified>;

    /// An Ed25519 key as PKCS#8 DER version 1, 48 bytes (RFC 8410 §7).
    fn generate_ed25519_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, Unspecified>;

    /// PKCS#8 DER of version 1, or of version 2 with the public half, which is then checked.
    fn ed25519_signer(&self, pkcs8: &[u8]) -> Result<Box<dyn Ed25519Signer>, Unspecified>;

    /// Bytes that are no point verify nothing; they need not be refused here.
    fn ed25519_verifier(&self, public_key: &[u8; 32]) -> Result<Box<dyn SignatureVerifier>, Unspecified>;

    /// What certificate path building may use: ECDSA P-256/P-384, Ed25519, RSA from 2048 bits.
    fn certificate_signature_algorithms(&self) -> &'static [&'static dyn SignatureVerificationAlgorithm];

    #[cfg(feature = "tls")]
    fn tls(&self) -> rustls::crypto::CryptoProvider;
}
