//! RSA signatures with SHA-256: RSASSA-PKCS1-v1_5 (RFC 8017 §8.2) and RSASSA-PSS (§8.1).

use std::fmt;
use std::marker::PhantomData;

use super::SignError;
use super::key::{SigningKey, VerifyingKey};
use super::scheme::{Backed, Sealed, SignFn};
use crate::provider::{Provider, RsaScheme, SignatureVerifier, Unspecified};
use crate::rsa_public::{self, Fault};

/// An RSA private key that signs RS256 (RFC 7518 §3.3). The signature is as long as the modulus and the same each time.
pub type RsaSigningKey = SigningKey<Rsa<Pkcs1>>;
/// An RSA public key that verifies RS256.
pub type RsaVerifyingKey = VerifyingKey<Rsa<Pkcs1>>;
/// An RSA private key that signs PS256 (RFC 7518 §3.5): MGF1 with SHA-256, 32 bytes of salt. The signature is as long
/// as the modulus.
pub type RsaPssSigningKey = SigningKey<Rsa<Pss>>;
/// An RSA public key that verifies PS256.
pub type RsaPssVerifyingKey = VerifyingKey<Rsa<Pss>>;

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

/// RSA with SHA-256 under the padding `P`.
#[derive(Debug)]
pub struct Rsa<P>(PhantomData<P>);

/// RSASSA-PKCS1-v1_5 (RFC 8017 §8.2).
#[derive(Debug)]
pub enum Pkcs1 {}

/// RSASSA-PSS (RFC 8017 §8.1).
#[derive(Debug)]
pub enum Pss {}

/// A signature padding. Lives in a private module: nobody else can implement it.
pub trait Padding: 'static {
    /// Its name in `Debug`.
    const NAME: &'static str;
}

trait BackedPadding: Padding {
    const SCHEME: RsaScheme;
}

impl Padding for Pkcs1 {
    const NAME: &'static str = "Rsa";
}

impl BackedPadding for Pkcs1 {
    const SCHEME: RsaScheme = RsaScheme::Pkcs1Sha256;
}

impl Padding for Pss {
    const NAME: &'static str = "RsaPss";
}

impl BackedPadding for Pss {
    const SCHEME: RsaScheme = RsaScheme::PssSha256;
}

/// Modulus and exponent, big-endian without leading zeros.
#[derive(Clone, PartialEq, Eq)]
pub struct RsaPublic {
    n: Vec<u8>,
    e: Vec<u8>,
}

impl fmt::Debug for RsaPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bits", self.n.len() * 8)
    }
}

impl<P: Padding> Sealed for Rsa<P> {
    type Public = RsaPublic;

    const NAME: &'static str = P::NAME;
}

impl<P: BackedPadding> Backed for Rsa<P> {
    fn signer(provider: Provider, pkcs8: &[u8]) -> Result<(SignFn, RsaPublic), Unspecified> {
        let signer = provider.backend().rsa_signer(P::SCHEME, pkcs8)?;
        let (n, e) = signer.public_components();
        Ok((Box::new(move |message| signer.sign(message)), RsaPublic { n, e }))
    }

    fn verifier(provider: Provider, public: &RsaPublic) -> Result<Box<dyn SignatureVerifier>, Unspecified> {
        provider.backend().rsa_verifier(P::SCHEME, &public.n, &public.e)
    }

    fn check(public: &RsaPublic) -> Result<(), SignError> {
        check_public(&public.n, &public.e)
    }
}

#[expect(private_bounds, reason = "every padding is backed; how is nobody's business")]
impl<P: BackedPadding> SigningKey<Rsa<P>> {
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
}

#[expect(private_bounds, reason = "every padding is backed; how is nobody's business")]
impl<P: BackedPadding> VerifyingKey<Rsa<P>> {
    /// Smallest accepted modulus in bits (RFC 7518 §3.3).
    pub const MIN_MODULUS_BITS: usize = rsa_public::MIN_MODULUS_BITS;
    /// Largest accepted modulus in bits: verification cost grows with its square.
    pub const MAX_MODULUS_BITS: usize = rsa_public::MAX_MODULUS_BITS;

    /// Takes modulus and exponent, big-endian without leading zeros (RFC 7518 §6.3.1). Costs some 10 µs.
    ///
    /// # Errors
    ///
    /// [`SignError::ModulusSize`] outside 2048 to 4096 bits; [`SignError::InvalidPublicKey`] when the modulus is even,
    /// has leading zeros or the mark of a key made by the library of CVE-2017-15361 (ROCA), or the exponent is not
    /// 65537.
    pub fn from_components(n: &[u8], e: &[u8]) -> Result<Self, SignError> {
        Self::from_components_with(Provider::default(), n, e)
    }

    /// As [`Self::from_components`], on the given provider.
    ///
    /// # Errors
    ///
    /// As [`Self::from_components`].
    pub fn from_components_with(provider: Provider, n: &[u8], e: &[u8]) -> Result<Self, SignError> {
        let (n, e) = (n.to_vec(), e.to_vec());
        Self::from_public(provider, RsaPublic { n, e })
    }

    /// The modulus, big-endian without leading zeros.
    pub fn modulus(&self) -> &[u8] {
        &self.public().n
    }

    /// The exponent, big-endian without leading zeros.
    pub fn exponent(&self) -> &[u8] {
        &self.public().e
    }
}

fn check_public(n: &[u8], e: &[u8]) -> Result<(), SignError> {
    rsa_public::check(n, e).map_err(|fault| match fault {
        Fault::ModulusSize { bits } => SignError::ModulusSize { bits },
        Fault::Invalid => SignError::InvalidPublicKey,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_padding_verifies_its_own_signatures_only() {
        for provider in Provider::all() {
            let pkcs1 = RsaSigningKey::generate(RsaKeySize::Bits2048).unwrap();
            let pkcs8 = || crate::secret::SecretBytes::new(pkcs1.pkcs8().expose_secret().to_vec());
            let pkcs1 = RsaSigningKey::from_pkcs8_with(provider, pkcs8()).unwrap();
            let pss = RsaPssSigningKey::from_pkcs8_with(provider, pkcs8()).unwrap();
            let signatures = [pkcs1.sign(b"m").unwrap(), pss.sign(b"m").unwrap()];
            for other in Provider::all() {
                let (n, e) = (&pkcs1.public().n, &pkcs1.public().e);
                let pkcs1 = RsaVerifyingKey::from_components_with(other, n, e).unwrap();
                let pss = RsaPssVerifyingKey::from_components_with(other, n, e).unwrap();
                let refused = Err(SignError::InvalidSignature);
                assert_eq!(pkcs1.verify(b"m", &signatures[0]), Ok(()), "{provider:?} {other:?}");
                assert_eq!(pss.verify(b"m", &signatures[1]), Ok(()), "{provider:?} {other:?}");
                assert_eq!(pkcs1.verify(b"m", &signatures[1]), refused);
                assert_eq!(pss.verify(b"m", &signatures[0]), refused);
                assert_eq!(pss.verify(b"n", &signatures[1]), refused);
                assert_eq!(pss.verify(b"m", &signatures[1][1..]), refused);
                assert_eq!(pss.verify(b"m", b""), refused);
            }
            assert_ne!(pss.sign(b"m").unwrap(), signatures[1], "PSS is salted");
        }
    }

    #[test]
    fn small_even_and_padded_moduli_and_other_exponents_are_refused() {
        let mut good = vec![0xc5; 256];
        good[255] = 0x0d;
        let even = [&good[..255], &[0x0e]].concat();
        let padded = [&[0], &good[..]].concat();
        let refused = |n: &[u8], e: &[u8]| RsaVerifyingKey::from_components(n, e).unwrap_err();
        assert!(RsaVerifyingKey::from_components(&good, &[1, 0, 1]).is_ok());
        assert_eq!(refused(&even, &[1, 0, 1]), SignError::InvalidPublicKey);
        assert_eq!(refused(&padded, &[1, 0, 1]), SignError::InvalidPublicKey);
        for e in [&[][..], &[1], &[3], &[0, 1, 0, 1], &[1, 0, 0], &[1, 0, 1, 0]] {
            assert_eq!(refused(&good, e), SignError::InvalidPublicKey, "{e:?}");
        }
        assert_eq!(refused(&good[..128], &[1, 0, 1]), SignError::ModulusSize { bits: 1024 });
        assert_eq!(refused(&[1; 513], &[1, 0, 1]), SignError::ModulusSize { bits: 4097 });
        assert_eq!(refused(&[], &[1, 0, 1]), SignError::InvalidPublicKey);
    }
}
