//! The keys in use: swapped as a whole when the database holds newer ones, never waited for.
//!
//! Every replica asks for the versions of the keysets every half second ([`KeyRing::poll`]) and loads what is newer.
//! Requests take the keys of the moment and go on with them.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use cryptokit::aead::AeadKey;
use cryptokit::encoding::base64url;
use cryptokit::hash::sha256;
use cryptokit::jose::{AccessTokenClaims, IssueError, TokenKeys, TokenSigningKey};
use cryptokit::keyset::{KeyStatus, Keyset};
use cryptokit::secret::SecretString;
use time::OffsetDateTime;

use super::keys::{SEALING_KEYSET, TOKEN_KEYSET};
use super::keysets::{KeyStorageError, SealedKeysets};
use super::signing_key::{SigningKeyEntry, key_entries};
use crate::clock::Clock;

/// How often a replica looks for newer keysets.
pub const KEY_POLL_INTERVAL: Duration = Duration::from_millis(500);

/// How long a replica that cannot ask for newer keysets goes on signing with those it has. Retired keys verify for this
/// much longer than their last token lives, so that none of its tokens is dead.
pub const MAX_UNPOLLED_SIGNING: Duration = Duration::from_secs(10 * 60);

/// The keys of one replica.
pub struct KeyRing {
    keysets: SealedKeysets,
    clock: Arc<dyn Clock>,
    tokens: RwLock<Arc<TokenKeyset>>,
    sealing: RwLock<Arc<SealingKeyset>>,
    /// Since when the database could not be asked.
    unpolled_since: Mutex<Option<OffsetDateTime>>,
}

/// The keys of tokens at one version of their keyset.
#[derive(Debug)]
pub struct TokenKeyset {
    /// The version.
    pub version: u64,
    /// What signs and verifies.
    pub keys: TokenKeys,
    /// What is published.
    pub published: PublishedKeys,
    /// What is known of each key, revoked ones included, in the order they were made.
    pub entries: Vec<SigningKeyEntry>,
}

/// The public keys as they are served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedKeys {
    /// The JWK Set.
    pub json: String,
    /// Its entity tag.
    pub etag: String,
    /// The `kid`s in it.
    pub kids: Vec<String>,
}

/// The keys that seal secrets of accounts, at one version of their keyset.
#[derive(Debug)]
pub struct SealingKeyset {
    /// The version.
    pub version: u64,
    /// The keys.
    pub keys: Keyset<AeadKey>,
}

/// Why no token is signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SigningError {
    /// The primary key may not sign now: it is past its end, or its time has not come.
    #[error("signing key {kid} may not be used at this time")]
    OutsideUsagePeriod {
        /// The key.
        kid: String,
    },
    /// The database has not said for too long which keys are good.
    #[error("it has not been known for more than {} seconds which keys may sign", MAX_UNPOLLED_SIGNING.as_secs())]
    Unpolled,
    /// The claims or the backend.
    #[error(transparent)]
    Issue(#[from] IssueError),
}

impl KeyRing {
    /// Opens both keysets.
    ///
    /// # Errors
    ///
    /// [`KeyStorageError`].
    pub async fn open(keysets: SealedKeysets, clock: Arc<dyn Clock>) -> Result<Self, KeyStorageError> {
        let tokens = load_tokens(&keysets).await?;
        let sealing = load_sealing(&keysets).await?;
        Ok(Self {
            keysets,
            clock,
            tokens: RwLock::new(Arc::new(tokens)),
            sealing: RwLock::new(Arc::new(sealing)),
            unpolled_since: Mutex::new(None),
        })
    }

    /// The keys of tokens.
    pub fn tokens(&self) -> Arc<TokenKeyset> {
        Arc::clone(&self.tokens.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The keys that seal.
    pub fn sealing(&self) -> Arc<SealingKeyset> {
        Arc::clone(&self.sealing.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Where the keysets are kept.
    pub fn keysets(&self) -> &SealedKeysets {
        &self.keysets
    }

    /// Signs an access token with the primary key, if it may sign now.
    ///
    /// # Errors
    ///
    /// [`SigningError`].
    pub fn sign(&self, claims: &AccessTokenClaims) -> Result<SecretString, SigningError> {
        let now = self.clock.now();
        let tokens = self.tokens();
        let primary = tokens.primary();
        if !primary.usage_period.contains(now) {
            let kid = primary.kid.clone();
            return Err(SigningError::OutsideUsagePeriod { kid });
        }
        let unpolled = *self.unpolled();
        if unpolled.is_some_and(|since| now - since > MAX_UNPOLLED_SIGNING) {
            return Err(SigningError::Unpolled);
        }
        Ok(tokens.keys.signer.sign(claims)?)
    }

    /// Opens something that the sealing keys seal. When it does not open, the database is asked once whether there are
    /// newer keys: another replica may have sealed it with one that is not here yet.
    ///
    /// # Errors
    ///
    /// What `open` fails with.
    pub async fn unseal<T, E>(&self, open: impl Fn(&Keyset<AeadKey>) -> Result<T, E>) -> Result<T, E> {
        let first = self.sealing();
        match open(&first.keys) {
            Ok(opened) => Ok(opened),
            Err(error) => {
                // Whatever the poll fails with is reported by the next regular one.
                let _ = self.poll().await;
                let newer = self.sealing();
                if newer.version == first.version {
                    return Err(error);
                }
                open(&newer.keys)
            }
        }
    }

    /// Loads what is newer in the database than here; whether there was something. One query when there is not.
    ///
    /// # Errors
    ///
    /// [`KeyStorageError`]. The keys stay what they were; [`KeyStorageError::RolledBack`] for keysets that are older
    /// than those here.
    pub async fn poll(&self) -> Result<bool, KeyStorageError> {
        // Taken before the database is asked: what another poll loads meanwhile may be newer than the answer.
        let (tokens_seen, sealing_seen) = (self.tokens().version, self.sealing().version);
        let versions = self.keysets.versions().await;
        let since = match &versions {
            Ok(_) => None,
            Err(_) => (*self.unpolled()).or_else(|| Some(self.clock.now())),
        };
        *self.unpolled() = since;
        let versions = versions?;
        // The one must not wait for the other: revoking a signing key has to work whatever became of the sealing keys.
        let tokens = self.poll_tokens(&versions, tokens_seen).await;
        let sealing = self.poll_sealing(&versions, sealing_seen).await;
        Ok(tokens? | sealing?)
    }

    async fn poll_tokens(&self, versions: &[(String, u64)], seen: u64) -> Result<bool, KeyStorageError> {
        if !is_newer(versions, TOKEN_KEYSET, seen)? {
            return Ok(false);
        }
        let loaded = load_tokens(&self.keysets).await?;
        let mut current = self.tokens.write().unwrap_or_else(PoisonError::into_inner);
        // Another poll may have been faster.
        if loaded.version > current.version {
            *current = Arc::new(loaded);
        }
        Ok(true)
    }

    async fn poll_sealing(&self, versions: &[(String, u64)], seen: u64) -> Result<bool, KeyStorageError> {
        if !is_newer(versions, SEALING_KEYSET, seen)? {
            return Ok(false);
        }
        let loaded = load_sealing(&self.keysets).await?;
        let mut current = self.sealing.write().unwrap_or_else(PoisonError::into_inner);
        if loaded.version > current.version {
            *current = Arc::new(loaded);
        }
        Ok(true)
    }

    fn unpolled(&self) -> std::sync::MutexGuard<'_, Option<OffsetDateTime>> {
        self.unpolled_since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing")
            .field("tokens", &self.tokens().version)
            .field("sealing", &self.sealing().version)
            .finish_non_exhaustive()
    }
}

impl TokenKeyset {
    /// Takes the keys out of an opened keyset.
    ///
    /// # Errors
    ///
    /// [`KeyStorageError::Sign`] when the backend refuses a key.
    pub(super) fn new(version: u64, keyset: Keyset<TokenSigningKey>) -> Result<Self, KeyStorageError> {
        let entries = key_entries(&keyset)?;
        let keys = TokenKeys::new(keyset)?;
        let set = keys.verification.jwk_set();
        let json = set.to_json();
        let published = PublishedKeys {
            // RFC 9110 §8.8.3: quoted. Half a digest tells any two sets apart.
            etag: format!("\"{}\"", base64url::encode(&sha256(json.as_bytes())[..16])),
            json,
            kids: set.keys.iter().map(|key| key.kid().to_owned()).collect(),
        };
        Ok(Self {
            version,
            keys,
            published,
            entries,
        })
    }

    /// The key that signs.
    ///
    /// # Panics
    ///
    /// Never: a keyset has a primary key.
    pub fn primary(&self) -> &SigningKeyEntry {
        self.entries
            .iter()
            .find(|entry| entry.status == KeyStatus::Primary)
            .expect("a keyset has a primary key")
    }
}

async fn load_tokens(keysets: &SealedKeysets) -> Result<TokenKeyset, KeyStorageError> {
    let (version, keyset) = keysets.open(TOKEN_KEYSET).await?;
    TokenKeyset::new(version, keyset)
}

async fn load_sealing(keysets: &SealedKeysets) -> Result<SealingKeyset, KeyStorageError> {
    let (version, keys) = keysets.open(SEALING_KEYSET).await?;
    Ok(SealingKeyset { version, keys })
}

/// Whether the database has a later version than `seen`; an earlier one, or none, is somebody's doing. What was seen must
/// have been taken before the versions were asked for.
pub(super) fn is_newer(versions: &[(String, u64)], name: &str, seen: u64) -> Result<bool, KeyStorageError> {
    let found = versions.iter().find(|(found, _)| found == name);
    let name = || name.to_owned();
    match found.map(|(_, version)| *version) {
        None => Err(KeyStorageError::Missing { name: name() }),
        Some(found) if found < seen => Err(KeyStorageError::RolledBack {
            name: name(),
            found,
            seen,
        }),
        Some(found) => Ok(found > seen),
    }
}
