//! RSAES-OAEP with SHA-256 and MGF1-SHA-256 (RFC 8017 §7.1), the RSA-OAEP-256 of RFC 7518 §4.3.

use std::fmt;

use super::EncryptError;
use crate::key_format::{KeyFormatError, PublicKey};
use crate::keyset::{InvalidMaterial, KeyMaterial};
use crate::provider::{OaepDecrypter, OaepEncrypter, Provider};
use crate::rsa_public::{self, Fault};
use crate::secret::SecretBytes;
use crate::sign::{RsaKeySize, SignError};

/// RFC 7518 §4.3.
const ALGORITHM: &str = "RSA-OAEP-256";

/// Length of a SHA-256 digest in bytes: 256 / 8, not 256 / 4.
const HASH_LEN: usize = 32;

/// The longest message in bytes that RSA-OAEP with SHA-256 encrypts under a modulus of that many bits: the modulus in
/// whole bytes less twice the digest and two (RFC 8017 §7.1.1). 190 at 2048 bits, 318 at 3072, 446 at 4096; 0 where
/// the modulus is too small for any.
pub const fn oaep_max_message_len(modulus_bits: usize) -> usize {
    modulus_bits.div_ceil(8).saturating_sub(2 * HASH_LEN + 2)
}

/// An RSA private key that decrypts RSA-OAEP-256, parsed once.
///
/// It signs nothing, and a signing key decrypts nothing:
///
/// ```compile_fail,E0599
/// use cryptokit::sign::{RsaKeySize, RsaSigningKey};
///
/// let key = RsaSigningKey::generate(RsaKeySize::Bits2048).unwrap();
/// key.decrypt(b"", &[0; 256]);
/// ```
///
/// ```compile_fail,E0599
/// use cryptokit::encrypt::RsaDecryptionKey;
///
/// fn misuse(key: &RsaDecryptionKey) {
///     key.sign(b"message");
/// }
/// ```
///
/// ```compile_fail,E0308
/// use cryptokit::encrypt::RsaDecryptionKey;
/// use cryptokit::sign::RsaSigningKey;
///
/// fn misuse(key: RsaSigningKey) -> RsaDecryptionKey {
///     key
/// }
/// ```
///
/// # Security
///
/// On AWS-LC the private operation is blinded and takes constant time. On ring it is the `rsa` crate's, which
/// RUSTSEC-2023-0071 describes as leaking through time: never let a network peer time it.
pub struct RsaDecryptionKey {
    pkcs8: SecretBytes,
    decrypter: Box<dyn OaepDecrypter>,
    n: Vec<u8>,
    e: Vec<u8>,
    provider: Provider,
}

impl RsaDecryptionKey {
    /// The size to choose without a reason for another: 128-bit strength, since what is encrypted today may have to
    /// stay secret for decades.
    pub const DEFAULT_SIZE: RsaKeySize = RsaKeySize::Bits3072;

    /// Makes a key with the default provider. Takes 30 to 250 ms at 2048 bits, seconds at 4096: never inside a
    /// request.
    ///
    /// # Errors
    ///
    /// [`EncryptError::Backend`] when the backend fails, [`EncryptError::Unsupported`] when it does not decrypt.
    pub fn generate(size: RsaKeySize) -> Result<Self, EncryptError> {
        Self::generate_with(Provider::default(), size)
    }

    /// Makes a key with the given provider.
    ///
    /// # Errors
    ///
    /// As [`Self::generate`].
    pub fn generate_with(provider: Provider, size: RsaKeySize) -> Result<Self, EncryptError> {
        if !provider.decrypts_oaep() {
            return Err(EncryptError::Unsupported);
        }
        let pkcs8 = provider
            .backend()
            .generate_rsa_pkcs8(size.bits())
            .map_err(|_| EncryptError::Backend)?;
        Self::from_pkcs8_with(provider, pkcs8.into())
    }

    /// Reads PKCS#8 DER (RFC 5958) with the key type rsaEncryption.
    ///
    /// # Errors
    ///
    /// [`EncryptError::InvalidPrivateKey`] when the bytes are not a consistent RSA key, [`EncryptError::ModulusSize`]
    /// or [`EncryptError::InvalidPublicKey`] when its public half is not acceptable, [`EncryptError::Unsupported`]
    /// when the provider does not decrypt.
    pub fn from_pkcs8(pkcs8: SecretBytes) -> Result<Self, EncryptError> {
        Self::from_pkcs8_with(Provider::default(), pkcs8)
    }

    /// Reads PKCS#8 DER (RFC 5958) for the given provider.
    ///
    /// # Errors
    ///
    /// As [`Self::from_pkcs8`].
    pub fn from_pkcs8_with(provider: Provider, pkcs8: SecretBytes) -> Result<Self, EncryptError> {
        if !provider.decrypts_oaep() {
            return Err(EncryptError::Unsupported);
        }
        let decrypter = provider
            .backend()
            .oaep_decrypter(pkcs8.expose_secret())
            .map_err(|_| EncryptError::InvalidPrivateKey)?;
        let (n, e) = decrypter.public_components();
        check_public(&n, &e)?;
        Ok(Self {
            pkcs8,
            decrypter,
            n,
            e,
            provider,
        })
    }

    /// The key as PKCS#8 DER.
    pub fn pkcs8(&self) -> &SecretBytes {
        &self.pkcs8
    }

    /// Decrypts what was encrypted to this key under the same label. One private operation; 0.25 ms at 2048 bits on
    /// AWS-LC.
    ///
    /// # Errors
    ///
    /// [`EncryptError::Decrypt`] for every cause: wrong length, padding, label or key.
    pub fn decrypt(&self, label: &[u8], ciphertext: &[u8]) -> Result<SecretBytes, EncryptError> {
        // RFC 8017 §7.1.2 step 1b: exactly as long as the modulus. The length is public.
        if ciphertext.len() != self.n.len() {
            return Err(EncryptError::Decrypt);
        }
        self.decrypter
            .decrypt(label, ciphertext)
            .map(SecretBytes::from)
            .map_err(|_| EncryptError::Decrypt)
    }

    /// The public half, on the same provider.
    ///
    /// # Errors
    ///
    /// [`EncryptError::InvalidPublicKey`] when the backend refuses it.
    pub fn encryption_key(&self) -> Result<RsaEncryptionKey, EncryptError> {
        RsaEncryptionKey::from_components_with(self.provider, &self.n, &self.e)
    }

    /// The RFC 7638 thumbprint of the public half, its `kid` in JOSE.
    pub fn thumbprint(&self) -> String {
        rsa_public::thumbprint(&self.n, &self.e)
    }

    /// Length of the modulus, and of every ciphertext, in bytes.
    pub fn ciphertext_len(&self) -> usize {
        self.n.len()
    }

    pub(crate) fn provider(&self) -> Provider {
        self.provider
    }
}

impl fmt::Debug for RsaDecryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RsaDecryptionKey([redacted])")
    }
}

impl KeyMaterial for RsaDecryptionKey {
    const PURPOSE: &'static str = "decryption";

    fn algorithm(&self) -> &'static str {
        ALGORITHM
    }

    fn to_bytes(&self) -> SecretBytes {
        SecretBytes::new(self.pkcs8.expose_secret().to_vec())
    }

    fn from_bytes(algorithm: &str, bytes: SecretBytes) -> Result<Self, InvalidMaterial> {
        if algorithm != ALGORITHM {
            return Err(InvalidMaterial);
        }
        Self::from_pkcs8(bytes).map_err(|_| InvalidMaterial)
    }
}

/// An RSA public key that encrypts RSA-OAEP-256, parsed once.
pub struct RsaEncryptionKey {
    n: Vec<u8>,
    e: Vec<u8>,
    encrypter: Box<dyn OaepEncrypter>,
    provider: Provider,
}

impl RsaEncryptionKey {
    /// Smallest accepted modulus in bits (RFC 7518 §4.3).
    pub const MIN_MODULUS_BITS: usize = rsa_public::MIN_MODULUS_BITS;
    /// Largest accepted modulus in bits.
    pub const MAX_MODULUS_BITS: usize = rsa_public::MAX_MODULUS_BITS;

    /// Takes modulus and exponent, big-endian without leading zeros (RFC 7518 §6.3.1).
    ///
    /// # Errors
    ///
    /// [`EncryptError::ModulusSize`] outside 2048 to 4096 bits; [`EncryptError::InvalidPublicKey`] when the modulus is
    /// even, has leading zeros or the mark of a key made by the library of CVE-2017-15361 (ROCA), or the exponent is not
    /// 65537.
    pub fn from_components(n: &[u8], e: &[u8]) -> Result<Self, EncryptError> {
        Self::from_components_with(Provider::default(), n, e)
    }

    /// As [`Self::from_components`], on the given provider.
    ///
    /// # Errors
    ///
    /// As [`Self::from_components`].
    pub fn from_components_with(provider: Provider, n: &[u8], e: &[u8]) -> Result<Self, EncryptError> {
        check_public(n, e)?;
        let encrypter = provider
            .backend()
            .oaep_encrypter(n, e)
            .map_err(|_| EncryptError::InvalidPublicKey)?;
        Ok(Self {
            n: n.to_vec(),
            e: e.to_vec(),
            encrypter,
            provider,
        })
    }

    /// Reads a SubjectPublicKeyInfo in DER (RFC 5280 §4.1.2.7) with the key type rsaEncryption.
    ///
    /// # Errors
    ///
    /// [`EncryptError::InvalidPublicKey`] when the bytes are anything else, trailing bytes included, and as
    /// [`Self::from_components`].
    pub fn from_spki(der: &[u8]) -> Result<Self, EncryptError> {
        Self::from_spki_with(Provider::default(), der)
    }

    /// As [`Self::from_spki`], on the given provider.
    ///
    /// # Errors
    ///
    /// As [`Self::from_spki`].
    pub fn from_spki_with(provider: Provider, der: &[u8]) -> Result<Self, EncryptError> {
        let key = PublicKey::from_spki_der(der).map_err(|error| match error {
            KeyFormatError::PublicKey(SignError::ModulusSize { bits }) => EncryptError::ModulusSize { bits },
            _ => EncryptError::InvalidPublicKey,
        })?;
        let (n, e) = key.rsa_components().ok_or(EncryptError::InvalidPublicKey)?;
        Self::from_components_with(provider, n, e)
    }

    /// Encrypts at most [`max_message_len`](Self::max_message_len) bytes under a label. The label is not part of the
    /// ciphertext and not secret: a constant that names the use, or empty as in JOSE. Equal messages give different
    /// ciphertexts.
    ///
    /// # Errors
    ///
    /// [`EncryptError::MessageTooLong`] with both lengths; [`EncryptError::Backend`] when the backend fails.
    pub fn encrypt(&self, label: &[u8], message: &[u8]) -> Result<Vec<u8>, EncryptError> {
        let limit = self.max_message_len();
        if message.len() > limit {
            return Err(EncryptError::MessageTooLong {
                len: message.len(),
                limit,
            });
        }
        self.encrypter
            .encrypt(label, message)
            .map_err(|_| EncryptError::Backend)
    }

    /// The longest message in bytes; see [`oaep_max_message_len`].
    pub fn max_message_len(&self) -> usize {
        oaep_max_message_len(rsa_public::modulus_bits(&self.n))
    }

    /// The RFC 7638 thumbprint, its `kid` in JOSE.
    pub fn thumbprint(&self) -> String {
        rsa_public::thumbprint(&self.n, &self.e)
    }

    /// The modulus, big-endian without leading zeros.
    pub fn modulus(&self) -> &[u8] {
        &self.n
    }

    /// The exponent, big-endian without leading zeros.
    pub fn exponent(&self) -> &[u8] {
        &self.e
    }

    pub(crate) fn provider(&self) -> Provider {
        self.provider
    }
}

impl fmt::Debug for RsaEncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RsaEncryptionKey")
            .field("modulus_bits", &rsa_public::modulus_bits(&self.n))
            .finish_non_exhaustive()
    }
}

fn check_public(n: &[u8], e: &[u8]) -> Result<(), EncryptError> {
    rsa_public::check(n, e).map_err(|fault| match fault {
        Fault::ModulusSize { bits } => EncryptError::ModulusSize { bits },
        Fault::Invalid => EncryptError::InvalidPublicKey,
    })
}
