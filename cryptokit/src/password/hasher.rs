//! Hashing and verifying under a policy.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::Password;
use super::argon2::{Input, Variant, Version, argon2};
use super::params::Argon2Params;
use super::pepper::Pepper;
use super::phc::StoredHash;
use super::pool::HashPermit;
use crate::keyset::{KeyId, Keyset};
use crate::provider::Provider;
use crate::random;

/// What new hashes cost, and what a stored hash may cost at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    params: Argon2Params,
    ceiling: Argon2Params,
}

impl Policy {
    /// New hashes use `params`; stored hashes are obeyed up to `ceiling`.
    ///
    /// # Errors
    ///
    /// [`HashError::AboveCeiling`] when `params` itself is above the ceiling.
    pub fn new(params: Argon2Params, ceiling: Argon2Params) -> Result<Self, HashError> {
        if !params.within(ceiling) {
            return Err(HashError::AboveCeiling);
        }
        Ok(Self { params, ceiling })
    }

    /// What new hashes cost.
    pub fn params(&self) -> Argon2Params {
        self.params
    }

    /// The most a stored hash may cost.
    pub fn ceiling(&self) -> Argon2Params {
        self.ceiling
    }
}

impl Default for Policy {
    /// OWASP's minimum, obeying stored hashes up to 64 MiB, 4 passes, 4 lanes.
    fn default() -> Self {
        let ceiling = Argon2Params::new(64 * 1024, 4, 4).expect("constants in range");
        Self {
            params: Argon2Params::OWASP,
            ceiling,
        }
    }
}

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
    /// The hash names a pepper that is not in the keyset, or is revoked.
    #[error("stored hash was made with pepper {id}, which this keyset does not hold")]
    UnknownPepper {
        /// The id named.
        id: KeyId,
    },
    /// The system has no memory to give.
    #[error("no memory for a password hash")]
    OutOfMemory,
    /// Argon2 refused its input, which the checks before it should have made impossible.
    #[error("argon2 refused its input")]
    Argon2,
}

/// Hashes and verifies passwords under one policy and one set of peppers.
#[derive(Debug)]
pub struct PasswordHasher {
    policy: Policy,
    peppers: Keyset<Pepper>,
    decoy: StoredHash,
}

impl PasswordHasher {
    /// Length of new salts in bytes (RFC 9106 §3.1).
    pub const SALT_LEN: usize = 16;
    /// Length of new tags in bytes.
    pub const TAG_LEN: usize = 32;

    /// Takes the policy and the peppers.
    pub fn new(policy: Policy, peppers: Keyset<Pepper>) -> Self {
        // Not the hash of any password: a random tag, which no password's tag equals but by a chance of 2⁻²⁵⁶.
        let decoy = StoredHash {
            params: policy.params,
            pepper: Some(peppers.primary().0),
            salt: random::bytes::<{ Self::SALT_LEN }>().to_vec(),
            tag: random::bytes::<{ Self::TAG_LEN }>().to_vec(),
        };
        Self { policy, peppers, decoy }
    }

    /// The policy.
    pub fn policy(&self) -> Policy {
        self.policy
    }

    /// Hashes a password with a fresh salt, the policy's parameters and the primary pepper. One Argon2 run.
    ///
    /// # Errors
    ///
    /// [`HashError::Argon2`].
    pub fn hash(&self, permit: &mut HashPermit, password: &Password) -> Result<StoredHash, HashError> {
        let mut salt = vec![0; Self::SALT_LEN];
        random::fill(Provider::default(), &mut salt);
        let (pepper, _) = self.peppers.primary();
        let mut phc = StoredHash {
            params: self.policy.params,
            pepper: Some(pepper),
            salt,
            tag: vec![0; Self::TAG_LEN],
        };
        phc.tag = self.tag(permit, password, &phc)?.to_vec();
        Ok(phc)
    }

    /// Verifies a password against a stored hash. One Argon2 run; the comparison takes constant time.
    ///
    /// # Errors
    ///
    /// [`HashError::AboveCeiling`] and [`HashError::UnknownPepper`], before anything is computed;
    /// [`HashError::Argon2`]. From outside all of these should look like a wrong password.
    pub fn verify(
        &self,
        permit: &mut HashPermit,
        password: &Password,
        stored: &StoredHash,
    ) -> Result<Verdict, HashError> {
        let tag = self.tag(permit, password, stored)?;
        let ok: bool = tag.as_slice().ct_eq(&stored.tag).into();
        Ok(Verdict {
            ok,
            needs_rehash: ok && !self.is_current(stored),
        })
    }

    /// Does the work of a verification for an account that does not exist, so that its absence cannot be timed.
    ///
    /// # Errors
    ///
    /// [`HashError::Argon2`].
    pub fn verify_decoy(&self, permit: &mut HashPermit, password: &Password) -> Result<(), HashError> {
        self.verify(permit, password, &self.decoy).map(|_| ())
    }

    fn is_current(&self, stored: &StoredHash) -> bool {
        stored.params == self.policy.params
            && stored.pepper == Some(self.peppers.primary().0)
            && stored.salt.len() >= Self::SALT_LEN
            && stored.tag.len() == Self::TAG_LEN
    }

    fn tag(
        &self,
        permit: &mut HashPermit,
        password: &Password,
        phc: &StoredHash,
    ) -> Result<Zeroizing<Vec<u8>>, HashError> {
        if !phc.params.within(self.policy.ceiling) {
            return Err(HashError::AboveCeiling);
        }
        let pepper = match phc.pepper {
            None => &[][..],
            Some(id) => self
                .peppers
                .get(id)
                .ok_or(HashError::UnknownPepper { id })?
                .expose_secret(),
        };
        let mut tag = Zeroizing::new(vec![0; phc.tag.len()]);
        let input = Input {
            variant: Variant::Argon2id,
            version: Version::V0x13,
            params: phc.params,
            password: password.as_bytes(),
            salt: &phc.salt,
            secret: pepper,
            associated_data: &[],
        };
        argon2(permit, input, &mut tag)?;
        Ok(tag)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.ok { "accepted" } else { "refused" })
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;
    use crate::password::HashPool;

    fn pool() -> HashPool {
        HashPool::new(NonZeroUsize::MIN)
    }

    fn cheap() -> Argon2Params {
        Argon2Params::new(32, 1, 1).unwrap()
    }

    fn hasher(params: Argon2Params) -> PasswordHasher {
        let ceiling = Argon2Params::new(128, 3, 4).unwrap();
        PasswordHasher::new(
            Policy::new(params, ceiling).unwrap(),
            Keyset::new("peppers", Pepper::generate()),
        )
    }

    fn password(text: &str) -> Password {
        Password::new(text).unwrap()
    }

    #[test]
    fn a_right_password_is_accepted_and_a_wrong_one_is_not() {
        let (pool, hasher) = (pool(), hasher(cheap()));
        let mut permit = pool.try_acquire().unwrap();
        let stored = hasher.hash(&mut permit, &password("correct horse")).unwrap();
        let stored = StoredHash::parse(&stored.to_string()).unwrap();
        let right = hasher.verify(&mut permit, &password("correct horse"), &stored).unwrap();
        assert_eq!(
            right,
            Verdict {
                ok: true,
                needs_rehash: false
            }
        );
        for wrong in ["correct hors", "correct horse ", "Correct horse", "\0"] {
            let verdict = hasher.verify(&mut permit, &password(wrong), &stored).unwrap();
            assert_eq!(
                verdict,
                Verdict {
                    ok: false,
                    needs_rehash: false
                }
            );
        }
    }

    #[test]
    fn byte_73_and_bytes_after_nul_count() {
        let (pool, hasher) = (pool(), hasher(cheap()));
        let mut permit = pool.try_acquire().unwrap();
        for (one, other) in [
            ("a".repeat(72) + "b", "a".repeat(72) + "c"),
            ("a\0b".into(), "a\0c".into()),
        ] {
            let stored = hasher.hash(&mut permit, &password(&one)).unwrap();
            assert!(hasher.verify(&mut permit, &password(&one), &stored).unwrap().ok);
            assert!(!hasher.verify(&mut permit, &password(&other), &stored).unwrap().ok);
        }
    }

    #[test]
    fn equal_passwords_get_different_hashes() {
        let (pool, hasher) = (pool(), hasher(cheap()));
        let mut permit = pool.try_acquire().unwrap();
        let first = hasher.hash(&mut permit, &password("same")).unwrap();
        let second = hasher.hash(&mut permit, &password("same")).unwrap();
        assert_ne!(first.to_string(), second.to_string());
    }

    #[test]
    fn the_pepper_matters_and_an_edited_keyid_never_widens_what_verifies() {
        let (pool, hasher) = (pool(), hasher(cheap()));
        let mut permit = pool.try_acquire().unwrap();
        let stored = hasher.hash(&mut permit, &password("p")).unwrap();

        let mut without = stored.clone();
        without.pepper = None;
        assert!(!hasher.verify(&mut permit, &password("p"), &without).unwrap().ok);

        let mut unknown = stored.clone();
        let id = KeyId::from_bytes([1; 8]);
        unknown.pepper = Some(id);
        assert_eq!(
            hasher.verify(&mut permit, &password("p"), &unknown),
            Err(HashError::UnknownPepper { id }),
        );

        let other = PasswordHasher::new(
            hasher.policy,
            Keyset::with_id("peppers", stored.pepper.unwrap(), Pepper::generate()),
        );
        assert!(!other.verify(&mut permit, &password("p"), &stored).unwrap().ok);
    }

    #[test]
    fn old_parameters_and_old_peppers_ask_for_a_rehash() {
        let pool = pool();
        let mut permit = pool.try_acquire().unwrap();
        let mut hasher = hasher(cheap());
        let stored = hasher.hash(&mut permit, &password("p")).unwrap();

        hasher.policy.params = Argon2Params::new(64, 1, 1).unwrap();
        let verdict = hasher.verify(&mut permit, &password("p"), &stored).unwrap();
        assert_eq!(
            verdict,
            Verdict {
                ok: true,
                needs_rehash: true
            }
        );
        let verdict = hasher.verify(&mut permit, &password("wrong"), &stored).unwrap();
        assert!(!verdict.needs_rehash, "a wrong password never leads to a rehash");

        hasher.policy.params = cheap();
        let id = hasher.peppers.add(Pepper::generate());
        hasher.peppers.promote(id).unwrap();
        assert!(
            hasher
                .verify(&mut permit, &password("p"), &stored)
                .unwrap()
                .needs_rehash
        );
    }

    #[test]
    fn a_stored_hash_above_the_ceiling_is_refused_before_any_memory_is_mapped() {
        let (pool, hasher) = (pool(), hasher(cheap()));
        let mut permit = pool.try_acquire().unwrap();
        let stored = hasher.hash(&mut permit, &password("p")).unwrap();
        drop(permit);
        pool.release_idle();
        pool.release_idle();
        let mut permit = pool.try_acquire().unwrap();
        for costs in [(256, 1, 1), (32, 4, 1), (128, 1, 8)] {
            let mut hostile = stored.clone();
            hostile.params = Argon2Params::new(costs.0, costs.1, costs.2).unwrap();
            assert_eq!(
                hasher.verify(&mut permit, &password("p"), &hostile),
                Err(HashError::AboveCeiling),
            );
        }
        drop(permit);
        assert_eq!(pool.idle_bytes(), 0);
        assert_eq!(Policy::new(Argon2Params::OWASP, cheap()), Err(HashError::AboveCeiling));
    }

    #[test]
    fn every_path_costs_exactly_one_run() {
        let (pool, hasher) = (pool(), hasher(cheap()));
        let mut permit = pool.try_acquire().unwrap();
        let stored = hasher.hash(&mut permit, &password("p")).unwrap();
        assert_eq!(pool.completed(), 1);
        let _ = hasher.verify(&mut permit, &password("p"), &stored).unwrap();
        assert_eq!(pool.completed(), 2);
        let _ = hasher.verify(&mut permit, &password("x"), &stored).unwrap();
        assert_eq!(pool.completed(), 3);
        hasher.verify_decoy(&mut permit, &password("p")).unwrap();
        assert_eq!(pool.completed(), 4);
    }
}
