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
    /// Most memory in KiB: 1 GiB.
    pub const MAX_M_COST: u32 = 1 << 20;
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
    /// The second recommendation of RFC 9106 §4: 64 MiB, 3 passes, 4 lanes.
    pub const RFC_9106_LOW_MEMORY: Self = Self {
        m_cost: 64 * 1024,
        t_cost: 3,
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
