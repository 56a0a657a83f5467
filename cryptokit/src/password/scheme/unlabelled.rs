//! The founding documents' salted and peppered hash as it was: SHA-512(salt ‖ pepper ‖ password), once, with nothing
//! that says which pepper it was.

use std::fmt;

use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

use super::StoredHashError;
use super::fields;
use crate::provider::Provider;
use crate::secret::SecretBytes;

/// Length of the salt in characters. The text is hashed as it is, not what it may stand for.
const SALT_CHARS: std::ops::RangeInclusive<usize> = 8..=88;
const DIGEST_LEN: usize = 64;

/// The peppers that any unlabelled hash may have been made with.
///
/// Verifying tries every one of them, in the same time whether and where one matches. N of them cost an attacker who
/// has the hashes N times as much, which is log₂ N bits, and cost us the same for each login: a labelled pepper is
/// better in both respects. These are for hashes that already exist.
pub struct UnlabelledPeppers(Vec<SecretBytes>);

/// The peppers cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unlabelled peppers: 1 to {} of 1 to {} bytes each are accepted",
    UnlabelledPeppers::MAX_COUNT,
    UnlabelledPeppers::MAX_LEN
)]
pub struct InvalidUnlabelledPeppers;

impl UnlabelledPeppers {
    /// Most peppers. Each costs every login about a microsecond.
    pub const MAX_COUNT: usize = 4096;
    /// Most bytes in one.
    pub const MAX_LEN: usize = 256;

    /// Takes the peppers, in any order.
    ///
    /// # Errors
    ///
    /// [`InvalidUnlabelledPeppers`] when there is none, one is empty, or there is too much of anything.
    pub fn new(peppers: Vec<SecretBytes>) -> Result<Self, InvalidUnlabelledPeppers> {
        let in_range = (1..=Self::MAX_COUNT).contains(&peppers.len())
            && peppers
                .iter()
                .all(|pepper| (1..=Self::MAX_LEN).contains(&pepper.expose_secret().len()));
        if !in_range {
            return Err(InvalidUnlabelledPeppers);
        }
        Ok(Self(peppers))
    }

    pub(in crate::password) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(SecretBytes::expose_secret)
    }
}

impl fmt::Debug for UnlabelledPeppers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnlabelledPeppers({}, [redacted])", self.0.len())
    }
}

#[derive(Clone)]
pub(in crate::password) struct UnlabelledHash {
    salt: String,
    digest: [u8; DIGEST_LEN],
}

impl UnlabelledHash {
    pub(super) fn new(digest: &str, salt: &str) -> Result<Self, StoredHashError> {
        Ok(Self {
            salt: fields::text_salt(salt, SALT_CHARS)?,
            digest: from_hex(digest)?,
        })
    }

    /// Whether the password and one of the peppers make this digest. Tries all of them, whatever it finds: neither
    /// which one it was nor whether there was one shows in the time it takes.
    pub(in crate::password) fn matches_any<'a>(&self, peppers: impl Iterator<Item = &'a [u8]>, typed: &[u8]) -> bool {
        let backend = Provider::default().backend();
        let salt = self.salt.as_bytes();
        let mut message = Zeroizing::new(Vec::with_capacity(
            salt.len() + UnlabelledPeppers::MAX_LEN + typed.len(),
        ));
        let mut found = Choice::from(0);
        for pepper in peppers {
            message.clear();
            for part in [salt, pepper, typed] {
                message.extend_from_slice(part);
            }
            found |= backend.sha512(&[&message]).ct_eq(&self.digest);
        }
        found.into()
    }
}

impl fmt::Display for UnlabelledHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "$sha512-unlabelled${}$", self.salt)?;
        self.digest.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

fn from_hex(text: &str) -> Result<[u8; DIGEST_LEN], StoredHashError> {
    if !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return Err(StoredHashError::Malformed);
    }
    if text.len() != 2 * DIGEST_LEN {
        return Err(StoredHashError::Bounds);
    }
    let nibble = |digit: u8| {
        if digit.is_ascii_digit() {
            digit - b'0'
        } else {
            digit - b'a' + 10
        }
    };
    let mut bytes = [0; DIGEST_LEN];
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = nibble(digits[0]) << 4 | nibble(digits[1]);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// SHA-512 of the salt, pepper `number` and the password `p`.
    fn made_with(number: usize) -> UnlabelledHash {
        let salt = "0123456789abcdef";
        let message = format!("{salt}pepper-{number}p");
        let digest = Provider::default().backend().sha512(&[message.as_bytes()]);
        UnlabelledHash {
            salt: salt.to_owned(),
            digest,
        }
    }

    #[test]
    fn fault_the_loop_over_the_peppers_stops_at_the_first_match() {
        let peppers: Vec<String> = (0..100).map(|number| format!("pepper-{number}")).collect();
        // The first, one in the middle, the last, none.
        for (number, expected) in [(0, true), (50, true), (99, true), (100, false)] {
            let tried = Cell::new(0);
            let counted = peppers
                .iter()
                .inspect(|_| tried.set(tried.get() + 1))
                .map(String::as_bytes);
            assert_eq!(made_with(number).matches_any(counted, b"p"), expected);
            assert_eq!(tried.get(), 100, "every pepper is tried when pepper {number} matches");
        }
    }

    #[test]
    fn a_repeated_pepper_and_a_wrong_password_change_nothing() {
        let peppers = [b"pepper-1".as_slice(), b"pepper-1"];
        assert!(made_with(1).matches_any(peppers.into_iter(), b"p"));
        assert!(!made_with(1).matches_any(peppers.into_iter(), b"q"));
        assert!(!made_with(1).matches_any(std::iter::empty(), b"p"));
    }

    #[test]
    fn the_digest_is_read_as_it_is_written() {
        let hash = made_with(7);
        let text = hash.to_string();
        let digest = text.rsplit('$').next().unwrap();
        assert_eq!(from_hex(digest), Ok(hash.digest));
    }
}
