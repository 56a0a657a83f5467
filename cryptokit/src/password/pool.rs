//! A bounded pool of Argon2 memory.
//!
//! Hashing is a lever for denial of service: each run takes 19 MiB and 15 ms. The pool hands out at most `capacity`
//! permits, and a run needs one, so that at any moment
//!
//! ```text
//! Argon2 memory ≤ capacity × largest m_cost
//! ```
//!
//! holds whatever callers do. A permit is owned: it moves into the work, and a caller that goes away while its hash is
//! running does not free it early. Waiting in front of the pool, fairness and deadlines belong to the service, because
//! this library has neither clock nor executor.

use std::fmt;
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use argon2::Block;

/// Hands out at most N permits, each with memory that is reused.
#[derive(Clone)]
pub struct HashPool(Arc<Shared>);

struct Shared {
    capacity: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    in_use: usize,
    completed: u64,
    /// Memory that waits for its next use, the most recently used last.
    idle: Vec<Arena>,
    /// How many of `idle`, from the front, were already idle at the last call of `release_idle`.
    stale: usize,
}

impl HashPool {
    /// A pool of `capacity` permits. Memory is mapped when a permit is first used, not here.
    ///
    /// More permits than cores add memory and make every hash slower; they do not add throughput.
    pub fn new(capacity: NonZeroUsize) -> Self {
        Self(Arc::new(Shared {
            capacity: capacity.get(),
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
        let arena = state.idle.pop().unwrap_or_default();
        state.stale = state.stale.min(state.idle.len());
        drop(state);
        Some(HashPermit {
            shared: Arc::clone(&self.0),
            arena,
        })
    }

    /// Gives the memory back that no permit has used since the previous call. Call it every 30 s or so.
    pub fn release_idle(&self) {
        let mut state = self.0.lock();
        let stale = state.stale;
        let released: Vec<Arena> = state.idle.drain(..stale).collect();
        state.stale = state.idle.len();
        // Unmapping can take a while; nobody should wait for it.
        drop(state);
        drop(released);
    }

    /// Number of permits there are.
    pub fn capacity(&self) -> usize {
        self.0.capacity
    }

    /// Number of permits handed out now.
    pub fn in_use(&self) -> usize {
        self.0.lock().in_use
    }

    /// Argon2 runs completed since the pool was made.
    pub fn completed(&self) -> u64 {
        self.0.lock().completed
    }

    /// Bytes mapped for reuse now, not counting permits in use.
    pub fn idle_bytes(&self) -> usize {
        self.0
            .lock()
            .idle
            .iter()
            .map(|arena| arena.0.capacity() * Block::SIZE)
            .sum()
    }
}

impl fmt::Debug for HashPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HashPool")
            .field("capacity", &self.capacity())
            .field("in_use", &self.in_use())
            .finish()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // No code that can panic runs under the lock, so a poisoned one still holds a consistent state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to run one hash at a time. Dropping it gives the right and the memory back, after a panic as well.
pub struct HashPermit {
    shared: Arc<Shared>,
    arena: Arena,
}

impl HashPermit {
    /// Runs `work` on memory of `blocks` blocks and wipes it afterwards.
    pub(super) fn run<T>(&mut self, blocks: usize, work: impl FnOnce(&mut [Block]) -> T) -> T {
        let arena = Wiped {
            blocks: self.arena.grown_to(blocks),
        };
        let result = work(arena.blocks);
        drop(arena);
        self.shared.lock().completed += 1;
        result
    }
}

impl Drop for HashPermit {
    fn drop(&mut self) {
        let arena = std::mem::take(&mut self.arena);
        let mut state = self.shared.lock();
        state.in_use -= 1;
        if !arena.0.is_empty() {
            state.idle.push(arena);
        }
    }
}

impl fmt::Debug for HashPermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashPermit")
    }
}

#[derive(Default)]
struct Arena(Vec<Block>);

impl Arena {
    fn grown_to(&mut self, blocks: usize) -> &mut [Block] {
        if self.0.len() < blocks {
            // Not grown in place: that would hold the old and the new memory at once.
            self.0 = Vec::new();
            self.0.resize(blocks, Block::new());
        }
        &mut self.0[..blocks]
    }
}

/// Wipes on drop, so that unwinding wipes too.
struct Wiped<'a> {
    blocks: &'a mut [Block],
}

impl Drop for Wiped<'_> {
    fn drop(&mut self) {
        // A plain fill is several times faster than volatile writes; black_box keeps the compiler from proving that
        // nobody reads what was filled.
        self.blocks.fill(Block::new());
        black_box(&mut self.blocks);
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    fn pool(capacity: usize) -> HashPool {
        HashPool::new(NonZeroUsize::new(capacity).unwrap())
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
    fn a_panic_gives_the_permit_back_and_wipes_its_memory() {
        let pool = pool(1);
        let mut permit = pool.try_acquire().unwrap();
        let panicked = catch_unwind(AssertUnwindSafe(move || {
            permit.run(8, |blocks| {
                blocks[3].as_mut()[0] = 7;
                panic!("in the middle of a hash");
            });
        }));
        assert!(panicked.is_err());
        assert_eq!(pool.in_use(), 0);
        let mut permit = pool.try_acquire().unwrap();
        permit.run(8, |blocks| assert_eq!(blocks[3].as_ref()[0], 0));
    }

    #[test]
    fn memory_is_wiped_after_use_and_reused() {
        let pool = pool(1);
        let mut permit = pool.try_acquire().unwrap();
        let address = permit.run(8, |blocks| {
            for block in blocks.iter_mut() {
                block.as_mut().fill(u64::MAX);
            }
            blocks.as_ptr() as usize
        });
        drop(permit);
        let mut permit = pool.try_acquire().unwrap();
        permit.run(8, |blocks| {
            assert_eq!(blocks.as_ptr() as usize, address);
            assert!(blocks.iter().all(|block| block.as_ref().iter().all(|word| *word == 0)));
        });
    }

    #[test]
    fn idle_memory_is_given_back_at_the_second_call() {
        let pool = pool(2);
        pool.try_acquire().unwrap().run(8, |_| ());
        assert_eq!(pool.idle_bytes(), 8 * 1024);
        pool.release_idle();
        assert_eq!(pool.idle_bytes(), 8 * 1024, "used since the previous call");
        pool.release_idle();
        assert_eq!(pool.idle_bytes(), 0);
        pool.release_idle();

        pool.try_acquire().unwrap().run(8, |_| ());
        pool.release_idle();
        pool.try_acquire().unwrap().run(8, |_| ());
        pool.release_idle();
        assert_eq!(pool.idle_bytes(), 8 * 1024, "used again in between");
    }

    #[test]
    fn an_unused_permit_maps_nothing() {
        let pool = pool(1);
        drop(pool.try_acquire());
        assert_eq!(pool.idle_bytes(), 0);
    }
}
