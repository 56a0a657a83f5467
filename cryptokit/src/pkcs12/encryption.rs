//! How keys and certificates in a file are encrypted.

use std::num::NonZeroU32;

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use der::asn1::AnyRef;
use des::TdesEde3;
use pkcs8::spki::AlgorithmIdentifierRef;
use zeroize::Zeroizing;

use super::asn1;
use super::error::Pkcs12Error;
use super::kdf::{self, Purpose};
use super::object_identifier::PBE_WITH_SHA_AND_3_KEY_TRIPLE_DES_CBC;
use super::outline::Protection;
use super::password::Password;
use crate::key_format::object_identifier::{ID_PBES2, name_of_refused};
use crate::key_format::pbes2;
use crate::provider::{Hash, Provider};
use crate::random;

/// Iterations when a file is written: for the key, for the certificates and for the MAC. The most that .NET opens without
/// being told to; OpenSSL, Java, NSS and GnuTLS open twice as many.
pub const ITERATIONS: u32 = 300_000;

/// Iterations of [`Encryption::Legacy`]: what OpenSSL has written for two decades, and so what old readers are known to
/// open.
pub const LEGACY_ITERATIONS: u32 = 2048;

/// How a file is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encryption {
    /// PBES2 with PBKDF2-HMAC-SHA-256 and AES-256-CBC, the MAC with SHA-256: [`ITERATIONS`].
    Modern,
    /// 3DES under a key from SHA-1, the MAC with SHA-1: [`LEGACY_ITERATIONS`]. Only for readers that open nothing else; the
    /// password is all that protects such a file, and it can be tried a hundred times as fast as in a modern one.
    Legacy,
}

impl Encryption {
    pub(super) fn mac_hash(self) -> Hash {
        match self {
            Self::Modern => Hash::Sha256,
            Self::Legacy => Hash::Sha1,
        }
    }

    pub(super) fn iterations(self) -> NonZeroU32 {
        match self {
            Self::Modern => const { NonZeroU32::new(ITERATIONS).expect("not zero") },
            Self::Legacy => const { NonZeroU32::new(LEGACY_ITERATIONS).expect("not zero") },
        }
    }

    /// Bytes of the salts outside PBES2. Old readers expect eight.
    pub(super) fn salt_len(self) -> usize {
        match self {
            Self::Modern => 16,
            Self::Legacy => 8,
        }
    }

    /// Encrypts under a fresh salt: the scheme's AlgorithmIdentifier, then the ciphertext.
    pub(super) fn encrypt(self, provider: Provider, password: &Password<'_>, plaintext: &[u8]) -> (Vec<u8>, Vec<u8>) {
        match self {
            Self::Modern => pbes2::encrypt_content(provider, plaintext, password.utf8, self.iterations()),
            Self::Legacy => {
                let mut salt = vec![0; self.salt_len()];
                random::fill(provider, &mut salt);
                let scheme = TripleDes {
                    salt: &salt,
                    iterations: self.iterations(),
                };
                (scheme.to_der(), scheme.encrypt(provider, password, plaintext))
            }
        }
    }
}

/// What a file says about the encryption of a part, within the bounds.
pub(super) enum Scheme<'a> {
    Pbes2(pbes2::Parameters<'a>),
    TripleDes(TripleDes<'a>),
}

impl<'a> Scheme<'a> {
    pub(super) fn read(algorithm: AnyRef<'a>) -> Result<Self, Pkcs12Error> {
        let algorithm: AlgorithmIdentifierRef<'a> = algorithm.decode_as()?;
        match algorithm.oid {
            ID_PBES2 => Ok(Self::Pbes2(pbes2::Parameters::of(&algorithm)?)),
            PBE_WITH_SHA_AND_3_KEY_TRIPLE_DES_CBC => {
                let parameters = algorithm.parameters.ok_or(Pkcs12Error::Malformed)?;
                Ok(Self::TripleDes(TripleDes::read(parameters)?))
            }
            oid => Err(Pkcs12Error::Unsupported {
                scheme: name_of_refused(&oid),
            }),
        }
    }

    pub(super) fn work(&self) -> u64 {
        match self {
            Self::Pbes2(parameters) => parameters.work(),
            // Two digests for the key and one for the initialisation vector.
            Self::TripleDes(scheme) => 3 * u64::from(scheme.iterations.get()),
        }
    }

    pub(super) fn describe(&self) -> Protection {
        match self {
            Self::Pbes2(parameters) => {
                let (scheme, iterations) = parameters.describe();
                Protection { scheme, iterations }
            }
            Self::TripleDes(scheme) => Protection {
                scheme: "SHA-1, 3DES-CBC".to_owned(),
                iterations: Some(scheme.iterations.get()),
            },
        }
    }

    pub(super) fn decrypt(
        &self,
        provider: Provider,
        password: &Password<'_>,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Pkcs12Error> {
        match self {
            Self::Pbes2(parameters) => Ok(parameters.decrypt(provider, password.utf8, ciphertext)?),
            Self::TripleDes(scheme) => scheme.decrypt(provider, password, ciphertext),
        }
    }
}

/// pbeWithSHAAnd3-KeyTripleDES-CBC (RFC 7292 appendix C).
pub(super) struct TripleDes<'a> {
    salt: &'a [u8],
    iterations: NonZeroU32,
}

impl<'a> TripleDes<'a> {
    fn read(parameters: AnyRef<'a>) -> Result<Self, Pkcs12Error> {
        let [salt, iterations] = asn1::sequence(parameters)?[..] else {
            return Err(Pkcs12Error::Malformed);
        };
        Ok(Self {
            salt: asn1::octets(salt)?,
            iterations: NonZeroU32::new(iterations.decode_as()?).ok_or(Pkcs12Error::Malformed)?,
        })
    }

    fn to_der(&self) -> Vec<u8> {
        let parameters = asn1::write_sequence(&[
            &asn1::write_octets(self.salt),
            &asn1::write_integer(self.iterations.get()),
        ]);
        let oid = asn1::write_object_identifier(&PBE_WITH_SHA_AND_3_KEY_TRIPLE_DES_CBC);
        asn1::write_sequence(&[&oid, &parameters])
    }

    fn encrypt(&self, provider: Provider, password: &Password<'_>, plaintext: &[u8]) -> Vec<u8> {
        let (key, iv) = self.derive(provider, password);
        let mut buffer = Zeroizing::new(vec![0; (plaintext.len() / 8 + 1) * 8]);
        buffer[..plaintext.len()].copy_from_slice(plaintext);
        cbc::Encryptor::<TdesEde3>::new_from_slices(&key[..], &iv)
            .expect("lengths of this cipher")
            .encrypt_padded::<Pkcs7>(&mut buffer, plaintext.len())
            .expect("the buffer has room for the padding")
            .to_vec()
    }

    fn decrypt(
        &self,
        provider: Provider,
        password: &Password<'_>,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Pkcs12Error> {
        let (key, iv) = self.derive(provider, password);
        let mut buffer = Zeroizing::new(ciphertext.to_vec());
        let length = cbc::Decryptor::<TdesEde3>::new_from_slices(&key[..], &iv)
            .expect("lengths of this cipher")
            .decrypt_padded::<Pkcs7>(&mut buffer)
            .map_err(|_| Pkcs12Error::Password)?
            .len();
        buffer.truncate(length);
        Ok(buffer)
    }

    fn derive(&self, provider: Provider, password: &Password<'_>) -> (Zeroizing<[u8; 24]>, [u8; 8]) {
        let mut key = Zeroizing::new([0; 24]);
        let mut iv = [0; 8];
        let derive = |purpose, out: &mut [u8]| {
            kdf::derive(
                provider,
                Hash::Sha1,
                purpose,
                &password.utf16,
                self.salt,
                self.iterations,
                out,
            );
        };
        derive(Purpose::EncryptionKey, &mut key[..]);
        derive(Purpose::InitialisationVector, &mut iv);
        (key, iv)
    }
}
