//! Pieces that the text forms of several schemes are made of, each with one spelling.

use std::ops::RangeInclusive;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::StoredHashError;
use crate::keyset::KeyId;

/// Canonical decimal of the PHC format: no sign, no leading zero.
pub(super) fn decimal(text: &str) -> Result<u32, StoredHashError> {
    let digits = !text.is_empty() && text.len() <= 10 && text.bytes().all(|b| b.is_ascii_digit());
    if !digits || (text.len() > 1 && text.starts_with('0')) {
        return Err(StoredHashError::Malformed);
    }
    text.parse().map_err(|_| StoredHashError::Bounds)
}

/// `name=value`, of which the value.
pub(super) fn named<'a>(field: Option<&'a str>, name: &str) -> Result<&'a str, StoredHashError> {
    field
        .and_then(|field| field.strip_prefix(name))
        .and_then(|field| field.strip_prefix('='))
        .ok_or(StoredHashError::Malformed)
}

/// The PHC format's B64: RFC 4648 §4 without padding, trailing bits zero.
pub(super) fn b64(text: &str) -> Result<Vec<u8>, StoredHashError> {
    STANDARD_NO_PAD.decode(text).map_err(|_| StoredHashError::Malformed)
}

pub(super) fn to_b64(bytes: &[u8]) -> String {
    STANDARD_NO_PAD.encode(bytes)
}

/// A salt or tag in B64 whose length in bytes is one of `lengths`.
pub(super) fn bounded(text: &str, lengths: RangeInclusive<usize>) -> Result<Vec<u8>, StoredHashError> {
    within(b64(text)?, lengths)
}

/// The bytes, if their number is one of `lengths`.
pub(super) fn within(bytes: Vec<u8>, lengths: RangeInclusive<usize>) -> Result<Vec<u8>, StoredHashError> {
    if lengths.contains(&bytes.len()) {
        Ok(bytes)
    } else {
        Err(StoredHashError::Bounds)
    }
}

/// The id of a pepper, all eight bytes of it.
pub(super) fn key_id(text: &str) -> Result<KeyId, StoredHashError> {
    let bytes = b64(text)?.try_into().map_err(|_| StoredHashError::Bounds)?;
    Ok(KeyId::from_bytes(bytes))
}

/// A salt that was never anything but text: visible ASCII without the separator.
pub(super) fn text_salt(text: &str, lengths: RangeInclusive<usize>) -> Result<String, StoredHashError> {
    if !text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'$') {
        return Err(StoredHashError::Malformed);
    }
    if !lengths.contains(&text.len()) {
        return Err(StoredHashError::Bounds);
    }
    Ok(text.to_owned())
}
