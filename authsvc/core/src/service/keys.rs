//! The service's keysets in the database, sealed by the root key.

use cryptokit::aead::AeadKey;
use cryptokit::jose::{TokenKeys, TokenSigningKey};
use cryptokit::keyset::{KeyMaterial, Keyset, KeysetError, RootKey};
use cryptokit::sign::{RsaKeySize, RsaSigningKey, SignError};

use crate::storage::{Store, StoreError};

/// Name of the keyset that seals password hashes.
const SEALING: &str = "password-hashes";
/// Name of the keyset that signs access tokens.
const TOKENS: &str = "access-tokens";

/// The keys the service works with.
#[derive(Debug)]
pub struct ServiceKeys {
    /// Seals password hashes.
    pub sealing: Keyset<AeadKey>,
    /// Signs and verifies tokens.
    pub tokens: TokenKeys,
}

/// Why keys could not be made or opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyStorageError {
    /// The database has no such keyset: it was never initialised.
    #[error("the database holds no keyset {name:?}; authsvc init makes one")]
    Missing {
        /// Its name.
        name: &'static str,
    },
    /// The sealed keyset does not open: another root key, or an altered row.
    #[error("keyset {name:?} does not open; is this the root key that the database was made with?")]
    Sealed {
        /// Its name.
        name: &'static str,
        /// What is wrong with it.
        #[source]
        source: KeysetError,
    },
    /// A keyset could not be sealed.
    #[error("keyset {name:?} could not be sealed")]
    Seal {
        /// Its name.
        name: &'static str,
        /// Why.
        #[source]
        source: KeysetError,
    },
    /// The backend could not make a key.
    #[error("a key could not be made")]
    Sign(#[from] SignError),
    /// The database did not do its part.
    #[error("the database could not be used")]
    Store(#[from] StoreError),
}

/// Makes both keysets and stores them. Takes an RSA key generation, 30 to 250 ms.
///
/// # Errors
///
/// [`KeyStorageError::Store`] with a conflict when there are keysets already: nothing is ever overwritten.
pub async fn create_keys(store: &dyn Store, root: &RootKey, size: RsaKeySize) -> Result<(), KeyStorageError> {
    let sealing = Keyset::new(SEALING, AeadKey::generate());
    let tokens = Keyset::new(TOKENS, RsaSigningKey::generate(size)?);
    store.insert_keyset(SEALING, &seal(root, SEALING, &sealing)?).await?;
    store.insert_keyset(TOKENS, &seal(root, TOKENS, &tokens)?).await?;
    Ok(())
}

/// Opens both keysets.
///
/// # Errors
///
/// [`KeyStorageError::Missing`], [`KeyStorageError::Sealed`] and [`KeyStorageError::Store`].
pub async fn open_keys(store: &dyn Store, root: &RootKey) -> Result<ServiceKeys, KeyStorageError> {
    let sealing = open(store, root, SEALING).await?;
    let tokens = TokenKeys::new(open::<TokenSigningKey>(store, root, TOKENS).await?)?;
    Ok(ServiceKeys { sealing, tokens })
}

fn seal<K: KeyMaterial>(root: &RootKey, name: &'static str, keys: &Keyset<K>) -> Result<String, KeyStorageError> {
    root.seal(keys).map_err(|source| KeyStorageError::Seal { name, source })
}

async fn open<K: KeyMaterial>(
    store: &dyn Store,
    root: &RootKey,
    name: &'static str,
) -> Result<Keyset<K>, KeyStorageError> {
    let sealed = store.keyset(name).await?.ok_or(KeyStorageError::Missing { name })?;
    root.open(name, &sealed)
        .map_err(|source| KeyStorageError::Sealed { name, source })
}
