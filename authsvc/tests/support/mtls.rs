//! The internal listener on a real socket, with certificates and revocation lists made in the test, and its clients.

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use authsvc::config::{InternalListener, Limits, PublicListener};
use authsvc::transport::listener::{Listener, Security};
use authsvc::transport::live_tls::{LiveTls, Reloaded};
use authsvc_core::clock::{Clock, TestClock};
use cryptokit::Provider;
use cryptokit::key_format::PrivateKey;
use cryptokit::x509::{
    CertificateAuthority, CertificateDer, CertificateKey, LeafProfile, LeafRequest, RevocationList,
    RevocationListRequest, RevocationReason, RevokedCertificate, certificates_to_pem,
};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::in_process::Service;

/// Longer than any step takes on a slow machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) const LIMITS: Limits = Limits {
    max_connections: 1024,
    max_connections_per_source: 512,
    max_connection_age: Duration::from_secs(600),
    requests_per_second: NonZeroU32::MAX,
    caller_requests_per_second: NonZeroU32::MAX,
    max_header_bytes: 16 * 1024,
    max_body_bytes: 16 * 1024,
    // A hundred clients at once on a slow machine.
    handshake_timeout: Duration::from_secs(60),
    header_timeout: Duration::from_secs(60),
    body_timeout: Duration::from_secs(10),
    request_timeout: Duration::from_secs(10),
};

/// Who has no certificate at all.
pub(crate) const NOBODY: Option<&Client> = None;

pub(crate) struct Internal {
    pub(crate) service: Service,
    pub(crate) address: SocketAddr,
    pub(crate) tls: Arc<LiveTls>,
    pub(crate) limits: watch::Sender<Limits>,
    public: PublicListener,
    pub(crate) internal: InternalListener,
    _stop: watch::Sender<bool>,
}

/// A chain and its key.
pub(crate) struct Client {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) serial: Vec<u8>,
    pub(crate) key: CertificateKey,
}

impl Internal {
    /// Trusts the service's own issuing CA, with its first revocation list, which names nobody.
    pub(crate) async fn start() -> Self {
        Self::start_with(LIMITS).await
    }

    /// The same with other limits than [`LIMITS`].
    pub(crate) async fn start_with(limits: Limits) -> Self {
        let service = Service::start().await;
        let at = |name: &str| service.directory.path().join(name);
        let now = service.clock.now();
        let names = vec!["dns:localhost".parse().unwrap()];
        let (issued, key) = service
            .authority
            .issue_leaf(&LeafRequest::new(LeafProfile::Server, names), now)
            .unwrap();
        std::fs::write(at("server.pem"), issued.chain_pem()).unwrap();
        write_key(&at("server.key"), &key);
        std::fs::write(at("ca.pem"), certificates_to_pem([service.authority.certificate()])).unwrap();
        std::fs::write(at("crl.pem"), list(&service.authority, 1, &[], now).to_pem()).unwrap();
        let public = PublicListener {
            address: ([127, 0, 0, 1], 0).into(),
            certificate_file: at("server.pem"),
            key_file: at("server.key"),
        };
        let internal = InternalListener {
            address: public.address,
            certificate_file: public.certificate_file.clone(),
            key_file: public.key_file.clone(),
            client_ca_file: at("ca.pem"),
            client_crl_files: vec![at("crl.pem")],
        };
        let clock = Arc::clone(&service.clock) as Arc<dyn Clock>;
        let tls = Arc::new(LiveTls::load(&public, &internal, &clock).unwrap());
        let socket = TcpListener::bind(public.address).await.unwrap();
        let address = socket.local_addr().unwrap();
        let limits = watch::Sender::new(limits);
        let (stop, stopped) = watch::channel(false);
        let listener = Listener {
            name: "internal",
            socket,
            security: Security::MutualTls(tls.internal()),
            router: service.internal.clone(),
            limits: limits.subscribe(),
            metrics: service.metrics.clone(),
            clock,
            audit: Arc::clone(&service.audit) as _,
        };
        tokio::spawn(listener.serve(stopped));
        Self {
            service,
            address,
            tls,
            limits,
            public,
            internal,
            _stop: stop,
        }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.service.directory.path().join(name)
    }

    /// A client with these names from the trusted CA.
    pub(crate) fn client(&self, names: &[&str]) -> Client {
        client_of(
            &self.service.authority,
            LeafProfile::Client,
            names,
            self.service.clock.now(),
        )
    }

    /// Puts a list of the trusted CA with that number into place, and reads it.
    pub(crate) fn revoke(&self, number: u64, serials: &[&[u8]]) -> Reloaded {
        let list = list(&self.service.authority, number, serials, self.service.clock.now());
        std::fs::write(self.file("crl.pem"), list.to_pem()).unwrap();
        self.reload()
    }

    pub(crate) fn reload(&self) -> Reloaded {
        self.tls.reload(&self.public, &self.internal)
    }

    pub(crate) fn config(&self, client: Option<&Client>) -> ClientConfig {
        self.config_of(client, &[&rustls::version::TLS13, &rustls::version::TLS12])
    }

    pub(crate) fn config_of(
        &self,
        client: Option<&Client>,
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.service.authority.certificate().der().clone()).unwrap();
        let time = Arc::new(TimeOf(Arc::clone(&self.service.clock)));
        let builder = ClientConfig::builder_with_details(Provider::default().tls(), time)
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots);
        match client {
            None => builder.with_no_client_auth(),
            Some(client) => {
                let key = PrivatePkcs8KeyDer::from(client.key.pkcs8().expose_secret().to_vec());
                builder
                    .with_client_auth_cert(client.chain.clone(), PrivateKeyDer::Pkcs8(key))
                    .unwrap()
            }
        }
    }

    pub(crate) async fn connect(&self, config: ClientConfig) -> io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(self.address).await?;
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }

    /// Connects, asks whether the service is alive, and keeps the connection.
    pub(crate) async fn open(&self, client: Option<&Client>) -> io::Result<TlsStream<TcpStream>> {
        let mut stream = self.connect(self.config(client)).await?;
        alive(&mut stream).await?;
        Ok(stream)
    }

    /// The reason recorded for what was just refused.
    pub(crate) async fn reason(&self) -> &'static str {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(reason) = self.service.reasons().into_iter().next() {
                return reason;
            }
            assert!(Instant::now() < deadline, "nothing was recorded");
            tokio::task::yield_now().await;
        }
    }

    /// That the client does not get in, and why not.
    pub(crate) async fn refused(&self, client: Option<&Client>) -> &'static str {
        self.service.reasons();
        assert!(self.open(client).await.is_err(), "the client got in");
        self.reason().await
    }
}

/// `GET /` on a connection that is open.
pub(crate) async fn alive(stream: &mut TlsStream<TcpStream>) -> io::Result<()> {
    let answer = exchange(stream, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await?;
    if answer.starts_with("HTTP/1.1 200") && answer.ends_with("OK") {
        return Ok(());
    }
    Err(io::Error::other(answer))
}

/// Sends bytes and reads one answer, or up to the end.
pub(crate) async fn exchange(stream: &mut TlsStream<TcpStream>, request: &[u8]) -> io::Result<String> {
    stream.write_all(request).await?;
    stream.flush().await?;
    let mut answer = Vec::new();
    let read = async {
        loop {
            let mut part = [0; 4096];
            let n = stream.read(&mut part).await?;
            if n == 0 && answer.is_empty() {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
            }
            answer.extend_from_slice(&part[..n]);
            if n == 0 || is_whole(&answer) {
                return Ok(());
            }
        }
    };
    tokio::time::timeout(PATIENCE, read).await.expect("an answer in time")?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    length.is_some_and(|length| body.len() >= length.trim().parse::<usize>().unwrap())
}

pub(crate) fn client_of(
    authority: &CertificateAuthority,
    profile: LeafProfile,
    names: &[&str],
    now: time::OffsetDateTime,
) -> Client {
    let names = names.iter().map(|name| name.parse().unwrap()).collect();
    let (issued, key) = authority.issue_leaf(&LeafRequest::new(profile, names), now).unwrap();
    Client {
        chain: issued.chain_der(),
        serial: issued.certificate().serial().to_vec(),
        key,
    }
}

/// A list that lasts a day.
pub(crate) fn list(
    authority: &CertificateAuthority,
    number: u64,
    serials: &[&[u8]],
    now: time::OffsetDateTime,
) -> RevocationList {
    let mut request = RevocationListRequest::first(now, now + time::Duration::days(1))
        .with_number(number.into())
        .unwrap();
    for serial in serials {
        let entry = RevokedCertificate {
            serial: serial.to_vec(),
            revocation_date: now,
            reason: RevocationReason::KeyCompromise,
            invalidity_date: None,
        };
        request.revoke(entry).unwrap();
    }
    authority.issue_revocation_list(&request).unwrap()
}

pub(crate) fn write_key(path: &Path, key: &CertificateKey) {
    let pem = PrivateKey::from_pkcs8_der(key.pkcs8().expose_secret())
        .unwrap()
        .to_pem();
    private_files::replace(path, pem.expose_secret().as_bytes()).unwrap();
}

#[derive(Debug)]
struct TimeOf(Arc<TestClock>);

impl TimeProvider for TimeOf {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.0.now().unix_timestamp()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}
