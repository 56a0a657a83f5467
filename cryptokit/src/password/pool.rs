//! A bounded pool of memory for password hashing.
//!
//! Hashing is a lever for denial of service: each run takes 19 MiB and 15 ms. The pool hands out at most `capacity`
//! permits, and a run needs one, so that at any moment
//!
//! ```text
//! memory ≤ capacity × memory of the costliest run
//! ```
//!
//! holds whatever callers do, idle memory included. The costliest run is that of the policy's ceiling, if hashes of
//! other origin are verified, or else of its parameters: [`Argon2Params::memory_bytes`] for Argon2,
//! [`ScryptParams::memory_bytes`] for imported scrypt; [`Policy::max_memory_bytes`] is the larger one. With the default
//! policy and two permits that is 2 × 64 MiB at worst, and 2 × 19 MiB while all hashes are our own.
//!
//! A permit is owned: it moves into the work, and a caller that goes away while its hash is running does not free it
//! early. Waiting in front of the pool, fairness and deadlines belong to the service, because this library has neither
//! clock nor executor.
//!
//! # What is left in memory
//!
//! From the blocks of a run its tag can be computed, and guesses be checked at a fraction of the cost. A permit's memory
//! is wiped when the permit is dropped, after a panic as well, and before it is given back to the system. Memory in the
//! pool is therefore zero. A permit that is kept holds the blocks of its last run, until the next run overwrites them or
//! [`HashPermit::wipe`] is called: pass it to the next caller that waits, or drop it. Wiping takes a twentieth of a run,
//! which a busy service saves by passing permits on.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::argon2::Input;
use super::backend::{Argon2Backend, Memory, UnfitBackend};
use super::hasher::HashError;
#[cfg(doc)]
use super::{Argon2Params, Policy, ScryptParams};

/// Hands out at most N permits, each with memory that is reused.
#[derive(Clone)]
pub struct HashPool(Arc<Shared>);

struct Shared {
    capacity: usize,
    backend: Argon2Backend,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    in_use: usize,
    completed: u64,
    /// Bytes mapped, idle or with a permit.
    mapped: usize,
    /// Memory that waits for its next use, the most recently used last. Never more than permits not handed out.
    idle: Vec<Memory>,
    /// How many of `idle`, from the front, were already idle at the last call of `release_idle`.
    stale: usize,
}

impl HashPool {
    /// A pool of `capacity` permits. Memory is mapped when a permit is first used, not here.
    ///
    /// More permits than cores add memory and make every hash slower; they do not add throughput.
    pub fn new(capacity: NonZeroUsize) -> Self {
        Self::untested(capacity, Argon2Backend::default())
    }

    /// The same, with a backend of choice, which is tried first: a known answer, and a random one that
    /// [`Argon2Backend::Portable`] must share. Some milliseconds.
    ///
    /// # Errors
    ///
    /// [`UnfitBackend`] when the backend computes something else on this machine.
    pub fn with_backend(capacity: NonZeroUsize, backend: Argon2Backend) -> Result<Self, UnfitBackend> {
        backend.self_test()?;
        Ok(Self::untested(capacity, backend))
    }

    fn untested(capacity: NonZeroUsize, backend: Argon2Backend) -> Self {
        Self(Arc::new(Shared {
            capacity: capacity.get(),
            backend,
            state: Mutex::default(),
        }))
    }

    /// A permit, if one is free now.
    pub fn try_acquire(&self) -> Option<HashPermit> {
        let mut state = self.0.lock();
        if state.in_use == self.0.capacity {
            return None;
        }
        state.in_use += 1;
        let memory = state.idle.pop().unwrap_or_else(|| Memory::new(self.0.backend));
        state.stale = state.stale.min(state.idle.len());
        drop(state);
        Some(HashPermit {
            shared: Arc::clone(&self.0),
            counted: memory.bytes(),
            memory,
        })
    }

    /// Gives the memory back that no permit has used since the previous call. Call it every 30 s or so.
    ///
    /// Who asks for a permit meanwhile waits until the memory is unmapped, some hundred microseconds: otherwise a new
    /// permit's memory could come on top of it.
    pub fn release_idle(&self) {
        let mut state = self.0.lock();
        let stale = state.stale;
        let released = state.idle.drain(..stale).map(|memory| memory.bytes()).sum::<usize>();
        state.mapped -= released;
        state.stale = state.idle.len();
    }

    /// What computes Argon2.
    pub fn backend(&self) -> Argon2Backend {
        self.0.backend
    }

    /// Number of permits there are.
    pub fn capacity(&self) -> usize {
        self.0.capacity
    }

    /// Number of permits handed out now.
    pub fn in_use(&self) -> usize {
        self.0.lock().in_use
    }

    /// Runs completed since the pool was made.
    pub fn completed(&self) -> u64 {
        self.0.lock().completed
    }

    /// Bytes mapped now, by permits and for reuse.
    pub fn mapped_bytes(&self) -> usize {
        self.0.lock().mapped
    }

    /// Bytes mapped for reuse now, not counting permits in use.
    pub fn idle_bytes(&self) -> usize {
        self.0.lock().idle.iter().map(Memory::bytes).sum()
    }
}

impl fmt::Debug for HashPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HashPool")
            .field("backend", &self.backend())
            .field("capacity", &self.capacity())
            .field("in_use", &self.in_use())
            .field("mapped_bytes", &self.mapped_bytes())
            .finish()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // No code that can panic runs under the lock, so a poisoned one still holds a consistent state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to run one hash at a time. Dropping it wipes its memory and gives both back, after a panic as well.
pub struct HashPermit {
    shared: Arc<Shared>,
    memory: Memory,
    /// Its part of the pool's `mapped`.
    counted: usize,
}

impl HashPermit {
    /// Overwrites what the last run left. For a permit that is kept while nobody waits for it; dropping it wipes too.
    pub fn wipe(&mut self) {
        self.memory.wipe();
    }

    /// Runs Argon2 on the permit's memory.
    pub(super) fn argon2(&mut self, input: &Input<'_>, tag: &mut [u8]) -> Result<(), HashError> {
        self.count(self.memory.bytes().max(input.params.memory_bytes()));
        let result = self.memory.argon2(input, tag);
        self.count(self.memory.bytes());
        result?;
        self.shared.lock().completed += 1;
        Ok(())
    }

    /// Runs work that brings its own memory, `bytes` at most. The permit's own is given back first, so that one permit
    /// never stands for two runs' memory; nobody wipes the work's own. With 0, for work that needs none to speak of, it is kept.
    pub(super) fn run_elsewhere<T>(&mut self, bytes: usize, work: impl FnOnce() -> T) -> T {
        if bytes > 0 {
            self.memory.release();
        }
        self.count(self.memory.bytes() + bytes);
        let result = work();
        self.count(self.memory.bytes());
        self.shared.lock().completed += 1;
        result
    }

    fn count(&mut self, bytes: usize) {
        let mut state = self.shared.lock();
        state.mapped = state.mapped - self.counted + bytes;
        self.counted = bytes;
    }
}

impl Drop for HashPermit {
    fn drop(&mut self) {
        self.memory.wipe();
        // Not what was last counted: work that panicked may have left it too high.
        self.count(self.memory.bytes());
        let memory = std::mem::replace(&mut self.memory, Memory::new(self.shared.backend));
        let mut state = self.shared.lock();
        state.in_use -= 1;
        if memory.bytes() > 0 {
            state.idle.push(memory);
        }
    }
}

impl fmt::Debug for HashPermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashPermit")
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::thread;

    use super::*;
    use crate::password::argon2::{Variant, Version};
    use crate::password::params::Argon2Params;

    const KIB: usize = 1024;

    fn pool(capacity: usize) -> HashPool {
        HashPool::new(NonZeroUsize::new(capacity).unwrap())
    }

    /// One run over `m_cost` KiB.
    fn run(permit: &mut HashPermit, m_cost: u32) -> [u8; 32] {
        let mut tag = [0; 32];
        let input = Input {
            variant: Variant::Argon2id,
            version: Version::V0x13,
            params: Argon2Params::new(m_cost, 1, 1).unwrap(),
            password: b"password",
            salt: &[7; 16],
            secret: &[],
            associated_data: &[],
        };
        permit.argon2(&input, &mut tag).unwrap();
        tag
    }

    #[test]
    fn never_more_permits_than_capacity() {
        let pool = pool(2);
        let first = pool.try_acquire().unwrap();
        let _second = pool.try_acquire().unwrap();
        assert!(pool.try_acquire().is_none());
        drop(first);
        assert_eq!(pool.in_use(), 1);
        assert!(pool.try_acquire().is_some());
    }

    #[test]
    fn sixty_four_threads_never_exceed_the_capacity_nor_its_memory() {
        const CAPACITY: usize = 3;
        const THREADS: usize = 64;
        const RUNS: usize = 6;
        let pool = pool(CAPACITY);
        let (running, finished) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let within = |pool: &HashPool| assert!(pool.mapped_bytes() <= CAPACITY * 64 * KIB, "{pool:?}");
        thread::scope(|scope| {
            for number in 0..THREADS {
                let (pool, running, finished, within) = (pool.clone(), &running, &finished, &within);
                scope.spawn(move || {
                    let mut runs = 0;
                    while runs < RUNS {
                        let Some(mut permit) = pool.try_acquire() else {
                            thread::yield_now();
                            continue;
                        };
                        assert!(running.fetch_add(1, Ordering::SeqCst) < CAPACITY);
                        run(&mut permit, [8, 16, 32, 64][(number + runs) % 4]);
                        within(&pool);
                        permit.run_elsewhere(64 * KIB, || within(&pool));
                        running.fetch_sub(1, Ordering::SeqCst);
                        runs += 1;
                    }
                    finished.fetch_add(1, Ordering::SeqCst);
                });
            }
            while finished.load(Ordering::SeqCst) < THREADS {
                pool.release_idle();
                within(&pool);
                thread::yield_now();
            }
        });
        assert_eq!(pool.completed(), (THREADS * RUNS * 2) as u64);
        assert_eq!((pool.in_use(), pool.mapped_bytes()), (0, pool.idle_bytes()));
        pool.release_idle();
        pool.release_idle();
        assert_eq!(pool.mapped_bytes(), 0);
    }

    #[test]
    fn a_caller_that_vanishes_frees_nothing_while_its_hash_runs() {
        let pool = pool(1);
        let (finish, may_finish) = mpsc::channel::<()>();
        let (began, has_begun) = mpsc::channel();
        let mut permit = pool.try_acquire().unwrap();
        let worker = thread::spawn(move || {
            permit.run_elsewhere(KIB, || {
                began.send(()).unwrap();
                may_finish.recv().unwrap();
            });
        });
        // The caller holds nothing by now that could be dropped early.
        has_begun.recv().unwrap();
        assert!(pool.try_acquire().is_none());
        assert_eq!((pool.in_use(), pool.mapped_bytes()), (1, KIB));
        finish.send(()).unwrap();
        worker.join().unwrap();
        assert_eq!((pool.in_use(), pool.mapped_bytes()), (0, 0));
    }

    #[test]
    fn a_panic_gives_the_permit_back_and_wipes_its_memory() {
        let pool = pool(1);
        let mut permit = pool.try_acquire().unwrap();
        let panicked = catch_unwind(AssertUnwindSafe(move || {
            run(&mut permit, 8);
            assert!(!permit.memory.is_zero());
            permit.run_elsewhere(0, || panic!("in the middle of a hash"));
        }));
        assert!(panicked.is_err());
        assert_eq!((pool.in_use(), pool.mapped_bytes()), (0, 8 * KIB));
        assert!(pool.try_acquire().unwrap().memory.is_zero());
    }

    #[test]
    fn idle_memory_is_zero_and_reused() {
        let pool = pool(1);
        let mut permit = pool.try_acquire().unwrap();
        let tag = run(&mut permit, 16);
        run(&mut permit, 8);
        assert!(!permit.memory.is_zero());
        drop(permit);
        assert!(pool.0.lock().idle[0].is_zero());
        assert_eq!(pool.mapped_bytes(), 16 * KIB);

        let mut permit = pool.try_acquire().unwrap();
        assert_eq!(run(&mut permit, 16), tag, "whatever was there before");
        permit.wipe();
        assert!(permit.memory.is_zero());
    }

    #[test]
    fn a_permit_passed_on_computes_the_same_as_a_fresh_one() {
        let pool = pool(2);
        let (mut kept, mut fresh) = (pool.try_acquire().unwrap(), pool.try_acquire().unwrap());
        for m_cost in [64, 8, 16, 64] {
            fresh.wipe();
            assert_eq!(run(&mut kept, m_cost), run(&mut fresh, m_cost));
        }
    }

    #[test]
    fn idle_memory_is_given_back_at_the_second_call() {
        let pool = pool(2);
        run(&mut pool.try_acquire().unwrap(), 8);
        assert_eq!(pool.idle_bytes(), 8 * KIB);
        pool.release_idle();
        assert_eq!(pool.idle_bytes(), 8 * KIB, "used since the previous call");
        pool.release_idle();
        assert_eq!((pool.idle_bytes(), pool.mapped_bytes()), (0, 0));
        pool.release_idle();

        run(&mut pool.try_acquire().unwrap(), 8);
        pool.release_idle();
        run(&mut pool.try_acquire().unwrap(), 8);
        pool.release_idle();
        assert_eq!(pool.idle_bytes(), 8 * KIB, "used again in between");
    }

    #[test]
    fn an_unused_permit_maps_nothing() {
        let pool = pool(1);
        drop(pool.try_acquire());
        assert_eq!((pool.idle_bytes(), pool.mapped_bytes()), (0, 0));
    }

    #[test]
    fn work_with_memory_of_its_own_takes_the_place_of_the_permits() {
        let pool = pool(1);
        let mut permit = pool.try_acquire().unwrap();
        run(&mut permit, 16);
        permit.run_elsewhere(0, || assert_eq!(pool.mapped_bytes(), 16 * KIB));
        permit.run_elsewhere(40 * KIB, || assert_eq!(pool.mapped_bytes(), 40 * KIB));
        assert_eq!(pool.mapped_bytes(), 0);
        run(&mut permit, 16);
        assert_eq!(pool.mapped_bytes(), 16 * KIB);
    }
}
