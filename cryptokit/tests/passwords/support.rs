//! Cheap hashers and short names.

use std::num::NonZeroUsize;

use cryptokit::keyset::{KeyId, KeyMaterial, Keyset};
use cryptokit::password::{
    Argon2Params, HashError, HashPermit, HashPool, NewHash, Password, PasswordHasher, Pepper, Policy, Range, Scheme,
    ScryptParams, StoredHash, UnlabelledPeppers, Verdict,
};
use cryptokit::secret::SecretBytes;

pub(crate) const ACCEPTED: Verdict = Verdict {
    ok: true,
    needs_rehash: false,
};
pub(crate) const ACCEPTED_ONCE_MORE: Verdict = Verdict {
    ok: true,
    needs_rehash: true,
};
pub(crate) const REFUSED: Verdict = Verdict {
    ok: false,
    needs_rehash: false,
};

pub(crate) fn password(text: &str) -> Password {
    Password::new(text).unwrap()
}

pub(crate) fn parse(text: &str) -> StoredHash {
    let stored = StoredHash::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(stored.to_string(), text, "one spelling");
    stored
}

pub(crate) fn cheap() -> Argon2Params {
    Argon2Params::new(32, 1, 1).unwrap()
}

/// Makes cheap Argon2id hashes; accepts everything up to small ceilings.
pub(crate) fn tolerant() -> Policy {
    let mut limits = *Policy::default().limits();
    limits.argon2 = Range::new(cheap(), Argon2Params::new(128, 3, 4).unwrap());
    limits.bcrypt_cost.ceiling = 10;
    limits.scrypt = Range::new(ScryptParams::new(4, 8, 1).unwrap(), ScryptParams::new(6, 8, 2).unwrap());
    Policy::default()
        .with_new_hash(NewHash::Argon2id(cheap()))
        .unwrap()
        .with_limits(limits)
        .unwrap()
        .accepting(Scheme::ALL)
}

/// The pepper 00 01 02 … 1f.
pub(crate) fn known_pepper() -> Pepper {
    Pepper::from_bytes("secret-256", SecretBytes::new((0..32).collect())).unwrap()
}

pub(crate) const KNOWN_ID: KeyId = KeyId::from_bytes([0; 8]);

pub(crate) fn known_peppers() -> Keyset<Pepper> {
    Keyset::with_id("peppers", KNOWN_ID, known_pepper())
}

pub(crate) fn unlabelled(count: usize) -> UnlabelledPeppers {
    let peppers = (0..count).map(|index| SecretBytes::new(format!("pepper-{index}").into_bytes()));
    UnlabelledPeppers::new(peppers.collect()).unwrap()
}

/// A hasher and the only permit of its pool.
pub(crate) struct Bench {
    pub(crate) pool: HashPool,
    pub(crate) permit: Option<HashPermit>,
    pub(crate) hasher: PasswordHasher,
}

impl Bench {
    pub(crate) fn new(policy: Policy) -> Self {
        Self::with(PasswordHasher::new(policy, known_peppers()).with_unlabelled_peppers(unlabelled(5)))
    }

    pub(crate) fn with(hasher: PasswordHasher) -> Self {
        let pool = HashPool::new(NonZeroUsize::MIN);
        let permit = pool.try_acquire();
        Self { pool, permit, hasher }
    }

    fn permit(&mut self) -> &mut HashPermit {
        self.permit.as_mut().unwrap()
    }

    pub(crate) fn hash(&mut self, text: &str) -> StoredHash {
        let Self { permit, hasher, .. } = self;
        let stored = hasher.hash(permit.as_mut().unwrap(), &password(text)).unwrap();
        parse(&stored.to_string())
    }

    pub(crate) fn try_verify(&mut self, text: &str, stored: &StoredHash) -> Result<Verdict, HashError> {
        let Self { permit, hasher, .. } = self;
        hasher.verify(permit.as_mut().unwrap(), &password(text), stored)
    }

    pub(crate) fn verify(&mut self, text: &str, stored: &StoredHash) -> Verdict {
        self.try_verify(text, stored).unwrap()
    }

    pub(crate) fn decoy(&mut self) {
        let Self { permit, hasher, .. } = self;
        hasher.verify_decoy(permit.as_mut().unwrap(), &password("p")).unwrap();
    }

    /// Memory that is mapped for hashing when nothing hashes.
    pub(crate) fn mapped_bytes(&mut self) -> usize {
        let _ = self.permit();
        self.permit = None;
        let mapped = self.pool.idle_bytes();
        self.permit = self.pool.try_acquire();
        mapped
    }
}
