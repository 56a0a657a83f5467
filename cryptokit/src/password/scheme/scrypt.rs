//! scrypt (RFC 7914), imported in its PHC form.

use std::fmt;

use zeroize::Zeroizing;

use super::StoredHashError;
use super::fields;
use crate::password::hasher::HashError;
use crate::password::pool::HashPermit;

/// Salt lengths in bytes.
const SALT_LEN: std::ops::RangeInclusive<usize> = 8..=48;
/// Tag lengths in bytes.
const TAG_LEN: std::ops::RangeInclusive<usize> = 16..=64;

/// Checked cost parameters of scrypt (RFC 7914 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScryptParams {
    log_n: u32,
    r: u32,
    p: u32,
}

/// A cost outside the accepted range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "scrypt costs ln = {log_n}, r = {r}, p = {p}; 1 to {}, 1 to {} and 1 to {} are accepted",
    ScryptParams::MAX_LOG_N,
    ScryptParams::MAX_R,
    ScryptParams::MAX_P
)]
pub struct InvalidScryptParams {
    /// Logarithm to base 2 of N that was asked for.
    pub log_n: u32,
    /// Block size that was asked for.
    pub r: u32,
    /// Parallelisation that was asked for.
    pub p: u32,
}

impl ScryptParams {
    /// Most log₂ N.
    pub const MAX_LOG_N: u32 = 20;
    /// Most r.
    pub const MAX_R: u32 = 32;
    /// Most p.
    pub const MAX_P: u32 = 16;

    /// Checks the ranges: log₂ N from 1 to [`Self::MAX_LOG_N`], r from 1 to [`Self::MAX_R`], p from 1 to
    /// [`Self::MAX_P`].
    ///
    /// # Errors
    ///
    /// [`InvalidScryptParams`].
    pub const fn new(log_n: u32, r: u32, p: u32) -> Result<Self, InvalidScryptParams> {
        let in_range =
            1 <= log_n && log_n <= Self::MAX_LOG_N && 1 <= r && r <= Self::MAX_R && 1 <= p && p <= Self::MAX_P;
        if !in_range {
            return Err(InvalidScryptParams { log_n, r, p });
        }
        Ok(Self { log_n, r, p })
    }

    /// Logarithm to base 2 of N, the cost in time and memory.
    pub const fn log_n(self) -> u32 {
        self.log_n
    }

    /// Block size, in units of 128 bytes.
    pub const fn r(self) -> u32 {
        self.r
    }

    /// Parallelisation; here, how often the work is repeated.
    pub const fn p(self) -> u32 {
        self.p
    }

    /// Bytes that a run takes: 128 · r · (N + p + 1) (RFC 7914 §5 and §6: V, B and one block to work on).
    pub const fn memory_bytes(self) -> usize {
        128 * self.r as usize * ((1 << self.log_n) + self.p as usize + 1)
    }

    /// Whether no cost is above the one in `ceiling`.
    pub const fn within(self, ceiling: Self) -> bool {
        self.log_n <= ceiling.log_n && self.r <= ceiling.r && self.p <= ceiling.p
    }
}

#[derive(Clone)]
pub(in crate::password) struct ScryptHash {
    pub(in crate::password) params: ScryptParams,
    salt: Vec<u8>,
    pub(in crate::password) tag: Vec<u8>,
}

impl ScryptHash {
    /// Reads `["ln=16,r=8,p=1", "<salt>", "<tag>"]`.
    pub(super) fn parse(fields: &[&str]) -> Result<Self, StoredHashError> {
        let [cost, salt, tag] = fields else {
            return Err(StoredHashError::Malformed);
        };
        let mut parameters = cost.split(',');
        let mut number = |name| fields::decimal(fields::named(parameters.next(), name)?);
        let (log_n, r, p) = (number("ln")?, number("r")?, number("p")?);
        if parameters.next().is_some() {
            return Err(StoredHashError::Malformed);
        }
        Ok(Self {
            params: ScryptParams::new(log_n, r, p).map_err(|_| StoredHashError::Bounds)?,
            salt: fields::bounded(salt, SALT_LEN)?,
            tag: fields::bounded(tag, TAG_LEN)?,
        })
    }

    pub(in crate::password) fn tag(
        &self,
        permit: &mut HashPermit,
        typed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, HashError> {
        let ScryptParams { log_n, r, p } = self.params;
        let log_n = u8::try_from(log_n).map_err(|_| HashError::Scrypt)?;
        let params = scrypt::Params::new(log_n, r, p).map_err(|_| HashError::Scrypt)?;
        let mut tag = Zeroizing::new(vec![0; self.tag.len()]);
        permit
            .run_elsewhere(self.params.memory_bytes(), || {
                scrypt::scrypt(typed, &self.salt, &params, &mut tag)
            })
            .map_err(|_| HashError::Scrypt)?;
        Ok(tag)
    }
}

impl fmt::Display for ScryptHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ScryptParams { log_n, r, p } = self.params;
        let (salt, tag) = (fields::to_b64(&self.salt), fields::to_b64(&self.tag));
        write!(f, "$scrypt$ln={log_n},r={r},p={p}${salt}${tag}")
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use hex_literal::hex;

    use super::*;
    use crate::password::HashPool;

    #[test]
    fn rfc_7914_section_12() {
        let mut permit = HashPool::new(NonZeroUsize::MIN).try_acquire().unwrap();
        for (password, salt, params, tag) in [
            (
                "password",
                "NaCl",
                (10, 8, 16),
                hex!(
                    "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
                    "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"
                ),
            ),
            (
                "pleaseletmein",
                "SodiumChloride",
                (14, 8, 1),
                hex!(
                    "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
                    "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"
                ),
            ),
        ] {
            let hash = ScryptHash {
                params: ScryptParams::new(params.0, params.1, params.2).unwrap(),
                salt: salt.into(),
                tag: vec![0; 64],
            };
            assert_eq!(*hash.tag(&mut permit, password.as_bytes()).unwrap(), tag);
        }
    }
}
