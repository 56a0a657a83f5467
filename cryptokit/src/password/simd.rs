//! Argon2 by the `argon2-rust` crate, in memory of its own.

use argon2_rust::params::{Memory, TagLen};
use argon2_rust::{Algorithm, Argon2, Error, Hasher, Params};

use super::argon2::{Input, Variant, Version};
use super::hasher::HashError;

/// Size of a block (RFC 9106 §3.2).
const BLOCK_BYTES: usize = 1024;

/// Longest associated data in bytes, the `argon2` crate's: both refuse the same inputs.
const MAX_ASSOCIATED_DATA: usize = 32;

/// Memory that is reused from run to run. The crate maps it itself, asks for huge pages, and wipes it before a run
/// returns.
#[derive(Default)]
pub(super) struct SimdArena(Option<Hasher>);

impl SimdArena {
    /// Fills `tag`.
    pub(super) fn argon2(&mut self, input: &Input<'_>, tag: &mut [u8]) -> Result<(), HashError> {
        if input.associated_data.len() > MAX_ASSOCIATED_DATA {
            return Err(HashError::Argon2);
        }
        let argon2 = configured(input, tag.len()).map_err(|_| HashError::Argon2)?;
        let hasher = self.0.get_or_insert_with(|| argon2.hasher());
        hasher.set_argon2(argon2);
        hasher
            .hash_into_with_ad(input.password, input.salt, input.secret, input.associated_data, tag)
            .map_err(|error| match error {
                Error::MemoryAllocationError => HashError::OutOfMemory,
                _ => HashError::Argon2,
            })
    }

    /// Bytes mapped.
    pub(super) fn bytes(&self) -> usize {
        self.0.as_ref().map_or(0, Hasher::reserved_blocks) * BLOCK_BYTES
    }
}

fn configured(input: &Input<'_>, tag_len: usize) -> Result<Argon2, Error> {
    let params = Params::builder()
        .memory(Memory::kib(u64::from(input.params.m_cost())))
        .passes(input.params.t_cost())
        .lanes(input.params.p_cost())
        // Lanes are computed one after the other: one permit is one core's work.
        .threads(1)
        .tag_len(TagLen::bytes(tag_len as u64))
        .build()?;
    Ok(Argon2::new(input.variant.into(), input.version.into(), params))
}

impl From<Variant> for Algorithm {
    fn from(variant: Variant) -> Self {
        match variant {
            Variant::Argon2d => Self::Argon2d,
            Variant::Argon2i => Self::Argon2i,
            Variant::Argon2id => Self::Argon2id,
        }
    }
}

impl From<Version> for argon2_rust::Version {
    fn from(version: Version) -> Self {
        match version {
            Version::V0x10 => Self::V0x10,
            Version::V0x13 => Self::V0x13,
        }
    }
}

#[cfg(test)]
mod tests {
    //! The `argon2` crate is the oracle of every test. Known answers: RFC 9106 §5.

    use hex_literal::hex;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::password::arena::Arena;
    use crate::password::argon2::argon2_in;
    use crate::password::params::Argon2Params;

    /// What both say. Panics when they differ.
    fn both(simd: &mut SimdArena, input: &Input<'_>, tag_len: usize) -> Result<Vec<u8>, HashError> {
        let (mut tag, mut expected) = (vec![0; tag_len], vec![0; tag_len]);
        let result = simd.argon2(input, &mut tag);
        let oracle = argon2_in(&mut Arena::default(), input, &mut expected);
        assert_eq!(
            (result, &tag),
            (oracle, &expected),
            "{:?} {:?} {:?}",
            input.variant,
            input.version,
            input.params
        );
        result.map(|()| tag)
    }

    fn input(params: (u32, u32, u32)) -> Input<'static> {
        Input {
            variant: Variant::Argon2id,
            version: Version::V0x13,
            params: Argon2Params::new(params.0, params.1, params.2).unwrap(),
            password: &[1; 32],
            salt: &[2; 16],
            secret: &[3; 8],
            associated_data: &[4; 12],
        }
    }

    #[test]
    fn rfc_9106_section_5() {
        let mut arena = SimdArena::default();
        for (variant, expected) in [
            (
                Variant::Argon2d,
                hex!("512b391b6f1162975371d30919734294f868e3be3984f3c1a13a4db9fabe4acb"),
            ),
            (
                Variant::Argon2i,
                hex!("c814d9d1dc7f37aa13f0d77f2494bda1c8de6b016dd388d29952a4c4672b6ce8"),
            ),
            (
                Variant::Argon2id,
                hex!("0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"),
            ),
        ] {
            let known = Input {
                variant,
                ..input((32, 3, 4))
            };
            assert_eq!(both(&mut arena, &known, 32).unwrap(), expected, "{variant:?}");
        }
    }

    #[test]
    fn agrees_at_the_parameters_that_are_used() {
        // From 2 MiB on the crate maps memory of its own instead of taking it from the allocator.
        let mut arena = SimdArena::default();
        for params in [
            (19 * 1024, 2, 1),
            (2048, 1, 1),
            (2047, 1, 1),
            (46 * 1024, 1, 1),
            (64 * 1024, 3, 4),
        ] {
            both(&mut arena, &input(params), 32).unwrap();
        }
        assert_eq!(arena.bytes(), 64 << 20, "it grew to the largest and was reused");
    }

    #[test]
    fn refuses_what_the_oracle_refuses() {
        let mut arena = SimdArena::default();
        let fine = input((32, 1, 1));
        let short_salt = Input { salt: &[2; 7], ..fine };
        let long_data = Input {
            associated_data: &[4; 33],
            ..fine
        };
        assert_eq!(both(&mut arena, &short_salt, 32), Err(HashError::Argon2));
        assert_eq!(both(&mut arena, &long_data, 32), Err(HashError::Argon2));
        assert_eq!(both(&mut arena, &fine, 3), Err(HashError::Argon2));
        assert_eq!(both(&mut arena, &fine, 0), Err(HashError::Argon2));
        both(&mut arena, &fine, 32).unwrap();
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn agrees_with_the_oracle_on_everything(
            variant in prop::sample::select(vec![Variant::Argon2d, Variant::Argon2i, Variant::Argon2id]),
            version in prop::sample::select(vec![Version::V0x10, Version::V0x13]),
            p_cost in 1..=Argon2Params::MAX_P_COST,
            above in 0..160u32,
            t_cost in 1..=5u32,
            password in vec(any::<u8>(), 0..=300),
            salt in vec(any::<u8>(), 0..=100),
            secret in vec(any::<u8>(), 0..=100),
            associated_data in vec(any::<u8>(), 0..=40),
            tag_len in 0..=200usize,
            // The same memory again, as in a pool.
            again in 8..=256u32,
        ) {
            let mut arena = SimdArena::default();
            let first = Input {
                variant,
                version,
                params: Argon2Params::new(8 * p_cost + above, t_cost, p_cost).unwrap(),
                password: &password,
                salt: &salt,
                secret: &secret,
                associated_data: &associated_data,
            };
            let _ = both(&mut arena, &first, tag_len);
            let second = Input { params: Argon2Params::new(again, 1, 1).unwrap(), ..first };
            let _ = both(&mut arena, &second, tag_len);
        }
    }
}
