//! RSAES-OAEP on AWS-LC.

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rsa::{
    OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, OaepPublicEncryptingKey, PrivateDecryptingKey, PublicKey,
    PublicKeyComponents,
};
use zeroize::Zeroizing;

use super::pkcs8::ends_with_its_structure;
use crate::provider::{OaepDecrypter, OaepEncrypter, Unspecified};

pub(super) fn encrypter(n: &[u8], e: &[u8]) -> Result<Box<dyn OaepEncrypter>, Unspecified> {
    let key = PublicKeyComponents { n, e }.try_into().map_err(|_| Unspecified)?;
    Ok(Box::new(Encrypter(
        OaepPublicEncryptingKey::new(key).map_err(|_| Unspecified)?,
    )))
}

pub(super) fn decrypter(pkcs8: &[u8]) -> Result<Box<dyn OaepDecrypter>, Unspecified> {
    let key = PrivateDecryptingKey::from_pkcs8(ends_with_its_structure(pkcs8)?).map_err(|_| Unspecified)?;
    let spki = AsDer::<PublicKeyX509Der<'_>>::as_der(&key.public_key()).map_err(|_| Unspecified)?;
    let public = PublicKey::from_der(spki.as_ref()).map_err(|_| Unspecified)?;
    Ok(Box::new(Decrypter {
        public: PublicKeyComponents::from(&public),
        key: OaepPrivateDecryptingKey::new(key).map_err(|_| Unspecified)?,
    }))
}

struct Encrypter(OaepPublicEncryptingKey);

impl OaepEncrypter for Encrypter {
    fn encrypt(&self, label: &[u8], message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let mut ciphertext = vec![0; self.0.ciphertext_size()];
        let len = self
            .0
            .encrypt(&OAEP_SHA256_MGF1SHA256, message, &mut ciphertext, unless_empty(label))
            .map_err(|_| Unspecified)?
            .len();
        ciphertext.truncate(len);
        Ok(ciphertext)
    }
}

struct Decrypter {
    public: PublicKeyComponents<Vec<u8>>,
    key: OaepPrivateDecryptingKey,
}

impl OaepDecrypter for Decrypter {
    fn decrypt(&self, label: &[u8], ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
        let mut message = Zeroizing::new(vec![0; self.key.min_output_size()]);
        let len = self
            .key
            .decrypt(&OAEP_SHA256_MGF1SHA256, ciphertext, &mut message, unless_empty(label))
            .map_err(|_| Unspecified)?
            .len();
        message.truncate(len);
        Ok(message)
    }

    fn public_components(&self) -> (Vec<u8>, Vec<u8>) {
        (self.public.n.clone(), self.public.e.clone())
    }
}

/// No label and an empty one are the same to RFC 8017 §7.1.1.
fn unless_empty(label: &[u8]) -> Option<&[u8]> {
    (!label.is_empty()).then_some(label)
}
