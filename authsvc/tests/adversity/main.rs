//! The real binary where things go wrong: killed at random moments, its database gone, slow, full or taking no writes,
//! flooded with logins, its keys exchanged under load, its log cut. And what its log
//! answers, and passwords that come from elsewhere.
//!
//! Real processes, real sockets, real hashing costs. What can be shown in one process with a settable clock is shown
//! there (`database.rs`, `login_defence`, `keys`, `sessions`).

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

#[path = "../support/mod.rs"]
mod support;

mod audit;
mod clock_steps;
mod crash;
mod database;
mod flood;
mod installation;
mod lineage;
mod passwords;
mod replicas;
mod rotation;
