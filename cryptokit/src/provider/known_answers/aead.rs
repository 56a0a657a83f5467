//! AES-GCM: D. McGrew, J. Viega, "The Galois/Counter Mode of Operation (GCM)", appendix B, as submitted to NIST.

use hex_literal::hex;

use crate::provider::{AeadKey, Provider, Unspecified};

/// Cases 1, 2, 7, 8, 13 and 14: a zero key, a zero nonce, and nothing or one zero block to encrypt.
#[test]
fn gcm_zero_cases_at_every_key_size() {
    for provider in Provider::all() {
        for (key_len, empty_tag, block, block_tag) in [
            (
                16,
                hex!("58e2fccefa7e3061367f1d57a4e7455a"),
                hex!("0388dace60b6a392f328c2b971b2fe78"),
                hex!("ab6e47d42cec13bdf53a67b21257bddf"),
            ),
            (
                24,
                hex!("cd33b28ac773f74ba00ed1f312572435"),
                hex!("98e7247c07f0fe411c267e4384b0f600"),
                hex!("2ff58d80033927ab8ef4d4587514f0fb"),
            ),
            (
                32,
                hex!("530f8afbc74536b9a963b4f1c4cb738b"),
                hex!("cea7403d4d606b6e074ec5d3baf39d18"),
                hex!("d0d1c8a799996bf0265b98b5d48ab919"),
            ),
        ] {
            let key = provider.backend().aes_gcm(&[0; 32][..key_len]).unwrap();
            assert_eq!(key.seal([0; 12], b"", &mut []), Ok(empty_tag), "{provider:?} {key_len}");
            let mut buffer = [0; 16];
            assert_eq!(
                key.seal([0; 12], b"", &mut buffer),
                Ok(block_tag),
                "{provider:?} {key_len}"
            );
            assert_eq!(buffer, block, "{provider:?} {key_len}");
        }
    }
}

/// Cases 4, 10 and 16: the same message, nonce and associated data under keys of the three sizes.
#[test]
fn gcm_cases_with_associated_data_at_every_key_size() {
    let key = hex!("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
    for provider in Provider::all() {
        for (key_len, ciphertext, tag) in [
            (
                16,
                hex!(
                    "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e
                     21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"
                ),
                hex!("5bc94fbc3221a5db94fae95ae7121a47"),
            ),
            (
                24,
                hex!(
                    "3980ca0b3c00e841eb06fac4872a2757859e1ceaa6efd984628593b40ca1e19c
                     7d773d00c144c525ac619d18c84a3f4718e2448b2fe324d9ccda2710"
                ),
                hex!("2519498e80f1478f37ba55bd6d27618c"),
            ),
            (
                32,
                hex!(
                    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa
                     8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
                ),
                hex!("76fc6ece0f4e1768cddf8853bb2d551b"),
            ),
        ] {
            let key = provider.backend().aes_gcm(&key[..key_len]).unwrap();
            let mut buffer = PLAINTEXT;
            assert_eq!(key.seal(NONCE, &AAD, &mut buffer), Ok(tag), "{provider:?} {key_len}");
            assert_eq!(buffer, ciphertext, "{provider:?} {key_len}");
            assert_eq!(
                key.open(NONCE, &AAD, &mut buffer, tag),
                Ok(()),
                "{provider:?} {key_len}"
            );
            assert_eq!(buffer, PLAINTEXT, "{provider:?} {key_len}");
            refuses(&*key, &ciphertext, tag);
        }
    }
}

#[test]
fn keys_of_other_lengths_are_refused() {
    for provider in Provider::all() {
        for len in (0..=64).filter(|len| ![16, 24, 32].contains(len)) {
            assert!(provider.backend().aes_gcm(&vec![7; len]).is_err(), "{provider:?} {len}");
        }
    }
}

/// Every bit of the tag, a sample of the ciphertext, the nonce and the associated data count, and a refused buffer
/// never holds plaintext.
fn refuses(key: &dyn AeadKey, ciphertext: &[u8], tag: [u8; 16]) {
    let refused = |nonce: [u8; 12], associated_data: &[u8], ciphertext: &[u8], tag: [u8; 16]| {
        let mut buffer = ciphertext.to_vec();
        assert_eq!(key.open(nonce, associated_data, &mut buffer, tag), Err(Unspecified));
        assert!(buffer == ciphertext || buffer.iter().all(|&byte| byte == 0));
    };
    for bit in 0..128 {
        let mut altered = tag;
        altered[bit / 8] ^= 1 << (bit % 8);
        refused(NONCE, &AAD, ciphertext, altered);
    }
    for index in 0..ciphertext.len() {
        let mut altered = ciphertext.to_vec();
        altered[index] ^= 0x80;
        refused(NONCE, &AAD, &altered, tag);
    }
    refused(NONCE, &AAD[1..], ciphertext, tag);
    refused([0; 12], &AAD, ciphertext, tag);
    refused(NONCE, &AAD, &ciphertext[1..], tag);
    refused(NONCE, &AAD, &[ciphertext, &[0]].concat(), tag);
}

const NONCE: [u8; 12] = hex!("cafebabefacedbaddecaf888");
const AAD: [u8; 20] = hex!("feedfacedeadbeeffeedfacedeadbeefabaddad2");
const PLAINTEXT: [u8; 60] = hex!(
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72
     1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
);
