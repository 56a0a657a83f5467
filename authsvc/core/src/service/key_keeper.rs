//! Changing the signing keys: by schedule, by command, and at once when one is compromised.
//!
//! Every change is one compare and swap on the keyset. Of several replicas that find the same step due, one takes it;
//! a process that ends in the middle has changed nothing.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cryptokit::jose::{JwsAlgorithm, TokenSigningKey};
use cryptokit::keyset::{KeyStatus, Keyset};
use cryptokit::sign::{RsaKeySize, SignError};
use time::OffsetDateTime;

use super::key_change::{KeyChange, KeyChangeError};
use super::key_ring::KeyRing;
use super::key_schedule::{self, CONSUMER_MEMORY, KeyPolicy, KeyStep, MAX_PROMOTION_DELAY};
use super::key_steps::{begin, entry_of, find, promote, prune, publish, refuse_early, replace, sign_with};
use super::keys::TOKEN_KEYSET;
use super::keysets::KeyStorageError;
use super::signing_key::{SigningKeyEntry, key_entries};
use crate::clock::Clock;
use crate::domain::ServiceName;
use crate::storage::{KeyConsumer, StoreError};

/// How often a replica looks whether a step is due.
pub const KEY_SCHEDULE_INTERVAL: Duration = Duration::from_secs(10);

/// How often a command tries again when others change the keyset at the same time.
const ATTEMPTS: usize = 8;

/// Makes signing keys, somewhere else than on a thread that serves requests: an RSA key takes 30 to 250 ms, and more
/// when it is large.
#[async_trait]
pub trait SigningKeyMaker: Send + Sync {
    /// Makes a key; `size` is for RSA keys.
    async fn make(&self, algorithm: JwsAlgorithm, size: RsaKeySize) -> Result<TokenSigningKey, SignError>;
}

/// Whether the reasons to wait count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// They do.
    Wait,
    /// They do not: some verifications may fail.
    None,
}

/// The signing keys and who has them, for people.
#[derive(Clone, Debug)]
pub struct KeyReport {
    /// The version of the keyset.
    pub version: u64,
    /// Every key.
    pub keys: Vec<SigningKeyEntry>,
    /// When the published key may sign if everybody has it, and when it will in any case.
    pub promotion: Option<(OffsetDateTime, OffsetDateTime)>,
    /// When the next key is due to be published.
    pub rotation_due: Option<OffsetDateTime>,
    /// Every service that fetched keys of late.
    pub consumers: Vec<KeyConsumer>,
    /// Those among them that lack the published key.
    pub laggards: Vec<KeyConsumer>,
}

/// Changes the signing keys of one database.
pub struct KeyKeeper {
    ring: Arc<KeyRing>,
    maker: Arc<dyn SigningKeyMaker>,
    clock: Arc<dyn Clock>,
    policy: KeyPolicy,
}

impl KeyKeeper {
    /// Puts it together.
    pub fn new(ring: Arc<KeyRing>, maker: Arc<dyn SigningKeyMaker>, clock: Arc<dyn Clock>, policy: KeyPolicy) -> Self {
        Self {
            ring,
            maker,
            clock,
            policy,
        }
    }

    /// Takes the step that is due, if there is one and no other replica takes it first.
    ///
    /// # Errors
    ///
    /// [`KeyStorageError`].
    pub async fn maintain(&self) -> Result<Option<KeyChange>, KeyStorageError> {
        let consumers = self.consumers_if_waiting().await?;
        let due = |entries: &[SigningKeyEntry], now| key_schedule::next_step(entries, &consumers, &self.policy, now);
        let Some(step) = due(&self.ring.tokens().entries, self.clock.now()) else {
            return Ok(None);
        };
        let mut made = match step {
            KeyStep::Publish | KeyStep::Replace => Some(self.make(&self.policy).await?),
            _ => None,
        };
        // Making a key takes time, and the ring may be behind: what counts is what the keyset says now.
        self.edit(|keyset, entries, now| {
            if due(entries, now).as_ref() != Some(&step) {
                return Ok(None);
            }
            match (&step, made.take()) {
                (KeyStep::Publish, Some(key)) => publish(keyset, key, &self.policy, now).map(Some),
                (KeyStep::Replace, Some(key)) => {
                    let (kid, retired) = replace(keyset, entries, key, &self.policy, now)?;
                    Ok(Some(KeyChange::Replaced { kid, retired }))
                }
                (KeyStep::Begin { id }, _) => begin(keyset, entries, *id, &self.policy, now).map(Some),
                (KeyStep::Promote { id }, _) => promote(keyset, entries, *id, &consumers, now).map(Some),
                (KeyStep::Prune, _) => Ok(prune(keyset, entries, now)),
                (KeyStep::Publish | KeyStep::Replace, None) => Ok(None),
            }
        })
        .await
    }

    /// Makes a key and publishes it; the schedule promotes it. `algorithm` in place of the configured one.
    ///
    /// # Errors
    ///
    /// [`KeyChangeError::AlreadyPending`] and [`KeyChangeError::Storage`].
    pub async fn rotate(&self, algorithm: Option<JwsAlgorithm>) -> Result<KeyChange, KeyChangeError> {
        let policy = self.policy_for(algorithm);
        for _ in 0..ATTEMPTS {
            self.refuse_second_pending().await?;
            let mut made = Some(self.make(&policy).await?);
            let change = self
                .edit(|keyset, entries, now| match made.take() {
                    Some(key) if key_schedule::pending(entries).is_none() => {
                        publish(keyset, key, &policy, now).map(Some)
                    }
                    _ => Ok(None),
                })
                .await?;
            if let Some(change) = change {
                return Ok(change);
            }
        }
        Err(contended())
    }

    /// Makes a key that signs at once and retires the present one, whose tokens stay good. Who fetched the key set
    /// before and asks for it no more often than it must, meets tokens of a key that it does not know.
    ///
    /// # Errors
    ///
    /// [`KeyChangeError::Storage`].
    pub async fn replace_now(&self, algorithm: Option<JwsAlgorithm>) -> Result<KeyChange, KeyChangeError> {
        let policy = self.policy_for(algorithm);
        for _ in 0..ATTEMPTS {
            let mut made = Some(self.make(&policy).await?);
            let change = self
                .edit(|keyset, entries, now| match made.take() {
                    Some(key) => {
                        let (kid, retired) = replace(keyset, entries, key, &policy, now)?;
                        Ok(Some(KeyChange::Replaced { kid, retired }))
                    }
                    None => Ok(None),
                })
                .await?;
            if let Some(change) = change {
                return Ok(change);
            }
        }
        Err(contended())
    }

    /// Lets the published key sign.
    ///
    /// # Errors
    ///
    /// [`KeyChangeError::TooEarly`] and [`KeyChangeError::Laggards`] unless `patience` is [`Patience::None`];
    /// [`KeyChangeError::NoSuchKey`], [`KeyChangeError::Ambiguous`], [`KeyChangeError::NotPending`] and
    /// [`KeyChangeError::Storage`].
    pub async fn promote(&self, kid: &str, patience: Patience) -> Result<KeyChange, KeyChangeError> {
        for _ in 0..ATTEMPTS {
            let consumers = self.consumers().await?;
            let change = self
                .try_edit(|keyset, entries, now| {
                    let key = find(entries, kid)?;
                    if key.status != KeyStatus::Active {
                        let (kid, status) = (key.kid.clone(), key.status);
                        return Err(KeyChangeError::NotPending { kid, status });
                    }
                    if patience == Patience::Wait {
                        refuse_early(key, &consumers, now)?;
                    }
                    Ok(promote(keyset, entries, key.id, &consumers, now)?)
                })
                .await?;
            if let Some(change) = change {
                return Ok(change);
            }
        }
        Err(contended())
    }

    /// Ends a key at once: its tokens are refused wherever the change has arrived. When it signs, the published key
    /// takes its place, and where there is none, a new one.
    ///
    /// # Errors
    ///
    /// [`KeyChangeError::NoSuchKey`], [`KeyChangeError::Ambiguous`] and [`KeyChangeError::Storage`].
    pub async fn revoke(&self, kid: &str) -> Result<KeyChange, KeyChangeError> {
        for _ in 0..ATTEMPTS {
            // Asked first, so that nobody waits for a key that is not needed; asked again when it is written.
            let needs_key = |entries: &[SigningKeyEntry]| -> Result<bool, KeyChangeError> {
                let signs = find(entries, kid)?.status == KeyStatus::Primary;
                Ok(signs && key_schedule::pending(entries).is_none())
            };
            let (_, keyset) = self.ring.keysets().open::<TokenSigningKey>(TOKEN_KEYSET).await?;
            let mut made = match needs_key(&key_entries(&keyset)?)? {
                true => Some(self.make(&self.policy).await?),
                false => None,
            };
            let change = self
                .try_edit(|keyset, entries, now| {
                    let key = find(entries, kid)?.clone();
                    let mut successor = None;
                    if key.status == KeyStatus::Primary {
                        let id = match (key_schedule::pending(entries), made.take()) {
                            (Some(pending), _) => pending.id,
                            (None, Some(made)) => keyset.add(made),
                            // The published key is gone since we looked: look again.
                            (None, None) => return Err(contended()),
                        };
                        sign_with(keyset, id, &self.policy, now)?;
                        successor = entry_of(keyset, id)?.map(|entry| entry.kid);
                    }
                    keyset.revoke(key.id).map_err(KeyStorageError::from)?;
                    Ok(KeyChange::Revoked {
                        kid: key.kid,
                        successor,
                    })
                })
                .await;
            match change {
                Ok(Some(change)) => return Ok(change),
                Ok(None) | Err(KeyChangeError::Storage(KeyStorageError::Store(StoreError::Conflict))) => {}
                Err(error) => return Err(error),
            }
        }
        Err(contended())
    }

    /// Takes revoked keys out of the set, and retired ones whose last token has ended.
    ///
    /// # Errors
    ///
    /// [`KeyChangeError::Storage`].
    pub async fn prune(&self) -> Result<Option<KeyChange>, KeyChangeError> {
        for _ in 0..ATTEMPTS {
            let mut nothing = false;
            let change = self
                .edit(|keyset, entries, now| {
                    let pruned = prune(keyset, entries, now);
                    nothing = pruned.is_none();
                    Ok(pruned)
                })
                .await?;
            if change.is_some() || nothing {
                return Ok(change);
            }
        }
        Err(contended())
    }

    /// What there is and who has it.
    ///
    /// # Errors
    ///
    /// [`KeyStorageError`].
    pub async fn report(&self) -> Result<KeyReport, KeyStorageError> {
        let (version, keyset) = self.ring.keysets().open::<TokenSigningKey>(TOKEN_KEYSET).await?;
        let keys = key_entries(&keyset)?;
        let consumers = self.consumers().await?;
        let now = self.clock.now();
        let pending = key_schedule::pending(&keys);
        let primary = keys.iter().find(|entry| entry.status == KeyStatus::Primary);
        Ok(KeyReport {
            version,
            promotion: pending.map(|key| {
                let at = key_schedule::promotable_at(key);
                (at, at + MAX_PROMOTION_DELAY)
            }),
            rotation_due: primary
                .zip(self.policy.rotation_period)
                .and_then(|(primary, period)| key_schedule::rotation_due(primary, period)),
            laggards: pending
                .map(|key| key_schedule::laggards(key, &consumers, now).cloned().collect())
                .unwrap_or_default(),
            keys,
            consumers,
        })
    }

    /// Who has not fetched the published key. No query when there is none.
    ///
    /// # Errors
    ///
    /// [`KeyStorageError::Store`].
    pub async fn laggards(&self) -> Result<Vec<ServiceName>, KeyStorageError> {
        let consumers = self.consumers_if_waiting().await?;
        let (tokens, now) = (self.ring.tokens(), self.clock.now());
        let pending = key_schedule::pending(&tokens.entries);
        Ok(pending.map_or_else(Vec::new, |key| {
            let lagging = key_schedule::laggards(key, &consumers, now);
            lagging.map(|consumer| consumer.service.clone()).collect()
        }))
    }

    async fn consumers_if_waiting(&self) -> Result<Vec<KeyConsumer>, KeyStorageError> {
        match key_schedule::pending(&self.ring.tokens().entries) {
            Some(_) => self.consumers().await,
            None => Ok(Vec::new()),
        }
    }

    async fn consumers(&self) -> Result<Vec<KeyConsumer>, KeyStorageError> {
        let since = self.clock.now() - CONSUMER_MEMORY;
        Ok(self.ring.keysets().store().key_consumers(since).await?)
    }

    async fn refuse_second_pending(&self) -> Result<(), KeyChangeError> {
        let (_, keyset) = self.ring.keysets().open::<TokenSigningKey>(TOKEN_KEYSET).await?;
        match key_schedule::pending(&key_entries(&keyset)?) {
            Some(pending) => Err(KeyChangeError::AlreadyPending {
                kid: pending.kid.clone(),
            }),
            None => Ok(()),
        }
    }

    async fn make(&self, policy: &KeyPolicy) -> Result<TokenSigningKey, KeyStorageError> {
        Ok(self.maker.make(policy.algorithm, policy.rsa_key_size).await?)
    }

    fn policy_for(&self, algorithm: Option<JwsAlgorithm>) -> KeyPolicy {
        KeyPolicy {
            algorithm: algorithm.unwrap_or(self.policy.algorithm),
            ..self.policy
        }
    }

    /// Changes the keyset once: `None` when `change` finds nothing to do, or somebody else wrote first.
    async fn edit(
        &self,
        mut change: impl FnMut(
            &mut Keyset<TokenSigningKey>,
            &[SigningKeyEntry],
            OffsetDateTime,
        ) -> Result<Option<KeyChange>, KeyStorageError>,
    ) -> Result<Option<KeyChange>, KeyStorageError> {
        let keysets = self.ring.keysets();
        let (version, mut keyset) = keysets.open(TOKEN_KEYSET).await?;
        let entries = key_entries(&keyset)?;
        let Some(changed) = change(&mut keyset, &entries, self.clock.now())? else {
            return Ok(None);
        };
        if !keysets.replace(TOKEN_KEYSET, version, keyset).await? {
            return Ok(None);
        }
        self.ring.poll().await?;
        Ok(Some(changed))
    }

    async fn try_edit(
        &self,
        mut change: impl FnMut(
            &mut Keyset<TokenSigningKey>,
            &[SigningKeyEntry],
            OffsetDateTime,
        ) -> Result<KeyChange, KeyChangeError>,
    ) -> Result<Option<KeyChange>, KeyChangeError> {
        let mut refused = None;
        let changed = self
            .edit(|keyset, entries, now| match change(keyset, entries, now) {
                Ok(changed) => Ok(Some(changed)),
                Err(error) => {
                    refused = Some(error);
                    Ok(None)
                }
            })
            .await?;
        refused.map_or(Ok(changed), Err)
    }
}

impl fmt::Debug for KeyKeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyKeeper")
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

fn contended() -> KeyChangeError {
    KeyChangeError::Storage(KeyStorageError::Store(StoreError::Conflict))
}
