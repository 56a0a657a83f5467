//! The composition root: from a configuration to listeners, from the inside out.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use authsvc_core::audit::{AuditKeys, AuditSink};
use authsvc_core::clock::{Clock, SystemClock};
use authsvc_core::service::administration::{Administration, AdministrationParts};
use authsvc_core::service::defence::{LoginDefence, open_digest_key};
use authsvc_core::service::{
    AuthService, DECOY_MIX_INTERVAL, FEED_INTERVAL, FeedKeyKeeper, FeedPublisher, KEY_POLL_INTERVAL,
    KEY_SCHEDULE_INTERVAL, KeyKeeper, KeyRing, KeyStorageError, Parts, RESEAL_INTERVAL, REVOCATION_POLL_INTERVAL,
    SESSION_PRUNE_INTERVAL, SealedKeysets, Sessions, UserAdministration,
};
use authsvc_core::storage::Store;
use cryptokit::password::PasswordHasher;
use tokio::net::TcpListener;
use tokio::signal::unix::Signal;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::audit::{AuditLog, AuditSetup, AuditStartError, retention};
use crate::background::Background;
use crate::config::Config;
use crate::endpoint::Endpoints;
use crate::hasher::{IDLE_RELEASE_INTERVAL, QueuedHasher};
use crate::key_upkeep::{BlockingKeyMaker, KeyUpkeep};
use crate::log_output;
use crate::metrics::Metrics;
use crate::password_rules::{self, BreachedFileError};
use crate::reload::{LivePeppers, Reloader};
use crate::request_rate::RequestRates;
use crate::secret_files::{RootKeyFile, SecretFileError};
use crate::storage::{self, OpenError};
use crate::transport::http::ops::{OpsState, ops_router};
use crate::transport::http::{HttpState, internal_router, public_router};
use crate::transport::listener::{Listener, Security};
use crate::transport::live_tls::{Ends, LiveTls};
use crate::transport::tls::TlsError;

/// How often secrets are erased that nobody confirmed in time.
const ENROLMENT_SWEEP_INTERVAL: Duration = Duration::from_secs(600);
/// How often a part of the counters of failed logins is cleared of what has ended.
const SWEEP_INTERVAL: Duration = Duration::from_secs(5);

/// How often it is looked for audit rows that are not kept any longer.
const PRUNE_INTERVAL: Duration = Duration::from_secs(10 * 60);

/// Why the service did not start. Nothing is made up in place of what is missing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A secret is missing or loose.
    #[error(transparent)]
    Secret(#[from] SecretFileError),
    /// The database is missing or does not fit.
    #[error(transparent)]
    Database(#[from] OpenError),
    /// The keys in the database do not open.
    #[error(transparent)]
    Keys(#[from] KeyStorageError),
    /// Nothing can be recorded.
    #[error(transparent)]
    Audit(#[from] AuditStartError),
    /// The file of breached passwords is missing or none.
    #[error(transparent)]
    Passwords(#[from] BreachedFileError),
    /// A certificate or key does not do.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// An address cannot be listened on.
    #[error("{name} listener: cannot listen on {address}")]
    Bind {
        /// The listener.
        name: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

/// A service that is bound and ready to be run.
#[derive(Debug)]
pub struct App {
    listeners: Vec<Listener>,
    store: Arc<dyn Store>,
    audit: Arc<AuditLog>,
    defence: Arc<LoginDefence>,
    draining: Arc<AtomicBool>,
    background: Background,
    reloader: Reloader,
    shutdown_grace: Duration,
    /// What the start line says.
    pub started: Started,
}

/// Sockets that are bound already. Whoever had to know a free port before anything else keeps it by holding it.
#[derive(Debug, Default)]
pub struct BoundSockets {
    /// For the public listener.
    pub public: Option<std::net::TcpListener>,
    /// For the internal listener.
    pub internal: Option<std::net::TcpListener>,
    /// For the ops listener.
    pub ops: Option<std::net::TcpListener>,
}

/// Where the service listens and until when.
#[derive(Clone, Debug)]
pub struct Started {
    /// The public listener's address.
    pub public: SocketAddr,
    /// The internal listener's address.
    pub internal: SocketAddr,
    /// The ops listener's address.
    pub ops: SocketAddr,
    /// Until when its certificates and revocation lists are good.
    pub ends: Ends,
}

impl App {
    /// Opens, checks and binds everything, in this order: secrets, database, keys, certificates, addresses.
    ///
    /// # Errors
    ///
    /// [`StartError`], naming what is missing or wrong. Nothing is served then.
    pub async fn start(config: &Config, sockets: BoundSockets) -> Result<Self, StartError> {
        let root_key = RootKeyFile::new(config.root_key_file.clone());
        let peppers = root_key.read_peppers(&config.pepper_file)?;
        let store = storage::open(&config.database).await?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let keysets = SealedKeysets::new(Arc::clone(&store), Arc::new(root_key.clone()));
        let defence = Arc::new(LoginDefence::start(
            Arc::clone(&store),
            Arc::clone(&clock),
            open_digest_key(&keysets).await?,
            config.defence,
        ));
        let audit_keys = AuditKeys::open(&keysets).await?;
        let feed = FeedPublisher::open(&keysets, &config.tokens.issuer, Arc::clone(&clock)).await?;
        let feed = Arc::new(feed);
        let feed_keys = || {
            let (issuer, clock) = (&config.tokens.issuer, Arc::clone(&clock));
            FeedKeyKeeper::new(
                SealedKeysets::new(Arc::clone(&store), Arc::new(root_key.clone())),
                issuer,
                clock,
                config.keys,
            )
        };
        let keys = Arc::new(KeyRing::open(keysets, Arc::clone(&clock)).await?);
        let tls = Arc::new(LiveTls::load(&config.public, &config.internal, &clock)?);

        let hasher = Arc::new(QueuedHasher::new(
            PasswordHasher::new(config.hashing.policy, peppers),
            config.hashing.max_concurrent,
            config.hashing.max_wait,
        ));
        let metrics = Metrics::new();
        metrics.watch_pool(hasher.pool().clone());
        metrics.watch_queue(Arc::clone(&hasher));
        metrics.watch_log(log_output::lost_lines);
        metrics.watch_ends(Arc::clone(&tls));
        metrics.watch_store(Arc::clone(&store));
        // Last of what can fail: a chain is begun only by a service that serves.
        let public_socket = bind("public", config.public.address, sockets.public).await?;
        let internal_socket = bind("internal", config.internal.address, sockets.internal).await?;
        let ops_socket = bind("ops", config.ops_address, sockets.ops).await?;
        let setup = AuditSetup::new(&config.audit);
        let audit_log = AuditLog::start(&setup, Arc::clone(&store), audit_keys, Arc::clone(&clock));
        let audit_log = Arc::new(audit_log.await?);
        metrics.watch_audit(audit_log.collector());
        let audit: Arc<dyn AuditSink> = Arc::clone(&audit_log) as _;
        let sessions = Arc::new(Sessions::new(Arc::clone(&store), Arc::clone(&clock), config.sessions));
        // Before anything is served: what was revoked before a restart is revoked after it.
        sessions.poll().await.map_err(KeyStorageError::from)?;
        let rules = password_rules::rules(config)?;
        let service = Arc::new(AuthService::new(Parts {
            store: Arc::clone(&store),
            clock: Arc::clone(&clock),
            hasher: Arc::clone(&hasher) as _,
            defence: Arc::clone(&defence),
            keys: Arc::clone(&keys),
            password_rules: Arc::clone(&rules),
            sessions: Arc::clone(&sessions),
            feed: Arc::clone(&feed),
            policy: config.tokens.clone(),
        }));
        service.refresh_decoys().await.map_err(KeyStorageError::from)?;
        let keeper = || {
            let (keys, clock) = (Arc::clone(&keys), Arc::clone(&clock));
            KeyKeeper::new(keys, Arc::new(BlockingKeyMaker), clock, config.keys)
        };
        let users = UserAdministration::new(
            Arc::clone(&store),
            Arc::clone(&clock),
            Arc::clone(&hasher) as _,
            Arc::clone(&keys),
        );
        let administration = Arc::new(Administration::new(AdministrationParts {
            store: Arc::clone(&store),
            clock: Arc::clone(&clock),
            audit: Arc::clone(&audit),
            keys: Arc::clone(&keys),
            users: users.with_rules(rules),
            keeper: keeper(),
            feed_keys: feed_keys(),
            sessions: Arc::clone(&sessions),
            defence: Arc::clone(&defence),
        }));
        let keeper = keeper();
        let upkeep = KeyUpkeep::new(keys, keeper, Arc::clone(&audit), Arc::clone(&clock));
        let upkeep = Arc::new(upkeep.with_feed(Arc::clone(&feed), feed_keys()));
        metrics.watch_keys(Arc::clone(&upkeep));
        metrics.watch_revocations(Arc::clone(&service), Arc::clone(&clock));
        let endpoints = Arc::new(Endpoints::new(
            &service,
            &administration,
            &audit,
            &clock,
            &metrics,
            config.limits.request_timeout,
        ));
        let proxies = Arc::new(config.trusted_proxies.clone());
        let rates = Arc::new(RequestRates::new(
            config.limits.requests_per_second,
            config.limits.caller_requests_per_second,
        ));
        let http = |listener| HttpState {
            endpoints: Arc::clone(&endpoints),
            service: Arc::clone(&service),
            audit: Arc::clone(&audit),
            clock: Arc::clone(&clock),
            metrics: metrics.clone(),
            proxies: Arc::clone(&proxies),
            rates: Arc::clone(&rates),
            reset_url: config.passwords.reset_url.as_deref().map(Arc::from),
            max_body_bytes: config.limits.max_body_bytes,
            body_timeout: config.limits.body_timeout,
            listener,
        };
        let draining = Arc::new(AtomicBool::new(false));
        let limits = watch::Sender::new(config.limits);
        let reloader = Reloader::new(
            config.clone(),
            Arc::clone(&tls),
            LivePeppers {
                hasher: Arc::clone(&hasher),
                root_key,
                file: config.pepper_file.clone(),
                policy: config.hashing.policy,
            },
            limits.clone(),
            metrics.clone(),
            Arc::clone(&audit),
            Arc::clone(&clock),
        );
        let ops = OpsState {
            service: Arc::clone(&service),
            metrics: metrics.clone(),
            clock: Arc::clone(&clock),
            tls: Arc::clone(&tls),
            reloader: reloader.clone(),
            draining: Arc::clone(&draining),
        };
        let listener = |name, socket, security, router| Listener {
            name,
            socket,
            security,
            router,
            limits: limits.subscribe(),
            metrics: metrics.clone(),
            clock: Arc::clone(&clock),
            audit: Arc::clone(&audit),
        };
        let listeners = vec![
            listener(
                "public",
                public_socket,
                Security::Tls(tls.public()),
                public_router(http("public")),
            ),
            listener(
                "internal",
                internal_socket,
                Security::MutualTls(tls.internal()),
                internal_router(http("internal")),
            ),
            listener("ops", ops_socket, Security::Plain, ops_router(ops)),
        ];
        let address = |index: usize, asked| listeners[index].socket.local_addr().unwrap_or(asked);
        let started = Started {
            public: address(0, config.public.address),
            internal: address(1, config.internal.address),
            ops: address(2, config.ops_address),
            ends: tls.ends(),
        };
        let mut background = Background::new(metrics.clone());
        let keys = Arc::clone(&upkeep);
        background.every("follow the keys in the database", KEY_POLL_INTERVAL, move || {
            let keys = Arc::clone(&keys);
            async move { keys.follow().await }
        });
        let watched = Arc::clone(&store);
        background.every("look at the database", storage::MODE_POLL_INTERVAL, move || {
            let store = Arc::clone(&watched);
            async move { store.refresh_mode().await.map(|_| ()) }
        });
        let decoys = Arc::clone(&service);
        background.every("look at the mix of hashes", DECOY_MIX_INTERVAL, move || {
            let service = Arc::clone(&decoys);
            async move { service.refresh_decoys().await }
        });
        let sealing = Arc::clone(&upkeep);
        background.every("seal anew what older keys seal", RESEAL_INTERVAL, move || {
            let keys = Arc::clone(&sealing);
            async move { keys.reseal().await }
        });
        background.every(
            "take due steps with the signing keys",
            KEY_SCHEDULE_INTERVAL,
            move || {
                let keys = Arc::clone(&upkeep);
                async move { keys.advance().await }
            },
        );
        let following = Arc::clone(&sessions);
        background.every("follow the revocations", REVOCATION_POLL_INTERVAL, move || {
            let sessions = Arc::clone(&following);
            async move { sessions.poll().await }
        });
        let publishing = Arc::clone(&feed);
        background.every("publish the revocations", FEED_INTERVAL, move || {
            let feed = Arc::clone(&publishing);
            async move { feed.publish().await }
        });
        background.every("remove sessions that are over", SESSION_PRUNE_INTERVAL, move || {
            let (sessions, feed) = (Arc::clone(&sessions), Arc::clone(&feed));
            async move {
                sessions.prune().await?;
                feed.prune().await
            }
        });
        background.every("release idle hashing memory", IDLE_RELEASE_INTERVAL, move || {
            hasher.pool().release_idle();
            std::future::ready(Ok::<(), std::convert::Infallible>(()))
        });
        let polling = reloader.clone();
        background.every("look for changed files", config.reload_interval, move || {
            let reloader = polling.clone();
            async move { reloader.look().await }
        });
        let (enrolments, enrolments_clock) = (Arc::clone(&store), Arc::clone(&clock));
        background.every(
            "forget unconfirmed second factors",
            ENROLMENT_SWEEP_INTERVAL,
            move || {
                let (store, now) = (Arc::clone(&enrolments), enrolments_clock.now());
                async move { store.prune_pending_second_factors(now).await.map(drop) }
            },
        );
        let swept = Arc::clone(&defence);
        background.every("forget old attempts", SWEEP_INTERVAL, move || {
            let defence = Arc::clone(&swept);
            async move { defence.sweep().await.map(drop) }
        });
        let (log, pruned, retention) = (Arc::clone(&audit_log), Arc::clone(&store), config.audit.retention);
        let now = Arc::clone(&clock);
        background.every("prune audit rows", PRUNE_INTERVAL, move || {
            let (log, store, now) = (Arc::clone(&log), Arc::clone(&pruned), now.now());
            async move { retention::prune(&log, store.as_ref(), retention, now).await.map(drop) }
        });
        Ok(Self {
            listeners,
            store,
            audit: audit_log,
            reloader,
            defence,
            draining,
            background,
            shutdown_grace: config.shutdown_grace,
            started,
        })
    }

    /// Serves until `stop` completes, then drains. `true` when every request in flight finished within the grace
    /// period.
    ///
    /// Each of `hangups` has all files read again.
    pub async fn run(mut self, stop: impl Future<Output = ()>, hangups: Signal) -> bool {
        let (signal, stopped) = watch::channel(false);
        let mut serving = JoinSet::new();
        for listener in self.listeners {
            serving.spawn(listener.serve(stopped.clone()));
        }
        self.background.on_each(hangups, move || {
            let reloader = self.reloader.clone();
            async move { reloader.reload().await }
        });

        stop.await;
        tracing::info!(grace_seconds = self.shutdown_grace.as_secs(), "stopping");
        self.draining.store(true, Ordering::Relaxed);
        // Nobody waits on a closed channel: all listeners have ended then.
        let _ = signal.send(true);
        let drained = tokio::time::timeout(self.shutdown_grace, async {
            while serving.join_next().await.is_some() {}
        });
        let drained = drained.await.is_ok();
        drop(self.background);
        self.defence.flush().await;
        self.audit.close().await;
        self.store.close().await;
        tracing::info!(drained, "stopped");
        drained
    }
}

async fn bind(
    name: &'static str,
    address: SocketAddr,
    bound: Option<std::net::TcpListener>,
) -> Result<TcpListener, StartError> {
    let listening = match bound {
        None => TcpListener::bind(address).await,
        Some(socket) => socket
            .set_nonblocking(true)
            .and_then(|()| TcpListener::from_std(socket)),
    };
    listening.map_err(|source| StartError::Bind { name, address, source })
}
