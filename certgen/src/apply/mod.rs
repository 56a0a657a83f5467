//! A certificate authority as a file says it should be.

pub mod manifest;
