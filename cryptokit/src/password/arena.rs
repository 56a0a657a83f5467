//! The memory of one Argon2 run at a time, as the `argon2` crate takes it.

use std::hint::black_box;

use argon2::Block;

/// Memory that is reused from run to run, and zero whenever it is not lent.
#[derive(Default)]
pub(super) struct Arena {
    blocks: Vec<Block>,
    /// How many blocks, from the first, may hold something.
    dirty: usize,
}

/// The system has no memory to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OutOfMemory;

impl Arena {
    /// `count` blocks. They may hold what the previous run left: Argon2 writes each block before it reads it.
    pub(super) fn lend(&mut self, count: usize) -> Result<&mut [Block], OutOfMemory> {
        if self.blocks.len() < count {
            // Not grown in place: that would hold the old and the new memory at once.
            *self = Self::default();
            self.blocks = room_for(count)?;
            self.blocks.resize(count, Block::new());
        } else if count < self.dirty {
            // This run does not overwrite these.
            wipe(&mut self.blocks[count..self.dirty]);
        }
        self.dirty = count;
        Ok(&mut self.blocks[..count])
    }

    /// Overwrites what may hold something.
    pub(super) fn wipe(&mut self) {
        wipe(&mut self.blocks[..self.dirty]);
        self.dirty = 0;
    }

    /// Bytes mapped. What is reserved beyond them is address space that is never touched.
    pub(super) fn bytes(&self) -> usize {
        self.blocks.len() * Block::SIZE
    }

    #[cfg(test)]
    pub(super) fn is_zero(&self) -> bool {
        self.blocks
            .iter()
            .all(|block| block.as_ref().iter().all(|word| *word == 0))
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        self.wipe();
    }
}

/// Blocks to reserve at least, so that dropping them gives them back to the system.
///
/// glibc takes requests under a threshold from its heaps, from which large aligned ones rarely find their way back: with
/// 19 MiB mapped and given back in turns, a process grows by as much each time. It raises that threshold to what it sees
/// freed, up to 32 MiB (DEFAULT_MMAP_THRESHOLD_MAX in malloc.c). What is larger is always a mapping of its own.
const RESERVED: usize = if cfg!(all(target_os = "linux", target_env = "gnu")) {
    33 * 1024
} else {
    0
};

/// Under this, in blocks, an arena is not worth a mapping of its own.
const SMALL: usize = 1024;

/// An empty vector with room for `count` blocks. Nothing is touched yet, which is when pages are made.
fn room_for(count: usize) -> Result<Vec<Block>, OutOfMemory> {
    if count < SMALL {
        return reserved(count);
    }
    let reserve = count.max(RESERVED);
    #[cfg(feature = "huge-pages")]
    return huge_pages::reserved_on_huge_pages(reserve, count);
    #[cfg(not(feature = "huge-pages"))]
    reserved(reserve)
}

fn reserved(count: usize) -> Result<Vec<Block>, OutOfMemory> {
    let mut blocks = Vec::new();
    blocks.try_reserve_exact(count).map_err(|_| OutOfMemory)?;
    Ok(blocks)
}

#[cfg(feature = "huge-pages")]
mod huge_pages {
    use super::{Block, OutOfMemory, reserved};

    /// Of x86-64 and of aarch64 with 4 KiB pages.
    const HUGE_PAGE: usize = 2 << 20;
    const PAGE: usize = 4096;

    /// Room for `reserve` blocks, the first `count` of them on huge pages as far as they fill such pages.
    pub(super) fn reserved_on_huge_pages(reserve: usize, count: usize) -> Result<Vec<Block>, OutOfMemory> {
        let mut blocks = reserved(reserve)?;
        // A huge page needs an aligned address. The system places mappings below each other, so that one that is
        // longer by what it is off starts that much lower. If it does not, a huge page is lost.
        let off = blocks.as_ptr().addr() % HUGE_PAGE / Block::SIZE;
        if off > 0 {
            drop(blocks);
            blocks = reserved(reserve + off)?;
        }
        // From the start of the page, which the allocator's own header shares; up to the last that is filled, since the
        // rest of it would be mapped for nothing.
        let start = blocks.as_ptr().map_addr(|address| address & !(PAGE - 1));
        kevy_madvise::advise_hugepage(start.cast(), count * Block::SIZE / HUGE_PAGE * HUGE_PAGE);
        Ok(blocks)
    }
}

fn wipe(blocks: &mut [Block]) {
    // A plain fill is several times faster than volatile writes; black_box keeps the compiler from proving that
    // nobody reads what was filled.
    blocks.fill(Block::new());
    black_box(&mut *blocks);
    #[cfg(test)]
    tests::WIPED.set(tests::WIPED.get() + blocks.len());
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        /// Blocks wiped by this thread.
        pub(super) static WIPED: Cell<usize> = const { Cell::new(0) };
    }

    fn dirtied(count: usize) -> Arena {
        let mut arena = Arena::default();
        dirty(&mut arena, count);
        arena
    }

    fn dirty(arena: &mut Arena, count: usize) {
        for block in arena.lend(count).unwrap() {
            block.as_mut().fill(u64::MAX);
        }
    }

    #[test]
    fn wiping_leaves_nothing_and_keeps_the_memory() {
        let mut arena = dirtied(8);
        let address = arena.blocks.as_ptr();
        arena.wipe();
        assert!(arena.is_zero());
        assert_eq!(arena.lend(8).unwrap().as_ptr(), address);
    }

    #[test]
    fn a_smaller_run_wipes_what_it_will_not_overwrite() {
        let mut arena = dirtied(8);
        arena.lend(3).unwrap();
        assert!(arena.blocks[3..].iter().all(|block| block.as_ref() == [0; 128]));
        assert_eq!(arena.blocks[2].as_ref(), [u64::MAX; 128], "left to the run");
        arena.wipe();
        assert!(arena.is_zero());
    }

    #[test]
    fn memory_is_wiped_before_it_is_given_back() {
        WIPED.set(0);
        let mut arena = dirtied(8);
        dirty(&mut arena, 9);
        assert_eq!(WIPED.get(), 8, "it grew");
        drop(arena);
        assert_eq!(WIPED.get(), 8 + 9);
    }

    #[test]
    fn only_what_was_used_is_wiped() {
        let mut arena = dirtied(8);
        arena.wipe();
        WIPED.set(0);
        dirty(&mut arena, 2);
        arena.wipe();
        arena.wipe();
        drop(arena);
        assert_eq!(WIPED.get(), 2);
    }

    #[test]
    #[cfg(all(feature = "huge-pages", target_os = "linux"))]
    fn huge_pages_are_asked_for() {
        if !std::path::Path::new("/sys/kernel/mm/transparent_hugepage/enabled").exists() {
            println!("not checked: this kernel has no transparent huge pages");
            return;
        }
        let arena = dirtied(19 * 1024);
        let middle = arena.blocks[arena.blocks.len() / 2..].as_ptr().addr();
        let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let mut inside = false;
        for line in maps.lines() {
            let range = line.split(' ').next().and_then(|range| range.split_once('-'));
            if let Some((start, end)) = range {
                let bound = |text| usize::from_str_radix(text, 16).unwrap();
                inside = (bound(start)..bound(end)).contains(&middle);
            } else if let (true, Some(flags)) = (inside, line.strip_prefix("VmFlags:")) {
                assert!(flags.split(' ').any(|flag| flag == "hg"), "{flags}");
                return;
            }
        }
        panic!("the memory is in no mapping");
    }

    #[test]
    fn memory_that_cannot_be_had_is_refused_and_leaves_a_working_arena() {
        let mut arena = dirtied(8);
        assert_eq!(arena.lend(usize::MAX / Block::SIZE).unwrap_err(), OutOfMemory);
        assert_eq!(arena.bytes(), 0);
        dirty(&mut arena, 8);
    }
}
