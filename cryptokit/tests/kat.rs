//! Known answers from the standards, on every provider compiled in, and answers of one provider given to the other.

use cryptokit::Provider;
use cryptokit::encoding::base64url;
use cryptokit::hash::sha256_with;
use cryptokit::secret::SecretBytes;
use cryptokit::sign::{P256SigningKey, RsaKeySize, RsaSigningKey, RsaVerifyingKey, SignError};
use hex_literal::hex;

/// RFC 7515 appendix A.2.1: the public half and the signed example.
const A2_N: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
const A2_INPUT: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
const A2_SIGNATURE: &str = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

#[test]
fn fips_180_4_sha_256() {
    // FIPS 180-4 example computations: "abc", the empty message and the two-block message.
    for (message, digest) in [
        (
            &b"abc"[..],
            hex!("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ),
        (
            b"",
            hex!("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ),
        (
            b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            hex!("248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"),
        ),
    ] {
        for provider in Provider::all() {
            assert_eq!(sha256_with(provider, &[message]), digest, "{provider:?}");
            let (left, right) = message.split_at(message.len() / 2);
            assert_eq!(sha256_with(provider, &[left, right]), digest, "{provider:?}, in parts");
        }
    }
}

#[test]
fn rfc_7515_appendix_a_2_signature_verifies() {
    let n = base64url::decode(A2_N).unwrap();
    let signature = base64url::decode(A2_SIGNATURE).unwrap();
    for provider in Provider::all() {
        let key = RsaVerifyingKey::from_components_with(provider, &n, &[1, 0, 1]).unwrap();
        assert_eq!(key.verify(A2_INPUT.as_bytes(), &signature), Ok(()), "{provider:?}");
    }
}

#[test]
fn altered_rs256_signatures_are_refused() {
    let n = base64url::decode(A2_N).unwrap();
    let signature = base64url::decode(A2_SIGNATURE).unwrap();
    for provider in Provider::all() {
        let key = RsaVerifyingKey::from_components_with(provider, &n, &[1, 0, 1]).unwrap();
        let refused = |message: &[u8], signature: &[u8]| {
            assert_eq!(
                key.verify(message, signature),
                Err(SignError::InvalidSignature),
                "{provider:?}"
            );
        };
        refused(b"another message", &signature);
        refused(A2_INPUT.as_bytes(), &[]);
        refused(A2_INPUT.as_bytes(), &signature[1..]);
        refused(A2_INPUT.as_bytes(), &[&[0], &signature[..]].concat());
        refused(A2_INPUT.as_bytes(), &[0; 256]);
        refused(A2_INPUT.as_bytes(), &[0xff; 256]);
        for index in (0..signature.len()).step_by(17) {
            let mut altered = signature.clone();
            altered[index] ^= 1;
            refused(A2_INPUT.as_bytes(), &altered);
        }
    }
}

#[test]
fn rsa_signatures_are_the_same_bytes_on_every_provider() {
    // PKCS#1 v1.5 is deterministic, so two implementations must agree to the bit.
    for maker in Provider::all() {
        let made = RsaSigningKey::generate_with(maker, RsaKeySize::Bits2048).unwrap();
        let mut signatures = Vec::new();
        for signer in Provider::all() {
            let pkcs8 = SecretBytes::new(made.pkcs8().expose_secret().to_vec());
            let key = RsaSigningKey::from_pkcs8_with(signer, pkcs8).unwrap();
            let signature = key.sign(b"message").unwrap();
            assert_eq!(signature.len(), 256);
            for verifier in Provider::all() {
                let public = key.verifying_key().unwrap();
                let public =
                    RsaVerifyingKey::from_components_with(verifier, public.modulus(), public.exponent()).unwrap();
                assert_eq!(public.verify(b"message", &signature), Ok(()));
            }
            signatures.push(signature);
        }
        assert!(signatures.windows(2).all(|pair| pair[0] == pair[1]));
    }
}

#[test]
fn p256_keys_are_read_by_every_provider() {
    for maker in Provider::all() {
        let made = P256SigningKey::generate_with(maker).unwrap();
        for reader in Provider::all() {
            let pkcs8 = SecretBytes::new(made.pkcs8().expose_secret().to_vec());
            let read = P256SigningKey::from_pkcs8_with(reader, pkcs8).unwrap();
            assert_eq!(read.public_point(), made.public_point());
            assert_eq!(read.public_point().len(), 65);
            assert!(read.sign(b"message").is_ok());
        }
    }
}

#[test]
fn keys_of_another_type_and_garbage_are_refused() {
    for provider in Provider::all() {
        let p256 = P256SigningKey::generate_with(provider).unwrap();
        let as_rsa = SecretBytes::new(p256.pkcs8().expose_secret().to_vec());
        assert_eq!(
            RsaSigningKey::from_pkcs8_with(provider, as_rsa).unwrap_err(),
            SignError::InvalidPrivateKey,
        );
        for garbage in [&b""[..], b"\x30\x00", &[0x30; 1200]] {
            let garbage = || SecretBytes::new(garbage.to_vec());
            assert_eq!(
                P256SigningKey::from_pkcs8_with(provider, garbage()).unwrap_err(),
                SignError::InvalidPrivateKey,
            );
            assert_eq!(
                RsaSigningKey::from_pkcs8_with(provider, garbage()).unwrap_err(),
                SignError::InvalidPrivateKey,
            );
        }
    }
}

#[test]
fn weak_rsa_public_keys_are_refused() {
    let n = base64url::decode(A2_N).unwrap();
    let small = RsaVerifyingKey::from_components(&n[..128], &[1, 0, 1]).unwrap_err();
    assert_eq!(small, SignError::ModulusSize { bits: 1024 });
    let huge = RsaVerifyingKey::from_components(&[n.clone(), n.clone(), n.clone()].concat(), &[1, 0, 1]).unwrap_err();
    assert_eq!(huge, SignError::ModulusSize { bits: 6144 });
    for exponent in [&[][..], &[1], &[3], &[1, 0, 0], &[0, 1, 0, 1], &[1, 0, 1, 0]] {
        assert_eq!(
            RsaVerifyingKey::from_components(&n, exponent).unwrap_err(),
            SignError::InvalidPublicKey,
            "{exponent:?}",
        );
    }
    let mut even = n.clone();
    *even.last_mut().unwrap() ^= 1;
    assert_eq!(
        RsaVerifyingKey::from_components(&even, &[1, 0, 1]).unwrap_err(),
        SignError::InvalidPublicKey
    );
    assert_eq!(
        RsaVerifyingKey::from_components(&[], &[1, 0, 1]).unwrap_err(),
        SignError::InvalidPublicKey
    );
}
