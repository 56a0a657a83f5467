//! The content key: what it encrypts, and the commitment to it.

use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use zeroize::{Zeroize, Zeroizing};

use super::general::Envelope;
use super::{CONTENT_ENCRYPTION, JweError};
use crate::encoding::base64url;
use crate::provider::{AeadKey, Hash, Provider};
use crate::random;
use crate::secret::SecretBytes;

pub(super) const KEY_LEN: usize = 32;
const TAG_LEN: usize = 16;
const NONCE_LEN: usize = 12;

/// A key for one message. 32 bytes of the generator: 256 bits of entropy, and never a second message, so that a random
/// nonce cannot meet another.
pub(super) struct ContentKey(Zeroizing<[u8; KEY_LEN]>);

/// Ciphertext and what goes with it.
pub(super) struct Sealed {
    pub(super) iv: [u8; NONCE_LEN],
    pub(super) ciphertext: Vec<u8>,
    pub(super) tag: [u8; TAG_LEN],
}

impl ContentKey {
    pub(super) fn generate(provider: Provider) -> Self {
        let mut key = Zeroizing::new([0; KEY_LEN]);
        random::fill(provider, &mut *key);
        Self(key)
    }

    pub(super) fn expose_secret(&self) -> &[u8; KEY_LEN] {
        &self.0
    }

    /// Takes another key's bytes if `choice` says so, without a branch on it.
    pub(super) fn replace_if(&mut self, bytes: &[u8], choice: Choice) {
        for (own, other) in self.0.iter_mut().zip(bytes) {
            own.conditional_assign(other, choice);
        }
    }

    /// See the module's page for the construction and what it is worth.
    pub(super) fn commitment(&self, provider: Provider) -> [u8; 32] {
        let mut commitment = [0; 32];
        let info: [&[u8]; 3] = [b"cryptokit JWE key commitment v1", &[0], CONTENT_ENCRYPTION.as_bytes()];
        provider
            .backend()
            .hkdf_expand(Hash::Sha256, &*self.0, &info, &mut commitment);
        commitment
    }

    /// Takes the key, so that it cannot encrypt a second message.
    pub(super) fn seal(self, provider: Provider, plaintext: &[u8], authenticated: &[u8]) -> Result<Sealed, JweError> {
        let mut iv = [0; NONCE_LEN];
        random::fill(provider, &mut iv);
        let mut ciphertext = plaintext.to_vec();
        let Ok(tag) = self.cipher(provider).seal(iv, authenticated, &mut ciphertext) else {
            ciphertext.zeroize();
            return Err(JweError::Backend);
        };
        Ok(Sealed { iv, ciphertext, tag })
    }

    /// Checks tag and commitment, both always, and releases the plaintext when both are good.
    pub(super) fn open(self, provider: Provider, envelope: &Envelope<'_>) -> Result<SecretBytes, JweError> {
        let mut buffer = base64url::decode(envelope.ciphertext).map_err(|_| JweError::Open)?;
        let whole = self
            .cipher(provider)
            .open(envelope.iv, &envelope.authenticated(), &mut buffer, envelope.tag)
            .is_ok();
        let committed = match &envelope.header.commitment {
            Some(commitment) => self.commitment(provider).ct_eq(commitment).into(),
            None => true,
        };
        if !(whole & committed) {
            // A backend may leave unauthenticated plaintext behind.
            buffer.zeroize();
            return Err(JweError::Open);
        }
        Ok(SecretBytes::new(buffer))
    }

    fn cipher(&self, provider: Provider) -> Box<dyn AeadKey> {
        let key = provider.backend().aes_gcm(self.0.as_slice());
        key.expect("AES-256 takes 32 bytes")
    }
}
