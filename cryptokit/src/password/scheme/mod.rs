//! Password hashes as they are stored, one text form for each scheme, strictly read.
//!
//! ```text
//! ours      $argon2id$v=19$m=19456,t=2,p=1,keyid=<pepper>$<salt>$<tag>
//!           $bcrypt-hmac-sha256$keyid=<pepper>$2b$12$<salt and tag>
//! imported  $argon2id$, $argon2i$, $argon2d$, with v=19, v=16 or none, which means 16
//!           $2a$12$<salt and tag>, $2b$, $2y$
//!           pbkdf2_sha256$600000$<salt>$<tag>, pbkdf2_sha1$, pbkdf2_sha512$   (Django)
//!           $pbkdf2-sha256$600000$<salt>$<tag>, $pbkdf2$, $pbkdf2-sha512$     (passlib)
//!           $pbkdf2-sha256$i=600000,l=32$<salt>$<tag>, …                      (PHC)
//!           $scrypt$ln=16,r=8,p=1$<salt>$<tag>
//! legacy    $hmac-sha512$keyid=<pepper>$<salt>$<tag>
//!           $sha512-unlabelled$<salt>$<digest>
//! ```
//!
//! A stored string is input like any other. Reading it costs no more than its length, which is bounded first; whether
//! what it asks for may be computed at all is for [`Policy`](super::Policy) to say, also before anything is allocated.

pub(super) mod argon2;
pub(super) mod bcrypt;
mod fields;
pub(super) mod pbkdf2;
pub(super) mod salted_peppered;
pub(super) mod scrypt;
pub(super) mod unlabelled;

use std::fmt;

use super::params::Argon2Params;
use crate::keyset::KeyId;

use argon2::Argon2Hash;
use bcrypt::{BcryptHash, PepperedBcryptHash};
use pbkdf2::{Pbkdf2Hash, Pbkdf2Hmac};
use salted_peppered::SaltedPepperedHash;
use scrypt::{ScryptHash, ScryptParams};
use unlabelled::UnlabelledHash;

/// A checked password hash with its parameters.
///
/// Equality is left out, and `Debug` shows neither salt nor tag: the string is worth guarding, and two hashes are never
/// compared by callers.
#[derive(Clone)]
pub struct StoredHash(pub(super) Form);

#[derive(Clone)]
pub(super) enum Form {
    Argon2(Argon2Hash),
    PepperedBcrypt(PepperedBcryptHash),
    Bcrypt(BcryptHash),
    Pbkdf2(Pbkdf2Hash),
    Scrypt(ScryptHash),
    SaltedPeppered(SaltedPepperedHash),
    Unlabelled(UnlabelledHash),
}

/// How a stored hash was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// Argon2id, version 0x13 (RFC 9106). Ours when it names a pepper, imported when not.
    Argon2id,
    /// Argon2i, version 0x13. Imported.
    Argon2i,
    /// Argon2d, version 0x13. Imported; its memory accesses depend on the password, so another process on the machine
    /// can learn something of it.
    Argon2d,
    /// Any Argon2 of version 0x10, before the RFC. Imported.
    Argon2Version16,
    /// bcrypt over HMAC-SHA-256 with a pepper. Ours.
    PepperedBcrypt,
    /// bcrypt over the password itself, of which it sees the first 72 bytes. Imported.
    Bcrypt,
    /// PBKDF2 with HMAC-SHA-1, HMAC-SHA-256 or HMAC-SHA-512 (RFC 8018 §5.2). Imported.
    Pbkdf2,
    /// scrypt (RFC 7914). Imported.
    Scrypt,
    /// One HMAC-SHA-512 over salt and password under a labelled pepper. **Not for passwords**: see
    /// [`PasswordHasher::salted_and_peppered`](super::PasswordHasher::salted_and_peppered).
    SaltedPeppered,
    /// One SHA-512 over salt, some pepper and password, joined without a separator. **Not for passwords**: see
    /// [`UnlabelledPeppers`](super::UnlabelledPeppers).
    UnlabelledSha512,
}

/// What it takes to verify a stored hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cost {
    /// Of any of the Argon2 family.
    Argon2(Argon2Params),
    /// bcrypt: 2 to this power expansions of the key, in 4 KiB.
    Bcrypt {
        /// 4 to 31.
        cost: u32,
    },
    /// PBKDF2: this many HMACs, one after the other, in no memory to speak of.
    Pbkdf2 {
        /// Whose.
        hmac: Pbkdf2Hmac,
        /// 1 to 2³² − 1.
        iterations: u32,
    },
    /// scrypt.
    Scrypt(ScryptParams),
    /// One hash, or one for each pepper: nothing.
    Nothing,
}

/// Why a text is not an acceptable password hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoredHashError {
    /// Not of the form that its beginning announces, or not of any.
    #[error("not a well-formed password hash")]
    Malformed,
    /// A hash of a kind, or of a version, that this library does not know.
    #[error("a password hash of an unknown kind")]
    Algorithm,
    /// `$2x$`: made by a bcrypt that read bytes above 127 with a sign (crypt_blowfish before 1.1), and not repeatable
    /// with a correct one.
    #[error("a $2x$ bcrypt hash, made by a faulty implementation; its user has to choose a new password")]
    BcryptTwoX,
    /// A cost, the salt or the tag is outside what is accepted.
    #[error("stored parameters outside the accepted range")]
    Bounds,
}

impl StoredHash {
    /// Longest accepted text in bytes.
    pub const MAX_LEN: usize = 256;

    /// Reads a stored hash. O(length), at most [`Self::MAX_LEN`] bytes.
    ///
    /// What is accepted has one spelling: `to_string` gives the text back.
    ///
    /// # Errors
    ///
    /// [`StoredHashError`], with the cause.
    pub fn parse(text: &str) -> Result<Self, StoredHashError> {
        if text.len() > Self::MAX_LEN {
            return Err(StoredHashError::Malformed);
        }
        let fields: Vec<&str> = text.split('$').collect();
        let form = match *fields.as_slice() {
            ["", "argon2id" | "argon2i" | "argon2d", ..] => Form::Argon2(Argon2Hash::parse(&fields[1..])?),
            ["", "bcrypt-hmac-sha256", ref rest @ ..] => Form::PepperedBcrypt(PepperedBcryptHash::parse(rest)?),
            ["", "2x", ..] => return Err(StoredHashError::BcryptTwoX),
            ["", "2a" | "2b" | "2y", ..] => Form::Bcrypt(BcryptHash::parse(&fields[1..])?),
            ["", "pbkdf2" | "pbkdf2-sha256" | "pbkdf2-sha512", ..]
            | ["pbkdf2_sha1" | "pbkdf2_sha256" | "pbkdf2_sha512", ..] => Form::Pbkdf2(Pbkdf2Hash::parse(&fields)?),
            ["", "scrypt", ref rest @ ..] => Form::Scrypt(ScryptHash::parse(rest)?),
            ["", "hmac-sha512", ref rest @ ..] => Form::SaltedPeppered(SaltedPepperedHash::parse(rest)?),
            ["", "sha512-unlabelled", salt, digest] => Form::Unlabelled(UnlabelledHash::new(digest, salt)?),
            ["", _, _, ..] => return Err(StoredHashError::Algorithm),
            _ => return Err(StoredHashError::Malformed),
        };
        Ok(Self(form))
    }

    /// Takes a hash of the founding documents' form: two columns, the digest as 128 and the salt as commonly 64
    /// hexadecimal digits, with nothing that says which pepper went into it.
    ///
    /// The result's text form says what it is and can be stored in one column from then on.
    ///
    /// # Errors
    ///
    /// [`StoredHashError::Malformed`] when the digest is not lower-case hexadecimal or the salt not visible ASCII;
    /// [`StoredHashError::Bounds`] for another length, an empty salt above all.
    pub fn from_unlabelled(digest: &str, salt: &str) -> Result<Self, StoredHashError> {
        Ok(Self(Form::Unlabelled(UnlabelledHash::new(digest, salt)?)))
    }

    /// How it was made.
    pub fn scheme(&self) -> Scheme {
        match &self.0 {
            Form::Argon2(hash) => hash.scheme(),
            Form::PepperedBcrypt(_) => Scheme::PepperedBcrypt,
            Form::Bcrypt(_) => Scheme::Bcrypt,
            Form::Pbkdf2(_) => Scheme::Pbkdf2,
            Form::Scrypt(_) => Scheme::Scrypt,
            Form::SaltedPeppered(_) => Scheme::SaltedPeppered,
            Form::Unlabelled(_) => Scheme::UnlabelledSha512,
        }
    }

    /// The pepper that it names, if it was made with one that it names.
    pub fn pepper(&self) -> Option<KeyId> {
        match &self.0 {
            Form::Argon2(hash) => hash.pepper,
            Form::PepperedBcrypt(hash) => Some(hash.pepper),
            Form::SaltedPeppered(hash) => Some(hash.pepper),
            Form::Bcrypt(_) | Form::Pbkdf2(_) | Form::Scrypt(_) | Form::Unlabelled(_) => None,
        }
    }

    /// What verifying it takes, by its own account.
    pub fn cost(&self) -> Cost {
        match &self.0 {
            Form::Argon2(hash) => Cost::Argon2(hash.params),
            Form::PepperedBcrypt(hash) => Cost::Bcrypt { cost: hash.bcrypt.cost },
            Form::Bcrypt(hash) => Cost::Bcrypt { cost: hash.cost },
            Form::Pbkdf2(hash) => Cost::Pbkdf2 {
                hmac: hash.hmac,
                iterations: hash.iterations.get(),
            },
            Form::Scrypt(hash) => Cost::Scrypt(hash.params),
            Form::SaltedPeppered(_) | Form::Unlabelled(_) => Cost::Nothing,
        }
    }
}

impl Scheme {
    /// Every scheme there is.
    pub const ALL: [Self; 10] = [
        Self::Argon2id,
        Self::Argon2i,
        Self::Argon2d,
        Self::Argon2Version16,
        Self::PepperedBcrypt,
        Self::Bcrypt,
        Self::Pbkdf2,
        Self::Scrypt,
        Self::SaltedPeppered,
        Self::UnlabelledSha512,
    ];

    /// The name that stands for the scheme in configuration and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Argon2id => "argon2id",
            Self::Argon2i => "argon2i",
            Self::Argon2d => "argon2d",
            Self::Argon2Version16 => "argon2-v16",
            Self::PepperedBcrypt => "bcrypt-hmac-sha256",
            Self::Bcrypt => "bcrypt",
            Self::Pbkdf2 => "pbkdf2",
            Self::Scrypt => "scrypt",
            Self::SaltedPeppered => "hmac-sha512",
            Self::UnlabelledSha512 => "sha512-unlabelled",
        }
    }

    /// The scheme of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scheme| scheme.name() == name)
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for StoredHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Argon2(hash) => hash.fmt(f),
            Form::PepperedBcrypt(hash) => hash.fmt(f),
            Form::Bcrypt(hash) => hash.fmt(f),
            Form::Pbkdf2(hash) => hash.fmt(f),
            Form::Scrypt(hash) => hash.fmt(f),
            Form::SaltedPeppered(hash) => hash.fmt(f),
            Form::Unlabelled(hash) => hash.fmt(f),
        }
    }
}

impl fmt::Debug for StoredHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredHash")
            .field("scheme", &self.scheme())
            .field("cost", &self.cost())
            .finish_non_exhaustive()
    }
}
