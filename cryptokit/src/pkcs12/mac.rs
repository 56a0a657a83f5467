//! Integrity under a password: MacData (RFC 7292 §4).

use std::num::NonZeroU32;

use der::Encode;
use der::asn1::AnyRef;
use pkcs8::spki::AlgorithmIdentifierRef;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::asn1;
use super::error::Pkcs12Error;
use super::kdf::{self, Purpose};
use super::object_identifier::{ID_SHA1, ID_SHA256, ID_SHA512, name_of_refused_mac};
use super::outline::Protection;
use super::password::Password;
use crate::provider::{Hash, HmacTag, Provider};

/// What a file says about its integrity.
pub(super) struct MacData<'a> {
    hash: Hash,
    digest: &'a [u8],
    salt: &'a [u8],
    iterations: NonZeroU32,
}

impl<'a> MacData<'a> {
    pub(super) fn read(element: AnyRef<'a>) -> Result<Self, Pkcs12Error> {
        let fields = asn1::sequence(element)?;
        let (digest_info, salt, iterations) = match fields[..] {
            // RFC 7292 §4: one iteration is the default of the type.
            [digest_info, salt] => (digest_info, salt, 1),
            [digest_info, salt, iterations] => (digest_info, salt, iterations.decode_as::<u32>()?),
            _ => return Err(Pkcs12Error::Malformed),
        };
        let [algorithm, digest] = asn1::sequence(digest_info)?[..] else {
            return Err(Pkcs12Error::Malformed);
        };
        let algorithm: AlgorithmIdentifierRef<'_> = algorithm.decode_as()?;
        // RFC 8017 appendix B.1: the parameters are NULL; some writers leave them out.
        if algorithm.parameters.is_some_and(|parameters| !parameters.is_null()) {
            return Err(Pkcs12Error::Malformed);
        }
        let hash = match algorithm.oid {
            ID_SHA1 => Hash::Sha1,
            ID_SHA256 => Hash::Sha256,
            ID_SHA512 => Hash::Sha512,
            oid => {
                return Err(Pkcs12Error::Unsupported {
                    scheme: name_of_refused_mac(&oid),
                });
            }
        };
        Ok(Self {
            hash,
            digest: asn1::octets(digest)?,
            salt: asn1::octets(salt)?,
            iterations: NonZeroU32::new(iterations).ok_or(Pkcs12Error::Malformed)?,
        })
    }

    pub(super) fn work(&self) -> u64 {
        self.iterations.get().into()
    }

    pub(super) fn describe(&self) -> Protection {
        Protection {
            scheme: format!("HMAC-{}", self.hash),
            iterations: Some(self.iterations.get()),
        }
    }

    pub(super) fn verify(&self, provider: Provider, password: &Password<'_>, content: &[u8]) -> bool {
        let tag = tag(provider, self.hash, password, self.salt, self.iterations, content);
        tag.as_ref().ct_eq(self.digest).into()
    }
}

/// MacData over these contents.
pub(super) fn write(
    provider: Provider,
    hash: Hash,
    password: &Password<'_>,
    salt: &[u8],
    iterations: NonZeroU32,
    content: &[u8],
) -> Vec<u8> {
    let tag = tag(provider, hash, password, salt, iterations, content);
    let oid = match hash {
        Hash::Sha1 => ID_SHA1,
        Hash::Sha256 => ID_SHA256,
        Hash::Sha512 => ID_SHA512,
    };
    let algorithm = AlgorithmIdentifierRef {
        oid,
        parameters: Some(AnyRef::NULL),
    };
    let algorithm = algorithm.to_der().expect("an identifier is short");
    let digest_info = asn1::write_sequence(&[&algorithm, &asn1::write_octets(tag.as_ref())]);
    asn1::write_sequence(&[
        &digest_info,
        &asn1::write_octets(salt),
        &asn1::write_integer(iterations.get()),
    ])
}

fn tag(
    provider: Provider,
    hash: Hash,
    password: &Password<'_>,
    salt: &[u8],
    iterations: NonZeroU32,
    content: &[u8],
) -> HmacTag {
    let mut key = Zeroizing::new(vec![0; hash.output_len()]);
    kdf::derive(
        provider,
        hash,
        Purpose::MacKey,
        &password.utf16,
        salt,
        iterations,
        &mut key,
    );
    provider.backend().hmac(hash, &key).sign(&[content])
}
