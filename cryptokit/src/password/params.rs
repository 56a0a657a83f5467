//! Cost parameters of Argon2id (RFC 9106 §3.1).

/// Checked cost parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argon2Params {
    m_cost: u32,
    t_cost: u32,
    p_cost: u32,
}

/// A cost outside the accepted range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidParams {
    /// Memory outside [`Argon2Params::MIN_M_COST`] to [`Argon2Params::MAX_M_COST`], or under 8 KiB for each lane.
    #[error(
        "memory cost of {m_cost} KiB; {} to {} are accepted, at least 8 for each lane",
        Argon2Params::MIN_M_COST,
        Argon2Params::MAX_M_COST
    )]
    Memory {
        /// What was asked for, in KiB.
        m_cost: u32,
    },
    /// Passes outside 1 to [`Argon2Params::MAX_T_COST`].
    #[error("time cost of {t_cost} passes; 1 to {} are accepted", Argon2Params::MAX_T_COST)]
    Time {
        /// What was asked for.
        t_cost: u32,
    },
    /// Lanes outside 1 to [`Argon2Params::MAX_P_COST`].
    #[error("parallelism of {p_cost} lanes; 1 to {} are accepted", Argon2Params::MAX_P_COST)]
    Lanes {
        /// What was asked for.
        p_cost: u32,
    },
}

impl Argon2Params {
    /// Least memory in KiB. The RFC allows less, for tests only.
    pub const MIN_M_COST: u32 = 8;
    /// Most memory in KiB: 2 GiB.
    pub const MAX_M_COST: u32 = 1 << 21;
    /// Most passes.
    pub const MAX_T_COST: u32 = 64;
    /// Most lanes.
    pub const MAX_P_COST: u32 = 16;

    /// OWASP's minimum: 19 MiB, 2 passes, 1 lane. The default.
    pub const OWASP: Self = Self {
        m_cost: 19 * 1024,
        t_cost: 2,
        p_cost: 1,
    };
    /// OWASP's minimum for a single pass: 46 MiB, 1 lane. As strong as [`Self::OWASP`]: more memory, less computation.
    pub const OWASP_ONE_PASS: Self = Self {
        m_cost: 46 * 1024,
        t_cost: 1,
        p_cost: 1,
    };
    /// The second recommendation of RFC 9106 §4, for memory-constrained environments: 64 MiB, 3 passes, 4 lanes.
    pub const RFC_9106_LOW_MEMORY: Self = Self {
        m_cost: 64 * 1024,
        t_cost: 3,
        p_cost: 4,
    };
    /// The first recommendation of RFC 9106 §4: 2 GiB, 1 pass, 4 lanes. Lanes are computed one after the other here, so
    /// that one hash takes about a second: for a key that a person waits for, not for logins.
    pub const RFC_9106: Self = Self {
        m_cost: 1 << 21,
        t_cost: 1,
        p_cost: 4,
    };

    /// Checks the ranges.
    ///
    /// # Errors
    ///
    /// [`InvalidParams`], naming the cost that is out of range.
    pub const fn new(m_cost: u32, t_cost: u32, p_cost: u32) -> Result<Self, InvalidParams> {
        if p_cost < 1 || p_cost > Self::MAX_P_COST {
            return Err(InvalidParams::Lanes { p_cost });
        }
        if t_cost < 1 || t_cost > Self::MAX_T_COST {
            return Err(InvalidParams::Time { t_cost });
        }
        if m_cost < Self::MIN_M_COST || m_cost > Self::MAX_M_COST || m_cost < 8 * p_cost {
            return Err(InvalidParams::Memory { m_cost });
        }
        Ok(Self { m_cost, t_cost, p_cost })
    }

    /// Memory in KiB.
    pub const fn m_cost(self) -> u32 {
        self.m_cost
    }

    /// Passes over the memory.
    pub const fn t_cost(self) -> u32 {
        self.t_cost
    }

    /// Lanes.
    pub const fn p_cost(self) -> u32 {
        self.p_cost
    }

    /// Memory one run takes, in bytes: `m_cost` rounded down to a multiple of 4 KiB for each lane (m′ of
    /// RFC 9106 §3.2).
    pub const fn memory_bytes(self) -> usize {
        (self.m_cost - self.m_cost % (4 * self.p_cost)) as usize * 1024
    }

    /// Whether the costs are at least OWASP's minimum for new hashes: 19 MiB and 2 passes, or 46 MiB and 1 pass.
    ///
    /// OWASP's list goes on with less memory and more passes; those profiles are not counted, because an attacker's
    /// hardware is held back by memory.
    pub const fn meets_owasp(self) -> bool {
        let least = if self.t_cost == 1 {
            Self::OWASP_ONE_PASS
        } else {
            Self::OWASP
        };
        self.memory_bytes() >= least.memory_bytes()
    }

    /// Whether no cost is above the one in `ceiling`.
    pub const fn within(self, ceiling: Self) -> bool {
        self.m_cost <= ceiling.m_cost && self.t_cost <= ceiling.t_cost && self.p_cost <= ceiling.p_cost
    }
}

impl Default for Argon2Params {
    fn default() -> Self {
        Self::OWASP
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_what_their_sources_say_and_in_range() {
        for (params, costs) in [
            (Argon2Params::OWASP, (19_456, 2, 1)),
            (Argon2Params::OWASP_ONE_PASS, (47_104, 1, 1)),
            (Argon2Params::RFC_9106_LOW_MEMORY, (65_536, 3, 4)),
            (Argon2Params::RFC_9106, (2_097_152, 1, 4)),
        ] {
            assert_eq!(Argon2Params::new(costs.0, costs.1, costs.2), Ok(params));
            assert!(params.meets_owasp(), "{params:?}");
        }
    }

    #[test]
    fn less_than_owasp_asks_for_is_recognised() {
        for (m_cost, t_cost, p_cost, meets) in [
            (19_456, 2, 1, true),
            (19_455, 2, 1, false),
            (19_455, 64, 1, false),
            (47_103, 1, 1, false),
            (19_456, 1, 1, false),
            // Rounded down to a multiple of 12 KiB.
            (19_456, 2, 3, false),
            (19_464, 2, 3, true),
        ] {
            let params = Argon2Params::new(m_cost, t_cost, p_cost).unwrap();
            assert_eq!(params.meets_owasp(), meets, "{params:?}");
        }
    }

    #[test]
    fn costs_out_of_range_are_refused_by_name() {
        use InvalidParams::{Lanes, Memory, Time};
        for (costs, error) in [
            ((7, 1, 1), Memory { m_cost: 7 }),
            ((31, 1, 4), Memory { m_cost: 31 }),
            ((2_097_153, 1, 1), Memory { m_cost: 2_097_153 }),
            ((u32::MAX, 1, 1), Memory { m_cost: u32::MAX }),
            ((8, 0, 1), Time { t_cost: 0 }),
            ((8, 65, 1), Time { t_cost: 65 }),
            ((8, 1, 0), Lanes { p_cost: 0 }),
            ((1024, 1, 17), Lanes { p_cost: 17 }),
        ] {
            assert_eq!(Argon2Params::new(costs.0, costs.1, costs.2), Err(error));
        }
    }
}
