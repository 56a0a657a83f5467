//! AES-GCM on AWS-LC.

use aws_lc_rs::aead::{AES_128_GCM, AES_192_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use crate::provider::{AeadKey, Unspecified};

pub(super) fn aes_gcm(key: &[u8]) -> Result<Box<dyn AeadKey>, Unspecified> {
    let algorithm = match key.len() {
        16 => &AES_128_GCM,
        24 => &AES_192_GCM,
        32 => &AES_256_GCM,
        _ => return Err(Unspecified),
    };
    let key = UnboundKey::new(algorithm, key).map_err(|_| Unspecified)?;
    Ok(Box::new(AesGcm(LessSafeKey::new(key))))
}

struct AesGcm(LessSafeKey);

impl AeadKey for AesGcm {
    fn seal(&self, nonce: [u8; 12], associated_data: &[u8], buffer: &mut [u8]) -> Result<[u8; 16], Unspecified> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self
            .0
            .seal_in_place_separate_tag(nonce, Aad::from(associated_data), buffer)
            .map_err(|_| Unspecified)?;
        tag.as_ref().try_into().map_err(|_| Unspecified)
    }

    fn seal_into(
        &self,
        nonce: [u8; 12],
        associated_data: &[u8],
        plaintext: &[u8],
        ciphertext: &mut [u8],
    ) -> Result<[u8; 16], Unspecified> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let mut tag = [0; 16];
        self.0
            .seal_out_of_place_scatter(nonce, Aad::from(associated_data), plaintext, ciphertext, &[], &mut tag)
            .map_err(|_| Unspecified)?;
        Ok(tag)
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
