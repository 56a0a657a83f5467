//! The command as a program: what it prints, what it leaves behind, and its exit codes.
#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

mod golden;
mod keysets;
mod passwords;
mod prompts;
mod streams;
mod support;
mod tokens;
