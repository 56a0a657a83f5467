//! Argon2id through the pool, beside the `argon2` crate alone.

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::time::Duration;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use cryptokit::keyset::{KeyMaterial, Keyset};
use cryptokit::password::{Argon2Params, HashPermit, HashPool, Password, PasswordHasher, Pepper, Policy, StoredHash};
use cryptokit::secret::SecretBytes;

use crate::{Baseline, Comparison};

/// Least time of an honest Argon2id at 19 MiB and two passes: the fastest implementations take several times as long.
/// A hash that gets cheaper than this has lost memory, passes or its whole computation on the way.
pub const NEVER_UNDER: Duration = Duration::from_millis(1);

const PASSWORD: &str = "correct horse battery staple";
const PEPPER: [u8; 32] = [7; 32];

/// A verification at the default parameters: with a permit taken and given back each time, as for a login that finds
/// the service idle, and with one permit kept, as when logins wait for each other.
pub fn comparisons() -> Vec<Comparison> {
    let (idle, waiting) = (Login::new(), Login::new());
    let mut permit = waiting.permit();
    vec![
        Comparison {
            what: "argon2id 19 MiB: verify, own permit".into(),
            bytes: 0,
            never_under: NEVER_UNDER,
            ours: Box::new(move || idle.verify(&mut idle.permit())),
            baselines: vec![reused(), fresh()],
        },
        Comparison {
            what: "argon2id 19 MiB: verify, permit kept".into(),
            bytes: 0,
            never_under: NEVER_UNDER,
            ours: Box::new(move || waiting.verify(&mut permit)),
            baselines: vec![reused()],
        },
    ]
}

struct Login {
    pool: HashPool,
    hasher: PasswordHasher,
    password: Password,
    stored: StoredHash,
}

impl Login {
    fn new() -> Self {
        let pool = HashPool::new(NonZeroUsize::MIN);
        let hasher = hasher();
        let password = Password::new(PASSWORD).expect("within the bounds");
        let mut permit = pool.try_acquire().expect("a new pool is free");
        let stored = hasher.hash(&mut permit, &password).expect("honest parameters");
        drop(permit);
        Self {
            pool,
            hasher,
            password,
            stored,
        }
    }

    fn permit(&self) -> HashPermit {
        self.pool.try_acquire().expect("nobody else is hashing")
    }

    fn verify(&self, permit: &mut HashPermit) {
        let verdict = self.hasher.verify(permit, black_box(&self.password), &self.stored);
        assert!(
            verdict.expect("an honest hash").ok,
            "the password is the one that was hashed"
        );
    }
}

fn reused() -> Baseline {
    let mut memory = vec![Block::new(); bare().params().block_count()];
    Baseline {
        name: "argon2 crate, reused memory",
        bar: Some(0.98),
        run: Box::new(move || {
            black_box(bare_reused(black_box(&[9; 16]), &mut memory));
        }),
    }
}

fn fresh() -> Baseline {
    Baseline {
        name: "argon2 crate, fresh memory",
        bar: None,
        run: Box::new(|| {
            black_box(bare_fresh(black_box(&[9; 16])));
        }),
    }
}

fn hasher() -> PasswordHasher {
    let pepper = Pepper::from_bytes("secret-256", SecretBytes::new(PEPPER.to_vec())).expect("a pepper has 32 bytes");
    PasswordHasher::new(Policy::default(), Keyset::new("peppers", pepper))
}

/// The crate alone, with the same costs, pepper and tag length.
fn bare() -> Argon2<'static> {
    let costs = Argon2Params::OWASP;
    let length = PasswordHasher::TAG_LEN;
    let params = Params::new(costs.m_cost(), costs.t_cost(), costs.p_cost(), Some(length)).expect("in range");
    Argon2::new_with_secret(&PEPPER, Algorithm::Argon2id, Version::V0x13, params).expect("a short secret")
}

fn bare_reused(salt: &[u8], memory: &mut [Block]) -> [u8; PasswordHasher::TAG_LEN] {
    let mut tag = [0; PasswordHasher::TAG_LEN];
    bare()
        .hash_password_into_with_memory(PASSWORD.as_bytes(), salt, &mut tag, memory)
        .expect("honest parameters");
    tag
}

fn bare_fresh(salt: &[u8]) -> [u8; PasswordHasher::TAG_LEN] {
    let mut tag = [0; PasswordHasher::TAG_LEN];
    bare()
        .hash_password_into(PASSWORD.as_bytes(), salt, &mut tag)
        .expect("honest parameters");
    tag
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD_NO_PAD;

    use super::*;

    #[test]
    fn ours_and_the_baselines_compute_the_same_hash() {
        let mut permit = HashPool::new(NonZeroUsize::MIN).try_acquire().unwrap();
        let stored = hasher()
            .hash(&mut permit, &Password::new(PASSWORD).unwrap())
            .unwrap()
            .to_string();
        let (rest, tag) = stored.rsplit_once('$').unwrap();
        let salt = STANDARD_NO_PAD.decode(rest.rsplit_once('$').unwrap().1).unwrap();

        let mut memory = vec![Block::new(); bare().params().block_count()];
        assert_eq!(STANDARD_NO_PAD.encode(bare_reused(&salt, &mut memory)), tag);
        assert_eq!(STANDARD_NO_PAD.encode(bare_fresh(&salt)), tag);
    }
}
