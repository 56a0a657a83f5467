//! Signature keys. The algorithm belongs to the key, never to the message.

mod ecdsa;
mod rsa;

pub use ecdsa::P256SigningKey;
pub use rsa::{RsaKeySize, RsaSigningKey, RsaVerifyingKey};

/// Why a key or a signature was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The bytes are not a private key of the asked type in PKCS#8 (RFC 5958).
    #[error("not a usable PKCS#8 private key of this type")]
    InvalidPrivateKey,
    /// The modulus or the exponent of a public key is not acceptable.
    #[error("not a usable RSA public key")]
    InvalidPublicKey,
    /// The modulus is smaller than 2048 or larger than 4096 bits.
    #[error("RSA modulus of {bits} bits; 2048 to 4096 are accepted")]
    ModulusSize {
        /// The size found.
        bits: usize,
    },
    /// The backend could not make or use the key.
    #[error("the backend could not complete the operation")]
    Backend,
    /// The signature is not this key's over this message.
    #[error("signature does not verify")]
    InvalidSignature,
}
