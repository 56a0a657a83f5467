//! RSA keys of three primes (RFC 8017 §3.2), which AWS-LC and ring do not know and nobody makes: refused by all, to sign
//! and to decrypt.
//!
//! Wycheproof has such keys; here one is made, and with it a key of two primes by the same code, which must be taken.

use hex_literal::hex;
use rsa::pkcs8::DecodePrivateKey;
use rsa::traits::{PrivateKeyParts, PublicKeyParts};
use rsa::{BoxedUint, RsaPrivateKey};

use crate::provider::{Provider, RsaScheme};

#[test]
fn keys_of_three_primes_are_refused() {
    let made = [generate(), generate()];
    let primes = |key: &RsaPrivateKey| -> Vec<BoxedUint> { key.primes().iter().map(|p| p.as_ref().clone()).collect() };
    let (first, second) = (primes(&made[0]), primes(&made[1]));
    let e = || made[0].e().clone();
    let two = RsaPrivateKey::from_primes(first.clone(), e()).unwrap();
    // Checks that the exponents fit: a sound key, as far as `rsa` is concerned.
    let three = RsaPrivateKey::from_primes([&first[..], &second[..1]].concat(), e()).unwrap();
    assert_eq!(three.n().bits_vartime().div_ceil(8), 3 * 128);

    for provider in Provider::all() {
        for (key, taken) in [(&two, true), (&three, false)] {
            let pkcs8 = pkcs8(key);
            for scheme in [RsaScheme::Pkcs1Sha256, RsaScheme::PssSha256] {
                let signs = provider.backend().rsa_signer(scheme, &pkcs8).is_ok();
                assert_eq!(signs, taken, "{provider:?} {scheme:?}");
            }
            let decrypts = provider.backend().oaep_decrypter(&pkcs8).is_ok();
            assert_eq!(decrypts, taken && provider.decrypts_oaep(), "{provider:?}");
        }
    }
}

fn generate() -> RsaPrivateKey {
    let pkcs8 = Provider::default().backend().generate_rsa_pkcs8(2048).unwrap();
    RsaPrivateKey::from_pkcs8_der(&pkcs8).unwrap()
}

/// RFC 5958 around RFC 8017 appendix A.1.2, with as many primes as the key has.
fn pkcs8(key: &RsaPrivateKey) -> Vec<u8> {
    let primes = key.primes();
    let (p, q) = (primes[0].as_ref(), primes[1].as_ref());
    let exponent = |prime: &BoxedUint| {
        let order = prime.wrapping_sub(BoxedUint::one());
        key.d().rem_vartime(order.as_nz_vartime().unwrap())
    };
    let inverse = |value: &BoxedUint, prime: &BoxedUint| {
        let prime = prime.as_nz_vartime().unwrap();
        value.rem_vartime(prime).invert_mod(prime).unwrap()
    };

    let mut fields = vec![
        integer(&BoxedUint::from(u64::from(primes.len() > 2))),
        integer(key.n()),
        integer(key.e()),
        integer(key.d()),
        integer(p),
        integer(q),
        integer(&exponent(p)),
        integer(&exponent(q)),
        integer(&inverse(q, p)),
    ];
    if let Some(r) = primes.get(2).map(AsRef::as_ref) {
        let info = [integer(r), integer(&exponent(r)), integer(&inverse(&(p * q), r))];
        fields.push(der(0x30, &der(0x30, &info.concat())));
    }
    let rsa_encryption = hex!("300d 06092a864886f70d010101 0500");
    let key = der(0x04, &der(0x30, &fields.concat()));
    der(0x30, &[&hex!("020100")[..], &rsa_encryption, &key].concat())
}

fn integer(value: &BoxedUint) -> Vec<u8> {
    let bytes = value.to_be_bytes_trimmed_vartime();
    let sign: &[u8] = if bytes.first().is_none_or(|&first| first >= 0x80) {
        &[0]
    } else {
        &[]
    };
    der(0x02, &[sign, &bytes].concat())
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let len = content.len();
    let len = match len {
        0..0x80 => vec![len as u8],
        0x80..0x100 => vec![0x81, len as u8],
        _ => vec![0x82, (len >> 8) as u8, len as u8],
    };
    [&[tag][..], &len, content].concat()
}
