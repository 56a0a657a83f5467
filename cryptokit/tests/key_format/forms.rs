//! PKCS#8, PKCS#1, SEC1 and SPKI, in DER and PEM.

use cryptokit::encoding::pem;
use cryptokit::key_format::{Jwk, KeyFormatError, KeyType, MAX_KEY_DER_BYTES, PrivateKey, PublicKey};
use cryptokit::secret::SecretString;
use cryptokit::sign::{Ed25519SigningKey, P256SigningKey, P384SigningKey, RsaSigningKey, SignError};
use der::asn1::OctetStringRef;
use der::{Decode, Encode};
use hex_literal::hex;
use pkcs8::PrivateKeyInfoRef;
use proptest::prelude::*;
use sec1::EcPrivateKey;

use super::published::RSA_JWK;

/// One key of each kind: the RSA one is published, the others are fresh.
pub(crate) fn one_of_each() -> [PrivateKey; 4] {
    let read = |der: &[u8]| PrivateKey::from_pkcs8_der(der).unwrap();
    [
        rsa(),
        read(P256SigningKey::generate().unwrap().pkcs8().expose_secret()),
        read(P384SigningKey::generate().unwrap().pkcs8().expose_secret()),
        read(Ed25519SigningKey::generate().unwrap().pkcs8().expose_secret()),
    ]
}

fn rsa() -> PrivateKey {
    Jwk::<PrivateKey>::parse(RSA_JWK.as_bytes()).unwrap().key
}

/// What PKCS#8 wraps: PKCS#1 or SEC1.
fn inside(key: &PrivateKey) -> Vec<u8> {
    let info = PrivateKeyInfoRef::from_der(key.pkcs8().expose_secret()).unwrap();
    info.private_key.as_bytes().to_vec()
}

/// SEC1 with the curve named, as `openssl ec` writes it.
fn sec1(key: &PrivateKey) -> Vec<u8> {
    let curve = match key.key_type() {
        KeyType::P256 => "1.2.840.10045.3.1.7",
        _ => "1.3.132.0.34",
    };
    let inside = inside(key);
    let mut sec1 = EcPrivateKey::from_der(&inside).unwrap();
    sec1.parameters = Some(sec1::EcParameters::NamedCurve(curve.parse().unwrap()));
    sec1.to_der().unwrap()
}

fn same(left: &PrivateKey, right: &PrivateKey) -> bool {
    left.public_key() == right.public_key() && left.pkcs8().ct_eq(right.pkcs8().expose_secret())
}

#[test]
fn every_kind_survives_every_form() {
    let kinds = [KeyType::Rsa, KeyType::P256, KeyType::P384, KeyType::Ed25519];
    for (key, kind) in one_of_each().iter().zip(kinds) {
        assert_eq!(key.key_type(), kind);
        assert!(same(&PrivateKey::from_der(key.pkcs8().expose_secret()).unwrap(), key));
        assert!(same(
            &PrivateKey::from_pem(key.to_pem().expose_secret().as_bytes()).unwrap(),
            key
        ));
        let public = key.public_key();
        assert_eq!(PublicKey::from_spki_der(&public.to_spki_der()).as_ref(), Ok(public));
        assert_eq!(
            PublicKey::from_spki_pem(public.to_spki_pem().as_bytes()).as_ref(),
            Ok(public)
        );
        let json = Jwk::from(public.clone()).to_json();
        assert_eq!(Jwk::<PublicKey>::parse(json.as_bytes()).unwrap().key, *public);
        let json = Jwk::from(PrivateKey::from_der(key.pkcs8().expose_secret()).unwrap()).to_json();
        assert!(same(
            &Jwk::<PrivateKey>::parse(json.expose_secret().as_bytes()).unwrap().key,
            key
        ));
    }
}

#[test]
fn the_traditional_forms_are_read_under_their_labels() {
    let [rsa, p256, p384, _] = one_of_each();
    let read = |label: &str, der: &[u8]| PrivateKey::from_pem(pem::encode(label, der).as_bytes());
    assert!(same(&read("RSA PRIVATE KEY", &inside(&rsa)).unwrap(), &rsa));
    assert!(same(&PrivateKey::from_der(&inside(&rsa)).unwrap(), &rsa));
    for key in [&p256, &p384] {
        assert!(same(&read("EC PRIVATE KEY", &sec1(key)).unwrap(), key));
        assert!(same(&PrivateKey::from_der(&sec1(key)).unwrap(), key));
        // Without the curve only PKCS#8 says which it is.
        assert_eq!(
            read("EC PRIVATE KEY", &inside(key)).unwrap_err(),
            KeyFormatError::Malformed
        );
    }

    let pkcs8 = p256.pkcs8().expose_secret();
    let crossed: [(&str, &[u8]); 8] = [
        ("RSA PRIVATE KEY", &sec1(&p256)),
        ("RSA PRIVATE KEY", pkcs8),
        ("EC PRIVATE KEY", &inside(&rsa)),
        ("EC PRIVATE KEY", pkcs8),
        ("PRIVATE KEY", &sec1(&p256)),
        ("PRIVATE KEY", &inside(&rsa)),
        ("ENCRYPTED PRIVATE KEY", pkcs8),
        ("PRIVATE KEY", b""),
    ];
    for (label, der) in crossed {
        assert_eq!(read(label, der).unwrap_err(), KeyFormatError::Malformed, "{label}");
    }
    let spki = p256.public_key().to_spki_der();
    assert_eq!(
        read("PRIVATE KEY", &spki).unwrap_err(),
        KeyFormatError::UnexpectedPublicKey
    );
    assert_eq!(
        PrivateKey::from_der(&spki).unwrap_err(),
        KeyFormatError::UnexpectedPublicKey
    );
    assert_eq!(PublicKey::from_spki_der(pkcs8), Err(KeyFormatError::Malformed));
    assert_eq!(
        PrivateKey::from_pkcs8_der(&sec1(&p256)).unwrap_err(),
        KeyFormatError::Malformed
    );
}

#[test]
fn a_file_is_one_block_and_nothing_else() {
    let key = PrivateKey::from_pkcs8_der(P256SigningKey::generate().unwrap().pkcs8().expose_secret()).unwrap();
    let pem = key.to_pem();
    let pem = pem.expose_secret();
    let public = key.public_key().to_spki_pem();
    let refusal = |text: &str| PrivateKey::from_pem(text.as_bytes()).unwrap_err();
    assert_eq!(refusal(""), KeyFormatError::NoBlock);
    assert_eq!(refusal(&format!("{pem}{pem}")), KeyFormatError::SecondBlock { line: 6 });
    assert_eq!(
        refusal(&format!("{pem}{public}")),
        KeyFormatError::SecondBlock { line: 6 }
    );
    assert!(matches!(
        refusal(&format!("{public}{pem}")),
        KeyFormatError::UnexpectedLabel { line: 1, .. }
    ));
    assert!(matches!(refusal(&format!("{pem}trailing")), KeyFormatError::Pem(_)));
    assert!(matches!(refusal(&format!("comment\n{pem}")), KeyFormatError::Pem(_)));
    for label in ["OPENSSH PRIVATE KEY", "DSA PRIVATE KEY", "CERTIFICATE", "EC PARAMETERS"] {
        let other = pem.replace("PRIVATE KEY", label);
        assert!(
            matches!(refusal(&other), KeyFormatError::UnexpectedLabel { line: 1, .. }),
            "{label}"
        );
    }
    assert!(PrivateKey::from_pem(pem.replace('\n', "\r\n").as_bytes()).is_ok());
    let refusal = |text: &str| PublicKey::from_spki_pem(text.as_bytes()).unwrap_err();
    assert!(matches!(refusal(pem), KeyFormatError::UnexpectedLabel { line: 1, .. }));
    assert_eq!(
        refusal(&format!("{public}{public}")),
        KeyFormatError::SecondBlock { line: 5 }
    );

    let encrypted = SecretString::new("x".into());
    let unencrypted = PrivateKey::from_encrypted_pem(pem.as_bytes(), &encrypted);
    assert_eq!(unencrypted.unwrap_err(), KeyFormatError::NotEncrypted);
    let unencrypted = PrivateKey::from_encrypted_der(key.pkcs8().expose_secret(), &encrypted);
    assert_eq!(unencrypted.unwrap_err(), KeyFormatError::NotEncrypted);
}

#[test]
fn rfc_8410_10_3_with_public_key_and_attributes() {
    // The second example: version 2, an attribute, the public key.
    let der = hex!(
        "3072 020101 300506032b6570 04220420 d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842
         a01f301d060a2a864886f70d01090914310f0c0d437572646c6520436861697273
         812100 19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1"
    );
    let key = PrivateKey::from_der(&der).unwrap();
    let public = hex!("19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1");
    assert_eq!(key.public_key().ed25519(), Some(&public));
    // RFC 8410 §10.1.
    let spki = [&hex!("302a300506032b6570032100")[..], &public].concat();
    assert_eq!(key.public_key().to_spki_der(), spki);
    // The first example: version 1, without them.
    let plain =
        hex!("302e 020100 300506032b6570 04220420 d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842");
    assert_eq!(key.pkcs8().expose_secret(), plain);

    let mut wrong_public = der;
    *wrong_public.last_mut().unwrap() ^= 1;
    assert_eq!(
        PrivateKey::from_der(&wrong_public).unwrap_err(),
        KeyFormatError::Inconsistent
    );
    let mut version_1_with_public = der;
    version_1_with_public[4] = 0;
    assert_eq!(
        PrivateKey::from_der(&version_1_with_public).unwrap_err(),
        KeyFormatError::Malformed
    );
}

#[test]
fn halves_that_do_not_belong_together_are_refused() {
    let [_, one, ..] = one_of_each();
    let [_, other, ..] = one_of_each();
    let (one_inside, other_inside) = (inside(&one), inside(&other));
    let mut crossed = EcPrivateKey::from_der(&one_inside).unwrap();
    crossed.public_key = EcPrivateKey::from_der(&other_inside).unwrap().public_key;
    let pkcs8 = repack(one.pkcs8().expose_secret(), &crossed.to_der().unwrap());
    assert_eq!(PrivateKey::from_der(&pkcs8).unwrap_err(), KeyFormatError::Inconsistent);

    crossed.public_key = None;
    let pkcs8 = repack(one.pkcs8().expose_secret(), &crossed.to_der().unwrap());
    assert_eq!(
        PrivateKey::from_der(&pkcs8).unwrap_err(),
        KeyFormatError::MissingPublicKey
    );

    // Another curve inside than outside.
    let mut inner = EcPrivateKey::from_der(&one_inside).unwrap();
    inner.parameters = Some(sec1::EcParameters::NamedCurve("1.3.132.0.34".parse().unwrap()));
    let pkcs8 = repack(one.pkcs8().expose_secret(), &inner.to_der().unwrap());
    assert_eq!(PrivateKey::from_der(&pkcs8).unwrap_err(), KeyFormatError::Inconsistent);
    inner.parameters = Some(sec1::EcParameters::NamedCurve("1.2.840.10045.3.1.7".parse().unwrap()));
    let pkcs8 = repack(one.pkcs8().expose_secret(), &inner.to_der().unwrap());
    assert!(
        same(&PrivateKey::from_der(&pkcs8).unwrap(), &one),
        "the same one is fine"
    );
}

#[test]
fn scalars_are_read_in_the_lengths_that_gnutls_gives_them() {
    let [_, p256, p384, _] = one_of_each();
    for key in [&p256, &p384] {
        let inner = inside(key);
        let sec1 = EcPrivateKey::from_der(&inner).unwrap();
        let with_scalar = |scalar: &[u8]| {
            let mut altered = sec1.clone();
            altered.private_key = scalar;
            PrivateKey::from_der(&repack(key.pkcs8().expose_secret(), &altered.to_der().unwrap()))
        };
        let padded = |zeros: usize| [&vec![0; zeros], sec1.private_key].concat();
        assert!(same(&with_scalar(&padded(1)).unwrap(), key), "one zero more");
        for refused in [padded(2), [&[1], sec1.private_key].concat(), Vec::new()] {
            assert_eq!(with_scalar(&refused).unwrap_err(), KeyFormatError::Malformed);
        }
        // Not the first byte: where that is zero, what is left is the same number.
        let (_, shorter) = sec1.private_key.split_last().unwrap();
        assert_eq!(with_scalar(shorter).unwrap_err(), KeyFormatError::Inconsistent);
    }
    // The scalar 1, whose point is the curve's base point (FIPS 186-5, SP 800-186 §3.2.1.3), in one byte.
    let point = hex!(
        "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296
         4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
    );
    let short = EcPrivateKey {
        private_key: &[1],
        parameters: Some(sec1::EcParameters::NamedCurve("1.2.840.10045.3.1.7".parse().unwrap())),
        public_key: Some(&point),
    };
    let key = PrivateKey::from_der(&short.to_der().unwrap()).unwrap();
    assert_eq!(EcPrivateKey::from_der(&inside(&key)).unwrap().private_key.len(), 32);
}

/// PKCS#8 with another key inside.
fn repack(pkcs8: &[u8], key: &[u8]) -> Vec<u8> {
    let mut info = PrivateKeyInfoRef::from_der(pkcs8).unwrap();
    info.private_key = OctetStringRef::new(key).unwrap();
    info.to_der().unwrap()
}

#[test]
fn weak_and_unknown_keys_are_refused() {
    // RFC 5480 §2.1.1.1 names further curves; secp521r1 and the one of RFC 5639 stand for them.
    let spki = |curve: &[u8], point: &[u8]| {
        let algorithm = tlv(0x30, &[&hex!("06072a8648ce3d0201")[..], curve].concat());
        tlv(0x30, &[algorithm, tlv(0x03, &[&[0], point].concat())].concat())
    };
    for curve in [&hex!("06052b81040023")[..], &hex!("06092b2403030208010107")] {
        let refused = PublicKey::from_spki_der(&spki(curve, &[4; 65]));
        assert_eq!(refused, Err(KeyFormatError::UnsupportedAlgorithm));
    }
    // Not on the curve; compressed; at infinity.
    let invalid = Err(KeyFormatError::PublicKey(SignError::InvalidPublicKey));
    for point in [&[4; 65][..], &[2; 33], &[0], &[]] {
        assert_eq!(
            PublicKey::from_spki_der(&spki(&hex!("06082a8648ce3d030107"), point)),
            invalid
        );
    }
    // RSA-1024, RSA with exponent 3, RSA-PSS as algorithm.
    let rsa = |oid: &[u8], n: &[u8], e: &[u8]| {
        let key = tlv(0x30, &[tlv(2, &[&[0], n].concat()), tlv(2, e)].concat());
        let algorithm = tlv(0x30, &[oid, &[5, 0]].concat());
        tlv(0x30, &[algorithm, tlv(0x03, &[&[0][..], &key].concat())].concat())
    };
    let rsa_encryption = hex!("06092a864886f70d010101");
    assert_eq!(
        PublicKey::from_spki_der(&rsa(&rsa_encryption, &[0xff; 128], &[1, 0, 1])),
        Err(KeyFormatError::PublicKey(SignError::ModulusSize { bits: 1024 }))
    );
    assert_eq!(
        PublicKey::from_spki_der(&rsa(&rsa_encryption, &[0xff; 256], &[3])),
        invalid
    );
    assert_eq!(
        PublicKey::from_spki_der(&rsa(&hex!("06092a864886f70d01010a"), &[0xff; 256], &[1, 0, 1])),
        Err(KeyFormatError::UnsupportedAlgorithm)
    );
    let bytes = MAX_KEY_DER_BYTES + 1;
    assert_eq!(
        PublicKey::from_spki_der(&vec![0; bytes]),
        Err(KeyFormatError::TooLarge { bytes })
    );
    assert_eq!(
        PrivateKey::from_der(&vec![0; bytes]).unwrap_err(),
        KeyFormatError::TooLarge { bytes }
    );
}

/// DER of a tag and contents.
pub(crate) fn tlv(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = contents.len();
    let mut der = match length {
        0..=127 => vec![tag, length as u8],
        128..=255 => vec![tag, 0x81, length as u8],
        _ => vec![tag, 0x82, (length >> 8) as u8, length as u8],
    };
    der.extend_from_slice(contents);
    der
}

#[test]
fn keys_are_taken_by_the_types_that_use_them() {
    let [rsa, p256, p384, ed25519] = one_of_each();
    assert!(RsaSigningKey::from_pkcs8(rsa.into_pkcs8()).is_ok());
    assert!(P256SigningKey::from_pkcs8(p256.into_pkcs8()).is_ok());
    assert!(P384SigningKey::from_pkcs8(p384.into_pkcs8()).is_ok());
    assert!(Ed25519SigningKey::from_pkcs8(ed25519.into_pkcs8()).is_ok());
}

#[test]
fn neither_debug_nor_errors_show_a_key() {
    for key in one_of_each() {
        let shown = format!("{key:?}");
        assert!(shown.contains("redacted"));
        assert!(shown.len() < 60, "{shown}");
    }
}

proptest! {
    #[test]
    fn any_seed_is_a_key_that_round_trips(seed: [u8; 32]) {
        let der = [&hex!("302e020100300506032b657004220420")[..], &seed].concat();
        let key = PrivateKey::from_der(&der).unwrap();
        prop_assert_eq!(key.pkcs8().expose_secret(), &der[..]);
        let json = Jwk::from(key).to_json();
        let again = Jwk::<PrivateKey>::parse(json.expose_secret().as_bytes()).unwrap();
        prop_assert_eq!(again.key.pkcs8().expose_secret(), &der[..]);
        let spki = again.key.public_key().to_spki_der();
        prop_assert_eq!(&PublicKey::from_spki_der(&spki).unwrap(), again.key.public_key());
    }

    #[test]
    fn altered_keys_are_refused_or_read_as_what_they_say(kind in 0..4_usize, at: usize, to: u8) {
        let key = &one_of_each()[kind];
        let mut private = key.pkcs8().expose_secret().to_vec();
        let at_private = at % private.len();
        private[at_private] = to;
        if let Ok(read) = PrivateKey::from_der(&private) {
            prop_assert_eq!(read.pkcs8().expose_secret(), &private[..], "one form for one key");
        }
        let mut public = key.public_key().to_spki_der();
        let at_public = at % public.len();
        public[at_public] = to;
        if let Ok(read) = PublicKey::from_spki_der(&public) {
            prop_assert_eq!(&read.to_spki_der(), &public, "one form for one key");
        }
        let cut = &private[..at_private];
        prop_assert!(PrivateKey::from_der(cut).is_err());
        prop_assert!(PublicKey::from_spki_der(&public[..at_public]).is_err());
    }
}
