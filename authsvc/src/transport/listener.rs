//! The accept loop: bounded connections, bounded handshakes, drained on shutdown.
//!
//! A handshake never runs in the loop itself: one silent client would then stop all others.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use authsvc_core::audit::{Action, AuditRecord, AuditSink, Outcome, ReasonKind, RecordId, Where, Who, reasons};
use authsvc_core::clock::Clock;
use authsvc_core::domain::ServiceIdentity;
use axum::Router;
use cryptokit::x509::PeerCertificate;
use rustls::{CertificateError, ServerConfig};
use time::OffsetDateTime;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::client_trust::ClientTrust;
use super::connection::{self, Bounds, Served, Version, stopped};
use super::sources::{Place, Sources};
use super::tls::{InternalTls, PublicTls};
use crate::config::Limits;
use crate::metrics::{ConnectionGuard, Metrics};

/// Pause after the system could not accept, typically for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Label of connections in metrics that ended before TLS was spoken.
const CONNECTION: &str = "connection";

/// How a listener treats connections. What is used for a handshake is what is there when it begins.
#[derive(Clone, Debug)]
pub enum Security {
    /// Plain HTTP, for the ops listener.
    Plain,
    /// TLS.
    Tls(watch::Receiver<Arc<PublicTls>>),
    /// TLS with client certificates.
    MutualTls(watch::Receiver<Arc<InternalTls>>),
}

/// What is known of a connection, put into each of its requests.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The peer's address.
    pub remote: SocketAddr,
    /// What its certificate proved.
    pub peer: Option<Arc<PeerCertificate>>,
}

/// A bound listener, not yet serving.
pub struct Listener {
    /// Its name in logs and metrics.
    pub name: &'static str,
    /// The socket.
    pub socket: TcpListener,
    /// TLS or not.
    pub security: Security,
    /// What it serves.
    pub router: Router,
    /// Its bounds. A change holds for connections from then on, but for the number of connections in all.
    pub limits: watch::Receiver<Limits>,
    /// Where it counts.
    pub metrics: Metrics,
    /// For the validity of certificates.
    pub clock: Arc<dyn Clock>,
    /// Where handshakes are recorded that failed.
    pub audit: Arc<dyn AuditSink>,
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listener")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Listener {
    /// Serves until `stop` turns true, then lets requests in flight finish.
    ///
    /// Returns when the last connection has ended. New connections are refused by the system from then on, because
    /// the socket is closed first.
    ///
    /// # Panics
    ///
    /// Never: the semaphore that bounds connections is not closed.
    pub async fn serve(self, mut stop: watch::Receiver<bool>) {
        let Self {
            name,
            socket,
            security,
            router,
            limits,
            metrics,
            clock,
            audit,
        } = self;
        let connections = Arc::new(Semaphore::new(limits.borrow().max_connections));
        let sources = Sources::default();
        // Nothing is sent: the channel closes when the last connection has ended.
        let (open, mut closed) = mpsc::channel::<()>(1);
        loop {
            let permit = tokio::select! {
                permit = Arc::clone(&connections).acquire_owned() => permit.expect("the semaphore is never closed"),
                () = stopped(&mut stop) => break,
            };
            let (stream, remote) = tokio::select! {
                accepted = socket.accept() => match accepted {
                    Ok(accepted) => accepted,
                    Err(error) => {
                        pause_after(&error, name).await;
                        continue;
                    }
                },
                () = stopped(&mut stop) => break,
            };
            let limits = *limits.borrow();
            let Some(place) = sources.enter(remote.ip(), limits.max_connections_per_source) else {
                metrics.count_connection_ended(name, reasons::caller::SOURCE_CONNECTIONS.code);
                continue;
            };
            let accepted = Accepted {
                name,
                remote,
                security: security.clone(),
                limits,
                metrics: metrics.clone(),
                clock: Arc::clone(&clock),
                audit: Arc::clone(&audit),
                router: router.clone(),
                stop: stop.clone(),
                _open: open.clone(),
                _permit: permit,
                _place: place,
                _guard: metrics.connection(name),
            };
            tokio::spawn(accepted.serve(stream));
        }
        drop((socket, open));
        let _ = closed.recv().await;
    }
}

async fn pause_after(error: &io::Error, listener: &'static str) {
    tracing::warn!(listener, error = %error, "could not accept a connection");
    tokio::time::sleep(ACCEPT_PAUSE).await;
}

struct Accepted {
    name: &'static str,
    remote: SocketAddr,
    security: Security,
    limits: Limits,
    metrics: Metrics,
    clock: Arc<dyn Clock>,
    audit: Arc<dyn AuditSink>,
    router: Router,
    stop: watch::Receiver<bool>,
    _open: mpsc::Sender<()>,
    _permit: OwnedSemaphorePermit,
    _place: Place,
    _guard: ConnectionGuard,
}

impl Accepted {
    async fn serve(self, stream: TcpStream) {
        // Small answers; waiting to fill a packet only adds latency.
        let _ = stream.set_nodelay(true);
        match &self.security {
            Security::Plain => self.exchange(stream, Version::Http1, None).await,
            Security::Tls(live) => {
                let config = live.borrow().config();
                if let Some(stream) = self.handshake(config, stream).await {
                    let version = Version::negotiated(&stream);
                    self.exchange(stream, version, None).await;
                }
            }
            Security::MutualTls(live) => {
                let config = live.borrow().config();
                if let Some(stream) = self.handshake(config, stream).await {
                    self.exchange_while_trusted(stream, live.clone()).await;
                }
            }
        }
    }

    /// rustls has verified the chain. This finds out which CA it ends at, along a path that holds, and asks again
    /// whenever whom to trust changes, and when a revocation list ends: a connection does not outlive the trust in its
    /// client.
    async fn exchange_while_trusted(&self, stream: TlsStream<TcpStream>, mut live: watch::Receiver<Arc<InternalTls>>) {
        let presented = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let chain: Vec<_> = presented.iter().map(|one| one.clone().into_owned()).collect();
        // What is there now may be newer than what the handshake began with.
        let mut trust = Arc::clone(live.borrow_and_update().trust());
        let now = self.clock.now();
        let peer = match trust.verify(&chain, now) {
            Ok(peer) => Arc::new(peer),
            Err(kind) => return self.refuse(kind),
        };
        let mut lists_end = pin!(tokio::time::sleep(lists_left(&trust, now)));
        let version = Version::negotiated(&stream);
        let mut exchange = pin!(self.exchange(stream, version, Some(Arc::clone(&peer))));
        loop {
            let ended = tokio::select! {
                () = exchange.as_mut() => return,
                changed = live.changed() => {
                    if changed.is_err() {
                        // Nobody is left who could change it.
                        return exchange.await;
                    }
                    false
                }
                () = lists_end.as_mut() => true,
            };
            let newest = Arc::clone(live.borrow_and_update().trust());
            if !ended && Arc::ptr_eq(&newest, &trust) {
                continue;
            }
            let now = self.clock.now();
            if let Err(kind) = newest.verify(&chain, now) {
                self.metrics.count_connection_ended(self.name, kind.code);
                return self.record_of(Action::Connect, kind, ServiceIdentity::all_of(&peer).next());
            }
            lists_end.set(tokio::time::sleep(lists_left(&newest, now)));
            trust = newest;
        }
    }

    async fn handshake(&self, config: Arc<ServerConfig>, stream: TcpStream) -> Option<TlsStream<TcpStream>> {
        let acceptor = TlsAcceptor::from(config);
        let mut stop = self.stop.clone();
        let handshake = tokio::time::timeout(self.limits.handshake_timeout, acceptor.accept(stream));
        let result = tokio::select! {
            result = handshake => result,
            () = stopped(&mut stop) => return None,
        };
        match result {
            Ok(Ok(stream)) => return Some(stream),
            Ok(Err(error)) => match handshake_kind(&error) {
                Some(kind) => self.refuse(kind),
                // A peer that only opens and closes is a probe or has changed its mind: nobody failed at anything.
                None => self.metrics.count_handshake_failure(self.name, CONNECTION),
            },
            Err(_) => self.refuse(reasons::caller::TLS_TIMEOUT),
        }
        None
    }

    fn refuse(&self, kind: &'static ReasonKind) {
        self.metrics.count_handshake_failure(self.name, kind.code);
        self.record(Action::Connect, kind);
    }

    fn record(&self, what: Action, kind: &'static ReasonKind) {
        self.record_of(what, kind, None);
    }

    fn record_of(&self, what: Action, kind: &'static ReasonKind, caller: Option<ServiceIdentity>) {
        self.audit.record(&AuditRecord {
            id: RecordId::generate(),
            time: self.clock.now(),
            who: Who {
                caller,
                ..Who::default()
            },
            what,
            r#where: Where {
                source: Some(self.remote.ip()),
                route: None,
                listener: self.name,
                request_id: None,
            },
            outcome: Outcome::Failure(kind.into()),
        });
    }

    async fn exchange<S>(&self, stream: S, version: Version, peer: Option<Arc<PeerCertificate>>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        // A connection does not outlive its client's certificate.
        let certificate_left = peer.as_deref().map_or(Duration::MAX, |peer| {
            (peer.not_after() - self.clock.now()).try_into().unwrap_or_default()
        });
        let bounds = Bounds {
            idle: self.limits.header_timeout,
            age: self.limits.max_connection_age.min(certificate_left),
            max_header_bytes: self.limits.max_header_bytes,
        };
        let connection = Connection {
            remote: self.remote,
            peer,
        };
        let served = connection::serve(
            stream,
            version,
            connection,
            self.router.clone(),
            bounds,
            self.stop.clone(),
        );
        if let Served::Malformed = served.await {
            self.record(Action::Request, reasons::request::MALFORMED_HTTP);
        }
    }
}

/// When to ask again whether a client is to be trusted though nothing was changed. Lists that have ended already are of
/// other CAs, or the clock was set: then now and again.
fn lists_left(trust: &ClientTrust, now: OffsetDateTime) -> Duration {
    const AGAIN: Duration = Duration::from_secs(60);
    match trust.lists_end() {
        None => Duration::MAX,
        // At its very end a list still counts.
        Some(end) if now <= end => (end - now + time::Duration::SECOND).try_into().unwrap_or(AGAIN),
        Some(_) => AGAIN,
    }
}

fn handshake_kind(error: &io::Error) -> Option<&'static ReasonKind> {
    Some(
        match error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<rustls::Error>())?
        {
            rustls::Error::NoCertificatesPresented => reasons::caller::NO_CERTIFICATE,
            rustls::Error::InvalidCertificate(error) => certificate_kind(error),
            // The list that speaks of the certificate was not signed by the certificate's issuer.
            rustls::Error::InvalidCertRevocationList(_) => reasons::caller::REVOCATION_UNKNOWN,
            rustls::Error::PeerIncompatible(_) => reasons::caller::TLS_INCOMPATIBLE,
            rustls::Error::AlertReceived(_) => reasons::caller::TLS_ALERT,
            _ => reasons::caller::TLS_PROTOCOL,
        },
    )
}

fn certificate_kind(error: &CertificateError) -> &'static ReasonKind {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => reasons::caller::CERTIFICATE_EXPIRED,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            reasons::caller::CERTIFICATE_NOT_YET_VALID
        }
        CertificateError::UnknownIssuer => reasons::caller::CERTIFICATE_UNKNOWN_ISSUER,
        CertificateError::Revoked => reasons::caller::CERTIFICATE_REVOKED,
        CertificateError::UnknownRevocationStatus => reasons::caller::REVOCATION_UNKNOWN,
        CertificateError::ExpiredRevocationList | CertificateError::ExpiredRevocationListContext { .. } => {
            reasons::caller::REVOCATION_LIST_EXPIRED
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            reasons::caller::CERTIFICATE_PURPOSE
        }
        _ => reasons::caller::CERTIFICATE,
    }
}
