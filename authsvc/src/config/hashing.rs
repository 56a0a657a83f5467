//! Settings of password hashing.

use std::num::NonZeroUsize;
use std::time::Duration;

use cryptokit::password::{Argon2Params, Policy, Scheme};

use super::reader::Reader;

/// Cost and concurrency of password hashing.
#[derive(Clone, Copy, Debug)]
pub struct HashingConfig {
    /// Cost of new hashes and ceiling of stored ones.
    pub policy: Policy,
    /// Hashes computed at once; each takes the policy's memory.
    pub max_concurrent: NonZeroUsize,
    /// How long a login waits for its turn before it is told to come back.
    pub max_wait: Duration,
}

pub(super) fn read(reader: &mut Reader<'_>, imported: &[Scheme]) -> HashingConfig {
    let m_cost = reader.number("hashing.m_cost_kib", Argon2Params::OWASP.m_cost() as u64..=1 << 20) as u32;
    let t_cost = reader.number("hashing.t_cost", 1..=64) as u32;
    let p_cost = reader.number("hashing.p_cost", 1..=16) as u32;
    let max_concurrent = match reader.values.get("hashing.max_concurrent") {
        None => std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
        Some(_) => {
            NonZeroUsize::new(reader.number("hashing.max_concurrent", 1..=1024) as usize).unwrap_or(NonZeroUsize::MIN)
        }
    };
    // OWASP's profiles trade memory for passes: one pass is enough from 46 MiB on only.
    if t_cost == 1 && m_cost < ONE_PASS_M_COST_KIB {
        reader.errors.push(format!(
            "hashing.t_cost is 1, which needs hashing.m_cost_kib of {ONE_PASS_M_COST_KIB} at least"
        ));
    }
    let max_wait = Duration::from_millis(reader.number("hashing.max_wait_milliseconds", 1..=60_000));
    let policy = Argon2Params::new(m_cost, t_cost, p_cost)
        .map(policy_for)
        .unwrap_or_else(|error| {
            reader.errors.push(format!("hashing: {error}"));
            Policy::default()
        })
        .accepting(imported.iter().copied());
    HashingConfig {
        policy,
        max_concurrent,
        max_wait,
    }
}

/// OWASP's Argon2id profile of a single pass: 46 MiB.
const ONE_PASS_M_COST_KIB: u32 = 46 * 1024;

/// Obeys stored hashes up to the default ceiling, or up to what new ones cost where that is more.
fn policy_for(params: Argon2Params) -> Policy {
    let ceiling = Policy::default().limits().argon2.ceiling;
    let ceiling = Argon2Params::new(
        ceiling.m_cost().max(params.m_cost()),
        ceiling.t_cost().max(params.t_cost()),
        ceiling.p_cost().max(params.p_cost()),
    )
    .expect("the larger of two valid costs is valid");
    Policy::new(params, ceiling).expect("params are within a ceiling made from them")
}
