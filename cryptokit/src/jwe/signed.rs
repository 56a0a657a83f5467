//! Sign, then encrypt: a JWS (RFC 7515) inside a JWE, so that the recipient knows the sender.
//!
//! Signing alone would let a recipient encrypt the signed text anew to somebody else, who would take it as meant for them.
//! The signed header therefore lists the RFC 7638 thumbprints of the recipients' keys, whatever ids they go by, and opening
//! checks that the key which opened the message is among them. The inner text is an ordinary compact JWS of `typ` `cryptokit-signed`, which any library
//! verifies; the list, `recipients`, is for the application to check there.

use std::collections::HashMap;
use std::fmt;

use super::decrypter::JweDecrypter;
use super::encrypter::JweEncrypter;
use super::{JweError, MAX_PLAINTEXT_LEN};
use crate::encoding::{base64url, json};
use crate::rsa_public;
use crate::secret::SecretBytes;
use crate::sign::{RsaSigningKey, RsaVerifyingKey, SignError};

/// RFC 7515 §4.1.9 and RFC 7516 §4.1.12: the plaintext is a compact JWS.
const CONTENT_TYPE: &str = "JOSE";
/// The only accepted inner `typ`, so that an access token is no message and a message no token.
const SIGNED_TYPE: &str = "cryptokit-signed";
const ALGORITHM: &str = "RS256";

/// Why a message was not made, not opened, or not taken as the sender's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignedError {
    /// The envelope was not made or does not open.
    #[error("envelope")]
    Envelope(#[from] JweError),
    /// The key could not sign.
    #[error("signature")]
    Sign(#[from] SignError),
    /// The message opens, and is not one that a known sender signed for this recipient. Which of the two is not said.
    #[error("message is not signed by a known sender for this recipient")]
    NotAuthentic,
}

/// Signs with one key and encrypts to the recipients of an encrypter.
#[derive(Debug)]
pub struct SignedEncrypter {
    key: RsaSigningKey,
    kid: String,
    encrypter: JweEncrypter,
}

impl SignedEncrypter {
    /// Takes the sender's key, whose `kid` is its RFC 7638 thumbprint, and whom to encrypt to. The `cty` of the envelope
    /// becomes `JOSE`.
    ///
    /// # Errors
    ///
    /// [`SignError`] when the backend refuses the key's public half.
    pub fn new(key: RsaSigningKey, encrypter: JweEncrypter) -> Result<Self, SignError> {
        let public = key.verifying_key()?;
        Ok(Self {
            kid: rsa_public::thumbprint(public.modulus(), public.exponent()),
            key,
            encrypter: encrypter.with_content_type(CONTENT_TYPE),
        })
    }

    /// Signs and encrypts into the compact serialization. One private-key and one public-key operation; O(n).
    ///
    /// # Errors
    ///
    /// [`SignedError`], with the cause.
    pub fn encrypt_compact(&self, message: &[u8]) -> Result<String, SignedError> {
        Ok(self.encrypter.encrypt_compact(self.sign(message)?.as_bytes())?)
    }

    /// Signs and encrypts into the general JSON serialization.
    ///
    /// # Errors
    ///
    /// [`SignedError`], with the cause.
    pub fn encrypt_json(&self, message: &[u8]) -> Result<String, SignedError> {
        Ok(self.encrypter.encrypt_json(self.sign(message)?.as_bytes())?)
    }

    fn sign(&self, message: &[u8]) -> Result<SecretText, SignedError> {
        // Before the work, not after it: base64url takes a third more.
        if message.len() > MAX_PLAINTEXT_LEN / 4 * 3 {
            return Err(JweError::PlaintextTooLong { len: message.len() }.into());
        }
        let recipients: Vec<_> = self
            .encrypter
            .recipients()
            .iter()
            // Not the key id: that is a name, which another key can have as well.
            .map(|recipient| format!(r#""{}""#, recipient.key().thumbprint()))
            .collect();
        let header = format!(
            r#"{{"alg":"{ALGORITHM}","kid":"{}","typ":"{SIGNED_TYPE}","recipients":[{}]}}"#,
            self.kid,
            recipients.join(",")
        );
        let payload = SecretText::new(base64url::encode(message));
        let signed = SecretText::new([&base64url::encode(header.as_bytes()), ".", payload.as_str()].concat());
        let signature = base64url::encode(&self.key.sign(signed.as_bytes())?);
        // At once in its full length: growing would leave the message behind in freed memory.
        Ok(SecretText::new([signed.as_str(), ".", &signature].concat()))
    }
}

type SecretText = zeroize::Zeroizing<String>;

/// Opens messages and takes them from known senders only.
pub struct SignedDecrypter {
    decrypter: JweDecrypter,
    senders: HashMap<String, RsaVerifyingKey>,
}

/// A message, who signed it, and with which of our keys it was opened.
#[derive(Debug)]
#[non_exhaustive]
pub struct SignedMessage {
    /// What was signed.
    pub message: SecretBytes,
    /// The RFC 7638 thumbprint of the sender's key.
    pub sender: String,
    /// The RFC 7638 thumbprint of our key.
    pub recipient: String,
}

impl SignedDecrypter {
    /// Opens with the keys of `decrypter`; no sender is known yet.
    pub fn new(decrypter: JweDecrypter) -> Self {
        Self {
            decrypter: decrypter.require_content_type(CONTENT_TYPE),
            senders: HashMap::new(),
        }
    }

    /// Takes messages from the holder of this key.
    #[must_use]
    pub fn trust(mut self, sender: RsaVerifyingKey) -> Self {
        let kid = rsa_public::thumbprint(sender.modulus(), sender.exponent());
        self.senders.insert(kid, sender);
        self
    }

    /// Opens a message in compact serialization, then verifies it.
    ///
    /// # Errors
    ///
    /// [`SignedError::Envelope`] and [`SignedError::NotAuthentic`].
    pub fn decrypt_compact(&self, message: &str) -> Result<SignedMessage, SignedError> {
        let opened = self.decrypter.decrypt_compact(message)?;
        self.verify(&opened.plaintext, opened.kid)
            .ok_or(SignedError::NotAuthentic)
    }

    /// Opens a message in the general JSON serialization, then verifies it.
    ///
    /// # Errors
    ///
    /// [`SignedError::Envelope`] and [`SignedError::NotAuthentic`].
    pub fn decrypt_json(&self, message: &str) -> Result<SignedMessage, SignedError> {
        let opened = self.decrypter.decrypt_json(message)?;
        self.verify(&opened.plaintext, opened.kid)
            .ok_or(SignedError::NotAuthentic)
    }

    fn verify(&self, text: &SecretBytes, recipient: String) -> Option<SignedMessage> {
        let text = std::str::from_utf8(text.expose_secret()).ok()?;
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        let header = SignedHeader::parse(&base64url::decode(header).ok()?)?;
        let sender = self.senders.get(&header.kid)?;
        sender
            .verify(signed.as_bytes(), &base64url::decode(signature).ok()?)
            .ok()?;
        // Signed by the sender, and for us: without this, whoever got the message could pass it on.
        if !header.recipients.contains(&recipient) {
            return None;
        }
        Some(SignedMessage {
            message: SecretBytes::new(base64url::decode(payload).ok()?),
            sender: header.kid,
            recipient,
        })
    }
}

impl fmt::Debug for SignedDecrypter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedDecrypter")
            .field("decrypter", &self.decrypter)
            .field("senders", &self.senders.keys())
            .finish()
    }
}

struct SignedHeader {
    kid: String,
    recipients: Vec<String>,
}

impl SignedHeader {
    /// Exactly the members that are written, so `crit` and all others are refused.
    fn parse(header: &[u8]) -> Option<Self> {
        let json::Value::Object(members) = json::parse(header).ok()? else {
            return None;
        };
        let text = |value: &json::Value| value.as_str().map(str::to_owned);
        let (mut alg, mut typ, mut kid, mut recipients) = (None, None, None, None);
        for (name, value) in members {
            match (name.as_str(), value) {
                ("alg", value) => alg = Some(text(&value)?),
                ("typ", value) => typ = Some(text(&value)?),
                ("kid", value) => kid = Some(text(&value)?),
                ("recipients", json::Value::Array(list)) => {
                    recipients = Some(list.iter().map(text).collect::<Option<_>>()?);
                }
                _ => return None,
            }
        }
        if alg? != ALGORITHM || typ? != SIGNED_TYPE {
            return None;
        }
        Some(Self {
            kid: kid?,
            recipients: recipients?,
        })
    }
}
