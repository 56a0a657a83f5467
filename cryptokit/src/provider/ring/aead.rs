//! AES-GCM in pure Rust, by `aes-gcm`.

use aes_gcm::aead::consts::{U12, U16};
use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::aes::Aes192;
use aes_gcm::{Aes128Gcm, Aes256Gcm};

use crate::provider::{AeadKey, Unspecified};

pub(super) fn aes_gcm(key: &[u8]) -> Result<Box<dyn AeadKey>, Unspecified> {
    match key.len() {
        16 => parse::<Aes128Gcm>(key),
        24 => parse::<aes_gcm::AesGcm<Aes192, U12>>(key),
        32 => parse::<Aes256Gcm>(key),
        _ => Err(Unspecified),
    }
}

fn parse<A: Cipher + 'static>(key: &[u8]) -> Result<Box<dyn AeadKey>, Unspecified> {
    Ok(Box::new(AesGcm(A::new_from_slice(key).map_err(|_| Unspecified)?)))
}

/// AES-GCM with any key size, a 96-bit nonce and a 128-bit tag.
trait Cipher: AeadInOut<NonceSize = U12, TagSize = U16> + KeyInit + Send + Sync {}

impl<A: AeadInOut<NonceSize = U12, TagSize = U16> + KeyInit + Send + Sync> Cipher for A {}

struct AesGcm<A>(A);

impl<A: Cipher> AeadKey for AesGcm<A> {
    fn seal(&self, nonce: [u8; 12], associated_data: &[u8], buffer: &mut [u8]) -> Result<[u8; 16], Unspecified> {
        self.0
            .encrypt_inout_detached(&nonce.into(), associated_data, buffer.into())
            .map(Into::into)
            .map_err(|_| Unspecified)
    }

    fn seal_into(
        &self,
        nonce: [u8; 12],
        associated_data: &[u8],
        plaintext: &[u8],
        ciphertext: &mut [u8],
    ) -> Result<[u8; 16], Unspecified> {
        let buffers = InOutBuf::new(plaintext, ciphertext).map_err(|_| Unspecified)?;
        self.0
            .encrypt_inout_detached(&nonce.into(), associated_data, buffers)
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
