//! PBKDF2 (RFC 8018 §5.2), imported in three notations.

use std::fmt;
use std::num::NonZeroU32;

use base64::Engine;
use base64::alphabet::Alphabet;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{NO_PAD, STANDARD};
use zeroize::Zeroizing;

use super::StoredHashError;
use super::fields;
use crate::password::pool::HashPermit;
use crate::provider::{Hash, Provider};

/// passlib's base64: a dot for the plus, no padding.
const AB64: GeneralPurpose = {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789./";
    match Alphabet::new(ALPHABET) {
        Ok(alphabet) => GeneralPurpose::new(&alphabet, NO_PAD),
        Err(_) => panic!("64 different characters"),
    }
};

/// Salt lengths in bytes, or in characters where the salt is text.
const SALT_LEN: std::ops::RangeInclusive<usize> = 8..=64;
/// Shortest tag in bytes; the longest is the hash's digest. A longer one would cost us more and an attacker nothing.
const MIN_TAG_LEN: usize = 16;

/// The function that PBKDF2 repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pbkdf2Hmac {
    /// HMAC-SHA-1. The collisions of SHA-1 do not reach HMAC, but nothing new should use it.
    Sha1,
    /// HMAC-SHA-256.
    Sha256,
    /// HMAC-SHA-512.
    Sha512,
}

impl Pbkdf2Hmac {
    const fn hash(self) -> Hash {
        match self {
            Self::Sha1 => Hash::Sha1,
            Self::Sha256 => Hash::Sha256,
            Self::Sha512 => Hash::Sha512,
        }
    }

    const fn digest_len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

#[derive(Clone)]
pub(in crate::password) struct Pbkdf2Hash {
    pub(in crate::password) hmac: Pbkdf2Hmac,
    pub(in crate::password) iterations: NonZeroU32,
    notation: Notation,
    pub(in crate::password) tag: Vec<u8>,
}

#[derive(Clone)]
enum Notation {
    /// The salt is the text itself.
    Django {
        salt: String,
    },
    Passlib {
        salt: Vec<u8>,
    },
    Phc {
        salt: Vec<u8>,
        states_length: bool,
    },
}

impl Pbkdf2Hash {
    /// Reads all fields, the first one empty in all notations but Django's.
    pub(super) fn parse(fields: &[&str]) -> Result<Self, StoredHashError> {
        match fields {
            ["", name, cost, salt, tag] if cost.starts_with("i=") => Self::phc(name, cost, salt, tag),
            ["", name, cost, salt, tag] => {
                let hmac = match *name {
                    "pbkdf2" => Pbkdf2Hmac::Sha1,
                    "pbkdf2-sha256" => Pbkdf2Hmac::Sha256,
                    "pbkdf2-sha512" => Pbkdf2Hmac::Sha512,
                    _ => return Err(StoredHashError::Algorithm),
                };
                let salt = fields::within(ab64(salt)?, SALT_LEN)?;
                Self::whole(hmac, cost, Notation::Passlib { salt }, ab64(tag)?)
            }
            [name, cost, salt, tag] => {
                let hmac = match *name {
                    "pbkdf2_sha1" => Pbkdf2Hmac::Sha1,
                    "pbkdf2_sha256" => Pbkdf2Hmac::Sha256,
                    "pbkdf2_sha512" => Pbkdf2Hmac::Sha512,
                    _ => return Err(StoredHashError::Algorithm),
                };
                let salt = fields::text_salt(salt, SALT_LEN)?;
                let tag = STANDARD.decode(tag).map_err(|_| StoredHashError::Malformed)?;
                Self::whole(hmac, cost, Notation::Django { salt }, tag)
            }
            _ => Err(StoredHashError::Malformed),
        }
    }

    fn whole(hmac: Pbkdf2Hmac, iterations: &str, notation: Notation, tag: Vec<u8>) -> Result<Self, StoredHashError> {
        let length = hmac.digest_len();
        Ok(Self {
            hmac,
            iterations: count(iterations)?,
            notation,
            tag: fields::within(tag, length..=length)?,
        })
    }

    fn phc(name: &str, cost: &str, salt: &str, tag: &str) -> Result<Self, StoredHashError> {
        let hmac = match name {
            "pbkdf2-sha256" => Pbkdf2Hmac::Sha256,
            "pbkdf2-sha512" => Pbkdf2Hmac::Sha512,
            _ => return Err(StoredHashError::Algorithm),
        };
        let mut parameters = cost.split(',');
        let iterations = count(fields::named(parameters.next(), "i")?)?;
        let length = match parameters.next() {
            None => None,
            length => Some(fields::decimal(fields::named(length, "l")?)?),
        };
        if parameters.next().is_some() {
            return Err(StoredHashError::Malformed);
        }
        let tag = fields::bounded(tag, MIN_TAG_LEN..=hmac.digest_len())?;
        if length.is_some_and(|length| length as usize != tag.len()) {
            return Err(StoredHashError::Malformed);
        }
        let notation = Notation::Phc {
            salt: fields::bounded(salt, SALT_LEN)?,
            states_length: length.is_some(),
        };
        Ok(Self {
            hmac,
            iterations,
            notation,
            tag,
        })
    }

    fn salt(&self) -> &[u8] {
        match &self.notation {
            Notation::Django { salt } => salt.as_bytes(),
            Notation::Passlib { salt } | Notation::Phc { salt, .. } => salt,
        }
    }

    pub(in crate::password) fn tag(&self, permit: &mut HashPermit, typed: &[u8]) -> Zeroizing<Vec<u8>> {
        let mut tag = Zeroizing::new(vec![0; self.tag.len()]);
        permit.run_elsewhere(0, || {
            let backend = Provider::default().backend();
            backend.pbkdf2(self.hmac.hash(), typed, self.salt(), self.iterations, &mut tag);
        });
        tag
    }
}

fn count(text: &str) -> Result<NonZeroU32, StoredHashError> {
    NonZeroU32::new(fields::decimal(text)?).ok_or(StoredHashError::Bounds)
}

fn ab64(text: &str) -> Result<Vec<u8>, StoredHashError> {
    AB64.decode(text).map_err(|_| StoredHashError::Malformed)
}

impl fmt::Display for Pbkdf2Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hmac, iterations, tag) = (self.hmac, self.iterations, &self.tag);
        match &self.notation {
            Notation::Django { salt } => {
                let name = match hmac {
                    Pbkdf2Hmac::Sha1 => "pbkdf2_sha1",
                    Pbkdf2Hmac::Sha256 => "pbkdf2_sha256",
                    Pbkdf2Hmac::Sha512 => "pbkdf2_sha512",
                };
                write!(f, "{name}${iterations}${salt}${}", STANDARD.encode(tag))
            }
            Notation::Passlib { salt } => {
                let (salt, tag) = (AB64.encode(salt), AB64.encode(tag));
                write!(f, "${}${iterations}${salt}${tag}", dashed(hmac))
            }
            Notation::Phc { salt, states_length } => {
                write!(f, "${}$i={iterations}", dashed(hmac))?;
                if *states_length {
                    write!(f, ",l={}", tag.len())?;
                }
                write!(f, "${}${}", fields::to_b64(salt), fields::to_b64(tag))
            }
        }
    }
}

fn dashed(hmac: Pbkdf2Hmac) -> &'static str {
    match hmac {
        Pbkdf2Hmac::Sha1 => "pbkdf2",
        Pbkdf2Hmac::Sha256 => "pbkdf2-sha256",
        Pbkdf2Hmac::Sha512 => "pbkdf2-sha512",
    }
}
