//! ECDSA on AWS-LC.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING,
    ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P384_SHA384_FIXED, ECDSA_P384_SHA384_FIXED_SIGNING,
    EcdsaKeyPair, EcdsaSigningAlgorithm, EcdsaVerificationAlgorithm, KeyPair, ParsedPublicKey,
};
use zeroize::Zeroizing;

use super::pkcs8::ends_with_its_structure;
use crate::provider::{Curve, EcSigner, EcdsaEncoding, SignatureVerifier, Unspecified};

pub(super) fn generate_pkcs8(curve: Curve) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
    let algorithm = signing(curve, EcdsaEncoding::Asn1);
    let document = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new()).map_err(|_| Unspecified)?;
    Ok(Zeroizing::new(document.as_ref().to_vec()))
}

pub(super) fn signer(curve: Curve, encoding: EcdsaEncoding, pkcs8: &[u8]) -> Result<Box<dyn EcSigner>, Unspecified> {
    let key =
        EcdsaKeyPair::from_pkcs8(signing(curve, encoding), ends_with_its_structure(pkcs8)?).map_err(|_| Unspecified)?;
    Ok(Box::new(Signer(key)))
}

pub(super) fn verifier(
    curve: Curve,
    encoding: EcdsaEncoding,
    point: &[u8],
) -> Result<Box<dyn SignatureVerifier>, Unspecified> {
    // Compressed points and whole SubjectPublicKeyInfo would be taken too.
    curve.check_uncompressed(point)?;
    let key = ParsedPublicKey::new(verification(curve, encoding), point).map_err(|_| Unspecified)?;
    Ok(Box::new(Verifier(key)))
}

struct Signer(EcdsaKeyPair);

impl EcSigner for Signer {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let signature = self.0.sign(&SystemRandom::new(), message).map_err(|_| Unspecified)?;
        Ok(signature.as_ref().to_vec())
    }

    fn public_point(&self) -> &[u8] {
        self.0.public_key().as_ref()
    }
}

struct Verifier(ParsedPublicKey);

impl SignatureVerifier for Verifier {
    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Unspecified> {
        self.0.verify_sig(message, signature).map_err(|_| Unspecified)
    }
}

fn signing(curve: Curve, encoding: EcdsaEncoding) -> &'static EcdsaSigningAlgorithm {
    match (curve, encoding) {
        (Curve::P256, EcdsaEncoding::Asn1) => &ECDSA_P256_SHA256_ASN1_SIGNING,
        (Curve::P256, EcdsaEncoding::Fixed) => &ECDSA_P256_SHA256_FIXED_SIGNING,
        (Curve::P384, EcdsaEncoding::Asn1) => &ECDSA_P384_SHA384_ASN1_SIGNING,
        (Curve::P384, EcdsaEncoding::Fixed) => &ECDSA_P384_SHA384_FIXED_SIGNING,
    }
}

fn verification(curve: Curve, encoding: EcdsaEncoding) -> &'static EcdsaVerificationAlgorithm {
    match (curve, encoding) {
        (Curve::P256, EcdsaEncoding::Asn1) => &ECDSA_P256_SHA256_ASN1,
        (Curve::P256, EcdsaEncoding::Fixed) => &ECDSA_P256_SHA256_FIXED,
        (Curve::P384, EcdsaEncoding::Asn1) => &ECDSA_P384_SHA384_ASN1,
        (Curve::P384, EcdsaEncoding::Fixed) => &ECDSA_P384_SHA384_FIXED,
    }
}
