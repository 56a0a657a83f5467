//! What a message says about itself, without a key.

use super::general::Envelope;
use super::{JweFormError, compact, general};
use crate::encoding::base64url;

/// The two forms that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serialization {
    /// RFC 7516 §7.1.
    Compact,
    /// RFC 7516 §7.2.1.
    GeneralJson,
}

/// What a message says about itself. Nothing of it is authenticated before the message was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Inspection {
    /// Its form.
    pub serialization: Serialization,
    /// The key id of each recipient, where it has one.
    pub kids: Vec<Option<String>>,
    /// The kind of message.
    pub typ: Option<String>,
    /// What the plaintext is.
    pub cty: Option<String>,
    /// Whether it commits to its content key.
    pub committed: bool,
    /// Length of the plaintext in bytes, which encryption does not hide.
    pub plaintext_len: usize,
}

/// Reads the form of a message as opening would, and says what is wrong with it.
///
/// # Errors
///
/// [`JweFormError`], with the cause.
pub fn inspect(message: &str) -> Result<Inspection, JweFormError> {
    let (serialization, envelope) = if message.trim_start().starts_with('{') {
        (Serialization::GeneralJson, general::parse(message)?)
    } else {
        (Serialization::Compact, compact::parse(message)?)
    };
    // Opening finds this out when it decodes, which it does last.
    if !base64url::is_canonical(envelope.ciphertext) {
        return Err(JweFormError::Malformed);
    }
    Ok(describe(serialization, envelope))
}

fn describe(serialization: Serialization, envelope: Envelope<'_>) -> Inspection {
    Inspection {
        serialization,
        plaintext_len: envelope.ciphertext.len() * 3 / 4,
        kids: envelope.wrapped_keys.into_iter().map(|wrapped| wrapped.kid).collect(),
        typ: envelope.header.members.typ,
        cty: envelope.header.members.cty,
        committed: envelope.header.commitment.is_some(),
    }
}
