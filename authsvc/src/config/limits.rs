//! Settings that bound what a client may do.

use std::num::NonZeroU32;
use std::time::Duration;

use super::reader::Reader;

/// Bounds on what a client may do.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at once, each listener for itself.
    pub max_connections: usize,
    /// Connections at once from one IPv4 address or IPv6 /64, each listener for itself.
    pub max_connections_per_source: usize,
    /// How long a connection is served.
    pub max_connection_age: Duration,
    /// Requests a second of one source without a client certificate.
    pub requests_per_second: NonZeroU32,
    /// Requests a second of one service.
    pub caller_requests_per_second: NonZeroU32,
    /// A request's head, in bytes.
    pub max_header_bytes: u32,
    /// A request's body, in bytes.
    pub max_body_bytes: usize,
    /// For the TLS handshake.
    pub handshake_timeout: Duration,
    /// For a request's head, and for the silence before it on a kept connection.
    pub header_timeout: Duration,
    /// For a request's body.
    pub body_timeout: Duration,
    /// For everything after the body has arrived.
    pub request_timeout: Duration,
}

pub(super) fn read(reader: &mut Reader<'_>) -> Limits {
    Limits {
        max_connections: reader.number("limits.max_connections", 1..=1_000_000) as usize,
        max_connections_per_source: reader.number("limits.max_connections_per_source", 1..=1_000_000) as usize,
        max_connection_age: reader.seconds("limits.max_connection_age_seconds", 10..=86_400),
        requests_per_second: rate(reader, "limits.requests_per_second"),
        caller_requests_per_second: rate(reader, "limits.caller_requests_per_second"),
        max_header_bytes: reader.number("limits.max_header_bytes", 8192..=262_144) as u32,
        max_body_bytes: reader.number("limits.max_body_bytes", 4096..=1_048_576) as usize,
        handshake_timeout: reader.seconds("limits.handshake_timeout_seconds", 1..=60),
        header_timeout: reader.seconds("limits.header_timeout_seconds", 1..=300),
        body_timeout: reader.seconds("limits.body_timeout_seconds", 1..=300),
        request_timeout: reader.seconds("limits.request_timeout_seconds", 1..=300),
    }
}

fn rate(reader: &mut Reader<'_>, key: &'static str) -> NonZeroU32 {
    NonZeroU32::new(reader.number(key, 1..=1_000_000) as u32).unwrap_or(NonZeroU32::MIN)
}
