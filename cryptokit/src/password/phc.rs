//! The PHC string of an Argon2id hash, strictly read.
//!
//! ```text
//! $argon2id$v=19$m=19456,t=2,p=1,keyid=<base64>$<salt>$<tag>
//! ```
//!
//! A stored string is input like any other: its numbers are bounded here, before anything is allocated.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::params::Argon2Params;
use crate::keyset::KeyId;

/// A checked Argon2id hash with its parameters.
///
/// Equality and `Debug` are left out: the string is worth guarding, and two hashes are never compared by callers.
#[derive(Clone)]
pub struct StoredHash {
    pub(super) params: Argon2Params,
    /// Names the pepper. A hint from storage, not trusted: a wrong one only makes verification fail.
    pub(super) pepper: Option<KeyId>,
    pub(super) salt: Vec<u8>,
    pub(super) tag: Vec<u8>,
}

/// Why a text is not an acceptable Argon2id hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoredHashError {
    /// Not of the form above.
    #[error("not an Argon2id PHC string")]
    Malformed,
    /// A hash of another kind, such as argon2i or bcrypt.
    #[error("a hash of another kind than Argon2id version 19")]
    Algorithm,
    /// A cost, the salt or the tag is outside what is accepted.
    #[error("stored parameters outside the accepted range")]
    Bounds,
}

impl StoredHash {
    /// Longest accepted text in bytes.
    pub const MAX_LEN: usize = 256;
    /// Accepted salt lengths in bytes; new salts have 16.
    pub const SALT_LEN: std::ops::RangeInclusive<usize> = 8..=48;
    /// Accepted tag lengths in bytes; new tags have 32. A short tag would match by chance.
    pub const TAG_LEN: std::ops::RangeInclusive<usize> = 16..=64;

    /// Reads a stored hash. O(length), at most [`Self::MAX_LEN`] bytes.
    ///
    /// # Errors
    ///
    /// [`StoredHashError`], with the cause.
    pub fn parse(text: &str) -> Result<Self, StoredHashError> {
        if text.len() > Self::MAX_LEN {
            return Err(StoredHashError::Malformed);
        }
        let fields: Vec<&str> = text.split('$').collect();
        let ["", algorithm, rest @ ..] = fields.as_slice() else {
            return Err(StoredHashError::Malformed);
        };
        if *algorithm != "argon2id" {
            return Err(StoredHashError::Algorithm);
        }
        let [version, parameters, salt, tag] = rest else {
            return Err(StoredHashError::Malformed);
        };
        if *version != "v=19" {
            return Err(StoredHashError::Algorithm);
        }
        let (params, pepper) = parse_parameters(parameters)?;
        let salt = decode(salt)?;
        let tag = decode(tag)?;
        if !Self::SALT_LEN.contains(&salt.len()) || !Self::TAG_LEN.contains(&tag.len()) {
            return Err(StoredHashError::Bounds);
        }
        Ok(Self {
            params,
            pepper,
            salt,
            tag,
        })
    }

    /// The parameters the hash was made with.
    pub fn params(&self) -> Argon2Params {
        self.params
    }
}

impl fmt::Display for StoredHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "$argon2id$v=19$m={},t={},p={}",
            self.params.m_cost(),
            self.params.t_cost(),
            self.params.p_cost(),
        )?;
        if let Some(id) = self.pepper {
            write!(f, ",keyid={}", STANDARD_NO_PAD.encode(id.as_bytes()))?;
        }
        write!(
            f,
            "${}${}",
            STANDARD_NO_PAD.encode(&self.salt),
            STANDARD_NO_PAD.encode(&self.tag)
        )
    }
}

impl fmt::Debug for StoredHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredHash")
            .field("params", &self.params)
            .finish_non_exhaustive()
    }
}

fn parse_parameters(text: &str) -> Result<(Argon2Params, Option<KeyId>), StoredHashError> {
    let mut fields = text.split(',');
    let mut cost = |name: &str| -> Result<u32, StoredHashError> {
        let value = fields
            .next()
            .and_then(|field| field.strip_prefix(name))
            .and_then(|field| field.strip_prefix('='))
            .ok_or(StoredHashError::Malformed)?;
        decimal(value)
    };
    let (m_cost, t_cost, p_cost) = (cost("m")?, cost("t")?, cost("p")?);
    let pepper = match fields.next() {
        None => None,
        Some(field) => {
            let encoded = field.strip_prefix("keyid=").ok_or(StoredHashError::Malformed)?;
            let bytes = decode(encoded)?;
            Some(KeyId::from_bytes(
                bytes.try_into().map_err(|_| StoredHashError::Bounds)?,
            ))
        }
    };
    if fields.next().is_some() {
        return Err(StoredHashError::Malformed);
    }
    let params = Argon2Params::new(m_cost, t_cost, p_cost).map_err(|_| StoredHashError::Bounds)?;
    Ok((params, pepper))
}

/// Canonical decimal of the PHC format: no sign, no leading zero.
fn decimal(text: &str) -> Result<u32, StoredHashError> {
    let digits = !text.is_empty() && text.len() <= 10 && text.bytes().all(|b| b.is_ascii_digit());
    if !digits || (text.len() > 1 && text.starts_with('0')) {
        return Err(StoredHashError::Malformed);
    }
    text.parse().map_err(|_| StoredHashError::Bounds)
}

fn decode(text: &str) -> Result<Vec<u8>, StoredHashError> {
    STANDARD_NO_PAD.decode(text).map_err(|_| StoredHashError::Malformed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = "$argon2id$v=19$m=19456,t=2,p=1,keyid=AAAAAAAAAAA$c2FsdHNhbHRzYWx0c2FsdA$\
                        AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

    #[test]
    fn a_good_string_survives_a_round_trip() {
        assert_eq!(StoredHash::parse(GOOD).unwrap().to_string(), GOOD);
        let without = GOOD.replace(",keyid=AAAAAAAAAAA", "");
        assert_eq!(StoredHash::parse(&without).unwrap().to_string(), without);
    }

    #[test]
    fn hostile_and_foreign_strings_are_refused_with_their_cause() {
        let with = |from: &str, to: &str| GOOD.replace(from, to);
        for (text, error) in [
            (String::new(), StoredHashError::Malformed),
            ("x".repeat(1 << 20), StoredHashError::Malformed),
            (with("argon2id", "argon2i"), StoredHashError::Algorithm),
            (with("argon2id", "argon2d"), StoredHashError::Algorithm),
            ("$2b$12$abcdefghijklmnopqrstuv".into(), StoredHashError::Algorithm),
            (with("v=19", "v=16"), StoredHashError::Algorithm),
            (with("$v=19", ""), StoredHashError::Malformed),
            (with("m=19456", "m=4294967295"), StoredHashError::Bounds),
            (with("m=19456", "m=4294967296"), StoredHashError::Bounds),
            (with("m=19456", "m=4194304"), StoredHashError::Bounds),
            (with("m=19456", "m=7"), StoredHashError::Bounds),
            (with("m=19456", "m=+19456"), StoredHashError::Malformed),
            (with("m=19456", "m=019456"), StoredHashError::Malformed),
            (with("m=19456", "m="), StoredHashError::Malformed),
            (with("t=2", "t=4294967295"), StoredHashError::Bounds),
            (with("t=2", "t=0"), StoredHashError::Bounds),
            (with("p=1", "p=16777215"), StoredHashError::Bounds),
            (with("t=2,p=1", "p=1,t=2"), StoredHashError::Malformed),
            (with("keyid=AAAAAAAAAAA", "keyid=AAAA"), StoredHashError::Bounds),
            (with("keyid=AAAAAAAAAAA", "data=AAAA"), StoredHashError::Malformed),
            (
                with("keyid=AAAAAAAAAAA", "keyid=AAAAAAAAAAA,x=1"),
                StoredHashError::Malformed,
            ),
            (with("c2FsdHNhbHRzYWx0c2FsdA", ""), StoredHashError::Bounds),
            (
                with("c2FsdHNhbHRzYWx0c2FsdA", "c2FsdHNhbHRzYWx0c2FsdA=="),
                StoredHashError::Malformed,
            ),
            (
                with("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", "AAECAw"),
                StoredHashError::Bounds,
            ),
            (format!("{GOOD}$"), StoredHashError::Malformed),
            (format!("{GOOD}\n"), StoredHashError::Malformed),
            (format!("é{GOOD}"), StoredHashError::Malformed),
        ] {
            assert_eq!(
                StoredHash::parse(&text).unwrap_err(),
                error,
                "{}",
                &text[..text.len().min(80)]
            );
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_accepts_one_form_only(text in "\\$argon2id\\$v=19\\$[mtp=,0-9a-z]{0,40}\\$[A-Za-z0-9+/]{0,30}\\$[A-Za-z0-9+/]{0,50}") {
            if let Ok(phc) = StoredHash::parse(&text) {
                prop_assert_eq!(phc.to_string(), text);
            }
        }
    }
}
