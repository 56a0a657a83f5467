//! ECDSA on P-256 with SHA-256 (FIPS 186-5), the default for certificates.

use std::fmt;

use super::SignError;
use crate::provider::{P256Signer, Provider};
use crate::secret::SecretBytes;

/// A P-256 private key that signs.
pub struct P256SigningKey {
    pkcs8: SecretBytes,
    signer: Box<dyn P256Signer>,
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
            .generate_p256_pkcs8()
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
            .p256_signer(pkcs8.expose_secret())
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
        self.signer.sign_asn1(message).map_err(|_| SignError::Backend)
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
