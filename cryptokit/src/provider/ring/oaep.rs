//! RSAES-OAEP by `rsa`; ring has none.
//!
//! Encrypting is a public operation and always here. Decrypting is a private one, which `rsa` leaks through its timing
//! (RUSTSEC-2023-0071): only with the feature `ring-oaep-decrypt`, for ciphertexts whose sender cannot time the answer.

use rsa::sha2::Sha256;
use rsa::{BoxedUint, Oaep, RsaPublicKey};

use super::random::RingRng;
use crate::provider::{OaepDecrypter, OaepEncrypter, Unspecified};

pub(super) fn encrypter(n: &[u8], e: &[u8]) -> Result<Box<dyn OaepEncrypter>, Unspecified> {
    let (n, e) = (BoxedUint::from_be_slice_vartime(n), BoxedUint::from_be_slice_vartime(e));
    let key = RsaPublicKey::new_with_size_limits(n, e, SIZES).map_err(|_| Unspecified)?;
    Ok(Box::new(Encrypter(key)))
}

#[cfg(feature = "ring-oaep-decrypt")]
pub(super) use decrypt::decrypter;

#[cfg(not(feature = "ring-oaep-decrypt"))]
pub(super) fn decrypter(_pkcs8: &[u8]) -> Result<Box<dyn OaepDecrypter>, Unspecified> {
    Err(Unspecified)
}

/// In bits, as AWS-LC has it.
const SIZES: std::ops::RangeInclusive<usize> = 2048..=8192;

struct Encrypter(RsaPublicKey);

impl OaepEncrypter for Encrypter {
    fn encrypt(&self, label: &[u8], message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        self.0
            .encrypt(&mut RingRng, Oaep::<Sha256>::new_with_label(label), message)
            .map_err(|_| Unspecified)
    }
}

#[cfg(feature = "ring-oaep-decrypt")]
mod decrypt {
    use rsa::RsaPrivateKey;
    use rsa::traits::PublicKeyParts;
    use zeroize::Zeroizing;

    use super::super::rsa::checked;
    use super::*;

    pub(in crate::provider::ring) fn decrypter(pkcs8: &[u8]) -> Result<Box<dyn OaepDecrypter>, Unspecified> {
        let key = checked(pkcs8)?;
        let size = usize::try_from(key.n().bits_vartime()).map_err(|_| Unspecified)?;
        if !SIZES.contains(&size) {
            return Err(Unspecified);
        }
        Ok(Box::new(Decrypter(key)))
    }

    struct Decrypter(RsaPrivateKey);

    impl OaepDecrypter for Decrypter {
        fn decrypt(&self, label: &[u8], ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
            // SP 800-56B rev. 2 §7.1.2.1: a ciphertext is more than one. AWS-LC refuses those two, `rsa` takes them.
            if ciphertext
                .split_last()
                .is_none_or(|(last, rest)| *last <= 1 && rest.iter().all(|&byte| byte == 0))
            {
                return Err(Unspecified);
            }
            self.0
                .decrypt_blinded(&mut RingRng, Oaep::<Sha256>::new_with_label(label), ciphertext)
                .map(Zeroizing::new)
                .map_err(|_| Unspecified)
        }

        fn public_components(&self) -> (Vec<u8>, Vec<u8>) {
            (self.0.n_bytes().into_vec(), self.0.e_bytes().into_vec())
        }
    }
}
