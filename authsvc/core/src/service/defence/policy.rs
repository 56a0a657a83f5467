//! How much may fail.

use std::time::Duration;

/// What is guessed at. Each has a budget of its own: guessing one does not use up another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Factor {
    /// The password.
    Password,
    /// A one-time code or a recovery code, asked for once the password is right.
    SecondFactor,
}

impl Factor {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Password, Self::SecondFactor];

    /// A stable name, part of what counters are called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::SecondFactor => "second-factor",
        }
    }
}

/// How many failures are let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DefencePolicy {
    /// For passwords.
    pub password: FactorLimits,
    /// For second factors.
    pub second_factor: FactorLimits,
    /// Of one source, for all accounts together, within [`Self::source_window`]. A fifth is kept for accounts that know
    /// the source.
    pub source_failures: u32,
    /// After this, a source's failures are forgotten.
    pub source_window: Duration,
    /// How many counters the database keeps. Beyond it the smallest are given up, and who comes after begins where the
    /// largest of those left off.
    pub max_counters: u64,
}

/// How many failures one factor of one account allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FactorLimits {
    /// Of all sources together. A fifth is kept for sources that the account knows.
    pub account_failures: u32,
    /// After this without a failure, those of the account are forgotten.
    pub account_quiet: Duration,
    /// Of one source.
    pub source_failures: u32,
    /// After this without a failure, those of the source are forgotten.
    pub source_quiet: Duration,
}

impl DefencePolicy {
    /// Most consecutive failures an account may allow (NIST SP 800-63B-4 §3.2.2).
    pub const MAX_ACCOUNT_FAILURES: u32 = 100;

    pub(super) fn limits(&self, factor: Factor) -> &FactorLimits {
        match factor {
            Factor::Password => &self.password,
            Factor::SecondFactor => &self.second_factor,
        }
    }

    /// No counter lives longer than this without a failure.
    pub(super) fn longest_window(&self) -> Duration {
        [self.password, self.second_factor]
            .iter()
            .flat_map(|limits| [limits.account_quiet, limits.source_quiet])
            .fold(self.source_window, Duration::max)
    }
}

impl Default for DefencePolicy {
    fn default() -> Self {
        Self {
            password: FactorLimits {
                account_failures: Self::MAX_ACCOUNT_FAILURES,
                account_quiet: Duration::from_secs(24 * 3600),
                source_failures: 10,
                source_quiet: Duration::from_secs(15 * 60),
            },
            second_factor: FactorLimits {
                account_failures: 25,
                account_quiet: Duration::from_secs(24 * 3600),
                source_failures: 5,
                source_quiet: Duration::from_secs(15 * 60),
            },
            source_failures: 300,
            source_window: Duration::from_secs(3600),
            max_counters: 1_000_000,
        }
    }
}

/// The fifth of a shared limit that is kept for those who know each other.
pub(super) const fn reserved(limit: u32) -> u32 {
    limit / 5
}
