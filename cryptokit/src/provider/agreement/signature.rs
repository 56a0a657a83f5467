//! Signatures between backends: each reads the others' keys and verifies the others' signatures; deterministic schemes
//! give the same bytes.

use crate::provider::{Curve, EcdsaEncoding, Provider, RsaScheme, Unspecified};

const MESSAGES: [&[u8]; 3] = [b"", b"message", &[0x5a; 5000]];

#[test]
fn rsa_signatures_of_one_verify_on_the_other_and_under_their_own_scheme_only() {
    for maker in Provider::all() {
        let pkcs8 = maker.backend().generate_rsa_pkcs8(2048).unwrap();
        for signing in Provider::all() {
            for (scheme, other) in [
                (RsaScheme::Pkcs1Sha256, RsaScheme::PssSha256),
                (RsaScheme::PssSha256, RsaScheme::Pkcs1Sha256),
            ] {
                let signer = signing.backend().rsa_signer(scheme, &pkcs8).unwrap();
                let (n, e) = signer.public_components();
                for message in MESSAGES {
                    let signature = signer.sign(message).unwrap();
                    assert_eq!(signature.len(), 256);
                    for verifying in Provider::all() {
                        let verifies = |scheme, message: &[u8], signature: &[u8]| {
                            let verifier = verifying.backend().rsa_verifier(scheme, &n, &e).unwrap();
                            verifier.verify(message, signature)
                        };
                        assert_eq!(
                            verifies(scheme, message, &signature),
                            Ok(()),
                            "{signing:?} {verifying:?}"
                        );
                        assert_eq!(verifies(other, message, &signature), Err(Unspecified));
                        assert_eq!(verifies(scheme, b"another", &signature), Err(Unspecified));
                        assert_eq!(verifies(scheme, message, &signature[1..]), Err(Unspecified));
                        assert_eq!(
                            verifies(scheme, message, &[&[0], &signature[..]].concat()),
                            Err(Unspecified)
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn pkcs1_signatures_are_the_same_bytes_and_pss_signatures_never_are() {
    let pkcs8 = Provider::default().backend().generate_rsa_pkcs8(2048).unwrap();
    let all = |scheme| -> Vec<Vec<u8>> {
        let signers = Provider::all().into_iter().chain(Provider::all());
        signers
            .map(|provider| provider.backend().rsa_signer(scheme, &pkcs8).unwrap())
            .map(|signer| signer.sign(b"message").unwrap())
            .collect()
    };
    assert!(all(RsaScheme::Pkcs1Sha256).windows(2).all(|pair| pair[0] == pair[1]));
    assert!(all(RsaScheme::PssSha256).windows(2).all(|pair| pair[0] != pair[1]));
}

#[test]
fn ecdsa_keys_and_signatures_of_one_are_read_by_the_other() {
    for curve in [Curve::P256, Curve::P384] {
        for maker in Provider::all() {
            let pkcs8 = maker.backend().generate_ec_pkcs8(curve).unwrap();
            for signing in Provider::all() {
                for encoding in [EcdsaEncoding::Asn1, EcdsaEncoding::Fixed] {
                    let signer = signing.backend().ec_signer(curve, encoding, &pkcs8).unwrap();
                    assert_eq!(signer.public_point().len(), 1 + 2 * curve.field_len());
                    for message in MESSAGES {
                        let signature = signer.sign(message).unwrap();
                        if encoding == EcdsaEncoding::Fixed {
                            assert_eq!(signature.len(), 2 * curve.field_len());
                        }
                        for verifying in Provider::all() {
                            let verifier = verifying
                                .backend()
                                .ec_verifier(curve, encoding, signer.public_point())
                                .unwrap();
                            assert_eq!(
                                verifier.verify(message, &signature),
                                Ok(()),
                                "{signing:?} {verifying:?}"
                            );
                            assert_eq!(verifier.verify(b"another", &signature), Err(Unspecified));
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn ed25519_keys_and_signatures_are_the_same_bytes() {
    for maker in Provider::all() {
        let pkcs8 = maker.backend().generate_ed25519_pkcs8().unwrap();
        assert_eq!(pkcs8.len(), 48, "{maker:?}");
        let signers: Vec<_> = Provider::all()
            .into_iter()
            .map(|provider| provider.backend().ed25519_signer(&pkcs8).unwrap())
            .collect();
        for message in MESSAGES {
            let signature = signers[0].sign(message).unwrap();
            for signer in &signers {
                assert_eq!(signer.public_key(), signers[0].public_key());
                assert_eq!(signer.sign(message), Ok(signature));
            }
            for provider in Provider::all() {
                let verifier = provider.backend().ed25519_verifier(&signers[0].public_key()).unwrap();
                assert_eq!(verifier.verify(message, &signature), Ok(()), "{provider:?}");
                assert_eq!(
                    verifier.verify(b"another", &signature),
                    Err(Unspecified),
                    "{provider:?}"
                );
            }
        }
    }
}

#[test]
fn a_key_is_read_as_its_own_type_and_curve_only() {
    for provider in Provider::all() {
        let backend = provider.backend();
        let rsa = backend.generate_rsa_pkcs8(2048).unwrap();
        let p256 = backend.generate_ec_pkcs8(Curve::P256).unwrap();
        let p384 = backend.generate_ec_pkcs8(Curve::P384).unwrap();
        let ed25519 = backend.generate_ed25519_pkcs8().unwrap();
        let all = [&rsa, &p256, &p384, &ed25519];
        for (index, pkcs8) in all.into_iter().enumerate() {
            let read = [
                backend.rsa_signer(RsaScheme::Pkcs1Sha256, pkcs8).is_ok(),
                backend.ec_signer(Curve::P256, EcdsaEncoding::Asn1, pkcs8).is_ok(),
                backend.ec_signer(Curve::P384, EcdsaEncoding::Asn1, pkcs8).is_ok(),
                backend.ed25519_signer(pkcs8).is_ok(),
            ];
            let expected = [index == 0, index == 1, index == 2, index == 3];
            assert_eq!(read, expected, "{provider:?}");
            assert_eq!(backend.rsa_signer(RsaScheme::PssSha256, pkcs8).is_ok(), index == 0);

            let longer = [&pkcs8[..], &[0]].concat();
            for read in [
                backend.rsa_signer(RsaScheme::Pkcs1Sha256, &longer).is_ok(),
                backend.ec_signer(Curve::P256, EcdsaEncoding::Asn1, &longer).is_ok(),
                backend.ec_signer(Curve::P384, EcdsaEncoding::Asn1, &longer).is_ok(),
                backend.ed25519_signer(&longer).is_ok(),
            ] {
                assert!(!read, "{provider:?} reads key {index} with a byte after it");
            }
        }
    }
}
