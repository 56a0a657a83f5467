//! Names that only the holder of a key can make: HMAC-SHA-256 (RFC 2104) of something that is not to be stored itself.
//!
//! For addresses and sources that a table has to find again and must not list. Not for passwords: the values are few
//! enough to be tried by whoever has the key. See [`crate::password`].

use std::fmt;

use zeroize::Zeroize;

use crate::keyset::{InvalidMaterial, KeyMaterial};
use crate::provider::{Hash, HmacKey, Provider};
use crate::secret::{SecretBytes, SecretKey};

/// 256 secret bits for digests of names.
pub struct DigestKey {
    secret: SecretKey,
    hmac: Box<dyn HmacKey>,
}

impl DigestKey {
    /// Makes a key.
    pub fn generate() -> Self {
        Self::from_secret(SecretKey::generate())
    }

    /// The digest of a list of parts. Lists that differ in how they are cut differ in their digest.
    pub fn digest(&self, parts: &[&[u8]]) -> [u8; 32] {
        let lengths: Vec<[u8; 8]> = parts.iter().map(|part| (part.len() as u64).to_be_bytes()).collect();
        let framed: Vec<&[u8]> = lengths
            .iter()
            .zip(parts)
            .flat_map(|(length, part)| [length.as_slice(), part])
            .collect();
        let mut digest = [0; 32];
        digest.copy_from_slice(self.hmac.sign(&framed).as_ref());
        digest
    }

    fn from_secret(secret: SecretKey) -> Self {
        let hmac = Provider::default().backend().hmac(Hash::Sha256, secret.expose_secret());
        Self { secret, hmac }
    }
}

impl fmt::Debug for DigestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DigestKey([redacted])")
    }
}

const ALGORITHM: &str = "HS256";

impl KeyMaterial for DigestKey {
    const PURPOSE: &'static str = "keyed-digest";

    fn algorithm(&self) -> &'static str {
        ALGORITHM
    }

    fn to_bytes(&self) -> SecretBytes {
        SecretBytes::new(self.secret.expose_secret().to_vec())
    }

    fn from_bytes(algorithm: &str, bytes: SecretBytes) -> Result<Self, InvalidMaterial> {
        if algorithm != ALGORITHM {
            return Err(InvalidMaterial);
        }
        let mut key: [u8; SecretKey::LEN] = bytes.expose_secret().try_into().map_err(|_| InvalidMaterial)?;
        let secret = SecretKey::from_bytes(key);
        key.zeroize();
        Ok(Self::from_secret(secret))
    }
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;

    use super::*;

    #[test]
    fn the_digest_is_hmac_sha_256_over_parts_with_their_lengths() {
        let key = DigestKey::from_bytes(ALGORITHM, SecretBytes::new(vec![0x0b; 32])).unwrap();
        // python3 -c 'import hmac;print(hmac.digest(b"\x0b"*32, bytes(7)+b"\2Hi"+bytes(8), "sha256").hex())'
        assert_eq!(
            key.digest(&[b"Hi", b""]),
            hex!("1e4f9ced1243fa17d6a4933e74a7325b1d0ec00a6507fed60f6e1f4186fe9b02")
        );
    }

    #[test]
    fn where_a_list_is_cut_matters_and_so_does_the_key() {
        let (one, other) = (DigestKey::generate(), DigestKey::generate());
        assert_eq!(one.digest(&[b"ab", b"c"]), one.digest(&[b"ab", b"c"]));
        assert_ne!(one.digest(&[b"ab", b"c"]), one.digest(&[b"a", b"bc"]));
        assert_ne!(one.digest(&[b"ab", b"c"]), one.digest(&[b"abc"]));
        assert_ne!(one.digest(&[b"abc"]), other.digest(&[b"abc"]));
    }

    #[test]
    fn keys_of_another_kind_are_refused() {
        assert!(DigestKey::from_bytes("A256GCM", SecretBytes::new(vec![0; 32])).is_err());
        assert!(DigestKey::from_bytes(ALGORITHM, SecretBytes::new(vec![0; 31])).is_err());
        assert_eq!(format!("{:?}", DigestKey::generate()), "DigestKey([redacted])");
    }
}
