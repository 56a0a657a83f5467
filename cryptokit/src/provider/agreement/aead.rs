//! AES-GCM against `aes-gcm`, and what happens to a message with one bit changed.

use aes_gcm::aead::consts::U12;
use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::aes::Aes192;
use aes_gcm::{Aes128Gcm, Aes256Gcm, AesGcm};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::provider::{Provider, Unspecified};

fn pure_rust(key: &[u8], nonce: &[u8; 12], aad: &[u8], msg: &[u8]) -> Vec<u8> {
    let (nonce, payload) = (&(*nonce).into(), Payload { msg, aad });
    match key.len() {
        16 => Aes128Gcm::new_from_slice(key).unwrap().encrypt(nonce, payload),
        24 => AesGcm::<Aes192, U12>::new_from_slice(key)
            .unwrap()
            .encrypt(nonce, payload),
        _ => Aes256Gcm::new_from_slice(key).unwrap().encrypt(nonce, payload),
    }
    .unwrap()
}

proptest! {
    #[test]
    fn sealed_messages_are_the_same_bytes_and_open_everywhere(
        key in any::<[u8; 32]>(),
        key_len in select(vec![16, 24, 32]),
        nonce: [u8; 12],
        aad in vec(any::<u8>(), 0..200),
        message in vec(any::<u8>(), 0..5000),
    ) {
        let key = &key[..key_len];
        let expected = pure_rust(key, &nonce, &aad, &message);
        for provider in Provider::all() {
            let key = provider.backend().aes_gcm(key).unwrap();
            let mut buffer = message.clone();
            let tag = key.seal(nonce, &aad, &mut buffer).unwrap();
            prop_assert_eq!([&buffer[..], &tag].concat(), &expected[..]);
            prop_assert_eq!(key.open(nonce, &aad, &mut buffer, tag), Ok(()));
            prop_assert_eq!(&buffer, &message);
        }
    }

    #[test]
    fn one_changed_bit_anywhere_is_refused_and_shows_no_plaintext(
        key: [u8; 32],
        nonce: [u8; 12],
        aad in vec(any::<u8>(), 0..100),
        message in vec(any::<u8>(), 1..500),
        place: Index,
        bit in 0..8,
    ) {
        let mut all = [&nonce[..], &aad, &pure_rust(&key, &nonce, &aad, &message)].concat();
        let place = place.index(all.len());
        all[place] ^= 1_u8 << bit;
        let (nonce, rest) = all.split_first_chunk().unwrap();
        let (aad, rest) = rest.split_at(aad.len());
        let (ciphertext, tag) = rest.split_last_chunk().unwrap();
        for provider in Provider::all() {
            let key = provider.backend().aes_gcm(&key).unwrap();
            let mut buffer = ciphertext.to_vec();
            prop_assert_eq!(key.open(*nonce, aad, &mut buffer, *tag), Err(Unspecified));
            prop_assert!(buffer == ciphertext || buffer.iter().all(|&byte| byte == 0));
        }
    }
}
