//! RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 §8.2), the RS256 of RFC 7518 §3.3.

use std::fmt;

use super::SignError;
use crate::provider::{Provider, RsaScheme, RsaSigner, SignatureVerifier};
use crate::secret::SecretBytes;

/// Sizes of RSA keys that can be made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RsaKeySize {
    /// 2048 bits: 112-bit strength, the default for tokens that live minutes.
    #[default]
    Bits2048,
    /// 3072 bits: 128-bit strength, at about three times the signing cost on AWS-LC.
    Bits3072,
    /// 4096 bits.
    Bits4096,
}

impl RsaKeySize {
    /// The size in bits.
    pub const fn bits(self) -> usize {
        match self {
            Self::Bits2048 => 2048,
            Self::Bits3072 => 3072,
            Self::Bits4096 => 4096,
        }
    }
}

/// An RSA private key that signs RS256, parsed once.
pub struct RsaSigningKey {
    pkcs8: SecretBytes,
    signer: Box<dyn RsaSigner>,
    provider: Provider,
}

impl RsaSigningKey {
    /// Makes a key with the default provider. Takes 30 to 250 ms at 2048 bits, seconds at 4096: never inside a
    /// request.
    ///
    /// # Errors
    ///
    /// [`SignError::Backend`] when the backend fails.
    pub fn generate(size: RsaKeySize) -> Result<Self, SignError> {
        Self::generate_with(Provider::default(), size)
    }

    /// Makes a key with the given provider.
    ///
    /// # Errors
    ///
    /// [`SignError::Backend`] when the backend fails.
    pub fn generate_with(provider: Provider, size: RsaKeySize) -> Result<Self, SignError> {
        let pkcs8 = provider
            .backend()
            .generate_rsa_pkcs8(size.bits())
            .map_err(|_| SignError::Backend)?;
        Self::from_pkcs8_with(provider, pkcs8.into())
    }

    /// Reads PKCS#8 DER (RFC 5958).
    ///
    /// # Errors
    ///
    /// [`SignError::InvalidPrivateKey`] when the bytes are not a consistent RSA key, [`SignError::ModulusSize`] or
    /// [`SignError::InvalidPublicKey`] when its public half is not acceptable.
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
            .rsa_signer(RsaScheme::Pkcs1Sha256, pkcs8.expose_secret())
            .map_err(|_| SignError::InvalidPrivateKey)?;
        let (n, e) = signer.public_components();
        check_public(&n, &e)?;
        Ok(Self {
            pkcs8,
            signer,
            provider,
        })
    }

    /// The key as PKCS#8 DER.
    pub fn pkcs8(&self) -> &SecretBytes {
        &self.pkcs8
    }

    /// Signs; the signature is as long as the modulus.
    ///
    /// # Errors
    ///
    /// [`SignError::Backend`] when the backend fails.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.signer.sign(message).map_err(|_| SignError::Backend)
    }

    /// The public half, on the same provider.
    ///
    /// # Errors
    ///
    /// [`SignError::InvalidPublicKey`] when the backend refuses it.
    pub fn verifying_key(&self) -> Result<RsaVerifyingKey, SignError> {
        let (n, e) = self.signer.public_components();
        RsaVerifyingKey::from_components_with(self.provider, &n, &e)
    }
}

impl fmt::Debug for RsaSigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RsaSigningKey([redacted])")
    }
}

/// An RSA public key that verifies RS256, parsed once.
pub struct RsaVerifyingKey {
    n: Vec<u8>,
    e: Vec<u8>,
    verifier: Box<dyn SignatureVerifier>,
}

impl RsaVerifyingKey {
    /// Smallest accepted modulus in bits (RFC 7518 §3.3).
    pub const MIN_MODULUS_BITS: usize = 2048;
    /// Largest accepted modulus in bits: verification cost grows with its square.
    pub const MAX_MODULUS_BITS: usize = 4096;

    /// Takes modulus and exponent, big-endian without leading zeros (RFC 7518 §6.3.1).
    ///
    /// # Errors
    ///
    /// [`SignError::ModulusSize`] outside 2048 to 4096 bits; [`SignError::InvalidPublicKey`] when the modulus is even
    /// or has leading zeros, or the exponent is not 65537.
    pub fn from_components(n: &[u8], e: &[u8]) -> Result<Self, SignError> {
        Self::from_components_with(Provider::default(), n, e)
    }

    /// As [`Self::from_components`], on the given provider.
    ///
    /// # Errors
    ///
    /// As [`Self::from_components`].
    pub fn from_components_with(provider: Provider, n: &[u8], e: &[u8]) -> Result<Self, SignError> {
        check_public(n, e)?;
        let verifier = provider
            .backend()
            .rsa_verifier(RsaScheme::Pkcs1Sha256, n, e)
            .map_err(|_| SignError::InvalidPublicKey)?;
        Ok(Self {
            n: n.to_vec(),
            e: e.to_vec(),
            verifier,
        })
    }

    /// Verifies an RS256 signature over `message`.
    ///
    /// # Errors
    ///
    /// [`SignError::InvalidSignature`], whatever is wrong with it.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), SignError> {
        self.verifier
            .verify(message, signature)
            .map_err(|_| SignError::InvalidSignature)
    }

    /// The modulus, big-endian without leading zeros.
    pub fn modulus(&self) -> &[u8] {
        &self.n
    }

    /// The exponent, big-endian without leading zeros.
    pub fn exponent(&self) -> &[u8] {
        &self.e
    }
}

impl fmt::Debug for RsaVerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RsaVerifyingKey")
            .field("modulus_bits", &(self.n.len() * 8))
            .finish_non_exhaustive()
    }
}

/// 65537 in the form of RFC 7518 §6.3.1.2; small and huge exponents have only ever been attacks.
const EXPONENT_65537: [u8; 3] = [1, 0, 1];

fn check_public(n: &[u8], e: &[u8]) -> Result<(), SignError> {
    let Some((&first, &last)) = n.first().zip(n.last()) else {
        return Err(SignError::InvalidPublicKey);
    };
    let bits = (n.len() * 8).saturating_sub(first.leading_zeros() as usize);
    if !(RsaVerifyingKey::MIN_MODULUS_BITS..=RsaVerifyingKey::MAX_MODULUS_BITS).contains(&bits) {
        return Err(SignError::ModulusSize { bits });
    }
    if first == 0 || last & 1 == 0 || e != EXPONENT_65537 {
        return Err(SignError::InvalidPublicKey);
    }
    Ok(())
}
