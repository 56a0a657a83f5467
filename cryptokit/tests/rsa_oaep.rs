//! RSA-OAEP-256: limits, one error, keys that are refused.
#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

use std::sync::LazyLock;

use cryptokit::Provider;
use cryptokit::encrypt::{EncryptError, RsaDecryptionKey, RsaEncryptionKey, oaep_max_message_len};
use cryptokit::keyset::{Keyset, KeysetError, RootKey};
use cryptokit::secret::SecretBytes;
use cryptokit::sign::{RsaKeySize, RsaSigningKey};

const SIZES: [(RsaKeySize, usize); 3] = [
    (RsaKeySize::Bits2048, 190),
    (RsaKeySize::Bits3072, 318),
    (RsaKeySize::Bits4096, 446),
];

/// Keys are made once, by the default provider; the others read them.
static KEYS: LazyLock<[Vec<u8>; 3]> = LazyLock::new(|| {
    SIZES.map(|(size, _)| {
        let key = RsaSigningKey::generate(size).unwrap();
        key.pkcs8().expose_secret().to_vec()
    })
});

fn decrypting() -> impl Iterator<Item = Provider> {
    Provider::all().into_iter().filter(|provider| provider.decrypts_oaep())
}

fn key(provider: Provider, size: usize) -> RsaDecryptionKey {
    RsaDecryptionKey::from_pkcs8_with(provider, SecretBytes::new(KEYS[size].clone())).unwrap()
}

fn public(provider: Provider, size: usize) -> RsaEncryptionKey {
    let key = RsaSigningKey::from_pkcs8_with(provider, SecretBytes::new(KEYS[size].clone())).unwrap();
    let public = key.verifying_key().unwrap();
    RsaEncryptionKey::from_components_with(provider, public.modulus(), public.exponent()).unwrap()
}

#[test]
fn the_limit_counts_a_digest_as_32_bytes_not_as_64() {
    // 256 / 4 in place of 256 / 8 would allow 126 bytes at 2048 bits and 382 at 4096.
    for (size, limit) in SIZES {
        assert_eq!(oaep_max_message_len(size.bits()), limit);
    }
    // Rounded up, not cut off: a modulus of 2041 bits takes 256 bytes.
    assert_eq!(oaep_max_message_len(2041), 190);
    assert_eq!(oaep_max_message_len(0), 0);
}

#[test]
fn a_message_at_the_limit_is_encrypted_and_one_byte_more_is_refused_with_both_lengths() {
    for provider in Provider::all() {
        for (index, (_, limit)) in SIZES.into_iter().enumerate() {
            let public = public(provider, index);
            assert_eq!(public.max_message_len(), limit);
            let ciphertext = public.encrypt(b"label", &vec![7; limit]).unwrap();
            for opening in decrypting() {
                let key = key(opening, index);
                assert_eq!(key.ciphertext_len(), ciphertext.len());
                let opened = key.decrypt(b"label", &ciphertext).unwrap();
                assert!(opened.ct_eq(&vec![7; limit]), "{provider:?} to {opening:?}");
            }
            assert_eq!(
                public.encrypt(b"label", &vec![7; limit + 1]),
                Err(EncryptError::MessageTooLong { len: limit + 1, limit }),
            );
        }
    }
    let shown = EncryptError::MessageTooLong { len: 191, limit: 190 }.to_string();
    assert_eq!(shown, "message of 191 bytes; this key encrypts at most 190");
}

#[test]
fn every_cause_of_a_failed_decryption_is_one_error() {
    for provider in decrypting() {
        let (key, other) = (key(provider, 0), key(provider, 1));
        let public = public(provider, 0);
        let good = public.encrypt(b"wrap v1", b"secret").unwrap();
        assert!(key.decrypt(b"wrap v1", &good).is_ok());
        let mut flipped = good.clone();
        flipped[128] ^= 1;
        let mut padded = vec![0];
        padded.extend_from_slice(&good);
        let above = {
            let mut above = public.modulus().to_vec();
            *above.last_mut().unwrap() |= 1;
            above
        };
        let to_other = other.encryption_key().unwrap().encrypt(b"wrap v1", b"secret").unwrap();
        let causes: [(&str, &[u8], &[u8]); 11] = [
            ("wrong label", b"wrap v2", &good),
            ("no label", b"", &good),
            ("altered", b"wrap v1", &flipped),
            ("empty", b"wrap v1", &[]),
            ("cut", b"wrap v1", &good[..255]),
            ("cut in front", b"wrap v1", &good[1..]),
            ("with a zero in front", b"wrap v1", &padded),
            ("zero", b"wrap v1", &[0; 256]),
            ("the modulus", b"wrap v1", &above),
            ("above the modulus", b"wrap v1", &[0xff; 256]),
            ("for another key", b"wrap v1", &to_other),
        ];
        for (cause, label, ciphertext) in causes {
            let error = key.decrypt(label, ciphertext).unwrap_err();
            assert_eq!(error, EncryptError::Decrypt, "{cause} on {provider:?}");
            assert_eq!(error.to_string(), "ciphertext does not decrypt");
        }
        assert_eq!(other.decrypt(b"wrap v1", &good).unwrap_err(), EncryptError::Decrypt);
    }
}

#[test]
fn equal_messages_give_different_ciphertexts() {
    for provider in Provider::all() {
        let public = public(provider, 0);
        assert_ne!(
            public.encrypt(b"", b"same").unwrap(),
            public.encrypt(b"", b"same").unwrap()
        );
    }
}

#[test]
fn short_keys_other_exponents_and_even_moduli_are_refused() {
    let modulus = public(Provider::default(), 0).modulus().to_vec();
    let refused = |n: &[u8], e: &[u8]| RsaEncryptionKey::from_components(n, e).unwrap_err();
    assert_eq!(
        refused(&modulus[..128], &[1, 0, 1]),
        EncryptError::ModulusSize { bits: 1024 }
    );
    let mut odd = modulus[..255].to_vec();
    odd[254] |= 1;
    assert_eq!(refused(&odd, &[1, 0, 1]), EncryptError::ModulusSize { bits: 2040 });
    assert_eq!(
        refused(&[0xff; 513], &[1, 0, 1]),
        EncryptError::ModulusSize { bits: 4104 }
    );
    for exponent in [&[3][..], &[1], &[0, 1, 0, 1], &[], &[1, 0, 0, 0, 1]] {
        assert_eq!(
            refused(&modulus, exponent),
            EncryptError::InvalidPublicKey,
            "{exponent:?}"
        );
    }
    let mut even = modulus.clone();
    even[255] &= 0xfe;
    assert_eq!(refused(&even, &[1, 0, 1]), EncryptError::InvalidPublicKey);
    assert_eq!(refused(&[], &[1, 0, 1]), EncryptError::InvalidPublicKey);
    let zero_in_front = [&[0], modulus.as_slice()].concat();
    assert_eq!(refused(&zero_in_front, &[1, 0, 1]), EncryptError::InvalidPublicKey);
}

#[test]
fn what_is_no_rsa_private_key_is_refused() {
    let ec = cryptokit::sign::P256SigningKey::generate().unwrap();
    for provider in decrypting() {
        // In d and in p (RFC 8017 §A.1.2), which then no longer belong to the modulus.
        let altered = [400, 620].map(|at| {
            let mut altered = KEYS[0].clone();
            altered[at] ^= 2;
            altered
        });
        let inputs: [&[u8]; 6] = [
            b"",
            b"not DER",
            &KEYS[0][..KEYS[0].len() - 1],
            ec.pkcs8().expose_secret(),
            &altered[0],
            &altered[1],
        ];
        for (index, input) in inputs.into_iter().enumerate() {
            let error = RsaDecryptionKey::from_pkcs8_with(provider, SecretBytes::new(input.to_vec())).unwrap_err();
            assert_eq!(error, EncryptError::InvalidPrivateKey, "input {index} on {provider:?}");
        }
    }
}

#[test]
fn a_provider_without_decryption_says_so() {
    for provider in Provider::all().into_iter().filter(|provider| !provider.decrypts_oaep()) {
        let read = RsaDecryptionKey::from_pkcs8_with(provider, SecretBytes::new(KEYS[0].clone()));
        assert_eq!(read.unwrap_err(), EncryptError::Unsupported);
        let made = RsaDecryptionKey::generate_with(provider, RsaKeySize::Bits2048);
        assert_eq!(made.unwrap_err(), EncryptError::Unsupported);
    }
}

#[test]
fn a_generated_key_has_the_asked_size_and_the_default_is_3072() {
    assert_eq!(RsaDecryptionKey::DEFAULT_SIZE.bits(), 3072);
    for provider in decrypting() {
        let key = RsaDecryptionKey::generate_with(provider, RsaKeySize::Bits2048).unwrap();
        assert_eq!(key.ciphertext_len(), 256);
        assert_eq!(key.encryption_key().unwrap().exponent(), [1, 0, 1]);
        assert_eq!(key.thumbprint(), key.encryption_key().unwrap().thumbprint());
    }
}

#[test]
fn a_public_key_is_read_from_its_spki_and_from_nothing_else() {
    for provider in Provider::all() {
        let public = public(provider, 0);
        let spki = spki(public.modulus());
        let read = RsaEncryptionKey::from_spki_with(provider, &spki).unwrap();
        assert_eq!(read.modulus(), public.modulus());
        let trailing = [spki.as_slice(), &[0]].concat();
        let other_type = {
            // id-RSASSA-PSS in place of rsaEncryption: 1.2.840.113549.1.1.10
            let mut other = spki.clone();
            let at = other.windows(3).position(|bytes| bytes == [1, 1, 1]).unwrap();
            other[at + 2] = 10;
            other
        };
        let key = |modulus: &[u8], more: &[u8]| {
            let n = wrap(2, modulus);
            wrap(0x30, &[n.as_slice(), &[2, 3, 1, 0, 1], more].concat())
        };
        let positive = [&[0], public.modulus()].concat();
        let (no_parameters, other_parameters) = (&RSA[..11], [&RSA[..11], &[2, 1, 0]].concat());
        for der in [
            b"".as_slice(),
            &spki[1..],
            &spki[..spki.len() - 1],
            &trailing,
            &other_type,
            // X.690 §8.3: without the zero in front it is a negative number.
            &spki_of(RSA, &key(public.modulus(), &[])),
            &spki_of(RSA, &key(&positive, &[2, 1, 1])),
            &spki_of(no_parameters, &key(&positive, &[])),
            &spki_of(&other_parameters, &key(&positive, &[])),
        ] {
            assert_eq!(
                RsaEncryptionKey::from_spki_with(provider, der).unwrap_err(),
                EncryptError::InvalidPublicKey
            );
        }
    }
}

/// rsaEncryption and NULL.
const RSA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";

/// RFC 3279 §2.3.1: rsaEncryption, NULL, and a bit string with modulus and exponent.
fn spki(modulus: &[u8]) -> Vec<u8> {
    let n = wrap(2, &[&[0], modulus].concat());
    spki_of(RSA, &wrap(0x30, &[n.as_slice(), &[2, 3, 1, 0, 1]].concat()))
}

fn spki_of(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    let algorithm = [&[0x30, u8::try_from(algorithm.len()).unwrap()], algorithm].concat();
    wrap(0x30, &[algorithm, wrap(3, &[&[0], key].concat())].concat())
}

/// A length of two bytes: 256 and more.
fn wrap(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&[tag, 0x82], length.as_slice(), content].concat()
}

#[test]
fn a_keyset_of_decryption_keys_is_sealed_and_is_no_keyset_of_signing_keys() {
    let root = RootKey::generate();
    let Some(provider) = decrypting().next() else { return };
    if provider.name() != Provider::default().name() {
        return;
    }
    let sealed = root.seal(&Keyset::new("mail", key(provider, 0))).unwrap();
    let opened: Keyset<RsaDecryptionKey> = root.open("mail", &sealed).unwrap();
    assert_eq!(opened.primary().1.thumbprint(), key(provider, 0).thumbprint());
    assert_eq!(
        root.open::<RsaSigningKey>("mail", &sealed).unwrap_err(),
        KeysetError::Open
    );
}

#[test]
fn debug_shows_no_key() {
    let Some(provider) = decrypting().next() else { return };
    let shown = format!("{:?} {:?}", key(provider, 0), public(provider, 0));
    assert_eq!(
        shown,
        "RsaDecryptionKey([redacted]) RsaEncryptionKey { modulus_bits: 2048, .. }"
    );
}
