//! Plans: what is done and why, on homes that are plain values.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

mod properties;
mod reasons;
mod simulation;
