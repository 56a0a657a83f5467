//! SHA-2, HMAC, HKDF and PBKDF2 on ring.

use std::num::NonZeroU32;

use ring::{digest, hkdf, hmac, pbkdf2};

use crate::provider::{Hash, HmacKey, HmacTag};

pub(super) fn sha1_of_key_identifiers(message: &[u8]) -> [u8; 20] {
    hash(&digest::SHA1_FOR_LEGACY_USE_ONLY, &[message])
        .as_ref()
        .try_into()
        .expect("SHA-1 gives 20 bytes")
}

pub(super) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    hash(&digest::SHA256, parts)
        .as_ref()
        .try_into()
        .expect("SHA-256 gives 32 bytes")
}

pub(super) fn sha512(parts: &[&[u8]]) -> [u8; 64] {
    hash(&digest::SHA512, parts)
        .as_ref()
        .try_into()
        .expect("SHA-512 gives 64 bytes")
}

pub(super) fn digest(algorithm: Hash, parts: &[&[u8]], out: &mut [u8]) {
    let algorithm = match algorithm {
        Hash::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        Hash::Sha256 => &digest::SHA256,
        Hash::Sha512 => &digest::SHA512,
    };
    out.copy_from_slice(hash(algorithm, parts).as_ref());
}

pub(super) fn hmac(hash: Hash, key: &[u8]) -> Box<dyn HmacKey> {
    Box::new(Hmac(hmac::Key::new(hmac_algorithm(hash), key)))
}

pub(super) fn hkdf_expand(hash: Hash, prk: &[u8], info: &[&[u8]], out: &mut [u8]) {
    let algorithm = match hash {
        Hash::Sha1 => hkdf::HKDF_SHA1_FOR_LEGACY_USE_ONLY,
        Hash::Sha256 => hkdf::HKDF_SHA256,
        Hash::Sha512 => hkdf::HKDF_SHA512,
    };
    hkdf::Prk::new_less_safe(algorithm, prk)
        .expand(info, OutputLen(out.len()))
        .and_then(|okm| okm.fill(out))
        .expect("the caller keeps to the lengths of RFC 5869");
}

pub(super) fn pbkdf2(hash: Hash, password: &[u8], salt: &[u8], iterations: NonZeroU32, out: &mut [u8]) {
    let algorithm = match hash {
        Hash::Sha1 => pbkdf2::PBKDF2_HMAC_SHA1,
        Hash::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
        Hash::Sha512 => pbkdf2::PBKDF2_HMAC_SHA512,
    };
    pbkdf2::derive(algorithm, iterations, salt, password, out);
}

fn hash(algorithm: &'static digest::Algorithm, parts: &[&[u8]]) -> digest::Digest {
    let mut context = digest::Context::new(algorithm);
    for part in parts {
        context.update(part);
    }
    context.finish()
}

fn hmac_algorithm(hash: Hash) -> hmac::Algorithm {
    match hash {
        Hash::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        Hash::Sha256 => hmac::HMAC_SHA256,
        Hash::Sha512 => hmac::HMAC_SHA512,
    }
}

struct Hmac(hmac::Key);

impl HmacKey for Hmac {
    fn sign(&self, parts: &[&[u8]]) -> HmacTag {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(part);
        }
        HmacTag::new(context.sign().as_ref())
    }
}

struct OutputLen(usize);

impl hkdf::KeyType for OutputLen {
    fn len(&self) -> usize {
        self.0
    }
}
