//! The accept loop: bounded connections, bounded handshakes, drained on shutdown.
//!
//! A handshake never runs in the loop itself: one silent client would then stop all others.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use authsvc_core::audit::{Action, AuditRecord, AuditSink, Outcome, Reason, RecordId, Where, Who};
use authsvc_core::clock::Clock;
use axum::Router;
use cryptokit::x509::{PeerCertificate, TrustAnchors, verify_client_chain};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use crate::config::Limits;
use crate::metrics::{ConnectionGuard, Metrics};

/// Most streams a client may have open on one HTTP/2 connection.
const MAX_HTTP2_STREAMS: u32 = 100;
/// Largest header block accepted.
const MAX_HEADER_BYTES: u32 = 16 * 1024;
/// Pause after the system could not accept, typically for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How a listener treats connections.
#[derive(Clone)]
pub enum Security {
    /// Plain HTTP, for the ops listener.
    Plain,
    /// TLS.
    Tls(TlsAcceptor),
    /// TLS with client certificates, and the CAs a chain is traced to.
    MutualTls(TlsAcceptor, Arc<TrustAnchors>),
}

impl std::fmt::Debug for Security {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Plain => "Plain",
            Self::Tls(_) => "Tls",
            Self::MutualTls(..) => "MutualTls",
        })
    }
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
    /// Its bounds.
    pub limits: Limits,
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
        let connections = Arc::new(Semaphore::new(limits.max_connections));
        let graceful = GracefulShutdown::new();
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
            let accepted = Accepted {
                name,
                stream,
                remote,
                security: security.clone(),
                limits,
                metrics: metrics.clone(),
                clock: Arc::clone(&clock),
                audit: Arc::clone(&audit),
                _permit: permit,
                _guard: metrics.connection(name),
            };
            tokio::spawn(accepted.serve(router.clone(), graceful.watcher(), stop.clone()));
        }
        drop(socket);
        graceful.shutdown().await;
    }
}

/// Completes once stopping has begun, or nobody is left to say so.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn pause_after(error: &io::Error, listener: &'static str) {
    tracing::warn!(listener, error = %error, "could not accept a connection");
    tokio::time::sleep(ACCEPT_PAUSE).await;
}

struct Accepted {
    name: &'static str,
    stream: TcpStream,
    remote: SocketAddr,
    security: Security,
    limits: Limits,
    metrics: Metrics,
    clock: Arc<dyn Clock>,
    audit: Arc<dyn AuditSink>,
    _permit: OwnedSemaphorePermit,
    _guard: ConnectionGuard,
}

impl Accepted {
    async fn serve(self, router: Router, watcher: hyper_util::server::graceful::Watcher, stop: watch::Receiver<bool>) {
        // Small answers; waiting to fill a packet only adds latency.
        let _ = self.stream.set_nodelay(true);
        let (metrics, name, remote) = (self.metrics.clone(), self.name, self.remote);
        let (audit, clock) = (Arc::clone(&self.audit), Arc::clone(&self.clock));
        let refuse = |code: &'static str| {
            metrics.count_handshake_failure(name, code);
            // A peer that only opens and closes is a probe or has changed its mind: nobody failed at anything.
            if code != "connection" {
                audit.record(&handshake_record(name, remote, code, clock.as_ref()));
            }
        };
        match self.security.clone() {
            Security::Plain => {
                let connection = Connection { remote, peer: None };
                serve_connection(
                    self.stream,
                    Version::Http1,
                    connection,
                    router,
                    self.limits,
                    watcher,
                    stop,
                )
                .await;
            }
            Security::Tls(acceptor) => match handshake(&acceptor, self.stream, self.limits).await {
                Ok(stream) => {
                    let connection = Connection { remote, peer: None };
                    let version = Version::negotiated(&stream);
                    serve_connection(stream, version, connection, router, self.limits, watcher, stop).await;
                }
                Err(reason) => refuse(reason),
            },
            Security::MutualTls(acceptor, anchors) => match handshake(&acceptor, self.stream, self.limits).await {
                Ok(stream) => {
                    // rustls has verified the chain; this finds out which CA it ends at, along a path that holds.
                    let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
                    match verify_client_chain(chain, &anchors, self.clock.now()) {
                        Ok(peer) => {
                            let connection = Connection {
                                remote,
                                peer: Some(Arc::new(peer)),
                            };
                            let version = Version::negotiated(&stream);
                            serve_connection(stream, version, connection, router, self.limits, watcher, stop).await;
                        }
                        Err(_) => refuse("client_certificate"),
                    }
                }
                Err(reason) => refuse(reason),
            },
        }
    }
}

fn handshake_record(listener: &'static str, remote: SocketAddr, code: &'static str, clock: &dyn Clock) -> AuditRecord {
    AuditRecord {
        id: RecordId::generate(),
        time: clock.now(),
        who: Who::default(),
        what: Action::Connect,
        r#where: Where {
            source: Some(remote.ip()),
            route: None,
            listener,
            request_id: None,
        },
        outcome: Outcome::Failure(Reason::Handshake { code }),
    }
}

async fn handshake(
    acceptor: &TlsAcceptor,
    stream: TcpStream,
    limits: Limits,
) -> Result<tokio_rustls::server::TlsStream<TcpStream>, &'static str> {
    match tokio::time::timeout(limits.handshake_timeout, acceptor.accept(stream)).await {
        Err(_) => Err("tls_timeout"),
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(handshake_reason(&error)),
    }
}

fn handshake_reason(error: &io::Error) -> &'static str {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::NoCertificatesPresented) => "no_client_certificate",
        Some(rustls::Error::InvalidCertificate(_)) => "client_certificate",
        Some(rustls::Error::PeerIncompatible(_)) => "tls_incompatible",
        Some(rustls::Error::AlertReceived(_)) => "tls_alert",
        Some(_) => "tls_protocol",
        None => "connection",
    }
}

/// The version is known from ALPN before the first byte. Sniffing for it instead would wait without a timeout for a
/// client that never sends one.
#[derive(Clone, Copy)]
enum Version {
    Http1,
    Http2,
}

impl Version {
    fn negotiated(stream: &tokio_rustls::server::TlsStream<TcpStream>) -> Self {
        match stream.get_ref().1.alpn_protocol() {
            Some(b"h2") => Self::Http2,
            _ => Self::Http1,
        }
    }
}

async fn serve_connection<S>(
    stream: S,
    version: Version,
    connection: Connection,
    router: Router,
    limits: Limits,
    watcher: hyper_util::server::graceful::Watcher,
    mut stop: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    // A handshake that ended after the signal to stop.
    if *stop.borrow_and_update() {
        return;
    }
    let service = router.map_request(move |mut request: http::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(connection.clone());
        request.map(axum::body::Body::new)
    });
    let mut builder = match version {
        Version::Http1 => auto::Builder::new(TokioExecutor::new()).http1_only(),
        Version::Http2 => auto::Builder::new(TokioExecutor::new()).http2_only(),
    };
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_buf_size(MAX_HEADER_BYTES as usize)
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_HTTP2_STREAMS)
        .max_header_list_size(MAX_HEADER_BYTES)
        .keep_alive_interval(Some(limits.header_timeout))
        .keep_alive_timeout(limits.header_timeout);
    let serving = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    // A client that goes away is no event.
    let _ = watch_connection(watcher, serving.into_owned()).await;
}

fn watch_connection<C>(watcher: hyper_util::server::graceful::Watcher, connection: C) -> impl Future<Output = C::Output>
where
    C: hyper_util::server::graceful::GracefulConnection,
{
    watcher.watch(connection)
}
