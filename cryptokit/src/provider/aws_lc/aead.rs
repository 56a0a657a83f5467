//! AES-256-GCM on AWS-LC.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use crate::provider::{AeadKey, Unspecified};

pub(super) fn aes_256_gcm(key: &[u8; 32]) -> Box<dyn AeadKey> {
    let key = UnboundKey::new(&AES_256_GCM, key).expect("AES-256 takes 32 bytes");
    Box::new(Aes256Gcm(LessSafeKey::new(key)))
}

struct Aes256Gcm(LessSafeKey);

impl AeadKey for Aes256Gcm {
    fn seal(&self, nonce: [u8; 12], associated_data: &[u8], buffer: &mut [u8]) -> Result<[u8; 16], Unspecified> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self
            .0
            .seal_in_place_separate_tag(nonce, Aad::from(associated_data), buffer)
            .map_err(|_| Unspecified)?;
        tag.as_ref().try_into().map_err(|_| Unspecified)
    }

    fn open(
        &self,
        nonce: [u8; 12],
        associated_data: &[u8],
        buffer: &mut [u8],
        tag: [u8; 16],
    ) -> Result<(), Unspecified> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.0
            .open_in_place_separate_tag(nonce, Aad::from(associated_data), &tag, buffer)
            .map(|_| ())
            .map_err(|_| Unspecified)
    }
}
