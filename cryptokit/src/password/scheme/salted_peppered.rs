//! The founding documents' salted and peppered hash, with its faults mended: one string, a labelled pepper, a key where
//! there was a concatenation.
//!
//! ```text
//! tag = HMAC-SHA-512(pepper, be64(len(salt)) ‖ salt ‖ be64(len(password)) ‖ password)
//! ```

use std::fmt;

use super::StoredHashError;
use super::fields;
use crate::keyset::KeyId;
use crate::provider::{Hash, HmacTag, Provider};

/// Length of salts in bytes.
pub(in crate::password) const SALT_LEN: usize = 32;
const TAG_LEN: usize = 64;

#[derive(Clone)]
pub(in crate::password) struct SaltedPepperedHash {
    /// A hint from storage, not trusted: a wrong one only makes verification fail.
    pub(in crate::password) pepper: KeyId,
    pub(in crate::password) salt: Vec<u8>,
    pub(in crate::password) tag: Vec<u8>,
}

impl SaltedPepperedHash {
    /// Reads `["keyid=<pepper>", "<salt>", "<tag>"]`.
    pub(super) fn parse(fields: &[&str]) -> Result<Self, StoredHashError> {
        let [pepper, salt, tag] = fields else {
            return Err(StoredHashError::Malformed);
        };
        Ok(Self {
            pepper: fields::key_id(fields::named(Some(pepper), "keyid")?)?,
            salt: fields::bounded(salt, SALT_LEN..=SALT_LEN)?,
            tag: fields::bounded(tag, TAG_LEN..=TAG_LEN)?,
        })
    }

    pub(in crate::password) fn tag(salt: &[u8], password: &[u8], pepper: &[u8]) -> HmacTag {
        // With its length in front of each part, no two pairs give one text.
        let length = |part: &[u8]| (part.len() as u64).to_be_bytes();
        Provider::default().backend().hmac(Hash::Sha512, pepper).sign(&[
            &length(salt),
            salt,
            &length(password),
            password,
        ])
    }
}

impl fmt::Display for SaltedPepperedHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pepper = fields::to_b64(self.pepper.as_bytes());
        let (salt, tag) = (fields::to_b64(&self.salt), fields::to_b64(&self.tag));
        write!(f, "$hmac-sha512$keyid={pepper}${salt}${tag}")
    }
}
