//! ECDSA: RFC 6979 appendices A.2.5 and A.2.6, whose signatures must verify (ours draw their nonce). Ed25519: RFC 8032
//! §7.1. RSASSA-PKCS1-v1_5: RFC 7515 appendix A.2, in `tests/kat.rs`. RSASSA-PSS has no SHA-256 vector in an RFC; NIST's
//! and others are among Wycheproof's.

use hex_literal::hex;

use crate::provider::{Curve, EcdsaEncoding, Provider, Unspecified};

struct EcdsaCase {
    curve: Curve,
    point: &'static [u8],
    /// Message and r ‖ s.
    signatures: [(&'static [u8], &'static [u8]); 2],
}

const ECDSA_CASES: [EcdsaCase; 2] = [
    EcdsaCase {
        curve: Curve::P256,
        point: &hex!(
            "04 60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6
                7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
        ),
        signatures: [
            (
                b"sample",
                &hex!(
                    "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716
                     f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
                ),
            ),
            (
                b"test",
                &hex!(
                    "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367
                     019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083"
                ),
            ),
        ],
    },
    EcdsaCase {
        curve: Curve::P384,
        point: &hex!(
            "04 ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64def8f0ea9055866064a254515480bc13
                8015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9f54ca84b3f1c9db1288b231c3ae0d4fe7344fd2533264720"
        ),
        signatures: [
            (
                b"sample",
                &hex!(
                    "94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c81a648152e44acf96e36dd1e80fabe46
                     99ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94fa329c145786e679e7b82c71a38628ac8"
                ),
            ),
            (
                b"test",
                &hex!(
                    "8203b63d3c853e8d77227fb377bcf7b7b772e97892a80f36ab775d509d7a5feb0542a7f0812998da8f1dd3ca3cf023db
                     ddd0760448d42d8a43af45af836fce4de8be06b485e9b61b827c2f13173923e06a739f040649a667bf3b828246baa5a5"
                ),
            ),
        ],
    },
];

#[test]
fn rfc_6979_ecdsa_p256_and_p384() {
    for provider in Provider::all() {
        for case in &ECDSA_CASES {
            let verifier = |encoding| {
                provider
                    .backend()
                    .ec_verifier(case.curve, encoding, case.point)
                    .unwrap()
            };
            let (fixed, asn1) = (verifier(EcdsaEncoding::Fixed), verifier(EcdsaEncoding::Asn1));
            for (message, signature) in case.signatures {
                let der = to_der(signature);
                assert_eq!(
                    fixed.verify(message, signature),
                    Ok(()),
                    "{provider:?} {:?}",
                    case.curve
                );
                assert_eq!(asn1.verify(message, &der), Ok(()), "{provider:?} {:?}", case.curve);

                // Each form is its own: a verifier never guesses.
                assert_eq!(fixed.verify(message, &der), Err(Unspecified));
                assert_eq!(asn1.verify(message, signature), Err(Unspecified));
                for verifier in [&fixed, &asn1] {
                    for signature in [signature, &der] {
                        assert_eq!(verifier.verify(b"other", signature), Err(Unspecified));
                        assert_eq!(verifier.verify(message, &signature[1..]), Err(Unspecified));
                        assert_eq!(verifier.verify(message, &[signature, &[0]].concat()), Err(Unspecified));
                    }
                    assert_eq!(verifier.verify(message, &vec![0; signature.len()]), Err(Unspecified));
                }
            }
        }
    }
}

#[test]
fn points_that_are_none_are_refused_when_read() {
    for provider in Provider::all() {
        for case in &ECDSA_CASES {
            let len = case.curve.field_len();
            let mut off_curve = case.point.to_vec();
            off_curve[2 * len] ^= 1;
            let parity = case.point[2 * len] & 1;
            let compressed = [&[2 + parity][..], &case.point[1..=len]].concat();
            let hybrid = [&[6 + parity][..], &case.point[1..]].concat();
            let beyond_the_field = [&[4][..], &vec![0xff; 2 * len]].concat();
            for point in [
                &off_curve[..],
                &compressed,
                &hybrid,
                &beyond_the_field,
                &case.point[1..],
                &case.point[..2 * len],
                &[0],
                &[],
            ] {
                for encoding in [EcdsaEncoding::Asn1, EcdsaEncoding::Fixed] {
                    let refused = provider.backend().ec_verifier(case.curve, encoding, point).is_err();
                    assert!(refused, "{provider:?} {:?} {point:02x?}", case.curve);
                }
            }
        }
        let other = provider
            .backend()
            .ec_verifier(Curve::P384, EcdsaEncoding::Asn1, ECDSA_CASES[0].point);
        assert!(other.is_err(), "{provider:?}");
    }
}

/// Seed, public key, message, signature.
type Ed25519Case = ([u8; 32], [u8; 32], &'static [u8], [u8; 64]);

const ED25519_CASES: [Ed25519Case; 4] = [
    (
        hex!("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"),
        hex!("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"),
        b"",
        hex!(
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155
             5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        hex!("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"),
        hex!("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"),
        &hex!("72"),
        hex!(
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da
             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    (
        hex!("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7"),
        hex!("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"),
        &hex!("af82"),
        hex!(
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac
             18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
    // TEST SHA(abc).
    (
        hex!("833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42"),
        hex!("ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf"),
        &hex!(
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a
             2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
        ),
        hex!(
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589
             09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704"
        ),
    ),
];

#[test]
fn rfc_8032_ed25519() {
    for provider in Provider::all() {
        for (seed, public_key, message, signature) in ED25519_CASES {
            let signer = provider.backend().ed25519_signer(&pkcs8_v1(&seed)).unwrap();
            assert_eq!(signer.public_key(), public_key, "{provider:?}");
            assert_eq!(signer.sign(message), Ok(signature), "{provider:?}");

            let verifier = provider.backend().ed25519_verifier(&public_key).unwrap();
            assert_eq!(verifier.verify(message, &signature), Ok(()), "{provider:?}");
            assert_eq!(verifier.verify(b"other", &signature), Err(Unspecified), "{provider:?}");
            assert_eq!(
                verifier.verify(message, &signature[..63]),
                Err(Unspecified),
                "{provider:?}"
            );
            assert_eq!(
                verifier.verify(message, &[&signature[..], &[0]].concat()),
                Err(Unspecified)
            );
            for index in 0..64 {
                let mut altered = signature;
                altered[index] ^= 1;
                assert_eq!(
                    verifier.verify(message, &altered),
                    Err(Unspecified),
                    "{provider:?} {index}"
                );
            }
        }
    }
}

#[test]
fn rfc_8410_version_2_files_are_read_and_their_public_half_is_checked() {
    let (seed, public_key, ..) = ED25519_CASES[0];
    let version_2 = |public_key: &[u8; 32]| {
        let prefix = hex!("3051 020101 300506032b6570 0422 0420");
        [&prefix[..], &seed, &hex!("812100"), public_key].concat()
    };
    for provider in Provider::all() {
        let signer = provider.backend().ed25519_signer(&version_2(&public_key)).unwrap();
        assert_eq!(signer.public_key(), public_key, "{provider:?}");
        let other = ED25519_CASES[1].1;
        assert!(
            provider.backend().ed25519_signer(&version_2(&other)).is_err(),
            "{provider:?}"
        );
        for garbage in [&pkcs8_v1(&seed)[..47], &seed, &[]] {
            assert!(provider.backend().ed25519_signer(garbage).is_err(), "{provider:?}");
        }
    }
}

/// RFC 8410 §7.
fn pkcs8_v1(seed: &[u8; 32]) -> Vec<u8> {
    [&hex!("302e 020100 300506032b6570 0422 0420")[..], seed].concat()
}

/// r ‖ s as `Ecdsa-Sig-Value`.
fn to_der(signature: &[u8]) -> Vec<u8> {
    let (r, s) = signature.split_at(signature.len() / 2);
    let integer = |value: &[u8]| {
        let start = value.iter().position(|&byte| byte != 0).unwrap();
        let sign: &[u8] = if value[start] >= 0x80 { &[0] } else { &[] };
        let content = [sign, &value[start..]].concat();
        [&[2, content.len() as u8][..], &content].concat()
    };
    let content = [integer(r), integer(s)].concat();
    [&[0x30, content.len() as u8][..], &content].concat()
}
