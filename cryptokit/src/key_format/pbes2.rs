//! PBES2 (RFC 8018 §6.2) around PKCS#8: the encryption of private keys that OpenSSL 3 and GnuTLS read and write.

use std::num::NonZeroU32;

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use aes::{Aes128, Aes192, Aes256};
use der::asn1::{AnyRef, Null, ObjectIdentifier, OctetStringRef};
use der::{Decode, Encode, Reader, SliceReader};
use pkcs8::spki::AlgorithmIdentifierRef;
use zeroize::Zeroizing;

use super::error::KeyFormatError;
use super::object_identifier::{
    AES128_CBC_PAD, AES192_CBC_PAD, AES256_CBC_PAD, ID_HMAC_WITH_SHA1, ID_HMAC_WITH_SHA256, ID_HMAC_WITH_SHA512,
    ID_PBES2, ID_PBKDF2, ID_SCRYPT, name_of_refused,
};
use crate::provider::{Hash, Provider};
use crate::random;
use crate::secret::SecretString;

/// Iterations of PBKDF2-HMAC-SHA-256 when a key is written: OWASP's figure for it, 0.1 s.
pub const PBKDF2_ITERATIONS: u32 = 600_000;

/// Most iterations of PBKDF2 that are run to read a key: what RFC 8018 §4.2 proposes for especially critical keys, some
/// seconds.
pub const MAX_PBKDF2_ITERATIONS: u32 = 10_000_000;

/// Most memory that scrypt may ask for to read a key, in bytes: 128·r·(N + p), which is V and B of RFC 7914 §5 and §6.
/// OpenSSL's default is 16 MiB.
pub const MAX_SCRYPT_MEMORY_BYTES: u64 = 128 << 20;

/// Most work that scrypt may ask for to read a key: N·r·p, eight times what the memory bound allows at p = 1.
pub const MAX_SCRYPT_WORK: u64 = 1 << 23;

const SALT_LEN: usize = 16;
const MAX_SALT_LEN: usize = 1024;
const BLOCK_LEN: usize = 16;

/// Encrypts with a fresh salt and initialisation vector into EncryptedPrivateKeyInfo (RFC 5958 §3).
pub(super) fn encrypt(
    provider: Provider,
    plaintext: &[u8],
    passphrase: &SecretString,
) -> Result<Vec<u8>, KeyFormatError> {
    if passphrase.is_empty() {
        return Err(KeyFormatError::EmptyPassphrase);
    }
    let iterations = const { NonZeroU32::new(PBKDF2_ITERATIONS).expect("not zero") };
    let (scheme, ciphertext) = encrypt_content(provider, plaintext, passphrase.expose_secret().as_bytes(), iterations);
    let write = || {
        let scheme = AnyRef::from_der(&scheme)?;
        sequence_of(&[&scheme, &OctetStringRef::new(&ciphertext)?])
    };
    Ok(write().expect("lengths of a key"))
}

/// Encrypts with a fresh salt and initialisation vector: the scheme's AlgorithmIdentifier, then the ciphertext.
pub(crate) fn encrypt_content(
    provider: Provider,
    plaintext: &[u8],
    passphrase: &[u8],
    iterations: NonZeroU32,
) -> (Vec<u8>, Vec<u8>) {
    let mut salt = [0; SALT_LEN];
    let mut iv = [0; BLOCK_LEN];
    random::fill(provider, &mut salt);
    random::fill(provider, &mut iv);
    let parameters = Parameters {
        kdf: Kdf::Pbkdf2 {
            hash: Hash::Sha256,
            salt: &salt,
            iterations,
        },
        cipher: Cipher::Aes256,
        iv,
    };
    let key = parameters
        .derive_key(provider, passphrase)
        .expect("PBKDF2 takes any password");
    let ciphertext = parameters.cipher.encrypt(&key, &iv, plaintext);
    let scheme = write_scheme(&salt, iterations, &iv).expect("lengths of this scheme");
    (scheme, ciphertext)
}

/// Decrypts to what ought to be PKCS#8.
pub(super) fn decrypt(
    provider: Provider,
    der: &[u8],
    passphrase: &SecretString,
) -> Result<Zeroizing<Vec<u8>>, KeyFormatError> {
    let (parameters, ciphertext) = read(der)?;
    if passphrase.is_empty() {
        return Err(KeyFormatError::EmptyPassphrase);
    }
    parameters.decrypt(provider, passphrase.expose_secret().as_bytes(), ciphertext)
}

/// Why no passphrase would open this, if so.
pub(super) fn refusal(der: &[u8]) -> Option<KeyFormatError> {
    read(der).err()
}

/// Reads EncryptedPrivateKeyInfo (RFC 5958 §3) up to its ciphertext.
fn read(der: &[u8]) -> Result<(Parameters<'_>, &[u8]), KeyFormatError> {
    let (scheme, ciphertext) = sequence(der, |reader| {
        Ok((
            AlgorithmIdentifierRef::decode(reader)?,
            <&OctetStringRef>::decode(reader)?.as_bytes(),
        ))
    })?;
    Ok((Parameters::of(&scheme)?, ciphertext))
}

/// What a file says about its encryption, within the bounds.
pub(crate) struct Parameters<'a> {
    kdf: Kdf<'a>,
    cipher: Cipher,
    iv: [u8; BLOCK_LEN],
}

enum Kdf<'a> {
    Pbkdf2 {
        hash: Hash,
        salt: &'a [u8],
        iterations: NonZeroU32,
    },
    Scrypt {
        salt: &'a [u8],
        params: scrypt::Params,
        /// N·r·p
        work: u64,
    },
}

#[derive(Clone, Copy)]
enum Cipher {
    Aes128,
    Aes192,
    Aes256,
}

impl<'a> Parameters<'a> {
    /// Reads the AlgorithmIdentifier of a scheme.
    pub(crate) fn of(scheme: &AlgorithmIdentifierRef<'a>) -> Result<Self, KeyFormatError> {
        if scheme.oid != ID_PBES2 {
            return Err(unsupported(&scheme.oid));
        }
        // RFC 8018 appendix A.4: PBES2-params.
        let (kdf, encryption) = scheme
            .parameters
            .ok_or(KeyFormatError::Malformed)?
            .sequence(|reader| {
                let kdf = AlgorithmIdentifierRef::decode(reader)?;
                Ok::<_, der::Error>((kdf, AlgorithmIdentifierRef::decode(reader)?))
            })
            .map_err(malformed)?;
        let cipher = Cipher::of(&encryption.oid)?;
        // RFC 8018 appendix B.2.5: the parameters are the initialisation vector.
        let iv = parameters_as::<&OctetStringRef>(&encryption)?
            .as_bytes()
            .try_into()
            .map_err(|_| KeyFormatError::Malformed)?;
        let kdf = Kdf::read(&kdf, cipher.key_len())?;
        Ok(Self { kdf, cipher, iv })
    }

    /// Decrypts with the passphrase's bytes as they are.
    pub(crate) fn decrypt(
        &self,
        provider: Provider,
        passphrase: &[u8],
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeyFormatError> {
        let key = self.derive_key(provider, passphrase)?;
        self.cipher.decrypt(&key, &self.iv, ciphertext)
    }

    /// The scheme in words, and how often PBKDF2 iterates.
    pub(crate) fn describe(&self) -> (String, Option<u32>) {
        let (kdf, iterations) = match &self.kdf {
            Kdf::Pbkdf2 { hash, iterations, .. } => (format!("PBKDF2-HMAC-{hash}"), Some(iterations.get())),
            Kdf::Scrypt { .. } => ("scrypt".to_owned(), None),
        };
        (format!("{kdf}, AES-{}-CBC", self.cipher.key_len() * 8), iterations)
    }

    /// What it costs to derive the key, in iterations.
    pub(crate) fn work(&self) -> u64 {
        match &self.kdf {
            Kdf::Pbkdf2 { iterations, .. } => iterations.get().into(),
            Kdf::Scrypt { work, .. } => *work,
        }
    }

    fn derive_key(&self, provider: Provider, passphrase: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyFormatError> {
        let mut key = Zeroizing::new(vec![0; self.cipher.key_len()]);
        match &self.kdf {
            Kdf::Pbkdf2 { hash, salt, iterations } => {
                provider
                    .backend()
                    .pbkdf2(*hash, passphrase, salt, *iterations, &mut key);
            }
            Kdf::Scrypt { salt, params, .. } => {
                scrypt::scrypt(passphrase, salt, params, &mut key).map_err(|_| KeyFormatError::Malformed)?;
            }
        }
        Ok(key)
    }
}

impl<'a> Kdf<'a> {
    fn read(identifier: &AlgorithmIdentifierRef<'a>, key_len: usize) -> Result<Self, KeyFormatError> {
        let parameters = identifier.parameters;
        match identifier.oid {
            ID_PBKDF2 => Self::read_pbkdf2(parameters.ok_or(KeyFormatError::Malformed)?, key_len),
            ID_SCRYPT => Self::read_scrypt(parameters.ok_or(KeyFormatError::Malformed)?, key_len),
            oid => Err(unsupported(&oid)),
        }
    }

    /// RFC 8018 appendix A.2: PBKDF2-params.
    fn read_pbkdf2(parameters: AnyRef<'a>, key_len: usize) -> Result<Self, KeyFormatError> {
        let (salt, iterations, length, prf) = parameters
            .sequence(|reader| {
                Ok::<_, der::Error>((
                    <&OctetStringRef>::decode(reader)?.as_bytes(),
                    u64::decode(reader)?,
                    Option::<u16>::decode(reader)?,
                    Option::<AlgorithmIdentifierRef<'_>>::decode(reader)?,
                ))
            })
            .map_err(malformed)?;
        check_salt_and_length(salt, length, key_len)?;
        let hash = match prf {
            // The default of the type. OpenSSL before 1.1 wrote nothing else.
            None => Hash::Sha1,
            Some(prf) => {
                // RFC 8018 appendix B.1: the parameters are NULL; some writers leave them out.
                if prf.parameters.is_some_and(|parameters| !parameters.is_null()) {
                    return Err(KeyFormatError::Malformed);
                }
                match prf.oid {
                    ID_HMAC_WITH_SHA1 => Hash::Sha1,
                    ID_HMAC_WITH_SHA256 => Hash::Sha256,
                    ID_HMAC_WITH_SHA512 => Hash::Sha512,
                    oid => return Err(unsupported(&oid)),
                }
            }
        };
        if iterations > u64::from(MAX_PBKDF2_ITERATIONS) {
            return Err(KeyFormatError::TooCostly);
        }
        let iterations = u32::try_from(iterations)
            .ok()
            .and_then(NonZeroU32::new)
            .ok_or(KeyFormatError::Malformed)?;
        Ok(Self::Pbkdf2 { hash, salt, iterations })
    }

    /// RFC 7914 §7.1: scrypt-params.
    fn read_scrypt(parameters: AnyRef<'a>, key_len: usize) -> Result<Self, KeyFormatError> {
        let (salt, n, r, p, length) = parameters
            .sequence(|reader| {
                Ok::<_, der::Error>((
                    <&OctetStringRef>::decode(reader)?.as_bytes(),
                    u64::decode(reader)?,
                    u32::decode(reader)?,
                    u32::decode(reader)?,
                    Option::<u16>::decode(reader)?,
                ))
            })
            .map_err(malformed)?;
        check_salt_and_length(salt, length, key_len)?;
        // RFC 7914 §2: N is a power of two greater than 1.
        if n < 2 || !n.is_power_of_two() || r == 0 || p == 0 {
            return Err(KeyFormatError::Malformed);
        }
        // B is p blocks beside the N of V: with a small N, most of it.
        let memory = n
            .checked_add(u64::from(p))
            .and_then(|blocks| blocks.checked_mul(u64::from(r)))
            .and_then(|blocks| blocks.checked_mul(128));
        let work = n
            .checked_mul(u64::from(r))
            .and_then(|blocks| blocks.checked_mul(u64::from(p)));
        let within = |value: Option<u64>, bound| value.filter(|value| *value <= bound);
        let work = within(memory, MAX_SCRYPT_MEMORY_BYTES)
            .and(within(work, MAX_SCRYPT_WORK))
            .ok_or(KeyFormatError::TooCostly)?;
        let log_n = u8::try_from(n.ilog2()).map_err(|_| KeyFormatError::Malformed)?;
        let params = scrypt::Params::new(log_n, r, p).map_err(|_| KeyFormatError::Malformed)?;
        Ok(Self::Scrypt { salt, params, work })
    }
}

impl Cipher {
    fn of(oid: &ObjectIdentifier) -> Result<Self, KeyFormatError> {
        match *oid {
            AES128_CBC_PAD => Ok(Self::Aes128),
            AES192_CBC_PAD => Ok(Self::Aes192),
            AES256_CBC_PAD => Ok(Self::Aes256),
            _ => Err(unsupported(oid)),
        }
    }

    fn key_len(self) -> usize {
        match self {
            Self::Aes128 => 16,
            Self::Aes192 => 24,
            Self::Aes256 => 32,
        }
    }

    fn encrypt(self, key: &[u8], iv: &[u8; BLOCK_LEN], plaintext: &[u8]) -> Vec<u8> {
        let mut buffer = Zeroizing::new(vec![0; (plaintext.len() / BLOCK_LEN + 1) * BLOCK_LEN]);
        buffer[..plaintext.len()].copy_from_slice(plaintext);
        let len = plaintext.len();
        let result = match self {
            Self::Aes128 => encryptor::<Aes128>(key, iv)
                .encrypt_padded::<Pkcs7>(&mut buffer, len)
                .map(<[u8]>::to_vec),
            Self::Aes192 => encryptor::<Aes192>(key, iv)
                .encrypt_padded::<Pkcs7>(&mut buffer, len)
                .map(<[u8]>::to_vec),
            Self::Aes256 => encryptor::<Aes256>(key, iv)
                .encrypt_padded::<Pkcs7>(&mut buffer, len)
                .map(<[u8]>::to_vec),
        };
        result.expect("the buffer has room for the padding")
    }

    fn decrypt(
        self,
        key: &[u8],
        iv: &[u8; BLOCK_LEN],
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeyFormatError> {
        let mut buffer = Zeroizing::new(ciphertext.to_vec());
        let length = match self {
            Self::Aes128 => decryptor::<Aes128>(key, iv)
                .decrypt_padded::<Pkcs7>(&mut buffer)
                .map(<[u8]>::len),
            Self::Aes192 => decryptor::<Aes192>(key, iv)
                .decrypt_padded::<Pkcs7>(&mut buffer)
                .map(<[u8]>::len),
            Self::Aes256 => decryptor::<Aes256>(key, iv)
                .decrypt_padded::<Pkcs7>(&mut buffer)
                .map(<[u8]>::len),
        };
        let length = length.map_err(|_| KeyFormatError::Passphrase)?;
        buffer.truncate(length);
        Ok(buffer)
    }
}

fn encryptor<C>(key: &[u8], iv: &[u8; BLOCK_LEN]) -> cbc::Encryptor<C>
where
    C: aes::cipher::BlockCipherEncrypt + aes::cipher::KeyInit,
{
    cbc::Encryptor::new_from_slices(key, iv).expect("lengths of this cipher")
}

fn decryptor<C>(key: &[u8], iv: &[u8; BLOCK_LEN]) -> cbc::Decryptor<C>
where
    C: aes::cipher::BlockCipherDecrypt + aes::cipher::KeyInit,
{
    cbc::Decryptor::new_from_slices(key, iv).expect("lengths of this cipher")
}

/// The AlgorithmIdentifier of the scheme that [`encrypt_content`] uses.
fn write_scheme(salt: &[u8], iterations: NonZeroU32, iv: &[u8]) -> der::Result<Vec<u8>> {
    let prf = AlgorithmIdentifierRef {
        oid: ID_HMAC_WITH_SHA256,
        parameters: Some(AnyRef::from(Null)),
    };
    let kdf = sequence_of(&[&OctetStringRef::new(salt)?, &iterations.get(), &prf])?;
    let kdf = AlgorithmIdentifierRef {
        oid: ID_PBKDF2,
        parameters: Some(AnyRef::from_der(&kdf)?),
    };
    let encryption = AlgorithmIdentifierRef {
        oid: AES256_CBC_PAD,
        parameters: Some(AnyRef::from(OctetStringRef::new(iv)?)),
    };
    let parameters = sequence_of(&[&kdf, &encryption])?;
    let scheme = AlgorithmIdentifierRef {
        oid: ID_PBES2,
        parameters: Some(AnyRef::from_der(&parameters)?),
    };
    scheme.to_der()
}

/// A SEQUENCE of these elements.
fn sequence_of(elements: &[&dyn DerElement]) -> der::Result<Vec<u8>> {
    let mut value = Vec::new();
    for element in elements {
        value.extend(element.der()?);
    }
    AnyRef::new(der::Tag::Sequence, &value)?.to_der()
}

/// [`Encode`], for lists of elements of different types.
trait DerElement {
    fn der(&self) -> der::Result<Vec<u8>>;
}

impl<T: Encode> DerElement for T {
    fn der(&self) -> der::Result<Vec<u8>> {
        self.to_der()
    }
}

/// Reads one SEQUENCE that fills `der` to its end.
fn sequence<'a, T>(
    der: &'a [u8],
    read: impl FnOnce(&mut SliceReader<'a>) -> der::Result<T>,
) -> Result<T, KeyFormatError> {
    let mut reader = SliceReader::new(der).map_err(malformed)?;
    let value = reader.sequence(read).map_err(malformed)?;
    reader.finish().map_err(malformed)?;
    Ok(value)
}

fn parameters_as<'a, T>(identifier: &AlgorithmIdentifierRef<'a>) -> Result<T, KeyFormatError>
where
    T: der::Choice<'a, Error = der::Error> + der::DecodeValue<'a, Error = der::Error>,
{
    identifier
        .parameters
        .ok_or(KeyFormatError::Malformed)?
        .decode_as()
        .map_err(malformed)
}

fn check_salt_and_length(salt: &[u8], length: Option<u16>, key_len: usize) -> Result<(), KeyFormatError> {
    if salt.len() > MAX_SALT_LEN || length.is_some_and(|length| usize::from(length) != key_len) {
        return Err(KeyFormatError::Malformed);
    }
    Ok(())
}

fn unsupported(oid: &ObjectIdentifier) -> KeyFormatError {
    KeyFormatError::UnsupportedEncryption {
        scheme: name_of_refused(oid),
    }
}

fn malformed(_: der::Error) -> KeyFormatError {
    KeyFormatError::Malformed
}
