//! The internal listener on a real socket: whom it lets in, what it makes of changed files, and what is no HTTP.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

#[path = "../support/mod.rs"]
mod support;

mod certificates;
mod connections;
mod reload;
mod revocation;

use cryptokit::x509::{CertificateAuthority, DistinguishedName};

use support::mtls::{Client, Internal};

const ORDERS: &[&str] = &["dns:orders.internal"];

fn authority(name: &str, now: time::OffsetDateTime) -> CertificateAuthority {
    CertificateAuthority::new_root(&DistinguishedName::new(name).unwrap(), now).unwrap()
}

/// The same client for TLS 1.2 only, with the same store of sessions.
fn tls12_of(internal: &Internal, client: &Client, like: &rustls::ClientConfig) -> rustls::ClientConfig {
    let mut config = internal.config_of(Some(client), &[&rustls::version::TLS12]);
    config.resumption = like.resumption.clone();
    config
}
