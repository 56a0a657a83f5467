//! The issuer's public keys, fetched when they are needed and kept while the issuer is away.
//!
//! A service that verifies tokens by itself holds one [`RemoteKeySet`]. It drives [`RemoteKeys`], which decides: an unknown
//! `kid` leads to one fetch, whatever number of tokens name it; there is at most one at a time and one in each cooldown;
//! a set that is no longer fresh goes on verifying while it cannot be renewed, within the policy's bound.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cryptokit::Provider;
use cryptokit::jose::{
    AccessTokenClaims, Fetch, FetchOutcome, KeyRefusal, KeyStep, RemoteKeys, RemoteKeysPolicy, TokenError,
    TokenVerifier, Unverified, VerificationKeys, Verified,
};
use http::header::{CACHE_CONTROL, ETAG};
use http::{HeaderMap, Method, StatusCode};
use time::OffsetDateTime;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::Client;

/// Where the key set is.
const PATH: &str = "/.well-known/jwks.json";

/// What a source of keys answered.
#[derive(Debug)]
pub enum Fetched {
    /// Status 200.
    Document {
        /// The body.
        body: Vec<u8>,
        /// `ETag`.
        etag: Option<String>,
        /// From `Cache-Control`.
        max_age: Option<Duration>,
    },
    /// Status 304.
    NotModified {
        /// From `Cache-Control`.
        max_age: Option<Duration>,
    },
    /// Anything else, or nothing in time.
    Failed,
}

/// Where a key set comes from.
pub trait KeySource: Send + Sync + 'static {
    /// Asks for the set, naming the one that is there already.
    fn fetch(&self, etag: Option<&str>) -> impl Future<Output = Fetched> + Send;
}

/// authsvc over TLS, or over mTLS, where it then knows which keys this service has and waits for it before it signs with
/// others.
impl KeySource for Client {
    async fn fetch(&self, etag: Option<&str>) -> Fetched {
        let conditional = etag.map(|etag| ("if-none-match", etag));
        let answer = self
            .request(Method::GET, PATH, Vec::new(), conditional.as_slice())
            .await;
        match answer {
            Ok(answer) if answer.status == StatusCode::OK => Fetched::Document {
                etag: header(&answer.headers, ETAG.as_str()).map(str::to_owned),
                max_age: max_age(&answer.headers),
                body: answer.body.expose_secret().to_vec(),
            },
            Ok(answer) if answer.status == StatusCode::NOT_MODIFIED => Fetched::NotModified {
                max_age: max_age(&answer.headers),
            },
            _ => Fetched::Failed,
        }
    }
}

impl<S: KeySource> KeySource for Arc<S> {
    async fn fetch(&self, etag: Option<&str>) -> Fetched {
        self.as_ref().fetch(etag).await
    }
}

/// Why a token was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The token is not good.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// There are no keys to verify it with, which says nothing about the token: answer 503, not 401.
    #[error("the issuer's keys cannot be had at the moment")]
    Unavailable,
    /// The token was revoked.
    #[error("the token was revoked")]
    Revoked,
    /// It is not known whether the token was revoked, and such tokens are not to be accepted: answer 503, not 401.
    #[error("what the issuer revoked cannot be had at the moment")]
    RevocationsStale,
}

/// The keys of one issuer. Shared by all who verify.
pub struct RemoteKeySet<S> {
    inner: Arc<Inner<S>>,
}

struct Inner<S> {
    source: S,
    machine: Mutex<RemoteKeys>,
    started: Instant,
    /// Told when a fetch has been reported on.
    reported: Notify,
}

impl<S: KeySource> RemoteKeySet<S> {
    /// Keys from `source`; none is asked for before the first token.
    pub fn new(source: S, policy: RemoteKeysPolicy) -> Self {
        Self {
            inner: Arc::new(Inner {
                source,
                machine: Mutex::new(RemoteKeys::new(Provider::default(), policy)),
                started: Instant::now(),
                reported: Notify::new(),
            }),
        }
    }

    /// Verifies a token for any of `audiences` at `now`, fetching the keys first if it has to.
    ///
    /// # Errors
    ///
    /// [`VerifyError`].
    pub async fn verify(
        &self,
        verifier: &TokenVerifier,
        token: &str,
        audiences: &[String],
        now: OffsetDateTime,
    ) -> Result<Verified<AccessTokenClaims>, VerifyError> {
        let token = Unverified::parse(token)?;
        let keys = self.keys_for(token.kid()).await.map_err(|refusal| match refusal {
            KeyRefusal::UnknownKey => VerifyError::Token(TokenError::UnknownKey),
            _ => VerifyError::Unavailable,
        })?;
        Ok(verifier.verify_parsed(&token, &keys, audiences, now)?)
    }

    /// The set that holds the key of that `kid`.
    ///
    /// # Errors
    ///
    /// [`KeyRefusal`].
    pub async fn keys_for(&self, kid: &str) -> Result<Arc<VerificationKeys>, KeyRefusal> {
        let inner = &self.inner;
        loop {
            // Listened for before the machine is asked, so that a report in between is not missed.
            let reported = inner.reported.notified();
            tokio::pin!(reported);
            reported.as_mut().enable();
            let step = inner.machine().step(kid, inner.now());
            match step {
                KeyStep::Verify { keys, refresh } => {
                    if let Some(fetch) = refresh {
                        tokio::spawn(Arc::clone(inner).fetch(fetch));
                    }
                    return Ok(keys);
                }
                // On a task of its own: whoever asked first may go away, and the others wait for this fetch.
                KeyStep::Fetch(fetch) => {
                    let _ = tokio::spawn(Arc::clone(inner).fetch(fetch)).await;
                }
                KeyStep::Wait { until } => {
                    let left = until.saturating_sub(inner.now());
                    let _ = tokio::time::timeout(left, reported).await;
                }
                KeyStep::Refuse(refusal) => return Err(refusal),
            }
        }
    }
}

impl<S: KeySource> Inner<S> {
    async fn fetch(self: Arc<Self>, fetch: Fetch) {
        let timeout = self.machine().policy().fetch_timeout;
        let fetched = tokio::time::timeout(timeout, self.source.fetch(fetch.etag())).await;
        let outcome = match &fetched {
            Ok(Fetched::Document { body, etag, max_age }) => FetchOutcome::Document {
                body,
                etag: etag.as_deref(),
                max_age: *max_age,
            },
            Ok(Fetched::NotModified { max_age }) => FetchOutcome::NotModified { max_age: *max_age },
            Ok(Fetched::Failed) | Err(_) => FetchOutcome::Failed,
        };
        // A set that cannot be used leaves what is there: what becomes of the token is for the next step to say.
        let _ = self.machine().complete(fetch, outcome, self.now());
        self.reported.notify_waiters();
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    fn machine(&self) -> MutexGuard<'_, RemoteKeys> {
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> Clone for RemoteKeySet<S> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<S> fmt::Debug for RemoteKeySet<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RemoteKeySet")
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// RFC 9111 §5.2.2: `no-store` and `no-cache` are a `max-age` of nothing.
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let directives = header(headers, CACHE_CONTROL.as_str())?.split(',').map(str::trim);
    let mut found = None;
    for directive in directives {
        if directive.eq_ignore_ascii_case("no-store") || directive.eq_ignore_ascii_case("no-cache") {
            return Some(Duration::ZERO);
        }
        if let Some((name, seconds)) = directive.split_once('=')
            && name.trim().eq_ignore_ascii_case("max-age")
        {
            found = seconds.trim().parse().ok().map(Duration::from_secs);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use cryptokit::jose::{Audience, JwsAlgorithm, TokenSigner, TokenSigningKey};
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2030-01-01 00:00:00 UTC);

    /// An issuer whose keys and health a test chooses.
    #[derive(Clone, Default)]
    struct Issuer(Arc<State>);

    #[derive(Default)]
    struct State {
        keys: Mutex<VerificationKeys>,
        fetches: AtomicUsize,
        down: AtomicBool,
    }

    impl Issuer {
        fn publish(&self, signer: &TokenSigner) {
            let mut keys = self.0.keys.lock().unwrap();
            keys.add(signer.key().verifying_key().unwrap()).unwrap();
        }

        fn fetches(&self) -> usize {
            self.0.fetches.load(Ordering::SeqCst)
        }

        fn set_down(&self, down: bool) {
            self.0.down.store(down, Ordering::SeqCst);
        }
    }

    impl KeySource for Issuer {
        async fn fetch(&self, _etag: Option<&str>) -> Fetched {
            self.0.fetches.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(50)).await;
            if self.0.down.load(Ordering::SeqCst) {
                return Fetched::Failed;
            }
            Fetched::Document {
                body: self.0.keys.lock().unwrap().jwk_set().to_json().into_bytes(),
                etag: None,
                max_age: Some(Duration::from_secs(300)),
            }
        }
    }

    fn signer() -> TokenSigner {
        TokenSigner::new(TokenSigningKey::generate(JwsAlgorithm::EdDsa).unwrap()).unwrap()
    }

    async fn verify(set: &RemoteKeySet<Issuer>, signer: &TokenSigner) -> Result<(), VerifyError> {
        let now = NOW.unix_timestamp().unsigned_abs();
        let claims = AccessTokenClaims::new(
            "https://a.example",
            "u",
            Audience::one("orders"),
            "c",
            "j",
            now,
            now + 900,
        );
        let token = signer.sign(&claims).unwrap();
        let verifier = TokenVerifier::new("https://a.example", Duration::from_secs(5));
        let verdict = set
            .verify(&verifier, token.expose_secret(), &["orders".into()], NOW)
            .await;
        verdict.map(drop)
    }

    const UNKNOWN: Result<(), VerifyError> = Err(VerifyError::Token(TokenError::UnknownKey));

    #[tokio::test(start_paused = true)]
    async fn ten_thousand_unknown_keys_are_one_fetch_in_each_cooldown() {
        let (issuer, known, stranger) = (Issuer::default(), signer(), signer());
        issuer.publish(&known);
        let set = RemoteKeySet::new(issuer.clone(), RemoteKeysPolicy::default());
        assert_eq!(verify(&set, &known).await, Ok(()));
        for cooldown in 1..=3 {
            tokio::time::advance(Duration::from_secs(30)).await;
            for number in 0..10_000 {
                let refused = set.keys_for(&format!("kid-{cooldown}-{number}")).await.unwrap_err();
                assert_eq!(refused, KeyRefusal::UnknownKey);
            }
            assert_eq!(verify(&set, &stranger).await, UNKNOWN);
            assert_eq!(verify(&set, &known).await, Ok(()));
            assert_eq!(issuer.fetches(), 1 + cooldown);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_ask_at_once_share_one_fetch_and_a_caller_that_leaves_ends_it_for_nobody() {
        let (issuer, known) = (Issuer::default(), signer());
        issuer.publish(&known);
        let set = RemoteKeySet::new(issuer.clone(), RemoteKeysPolicy::default());
        let first = set.keys_for(known.kid());
        assert!(
            tokio::time::timeout(Duration::from_millis(1), first).await.is_err(),
            "it left"
        );
        let asked: Vec<_> = (0..1000)
            .map(|_| {
                let (set, kid) = (set.clone(), known.kid().to_owned());
                tokio::spawn(async move { set.keys_for(&kid).await.is_ok() })
            })
            .collect();
        for answer in asked {
            assert!(answer.await.unwrap());
        }
        assert_eq!(issuer.fetches(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn an_issuer_that_is_down_for_ten_minutes_stops_no_verification() {
        let (issuer, old, new) = (Issuer::default(), signer(), signer());
        issuer.publish(&old);
        let set = RemoteKeySet::new(issuer.clone(), RemoteKeysPolicy::default());
        assert_eq!(verify(&set, &old).await, Ok(()));
        issuer.set_down(true);
        issuer.publish(&new);
        for _ in 0..60 {
            tokio::time::advance(Duration::from_secs(10)).await;
            assert_eq!(verify(&set, &old).await, Ok(()));
        }
        let fetches = issuer.fetches();
        assert!((2..=22).contains(&fetches), "no more than one in a cooldown: {fetches}");
        assert!(verify(&set, &new).await.is_err());
        issuer.set_down(false);
        tokio::time::advance(Duration::from_secs(31)).await;
        assert_eq!(
            verify(&set, &new).await,
            Ok(()),
            "known with the first fetch that succeeds"
        );
        assert_eq!(verify(&set, &old).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn without_any_keys_the_answer_is_not_that_the_token_is_bad() {
        let (issuer, known) = (Issuer::default(), signer());
        issuer.set_down(true);
        let set = RemoteKeySet::new(issuer.clone(), RemoteKeysPolicy::default());
        assert_eq!(verify(&set, &known).await, Err(VerifyError::Unavailable));
        assert_eq!(verify(&set, &known).await, Err(VerifyError::Unavailable));
        assert_eq!(issuer.fetches(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_that_is_no_longer_published_verifies_nothing() {
        let (issuer, old, new) = (Issuer::default(), signer(), signer());
        issuer.publish(&old);
        let set = RemoteKeySet::new(issuer.clone(), RemoteKeysPolicy::default());
        assert_eq!(verify(&set, &old).await, Ok(()));
        *issuer.0.keys.lock().unwrap() = VerificationKeys::default();
        issuer.publish(&new);
        tokio::time::advance(Duration::from_secs(31)).await;
        assert_eq!(verify(&set, &new).await, Ok(()));
        assert_eq!(verify(&set, &old).await, UNKNOWN);
    }

    #[test]
    fn max_age_is_read_as_it_is_written() {
        let read = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(CACHE_CONTROL, value.parse().unwrap());
            max_age(&headers)
        };
        assert_eq!(read("public, max-age=300"), Some(Duration::from_secs(300)));
        assert_eq!(read("Max-Age = 5"), Some(Duration::from_secs(5)));
        assert_eq!(read("no-store"), Some(Duration::ZERO));
        assert_eq!(read("max-age=300, no-cache"), Some(Duration::ZERO));
        assert_eq!(read("max-age=x"), None);
        assert_eq!(read("public"), None);
        assert_eq!(max_age(&HeaderMap::new()), None);
    }
}
