//! Hashing and verifying under a policy.

use std::fmt;

use subtle::ConstantTimeEq;

use super::Password;
use super::pepper::Pepper;
use super::policy::{NewHash, Policy, Standing};
use super::pool::HashPermit;
use super::scheme::argon2::Argon2Hash;
use super::scheme::bcrypt::{self, BcryptHash, PepperedBcryptHash, Revision};
use super::scheme::salted_peppered::{self, SaltedPepperedHash};
use super::scheme::unlabelled::UnlabelledPeppers;
use super::scheme::{Form, Scheme, StoredHash};
use crate::keyset::{KeyId, Keyset};
use crate::random;

/// The outcome of a verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Verdict {
    /// The password is the one that was hashed.
    pub ok: bool,
    /// The hash should be replaced by one under the current policy and pepper. Only ever set with `ok`.
    pub needs_rehash: bool,
}

/// Why a hash could not be computed. None of these depends on the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HashError {
    /// A stored hash costs more than the policy's ceiling. Nothing was allocated.
    #[error("stored hash costs more than the policy allows")]
    AboveCeiling,
    /// A stored hash was made with a scheme that the policy does not accept. Nothing was allocated.
    #[error("stored hash was made with {scheme}, which the policy does not accept")]
    SchemeNotAccepted {
        /// The scheme.
        scheme: Scheme,
    },
    /// The hash names a pepper that is not in the keyset, or is revoked.
    #[error("stored hash was made with pepper {id}, which this keyset does not hold")]
    UnknownPepper {
        /// The id named.
        id: KeyId,
    },
    /// The system has no memory to give.
    #[error("no memory for a password hash")]
    OutOfMemory,
    /// The hash was made with a pepper that it does not name, and none to try were given.
    #[error("stored hash was made with an unlabelled pepper, and there is none to try")]
    NoUnlabelledPeppers,
    /// Argon2 refused its input, which the checks before it should have made impossible.
    #[error("argon2 refused its input")]
    Argon2,
    /// scrypt refused its input, which the checks before it should have made impossible.
    #[error("scrypt refused its input")]
    Scrypt,
}

/// Hashes and verifies passwords under one policy and one set of peppers.
#[derive(Debug)]
pub struct PasswordHasher {
    policy: Policy,
    peppers: Keyset<Pepper>,
    unlabelled: Option<UnlabelledPeppers>,
    decoy: StoredHash,
}

impl PasswordHasher {
    /// Length of new Argon2 salts in bytes (RFC 9106 §3.1).
    pub const SALT_LEN: usize = 16;
    /// Length of new Argon2 tags in bytes.
    pub const TAG_LEN: usize = 32;

    /// Takes the policy and the peppers. The primary pepper makes new hashes, whatever its usage period: a keyset whose
    /// peppers have periods is brought up to date by [`Keyset::advance`] first.
    pub fn new(policy: Policy, peppers: Keyset<Pepper>) -> Self {
        // Not the hash of any password: a random tag, which no password's tag equals but by a chance of 2⁻¹⁸⁴ or less.
        let mut decoy = blank(&policy, peppers.primary().0);
        match &mut decoy {
            Form::Argon2(hash) => hash.tag = random::bytes::<{ Self::TAG_LEN }>().to_vec(),
            Form::PepperedBcrypt(hash) => hash.bcrypt.tag = random::bytes(),
            _ => {}
        }
        Self {
            policy,
            peppers,
            unlabelled: None,
            decoy: StoredHash(decoy),
        }
    }

    /// Takes the peppers to try for hashes of [`Scheme::UnlabelledSha512`], which the policy has to accept as well.
    #[must_use]
    pub fn with_unlabelled_peppers(self, peppers: UnlabelledPeppers) -> Self {
        Self {
            unlabelled: Some(peppers),
            ..self
        }
    }

    /// The policy.
    pub fn policy(&self) -> Policy {
        self.policy
    }

    /// Hashes a password with a fresh salt, the policy's scheme and costs and the primary pepper. One run.
    ///
    /// # Errors
    ///
    /// [`HashError::Argon2`].
    pub fn hash(&self, permit: &mut HashPermit, password: &Password) -> Result<StoredHash, HashError> {
        let (id, pepper) = self.peppers.primary();
        let mut new = blank(&self.policy, id);
        match &mut new {
            Form::Argon2(hash) => {
                let tag = match hash.pepper {
                    Some(_) => hash.tag(permit, password.normalised(), pepper.expose_secret())?,
                    None => hash.tag(permit, password.typed(), &[])?,
                };
                hash.tag = tag.to_vec();
            }
            Form::PepperedBcrypt(hash) => {
                hash.bcrypt.tag = *hash.tag(permit, password.normalised(), pepper.expose_secret());
            }
            _ => {}
        }
        Ok(StoredHash(new))
    }

    /// The founding documents' salted and peppered hash in one self-describing string: 32 bytes of salt, one
    /// HMAC-SHA-512 under the primary pepper. **Unfit for passwords**: it exists to be compared with, and for data that
    /// has to stay readable by what reads it.
    ///
    /// # Security
    ///
    /// Whoever has the hash and the pepper tries about a million passwords a second on one core, and billions on
    /// graphics cards; a password from a list falls at once. [`Self::verify`] accepts it when the policy lists
    /// [`Scheme::SaltedPeppered`], and always asks for it to be replaced.
    pub fn salted_and_peppered(&self, password: &Password) -> StoredHash {
        let (id, pepper) = self.peppers.primary();
        let salt = random::bytes::<{ salted_peppered::SALT_LEN }>();
        let tag = SaltedPepperedHash::tag(&salt, password.normalised(), pepper.expose_secret());
        StoredHash(Form::SaltedPeppered(SaltedPepperedHash {
            pepper: id,
            salt: salt.to_vec(),
            tag: tag.as_ref().to_vec(),
        }))
    }

    /// Verifies a password against a stored hash. One run of the scheme the hash names, at the cost it names; the
    /// comparison takes constant time.
    ///
    /// Our own hashes are of the password in normalisation form C. Imported ones are of whatever bytes the other system
    /// was given, so they are compared with the password as typed: the same bytes, the same answer, one run. (Trying
    /// both forms would double the cost of every wrong password, and by its time tell which ones the forms differ for.)
    ///
    /// Hashes of one scheme and cost take equal times whatever the password; different schemes do not, and while
    /// imported hashes remain, how long a refusal takes can tell which accounts have one.
    ///
    /// # Errors
    ///
    /// Those of [`Self::standing`], before anything is computed; [`HashError::Argon2`] and [`HashError::Scrypt`]. From
    /// outside all of these should look like a wrong password.
    pub fn verify(
        &self,
        permit: &mut HashPermit,
        password: &Password,
        stored: &StoredHash,
    ) -> Result<Verdict, HashError> {
        let standing = self.standing(stored)?;
        let ok = self.matches(permit, password, &stored.0)?;
        Ok(Verdict {
            ok,
            needs_rehash: ok && standing != Standing::Current,
        })
    }

    /// Whether a stored hash can be verified, and how it stands beside what is made now. Computes nothing.
    ///
    /// # Errors
    ///
    /// Those of [`Policy::check`]; [`HashError::UnknownPepper`]; [`HashError::NoUnlabelledPeppers`].
    pub fn standing(&self, stored: &StoredHash) -> Result<Standing, HashError> {
        self.policy.check(stored)?;
        if let Some(id) = stored.pepper() {
            self.pepper(id)?;
        }
        if matches!(stored.0, Form::Unlabelled(_)) && self.unlabelled.is_none() {
            return Err(HashError::NoUnlabelledPeppers);
        }
        Ok(if self.is_current(&stored.0) {
            Standing::Current
        } else if self.policy.is_below_floor(stored.cost()) {
            Standing::Weak
        } else {
            Standing::Outdated
        })
    }

    /// Does the work of a verification for an account that does not exist, so that its absence cannot be timed: one run
    /// of what new hashes are made with.
    ///
    /// # Errors
    ///
    /// [`HashError::Argon2`].
    pub fn verify_decoy(&self, permit: &mut HashPermit, password: &Password) -> Result<(), HashError> {
        self.verify(permit, password, &self.decoy).map(|_| ())
    }

    fn matches(&self, permit: &mut HashPermit, password: &Password, stored: &Form) -> Result<bool, HashError> {
        let (ours, typed) = (password.normalised(), password.typed());
        let equal: bool = match stored {
            Form::Argon2(hash) => {
                let tag = match hash.pepper {
                    Some(id) => hash.tag(permit, ours, self.pepper(id)?)?,
                    None => hash.tag(permit, typed, &[])?,
                };
                tag.ct_eq(&hash.tag).into()
            }
            Form::PepperedBcrypt(hash) => {
                let tag = hash.tag(permit, ours, self.pepper(hash.pepper)?);
                tag.ct_eq(&hash.bcrypt.tag).into()
            }
            Form::Bcrypt(hash) => {
                let equal: bool = hash.tag_of_typed(permit, typed).ct_eq(&hash.tag).into();
                // bcrypt repeats the password with its NUL, so that `a` and `a\0a` have one hash. The run has taken
                // place all the same.
                equal && !typed.contains(&0)
            }
            Form::Pbkdf2(hash) => {
                let equal: bool = hash.tag(permit, typed).ct_eq(&hash.tag).into();
                equal && !ends_with_nul(typed)
            }
            Form::Scrypt(hash) => {
                let equal: bool = hash.tag(permit, typed)?.ct_eq(&hash.tag).into();
                equal && !ends_with_nul(typed)
            }
            Form::SaltedPeppered(hash) => {
                let pepper = self.pepper(hash.pepper)?;
                let tag = permit.run_elsewhere(0, || SaltedPepperedHash::tag(&hash.salt, ours, pepper));
                tag.as_ref().ct_eq(&hash.tag).into()
            }
            Form::Unlabelled(hash) => {
                let peppers = self.unlabelled.as_ref().ok_or(HashError::NoUnlabelledPeppers)?;
                permit.run_elsewhere(0, || hash.matches_any(peppers.iter(), typed))
            }
        };
        Ok(equal)
    }

    fn pepper(&self, id: KeyId) -> Result<&[u8], HashError> {
        let pepper = self.peppers.get(id).ok_or(HashError::UnknownPepper { id })?;
        Ok(pepper.expose_secret())
    }

    fn is_current(&self, stored: &Form) -> bool {
        let primary = self.peppers.primary().0;
        match (self.policy.new_hash(), stored) {
            (NewHash::Argon2id(params) | NewHash::UnpepperedArgon2id(params), Form::Argon2(hash)) => {
                hash.scheme() == Scheme::Argon2id
                    && hash.params == params
                    && hash.pepper == pepper_for(self.policy.new_hash(), primary)
                    && hash.salt.len() >= Self::SALT_LEN
                    && hash.tag.len() == Self::TAG_LEN
            }
            (NewHash::PepperedBcrypt(cost), Form::PepperedBcrypt(hash)) => {
                hash.bcrypt.cost == cost.get() && hash.pepper == primary
            }
            _ => false,
        }
    }
}

/// What the policy makes, with a fresh salt and a tag of zeros.
fn blank(policy: &Policy, pepper: KeyId) -> Form {
    match policy.new_hash() {
        new_hash @ (NewHash::Argon2id(params) | NewHash::UnpepperedArgon2id(params)) => Form::Argon2(Argon2Hash::ours(
            params,
            pepper_for(new_hash, pepper),
            random::bytes::<{ PasswordHasher::SALT_LEN }>().to_vec(),
            vec![0; PasswordHasher::TAG_LEN],
        )),
        NewHash::PepperedBcrypt(cost) => Form::PepperedBcrypt(PepperedBcryptHash {
            pepper,
            bcrypt: BcryptHash {
                revision: Revision::B,
                cost: cost.get(),
                salt: random::bytes(),
                tag: [0; bcrypt::TAG_LEN],
            },
        }),
    }
}

/// The pepper that such a hash names, given the primary one.
fn pepper_for(new_hash: NewHash, primary: KeyId) -> Option<KeyId> {
    match new_hash {
        NewHash::UnpepperedArgon2id(_) => None,
        NewHash::Argon2id(_) | NewHash::PepperedBcrypt(_) => Some(primary),
    }
}

/// HMAC pads its key with zeros (RFC 2104 §2), and the password is the key in PBKDF2 and in scrypt, which is built on
/// it: `a` and `a\0` have one hash there. Asked after the run, so that it takes no less time.
fn ends_with_nul(typed: &[u8]) -> bool {
    typed.last() == Some(&0)
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.ok { "accepted" } else { "refused" })
    }
}
