//! Rotating the key that seals secrets of accounts, while the service runs.
//!
//! ```text
//!   a new key seals ─► everything is sealed anew ─► a pass finds nothing under the old key: it is retired ─► an hour
//!   later another pass finds nothing: it is gone
//! ```
//!
//! Replicas may be half a second behind: what one of them still seals with the old key after the first pass opens for
//! as long as the key is retired, and the second pass finds it. A key never goes before a pass has found nothing that
//! needs it. Every change of the keyset is one compare and swap, so that of several replicas one takes a step, and a
//! process that ends in the middle is followed by another that goes on.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cryptokit::aead::AeadKey;
use cryptokit::keyset::{KeyEntry, KeyId, KeyStatus, Keyset};
use time::OffsetDateTime;

use super::key_ring::KeyRing;
use super::keys::SEALING_KEYSET;
use super::keysets::KeyStorageError;
use super::reseal::{PassError, Resealed, reseal_everything};
use crate::clock::Clock;
use crate::storage::StoreError;

/// How long a key is kept after a pass found nothing under it: longer than any replica is behind, and than an enrolment
/// waits for its first code.
pub const RETIRED_SEALING_KEY_KEPT: Duration = Duration::from_secs(60 * 60);

/// How long an import may take. One whose last account was put aside earlier is forgotten: its process has ended.
pub const IMPORT_ABANDONED_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// How often a replica looks whether something is to be sealed anew. Costs nothing while there is one key.
pub const RESEAL_INTERVAL: Duration = Duration::from_secs(60);

/// How often a change is tried again when others change the keyset at the same time.
const ATTEMPTS: usize = 8;

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SealingChange {
    /// A new key seals; the one before opens what it has sealed.
    Begun {
        /// The new one.
        id: KeyId,
        /// The one before.
        former: KeyId,
    },
    /// A pass has sealed something anew, or found something that it may not do without the old keys yet.
    Resealed(Resealed),
    /// Nothing is under these keys any more. They are kept for a while, for what a replica seals that is behind.
    Retired {
        /// The keys.
        ids: Vec<KeyId>,
        /// Until when.
        until: OffsetDateTime,
        /// What the pass found that no key opens.
        unopened: u64,
    },
    /// These keys are gone.
    Removed {
        /// The keys.
        ids: Vec<KeyId>,
    },
}

/// Why a key was not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealingKeyError {
    /// A rotation is under way.
    #[error("key {former} still opens what it has sealed: this rotation ends before another one begins")]
    UnderWay {
        /// The key that is on its way out.
        former: KeyId,
    },
    /// A pass.
    #[error(transparent)]
    Pass(#[from] PassError),
    /// The keyset.
    #[error(transparent)]
    Storage(#[from] KeyStorageError),
}

/// What is known of a key beside its secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealingKeyEntry {
    /// Its id, which travels with what it has sealed.
    pub id: KeyId,
    /// Where it is in its life.
    pub status: KeyStatus,
    /// Until when it is kept, once it is retired.
    pub needed_until: Option<OffsetDateTime>,
}

/// Rotates the sealing keys of one database.
pub struct SealingKeyKeeper {
    ring: Arc<KeyRing>,
    clock: Arc<dyn Clock>,
}

impl SealingKeyKeeper {
    /// Puts it together.
    pub fn new(ring: Arc<KeyRing>, clock: Arc<dyn Clock>) -> Self {
        Self { ring, clock }
    }

    /// Every key, as the database has them.
    ///
    /// # Errors
    ///
    /// [`KeyStorageError`].
    pub async fn report(&self) -> Result<Vec<SealingKeyEntry>, KeyStorageError> {
        let (_, keyset) = self.ring.keysets().open::<AeadKey>(SEALING_KEYSET).await?;
        Ok(entries(&keyset))
    }

    /// Makes a key that seals from now on. [`Self::advance`] does the rest.
    ///
    /// # Errors
    ///
    /// [`SealingKeyError::UnderWay`] and [`SealingKeyError::Storage`].
    pub async fn begin(&self) -> Result<SealingChange, SealingKeyError> {
        for _ in 0..ATTEMPTS {
            let (version, mut keyset) = self.ring.keysets().open::<AeadKey>(SEALING_KEYSET).await?;
            let former = keyset.primary().0;
            if let Some(key) = keyset.entries().iter().find(|entry| is_leaving(entry)) {
                return Err(SealingKeyError::UnderWay { former: key.id });
            }
            let id = keyset.add(AeadKey::generate());
            keyset.promote(id).map_err(KeyStorageError::from)?;
            if self.replace(version, keyset).await? {
                return Ok(SealingChange::Begun { id, former });
            }
        }
        Err(KeyStorageError::Store(StoreError::Conflict).into())
    }

    /// Does what is due for the keys that no longer seal; `None` when there is none or it is not time. At most one pass
    /// over all rows.
    ///
    /// # Errors
    ///
    /// [`SealingKeyError::Pass`] and [`SealingKeyError::Storage`].
    pub async fn advance(&self) -> Result<Option<SealingChange>, SealingKeyError> {
        let now = self.clock.now();
        let known = self.ring.sealing();
        if !entries(&known.keys).iter().any(|entry| is_due(entry, now)) {
            return Ok(None);
        }
        self.ring
            .keysets()
            .store()
            .prune_imports(now - IMPORT_ABANDONED_AFTER)
            .await
            .map_err(PassError::from)?;
        let found = self.pass().await?;
        if !found.found_nothing() {
            return Ok(Some(SealingChange::Resealed(found)));
        }
        self.let_go(known.version, found.unopened, Some(now + RETIRED_SEALING_KEY_KEPT))
            .await
    }

    /// Ends the keys that no longer seal without keeping them for a while, as for a key that somebody else has: as soon as
    /// a pass finds nothing under them. What a replica seals with them that has not heard of the new key is lost.
    ///
    /// # Errors
    ///
    /// As [`Self::advance`].
    pub async fn advance_now(&self) -> Result<Option<SealingChange>, SealingKeyError> {
        let known = self.ring.sealing();
        if !known.keys.entries().iter().any(is_leaving) {
            return Ok(None);
        }
        let found = self.pass().await?;
        if !found.found_nothing() {
            return Ok(Some(SealingChange::Resealed(found)));
        }
        self.let_go(known.version, found.unopened, None).await
    }

    async fn pass(&self) -> Result<Resealed, PassError> {
        let store = self.ring.keysets().store();
        reseal_everything(store.as_ref(), &self.ring, self.clock.as_ref()).await
    }

    /// After a pass that found nothing, under the keys of `version`: keys on their way out are retired until `until`, and
    /// those are taken out whose time is over, or all of them without a time.
    async fn let_go(
        &self,
        version: u64,
        unopened: u64,
        until: Option<OffsetDateTime>,
    ) -> Result<Option<SealingChange>, SealingKeyError> {
        let now = self.clock.now();
        let (found, mut keyset) = self.ring.keysets().open::<AeadKey>(SEALING_KEYSET).await?;
        if found != version {
            // The pass was made under other keys: it says nothing about these.
            self.ring.poll().await?;
            return Ok(None);
        }
        let leaving: Vec<_> = entries(&keyset)
            .into_iter()
            .filter(|entry| entry.status != KeyStatus::Primary)
            .collect();
        let mut retired = Vec::new();
        for entry in &leaving {
            match until {
                None => keyset.revoke(entry.id).map_err(KeyStorageError::from)?,
                Some(until) if entry.needed_until.is_none() && entry.status != KeyStatus::Revoked => {
                    keyset.retire_until(entry.id, until).map_err(KeyStorageError::from)?;
                    retired.push(entry.id);
                }
                Some(_) => {}
            }
        }
        let removed = keyset.prune_all(now);
        if removed.is_empty() && retired.is_empty() {
            return Ok(None);
        }
        if !self.replace(version, keyset).await? {
            return Ok(None);
        }
        Ok(Some(match until {
            Some(until) if removed.is_empty() => SealingChange::Retired {
                ids: retired,
                until,
                unopened,
            },
            _ => SealingChange::Removed { ids: removed },
        }))
    }

    async fn replace(&self, version: u64, keyset: Keyset<AeadKey>) -> Result<bool, KeyStorageError> {
        let replaced = self.ring.keysets().replace(SEALING_KEYSET, version, keyset).await?;
        self.ring.poll().await?;
        Ok(replaced)
    }
}

impl fmt::Debug for SealingKeyKeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKeyKeeper")
    }
}

fn entries(keyset: &Keyset<AeadKey>) -> Vec<SealingKeyEntry> {
    let describe = |entry: &KeyEntry<AeadKey>| SealingKeyEntry {
        id: entry.id,
        status: entry.status,
        needed_until: entry.needed_until,
    };
    keyset.entries().iter().map(describe).collect()
}

fn is_leaving(entry: &KeyEntry<AeadKey>) -> bool {
    entry.status != KeyStatus::Primary
}

/// Whether there is something to do: a key that is not retired yet, or was kept for long enough.
fn is_due(entry: &SealingKeyEntry, now: OffsetDateTime) -> bool {
    entry.status != KeyStatus::Primary && entry.needed_until.is_none_or(|until| now > until)
}
