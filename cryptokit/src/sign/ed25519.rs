//! Ed25519 (RFC 8032 §5.1).

use std::fmt;

use super::SignError;
use super::key::{SigningKey, VerifyingKey};
use super::scheme::{Backed, Sealed, SignFn};
use crate::provider::{Provider, SignatureVerifier, Unspecified};

/// An Ed25519 private key. The signature has 64 bytes and is the same each time.
pub type Ed25519SigningKey = SigningKey<Ed25519>;
/// An Ed25519 public key.
pub type Ed25519VerifyingKey = VerifyingKey<Ed25519>;

/// The scheme Ed25519.
#[derive(Debug)]
pub enum Ed25519 {}

/// An encoded point (RFC 8032 §5.1.2).
#[derive(Clone, PartialEq, Eq)]
pub struct EdPoint([u8; 32]);

impl fmt::Debug for EdPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("public point")
    }
}

impl Sealed for Ed25519 {
    type Public = EdPoint;

    const NAME: &'static str = "Ed25519";
}

impl Backed for Ed25519 {
    fn signer(provider: Provider, pkcs8: &[u8]) -> Result<(SignFn, EdPoint), Unspecified> {
        let signer = provider.backend().ed25519_signer(pkcs8)?;
        let point = EdPoint(signer.public_key());
        Ok((Box::new(move |message| signer.sign(message).map(Vec::from)), point))
    }

    fn verifier(provider: Provider, EdPoint(point): &EdPoint) -> Result<Box<dyn SignatureVerifier>, Unspecified> {
        provider.backend().ed25519_verifier(point)
    }

    /// RFC 8032 §5.1.3: y is below the prime. Beyond it: under a point of small order, one signature is good for any
    /// message; whoever publishes such a key wants to be able to deny what it signed.
    fn check(EdPoint(point): &EdPoint) -> Result<(), SignError> {
        let mut y = *point;
        y[31] &= 0x7f;
        let is_reduced = y[1..31].iter().any(|byte| *byte != 0xff) || y[31] != 0x7f || y[0] < 0xed;
        if !is_reduced || SMALL_ORDER.contains(&y) {
            return Err(SignError::InvalidPublicKey);
        }
        Ok(())
    }
}

/// The y coordinates, little-endian, of the eight points whose order divides the cofactor.
const SMALL_ORDER: [[u8; 32]; 5] = {
    let (mut one, mut minus_one) = ([0; 32], [0xff; 32]);
    one[0] = 1;
    minus_one[0] = 0xec;
    minus_one[31] = 0x7f;
    [
        // order 4
        [0; 32],
        // order 1
        one,
        // order 2
        minus_one,
        // order 8, both
        [
            0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf,
            0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
        ],
        [
            0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20,
            0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
        ],
    ]
};

impl SigningKey<Ed25519> {
    /// Makes a key with the default provider, in less than 0.1 ms.
    ///
    /// # Errors
    ///
    /// [`SignError::Backend`] when the backend fails.
    pub fn generate() -> Result<Self, SignError> {
        Self::generate_with(Provider::default())
    }

    /// Makes a key with the given provider.
    ///
    /// # Errors
    ///
    /// [`SignError::Backend`] when the backend fails.
    pub fn generate_with(provider: Provider) -> Result<Self, SignError> {
        let pkcs8 = provider
            .backend()
            .generate_ed25519_pkcs8()
            .map_err(|_| SignError::Backend)?;
        Self::from_pkcs8_with(provider, pkcs8.into())
    }

    /// The public key (RFC 8032 §5.1.5).
    pub fn public_key(&self) -> &[u8; 32] {
        &self.public().0
    }
}

impl VerifyingKey<Ed25519> {
    /// Takes a public key (RFC 8032 §5.1.5).
    ///
    /// # Errors
    ///
    /// [`SignError::InvalidPublicKey`] for a point of small order or in non-canonical form. Other bytes that are no
    /// point are refused here or, on a backend that does not parse public keys, verify nothing.
    pub fn from_public_key(public: &[u8; 32]) -> Result<Self, SignError> {
        Self::from_public_key_with(Provider::default(), public)
    }

    /// As [`Self::from_public_key`], on the given provider.
    ///
    /// # Errors
    ///
    /// As [`Self::from_public_key`].
    pub fn from_public_key_with(provider: Provider, public: &[u8; 32]) -> Result<Self, SignError> {
        Self::from_public(provider, EdPoint(*public))
    }

    /// The public key.
    pub fn public_key(&self) -> &[u8; 32] {
        &self.public().0
    }
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;

    use super::*;
    use crate::secret::SecretBytes;

    /// RFC 8032 §7.1, TEST 2.
    const SECRET: [u8; 32] = hex!("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
    const PUBLIC: [u8; 32] = hex!("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
    const SIGNATURE: [u8; 64] = hex!(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da
         085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    );

    /// RFC 8410 §7: version 1, without the public key, and version 2, with it.
    fn pkcs8(version_2: bool) -> SecretBytes {
        let v1 = hex!("302e 020100 300506032b6570 0422 0420");
        let v2 = hex!("3051 020101 300506032b6570 0422 0420");
        SecretBytes::new(if version_2 {
            [&v2[..], &SECRET, &hex!("812100"), &PUBLIC].concat()
        } else {
            [&v1[..], &SECRET].concat()
        })
    }

    #[test]
    fn rfc_8032_7_1_test_2_on_every_provider() {
        for provider in Provider::all() {
            let public = Ed25519VerifyingKey::from_public_key_with(provider, &PUBLIC).unwrap();
            assert_eq!(public.verify(&[0x72], &SIGNATURE), Ok(()), "{provider:?}");
            assert!(public.verify(&[0x73], &SIGNATURE).is_err(), "{provider:?}");
            for version_2 in [false, true] {
                let key = Ed25519SigningKey::from_pkcs8_with(provider, pkcs8(version_2)).unwrap();
                assert_eq!(key.public_key(), &PUBLIC, "{provider:?}");
                assert_eq!(key.sign(&[0x72]).unwrap(), SIGNATURE, "{provider:?}");
            }
            let made = Ed25519SigningKey::generate_with(provider).unwrap();
            let signature = made.sign(b"m").unwrap();
            let again = SecretBytes::new(made.pkcs8().expose_secret().to_vec());
            for other in Provider::all() {
                let public = Ed25519VerifyingKey::from_public_key_with(other, made.public_key()).unwrap();
                assert_eq!(public.verify(b"m", &signature), Ok(()), "{provider:?} {other:?}");
            }
            assert!(Ed25519SigningKey::from_pkcs8_with(provider, again).is_ok());
        }
    }

    /// RFC 8032 §5.1.7: s is below the order of the group; else every signature has a second form.
    #[test]
    fn altered_and_malleable_signatures_are_refused() {
        let order = hex!("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
        let mut malleable = SIGNATURE;
        let mut carry = 0;
        for index in 0..32 {
            let digit = u16::from(SIGNATURE[32 + index]) + u16::from(order[index]) + carry;
            malleable[32 + index] = digit as u8;
            carry = digit >> 8;
        }
        for provider in Provider::all() {
            let public = Ed25519VerifyingKey::from_public_key_with(provider, &PUBLIC).unwrap();
            for signature in [
                &malleable[..],
                &[0; 64],
                &SIGNATURE[..63],
                &[],
                &[&SIGNATURE[..], &[0]].concat(),
            ] {
                assert!(public.verify(&[0x72], signature).is_err(), "{provider:?} {signature:?}");
            }
        }
    }

    #[test]
    fn points_of_small_order_and_in_other_forms_are_refused() {
        let refused = |point: [u8; 32]| Ed25519VerifyingKey::from_public_key(&point).err();
        for point in SMALL_ORDER {
            let mut negative = point;
            negative[31] |= 0x80;
            for point in [point, negative] {
                assert_eq!(refused(point), Some(SignError::InvalidPublicKey), "{point:?}");
            }
        }
        for low in 0xed..=0xff {
            let mut unreduced = [0xff; 32];
            unreduced[0] = low;
            assert_eq!(refused(unreduced), Some(SignError::InvalidPublicKey), "{low:x}");
            unreduced[31] = 0x7f;
            assert_eq!(refused(unreduced), Some(SignError::InvalidPublicKey), "{low:x}");
        }
    }

    #[test]
    fn other_keys_are_no_ed25519_keys() {
        for provider in Provider::all() {
            let mut altered = pkcs8(true).expose_secret().to_vec();
            altered[20] ^= 1;
            let mut other_curve = pkcs8(false).expose_secret().to_vec();
            other_curve[11] = 0x6e;
            for bytes in [altered, other_curve, vec![], SECRET.to_vec()] {
                let refused = Ed25519SigningKey::from_pkcs8_with(provider, SecretBytes::new(bytes));
                assert_eq!(refused.unwrap_err(), SignError::InvalidPrivateKey, "{provider:?}");
            }
        }
    }
}
