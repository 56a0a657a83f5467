//! The one shape of all signature keys.

use std::fmt;

use super::SignError;
use super::scheme::{Backed, Scheme, SignFn};
use crate::provider::{Provider, SignatureVerifier};
use crate::secret::SecretBytes;

/// A private key that signs by one scheme, parsed once.
///
/// The scheme is part of the type: the same RSA key bytes make a key for PKCS#1 v1.5 or one for PSS, and neither
/// signs by the other's rules.
///
/// ```compile_fail,E0308
/// use cryptokit::sign::{RsaKeySize, RsaPssSigningKey, RsaSigningKey};
///
/// let key: RsaPssSigningKey = RsaSigningKey::generate(RsaKeySize::Bits2048)?;
/// # Ok::<(), cryptokit::sign::SignError>(())
/// ```
pub struct SigningKey<S: Scheme> {
    pkcs8: SecretBytes,
    sign: SignFn,
    public: S::Public,
    provider: Provider,
}

/// A public key that verifies by one scheme, parsed once.
pub struct VerifyingKey<S: Scheme> {
    public: S::Public,
    verifier: Box<dyn SignatureVerifier>,
}

#[expect(private_bounds, reason = "every scheme is backed; how is nobody's business")]
impl<S: Scheme + Backed> SigningKey<S> {
    /// Reads PKCS#8 DER (RFC 5958) for the default provider.
    ///
    /// # Errors
    ///
    /// [`SignError::InvalidPrivateKey`] when the bytes are not a key of this scheme whose halves match;
    /// [`SignError::ModulusSize`] or [`SignError::InvalidPublicKey`] when the public half is not acceptable.
    pub fn from_pkcs8(pkcs8: SecretBytes) -> Result<Self, SignError> {
        Self::from_pkcs8_with(Provider::default(), pkcs8)
    }

    /// As [`Self::from_pkcs8`], for the given provider.
    ///
    /// # Errors
    ///
    /// As [`Self::from_pkcs8`].
    pub fn from_pkcs8_with(provider: Provider, pkcs8: SecretBytes) -> Result<Self, SignError> {
        let (sign, public) = S::signer(provider, pkcs8.expose_secret()).map_err(|_| SignError::InvalidPrivateKey)?;
        S::check(&public)?;
        Ok(Self {
            pkcs8,
            sign,
            public,
            provider,
        })
    }

    /// The key as PKCS#8 DER.
    pub fn pkcs8(&self) -> &SecretBytes {
        &self.pkcs8
    }

    /// Signs, in the scheme's encoding.
    ///
    /// # Errors
    ///
    /// [`SignError::Backend`] when the backend fails.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        (self.sign)(message).map_err(|_| SignError::Backend)
    }

    /// The public half, on the same provider.
    ///
    /// # Errors
    ///
    /// [`SignError::InvalidPublicKey`] when the backend refuses it.
    pub fn verifying_key(&self) -> Result<VerifyingKey<S>, SignError> {
        VerifyingKey::from_public(self.provider, self.public.clone())
    }

    pub(super) fn public(&self) -> &S::Public {
        &self.public
    }
}

#[expect(private_bounds, reason = "every scheme is backed; how is nobody's business")]
impl<S: Scheme + Backed> VerifyingKey<S> {
    pub(super) fn from_public(provider: Provider, public: S::Public) -> Result<Self, SignError> {
        S::check(&public)?;
        let verifier = S::verifier(provider, &public).map_err(|_| SignError::InvalidPublicKey)?;
        Ok(Self { public, verifier })
    }

    /// Verifies a signature over `message`.
    ///
    /// # Errors
    ///
    /// [`SignError::InvalidSignature`], whatever is wrong with it.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), SignError> {
        self.verifier
            .verify(message, signature)
            .map_err(|_| SignError::InvalidSignature)
    }

    pub(super) fn public(&self) -> &S::Public {
        &self.public
    }
}

impl<S: Scheme> fmt::Debug for SigningKey<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}SigningKey([redacted])", S::NAME)
    }
}

impl<S: Scheme> fmt::Debug for VerifyingKey<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}VerifyingKey({:?})", S::NAME, self.public)
    }
}
