//! Signature keys. The algorithm belongs to the key, never to the message.
//!
//! | signing key | scheme | for |
//! | --- | --- | --- |
//! | [`RsaSigningKey`] | RSASSA-PKCS1-v1_5, SHA-256 | tokens (RS256) |
//! | [`RsaPssSigningKey`] | RSASSA-PSS, SHA-256 | tokens (PS256) |
//! | [`Es256SigningKey`] | ECDSA, P-256, SHA-256, r ‖ s | tokens (ES256) |
//! | [`Ed25519SigningKey`] | Ed25519 | tokens (EdDSA), the revocation feed |
//! | [`P256SigningKey`] | ECDSA, P-256, SHA-256, DER | certificates |
//! | [`P384SigningKey`] | ECDSA, P-384, SHA-384, DER | certificates |
//!
//! All are one type, [`SigningKey`], over a scheme; their public halves are [`VerifyingKey`]s.

mod ecdsa;
mod ed25519;
mod key;
mod rsa;
mod scheme;

pub use ecdsa::{
    Ecdsa, Es256SigningKey, Es256VerifyingKey, P256Asn1, P256Fixed, P256SigningKey, P256VerifyingKey, P384Asn1,
    P384SigningKey, P384VerifyingKey,
};
pub use ed25519::{Ed25519, Ed25519SigningKey, Ed25519VerifyingKey};
pub use key::{SigningKey, VerifyingKey};
pub use rsa::{Pkcs1, Pss, Rsa, RsaKeySize, RsaPssSigningKey, RsaPssVerifyingKey, RsaSigningKey, RsaVerifyingKey};
pub use scheme::Scheme;

/// Why a key or a signature was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The bytes are not a private key of the asked type in PKCS#8 (RFC 5958).
    #[error("not a usable PKCS#8 private key of this type")]
    InvalidPrivateKey,
    /// The numbers of a public key are not acceptable.
    #[error("not a usable public key")]
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
