//! SHA-2, HMAC, HKDF and PBKDF2 against the RustCrypto crates, on inputs of any length cut anywhere.

use std::num::NonZeroU32;

use hkdf::Hkdf;
use hkdf::hmac::{Hmac, KeyInit, Mac};
use proptest::collection::vec;
use proptest::prelude::*;
use rsa::sha2::{Digest, Sha256, Sha512};

use crate::provider::{Hash, Provider};

proptest! {
    #[test]
    fn digests(parts in vec(vec(any::<u8>(), 0..300), 0..5)) {
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        let (sha256, sha512) = (Sha256::digest(parts.concat()), Sha512::digest(parts.concat()));
        for provider in Provider::all() {
            prop_assert_eq!(&provider.backend().sha256(&parts)[..], &sha256[..]);
            prop_assert_eq!(&provider.backend().sha512(&parts)[..], &sha512[..]);
            let digest = |hash: Hash| {
                let mut out = vec![0; hash.output_len()];
                provider.backend().digest(hash, &parts, &mut out);
                out
            };
            prop_assert_eq!(digest(Hash::Sha256), &sha256[..]);
            prop_assert_eq!(digest(Hash::Sha512), &sha512[..]);
        }
    }

    #[test]
    fn hmac(key in vec(any::<u8>(), 0..300), parts in vec(vec(any::<u8>(), 0..300), 0..5)) {
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        let tags = [
            (Hash::Sha256, hmac_sha256(&key, &parts.concat())),
            (Hash::Sha512, hmac_sha512(&key, &parts.concat())),
        ];
        for provider in Provider::all() {
            for (hash, expected) in &tags {
                let key = provider.backend().hmac(*hash, &key);
                // Twice: a key keeps nothing of what it signed.
                for tag in [key.sign(&parts), key.sign(&parts)] {
                    prop_assert_eq!(tag.as_ref(), &expected[..]);
                }
            }
        }
    }

    #[test]
    fn hkdf(
        salt in vec(any::<u8>(), 0..200),
        input_key in vec(any::<u8>(), 0..200),
        info in vec(vec(any::<u8>(), 0..100), 0..4),
        len in 0..1000_usize,
    ) {
        let info: Vec<&[u8]> = info.iter().map(Vec::as_slice).collect();
        let (prk256, sha256) = Hkdf::<Sha256>::extract(Some(&salt), &input_key);
        let (prk512, sha512) = Hkdf::<Sha512>::extract(Some(&salt), &input_key);
        let (mut out256, mut out512) = (vec![0; len], vec![0; len]);
        sha256.expand_multi_info(&info, &mut out256).unwrap();
        sha512.expand_multi_info(&info, &mut out512).unwrap();
        for provider in Provider::all() {
            for (hash, prk, out) in [(Hash::Sha256, &prk256[..], &out256), (Hash::Sha512, &prk512[..], &out512)] {
                let backend = provider.backend();
                prop_assert_eq!(&backend.hkdf_extract(hash, &salt, &input_key)[..], prk);
                let mut made = vec![0; len];
                backend.hkdf_expand(hash, prk, &info, &mut made);
                prop_assert_eq!(&made, out);
            }
        }
    }

    #[test]
    fn pbkdf2(
        password in vec(any::<u8>(), 0..200),
        salt in vec(any::<u8>(), 0..200),
        iterations in 1..50_u32,
        len in 1..150_usize,
    ) {
        let expected = [
            (Hash::Sha256, by_definition(hmac_sha256, &password, &salt, iterations, len)),
            (Hash::Sha512, by_definition(hmac_sha512, &password, &salt, iterations, len)),
        ];
        let iterations = NonZeroU32::new(iterations).unwrap();
        for provider in Provider::all() {
            for (hash, expected) in &expected {
                let mut made = vec![0; len];
                provider.backend().pbkdf2(*hash, &password, &salt, iterations, &mut made);
                prop_assert_eq!(&made, expected);
            }
        }
    }
}

fn hmac_sha256(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.chain_update(message).finalize().into_bytes().to_vec()
}

fn hmac_sha512(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mac = Hmac::<Sha512>::new_from_slice(key).unwrap();
    mac.chain_update(message).finalize().into_bytes().to_vec()
}

/// RFC 8018 §5.2, word by word.
fn by_definition(
    prf: fn(&[u8], &[u8]) -> Vec<u8>,
    password: &[u8],
    salt: &[u8],
    iterations: u32,
    len: usize,
) -> Vec<u8> {
    let mut derived = Vec::new();
    for block in 1_u32.. {
        if derived.len() >= len {
            break;
        }
        let mut u = prf(password, &[salt, &block.to_be_bytes()].concat());
        let mut t = u.clone();
        for _ in 1..iterations {
            u = prf(password, &u);
            t.iter_mut().zip(&u).for_each(|(t, u)| *t ^= u);
        }
        derived.extend(t);
    }
    derived.truncate(len);
    derived
}
