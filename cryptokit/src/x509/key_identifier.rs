//! How a subjectKeyIdentifier was made from its key (RFC 5280 §4.2.1.2, RFC 7093 §2).

use std::fmt;

use super::public_key::split;
use crate::hash::sha256;
use crate::provider::Provider;

/// A published way to make a key identifier from a public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyIdentifierMethod {
    /// RFC 5280 §4.2.1.2 (1): SHA-1 of the key's bits.
    Sha1,
    /// RFC 5280 §4.2.1.2 (2): four bits `0100` and the last 60 bits of that.
    ShortSha1,
    /// RFC 7093 §2 (1): the first 160 bits of the SHA-256 of the key's bits. What this crate writes.
    Sha256,
    /// RFC 7093 §2 (3): the first 160 bits of their SHA-512.
    Sha512,
    /// RFC 7093 §2 (4): the SHA-256 of the SubjectPublicKeyInfo, whole.
    SpkiSha256,
}

impl KeyIdentifierMethod {
    /// The method that makes `identifier` from this DER SubjectPublicKeyInfo, if it is one of these.
    ///
    /// An identifier may be made in any other way that keeps keys apart; nothing is wrong with `None`.
    pub fn of(identifier: &[u8], spki: &[u8]) -> Option<Self> {
        let (_, bits) = split(spki).ok()?;
        let backend = Provider::default().backend();
        match identifier.len() {
            8 => {
                let mut short = <[u8; 8]>::try_from(&backend.sha1_of_key_identifiers(bits)[12..]).ok()?;
                short[0] = short[0] & 0x0f | 0x40;
                (identifier == short).then_some(Self::ShortSha1)
            }
            20 if identifier == backend.sha1_of_key_identifiers(bits) => Some(Self::Sha1),
            20 if identifier == &sha256(bits)[..20] => Some(Self::Sha256),
            20 => (identifier == &backend.sha512(&[bits])[..20]).then_some(Self::Sha512),
            32 => (identifier == sha256(spki)).then_some(Self::SpkiSha256),
            _ => None,
        }
    }
}

impl fmt::Display for KeyIdentifierMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sha1 => "SHA-1 of the key (RFC 5280 §4.2.1.2 (1))",
            Self::ShortSha1 => "60 bits of the SHA-1 of the key (RFC 5280 §4.2.1.2 (2))",
            Self::Sha256 => "SHA-256 of the key (RFC 7093 §2 (1))",
            Self::Sha512 => "SHA-512 of the key (RFC 7093 §2 (3))",
            Self::SpkiSha256 => "SHA-256 of the SubjectPublicKeyInfo (RFC 7093 §2 (4))",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::der::{BIT_STRING, SEQUENCE, write};
    use super::*;

    /// The key "abc" under an empty algorithm: the digests are the examples of FIPS 180-4.
    fn spki() -> Vec<u8> {
        write(SEQUENCE, &[&write(SEQUENCE, &[]), &write(BIT_STRING, &[&[0], b"abc"])])
    }

    #[test]
    fn every_method_is_told_by_what_it_makes() {
        let sha1 = b"\xa9\x99\x3e\x36\x47\x06\x81\x6a\xba\x3e\x25\x71\x78\x50\xc2\x6c\x9c\xd0\xd8\x9d";
        let short = b"\x48\x50\xc2\x6c\x9c\xd0\xd8\x9d";
        let short = &[[short[0] & 0x0f | 0x40].as_slice(), &short[1..]].concat();
        let sha256_start = b"\xba\x78\x16\xbf\x8f\x01\xcf\xea\x41\x41\x40\xde\x5d\xae\x22\x23\xb0\x03\x61\xa3";
        let sha512_start = b"\xdd\xaf\x35\xa1\x93\x61\x7a\xba\xcc\x41\x73\x49\xae\x20\x41\x31\x12\xe6\xfa\x4e";
        for (identifier, method) in [
            (&sha1[..], KeyIdentifierMethod::Sha1),
            (short, KeyIdentifierMethod::ShortSha1),
            (sha256_start, KeyIdentifierMethod::Sha256),
            (sha512_start, KeyIdentifierMethod::Sha512),
            (&sha256(&spki()), KeyIdentifierMethod::SpkiSha256),
        ] {
            assert_eq!(KeyIdentifierMethod::of(identifier, &spki()), Some(method));
            let mut other = identifier.to_vec();
            *other.last_mut().unwrap() ^= 1;
            assert_eq!(KeyIdentifierMethod::of(&other, &spki()), None);
            assert_eq!(KeyIdentifierMethod::of(&identifier[1..], &spki()), None);
        }
        assert_eq!(KeyIdentifierMethod::of(sha1, b"no key"), None);
    }
}
