//! What a running service does about its keys: follows the database, takes the steps that are due, says what happened.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use authsvc_core::audit::{Action, AuditRecord, AuditSink, Outcome, Reason, ReasonKind, RecordId, Where, Who, reasons};
use authsvc_core::clock::Clock;
use authsvc_core::service::error::describe;
use authsvc_core::service::{
    FeedKeyKeeper, FeedPublisher, KeyChange, KeyKeeper, KeyRing, KeyStorageError, SealingChange, SealingKeyKeeper,
    SigningKeyMaker,
};
use cryptokit::jose::{JwsAlgorithm, TokenSigningKey};
use cryptokit::keyset::{KeyId, KeyStatus};
use cryptokit::sign::{RsaKeySize, RsaPssSigningKey, RsaSigningKey, SignError};

/// More than one step is due at once after a long time without a running service.
const STEPS_AT_ONCE: usize = 4;

/// Makes keys on the threads for blocking work.
#[derive(Clone, Copy, Debug, Default)]
pub struct BlockingKeyMaker;

#[async_trait]
impl SigningKeyMaker for BlockingKeyMaker {
    async fn make(&self, algorithm: JwsAlgorithm, size: RsaKeySize) -> Result<TokenSigningKey, SignError> {
        tokio::task::spawn_blocking(move || match algorithm {
            JwsAlgorithm::Rs256 => RsaSigningKey::generate(size).map(Into::into),
            JwsAlgorithm::Ps256 => RsaPssSigningKey::generate(size).map(Into::into),
            other => TokenSigningKey::generate(other),
        })
        .await
        .unwrap_or(Err(SignError::Backend))
    }
}

/// The keys of a running service.
pub struct KeyUpkeep {
    ring: Arc<KeyRing>,
    keeper: KeyKeeper,
    sealing: SealingKeyKeeper,
    feed: Option<(Arc<FeedPublisher>, FeedKeyKeeper)>,
    audit: Arc<dyn AuditSink>,
    clock: Arc<dyn Clock>,
    /// What the last record said of the service's keys that is still so.
    alarm: Alarm,
    /// And of the feed's.
    feed_alarm: Alarm,
    laggards: AtomicI64,
}

/// What is wrong, and the particulars.
type Fault = (&'static ReasonKind, String);

type Alarm = std::sync::Mutex<Option<&'static str>>;

/// What metrics say about the signing keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyGauges {
    /// Since when the primary key signs, in seconds.
    pub age_seconds: i64,
    /// Until it may no longer sign, in seconds; less than 0 when it may not.
    pub seconds_left: Option<i64>,
    /// Keys in the published set.
    pub published: i64,
    /// Services that have not fetched the key that is to sign next.
    pub laggards: i64,
}

impl KeyUpkeep {
    /// Puts it together.
    pub fn new(ring: Arc<KeyRing>, keeper: KeyKeeper, audit: Arc<dyn AuditSink>, clock: Arc<dyn Clock>) -> Self {
        let sealing = SealingKeyKeeper::new(Arc::clone(&ring), Arc::clone(&clock));
        Self {
            ring,
            keeper,
            sealing,
            feed: None,
            audit,
            clock,
            alarm: Alarm::default(),
            feed_alarm: Alarm::default(),
            laggards: AtomicI64::new(0),
        }
    }

    /// With the keys of the feed of revocations.
    #[must_use]
    pub fn with_feed(self, feed: Arc<FeedPublisher>, keeper: FeedKeyKeeper) -> Self {
        Self {
            feed: Some((feed, keeper)),
            ..self
        }
    }

    /// Loads what is newer in the database.
    ///
    /// # Errors
    ///
    /// What it failed with first, in words. What an operator has to see is on record.
    pub async fn follow(&self) -> Result<(), String> {
        let polled = self.ring.poll().await.map(drop);
        let found = match &polled {
            Ok(()) => self.ended(),
            Err(error) => fault(error),
        };
        self.raise(&self.alarm, found);
        let followed = match &self.feed {
            Some((feed, _)) => feed.key_entries().await.map(drop),
            None => Ok(()),
        };
        self.raise(&self.feed_alarm, followed.as_ref().err().and_then(fault));
        polled.and(followed).map_err(|error| describe(&error))
    }

    /// Takes the steps that are due, of each keyset whatever becomes of the other.
    ///
    /// # Errors
    ///
    /// What a step failed with first, in words.
    pub async fn advance(&self) -> Result<(), String> {
        let tokens = self.advance_tokens().await;
        let feed = self.advance_feed().await;
        let laggards = self.count_laggards().await;
        tokens.and(feed).and(laggards).map_err(|error| describe(&error))
    }

    async fn advance_tokens(&self) -> Result<(), KeyStorageError> {
        for _ in 0..STEPS_AT_ONCE {
            match self.keeper.maintain().await? {
                Some(change) => self.report(&change),
                None => break,
            }
        }
        Ok(())
    }

    async fn advance_feed(&self) -> Result<(), KeyStorageError> {
        let Some((feed, keeper)) = &self.feed else {
            return Ok(());
        };
        for _ in 0..STEPS_AT_ONCE {
            match keeper.maintain(feed).await? {
                Some(change) => {
                    tracing::info!(
                        change = explain(&change),
                        "the keys of the revocation feed were changed"
                    );
                    self.record(Outcome::Success);
                }
                None => break,
            }
        }
        Ok(())
    }

    async fn count_laggards(&self) -> Result<(), KeyStorageError> {
        let laggards = self.keeper.laggards().await?;
        let laggards = i64::try_from(laggards.len()).unwrap_or(i64::MAX);
        self.laggards.store(laggards, Ordering::Relaxed);
        Ok(())
    }

    /// Seals anew what older keys seal, and lets those go that nothing needs any more.
    ///
    /// # Errors
    ///
    /// What a pass failed with, in words.
    pub async fn reseal(&self) -> Result<(), String> {
        // A pass that writes is followed by one that finds nothing.
        for _ in 0..3 {
            let Some(change) = self.sealing.advance().await.map_err(|error| describe(&error))? else {
                break;
            };
            tracing::info!(
                change = explain_sealing(&change),
                "secrets of accounts are sealed under another key"
            );
            match change {
                SealingChange::Resealed(found) if found.resealed + found.missed == 0 => break,
                SealingChange::Resealed(_) => {}
                _ => self.record(Outcome::Success),
            }
        }
        Ok(())
    }

    /// For metrics.
    pub fn gauges(&self) -> KeyGauges {
        let now = self.clock.now();
        let tokens = self.ring.tokens();
        let primary = tokens.primary();
        let since = primary.usage_period.not_before();
        KeyGauges {
            age_seconds: since.map_or(0, |since| (now - since).whole_seconds()),
            seconds_left: primary.usage_period.not_after().map(|end| (end - now).whole_seconds()),
            published: i64::try_from(tokens.published.kids.len()).unwrap_or(i64::MAX),
            laggards: self.laggards.load(Ordering::Relaxed),
        }
    }

    /// Whether the key that signs tokens may not at this time.
    fn ended(&self) -> Option<Fault> {
        let tokens = self.ring.tokens();
        let primary = tokens.primary();
        (!primary.usage_period.contains(self.clock.now())).then(|| {
            let detail = format!("key {} may not sign at this time", primary.kid);
            (reasons::key::SIGNING_KEY_ENDED, detail)
        })
    }

    /// Records what is wrong when it begins, and not again while it stays so.
    fn raise(&self, alarm: &Alarm, found: Option<Fault>) {
        let code = found.as_ref().map(|(kind, _)| kind.code);
        let mut alarm = alarm.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if *alarm == code {
            return;
        }
        *alarm = code;
        if let Some((kind, detail)) = found {
            self.record(Outcome::Failure(Reason::new(kind, detail)));
        }
    }

    fn report(&self, change: &KeyChange) {
        log(change);
        self.record(Outcome::Success);
    }

    fn record(&self, outcome: Outcome) {
        self.audit.record(&AuditRecord {
            id: RecordId::generate(),
            time: self.clock.now(),
            who: Who::default(),
            what: Action::ChangeKeys,
            r#where: Where {
                source: None,
                route: None,
                listener: "none",
                request_id: None,
            },
            outcome,
        });
    }
}

impl fmt::Debug for KeyUpkeep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyUpkeep")
            .field("ring", &self.ring)
            .finish_non_exhaustive()
    }
}

/// What an operator has to look at in a keyset.
fn fault(error: &KeyStorageError) -> Option<Fault> {
    match error {
        KeyStorageError::RolledBack { .. } => Some((reasons::key::KEYSET_ROLLED_BACK, describe(error))),
        KeyStorageError::Store(_) => None,
        _ => Some((reasons::key::KEYSET_UNREADABLE, describe(error))),
    }
}

/// What a change is, in words.
pub fn explain(change: &KeyChange) -> String {
    match change {
        KeyChange::Begun { kid } => format!("Key {kid} has a beginning and an end now."),
        KeyChange::Published { kid, promotable_at } => {
            format!("Key {kid} is published. It signs from {promotable_at} on, when those who fetch keys have it.")
        }
        KeyChange::Promoted { kid, retired, laggards } if laggards.is_empty() => {
            format!("Key {kid} signs. Key {retired} is retired.")
        }
        KeyChange::Promoted { kid, retired, laggards } => {
            let laggards: Vec<_> = laggards.iter().map(ToString::to_string).collect();
            format!(
                "Key {kid} signs. Key {retired} is retired. Not fetched by: {}.",
                laggards.join(", ")
            )
        }
        KeyChange::Replaced { kid, retired } => {
            format!("Key {kid} is new and signs. Key {retired} is retired.")
        }
        KeyChange::Revoked { kid, successor: None } => format!("Key {kid} is revoked."),
        KeyChange::Revoked {
            kid,
            successor: Some(successor),
        } => format!("Key {kid} is revoked. Key {successor} signs."),
        KeyChange::FeedRevoked { kids, successor } => format!(
            "Revoked, and what was signed with it is gone: {}. Key {successor} signs a feed that begins anew.",
            kids.join(", ")
        ),
        KeyChange::Pruned { kids } => format!("Gone: {}.", kids.join(", ")),
    }
}

/// What a change of the sealing keys is, in words.
pub fn explain_sealing(change: &SealingChange) -> String {
    let named = |ids: &[KeyId]| ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match change {
        SealingChange::Begun { id, former } => format!("Key {id} seals. Key {former} opens what it has sealed."),
        SealingChange::Resealed(found) => {
            let mut text = format!("{} secrets and seals are under the new key", found.resealed);
            for (number, what) in [
                (found.missed, "were changed meanwhile"),
                (found.staged, "wait in an import that is not finished"),
                (found.unopened, "open with no key, as before"),
            ] {
                if number > 0 {
                    text.push_str(&format!("; {number} {what}"));
                }
            }
            text + "."
        }
        SealingChange::Retired { ids, until, unopened } => {
            let mut text = format!(
                "Nothing is under key {} any more. It is kept until {until}.",
                named(ids)
            );
            if *unopened > 0 {
                text.push_str(&format!(" {unopened} secrets and seals open with no key, as before."));
            }
            text
        }
        SealingChange::Removed { ids } => format!("Key {} is gone.", named(ids)),
    }
}

fn log(change: &KeyChange) {
    let text = explain(change);
    match change {
        KeyChange::Promoted { laggards, .. } if !laggards.is_empty() => {
            tracing::warn!(change = text, "the signing keys were changed");
        }
        KeyChange::Replaced { .. } => tracing::warn!(change = text, "the signing keys were changed"),
        _ => tracing::info!(change = text, "the signing keys were changed"),
    }
}

/// Whether a key of that status is in the published set.
pub fn state(status: KeyStatus) -> &'static str {
    match status {
        KeyStatus::Primary => "signing",
        KeyStatus::Active => "published",
        KeyStatus::Retired => "retired",
        KeyStatus::Revoked => "revoked",
    }
}
