//! What is refused when an RSA private key is read, to sign or to decrypt.
//!
//! - Numbers that do not belong together. ring by itself does not look at `d`, and `rsa` not at the exponents and the
//!   coefficient for the Chinese remainder theorem; a wrong one of these gives signatures that disclose a factor.
//! - Three primes (RFC 8017 §3.2), which AWS-LC and ring do not know and nobody makes. Wycheproof has such keys; here one
//!   is made.

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
            assert_eq!(is_taken(provider, &pkcs8(&numbers(key))), taken, "{provider:?}");
        }
    }
}

#[test]
fn numbers_that_do_not_belong_together_are_refused() {
    const NAMES: [&str; 9] = ["version", "n", "e", "d", "p", "q", "dP", "dQ", "qInv"];
    let sound = numbers(&generate());
    for provider in Provider::all() {
        assert!(is_taken(provider, &pkcs8(&sound)), "{provider:?}");
        for (index, name) in NAMES.into_iter().enumerate() {
            let mut altered = sound.clone();
            altered[index] = altered[index].wrapping_add(BoxedUint::from(2_u8));
            assert!(!is_taken(provider, &pkcs8(&altered)), "{provider:?} {name} + 2");
            altered[index] = BoxedUint::zero();
            if index > 0 {
                assert!(!is_taken(provider, &pkcs8(&altered)), "{provider:?} {name} = 0");
            }
        }
        for (one, other) in [(4, 5), (6, 7), (3, 6), (3, 1), (8, 6)] {
            let mut swapped = sound.clone();
            swapped.swap(one, other);
            assert!(!is_taken(provider, &pkcs8(&swapped)), "{provider:?} {one} {other}");
        }
    }
}

#[test]
fn what_surrounds_the_numbers_is_checked() {
    let sound = pkcs8(&numbers(&generate()));
    for provider in Provider::all() {
        for cut in (0..sound.len()).step_by(37) {
            assert!(!is_taken(provider, &sound[..cut]), "{provider:?} {cut}");
        }
        assert!(!is_taken(provider, &[&sound[..], &[0]].concat()), "{provider:?}");
    }
}

/// Whether a provider reads a key, which must not depend on what for.
fn is_taken(provider: Provider, pkcs8: &[u8]) -> bool {
    let signs = provider.backend().rsa_signer(RsaScheme::Pkcs1Sha256, pkcs8).is_ok();
    assert_eq!(
        provider.backend().rsa_signer(RsaScheme::PssSha256, pkcs8).is_ok(),
        signs,
        "{provider:?}"
    );
    if provider.decrypts_oaep() {
        assert_eq!(
            provider.backend().oaep_decrypter(pkcs8).is_ok(),
            signs,
            "{provider:?} decrypts"
        );
    }
    signs
}

fn generate() -> RsaPrivateKey {
    let pkcs8 = Provider::default().backend().generate_rsa_pkcs8(2048).unwrap();
    RsaPrivateKey::from_pkcs8_der(&pkcs8).unwrap()
}

/// RFC 8017 appendix A.1.2: version, n, e, d, p, q, dP, dQ, qInv, and for a third prime r, dR, t.
fn numbers(key: &RsaPrivateKey) -> Vec<BoxedUint> {
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
    let mut numbers = vec![
        BoxedUint::from(u64::from(primes.len() > 2)),
        key.n().as_ref().clone(),
        key.e().clone(),
        key.d().clone(),
        p.clone(),
        q.clone(),
        exponent(p),
        exponent(q),
        inverse(q, p),
    ];
    if let Some(r) = primes.get(2) {
        let r: &BoxedUint = r.as_ref();
        numbers.extend([r.clone(), exponent(r), inverse(&(p * q), r)]);
    }
    numbers
}

/// RFC 5958 around RFC 8017 appendix A.1.2.
fn pkcs8(numbers: &[BoxedUint]) -> Vec<u8> {
    let integers = |numbers: &[BoxedUint]| numbers.iter().flat_map(integer).collect::<Vec<u8>>();
    let (two_primes, third) = numbers.split_at(9);
    let mut fields = integers(two_primes);
    if !third.is_empty() {
        fields.extend(der(0x30, &der(0x30, &integers(third))));
    }
    let rsa_encryption = hex!("300d 06092a864886f70d010101 0500");
    let key = der(0x04, &der(0x30, &fields));
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
