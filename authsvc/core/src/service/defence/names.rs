//! What counters are called: keyed digests of canonical names, whether or not there is such an account.

use std::net::IpAddr;

use cryptokit::keyed_digest::DigestKey;

use super::Factor;
use crate::domain::{EmailAddress, SourceNetwork};
use crate::storage::attempts::CounterKey;

/// The counters that one attempt concerns.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names {
    /// The account, for all factors: its known sources hang on it.
    pub(super) account: CounterKey,
    /// The source, as it is remembered by an account.
    pub(super) known_source: CounterKey,
    /// Failures of this source at this account.
    pub(super) pair: CounterKey,
    /// Failures at this account that anybody may cause.
    pub(super) common: CounterKey,
    /// Failures at this account that only sources known to it may cause.
    pub(super) reserved: CounterKey,
    /// Failures of this source at any account.
    pub(super) source: CounterKey,
}

impl Names {
    pub(super) fn of(key: &DigestKey, account: &EmailAddress, source: Option<IpAddr>, factor: Factor) -> Self {
        let account_name = account.as_str().as_bytes();
        let network = source.map(SourceNetwork::from);
        let source_name = network.as_ref().map_or(&b"none"[..], SourceNetwork::as_bytes);
        let factor_name = factor.name().as_bytes();
        Self {
            account: account_key(key, account),
            known_source: name(key, &[b"known-source", account_name, source_name]),
            pair: name(key, &[b"pair", factor_name, account_name, source_name]),
            common: name(key, &[b"common", factor_name, account_name]),
            reserved: name(key, &[b"reserved", factor_name, account_name]),
            source: name(key, &[b"source", factor_name, source_name]),
        }
    }

    pub(super) fn counters(&self) -> [CounterKey; 4] {
        [self.pair, self.common, self.reserved, self.source]
    }
}

pub(super) fn account_key(key: &DigestKey, account: &EmailAddress) -> CounterKey {
    name(key, &[b"account", account.as_str().as_bytes()])
}

fn name(key: &DigestKey, parts: &[&[u8]]) -> CounterKey {
    let [a, b, c, d, e, f, g, h, ..] = key.digest(parts);
    match i64::from_be_bytes([a, b, c, d, e, f, g, h]) {
        // Taken by the floor.
        0 => CounterKey(1),
        digest => CounterKey(digest),
    }
}
