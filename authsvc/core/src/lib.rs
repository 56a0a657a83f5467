//! The innermost ring of authsvc.
//!
//! ```text
//! transport (HTTP)  ──▶  endpoint (tower layers)  ──▶  service (this crate)  ──▶  storage traits (this crate)
//! ```
//!
//! - [`domain`]: values that are right once they exist.
//! - [`storage`]: what the rules ask of a database.
//! - [`service`]: one use case a file; [`service::error`] says what can go wrong.
//! - [`audit`]: what is written down about every decision.
//! - [`clock`]: the only place that reads the time.

pub mod audit;
pub mod clock;
pub mod domain;
pub mod service;
pub mod storage;
