//! What new hashes are, and which stored ones are obeyed.

use super::hasher::HashError;
use super::params::Argon2Params;
use super::scheme::bcrypt::BcryptCost;
use super::scheme::pbkdf2::Pbkdf2Hmac;
use super::scheme::scrypt::ScryptParams;
use super::scheme::{Cost, Scheme, StoredHash};

/// What new hashes are, which schemes a stored hash may be of, and what it may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    new_hash: NewHash,
    accepted: Accepted,
    limits: Limits,
}

/// What a new hash is made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NewHash {
    /// Argon2id with the pepper as its secret value. The default.
    Argon2id(Argon2Params),
    /// Argon2id without a pepper: for hashes that a program with no pepper has to verify. Whoever steals them can start
    /// guessing at once. Of the password as typed, like every hash that others share.
    UnpepperedArgon2id(Argon2Params),
    /// bcrypt over HMAC-SHA-256 with the pepper: where memory is scarcer than time. An attacker with graphics cards
    /// fares far better against it than against Argon2id.
    PepperedBcrypt(BcryptCost),
}

/// What stored hashes may cost.
///
/// Above a ceiling a hash is refused before anything is allocated or computed. Below a floor it is verified and called
/// [`Standing::Weak`]; it is replaced at the next login, as any hash is that is not what the policy makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// All Argon2 schemes. Each of the three costs is held against its bound.
    pub argon2: Range<Argon2Params>,
    /// Both bcrypt schemes: 2 to this power expansions of the key.
    pub bcrypt_cost: Range<u32>,
    /// Iterations of PBKDF2 with HMAC-SHA-1.
    pub pbkdf2_sha1: Range<u32>,
    /// Iterations of PBKDF2 with HMAC-SHA-256.
    pub pbkdf2_sha256: Range<u32>,
    /// Iterations of PBKDF2 with HMAC-SHA-512.
    pub pbkdf2_sha512: Range<u32>,
    /// scrypt. Each of the three costs is held against its bound.
    pub scrypt: Range<ScryptParams>,
}

/// A floor and a ceiling, both inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range<T> {
    /// Less than this is weak.
    pub floor: T,
    /// More than this is refused.
    pub ceiling: T,
}

/// How a stored hash that may be verified stands beside what the policy makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Standing {
    /// What the policy would make now, under the current pepper.
    Current,
    /// Something else: to be replaced when its password is next seen.
    Outdated,
    /// Something else, and below the floor of its scheme or of a scheme that has no cost at all.
    Weak,
}

impl Policy {
    /// New hashes are Argon2id at `params`; stored Argon2 hashes are obeyed up to `ceiling`. The other limits are the
    /// defaults; Argon2id and bcrypt over a keyed pre-hash are accepted and no other scheme.
    ///
    /// # Errors
    ///
    /// [`HashError::AboveCeiling`] when `params` itself is above the ceiling.
    pub fn new(params: Argon2Params, ceiling: Argon2Params) -> Result<Self, HashError> {
        let mut limits = Limits::default();
        limits.argon2.ceiling = ceiling;
        Self {
            new_hash: NewHash::Argon2id(params),
            accepted: Accepted::OURS,
            limits,
        }
        .checked()
    }

    /// The same, but for what new hashes are.
    ///
    /// # Errors
    ///
    /// [`HashError::AboveCeiling`] when they would be above the ceiling.
    pub fn with_new_hash(self, new_hash: NewHash) -> Result<Self, HashError> {
        Self { new_hash, ..self }.checked()
    }

    /// The same, with other limits.
    ///
    /// # Errors
    ///
    /// [`HashError::AboveCeiling`] when new hashes would be above a ceiling.
    pub fn with_limits(self, limits: Limits) -> Result<Self, HashError> {
        Self { limits, ..self }.checked()
    }

    /// The same, accepting stored hashes of these schemes as well.
    #[must_use]
    pub fn accepting(self, schemes: impl IntoIterator<Item = Scheme>) -> Self {
        let accepted = schemes.into_iter().fold(self.accepted, Accepted::and);
        Self { accepted, ..self }
    }

    /// What new hashes are.
    pub fn new_hash(&self) -> NewHash {
        self.new_hash
    }

    /// What stored hashes may cost.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Whether stored hashes of the scheme are verified.
    pub fn accepts(&self, scheme: Scheme) -> bool {
        self.accepted.contains(scheme)
    }

    /// Most bytes that one run takes, for a new hash or for any stored one that is not refused.
    ///
    /// Argon2: `m_cost` KiB (RFC 9106 §3.1) at the ceiling. scrypt, where accepted: 128 · r · (N + p + 1) at the
    /// ceiling. The others take a few KiB.
    ///
    /// ```
    /// use cryptokit::password::{Policy, Scheme};
    ///
    /// assert_eq!(Policy::default().max_memory_bytes(), 64 << 20);
    /// assert!(Policy::default().accepting([Scheme::Scrypt]).max_memory_bytes() > 64 << 20);
    /// ```
    pub fn max_memory_bytes(&self) -> usize {
        let argon2 = self.limits.argon2.ceiling.m_cost() as usize * 1024;
        if self.accepts(Scheme::Scrypt) {
            argon2.max(self.limits.scrypt.ceiling.memory_bytes())
        } else {
            argon2
        }
    }

    /// Whether a stored hash may be verified: its scheme is accepted and no cost is above its ceiling. Allocates
    /// nothing and computes nothing.
    ///
    /// # Errors
    ///
    /// [`HashError::SchemeNotAccepted`] and [`HashError::AboveCeiling`].
    pub fn check(&self, stored: &StoredHash) -> Result<(), HashError> {
        let scheme = stored.scheme();
        if !self.accepts(scheme) {
            return Err(HashError::SchemeNotAccepted { scheme });
        }
        if self.is_above_ceiling(stored.cost()) {
            return Err(HashError::AboveCeiling);
        }
        Ok(())
    }

    fn checked(self) -> Result<Self, HashError> {
        let (scheme, cost) = match self.new_hash {
            NewHash::Argon2id(params) | NewHash::UnpepperedArgon2id(params) => (Scheme::Argon2id, Cost::Argon2(params)),
            NewHash::PepperedBcrypt(cost) => (Scheme::PepperedBcrypt, Cost::Bcrypt { cost: cost.get() }),
        };
        if self.is_above_ceiling(cost) {
            return Err(HashError::AboveCeiling);
        }
        Ok(self.accepting([scheme]))
    }

    fn is_above_ceiling(&self, cost: Cost) -> bool {
        match cost {
            Cost::Argon2(params) => !params.within(self.limits.argon2.ceiling),
            Cost::Bcrypt { cost } => cost > self.limits.bcrypt_cost.ceiling,
            Cost::Pbkdf2 { hmac, iterations } => iterations > self.limits.pbkdf2(hmac).ceiling,
            Cost::Scrypt(params) => !params.within(self.limits.scrypt.ceiling),
            Cost::Nothing => false,
        }
    }

    pub(super) fn is_below_floor(&self, cost: Cost) -> bool {
        match cost {
            Cost::Argon2(params) => !self.limits.argon2.floor.within(params),
            Cost::Bcrypt { cost } => cost < self.limits.bcrypt_cost.floor,
            Cost::Pbkdf2 { hmac, iterations } => iterations < self.limits.pbkdf2(hmac).floor,
            Cost::Scrypt(params) => !self.limits.scrypt.floor.within(params),
            Cost::Nothing => true,
        }
    }
}

impl Default for Policy {
    /// New hashes at OWASP's minimum for Argon2id; the default limits; no scheme but our own two accepted.
    fn default() -> Self {
        Self {
            new_hash: NewHash::Argon2id(Argon2Params::OWASP),
            accepted: Accepted::OURS,
            limits: Limits::default(),
        }
    }
}

impl Limits {
    const fn pbkdf2(&self, hmac: Pbkdf2Hmac) -> Range<u32> {
        match hmac {
            Pbkdf2Hmac::Sha1 => self.pbkdf2_sha1,
            Pbkdf2Hmac::Sha256 => self.pbkdf2_sha256,
            Pbkdf2Hmac::Sha512 => self.pbkdf2_sha512,
        }
    }
}

impl Default for Limits {
    /// Floors are what OWASP's password storage cheat sheet calls the minimum; ceilings are somewhat above what common
    /// software makes, and each keeps a run within a second or so and 64 MiB.
    ///
    /// | scheme | floor | ceiling |
    /// | --- | --- | --- |
    /// | Argon2 | 7 MiB, 1 pass, 1 lane | 64 MiB, 4 passes, 4 lanes |
    /// | bcrypt | 10 | 14 |
    /// | PBKDF2, SHA-1 / SHA-256 / SHA-512 | 1,300,000 / 600,000 / 210,000 | 3,000,000 / 2,000,000 / 1,000,000 |
    /// | scrypt | N = 2¹³, r = 8, p = 1 | N = 2¹⁶, r = 8, p = 8 |
    fn default() -> Self {
        let argon2 = |m, t, p| Argon2Params::new(m, t, p).expect("constants in range");
        let scrypt = |log_n, p| ScryptParams::new(log_n, 8, p).expect("constants in range");
        Self {
            argon2: Range::new(argon2(7 * 1024, 1, 1), argon2(64 * 1024, 4, 4)),
            bcrypt_cost: Range::new(BcryptCost::MIN, 14),
            pbkdf2_sha1: Range::new(1_300_000, 3_000_000),
            pbkdf2_sha256: Range::new(600_000, 2_000_000),
            pbkdf2_sha512: Range::new(210_000, 1_000_000),
            scrypt: Range::new(scrypt(13, 1), scrypt(16, 8)),
        }
    }
}

impl<T> Range<T> {
    /// From `floor` to `ceiling`.
    pub const fn new(floor: T, ceiling: T) -> Self {
        Self { floor, ceiling }
    }
}

/// A set of schemes: one bit for each, in the order of [`Scheme::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Accepted(u16);

impl Accepted {
    const OURS: Self = Self(0).and(Scheme::Argon2id).and(Scheme::PepperedBcrypt);

    const fn and(self, scheme: Scheme) -> Self {
        Self(self.0 | 1 << scheme as u16)
    }

    const fn contains(self, scheme: Scheme) -> bool {
        self.0 & 1 << scheme as u16 != 0
    }
}
