//! SHA-256 (FIPS 180-4), for identifiers and fingerprints.
//!
//! Not for passwords: a fast hash lets an attacker try billions of guesses a second. See [`crate::password`].

use crate::provider::Provider;

/// SHA-256 of `message` with the default provider. O(n), no allocation.
pub fn sha256(message: &[u8]) -> [u8; 32] {
    sha256_with(Provider::default(), &[message])
}

/// SHA-256 of the concatenation of `parts` with the given provider.
pub fn sha256_with(provider: Provider, parts: &[&[u8]]) -> [u8; 32] {
    provider.backend().sha256(parts)
}
