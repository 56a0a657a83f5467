//! Argon2 (RFC 9106) in PHC form: ours with a pepper's id, imported ones without.

use std::fmt;

use zeroize::Zeroizing;

use super::fields;
use super::{Scheme, StoredHashError};
use crate::keyset::KeyId;
use crate::password::argon2::{Input, Variant, Version, argon2};
use crate::password::hasher::HashError;
use crate::password::params::Argon2Params;
use crate::password::pool::HashPermit;

/// Accepted salt lengths in bytes; new salts have 16.
pub(in crate::password) const SALT_LEN: std::ops::RangeInclusive<usize> = 8..=48;
/// Accepted tag lengths in bytes; new tags have 32. A short tag would match by chance.
pub(in crate::password) const TAG_LEN: std::ops::RangeInclusive<usize> = 16..=64;

#[derive(Clone)]
pub(in crate::password) struct Argon2Hash {
    pub(in crate::password) variant: Variant,
    pub(in crate::password) version: Version,
    /// Whether the text has a `v=` field. Without one the version is 0x10, as it was when the field was introduced.
    states_version: bool,
    pub(in crate::password) params: Argon2Params,
    /// Names the pepper. A hint from storage, not trusted: a wrong one only makes verification fail.
    pub(in crate::password) pepper: Option<KeyId>,
    pub(in crate::password) salt: Vec<u8>,
    pub(in crate::password) tag: Vec<u8>,
}

impl Argon2Hash {
    /// One of ours: Argon2id of the RFC's version, with a labelled pepper or none.
    pub(in crate::password) fn ours(params: Argon2Params, pepper: Option<KeyId>, salt: Vec<u8>, tag: Vec<u8>) -> Self {
        Self {
            variant: Variant::Argon2id,
            version: Version::V0x13,
            states_version: true,
            params,
            pepper,
            salt,
            tag,
        }
    }

    /// Reads `["argon2id", "v=19", "m=19456,t=2,p=1", "<salt>", "<tag>"]`.
    pub(super) fn parse(fields: &[&str]) -> Result<Self, StoredHashError> {
        let (&name, rest) = fields.split_first().ok_or(StoredHashError::Malformed)?;
        let (version, rest) = match rest {
            [version, rest @ ..] if version.starts_with("v=") => (Some(*version), rest),
            rest => (None, rest),
        };
        let [cost, salt, tag] = rest else {
            return Err(StoredHashError::Malformed);
        };
        let variant = match name {
            "argon2d" => Variant::Argon2d,
            "argon2i" => Variant::Argon2i,
            "argon2id" => Variant::Argon2id,
            _ => return Err(StoredHashError::Algorithm),
        };
        let (params, pepper) = parse_cost(cost)?;
        Ok(Self {
            variant,
            version: match version {
                None | Some("v=16") => Version::V0x10,
                Some("v=19") => Version::V0x13,
                Some(_) => return Err(StoredHashError::Algorithm),
            },
            states_version: version.is_some(),
            params,
            pepper,
            salt: fields::bounded(salt, SALT_LEN)?,
            tag: fields::bounded(tag, TAG_LEN)?,
        })
    }

    pub(in crate::password) fn scheme(&self) -> Scheme {
        match (self.version, self.variant) {
            (Version::V0x10, _) => Scheme::Argon2Version16,
            (Version::V0x13, Variant::Argon2id) => Scheme::Argon2id,
            (Version::V0x13, Variant::Argon2i) => Scheme::Argon2i,
            (Version::V0x13, Variant::Argon2d) => Scheme::Argon2d,
        }
    }

    pub(in crate::password) fn tag(
        &self,
        permit: &mut HashPermit,
        password: &[u8],
        pepper: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, HashError> {
        let input = Input {
            variant: self.variant,
            version: self.version,
            params: self.params,
            password,
            salt: &self.salt,
            secret: pepper,
            associated_data: &[],
        };
        let mut tag = Zeroizing::new(vec![0; self.tag.len()]);
        argon2(permit, input, &mut tag)?;
        Ok(tag)
    }
}

/// `m=19456,t=2,p=1` and, of the optional two, `keyid` alone: associated data (`data`) is refused.
fn parse_cost(text: &str) -> Result<(Argon2Params, Option<KeyId>), StoredHashError> {
    let mut parameters = text.split(',');
    let mut number = |name| fields::decimal(fields::named(parameters.next(), name)?);
    let (m_cost, t_cost, p_cost) = (number("m")?, number("t")?, number("p")?);
    let pepper = match parameters.next() {
        None => None,
        field => Some(fields::key_id(fields::named(field, "keyid")?)?),
    };
    if parameters.next().is_some() {
        return Err(StoredHashError::Malformed);
    }
    let params = Argon2Params::new(m_cost, t_cost, p_cost).map_err(|_| StoredHashError::Bounds)?;
    Ok((params, pepper))
}

impl fmt::Display for Argon2Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.variant {
            Variant::Argon2d => "$argon2d",
            Variant::Argon2i => "$argon2i",
            Variant::Argon2id => "$argon2id",
        })?;
        if self.states_version {
            f.write_str(match self.version {
                Version::V0x10 => "$v=16",
                Version::V0x13 => "$v=19",
            })?;
        }
        let (m_cost, t_cost, p_cost) = (self.params.m_cost(), self.params.t_cost(), self.params.p_cost());
        write!(f, "$m={m_cost},t={t_cost},p={p_cost}")?;
        if let Some(id) = self.pepper {
            write!(f, ",keyid={}", fields::to_b64(id.as_bytes()))?;
        }
        write!(f, "${}${}", fields::to_b64(&self.salt), fields::to_b64(&self.tag))
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;
    use crate::password::HashPool;

    #[test]
    fn c2sp_phc_strings_example_with_a_secret() {
        // C2SP phc-strings.md, "Example": password `hunter2`, secret `pepper`, no keyid.
        let text = "argon2id$v=19$m=65536,t=2,p=1$gZiV/M1gPc22ElAH/Jh1Hw$CWOrkoo7oJBQ/iyh7uJ0LO2aLEfrHwTWllSAxT0zRno";
        let hash = Argon2Hash::parse(&text.split('$').collect::<Vec<_>>()).unwrap();
        let mut permit = HashPool::new(NonZeroUsize::MIN).try_acquire().unwrap();
        assert_eq!(*hash.tag(&mut permit, b"hunter2", b"pepper").unwrap(), hash.tag);
        assert_ne!(*hash.tag(&mut permit, b"hunter2", b"").unwrap(), hash.tag);
    }
}
