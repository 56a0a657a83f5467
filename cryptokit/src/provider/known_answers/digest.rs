//! SHA-512: FIPS 180-4 example computations. HMAC: RFC 4231 §4. HKDF: RFC 5869 appendix A. PBKDF2: RFC 6070 §2 (SHA-1)
//! and RFC 7914 §11 (SHA-256). SHA-256 itself is in `tests/kat.rs`, through the public function.

use std::num::NonZeroU32;

use hex_literal::hex;

use crate::provider::{Hash, Provider};

#[test]
fn fips_180_4_sha_512() {
    for (message, digest) in [
        (
            &b"abc"[..],
            hex!(
                "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a
                 2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
            ),
        ),
        (
            b"",
            hex!(
                "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce
                 47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"
            ),
        ),
        (
            b"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmno\
              ijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
            hex!(
                "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018
                 501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909"
            ),
        ),
    ] {
        for provider in Provider::all() {
            assert_eq!(provider.backend().sha512(&[message]), digest, "{provider:?}");
            let (left, right) = message.split_at(message.len() / 3);
            let in_parts = provider.backend().sha512(&[left, &[], right]);
            assert_eq!(in_parts, digest, "{provider:?}, in parts");
        }
    }
}

#[test]
fn rfc_4231_hmac_sha_256_and_sha_512() {
    let long_key = [0xaa; 131];
    let counting: Vec<u8> = (1..=25).collect();
    let cases: [[&[u8]; 4]; 7] = [
        [
            &[0x0b; 20],
            b"Hi There",
            &hex!("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            &hex!(
                "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde
                 daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"
            ),
        ],
        [
            b"Jefe",
            b"what do ya want for nothing?",
            &hex!("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
            &hex!(
                "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554
                 9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"
            ),
        ],
        [
            &[0xaa; 20],
            &[0xdd; 50],
            &hex!("773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
            &hex!(
                "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39
                 bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb"
            ),
        ],
        [
            &counting,
            &[0xcd; 50],
            &hex!("82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
            &hex!(
                "b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3db
                 a91ca5c11aa25eb4d679275cc5788063a5f19741120c4f2de2adebeb10a298dd"
            ),
        ],
        // The RFC gives the first 128 bits of this one.
        [
            &[0x0c; 20],
            b"Test With Truncation",
            &hex!("a3b6167473100ee06e0c796c2955552b"),
            &hex!("415fad6271580a531d4179bc891d87a6"),
        ],
        [
            &long_key,
            b"Test Using Larger Than Block-Size Key - Hash Key First",
            &hex!("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"),
            &hex!(
                "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352
                 6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598"
            ),
        ],
        [
            &long_key,
            b"This is a test using a larger than block-size key and a larger than block-size data. \
              The key needs to be hashed before being used by the HMAC algorithm.",
            &hex!("9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"),
            &hex!(
                "e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944
                 b6022cac3c4982b10d5eeb55c3e4de15134676fb6de0446065c97440fa8c6a58"
            ),
        ],
    ];
    for (index, [key, message, sha256, sha512]) in cases.into_iter().enumerate() {
        for provider in Provider::all() {
            for (hash, expected) in [(Hash::Sha256, sha256), (Hash::Sha512, sha512)] {
                let key = provider.backend().hmac(hash, key);
                let (left, right) = message.split_at(message.len() / 2);
                for tag in [key.sign(&[message]), key.sign(&[left, right])] {
                    assert!(
                        tag.as_ref().starts_with(expected),
                        "{provider:?} {hash:?} case {}",
                        index + 1
                    );
                }
            }
        }
    }
}

#[test]
fn hmac_tags_have_the_length_of_their_hash() {
    for provider in Provider::all() {
        for (hash, len) in [(Hash::Sha1, 20), (Hash::Sha256, 32), (Hash::Sha512, 64)] {
            assert_eq!(
                provider.backend().hmac(hash, b"").sign(&[]).as_ref().len(),
                len,
                "{provider:?}"
            );
        }
    }
}

#[test]
fn rfc_5869_hkdf_sha_256() {
    let (long_input, long_salt): (Vec<u8>, Vec<u8>) = ((0..80).collect(), (0x60..0xb0).collect());
    let long_info: Vec<u8> = (0xb0..=0xff).collect();
    let cases: [[&[u8]; 5]; 3] = [
        [
            &[0x0b; 22],
            &hex!("000102030405060708090a0b0c"),
            &hex!("f0f1f2f3f4f5f6f7f8f9"),
            &hex!("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5"),
            &hex!(
                "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf
                 34007208d5b887185865"
            ),
        ],
        [
            &long_input,
            &long_salt,
            &long_info,
            &hex!("06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244"),
            &hex!(
                "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c
                 59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71
                 cc30c58179ec3e87c14c01d5c1f3434f1d87"
            ),
        ],
        [
            &[0x0b; 22],
            b"",
            b"",
            &hex!("19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04"),
            &hex!(
                "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d
                 9d201395faa4b61a96c8"
            ),
        ],
    ];
    for provider in Provider::all() {
        for [input_key, salt, info, prk, output] in cases {
            let extracted = provider.backend().hkdf_extract(Hash::Sha256, salt, input_key);
            assert_eq!(*extracted, prk, "{provider:?}");
            let (left, right) = info.split_at(info.len() / 2);
            for info in [&[info][..], &[left, right]] {
                let mut made = vec![0; output.len()];
                provider.backend().hkdf_expand(Hash::Sha256, prk, info, &mut made);
                assert_eq!(made, output, "{provider:?}");
            }
        }
    }
}

#[test]
fn rfc_6070_pbkdf2_sha_1() {
    // The fourth case, 16,777,216 iterations, takes half a minute and shows nothing that 4,096 do not.
    let cases: [Pbkdf2Case<'_>; 5] = [
        (
            b"password",
            b"salt",
            1,
            &hex!("0c60c80f961f0e71f3a9b524af6012062fe037a6"),
        ),
        (
            b"password",
            b"salt",
            2,
            &hex!("ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"),
        ),
        (
            b"password",
            b"salt",
            4096,
            &hex!("4b007901b765489abead49d926f721d065a429c1"),
        ),
        (
            b"passwordPASSWORDpassword",
            b"saltSALTsaltSALTsaltSALTsaltSALTsalt",
            4096,
            &hex!("3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038"),
        ),
        (
            b"pass\0word",
            b"sa\0lt",
            4096,
            &hex!("56fa6aa75548099dcc37d7f03425e0c3"),
        ),
    ];
    pbkdf2_gives(Hash::Sha1, &cases);
}

#[test]
fn rfc_7914_pbkdf2_sha_256() {
    let cases: [Pbkdf2Case<'_>; 2] = [
        (
            b"passwd",
            b"salt",
            1,
            &hex!(
                "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc
                 49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783"
            ),
        ),
        (
            b"Password",
            b"NaCl",
            80_000,
            &hex!(
                "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56
                 a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d"
            ),
        ),
    ];
    pbkdf2_gives(Hash::Sha256, &cases);
}

/// Password, salt, iterations, derived key.
type Pbkdf2Case<'a> = (&'a [u8], &'a [u8], u32, &'a [u8]);

fn pbkdf2_gives(hash: Hash, cases: &[Pbkdf2Case<'_>]) {
    for provider in Provider::all() {
        for (password, salt, iterations, expected) in cases {
            let iterations = NonZeroU32::new(*iterations).unwrap();
            let mut made = vec![0; expected.len()];
            provider.backend().pbkdf2(hash, password, salt, iterations, &mut made);
            assert_eq!(made, *expected, "{provider:?} {hash:?} {iterations}");
        }
    }
}
