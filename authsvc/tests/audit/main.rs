//! The audit log under what breaks logs: rotation, moved files, full disks, a database that is away, floods, crashes.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

mod files;
mod fixture;
mod pressure;
mod retention;
mod rows;
mod sums;
