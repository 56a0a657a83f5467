//! Known answers from the standards, on every backend compiled in.
//!
//! In the crate, because a backend is not public and the types built on it would hide part of what is checked here
//! (a chosen nonce, a chosen salt, SHA-1).

mod aead;
mod digest;
mod signature;
