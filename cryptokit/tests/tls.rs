//! The rustls cryptography of each provider.

#![cfg(feature = "tls")]

use cryptokit::Provider;
use rustls::NamedGroup;

#[test]
fn the_hybrid_post_quantum_exchange_comes_first_where_the_backend_has_it() {
    for provider in Provider::all() {
        let groups: Vec<NamedGroup> = provider.tls().kx_groups.iter().map(|group| group.name()).collect();
        let expected = match provider.name() {
            "aws-lc" => NamedGroup::X25519MLKEM768,
            _ => NamedGroup::X25519,
        };
        assert_eq!(groups[0], expected, "{provider:?}");
    }
}
