//! What a backend's parsed keys can do, and the names of the algorithms they may be asked for.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::Unspecified;

/// A hash function of FIPS 180-4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hash {
    /// Broken as a hash; here only where a password is stretched as others did it: under PBKDF2 and in PKCS#12.
    Sha1,
    Sha256,
    Sha512,
}

impl Hash {
    /// Bytes of a digest.
    pub(crate) const fn output_len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    /// Bytes of the blocks that it works through.
    pub(crate) const fn block_len(self) -> usize {
        match self {
            Self::Sha1 | Self::Sha256 => 64,
            Self::Sha512 => 128,
        }
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sha1 => "SHA-1",
            Self::Sha256 => "SHA-256",
            Self::Sha512 => "SHA-512",
        })
    }
}

/// HMAC (RFC 2104) under one key, prepared once.
pub(crate) trait HmacKey: Send + Sync {
    /// The tag over the concatenation of `parts`, as long as the hash's digest.
    fn sign(&self, parts: &[&[u8]]) -> HmacTag;
}

/// An HMAC tag. Often a key or a password's stand-in, therefore wiped.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct HmacTag {
    bytes: [u8; 64],
    len: usize,
}

impl HmacTag {
    /// Takes at most 64 bytes, SHA-512's.
    pub(super) fn new(tag: &[u8]) -> Self {
        let mut bytes = [0; 64];
        bytes[..tag.len()].copy_from_slice(tag);
        Self { bytes, len: tag.len() }
    }
}

impl AsRef<[u8]> for HmacTag {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// AES-GCM (NIST SP 800-38D) under one key; a 96-bit nonce and a 128-bit tag.
pub(crate) trait AeadKey: Send + Sync {
    /// Encrypts `buffer` in place and returns the tag.
    fn seal(&self, nonce: [u8; 12], associated_data: &[u8], buffer: &mut [u8]) -> Result<[u8; 16], Unspecified>;

    /// Encrypts `plaintext` into `ciphertext`, which is as long, and returns the tag.
    fn seal_into(
        &self,
        nonce: [u8; 12],
        associated_data: &[u8],
        plaintext: &[u8],
        ciphertext: &mut [u8],
    ) -> Result<[u8; 16], Unspecified>;

    /// Decrypts `buffer` in place. On failure it holds the ciphertext or zeros, never plaintext.
    fn open(
        &self,
        nonce: [u8; 12],
        associated_data: &[u8],
        buffer: &mut [u8],
        tag: [u8; 16],
    ) -> Result<(), Unspecified>;
}

/// RSAES-OAEP with SHA-256, MGF1 with SHA-256 (RFC 8017 §7.1.1).
pub(crate) trait OaepEncrypter: Send + Sync {
    /// The ciphertext, as long as the modulus. Fails when `message` is longer than the modulus less 66 bytes.
    fn encrypt(&self, label: &[u8], message: &[u8]) -> Result<Vec<u8>, Unspecified>;
}

/// RSAES-OAEP with SHA-256, MGF1 with SHA-256 (RFC 8017 §7.1.2).
pub(crate) trait OaepDecrypter: Send + Sync {
    /// One error for every cause: length, range, first byte, label, separator.
    fn decrypt(&self, label: &[u8], ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unspecified>;

    /// Modulus and exponent, big-endian without leading zeros.
    fn public_components(&self) -> (Vec<u8>, Vec<u8>);
}

/// How RSA signs. The scheme is fixed when a key is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RsaScheme {
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 §8.2): RS256.
    Pkcs1Sha256,
    /// RSASSA-PSS with SHA-256, MGF1 with SHA-256 and a salt of 32 bytes (RFC 8017 §8.1, RFC 7518 §3.5): PS256.
    PssSha256,
}

/// An RSA private key that signs by one scheme.
pub(crate) trait RsaSigner: Send + Sync {
    /// The signature, as long as the modulus.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Unspecified>;

    /// Modulus and exponent, big-endian without leading zeros.
    fn public_components(&self) -> (Vec<u8>, Vec<u8>);
}

/// A public key that verifies signatures by one scheme.
pub(crate) trait SignatureVerifier: Send + Sync {
    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Unspecified>;
}

/// A NIST curve, with the hash of its size: SHA-256 on P-256, SHA-384 on P-384 (FIPS 186-5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Curve {
    P256,
    P384,
}

impl Curve {
    /// Bytes of a coordinate.
    pub(crate) const fn field_len(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
        }
    }

    /// SEC 1 §2.3.3: 0x04, x, y. Says nothing about being on the curve.
    pub(super) fn check_uncompressed(self, point: &[u8]) -> Result<(), Unspecified> {
        (point.len() == 1 + 2 * self.field_len() && point[0] == 4)
            .then_some(())
            .ok_or(Unspecified)
    }
}

/// How an ECDSA signature is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EcdsaEncoding {
    /// DER `Ecdsa-Sig-Value` (RFC 5480 §2.2.3): certificates.
    Asn1,
    /// r ‖ s, each as long as the field (RFC 7518 §3.4): JWS.
    Fixed,
}

/// An EC private key that signs by ECDSA.
pub(crate) trait EcSigner: Send + Sync {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Unspecified>;

    /// The public point, uncompressed (SEC 1 §2.3.3).
    fn public_point(&self) -> &[u8];
}

/// An Ed25519 private key (RFC 8032 §5.1).
pub(crate) trait Ed25519Signer: Send + Sync {
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], Unspecified>;

    fn public_key(&self) -> [u8; 32];
}
