//! The backends agree with each other: what one makes, every other reads, and what is deterministic is the same bytes.
//!
//! In the crate, because a backend is not public.

mod oaep;
mod signature;
