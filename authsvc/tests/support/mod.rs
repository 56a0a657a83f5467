//! What the tests share: a service in this process, and the real binary in another.

// Each test file uses its part of this.
#![expect(dead_code, reason = "each test file uses its part of the support code")]

pub(crate) mod databases;
pub(crate) mod in_process;
pub(crate) mod keys;
pub(crate) mod mtls;
pub(crate) mod postgres;
pub(crate) mod process;
pub(crate) mod replicas;
