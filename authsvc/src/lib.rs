//! The authorization service around [`authsvc_core`].
//!
//! ```text
//! transport ──▶ endpoint ──▶ authsvc_core::service ──▶ authsvc_core::storage ◀── storage (SQLite)
//! ```
//!
//! - [`transport`]: TLS, HTTP; decode, call an endpoint, encode.
//! - [`endpoint`]: one tower service for each operation, in layers: audit, metrics, deadline, authorize.
//! - [`storage`]: the databases.
//! - [`app`]: puts it all together, from the inside out; [`background`] is the work that repeats meanwhile,
//!   [`reload`] reads what changes meanwhile.
//! - [`commands`]: what the binary can do; [`cli`] is how it is asked.
//! - [`qr_code`]: what a phone takes over.
//! - [`config`], [`home`], [`secret_files`]: what an installation consists of.

pub mod app;
pub mod audit;
pub mod audit_log;
pub mod background;
pub mod call_scope;
pub mod cli;
pub mod commands;
pub mod config;
pub mod endpoint;
pub mod hasher;
pub mod home;
pub mod key_upkeep;
pub mod lifecycle;
pub mod log_output;
pub mod metrics;
pub mod password_rules;
pub mod pepper_file;
mod permit_queue;
mod published_keys;
pub mod qr_code;
pub mod reload;
pub mod request_rate;
pub mod root_key_exchange;
pub mod secret_files;
pub mod storage;
pub mod telemetry;
pub mod transport;
