//! Changing the keys that sign the feed of revocations: by schedule, by command, and at once when one is compromised.
//!
//! They live as the keys of tokens do, and change on the same days. What differs is the end of a compromised one: what it
//! has signed is of no use to anybody any more, so the feed begins anew in the transaction that revokes it.

use std::fmt;
use std::sync::Arc;

use cryptokit::jose::FeedSigningKey;
use cryptokit::keyset::{KeyStatus, Keyset};
use time::OffsetDateTime;

use super::feed_keys::{FEED_KEYSET, copy_of};
use super::key_change::{KeyChange, KeyChangeError};
use super::key_schedule::{self, KeyPolicy, KeyStep, needed_until};
use super::key_steps::{begin, find, promote, prune, publish, replace, sign_with};
use super::keysets::{KeyStorageError, SealedKeysets};
use super::revocation_feed::{FeedFault, FeedPublisher, new_feed};
use super::signing_key::{SigningKey, SigningKeyEntry, key_entries};
use crate::clock::Clock;
use crate::storage::{SignedUnder, StoreError};

/// How often a command tries again when others change the keyset at the same time.
const ATTEMPTS: usize = 8;

/// The feed's keys, for people.
#[derive(Clone, Debug)]
pub struct FeedKeyReport {
    /// Every key; none before the service has served for the first time.
    pub keys: Vec<SigningKeyEntry>,
    /// When the published key signs.
    pub promotion_at: Option<OffsetDateTime>,
    /// When the next key is due to be published.
    pub rotation_due: Option<OffsetDateTime>,
}

/// Changes the keys that sign the feed of one database.
pub struct FeedKeyKeeper {
    keysets: SealedKeysets,
    issuer: String,
    clock: Arc<dyn Clock>,
    policy: KeyPolicy,
}

impl FeedKeyKeeper {
    /// Puts it together. Of `policy` counts how long a key signs; they are all of one kind.
    pub fn new(keysets: SealedKeysets, issuer: &str, clock: Arc<dyn Clock>, policy: KeyPolicy) -> Self {
        Self {
            keysets,
            issuer: issuer.to_owned(),
            clock,
            policy,
        }
    }

    /// Takes the step that is due, if there is one and no other replica takes it first. `feed` is this replica's.
    ///
    /// # Errors
    ///
    /// [`KeyStorageError`].
    pub async fn maintain(&self, feed: &FeedPublisher) -> Result<Option<KeyChange>, KeyStorageError> {
        // Nobody is waited for: a verifier that meets an unknown key asks which ones there are.
        let due = |entries: &[SigningKeyEntry], now| key_schedule::next_step(entries, &[], &self.policy, now);
        let Some(step) = due(&feed.key_entries().await?, self.clock.now()) else {
            return Ok(None);
        };
        self.edit(|keyset, entries, now| {
            if due(entries, now).as_ref() != Some(&step) {
                return Ok(None);
            }
            match &step {
                KeyStep::Begin { id } => begin(keyset, entries, *id, &self.policy, now).map(Some),
                KeyStep::Publish => publish(keyset, FeedSigningKey::generate()?, &self.policy, now).map(Some),
                KeyStep::Promote { id } => promote(keyset, entries, *id, &[], now).map(Some),
                KeyStep::Replace => self.replace(keyset, entries, now).map(Some),
                KeyStep::Prune => Ok(prune(keyset, entries, now)),
            }
        })
        .await
    }

    /// Makes a key and publishes it; the schedule lets it sign.
    ///
    /// # Errors
    ///
    /// [`KeyChangeError::AlreadyPending`] and [`KeyChangeError::Storage`].
    pub async fn rotate(&self) -> Result<KeyChange, KeyChangeError> {
        for _ in 0..ATTEMPTS {
            let mut waits = None;
            let change = self
                .edit(|keyset, entries, now| match key_schedule::pending(entries) {
                    Some(pending) => {
                        waits = Some(pending.kid.clone());
                        Ok(None)
                    }
                    None => publish(keyset, FeedSigningKey::generate()?, &self.policy, now).map(Some),
                })
                .await?;
            match (change, waits) {
                (Some(change), _) => return Ok(change),
                (None, Some(kid)) => return Err(KeyChangeError::AlreadyPending { kid }),
                (None, None) => {}
            }
        }
        Err(contended())
    }

    /// Makes a key that signs at once and retires the present one. Verifiers ask for it when they meet it.
    ///
    /// # Errors
    ///
    /// [`KeyChangeError::Storage`].
    pub async fn replace_now(&self) -> Result<KeyChange, KeyChangeError> {
        for _ in 0..ATTEMPTS {
            let change = self
                .edit(|keyset, entries, now| self.replace(keyset, entries, now).map(Some))
                .await?;
            if let Some(change) = change {
                return Ok(change);
            }
        }
        Err(contended())
    }

    /// Ends a key at once, or every key that there is: a new one signs, and the deltas that are there go in the same
    /// transaction. Verifiers begin again from a snapshot of another feed.
    ///
    /// # Errors
    ///
    /// [`KeyChangeError::NoSuchKey`], also for a key that was revoked before, [`KeyChangeError::Ambiguous`],
    /// [`KeyChangeError::Feed`] and [`KeyChangeError::Storage`].
    pub async fn revoke(&self, kid: Option<&str>) -> Result<KeyChange, KeyChangeError> {
        for _ in 0..ATTEMPTS {
            let (version, mut keyset) = self.open().await?;
            let mut entries = key_entries(&keyset)?;
            entries.retain(|entry| entry.status != KeyStatus::Revoked);
            let ended = match kid {
                Some(kid) => vec![find(&entries, kid)?.clone()],
                None => entries,
            };
            let now = self.clock.now();
            // What ended before is of no interest beside it.
            keyset.prune_all(now);
            let key = FeedSigningKey::generate().map_err(KeyStorageError::from)?;
            let signs = copy_of(&key).map_err(KeyStorageError::from)?;
            let successor = key.kid().map_err(KeyStorageError::from)?;
            let former = keyset.primary().0;
            let id = keyset.add(key);
            sign_with(&mut keyset, id, &self.policy, now)?;
            keyset
                .retire_until(former, needed_until(now))
                .map_err(KeyStorageError::from)?;
            for entry in &ended {
                keyset.revoke(entry.id).map_err(KeyStorageError::from)?;
            }
            if self.write(version, keyset, signs, now).await? {
                return Ok(KeyChange::FeedRevoked {
                    kids: ended.into_iter().map(|entry| entry.kid).collect(),
                    successor,
                });
            }
        }
        Err(contended())
    }

    /// What there is.
    ///
    /// # Errors
    ///
    /// [`KeyStorageError`].
    pub async fn report(&self) -> Result<FeedKeyReport, KeyStorageError> {
        let keys = match self.keysets.open::<FeedSigningKey>(FEED_KEYSET).await {
            Ok((_, keyset)) => key_entries(&keyset)?,
            Err(KeyStorageError::Missing { .. }) => Vec::new(),
            Err(error) => return Err(error),
        };
        let pending = key_schedule::pending(&keys);
        let primary = keys.iter().find(|entry| entry.status == KeyStatus::Primary);
        Ok(FeedKeyReport {
            promotion_at: pending.map(key_schedule::promotable_at),
            rotation_due: primary
                .zip(self.policy.rotation_period)
                .and_then(|(primary, period)| key_schedule::rotation_due(primary, period)),
            keys,
        })
    }

    /// Writes a keyset in which `signs` is primary, and begins another feed with it; whether nobody else wrote first, or
    /// published what is not older than the beginning.
    async fn write(
        &self,
        version: u64,
        keyset: Keyset<FeedSigningKey>,
        signs: FeedSigningKey,
        now: OffsetDateTime,
    ) -> Result<bool, KeyChangeError> {
        let Some(sealed) = self.keysets.seal_next(FEED_KEYSET, version, keyset).await? else {
            return Ok(false);
        };
        let store = self.keysets.store();
        let former = store.feed_head().await.map_err(KeyStorageError::from)?;
        let next = new_feed(store.as_ref(), &self.issuer, signs, now, former.as_ref()).await?;
        let replaced = SignedUnder {
            keyset: FEED_KEYSET,
            version,
        };
        let from = former.as_ref().map(|head| &head.position);
        let written = store.begin_feed_under(replaced, from, &sealed, &next.head, &next.delta);
        Ok(written.await.map_err(KeyStorageError::from)?)
    }

    fn replace(
        &self,
        keyset: &mut Keyset<FeedSigningKey>,
        entries: &[SigningKeyEntry],
        now: OffsetDateTime,
    ) -> Result<KeyChange, KeyStorageError> {
        let (kid, retired) = replace(keyset, entries, FeedSigningKey::generate()?, &self.policy, now)?;
        Ok(KeyChange::Replaced { kid, retired })
    }

    async fn open(&self) -> Result<(u64, Keyset<FeedSigningKey>), KeyStorageError> {
        let keysets = &self.keysets;
        keysets.open_or_create(FEED_KEYSET, FeedSigningKey::generate).await
    }

    /// Changes the keyset once: `None` when `change` finds nothing to do, or somebody else wrote first.
    async fn edit(
        &self,
        change: impl FnOnce(
            &mut Keyset<FeedSigningKey>,
            &[SigningKeyEntry],
            OffsetDateTime,
        ) -> Result<Option<KeyChange>, KeyStorageError>,
    ) -> Result<Option<KeyChange>, KeyStorageError> {
        let (version, mut keyset) = self.open().await?;
        let entries = key_entries(&keyset)?;
        let Some(changed) = change(&mut keyset, &entries, self.clock.now())? else {
            return Ok(None);
        };
        let is_written = self.keysets.replace(FEED_KEYSET, version, keyset).await?;
        Ok(is_written.then_some(changed))
    }
}

impl fmt::Debug for FeedKeyKeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FeedKeyKeeper")
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

impl From<FeedFault> for KeyChangeError {
    fn from(error: FeedFault) -> Self {
        match error {
            FeedFault::Store(error) => Self::Storage(error.into()),
            FeedFault::Key(error) => Self::Storage(error.into()),
            FeedFault::Keys(error) => Self::Storage(error),
            FeedFault::Publish(error) => Self::Feed(error),
        }
    }
}

fn contended() -> KeyChangeError {
    KeyChangeError::Storage(KeyStorageError::Store(StoreError::Conflict))
}
