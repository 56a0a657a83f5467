//! Password hashes: ours, imported ones, the founding documents' one; what verifies, what is refused and what is asked
//! to be replaced.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

mod founding_faults;
mod imported;
mod ours;
mod policy;
mod strings;
mod support;
