//! ECDSA on P-256 with SHA-256 (FIPS 186-5), the default for certificates.

use std::fmt;

use super::SignError;
use crate::provider::{Curve, EcSigner, EcdsaEncoding, Provider};
use crate::secret::SecretBytes;

/// A P-256 private key that signs.
pub struct P256SigningKey {
    pkcs8: SecretBytes,
    signer: Box<dyn EcSigner>,
}

impl P256SigningKey {
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
            .generate_ec_pkcs8(Curve::P256)
            .map_err(|_| SignError::Backend)?;
        Self::from_pkcs8_with(provider, pkcs8.into())
    }

    /// Reads PKCS#8 DER (RFC 5958).
    ///
    /// # Errors
    ///
    /// [`SignError::InvalidPrivateKey`] when the bytes are anything else than a P-256 key with its public half.
    pub fn from_pkcs8(pkcs8: SecretBytes) -> Result<Self, SignError> {
        Self::from_pkcs8_with(Provider::default(), pkcs8)
    }

    /// Reads PKCS#8 DER (RFC 5958) for the given provider.
    ///
    /// # Errors
    ///
    /// As [`Self::from_pkcs8`].
    pub fn from_pkcs8_with(provider: Provider, pkcs8: SecretBytes) -> Result<Self, SignError> {
        let signer = provider
            .backend()
            .ec_signer(Curve::P256, EcdsaEncoding::Asn1, pkcs8.expose_secret())
            .map_err(|_| SignError::InvalidPrivateKey)?;
        Ok(Self { pkcs8, signer })
    }

    /// The key as PKCS#8 DER.
    pub fn pkcs8(&self) -> &SecretBytes {
        &self.pkcs8
    }

    /// Signs; the signature is the DER `Ecdsa-Sig-Value` of RFC 5480, 70 to 72 bytes.
    ///
    /// # Errors
    ///
    /// [`SignError::Backend`] when the backend fails.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.signer.sign(message).map_err(|_| SignError::Backend)
    }

    /// The public point, uncompressed (SEC 1 §2.3.3): 0x04, x, y; 65 bytes.
    pub fn public_point(&self) -> &[u8] {
        self.signer.public_point()
    }
}

impl fmt::Debug for P256SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("P256SigningKey([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;

    use super::*;

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

    /// The pair in PKCS#8 (RFC 5958) around ECPrivateKey (RFC 5915).
    fn pkcs8() -> SecretBytes {
        let prefix = hex!("308187 020100 301306072a8648ce3d020106082a8648ce3d030107 046d 306b 020101 0420");
        SecretBytes::new([&prefix[..], &PRIVATE, &hex!("a144034200"), &PUBLIC].concat())
    }

    fn verifies(provider: Provider, message: &[u8], signature: &[u8]) -> bool {
        // The first algorithm of the list is ECDSA on P-256 with SHA-256.
        provider.backend().certificate_signature_algorithms()[0]
            .verify_signature(&PUBLIC, message, signature)
            .is_ok()
    }

    #[test]
    fn rfc_6979_a_2_5_on_every_provider() {
        for provider in Provider::all() {
            let key = P256SigningKey::from_pkcs8_with(provider, pkcs8()).unwrap();
            assert_eq!(key.public_point(), PUBLIC, "{provider:?}");
            assert!(verifies(provider, b"sample", &SIGNATURE), "{provider:?}");
            assert!(!verifies(provider, b"Sample", &SIGNATURE), "{provider:?}");
            let signature = key.sign(b"sample").unwrap();
            for other in Provider::all() {
                assert!(
                    verifies(other, b"sample", &signature),
                    "{provider:?} signed, {other:?} verifies"
                );
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
        }
    }
}
