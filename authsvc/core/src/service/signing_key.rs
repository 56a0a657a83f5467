//! Keys that sign what others verify, and are named in what they sign: those of tokens, and those of the feed of
//! revocations. They have one life.

use cryptokit::jose::{FeedSigningKey, Jwk, JwsAlgorithm, TokenSigningKey};
use cryptokit::keyset::{KeyEntry, KeyId, KeyMaterial, KeyStatus, Keyset, UsagePeriod};
use cryptokit::sign::SignError;
use time::OffsetDateTime;

use super::keysets::KeyStorageError;

/// A key that is named in what it signs.
pub(super) trait SigningKey: KeyMaterial {
    /// What it signs with.
    fn jws_algorithm(&self) -> JwsAlgorithm;

    /// Its name: the RFC 7638 thumbprint of the public key.
    fn kid(&self) -> Result<String, SignError>;
}

impl SigningKey for TokenSigningKey {
    fn jws_algorithm(&self) -> JwsAlgorithm {
        self.algorithm()
    }

    fn kid(&self) -> Result<String, SignError> {
        Ok(Jwk::from_key(&self.verifying_key()?).kid().to_owned())
    }
}

impl SigningKey for FeedSigningKey {
    fn jws_algorithm(&self) -> JwsAlgorithm {
        JwsAlgorithm::EdDsa
    }

    fn kid(&self) -> Result<String, SignError> {
        Ok(self.verifying_key()?.kid())
    }
}

/// What is known of a key beside its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKeyEntry {
    /// Its id in the keyset.
    pub id: KeyId,
    /// Its id in tokens: the RFC 7638 thumbprint.
    pub kid: String,
    /// What it signs with.
    pub algorithm: JwsAlgorithm,
    /// Where it is in its life.
    pub status: KeyStatus,
    /// When it may sign.
    pub usage_period: UsagePeriod,
    /// Until when its tokens live, once it is retired.
    pub needed_until: Option<OffsetDateTime>,
}

/// What is known of each key beside its secret.
pub(super) fn key_entries<K: SigningKey>(keyset: &Keyset<K>) -> Result<Vec<SigningKeyEntry>, KeyStorageError> {
    let describe = |entry: &KeyEntry<K>| {
        Ok(SigningKeyEntry {
            id: entry.id,
            kid: entry.key.kid()?,
            algorithm: entry.key.jws_algorithm(),
            status: entry.status,
            usage_period: entry.usage_period,
            needed_until: entry.needed_until,
        })
    };
    keyset.entries().iter().map(describe).collect()
}
