//! One run of Argon2 (RFC 9106 §3) on a permit's memory.

use argon2::{Algorithm, Argon2, AssociatedData, ParamsBuilder};

use super::arena::Arena;
use super::hasher::HashError;
use super::params::Argon2Params;
use super::pool::HashPermit;

/// Which of the three functions (RFC 9106 §3.1, "type y"). Ours is Argon2id; the others are for imported hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Variant {
    /// Memory is read at places that depend on the password.
    Argon2d,
    /// Memory is read at places that do not.
    Argon2i,
    /// Half of the first pass like Argon2i, the rest like Argon2d.
    Argon2id,
}

/// Which revision of the function (RFC 9106 §3.1, "version number v").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// 1.0, before the RFC: later passes overwrite a block instead of XORing into it. For imported hashes.
    V0x10,
    /// 1.3, the RFC's.
    V0x13,
}

/// What a tag is computed from.
#[derive(Clone, Copy)]
pub(super) struct Input<'a> {
    pub(super) variant: Variant,
    pub(super) version: Version,
    pub(super) params: Argon2Params,
    pub(super) password: &'a [u8],
    /// At least 8 bytes.
    pub(super) salt: &'a [u8],
    /// The pepper; may be empty.
    pub(super) secret: &'a [u8],
    /// At most 32 bytes; may be empty.
    pub(super) associated_data: &'a [u8],
}

/// Fills `tag`, whose length, 4 bytes at least, is one of the inputs.
///
/// # Errors
///
/// [`HashError::Argon2`] when a length is out of range; [`HashError::OutOfMemory`].
pub(super) fn argon2(permit: &mut HashPermit, input: Input<'_>, tag: &mut [u8]) -> Result<(), HashError> {
    permit.argon2(&input, tag)
}

/// The same on memory of one's own.
pub(super) fn argon2_in(arena: &mut Arena, input: &Input<'_>, tag: &mut [u8]) -> Result<(), HashError> {
    let params = backend_params(input, tag.len()).map_err(|_| HashError::Argon2)?;
    let blocks = params.block_count();
    let argon2 = Argon2::new_with_secret(input.secret, input.variant.into(), input.version.into(), params)
        .map_err(|_| HashError::Argon2)?;
    let memory = arena.lend(blocks).map_err(|_| HashError::OutOfMemory)?;
    argon2
        .hash_password_into_with_memory(input.password, input.salt, tag, memory)
        .map_err(|_| HashError::Argon2)
}

fn backend_params(input: &Input<'_>, tag_len: usize) -> argon2::Result<argon2::Params> {
    ParamsBuilder::new()
        .m_cost(input.params.m_cost())
        .t_cost(input.params.t_cost())
        .p_cost(input.params.p_cost())
        .data(AssociatedData::new(input.associated_data)?)
        .output_len(tag_len)
        .build()
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

impl From<Version> for argon2::Version {
    fn from(version: Version) -> Self {
        match version {
            Version::V0x10 => Self::V0x10,
            Version::V0x13 => Self::V0x13,
        }
    }
}

#[cfg(test)]
mod tests {
    //! Known answers: RFC 9106 §5.1 to §5.3; for version 0x10, phc-winner-argon2 `src/test.c`.

    use std::num::NonZeroUsize;

    use hex_literal::hex;

    use super::*;
    use crate::password::HashPool;

    fn tag(input: Input<'_>) -> [u8; 32] {
        let mut tag = [0; 32];
        let mut permit = HashPool::new(NonZeroUsize::MIN).try_acquire().unwrap();
        argon2(&mut permit, input, &mut tag).unwrap();
        tag
    }

    fn rfc_9106_section_5(variant: Variant) -> [u8; 32] {
        tag(Input {
            variant,
            version: Version::V0x13,
            params: Argon2Params::new(32, 3, 4).unwrap(),
            password: &[1; 32],
            salt: &[2; 16],
            secret: &[3; 8],
            associated_data: &[4; 12],
        })
    }

    #[test]
    fn rfc_9106_section_5_1_argon2d() {
        let expected = hex!("512b391b6f1162975371d30919734294f868e3be3984f3c1a13a4db9fabe4acb");
        assert_eq!(rfc_9106_section_5(Variant::Argon2d), expected);
    }

    #[test]
    fn rfc_9106_section_5_2_argon2i() {
        let expected = hex!("c814d9d1dc7f37aa13f0d77f2494bda1c8de6b016dd388d29952a4c4672b6ce8");
        assert_eq!(rfc_9106_section_5(Variant::Argon2i), expected);
    }

    #[test]
    fn rfc_9106_section_5_3_argon2id() {
        let expected = hex!("0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659");
        assert_eq!(rfc_9106_section_5(Variant::Argon2id), expected);
    }

    #[test]
    fn version_0x10_of_argon2i() {
        let expected = hex!("f6c4db4a54e2a370627aff3db6176b94a2a209a62c8e36152711802f7b30c694");
        let old = Input {
            variant: Variant::Argon2i,
            version: Version::V0x10,
            params: Argon2Params::new(1 << 16, 2, 1).unwrap(),
            password: b"password",
            salt: b"somesalt",
            secret: b"",
            associated_data: b"",
        };
        assert_eq!(tag(old), expected);
    }

    #[test]
    fn lengths_out_of_range_are_refused() {
        let input = Input {
            variant: Variant::Argon2id,
            version: Version::V0x13,
            params: Argon2Params::new(32, 1, 1).unwrap(),
            password: b"p",
            salt: &[2; 16],
            secret: b"",
            associated_data: b"",
        };
        let mut permit = HashPool::new(NonZeroUsize::MIN).try_acquire().unwrap();
        let short_salt = Input { salt: &[2; 7], ..input };
        assert_eq!(argon2(&mut permit, short_salt, &mut [0; 32]), Err(HashError::Argon2));
        let long_data = Input {
            associated_data: &[4; 33],
            ..input
        };
        assert_eq!(argon2(&mut permit, long_data, &mut [0; 32]), Err(HashError::Argon2));
        assert_eq!(argon2(&mut permit, input, &mut [0; 3]), Err(HashError::Argon2));
    }
}
