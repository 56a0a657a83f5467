//! Argon2id through the pool, beside its backend alone.

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::time::Duration;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use cryptokit::keyset::{KeyMaterial, Keyset};
use cryptokit::password::{
    Argon2Backend, Argon2Params, HashPermit, HashPool, Password, PasswordHasher, Pepper, Policy, StoredHash,
};
use cryptokit::secret::SecretBytes;

use crate::{Baseline, Comparison};

/// Least time of an honest Argon2id at 19 MiB and two passes: the fastest implementations take several times as long.
/// A hash that gets cheaper than this has lost memory, passes or its whole computation on the way.
pub const NEVER_UNDER: Duration = Duration::from_millis(1);

pub(crate) const PASSWORD: &str = "correct horse battery staple";
pub(crate) const PEPPER: [u8; 32] = [7; 32];

/// A verification at the default parameters: with a permit taken and given back each time, as for a login that finds
/// the service idle, and with one permit kept, as when logins wait for each other.
pub fn comparisons() -> Vec<Comparison> {
    let mut all = both_ways("argon2id 19 MiB", Argon2Backend::Portable, || {
        vec![
            reused(),
            #[cfg(feature = "huge-pages")]
            huge_pages(),
        ]
    });
    all[0].baselines.push(wiped());
    all[0].baselines.push(fresh());
    #[cfg(feature = "argon2-simd")]
    all.extend(both_ways("argon2id 19 MiB, SIMD", Argon2Backend::Simd, || {
        vec![simd_reused()]
    }));
    all
}

fn both_ways(what: &str, backend: Argon2Backend, baselines: impl Fn() -> Vec<Baseline>) -> Vec<Comparison> {
    let (idle, waiting) = (Login::new(backend), Login::new(backend));
    let mut permit = waiting.permit();
    let row = |way: &str, ours| Comparison {
        what: format!("{what}: verify, {way}"),
        bytes: 0,
        never_under: NEVER_UNDER,
        ours,
        baselines: baselines(),
    };
    vec![
        row("own permit", Box::new(move || idle.verify(&mut idle.permit()))),
        row("permit kept", Box::new(move || waiting.verify(&mut permit))),
    ]
}

pub(crate) struct Login {
    pool: HashPool,
    hasher: PasswordHasher,
    password: Password,
    stored: StoredHash,
}

impl Login {
    pub(crate) fn new(backend: Argon2Backend) -> Self {
        let pool = HashPool::with_backend(NonZeroUsize::MIN, backend).expect("it computes Argon2");
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

    pub(crate) fn permit(&self) -> HashPermit {
        self.pool.try_acquire().expect("nobody else is hashing")
    }

    pub(crate) fn verify(&self, permit: &mut HashPermit) {
        let verdict = self.hasher.verify(permit, black_box(&self.password), &self.stored);
        assert!(
            verdict.expect("an honest hash").ok,
            "the password is the one that was hashed"
        );
    }
}

fn reused() -> Baseline {
    bare_on(
        "argon2 crate, reused memory",
        Some(0.98),
        vec![Block::new(); bare().params().block_count()],
    )
}

/// What a permit of its own promises: the memory is zero afterwards.
fn wiped() -> Baseline {
    let mut memory = vec![Block::new(); bare().params().block_count()];
    Baseline {
        name: "argon2 crate, reused, wiped",
        bar: Some(0.98),
        run: Box::new(move || {
            black_box(bare_reused(black_box(&[9; 16]), &mut memory));
            memory.fill(Block::new());
            black_box(&mut memory);
        }),
    }
}

/// The memory of a pool, without the pool.
#[cfg(feature = "huge-pages")]
fn huge_pages() -> Baseline {
    let blocks = bare().params().block_count();
    let mut memory: Vec<Block> = Vec::with_capacity(blocks);
    kevy_madvise::advise_hugepage(memory.as_ptr().cast(), blocks * Block::SIZE);
    memory.resize(blocks, Block::new());
    bare_on("argon2 crate, huge pages", None, memory)
}

fn bare_on(name: &'static str, bar: Option<f64>, mut memory: Vec<Block>) -> Baseline {
    Baseline {
        name,
        bar,
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

/// The SIMD backend's crate alone, which keeps its memory and wipes it after each run.
#[cfg(feature = "argon2-simd")]
fn simd_reused() -> Baseline {
    use argon2_rust::params::{Memory, TagLen};
    let costs = Argon2Params::OWASP;
    let params = argon2_rust::Params::builder()
        .memory(Memory::kib(u64::from(costs.m_cost())))
        .passes(costs.t_cost())
        .lanes(costs.p_cost())
        .tag_len(TagLen::bytes(PasswordHasher::TAG_LEN as u64))
        .build()
        .expect("in range");
    let argon2 = argon2_rust::Argon2::new(argon2_rust::Algorithm::Argon2id, argon2_rust::Version::V0x13, params);
    let mut hasher = argon2.hasher();
    Baseline {
        name: "argon2-rust crate, reused",
        bar: Some(0.98),
        run: Box::new(move || {
            let mut tag = [0; PasswordHasher::TAG_LEN];
            hasher
                .hash_into_with_ad(PASSWORD.as_bytes(), black_box(&[9; 16]), &PEPPER, &[], &mut tag)
                .expect("honest parameters");
            black_box(tag);
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

pub(crate) fn bare_fresh(salt: &[u8]) -> [u8; PasswordHasher::TAG_LEN] {
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
