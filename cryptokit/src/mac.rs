//! HMAC-SHA-256 (RFC 2104, FIPS 198-1) under a key of its own, for pseudonyms.

use std::fmt;

use crate::keyset::{InvalidMaterial, KeyMaterial};
use crate::provider::{Hash, Provider};
use crate::secret::{SecretBytes, SecretKey};

/// A 256-bit key for HMAC-SHA-256.
pub struct MacKey(SecretKey);

impl MacKey {
    /// Makes a key.
    pub fn generate() -> Self {
        Self(SecretKey::generate())
    }

    /// The tag over a purpose and fields, each preceded by its length as 64-bit big-endian number, so that fields cannot
    /// be moved into one another.
    pub fn tag(&self, purpose: &str, fields: &[&[u8]]) -> [u8; 32] {
        let mut message = Vec::new();
        for field in std::iter::once(purpose.as_bytes()).chain(fields.iter().copied()) {
            message.extend((field.len() as u64).to_be_bytes());
            message.extend(field);
        }
        let mut tag = [0; 32];
        tag.copy_from_slice(hmac_sha256(self.0.expose_secret(), &message).as_ref());
        tag
    }
}

fn hmac_sha256(key: &[u8], message: &[u8]) -> impl AsRef<[u8]> + use<> {
    Provider::default().backend().hmac(Hash::Sha256, key).sign(&[message])
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MacKey([redacted])")
    }
}

/// RFC 7518 §3.2.
const ALGORITHM: &str = "HS256";

impl KeyMaterial for MacKey {
    const PURPOSE: &'static str = "mac";

    fn algorithm(&self) -> &'static str {
        ALGORITHM
    }

    fn to_bytes(&self) -> SecretBytes {
        SecretBytes::new(self.0.expose_secret().to_vec())
    }

    fn from_bytes(algorithm: &str, bytes: SecretBytes) -> Result<Self, InvalidMaterial> {
        if algorithm != ALGORITHM {
            return Err(InvalidMaterial);
        }
        let key: &[u8; SecretKey::LEN] = bytes.expose_secret().try_into().map_err(|_| InvalidMaterial)?;
        Ok(Self(SecretKey::from_bytes(*key)))
    }
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;

    use super::*;

    /// RFC 4231 §4.3, test case 2.
    #[test]
    fn known_answer() {
        assert_eq!(
            hmac_sha256(b"Jefe", b"what do ya want for nothing?").as_ref(),
            hex!("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        );
    }

    #[test]
    fn purpose_and_fields_are_kept_apart() {
        let key = MacKey::from_bytes("HS256", SecretBytes::new(vec![7; 32])).unwrap();
        let tags = [
            key.tag("a", &[b"b", b"c"]),
            key.tag("a", &[b"bc", b""]),
            key.tag("a", &[b"bc"]),
            key.tag("ab", &[b"c"]),
            MacKey::generate().tag("a", &[b"b", b"c"]),
        ];
        for (index, tag) in tags.iter().enumerate() {
            assert!(!tags[..index].contains(tag), "{index}");
        }
        let same = MacKey::from_bytes("HS256", key.to_bytes()).unwrap();
        assert_eq!(same.tag("a", &[b"b", b"c"]), tags[0]);
        assert!(MacKey::from_bytes("HS512", key.to_bytes()).is_err());
        assert!(MacKey::from_bytes("HS256", SecretBytes::new(vec![7; 31])).is_err());
        assert!(!format!("{key:?}").contains('7'));
    }
}
