//! What computes Argon2.

use super::arena::Arena;
use super::argon2::{Input, Variant, Version, argon2_in};
use super::hasher::HashError;
use super::params::Argon2Params;
#[cfg(feature = "argon2-simd")]
use super::simd::SimdArena;
use crate::provider::Provider;
use crate::random;

/// What computes Argon2 for a pool. Both compute the same function, for all parameters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Argon2Backend {
    /// The `argon2` crate: portable Rust without handwritten vector code. What a pool has unless told otherwise.
    #[default]
    Portable,
    /// The `argon2-rust` crate: vector instructions up to AVX-512, chosen at run time; about twice as fast. With feature
    /// `argon2-simd`.
    ///
    /// # Security
    ///
    /// Young, unaudited, and full of `unsafe`: a fault in it is a fault in the memory of a process that holds keys. What
    /// speaks for it and against it is in `docs/adr/0011-argon2-huge-pages-and-simd-by-choice.md`.
    #[cfg(feature = "argon2-simd")]
    Simd,
}

/// A backend that computes something other than Argon2 on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{backend:?} does not compute Argon2 on this machine")]
pub struct UnfitBackend {
    /// Which.
    pub backend: Argon2Backend,
}

impl Argon2Backend {
    /// Computes the known answer of RFC 9106 §5.3, and one hash of random inputs over 2 MiB that is compared with
    /// [`Self::Portable`]'s. Some milliseconds.
    ///
    /// Vector code is chosen by the processor, so that no test made elsewhere speaks for this one.
    pub(super) fn self_test(self) -> Result<(), UnfitBackend> {
        let known = Input {
            variant: Variant::Argon2id,
            version: Version::V0x13,
            params: Argon2Params::new(32, 3, 4).expect("constants in range"),
            password: &[1; 32],
            salt: &[2; 16],
            secret: &[3; 8],
            associated_data: &[4; 12],
        };
        // RFC 9106 §5.3.
        let expected = [
            0x0d, 0x64, 0x0d, 0xf5, 0x8d, 0x78, 0x76, 0x6c, 0x08, 0xc0, 0x37, 0xa3, 0x4a, 0x8b, 0x53, 0xc9, 0xd0, 0x1e,
            0xf0, 0x45, 0x2d, 0x75, 0xb6, 0x5e, 0xb5, 0x25, 0x20, 0xe9, 0x6b, 0x01, 0xe6, 0x59,
        ];
        let mut random = [0; 64];
        random::fill(Provider::default(), &mut random);
        let other = Input {
            params: Argon2Params::new(2 * 1024, 2, 1).expect("constants in range"),
            password: &random[..32],
            salt: &random[32..48],
            secret: &random[48..],
            ..known
        };
        let agrees = self.compute(&known).is_some_and(|tag| tag == expected)
            && self
                .compute(&other)
                .is_some_and(|tag| Some(tag) == Self::Portable.compute(&other));
        if agrees {
            Ok(())
        } else {
            Err(UnfitBackend { backend: self })
        }
    }

    fn compute(self, input: &Input<'_>) -> Option<[u8; 32]> {
        let mut tag = [0; 32];
        Memory::new(self).argon2(input, &mut tag).ok()?;
        Some(tag)
    }
}

/// A permit's memory, in the form its backend takes.
pub(super) enum Memory {
    Portable(Arena),
    #[cfg(feature = "argon2-simd")]
    Simd(SimdArena),
}

impl Memory {
    /// Nothing is mapped yet.
    pub(super) fn new(backend: Argon2Backend) -> Self {
        match backend {
            Argon2Backend::Portable => Self::Portable(Arena::default()),
            #[cfg(feature = "argon2-simd")]
            Argon2Backend::Simd => Self::Simd(SimdArena::default()),
        }
    }

    /// Fills `tag`.
    pub(super) fn argon2(&mut self, input: &Input<'_>, tag: &mut [u8]) -> Result<(), HashError> {
        match self {
            Self::Portable(arena) => argon2_in(arena, input, tag),
            #[cfg(feature = "argon2-simd")]
            Self::Simd(arena) => arena.argon2(input, tag),
        }
    }

    /// Overwrites what the last run left.
    pub(super) fn wipe(&mut self) {
        match self {
            Self::Portable(arena) => arena.wipe(),
            // Wiped by the backend at the end of each run.
            #[cfg(feature = "argon2-simd")]
            Self::Simd(_) => {}
        }
    }

    /// Gives everything back, wiped.
    pub(super) fn release(&mut self) {
        match self {
            Self::Portable(arena) => *arena = Arena::default(),
            #[cfg(feature = "argon2-simd")]
            Self::Simd(arena) => *arena = SimdArena::default(),
        }
    }

    /// Bytes mapped.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Portable(arena) => arena.bytes(),
            #[cfg(feature = "argon2-simd")]
            Self::Simd(arena) => arena.bytes(),
        }
    }

    #[cfg(test)]
    pub(super) fn is_zero(&self) -> bool {
        match self {
            Self::Portable(arena) => arena.is_zero(),
            #[cfg(feature = "argon2-simd")]
            Self::Simd(_) => panic!("the backend shows its memory to nobody"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_pass_their_test() {
        Argon2Backend::Portable.self_test().unwrap();
        #[cfg(feature = "argon2-simd")]
        Argon2Backend::Simd.self_test().unwrap();
    }
}
