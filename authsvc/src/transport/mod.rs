//! The outer ring: decode, call an endpoint, encode. No decisions.

pub mod client_trust;
mod connection;
pub mod http;
pub mod listener;
pub mod live_tls;
mod sources;
pub mod status;
pub mod tls;
