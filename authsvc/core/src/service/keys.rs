//! The keysets that every installation has.

use cryptokit::aead::AeadKey;
use cryptokit::jose::{TokenKeys, TokenSigningKey};
use cryptokit::keyset::{KeyMaterial, Keyset, RootKey};
use cryptokit::sign::{RsaKeySize, RsaSigningKey};

use super::keysets::{KeyStorageError, sealed_name};
use crate::storage::Store;

/// Name of the keyset that seals password hashes and other secrets of accounts.
pub const SEALING_KEYSET: &str = "password-hashes";
/// Name of the keyset that signs access tokens.
pub const TOKEN_KEYSET: &str = "access-tokens";

/// The keys as they are at one moment, for whoever does not serve: [`KeyRing`](super::KeyRing) follows their changes.
#[derive(Debug)]
pub struct ServiceKeys {
    /// Seals password hashes.
    pub sealing: Keyset<AeadKey>,
    /// Signs and verifies tokens.
    pub tokens: TokenKeys,
}

/// Makes both keysets and stores them. Takes an RSA key generation, 30 to 250 ms.
///
/// # Errors
///
/// [`KeyStorageError::Store`] with a conflict when there are keysets already: nothing is ever overwritten.
pub async fn create_keys(store: &dyn Store, root: &RootKey, size: RsaKeySize) -> Result<(), KeyStorageError> {
    let sealing = Keyset::new(SEALING_KEYSET, AeadKey::generate());
    let tokens = Keyset::new(TOKEN_KEYSET, RsaSigningKey::generate(size)?);
    store.insert_keyset(SEALING_KEYSET, &seal(root, &sealing)?).await?;
    store.insert_keyset(TOKEN_KEYSET, &seal(root, &tokens)?).await?;
    Ok(())
}

/// Opens both keysets.
///
/// # Errors
///
/// [`KeyStorageError::Missing`], [`KeyStorageError::Sealed`] and [`KeyStorageError::Store`].
pub async fn open_keys(store: &dyn Store, root: &RootKey) -> Result<ServiceKeys, KeyStorageError> {
    let sealing = open(store, root, SEALING_KEYSET).await?;
    let tokens = TokenKeys::new(open::<TokenSigningKey>(store, root, TOKEN_KEYSET).await?)?;
    Ok(ServiceKeys { sealing, tokens })
}

fn seal<K: KeyMaterial>(root: &RootKey, keys: &Keyset<K>) -> Result<String, KeyStorageError> {
    root.seal(keys).map_err(|source| KeyStorageError::Seal {
        name: keys.name().to_owned(),
        source,
    })
}

async fn open<K: KeyMaterial>(store: &dyn Store, root: &RootKey, name: &str) -> Result<Keyset<K>, KeyStorageError> {
    let missing = || KeyStorageError::Missing { name: name.to_owned() };
    let stored = store.keyset(name).await?.ok_or_else(missing)?;
    root.open(&sealed_name(name, stored.version), &stored.sealed)
        .map_err(|source| KeyStorageError::Sealed {
            name: name.to_owned(),
            source,
        })
}
