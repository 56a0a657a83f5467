//! JWE: what opens, what is refused, and that all refusals look alike.
#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

mod file_header;
mod form;
mod opening;
mod signed;
mod support;
