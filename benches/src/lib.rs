//! What cryptokit costs beside the bare primitives it is built on.
//!
//! Each module sets up one family of [`Comparison`]s. Criterion reports their wall time (a file of the same name in
//! `benches/`); `benches/ratios.rs` runs both sides alternately and prints one table.
//! The baselines call a backend's crate directly, which is what they are for; nothing else outside
//! `cryptokit::provider` may.

pub mod aes_gcm;
#[cfg(feature = "argon2-simd")]
pub mod argon2_reference;
pub mod argon2id;
pub mod founding_rows;
pub mod ratio;
pub mod rs256;
pub mod rsa;
#[cfg(feature = "aws-lc")]
pub mod signatures;
pub mod stream;
pub mod timing;

use std::fmt;
use std::time::Duration;

/// Something to be timed. It does its work once and keeps the compiler from leaving it out.
pub type Operation = Box<dyn FnMut()>;

/// An operation of cryptokit and what it is measured against.
pub struct Comparison {
    /// Names the operation, its backend and its size.
    pub what: String,
    /// Bytes handled by one run; 0 where that means nothing.
    pub bytes: u64,
    /// A run faster than this cannot have done its work. Zero for what is allowed to become faster.
    pub never_under: Duration,
    /// The operation, through cryptokit.
    pub ours: Operation,
    /// What it is measured against.
    pub baselines: Vec<Baseline>,
}

/// The same work without cryptokit.
pub struct Baseline {
    /// Names it.
    pub name: &'static str,
    /// The ratio (baseline's time by ours) to reach; `None` where the baseline is there for scale.
    pub bar: Option<f64>,
    /// The work.
    pub run: Operation,
}

impl fmt::Debug for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Comparison")
            .field("what", &self.what)
            .field("baselines", &self.baselines)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Baseline")
            .field("name", &self.name)
            .field("bar", &self.bar)
            .finish_non_exhaustive()
    }
}

/// All comparisons, in the order of the table.
pub fn comparisons() -> Vec<Comparison> {
    let mut all = argon2id::comparisons();
    all.extend(rs256::comparisons());
    #[cfg(feature = "aws-lc")]
    all.extend(signatures::comparisons());
    all.extend(aes_gcm::comparisons());
    all.extend(stream::comparisons());
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_runs() {
        let all = comparisons();
        assert!(all.len() >= 8, "{all:?}");
        for mut comparison in all {
            (comparison.ours)();
            for mut baseline in comparison.baselines {
                (baseline.run)();
            }
        }
    }
}
