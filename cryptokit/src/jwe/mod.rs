//! Messages of any length to holders of RSA keys: JWE (RFC 7516) with RSA-OAEP-256 (RFC 7518 §4.3) and A256GCM (§5.3).
//!
//! Any JOSE library opens what is made here, and the other way round. One random content key encrypts the message; that
//! key is wrapped once for each recipient. Compact serialization is for one recipient, the general JSON form for one
//! or several.
//!
//! ```
//! use cryptokit::encrypt::RsaDecryptionKey;
//! use cryptokit::jwe::{JweDecrypter, JweEncrypter, Recipient};
//! use cryptokit::keyset::Keyset;
//! use cryptokit::sign::RsaKeySize;
//! # if !cryptokit::Provider::default().decrypts_oaep() { return Ok(()) }
//!
//! let key = RsaDecryptionKey::generate(RsaKeySize::Bits2048)?;
//! let recipient = Recipient::new(key.encryption_key()?);
//!
//! let message = JweEncrypter::new(recipient).encrypt_compact(b"the plan")?;
//!
//! let decrypter = JweDecrypter::new(Keyset::new("mail", key)).require_commitment();
//! assert_eq!(decrypter.decrypt_compact(&message)?.plaintext.expose_secret(), b"the plan");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it does not do
//!
//! **The envelope is anonymous.** Whoever has the public key can make a message, and the tag says only that it is whole.
//! Where the sender matters, sign first and encrypt the signature with the message: [`SignedEncrypter`] does so and
//! names the recipients inside what is signed, so that a recipient cannot pass the message on as if it had been meant
//! for somebody else. A signed token inside ([`cty`](JweEncrypter::content_type) `JWT`, RFC 7519 §5.2) is bound in the same
//! way by its `aud`.
//!
//! It does not hide the length, does not stop replay, and offers no forward secrecy: whoever gets the private key opens
//! every message ever made for it.
//!
//! # Key commitment
//!
//! AES-GCM does not commit to its key: somebody who knows two content keys can make one ciphertext that opens under
//! both, to different messages, and hand each recipient the other key. Messages made here therefore carry the protected
//! header member `cryptokit-commitment`:
//!
//! ```text
//! base64url(HKDF-Expand-SHA-256(PRK = content key, info = "cryptokit JWE key commitment v1" ‖ 0x00 ‖ "A256GCM", L = 32))
//! ```
//!
//! Finding two 32-byte content keys with the same commitment means finding a collision of HMAC-SHA-256 over keys, about
//! 2¹²⁸ work. The expansion under its own label says nothing about the content key to who does not have it, on the usual
//! assumption that AES-256 and HMAC-SHA-256 do not interact (RFC 5869 §3.3 covers a key that is uniform already). Other
//! libraries ignore the member (RFC 7516 §4); ours checks it whenever it is there, and
//! [`require_commitment`](JweDecrypter::require_commitment) refuses a message without it.
//!
//! Its limits: it commits to the content key alone. A sender who knows that key can still make two messages with the same
//! tag, as with any GCM; it does not say who the sender is; and a recipient whose wrapped key was damaged learns only
//! that the message does not open.
//!
//! # One error
//!
//! Everything that can go wrong after the form was found good is [`JweError::Open`]: unknown or revoked key, wrapping that
//! does not open, content key of the wrong length, tag, commitment. A wrapping that does not open is replaced by a random
//! content key, and the message then fails at its tag, on the same path (RFC 7516 §11.5). A message that names no key of
//! the set costs one private operation as well, on a stand-in. To learn why the *form* of a message is refused, ask
//! [`inspect`], which needs no key and therefore can tell no secret.
//!
//! # Bounds
//!
//! Plaintext 64 MiB ([`MAX_PLAINTEXT_LEN`]): it must be in memory whole before a byte of it may be released. Files go
//! through a stream whose key travels in a [`FileHeader`]. Protected header 8 KiB, 32 recipients, text
//! [`MAX_TEXT_LEN`]; all checked before anything is decoded. Opening takes about the text and two times the plaintext in memory.

mod compact;
mod content;
mod decrypter;
mod encrypter;
mod file_header;
mod general;
mod header;
mod inspect;
mod recipient;
mod signed;
#[cfg(test)]
mod two_keys;

pub use decrypter::{Decrypted, JweDecrypter};
pub use encrypter::JweEncrypter;
pub use file_header::{FileHeader, FileHeaderError};
pub use inspect::{Inspection, Serialization, inspect};
pub use recipient::{Recipient, RecipientError};
pub use signed::{SignedDecrypter, SignedEncrypter, SignedError, SignedMessage};

/// Longest plaintext in bytes: 64 MiB.
pub const MAX_PLAINTEXT_LEN: usize = 64 << 20;

/// Most recipients of one message.
pub const MAX_RECIPIENTS: usize = 32;

/// Longest protected header in bytes, decoded.
pub const MAX_HEADER_LEN: usize = 8 * 1024;

/// Longest accepted message in bytes of text: the longest ciphertext in base64url, and 128 KiB for the rest.
pub const MAX_TEXT_LEN: usize = (MAX_PLAINTEXT_LEN * 4).div_ceil(3) + 128 * 1024;

/// The one key management algorithm (RFC 7518 §4.3).
const ALGORITHM: &str = "RSA-OAEP-256";
/// The one content encryption algorithm (RFC 7518 §5.3).
const CONTENT_ENCRYPTION: &str = "A256GCM";

/// Why a message was not made or not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JweError {
    /// The plaintext is longer than [`MAX_PLAINTEXT_LEN`].
    #[error("plaintext of {len} bytes; at most {MAX_PLAINTEXT_LEN} are encrypted")]
    PlaintextTooLong {
        /// The length given, in bytes.
        len: usize,
    },
    /// Compact serialization is for exactly one recipient, the JSON form for at most [`MAX_RECIPIENTS`], no two with
    /// the same key id.
    #[error("{count} recipients, or two with the same key id, do not fit this serialization")]
    Recipients {
        /// How many were given.
        count: usize,
    },
    /// Long associated data or key ids would make the message longer than [`MAX_TEXT_LEN`], or the header of a file
    /// longer than [`FileHeader::MAX_LEN`]: nobody would read it.
    #[error("message would be longer than is read")]
    TextTooLong,
    /// Associated data has a place in the JSON form only (RFC 7516 §7.1).
    #[error("compact serialization carries no associated data")]
    AssociatedData,
    /// `typ` or `cty` is empty, longer than 127 bytes or not visible ASCII.
    #[error("not a media type")]
    MediaType,
    /// The backend could not encrypt.
    #[error("the backend could not complete the operation")]
    Backend,
    /// The message does not open. Nothing is said about the cause.
    #[error("message does not open")]
    Open,
}

/// Why the form of a message is refused. Depends on the text alone, never on a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JweFormError {
    /// Longer than [`MAX_TEXT_LEN`], or a part of it longer than it can be.
    #[error("message or a part of it is too long")]
    TooLong,
    /// Neither five parts of canonical base64url (RFC 7516 §7.1) nor the general JSON form (§7.2.1).
    #[error("neither a compact nor a general JSON JWE")]
    Malformed,
    /// A header is not a JSON object with unique members of the right types, or stands at the wrong place: `enc`, `typ`
    /// and `cty` must be protected, and no member may be in two headers at once (RFC 7516 §7.2.1).
    #[error("header has missing, duplicate, mistyped or misplaced members")]
    Header,
    /// A header has one of `zip`, `crit`, `epk`, `apu`, `apv`, `iv`, `tag`, `p2s`, `p2c`, `jku`, `jwk`, `x5u`, `x5c`,
    /// `x5t`, `x5t#S256`, `b64`: compression, extensions, other algorithms' parameters, and keys that the sender would
    /// choose.
    #[error("header has a member that is refused")]
    RefusedMember,
    /// `alg` is not RSA-OAEP-256.
    #[error("key management algorithm is not RSA-OAEP-256")]
    Algorithm,
    /// `enc` is not A256GCM.
    #[error("content encryption algorithm is not A256GCM")]
    ContentEncryption,
    /// The initialization vector has not 12 bytes, the tag not 16, the commitment not 32, or a wrapped key not the
    /// length of a modulus of 2048 to 4096 bits.
    #[error("a part has not the length it must have")]
    Length,
}
