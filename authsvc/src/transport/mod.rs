//! The outer ring: decode, call an endpoint, encode. No decisions.

mod connection;
pub mod http;
pub mod listener;
pub mod status;
pub mod tls;
