//! The stations of a key's life.

use serde::{Deserialize, Serialize};

/// Where a key is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyStatus {
    /// Makes new things; exactly one per set.
    Primary,
    /// Known and published, not yet or no longer primary.
    Active,
    /// On its way out: still checks and opens, never promoted again.
    Retired,
    /// Does nothing.
    Revoked,
}
