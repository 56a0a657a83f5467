//! Public-key encryption. Decryption keys and signing keys are different types, so that no key does both.
//!
//! [`RsaEncryptionKey`] wraps short secrets, at most [`oaep_max_message_len`] bytes. Messages of any other length go
//! through [`crate::jwe`], which encrypts them under a content key of their own and wraps that.

mod rsa_oaep;

pub use rsa_oaep::{RsaDecryptionKey, RsaEncryptionKey, oaep_max_message_len};

/// Why a key was refused, or a message neither encrypted nor decrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncryptError {
    /// The bytes are not an RSA private key in PKCS#8 (RFC 5958), or its parts do not belong together.
    #[error("not a usable PKCS#8 RSA private key")]
    InvalidPrivateKey,
    /// The modulus is even, has leading zeros or the mark of CVE-2017-15361, the exponent is not 65537, or the encoding is
    /// not that of a key.
    #[error("not a usable RSA public key")]
    InvalidPublicKey,
    /// The modulus is smaller than 2048 or larger than 4096 bits.
    #[error("RSA modulus of {bits} bits; 2048 to 4096 are accepted")]
    ModulusSize {
        /// The size found.
        bits: usize,
    },
    /// This build of the provider does not decrypt RSA-OAEP: see [`Provider::decrypts_oaep`].
    ///
    /// [`Provider::decrypts_oaep`]: crate::Provider::decrypts_oaep
    #[error("RSA-OAEP decryption is not part of this provider's build")]
    Unsupported,
    /// The message is longer than the key can encrypt.
    #[error("message of {len} bytes; this key encrypts at most {limit}")]
    MessageTooLong {
        /// The length given, in bytes.
        len: usize,
        /// What fits, in bytes.
        limit: usize,
    },
    /// The backend could not make or use the key.
    #[error("the backend could not complete the operation")]
    Backend,
    /// The ciphertext does not decrypt. Whether its length, its padding, the label or the key is wrong is not said:
    /// telling them apart would make a decryption oracle (RFC 8017 §7.1.2).
    #[error("ciphertext does not decrypt")]
    Decrypt,
}
