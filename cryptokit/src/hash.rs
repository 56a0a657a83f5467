//! SHA-256 (FIPS 180-4), for identifiers and fingerprints; SHA-1 for what old programs show.
//!
//! Not for passwords: a fast hash lets an attacker try billions of guesses a second. See [`crate::password`].

use crate::provider::{Hash, Provider};

/// SHA-256 of `message` with the default provider. O(n), no allocation.
pub fn sha256(message: &[u8]) -> [u8; 32] {
    sha256_with(Provider::default(), &[message])
}

/// SHA-256 of the concatenation of `parts` with the given provider.
pub fn sha256_with(provider: Provider, parts: &[&[u8]]) -> [u8; 32] {
    provider.backend().sha256(parts)
}

/// SHA-1 of `message` with the default provider, for a person to compare with what an old program shows, and for
/// nothing else.
///
/// # Security
///
/// Two messages of one SHA-1 can be made for some tens of thousands of dollars: equal values prove nothing about
/// messages that somebody else chose.
pub fn sha1_for_display(message: &[u8]) -> [u8; 20] {
    let mut digest = [0; 20];
    Provider::default()
        .backend()
        .digest(Hash::Sha1, &[message], &mut digest);
    digest
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;

    use super::*;

    /// FIPS 180-4 examples: "abc".
    #[test]
    fn known_answers() {
        assert_eq!(
            sha256(b"abc"),
            hex!("ba7816bf 8f01cfea 414140de 5dae2223 b00361a3 96177a9c b410ff61 f20015ad")
        );
        assert_eq!(
            sha1_for_display(b"abc"),
            hex!("a9993e36 4706816a ba3e2571 7850c26c 9cd0d89d")
        );
    }
}
