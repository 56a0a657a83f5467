//! Is a password's Argon2 memory gone when nobody needs it any more? The process searches its own memory for a part of
//! a block that the run must have computed.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

use std::fs::{self, File};
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::os::unix::fs::FileExt;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use cryptokit::keyset::{KeyMaterial, Keyset};
use cryptokit::password::{Argon2Params, HashPermit, HashPool, Password, PasswordHasher, Pepper, Policy, StoredHash};
use cryptokit::secret::SecretBytes;

const PASSWORD: &str = "correct horse battery staple";
const PEPPER: [u8; 32] = [7; 32];
/// Hides the trace that is searched for from the search.
const MASK: u64 = 0x5555_5555_5555_5555;

#[test]
fn no_block_outlives_its_permit() {
    let pool = HashPool::new(NonZeroUsize::MIN);
    let mut permit = pool.try_acquire().unwrap();
    let login = Login::new();
    let trace = Trace::of(&login.stored);
    assert_eq!(trace.found(), 0, "what the oracle computed is gone");

    login.verify(&mut permit);
    assert_eq!(
        trace.found(),
        1,
        "a permit that is kept holds its last run, or else this test could not find it"
    );
    permit.wipe();
    assert_eq!(trace.found(), 0);

    login.verify(&mut permit);
    assert_eq!(trace.found(), 1);
    drop(permit);
    assert_eq!(trace.found(), 0);
    assert_eq!(
        pool.idle_bytes(),
        costs().memory_bytes(),
        "the memory itself is still there"
    );
}

#[test]
#[cfg(feature = "argon2-simd")]
fn the_simd_backend_leaves_no_block_behind_its_run() {
    let pool = HashPool::with_backend(NonZeroUsize::MIN, cryptokit::password::Argon2Backend::Simd).unwrap();
    let mut permit = pool.try_acquire().unwrap();
    let login = Login::new();
    let trace = Trace::of(&login.stored);
    login.verify(&mut permit);
    assert_eq!(trace.found(), 0);
    assert_eq!(
        pool.mapped_bytes(),
        costs().memory_bytes(),
        "the memory itself is still there"
    );
}

#[test]
fn memory_that_is_given_back_leaves_the_process() {
    const PERMITS: usize = 2;
    let costs = Argon2Params::OWASP;
    let pool = HashPool::new(NonZeroUsize::new(PERMITS).unwrap());
    let login = Login::with(costs);
    let round = || {
        let mut permits: Vec<HashPermit> = (0..PERMITS).map(|_| pool.try_acquire().unwrap()).collect();
        permits.iter_mut().for_each(|permit| login.verify(permit));
        assert_eq!(pool.mapped_bytes(), PERMITS * costs.memory_bytes());
        let used = resident_bytes();
        drop(permits);
        pool.release_idle();
        pool.release_idle();
        (used, resident_bytes())
    };
    round();
    let before = resident_bytes();
    for number in 0..6 {
        // The other test of this process may map some MiB meanwhile.
        let slack = costs.memory_bytes() / 2;
        let (used, after) = round();
        assert!(
            after < before + slack,
            "round {number}: {before} bytes before, {after} after"
        );
        assert!(
            used > after + slack,
            "round {number}: {used} bytes in use, {after} after"
        );
    }
}

fn resident_bytes() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

fn costs() -> Argon2Params {
    Argon2Params::new(4 * 1024, 1, 1).unwrap()
}

struct Login {
    hasher: PasswordHasher,
    stored: StoredHash,
}

impl Login {
    fn new() -> Self {
        Self::with(costs())
    }

    fn with(costs: Argon2Params) -> Self {
        let pepper = Pepper::from_bytes("secret-256", SecretBytes::new(PEPPER.to_vec())).unwrap();
        let policy = Policy::new(costs, costs).unwrap();
        let hasher = PasswordHasher::new(policy, Keyset::new("peppers", pepper));
        let mut permit = HashPool::new(NonZeroUsize::MIN).try_acquire().unwrap();
        let stored = hasher.hash(&mut permit, &Password::new(PASSWORD).unwrap()).unwrap();
        Self { hasher, stored }
    }

    fn verify(&self, permit: &mut HashPermit) {
        let verdict = self
            .hasher
            .verify(permit, &Password::new(PASSWORD).unwrap(), &self.stored);
        assert!(verdict.unwrap().ok);
    }
}

/// Words in the middle of the memory of one run, masked.
struct Trace([u64; 4]);

impl Trace {
    fn of(stored: &StoredHash) -> Self {
        let text = stored.to_string();
        let salt = text
            .rsplit('$')
            .nth(1)
            .map(|salt| STANDARD_NO_PAD.decode(salt).unwrap())
            .unwrap();
        let params = Params::new(costs().m_cost(), costs().t_cost(), costs().p_cost(), Some(32)).unwrap();
        let mut blocks = vec![Block::new(); params.block_count()];
        let argon2 = Argon2::new_with_secret(&PEPPER, Algorithm::Argon2id, Version::V0x13, params).unwrap();
        let mut tag = [0; 32];
        argon2
            .hash_password_into_with_memory(PASSWORD.as_bytes(), &salt, &mut tag, &mut blocks)
            .unwrap();
        assert_eq!(
            text.rsplit('$').next().unwrap(),
            STANDARD_NO_PAD.encode(tag),
            "the oracle agrees"
        );

        let middle: &[u64] = blocks[blocks.len() / 2].as_ref();
        let trace = Self(std::array::from_fn(|word| middle[64 + word] ^ MASK));
        blocks.fill(Block::new());
        black_box(&mut blocks);
        trace
    }

    /// In how many places of the process's writable memory it is.
    fn found(&self) -> usize {
        let memory = File::open("/proc/self/mem").unwrap();
        let mut piece = vec![0; 1 << 16];
        let own = piece.as_ptr_range();
        let own = own.start.addr()..own.end.addr();
        let mut places = 0;
        for (start, end) in writable_mappings() {
            let mut at = start;
            while at < end {
                let length = piece.len().min(end - at);
                if own.start < at + length && at < own.end {
                    // The copy that is being searched.
                    at = own.end.next_multiple_of(8).max(at + 8);
                    continue;
                }
                // Some mappings cannot be read, those of devices for example, and another test may give back a part of
                // this one meanwhile.
                if memory.read_exact_at(&mut piece[..length], at as u64).is_ok() {
                    places += self.count_in(&piece[..length]);
                }
                // The trace is shorter than a block and blocks are aligned to 64 bytes, as pieces are.
                at += length;
            }
        }
        piece.fill(0);
        black_box(&mut piece);
        places
    }

    fn count_in(&self, piece: &[u8]) -> usize {
        let (words, _) = piece.as_chunks::<8>();
        words
            .windows(self.0.len())
            .filter(|words| {
                words
                    .iter()
                    .zip(self.0)
                    .all(|(word, masked)| u64::from_ne_bytes(*word) ^ MASK == masked)
            })
            .count()
    }
}

fn writable_mappings() -> Vec<(usize, usize)> {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    maps.lines()
        .filter(|line| line.split(' ').nth(1).is_some_and(|access| access.starts_with("rw")))
        .map(|line| {
            let (start, end) = line.split(' ').next().unwrap().split_once('-').unwrap();
            (
                usize::from_str_radix(start, 16).unwrap(),
                usize::from_str_radix(end, 16).unwrap(),
            )
        })
        .collect()
}
