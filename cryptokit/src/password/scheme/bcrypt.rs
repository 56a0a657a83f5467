//! bcrypt: over the password itself for imported hashes, over a keyed pre-hash for our own.
//!
//! bcrypt reads 72 bytes and no more, and repeats a shorter password together with the NUL that ends it, so that what
//! stands behind byte 72 does not count and `a` and `a\0a` are one password. Ours reads 44 characters of base64 of
//! HMAC-SHA-256(pepper, password): every byte of any password counts, and there is no NUL in them.

use std::fmt;

use base64::Engine;
use base64::alphabet::BCRYPT;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{NO_PAD, STANDARD};
use zeroize::Zeroizing;

use super::StoredHashError;
use super::fields;
use crate::keyset::KeyId;
use crate::password::pool::HashPermit;
use crate::provider::{Hash, Provider};

/// Strict, as everywhere: the unused bits at the end of salt and tag are zero, as all current implementations write
/// them.
const BASE64: GeneralPurpose = GeneralPurpose::new(&BCRYPT, NO_PAD);

pub(in crate::password) const SALT_LEN: usize = 16;
pub(in crate::password) const TAG_LEN: usize = 23;
const SALT_CHARS: usize = 22;
const TAG_CHARS: usize = 31;

/// What new bcrypt hashes cost: 2 to this power expansions of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BcryptCost(u32);

/// A cost outside [`BcryptCost::MIN`] to [`BcryptCost::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "bcrypt cost of {cost}; {} to {} are accepted for new hashes",
    BcryptCost::MIN,
    BcryptCost::MAX
)]
pub struct InvalidBcryptCost {
    /// What was asked for.
    pub cost: u32,
}

impl BcryptCost {
    /// Least cost of a new hash: about 50 to 100 ms.
    pub const MIN: u32 = 10;
    /// Most cost of a new hash: about a minute and a half. Policies stop far below it.
    pub const MAX: u32 = 20;
    /// Cost 12, the default: 200 to 400 ms.
    pub const DEFAULT: Self = Self(12);

    /// Checks the range.
    ///
    /// # Errors
    ///
    /// [`InvalidBcryptCost`].
    pub const fn new(cost: u32) -> Result<Self, InvalidBcryptCost> {
        if cost < Self::MIN || cost > Self::MAX {
            return Err(InvalidBcryptCost { cost });
        }
        Ok(Self(cost))
    }

    /// The cost.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl Default for BcryptCost {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// `$2b$12$` and 53 characters.
#[derive(Clone)]
pub(in crate::password) struct BcryptHash {
    pub(in crate::password) revision: Revision,
    /// 4 to 31.
    pub(in crate::password) cost: u32,
    pub(in crate::password) salt: [u8; SALT_LEN],
    pub(in crate::password) tag: [u8; TAG_LEN],
}

/// What implementations of their time called themselves. All three are computed in the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::password) enum Revision {
    A,
    B,
    Y,
}

/// `$bcrypt-hmac-sha256$keyid=<pepper>` and a bcrypt hash.
#[derive(Clone)]
pub(in crate::password) struct PepperedBcryptHash {
    /// A hint from storage, not trusted: a wrong one only makes verification fail.
    pub(in crate::password) pepper: KeyId,
    pub(in crate::password) bcrypt: BcryptHash,
}

impl BcryptHash {
    /// Reads `["2b", "12", "<salt><tag>"]`.
    pub(super) fn parse(fields: &[&str]) -> Result<Self, StoredHashError> {
        let [revision, cost, salt_and_tag] = fields else {
            return Err(StoredHashError::Malformed);
        };
        let revision = match *revision {
            "2a" => Revision::A,
            "2b" => Revision::B,
            "2y" => Revision::Y,
            "2x" => return Err(StoredHashError::BcryptTwoX),
            _ => return Err(StoredHashError::Algorithm),
        };
        if cost.len() != 2 || !cost.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(StoredHashError::Malformed);
        }
        let cost = cost.parse().map_err(|_| StoredHashError::Malformed)?;
        if !(4..=31).contains(&cost) {
            return Err(StoredHashError::Bounds);
        }
        if salt_and_tag.len() != SALT_CHARS + TAG_CHARS {
            return Err(StoredHashError::Bounds);
        }
        // Not between two bytes of one character: `split_at` would panic there.
        let (salt, tag) = salt_and_tag
            .split_at_checked(SALT_CHARS)
            .ok_or(StoredHashError::Malformed)?;
        Ok(Self {
            revision,
            cost,
            salt: decode(salt)?,
            tag: decode(tag)?,
        })
    }

    /// The tag of a password that another system hashed: its first 72 bytes, as that system saw them.
    pub(in crate::password) fn tag_of_typed(&self, permit: &mut HashPermit, typed: &[u8]) -> Zeroizing<[u8; TAG_LEN]> {
        let mut key = Zeroizing::new([0; 72]);
        let used = typed.len().min(72);
        key[..used].copy_from_slice(&typed[..used]);
        // With the NUL that ends it, where there is room for one.
        self.tag(permit, &key[..(used + 1).min(72)])
    }

    fn tag(&self, permit: &mut HashPermit, key: &[u8]) -> Zeroizing<[u8; TAG_LEN]> {
        let output = Zeroizing::new(permit.run_elsewhere(0, || bcrypt::bcrypt(self.cost, self.salt, key)));
        let mut tag = Zeroizing::new([0; TAG_LEN]);
        tag.copy_from_slice(&output[..TAG_LEN]);
        tag
    }
}

impl PepperedBcryptHash {
    /// Reads what stands behind the label.
    pub(super) fn parse(fields: &[&str]) -> Result<Self, StoredHashError> {
        let [pepper, bcrypt @ ..] = fields else {
            return Err(StoredHashError::Malformed);
        };
        let pepper = fields::key_id(fields::named(Some(pepper), "keyid")?)?;
        let bcrypt = BcryptHash::parse(bcrypt)?;
        if bcrypt.revision != Revision::B {
            return Err(StoredHashError::Algorithm);
        }
        Ok(Self { pepper, bcrypt })
    }

    pub(in crate::password) fn tag(
        &self,
        permit: &mut HashPermit,
        password: &[u8],
        pepper: &[u8],
    ) -> Zeroizing<[u8; TAG_LEN]> {
        let mac = Provider::default()
            .backend()
            .hmac(Hash::Sha256, pepper)
            .sign(&[password]);
        // 44 characters of base64, and the NUL.
        let mut key = Zeroizing::new([0; 45]);
        STANDARD
            .encode_slice(mac.as_ref(), &mut key[..44])
            .expect("32 bytes are 44 characters");
        self.bcrypt.tag(permit, key.as_slice())
    }
}

fn decode<const N: usize>(text: &str) -> Result<[u8; N], StoredHashError> {
    let bytes = BASE64.decode(text).map_err(|_| StoredHashError::Malformed)?;
    bytes.try_into().map_err(|_| StoredHashError::Malformed)
}

impl fmt::Display for BcryptHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let revision = match self.revision {
            Revision::A => "2a",
            Revision::B => "2b",
            Revision::Y => "2y",
        };
        write!(
            f,
            "${revision}${:02}${}{}",
            self.cost,
            BASE64.encode(self.salt),
            BASE64.encode(self.tag)
        )
    }
}

impl fmt::Display for PepperedBcryptHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pepper = fields::to_b64(self.pepper.as_bytes());
        write!(f, "$bcrypt-hmac-sha256$keyid={pepper}{}", self.bcrypt)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;
    use crate::password::HashPool;

    #[test]
    fn jbcrypt_test_vectors() {
        // jBCrypt 0.4, test/org/mindrot/jbcrypt/TestBCrypt.java
        let mut permit = HashPool::new(NonZeroUsize::MIN).try_acquire().unwrap();
        for (password, text) in [
            ("", "$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s."),
            ("a", "$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe"),
            ("abc", "$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i"),
            (
                "abcdefghijklmnopqrstuvwxyz",
                "$2a$06$.rCVZVOThsIa97pEDOxvGuRRgzG64bvtJ0938xuqzv18d3ZpQhstC",
            ),
            (
                "~!@#$%^&*()      ~!@#$%^&*()PNBFRD",
                "$2a$06$fPIsBO8qRqkjj273rfaOI.HtSV9jLDpTbZn782DC6/t7qT67P6FfO",
            ),
        ] {
            let fields: Vec<&str> = text[1..].split('$').collect();
            let hash = BcryptHash::parse(&fields).unwrap();
            assert_eq!(*hash.tag_of_typed(&mut permit, password.as_bytes()), hash.tag, "{text}");
            assert_eq!(hash.to_string(), text);
        }
    }
}
