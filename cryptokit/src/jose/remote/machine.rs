//! The state machine.

use std::sync::Arc;
use std::time::Duration;

use super::negative_cache::NegativeCache;
use super::policy::RemoteKeysPolicy;
use crate::jose::jwk::JwkError;
use crate::jose::jwk_set::JwkSet;
use crate::jose::keys::VerificationKeys;
use crate::provider::Provider;

/// The published keys of one foreign issuer.
#[derive(Debug)]
pub struct RemoteKeys {
    provider: Provider,
    policy: RemoteKeysPolicy,
    current: Option<Current>,
    flight: Option<Flight>,
    /// When the last fetch was started.
    last_start: Option<Duration>,
    next_flight_id: u64,
    unknown: NegativeCache,
}

/// What to do about a token's key.
#[derive(Debug)]
#[must_use]
pub enum KeyStep {
    /// The key is here: verify with this set.
    Verify {
        /// The issuer's keys.
        keys: Arc<VerificationKeys>,
        /// The set is no longer fresh: fetch it beside the verification, whose answer need not wait for it.
        refresh: Option<Fetch>,
    },
    /// Fetch the set now, call [`RemoteKeys::complete`] and ask again.
    Fetch(Fetch),
    /// A fetch is under way that may bring the key. Ask again when it is reported on, at the latest at `until`.
    Wait {
        /// When that fetch is given up.
        until: Duration,
    },
    /// The token cannot be verified.
    Refuse(KeyRefusal),
}

/// Why a token cannot be verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyRefusal {
    /// The issuer's set does not hold the key. The token is not good.
    #[error("the issuer publishes no key of that kid")]
    UnknownKey,
    /// There is no usable set, and it is too early to fetch again. Says nothing about the token.
    #[error("the issuer's keys cannot be had at the moment")]
    Unavailable {
        /// When a fetch is next allowed.
        retry_at: Duration,
    },
}

/// Permission for one fetch, and the obligation to report on it once.
///
/// Dropped without a report, it counts as under way until the [`fetch_timeout`](RemoteKeysPolicy::fetch_timeout).
///
/// ```compile_fail,E0382
/// use std::time::Duration;
/// use cryptokit::jose::{Fetch, FetchOutcome, RemoteKeys};
///
/// fn twice(keys: &mut RemoteKeys, fetch: Fetch) {
///     let _ = keys.complete(fetch, FetchOutcome::Failed, Duration::ZERO);
///     let _ = keys.complete(fetch, FetchOutcome::Failed, Duration::ZERO);
/// }
/// ```
#[derive(Debug)]
#[must_use = "a fetch that nobody makes keeps others from being made until it times out"]
pub struct Fetch {
    id: u64,
    etag: Option<String>,
    /// The key that the fetch is made for.
    wanted: Option<String>,
}

impl Fetch {
    /// The entity tag to send as `If-None-Match` (RFC 9110 §13.1.2).
    pub fn etag(&self) -> Option<&str> {
        self.etag.as_deref()
    }
}

/// What came of a fetch.
#[derive(Clone, Copy, Debug)]
pub enum FetchOutcome<'a> {
    /// Status 200.
    Document {
        /// The body. The driver stops reading at [`RemoteKeysPolicy::max_document_len`]; what is longer is refused.
        body: &'a [u8],
        /// `ETag`, dropped when longer than 256 bytes or not printable ASCII.
        etag: Option<&'a str>,
        /// `max-age` of `Cache-Control` (RFC 9111 §5.2.2.1), used within the bounds of the policy. `no-store` and
        /// `no-cache` are `Some(Duration::ZERO)`.
        max_age: Option<Duration>,
    },
    /// Status 304.
    NotModified {
        /// As for a document.
        max_age: Option<Duration>,
    },
    /// No connection, no answer in time, or any other status.
    Failed,
}

/// Why a fetched document was not taken. What was there before stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// Nothing was fetched.
    #[error("the key set could not be fetched")]
    Failed,
    /// The document is longer than [`RemoteKeysPolicy::max_document_len`].
    #[error("the key set is longer than accepted")]
    TooLong,
    /// The document is not an acceptable JWK Set.
    #[error("the key set is unacceptable")]
    Set(#[source] JwkError),
    /// Status 304 for a request that named no entity tag.
    #[error("the answer refers to a key set that is not here")]
    NothingToConfirm,
    /// The report comes after the timeout, when somebody else may be fetching.
    #[error("the fetch was given up before it was reported on")]
    TooLate,
}

#[derive(Debug)]
struct Current {
    keys: Arc<VerificationKeys>,
    etag: Option<String>,
    fresh_until: Duration,
}

#[derive(Debug)]
struct Flight {
    id: u64,
    until: Duration,
}

impl RemoteKeys {
    /// Starts with no keys; the first [`step`](Self::step) asks for a fetch.
    pub fn new(provider: Provider, policy: RemoteKeysPolicy) -> Self {
        Self {
            provider,
            policy: policy.within_bounds(),
            current: None,
            flight: None,
            last_start: None,
            next_flight_id: 0,
            unknown: NegativeCache::default(),
        }
    }

    /// The policy, with its bounds applied.
    pub fn policy(&self) -> &RemoteKeysPolicy {
        &self.policy
    }

    /// The set in use, if any, however old. For metrics.
    pub fn keys(&self) -> Option<&Arc<VerificationKeys>> {
        self.current.as_ref().map(|current| &current.keys)
    }

    /// How many unknown `kid`s are remembered, at most [`RemoteKeysPolicy::max_unknown`]. For metrics.
    pub fn remembered_unknown(&self) -> usize {
        self.unknown.len()
    }

    /// What to do about a token that names `kid`. O(1) beside a search through the remembered unknown `kid`s.
    pub fn step(&mut self, kid: &str, now: Duration) -> KeyStep {
        if self.flight.as_ref().is_some_and(|flight| flight.until <= now) {
            self.flight = None;
        }
        let usable = self.usable(now).map(|current| {
            let known = current.keys.get(kid).is_some();
            (known.then(|| Arc::clone(&current.keys)), current.fresh_until <= now)
        });
        match usable {
            Some((Some(keys), stale)) => KeyStep::Verify {
                keys,
                refresh: if stale { self.start(None, now) } else { None },
            },
            Some((None, _)) if kid.len() > NegativeCache::MAX_KID_LEN || self.unknown.holds(kid, now) => {
                KeyStep::Refuse(KeyRefusal::UnknownKey)
            }
            Some((None, false)) => self.fetch_or(KeyRefusal::UnknownKey, kid, now),
            // A set that is missing or no longer fresh does not say that a key is unknown.
            Some((None, true)) | None => {
                let retry_at = self.cooled_at();
                self.fetch_or(KeyRefusal::Unavailable { retry_at }, kid, now)
            }
        }
    }

    /// Reports on a fetch. A good document replaces all keys: one that is no longer in it verifies nothing from here on.
    ///
    /// # Errors
    ///
    /// [`FetchError`], for a log: the machine has already gone on with what it had, until that is too old.
    pub fn complete(&mut self, fetch: Fetch, outcome: FetchOutcome<'_>, now: Duration) -> Result<(), FetchError> {
        match &self.flight {
            Some(flight) if flight.id == fetch.id && now < flight.until => self.flight = None,
            _ => return Err(FetchError::TooLate),
        }
        let fresh = match outcome {
            FetchOutcome::Document { body, etag, max_age } => Current {
                keys: Arc::new(self.read(body)?),
                etag: etag.filter(|etag| is_entity_tag(etag)).map(str::to_owned),
                fresh_until: now.saturating_add(self.policy.fresh_for(max_age)),
            },
            FetchOutcome::NotModified { max_age } => {
                // Only an answer to the tag of the very set that is here says anything about it.
                let current = self
                    .current
                    .take_if(|current| fetch.etag.is_some() && current.etag == fetch.etag);
                Current {
                    fresh_until: now.saturating_add(self.policy.fresh_for(max_age)),
                    ..current.ok_or(FetchError::NothingToConfirm)?
                }
            }
            FetchOutcome::Failed => return Err(FetchError::Failed),
        };
        if let Some(wanted) = fetch.wanted
            && fresh.keys.get(&wanted).is_none()
        {
            let until = now.saturating_add(self.policy.unknown_for);
            self.unknown.insert(wanted, until, self.policy.max_unknown);
        }
        self.current = Some(fresh);
        Ok(())
    }

    fn read(&self, body: &[u8]) -> Result<VerificationKeys, FetchError> {
        if body.len() > self.policy.max_document_len {
            return Err(FetchError::TooLong);
        }
        JwkSet::parse(body)
            .and_then(|set| VerificationKeys::from_jwk_set(self.provider, &set))
            .map_err(FetchError::Set)
    }

    /// The current set unless it is too old for any use.
    fn usable(&self, now: Duration) -> Option<&Current> {
        self.current
            .as_ref()
            .filter(|current| now < current.fresh_until.saturating_add(self.policy.max_stale))
    }

    fn fetch_or(&mut self, refusal: KeyRefusal, kid: &str, now: Duration) -> KeyStep {
        if let Some(flight) = &self.flight {
            return KeyStep::Wait { until: flight.until };
        }
        let wanted = (kid.len() <= NegativeCache::MAX_KID_LEN).then(|| kid.to_owned());
        match self.start(wanted, now) {
            Some(fetch) => KeyStep::Fetch(fetch),
            None => KeyStep::Refuse(refusal),
        }
    }

    /// The only place where a fetch begins: never beside another, never within the cooldown.
    fn start(&mut self, wanted: Option<String>, now: Duration) -> Option<Fetch> {
        if self.flight.is_some() || now < self.cooled_at() {
            return None;
        }
        let id = self.next_flight_id;
        self.next_flight_id += 1;
        self.last_start = Some(now);
        self.flight = Some(Flight {
            id,
            until: now.saturating_add(self.policy.fetch_timeout),
        });
        let etag = self.current.as_ref().and_then(|current| current.etag.clone());
        Some(Fetch { id, etag, wanted })
    }

    fn cooled_at(&self) -> Duration {
        self.last_start
            .map_or(Duration::ZERO, |start| start.saturating_add(self.policy.cooldown))
    }
}

/// RFC 9110 §8.8.3, and short enough to be kept.
fn is_entity_tag(text: &str) -> bool {
    const MAX_LEN: usize = 256;
    text.len() <= MAX_LEN && text.bytes().all(|byte| byte.is_ascii_graphic())
}
