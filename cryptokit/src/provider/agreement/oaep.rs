//! RSAES-OAEP between backends. It is randomised, so agreement means that each opens what the other made.

use crate::provider::{Curve, OaepDecrypter, OaepEncrypter, Provider, Unspecified};

/// RFC 8017 §7.1.1: the modulus less two digests and two bytes.
const LONGEST_AT_2048: usize = 256 - 2 * 32 - 2;

/// A key of each provider's making, and each way to encrypt to it and to decrypt with it.
fn with_each_pair(check: impl Fn(&dyn OaepEncrypter, &dyn OaepDecrypter)) {
    for maker in Provider::all() {
        let pkcs8 = maker.backend().generate_rsa_pkcs8(2048).unwrap();
        for opener in Provider::all().into_iter().filter(|provider| provider.decrypts_oaep()) {
            let decrypter = opener.backend().oaep_decrypter(&pkcs8).unwrap();
            let (n, e) = decrypter.public_components();
            assert_eq!((n.len(), &e[..]), (256, &[1, 0, 1][..]), "{opener:?}");
            for sealer in Provider::all() {
                check(&*sealer.backend().oaep_encrypter(&n, &e).unwrap(), &*decrypter);
            }
        }
    }
}

#[test]
fn what_one_encrypts_the_other_decrypts() {
    with_each_pair(|encrypter, decrypter| {
        for label in [&b""[..], b"label", &[0xff; 300]] {
            for len in [0, 1, 32, LONGEST_AT_2048] {
                let message: Vec<u8> = (0..len).map(|index| index as u8).collect();
                let ciphertext = encrypter.encrypt(label, &message).unwrap();
                assert_eq!(ciphertext.len(), 256);
                assert_eq!(*decrypter.decrypt(label, &ciphertext).unwrap(), message);
            }
        }
    });
}

#[test]
fn a_message_one_byte_too_long_is_refused() {
    with_each_pair(|encrypter, _| {
        assert_eq!(encrypter.encrypt(b"", &[7; LONGEST_AT_2048 + 1]), Err(Unspecified));
        assert_eq!(encrypter.encrypt(b"", &[7; 256]), Err(Unspecified));
        assert_eq!(encrypter.encrypt(b"", &[7; 257]), Err(Unspecified));
    });
}

#[test]
fn another_label_and_altered_cut_or_lengthened_ciphertexts_are_refused() {
    with_each_pair(|encrypter, decrypter| {
        let ciphertext = encrypter.encrypt(b"label", b"message").unwrap();
        for label in [&b""[..], b"Label", b"labe", b"label\0"] {
            assert_eq!(decrypter.decrypt(label, &ciphertext), Err(Unspecified));
        }
        for index in (0..256).step_by(51) {
            let mut altered = ciphertext.clone();
            altered[index] ^= 1;
            assert_eq!(decrypter.decrypt(b"label", &altered), Err(Unspecified));
        }
        for other in [
            &ciphertext[1..],
            &ciphertext[..255],
            &[&[0], &ciphertext[..]].concat(),
            &[],
            // Not below the modulus.
            &[0xff; 256],
        ] {
            assert_eq!(decrypter.decrypt(b"label", other), Err(Unspecified));
        }
    });
}

#[test]
fn weak_keys_and_other_keys_are_refused() {
    for provider in Provider::all() {
        let backend = provider.backend();
        let odd = |len: usize| [&[0x80][..], &vec![0; len - 2], &[1]].concat();
        assert!(backend.oaep_encrypter(&odd(128), &[1, 0, 1]).is_err(), "{provider:?}");
        assert!(backend.oaep_encrypter(&odd(1025), &[1, 0, 1]).is_err(), "{provider:?}");
        assert!(backend.oaep_encrypter(&[], &[1, 0, 1]).is_err(), "{provider:?}");
        assert!(backend.oaep_encrypter(&odd(256), &[]).is_err(), "{provider:?}");
        let p256 = backend.generate_ec_pkcs8(Curve::P256).unwrap();
        for other in [&p256[..], b"", &[0x30, 0]] {
            assert!(backend.oaep_decrypter(other).is_err(), "{provider:?}");
        }
    }
}
