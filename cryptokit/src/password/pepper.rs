//! Peppers: secrets that enter every hash and live outside the database.

use std::fmt;

use zeroize::Zeroize;

use crate::keyset::{InvalidMaterial, KeyMaterial, Version1};
use crate::secret::{SecretBytes, SecretKey};

/// 256 secret bits, given to Argon2 as its secret value K (RFC 9106 §3.1).
pub struct Pepper(SecretKey);

impl Pepper {
    /// Makes a pepper.
    pub fn generate() -> Self {
        Self(SecretKey::generate())
    }

    pub(super) fn expose_secret(&self) -> &[u8] {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pepper([redacted])")
    }
}

/// 256 secret bits: what hashes with them is named by each hash.
const ALGORITHM: &str = "secret-256";

impl KeyMaterial for Pepper {
    const PURPOSE: &'static str = "pepper";
    const VERSION_1: Option<Version1> = Some(Version1 {
        purpose: "pepper",
        algorithm: ALGORITHM,
    });

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
        let mut key: [u8; SecretKey::LEN] = bytes.expose_secret().try_into().map_err(|_| InvalidMaterial)?;
        let secret = SecretKey::from_bytes(key);
        key.zeroize();
        Ok(Self(secret))
    }
}
