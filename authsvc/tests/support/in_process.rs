//! The real router over a real database, with a settable clock and hashing too cheap for anything but tests.

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

use authsvc::endpoint::Endpoints;
use authsvc::hasher::QueuedHasher;
use authsvc::key_upkeep::BlockingKeyMaker;
use authsvc::metrics::Metrics;
use authsvc::request_rate::RequestRates;
use authsvc::transport::http::forwarded::TrustedProxies;
use authsvc::transport::http::{HttpState, internal_router, public_router};
use authsvc::transport::listener::Connection;
use authsvc_core::audit::{AuditSink, Outcome, RecordingSink};
use authsvc_core::clock::{Clock, TestClock};
use authsvc_core::domain::{EmailAddress, ServiceIdentity, User, UserId};
use authsvc_core::service::administration::{Administration, AdministrationParts};
use authsvc_core::service::defence::{DefencePolicy, LoginDefence, open_digest_key};
use authsvc_core::service::key_schedule::KeyPolicy;
use authsvc_core::service::{
    AuthService, CredentialHasher, FeedKeyKeeper, FeedPublisher, KeyKeeper, KeyRing, NewService, Parts, PasswordPolicy,
    SealedKeysets, ServiceRegistry, SessionPolicy, Sessions, TokenPolicy, UserAdministration, create_keys,
};
use authsvc_core::storage::Store;
use axum::Router;
use axum::body::Body;
use cryptokit::jose::JwsAlgorithm;
use cryptokit::keyset::{Keyset, RootKey};
use cryptokit::password::{Argon2Params, Password, PasswordHasher, Pepper, Policy};
use cryptokit::sign::RsaKeySize;
use cryptokit::x509::{
    CertificateAuthority, DistinguishedName, LeafProfile, LeafRequest, PeerCertificate, TrustAnchors,
    verify_client_chain,
};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt;

/// The proxy whose word is taken.
pub(crate) const PROXY: &str = "198.18.0.1";
pub(crate) const NOW: i64 = 1_800_000_000;
pub(crate) const ISSUER: &str = "https://auth.example";
pub(crate) const EMAIL: &str = "alice@example.com";
pub(crate) const PASSWORD: &str = "correct horse battery staple";
pub(crate) const TTL_SECONDS: i64 = 900;
pub(crate) const LEEWAY_SECONDS: i64 = 5;
pub(crate) const SESSION_POLICY: SessionPolicy = SessionPolicy {
    most_per_user: 64,
    idle_ttl: Duration::from_secs(14 * 86_400),
    absolute_ttl: Duration::from_secs(90 * 86_400),
};

pub(crate) struct Service {
    pub(crate) directory: Arc<TempDir>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) audit: Arc<RecordingSink>,
    pub(crate) hasher: Arc<QueuedHasher>,
    pub(crate) defence: Arc<LoginDefence>,
    pub(crate) metrics: Metrics,
    pub(crate) root_key: RootKey,
    pub(crate) keys: Arc<KeyRing>,
    pub(crate) authority: Arc<CertificateAuthority>,
    pub(crate) user_id: UserId,
    pub(crate) users: UserAdministration,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) feed: Arc<FeedPublisher>,
    pub(crate) auth: Arc<AuthService>,
    pub(crate) administration: Arc<Administration>,
    pub(crate) public: Router,
    pub(crate) internal: Router,
}

/// What the replicas of one installation have in common.
struct Shared {
    directory: Arc<TempDir>,
    clock: Arc<TestClock>,
    hasher: Arc<QueuedHasher>,
    root_key: RootKey,
    authority: Arc<CertificateAuthority>,
    user_id: UserId,
    /// Requests a second, of a source and of a caller.
    rate: u32,
    /// What records, if not memory alone.
    log: Option<Arc<dyn AuditSink>>,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("JSON expected: {}", String::from_utf8_lossy(&self.body)))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The part of a problem's type that is its own.
    pub(crate) fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json");
        let json = self.json();
        assert_eq!(json["status"], self.status.as_u16());
        json["type"]
            .as_str()
            .unwrap()
            .strip_prefix("urn:authsvc:problem:")
            .unwrap()
            .to_owned()
    }
}

impl Service {
    pub(crate) async fn start() -> Self {
        Self::start_with(|hasher| hasher).await
    }

    /// With something around the hasher.
    pub(crate) async fn start_with(wrap: impl FnOnce(Arc<dyn CredentialHasher>) -> Arc<dyn CredentialHasher>) -> Self {
        Self::start_with_policy(DefencePolicy::default(), wrap).await
    }

    /// Answering so many requests a second, of a source and of a caller.
    pub(crate) async fn start_with_rate(rate: u32) -> Self {
        let started = Self::start().await;
        let mut shared = started.shared();
        shared.rate = rate;
        Self::assemble(Arc::clone(&started.store), shared, DefencePolicy::default(), |hasher| {
            hasher
        })
        .await
    }

    /// With other limits on guesses.
    pub(crate) async fn start_with_policy(
        policy: DefencePolicy,
        wrap: impl FnOnce(Arc<dyn CredentialHasher>) -> Arc<dyn CredentialHasher>,
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("authsvc.db");
        std::fs::write(&database, "").unwrap();
        let store: Arc<dyn Store> = Arc::new(super::databases::open_sqlite(&database).await);
        Self::start_over(store, directory, policy, wrap).await
    }

    /// On a Postgres database; `None` where there is no Postgres.
    pub(crate) async fn start_on_postgres() -> Option<Self> {
        let database = super::postgres::database().await?;
        Some(Self::start_over_store(Arc::new(database.open().await)).await)
    }

    /// Over a database that is empty.
    pub(crate) async fn start_over_store(store: Arc<dyn Store>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self::start_over(store, directory, DefencePolicy::default(), |hasher| hasher).await
    }

    async fn start_over(
        store: Arc<dyn Store>,
        directory: TempDir,
        policy: DefencePolicy,
        wrap: impl FnOnce(Arc<dyn CredentialHasher>) -> Arc<dyn CredentialHasher>,
    ) -> Self {
        let root_key = RootKey::generate();
        create_keys(store.as_ref(), &root_key, RsaKeySize::Bits2048)
            .await
            .unwrap();

        let clock = Arc::new(TestClock::at(NOW));
        let cheap = Argon2Params::new(32, 1, 1).unwrap();
        let hasher = Arc::new(QueuedHasher::new(
            PasswordHasher::new(
                Policy::new(cheap, Argon2Params::OWASP).unwrap(),
                Keyset::new("peppers", Pepper::generate()),
            ),
            NonZeroUsize::new(2).unwrap(),
            Duration::from_secs(30),
        ));
        let keys = Arc::new(
            KeyRing::open(keysets(&store, &root_key), Arc::clone(&clock) as _)
                .await
                .unwrap(),
        );
        let users = UserAdministration::new(
            Arc::clone(&store),
            Arc::clone(&clock) as _,
            Arc::clone(&hasher) as _,
            keys,
        );
        let user_id = users
            .add(EMAIL.parse().unwrap(), Password::new(PASSWORD).unwrap())
            .await
            .unwrap();

        let now = clock.now();
        let root = CertificateAuthority::new_root(&DistinguishedName::new("Test root CA").unwrap(), now).unwrap();
        let authority = root
            .issue_intermediate(&DistinguishedName::new("Test issuing CA").unwrap(), now)
            .unwrap();

        let shared = Shared {
            directory: Arc::new(directory),
            clock,
            hasher,
            root_key,
            authority: Arc::new(authority),
            user_id,
            rate: 1_000_000,
            log: None,
        };
        let started = Self::assemble(store, shared, policy, wrap).await;
        started.register("orders", "dns:orders.internal", &["orders"]).await;
        started
    }

    /// The same service after a restart with other limits on guesses and something around the hasher.
    pub(crate) async fn again(
        &self,
        policy: DefencePolicy,
        wrap: impl FnOnce(Arc<dyn CredentialHasher>) -> Arc<dyn CredentialHasher>,
    ) -> Self {
        Self::assemble(Arc::clone(&self.store), self.shared(), policy, wrap).await
    }

    /// The same service after a restart with other limits on guesses, recording in this log.
    pub(crate) async fn again_recording(&self, policy: DefencePolicy, log: Arc<dyn AuditSink>) -> Self {
        let shared = Shared {
            log: Some(log),
            ..self.shared()
        };
        Self::assemble(Arc::clone(&self.store), shared, policy, |hasher| hasher).await
    }

    /// Another replica: the same keys, clock and certificates, and connections of its own to the same database.
    pub(crate) async fn replica(&self, store: Arc<dyn Store>) -> Self {
        Self::assemble(store, self.shared(), DefencePolicy::default(), |hasher| hasher).await
    }

    fn shared(&self) -> Shared {
        Shared {
            directory: Arc::clone(&self.directory),
            clock: Arc::clone(&self.clock),
            hasher: Arc::clone(&self.hasher),
            root_key: RootKey::from_text(&self.root_key.to_text()).unwrap(),
            authority: Arc::clone(&self.authority),
            user_id: self.user_id,
            rate: 1_000_000,
            log: None,
        }
    }

    async fn assemble(
        store: Arc<dyn Store>,
        shared: Shared,
        policy: DefencePolicy,
        wrap: impl FnOnce(Arc<dyn CredentialHasher>) -> Arc<dyn CredentialHasher>,
    ) -> Self {
        let Shared {
            directory,
            clock,
            hasher,
            root_key,
            authority,
            user_id,
            rate,
            log,
        } = shared;
        let keysets = keysets(&store, &root_key);
        let defence = Arc::new(LoginDefence::start(
            Arc::clone(&store),
            Arc::clone(&clock) as _,
            open_digest_key(&keysets).await.unwrap(),
            policy,
        ));
        let feed = FeedPublisher::open(&keysets, ISSUER, Arc::clone(&clock) as _)
            .await
            .unwrap();
        let feed = Arc::new(feed);
        let keys = Arc::new(KeyRing::open(keysets, Arc::clone(&clock) as _).await.unwrap());
        let users = UserAdministration::new(
            Arc::clone(&store),
            Arc::clone(&clock) as _,
            Arc::clone(&hasher) as _,
            Arc::clone(&keys),
        );
        let audit = Arc::new(RecordingSink::default());
        let metrics = Metrics::new();
        let sessions = Arc::new(Sessions::new(
            Arc::clone(&store) as Arc<dyn Store>,
            Arc::clone(&clock) as _,
            SESSION_POLICY,
        ));
        let service = Arc::new(AuthService::new(Parts {
            store: Arc::clone(&store),
            clock: Arc::clone(&clock) as _,
            hasher: wrap(Arc::clone(&hasher) as _),
            keys: Arc::clone(&keys),
            defence: Arc::clone(&defence),
            password_rules: Arc::new(PasswordPolicy::default().with_service("authsvc", ISSUER)),
            sessions: Arc::clone(&sessions),
            feed: Arc::clone(&feed),
            policy: TokenPolicy {
                issuer: ISSUER.to_owned(),
                default_audience: Some("orders".parse().unwrap()),
                access_token_ttl: Duration::from_secs(TTL_SECONDS as u64),
                leeway: Duration::from_secs(LEEWAY_SECONDS as u64),
                verified_cache_entries: 1000,
                // The clock stands still.
                state_age: Duration::ZERO,
            },
        }));
        let sink = log.unwrap_or_else(|| Arc::clone(&audit) as _);
        let shared_clock = Arc::clone(&clock) as Arc<dyn Clock>;
        let administration = Arc::new(Administration::new(AdministrationParts {
            store: Arc::clone(&store),
            clock: Arc::clone(&shared_clock),
            audit: Arc::clone(&sink),
            keys: Arc::clone(&keys),
            users: UserAdministration::new(
                Arc::clone(&store),
                Arc::clone(&shared_clock),
                Arc::clone(&hasher) as _,
                Arc::clone(&keys),
            ),
            keeper: KeyKeeper::new(
                Arc::clone(&keys),
                Arc::new(BlockingKeyMaker),
                Arc::clone(&shared_clock),
                KeyPolicy {
                    rotation_period: None,
                    algorithm: JwsAlgorithm::Es256,
                    rsa_key_size: RsaKeySize::Bits2048,
                },
            ),
            feed_keys: FeedKeyKeeper::new(
                keys.keysets().clone(),
                ISSUER,
                Arc::clone(&shared_clock),
                KeyPolicy {
                    rotation_period: None,
                    algorithm: JwsAlgorithm::EdDsa,
                    rsa_key_size: RsaKeySize::Bits2048,
                },
            ),
            sessions: Arc::clone(&sessions),
            defence: Arc::clone(&defence),
        }));
        let endpoints = Arc::new(Endpoints::new(
            &service,
            &administration,
            &sink,
            &shared_clock,
            &metrics,
            Duration::from_secs(30),
        ));
        let proxies = Arc::new(TrustedProxies {
            networks: vec![PROXY.parse().unwrap()],
            ..TrustedProxies::default()
        });
        let rate = NonZeroU32::new(rate).unwrap();
        let rates = Arc::new(RequestRates::new(rate, rate));
        let state = |listener| HttpState {
            endpoints: Arc::clone(&endpoints),
            service: Arc::clone(&service),
            audit: Arc::clone(&sink),
            clock: Arc::clone(&shared_clock),
            metrics: metrics.clone(),
            proxies: Arc::clone(&proxies),
            rates: Arc::clone(&rates),
            reset_url: None,
            max_body_bytes: 16 * 1024,
            body_timeout: Duration::from_millis(200),
            listener,
        };
        let (public, internal) = (public_router(state("public")), internal_router(state("internal")));
        Self {
            directory,
            store,
            clock,
            audit,
            hasher,
            defence,
            metrics,
            root_key,
            keys,
            authority,
            user_id,
            users,
            sessions,
            feed,
            auth: service,
            administration,
            public,
            internal,
        }
    }

    pub(crate) async fn register(&self, name: &str, san: &str, audiences: &[&str]) {
        let identity = ServiceIdentity {
            issuer_spki_sha256: self.authority.certificate().spki_sha256(),
            subject_alternative_name: san.parse().unwrap(),
        };
        let service = NewService::new(name.parse().unwrap(), identity)
            .with_audiences(audiences.iter().map(|name| name.parse().unwrap()).collect());
        self.registry().add(service).await.unwrap();
    }

    pub(crate) fn registry(&self) -> ServiceRegistry {
        ServiceRegistry::new(
            Arc::clone(&self.store),
            Arc::clone(&self.clock) as _,
            Arc::clone(&self.keys),
        )
    }

    /// A service that administers.
    pub(crate) async fn register_administrator(&self, name: &str, san: &str) {
        let identity = ServiceIdentity {
            issuer_spki_sha256: self.authority.certificate().spki_sha256(),
            subject_alternative_name: san.parse().unwrap(),
        };
        let mut service = NewService::new(name.parse().unwrap(), identity);
        service.admin = true;
        self.registry().add(service).await.unwrap();
    }

    pub(crate) async fn set_disabled(&self, email: &str, disabled: bool) {
        let email: EmailAddress = email.parse().unwrap();
        self.users.set_disabled(email, disabled).await.unwrap();
    }

    /// What the store holds of an account, its seal unchecked.
    pub(crate) async fn stored(&self, email: &str) -> User {
        let found = self.store.user_by_email(&email.parse().unwrap()).await.unwrap();
        found.unwrap().unverified().clone()
    }

    /// The service `scoped` for the audience `orders`, which is told of these scopes.
    pub(crate) async fn register_with(&self, scopes: &[&str]) {
        let identity = ServiceIdentity {
            issuer_spki_sha256: self.authority.certificate().spki_sha256(),
            subject_alternative_name: "dns:scoped.internal".parse().unwrap(),
        };
        let mut scoped = NewService::new("scoped".parse().unwrap(), identity);
        scoped.audiences = vec!["orders".parse().unwrap()];
        scoped.scopes = scopes.iter().map(|scope| scope.parse().unwrap()).collect();
        self.registry().add(scoped).await.unwrap();
    }

    /// What the TLS layer would have proved of a client with these names.
    pub(crate) fn peer(&self, names: &[&str]) -> PeerCertificate {
        peer_of(&self.authority, names, self.clock.now())
    }

    pub(crate) async fn send(
        &self,
        router: &Router,
        peer: Option<PeerCertificate>,
        mut request: Request<Body>,
    ) -> Answer {
        let remote = SocketAddr::from(([192, 0, 2, 7], 4711));
        request.extensions_mut().insert(Connection {
            remote,
            peer: peer.map(Arc::new),
        });
        let response = router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        Answer {
            status: head.status,
            headers: head.headers,
            body: body.collect().await.unwrap().to_bytes().to_vec(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(&self.public, None, Request::get(path).body(Body::empty()).unwrap())
            .await
    }

    pub(crate) async fn post(&self, path: &str, body: impl Into<Body>) -> Answer {
        self.send(&self.public, None, json_request(path, body)).await
    }

    pub(crate) async fn login(&self, email: &str, password: &str) -> Answer {
        self.post("/v1/auth", login_body(email, password)).await
    }

    pub(crate) async fn token(&self) -> String {
        let answer = self.login(EMAIL, PASSWORD).await;
        assert_eq!(answer.status, StatusCode::OK);
        answer.json()["token"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn validate_as(&self, names: &[&str], token: &str) -> Answer {
        let body = serde_json::json!({ "token": token }).to_string();
        self.send(
            &self.internal,
            Some(self.peer(names)),
            json_request("/v1/validate-token", body),
        )
        .await
    }

    pub(crate) async fn validate(&self, token: &str) -> Answer {
        self.validate_as(&["dns:orders.internal"], token).await
    }

    /// The reasons recorded since the last call; a success is `ok`.
    pub(crate) fn reasons(&self) -> Vec<&'static str> {
        self.audit
            .take()
            .iter()
            .map(|record| match &record.outcome {
                Outcome::Success => "ok",
                Outcome::Failure(reason) => reason.code(),
            })
            .collect()
    }
}

fn keysets(store: &Arc<dyn Store>, root_key: &RootKey) -> SealedKeysets {
    let same_root_key = RootKey::from_text(&root_key.to_text()).unwrap();
    SealedKeysets::new(Arc::clone(store), Arc::new(same_root_key))
}

pub(crate) fn peer_of(authority: &CertificateAuthority, names: &[&str], now: time::OffsetDateTime) -> PeerCertificate {
    // X509-SVID §4.4: a workload is both.
    let profile = match names.iter().any(|name| name.starts_with("uri:spiffe:")) {
        true => LeafProfile::Peer,
        false => LeafProfile::Client,
    };
    let names = names.iter().map(|name| name.parse().unwrap()).collect();
    let (issued, _) = authority.issue_leaf(&LeafRequest::new(profile, names), now).unwrap();
    let anchors = TrustAnchors::from_certificates(vec![authority.certificate().clone()]).unwrap();
    verify_client_chain(&issued.chain_der(), &anchors, now).unwrap()
}

pub(crate) fn json_request(path: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post(path)
        .header("content-type", "application/json")
        .body(body.into())
        .unwrap()
}

pub(crate) fn login_body(email: &str, password: &str) -> String {
    serde_json::json!({ "email": email, "password": password }).to_string()
}
