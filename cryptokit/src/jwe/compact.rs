//! Compact serialization (RFC 7516 §7.1): five parts of base64url, one recipient.

use super::general::{Envelope, Parts, WrappedKey};
use super::header::{Protected, check_algorithm};
use super::{JweFormError, MAX_TEXT_LEN};

/// Reads the form; nothing but the header is decoded.
pub(super) fn parse(text: &str) -> Result<Envelope<'_>, JweFormError> {
    if text.len() > MAX_TEXT_LEN {
        return Err(JweFormError::TooLong);
    }
    let mut parts = text.splitn(6, '.');
    let (Some(protected), Some(wrapped), Some(iv), Some(ciphertext), Some(tag), None) = (
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next(),
    ) else {
        return Err(JweFormError::Malformed);
    };
    let header = Protected::parse(protected)?;
    check_algorithm(header.members.alg.as_deref())?;
    let wrapped = WrappedKey::parse(header.members.kid.clone(), wrapped)?;
    let parts = Parts {
        protected,
        associated_data: None,
        iv,
        ciphertext,
        tag,
    };
    Envelope::new(header, vec![wrapped], parts)
}
