//! Why a key was not read or written.

use super::jwk::MAX_JWK_BYTES;
use super::pbes2::{MAX_PBKDF2_ITERATIONS, MAX_SCRYPT_MEMORY_BYTES, MAX_SCRYPT_WORK};
use super::private_key::MAX_KEY_DER_BYTES;
use crate::encoding::pem::PemSyntaxError;
use crate::sign::SignError;

/// Why a key was not read or written. No variant holds any of the key or of the passphrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFormatError {
    /// The text is not PEM.
    #[error("not a PEM file")]
    Pem(#[from] PemSyntaxError),
    /// No PEM block at all.
    #[error("no PEM block")]
    NoBlock,
    /// A second PEM block, where exactly one is read.
    #[error("line {line}: a second block; a file with one key and nothing else is expected")]
    SecondBlock {
        /// Line number, from 1.
        line: usize,
    },
    /// A PEM block of another kind.
    #[error("line {line}: a block of another kind than {expected}")]
    UnexpectedLabel {
        /// Line number, from 1.
        line: usize,
        /// The labels that are read.
        expected: &'static str,
    },
    /// Longer than [`MAX_KEY_DER_BYTES`] or [`MAX_JWK_BYTES`].
    #[error("{bytes} bytes; at most {MAX_KEY_DER_BYTES} are read as DER and {MAX_JWK_BYTES} as JWK")]
    TooLarge {
        /// The size found.
        bytes: usize,
    },
    /// Not the structure that its form, or the label of its PEM block, asks for; or bytes after it.
    #[error("not a key in the form expected")]
    Malformed,
    /// The key is encrypted and no passphrase was given.
    #[error("the key is encrypted; its passphrase is needed")]
    Encrypted,
    /// A passphrase was given for a key that is not encrypted.
    #[error("the key is not encrypted, although a passphrase was given for it")]
    NotEncrypted,
    /// The passphrase is empty.
    #[error("an empty passphrase")]
    EmptyPassphrase,
    /// Wrong passphrase or damaged file: the two cannot be told apart.
    #[error("wrong passphrase, or a damaged file")]
    Passphrase,
    /// OpenSSL's traditional encryption in PEM headers: one round of MD5, which anybody can search through.
    #[error(
        "traditional PEM encryption (Proc-Type: 4,ENCRYPTED) is not read: its key comes from one MD5; \
         convert the file with: openssl pkcs8 -topk8 -v2 aes-256-cbc -iter 600000"
    )]
    TraditionalEncryption,
    /// An encryption that is not read because it is broken or unknown.
    #[error(
        "a key encrypted with {scheme} is not read; convert it with: openssl pkcs8 -topk8 -v2 aes-256-cbc -iter 600000"
    )]
    UnsupportedEncryption {
        /// Its name.
        scheme: &'static str,
    },
    /// More work to open than [`MAX_PBKDF2_ITERATIONS`], [`MAX_SCRYPT_MEMORY_BYTES`] or [`MAX_SCRYPT_WORK`] allow.
    /// Nothing was computed.
    #[error(
        "an encrypted key that is too costly to open: at most {MAX_PBKDF2_ITERATIONS} PBKDF2 iterations, or \
         {MAX_SCRYPT_MEMORY_BYTES} bytes and N·r·p = {MAX_SCRYPT_WORK} of scrypt"
    )]
    TooCostly,
    /// A key of another kind than RSA, EC on P-256 or P-384, and Ed25519.
    #[error("a key of an unsupported algorithm or curve")]
    UnsupportedAlgorithm,
    /// An EC private key without its public half, or with a compressed one.
    #[error("the EC key lacks its uncompressed public half; openssl ec -conv_form uncompressed writes it")]
    MissingPublicKey,
    /// An RSA private key of more than two primes, or a JWK without its primes.
    #[error("an RSA private key must have exactly two primes and its CRT values")]
    RsaPrimes,
    /// The halves of the key do not belong together.
    #[error("the key is inconsistent: its halves do not belong together")]
    Inconsistent,
    /// A private key where a public one was expected: it may have leaked.
    #[error("a private key where a public one is expected")]
    UnexpectedPrivateKey,
    /// A public key where a private one was expected.
    #[error("a public key where a private one is expected")]
    UnexpectedPublicKey,
    /// The public half is not acceptable.
    #[error("not an acceptable public key")]
    PublicKey(#[source] SignError),
}
