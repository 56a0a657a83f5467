//! ECDSA (FIPS 186-5) on P-256 with SHA-256 and on P-384 with SHA-384.

use std::fmt;
use std::marker::PhantomData;

use super::SignError;
use super::key::{SigningKey, VerifyingKey};
use super::scheme::{Backed, Sealed, SignFn};
use crate::provider::{Curve, EcdsaEncoding, Provider, SignatureVerifier, Unspecified};

/// A P-256 private key for certificates: the signature is the DER `Ecdsa-Sig-Value` of RFC 5480, up to 72 bytes.
pub type P256SigningKey = SigningKey<Ecdsa<P256Asn1>>;
/// A P-256 public key for signatures in DER.
pub type P256VerifyingKey = VerifyingKey<Ecdsa<P256Asn1>>;
/// A P-384 private key for certificates: the signature is the DER `Ecdsa-Sig-Value` of RFC 5480, up to 104 bytes.
pub type P384SigningKey = SigningKey<Ecdsa<P384Asn1>>;
/// A P-384 public key for signatures in DER.
pub type P384VerifyingKey = VerifyingKey<Ecdsa<P384Asn1>>;
/// A P-256 private key that signs ES256 (RFC 7518 §3.4): the signature is r ‖ s, 64 bytes.
pub type Es256SigningKey = SigningKey<Ecdsa<P256Fixed>>;
/// A P-256 public key that verifies ES256. A signature in DER is refused.
pub type Es256VerifyingKey = VerifyingKey<Ecdsa<P256Fixed>>;

/// ECDSA with the parameters `P`.
#[derive(Debug)]
pub struct Ecdsa<P>(PhantomData<P>);

/// P-256, SHA-256, signatures in DER.
#[derive(Debug)]
pub enum P256Asn1 {}

/// P-256, SHA-256, signatures of fixed length.
#[derive(Debug)]
pub enum P256Fixed {}

/// P-384, SHA-384, signatures in DER.
#[derive(Debug)]
pub enum P384Asn1 {}

/// Curve, hash and encoding. Lives in a private module: nobody else can implement it.
pub trait Parameters: 'static {
    /// Their name in `Debug`.
    const NAME: &'static str;
}

trait BackedParameters: Parameters {
    const CURVE: Curve;
    const ENCODING: EcdsaEncoding;
}

impl Parameters for P256Asn1 {
    const NAME: &'static str = "P256";
}

impl BackedParameters for P256Asn1 {
    const CURVE: Curve = Curve::P256;
    const ENCODING: EcdsaEncoding = EcdsaEncoding::Asn1;
}

impl Parameters for P256Fixed {
    const NAME: &'static str = "Es256";
}

impl BackedParameters for P256Fixed {
    const CURVE: Curve = Curve::P256;
    const ENCODING: EcdsaEncoding = EcdsaEncoding::Fixed;
}

impl Parameters for P384Asn1 {
    const NAME: &'static str = "P384";
}

impl BackedParameters for P384Asn1 {
    const CURVE: Curve = Curve::P384;
    const ENCODING: EcdsaEncoding = EcdsaEncoding::Asn1;
}

/// An uncompressed point.
#[derive(Clone, PartialEq, Eq)]
pub struct EcPoint(Vec<u8>);

impl fmt::Debug for EcPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("public point")
    }
}

impl<P: Parameters> Sealed for Ecdsa<P> {
    type Public = EcPoint;

    const NAME: &'static str = P::NAME;
}

impl<P: BackedParameters> Backed for Ecdsa<P> {
    fn signer(provider: Provider, pkcs8: &[u8]) -> Result<(SignFn, EcPoint), Unspecified> {
        let signer = provider.backend().ec_signer(P::CURVE, P::ENCODING, pkcs8)?;
        let point = EcPoint(signer.public_point().to_vec());
        Ok((Box::new(move |message| signer.sign(message)), point))
    }

    fn verifier(provider: Provider, EcPoint(point): &EcPoint) -> Result<Box<dyn SignatureVerifier>, Unspecified> {
        provider.backend().ec_verifier(P::CURVE, P::ENCODING, point)
    }

    /// SEC 1 §2.3.3: uncompressed. That the point lies on the curve is the backend's check.
    fn check(EcPoint(point): &EcPoint) -> Result<(), SignError> {
        if point.len() != 1 + 2 * P::CURVE.field_len() || point[0] != 4 {
            return Err(SignError::InvalidPublicKey);
        }
        Ok(())
    }
}

#[expect(private_bounds, reason = "all parameters are backed; how is nobody's business")]
impl<P: BackedParameters> SigningKey<Ecdsa<P>> {
    /// Makes a key with the default provider, in about 0.1 ms.
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
            .generate_ec_pkcs8(P::CURVE)
            .map_err(|_| SignError::Backend)?;
        Self::from_pkcs8_with(provider, pkcs8.into())
    }

    /// The public point, uncompressed (SEC 1 §2.3.3): 0x04, x, y; 65 bytes on P-256, 97 on P-384.
    pub fn public_point(&self) -> &[u8] {
        &self.public().0
    }
}

#[expect(private_bounds, reason = "all parameters are backed; how is nobody's business")]
impl<P: BackedParameters> VerifyingKey<Ecdsa<P>> {
    /// Takes an uncompressed point (SEC 1 §2.3.3).
    ///
    /// # Errors
    ///
    /// [`SignError::InvalidPublicKey`] for another length or form and for a point that is not on the curve.
    pub fn from_point(point: &[u8]) -> Result<Self, SignError> {
        Self::from_point_with(Provider::default(), point)
    }

    /// As [`Self::from_point`], on the given provider.
    ///
    /// # Errors
    ///
    /// As [`Self::from_point`].
    pub fn from_point_with(provider: Provider, point: &[u8]) -> Result<Self, SignError> {
        Self::from_public(provider, EcPoint(point.to_vec()))
    }

    /// The public point, uncompressed.
    pub fn public_point(&self) -> &[u8] {
        &self.public().0
    }
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;

    use super::*;
    use crate::secret::SecretBytes;

    /// RFC 6979 appendix A.2.5: the key pair and the signature of "sample" with SHA-256.
    const PRIVATE: [u8; 32] = hex!("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721");
    const PUBLIC: [u8; 65] = hex!(
        "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6
         7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
    );
    const SIGNATURE: [u8; 72] = hex!(
        "3046 022100efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716
              022100f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
    );
    /// RFC 6979 appendix A.2.6: the public key, and the signature of "sample" with SHA-384.
    const PUBLIC_384: [u8; 97] = hex!(
        "04
         ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64def8f0ea9055866064a254515480bc13
         8015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9f54ca84b3f1c9db1288b231c3ae0d4fe7344fd2533264720"
    );
    const SIGNATURE_384: [u8; 104] = hex!(
        "3066
         02310094edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c81a648152e44acf96e36dd1e80fabe46
         02310099ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94fa329c145786e679e7b82c71a38628ac8"
    );

    /// The pair in PKCS#8 (RFC 5958) around ECPrivateKey (RFC 5915).
    fn pkcs8() -> SecretBytes {
        let prefix = hex!("308187 020100 301306072a8648ce3d020106082a8648ce3d030107 046d 306b 020101 0420");
        SecretBytes::new([&prefix[..], &PRIVATE, &hex!("a144034200"), &PUBLIC].concat())
    }

    fn fixed(signature: &[u8]) -> Vec<u8> {
        [&signature[5..37], &signature[40..72]].concat()
    }

    #[test]
    fn rfc_6979_a_2_5_on_every_provider() {
        for provider in Provider::all() {
            let key = P256SigningKey::from_pkcs8_with(provider, pkcs8()).unwrap();
            assert_eq!(key.public_point(), PUBLIC, "{provider:?}");
            let public = P256VerifyingKey::from_point_with(provider, &PUBLIC).unwrap();
            assert_eq!(public.verify(b"sample", &SIGNATURE), Ok(()), "{provider:?}");
            assert!(public.verify(b"Sample", &SIGNATURE).is_err(), "{provider:?}");
            let es256 = Es256SigningKey::from_pkcs8_with(provider, pkcs8()).unwrap();
            let signatures = [key.sign(b"sample").unwrap(), es256.sign(b"sample").unwrap()];
            for other in Provider::all() {
                let asn1 = P256VerifyingKey::from_point_with(other, key.public_point()).unwrap();
                let es256 = Es256VerifyingKey::from_point_with(other, key.public_point()).unwrap();
                assert_eq!(asn1.verify(b"sample", &signatures[0]), Ok(()), "{provider:?} {other:?}");
                assert_eq!(
                    es256.verify(b"sample", &signatures[1]),
                    Ok(()),
                    "{provider:?} {other:?}"
                );
                assert_eq!(es256.verify(b"sample", &fixed(&SIGNATURE)), Ok(()), "{other:?}");
                // The encoding belongs to the key.
                assert!(es256.verify(b"sample", &signatures[0]).is_err(), "{other:?}");
                assert!(asn1.verify(b"sample", &signatures[1]).is_err(), "{other:?}");
            }
        }
    }

    #[test]
    fn rfc_6979_a_2_6_on_every_provider() {
        for provider in Provider::all() {
            let public = P384VerifyingKey::from_point_with(provider, &PUBLIC_384).unwrap();
            assert_eq!(public.verify(b"sample", &SIGNATURE_384), Ok(()), "{provider:?}");
            assert!(public.verify(b"Sample", &SIGNATURE_384).is_err(), "{provider:?}");
            let key = P384SigningKey::generate_with(provider).unwrap();
            let signature = key.sign(b"sample").unwrap();
            for other in Provider::all() {
                let public = P384VerifyingKey::from_point_with(other, key.public_point()).unwrap();
                assert_eq!(public.verify(b"sample", &signature), Ok(()), "{provider:?} {other:?}");
                assert!(public.verify(b"sample", &SIGNATURE_384).is_err());
            }
        }
    }

    /// CVE-2022-21449, "psychic signatures", and its neighbours.
    #[test]
    fn signatures_of_zeros_and_of_the_order_are_refused() {
        let order = hex!("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
        let one = {
            let mut one = [0; 32];
            one[31] = 1;
            one
        };
        for provider in Provider::all() {
            let key = Es256VerifyingKey::from_point_with(provider, &PUBLIC).unwrap();
            for (r, s) in [
                ([0; 32], [0; 32]),
                ([0; 32], one),
                (one, [0; 32]),
                (order, order),
                ([0xff; 32], one),
            ] {
                let signature = [r, s].concat();
                assert!(key.verify(b"sample", &signature).is_err(), "{provider:?} {signature:?}");
            }
            let good = fixed(&SIGNATURE);
            for wrong in [&[][..], &good[1..], &good[..63], &[&good[..], &[0]].concat()] {
                assert!(key.verify(b"sample", wrong).is_err(), "{provider:?} {}", wrong.len());
            }
        }
    }

    #[test]
    fn points_of_another_form_or_off_the_curve_are_refused() {
        for provider in Provider::all() {
            let mut off_curve = PUBLIC;
            off_curve[64] ^= 1;
            let compressed = [&[2], &PUBLIC[1..33]].concat();
            for point in [&[][..], &[0], &[4; 65][..64], &compressed, &off_curve, &PUBLIC_384] {
                let refused = P256VerifyingKey::from_point_with(provider, point);
                assert_eq!(refused.unwrap_err(), SignError::InvalidPublicKey, "{provider:?}");
            }
        }
    }

    #[test]
    fn a_key_whose_halves_do_not_match_is_refused() {
        for provider in Provider::all() {
            let mut altered = pkcs8().expose_secret().to_vec();
            altered[40] ^= 1;
            let refused = P256SigningKey::from_pkcs8_with(provider, SecretBytes::new(altered));
            assert_eq!(refused.unwrap_err(), SignError::InvalidPrivateKey, "{provider:?}");
            // A key of another curve.
            let other = P384SigningKey::from_pkcs8_with(provider, pkcs8());
            assert_eq!(other.unwrap_err(), SignError::InvalidPrivateKey, "{provider:?}");
        }
    }
}
