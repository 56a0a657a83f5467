//! AES-256-GCM in pure Rust, by `aes-gcm`.

use aes_gcm::aead::{AeadInOut, KeyInit};

use crate::provider::{AeadKey, Unspecified};

pub(super) fn aes_256_gcm(key: &[u8; 32]) -> Box<dyn AeadKey> {
    Box::new(Aes256Gcm(aes_gcm::Aes256Gcm::new(key.into())))
}

struct Aes256Gcm(aes_gcm::Aes256Gcm);

impl AeadKey for Aes256Gcm {
    fn seal(&self, nonce: [u8; 12], associated_data: &[u8], buffer: &mut [u8]) -> Result<[u8; 16], Unspecified> {
        self.0
            .encrypt_inout_detached(&nonce.into(), associated_data, buffer.into())
            .map(Into::into)
            .map_err(|_| Unspecified)
    }

    fn open(
        &self,
        nonce: [u8; 12],
        associated_data: &[u8],
        buffer: &mut [u8],
        tag: [u8; 16],
    ) -> Result<(), Unspecified> {
        self.0
            .decrypt_inout_detached(&nonce.into(), associated_data, buffer.into(), &tag.into())
            .map_err(|_| Unspecified)
    }
}
