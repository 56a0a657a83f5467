//! The keysets of the audit log, in the database beside the others and sealed as they are.

use cryptokit::encoding::base64url;
use cryptokit::keyed_digest::DigestKey;
use cryptokit::keyset::Keyset;

use super::chain::AuditSigningKey;
use crate::domain::EmailAddress;
use crate::service::{KeyStorageError, SealedKeysets};

/// Name of the keyset that signs records.
pub const SIGNING: &str = "audit-signing";
/// Name of the keyset under which pseudonyms are made.
pub const PSEUDONYMS: &str = "audit-pseudonyms";

/// What the audit log works with.
#[derive(Debug)]
pub struct AuditKeys {
    /// Signs records.
    pub signing: Keyset<AuditSigningKey>,
    /// Makes pseudonyms.
    pub pseudonyms: Pseudonyms,
}

impl AuditKeys {
    /// Opens both keysets, and makes those that are not there: a database of a version without them gets them at its
    /// first start.
    ///
    /// # Errors
    ///
    /// As [`SealedKeysets::open_or_create`].
    pub async fn open(keysets: &SealedKeysets) -> Result<Self, KeyStorageError> {
        let (_, signing) = keysets.open_or_create(SIGNING, AuditSigningKey::generate).await?;
        let (_, pseudonyms) = keysets.open_or_create(PSEUDONYMS, || Ok(DigestKey::generate())).await?;
        Ok(Self {
            signing,
            pseudonyms: Pseudonyms(pseudonyms),
        })
    }
}

/// Gives addresses other names, the same one for the same address.
#[derive(Debug)]
pub struct Pseudonyms(Keyset<DigestKey>);

impl Pseudonyms {
    /// Under these keys.
    pub fn new(keys: Keyset<DigestKey>) -> Self {
        Self(keys)
    }

    /// The address's name: 96 bits of an HMAC, after the key's id. Without the key nobody can tell which address it
    /// is, or try addresses until one fits.
    pub fn of(&self, address: &EmailAddress) -> String {
        let (id, key) = self.0.primary();
        pseudonym(&id.to_string(), key, address)
    }

    /// Every name that the address has had, under all keys.
    pub fn all_of(&self, address: &EmailAddress) -> Vec<String> {
        self.0
            .entries()
            .iter()
            .map(|entry| pseudonym(&entry.id.to_string(), &entry.key, address))
            .collect()
    }
}

fn pseudonym(id: &str, key: &DigestKey, address: &EmailAddress) -> String {
    let tag = key.digest(&[b"authsvc audit user.email", address.as_str().as_bytes()]);
    format!("{id}.{}", base64url::encode(&tag[..12]))
}
