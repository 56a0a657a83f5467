//! A TLS handshake that verifies nothing: to see what a server presents, not to talk to it.

mod address;
mod error;
mod recorder;

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use cryptokit::Provider;
use cryptokit::key_format::PrivateKey;
use cryptokit::x509::{Certificate, CertificateDer};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::sign::CertifiedKey;
use rustls::{AlertDescription, ClientConfig, ClientConnection};

use recorder::Recorder;

pub use address::ServerAddress;
pub use error::HandshakeError;

/// What to offer a server, and how long to wait for it.
#[derive(Debug)]
#[non_exhaustive]
pub struct HandshakeRequest<'a> {
    /// Where it is.
    pub server: ServerAddress,
    /// The name to ask for; the host where there is none.
    pub server_name: Option<String>,
    /// The application protocols to offer, the first preferred; none is offered when it is empty. By default h2 and
    /// http/1.1, and none if the server has neither.
    pub protocols: Option<Vec<String>>,
    /// What to present when it asks for a certificate: a chain, leaf first, and its key.
    pub identity: Option<(&'a [Certificate], &'a PrivateKey)>,
    /// How long everything together may take, from the connection on; looking up the name is up to the system.
    pub timeout: Duration,
}

impl HandshakeRequest<'_> {
    /// Asks for the host by its name and waits ten seconds.
    pub fn new(server: ServerAddress) -> Self {
        Self {
            server,
            server_name: None,
            protocols: None,
            identity: None,
            timeout: Duration::from_secs(10),
        }
    }
}

/// What a server presented and agreed to. Nothing of it was verified.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Handshake {
    /// The address that answered.
    pub address: SocketAddr,
    /// The name that was asked for.
    pub server_name: String,
    /// Its certificates as they came, leaf first.
    pub chain: Vec<CertificateDer<'static>>,
    /// Such as `TLS 1.3`.
    pub protocol: Option<String>,
    /// Such as `TLS13_AES_256_GCM_SHA384`.
    pub cipher_suite: Option<String>,
    /// Such as `X25519MLKEM768`.
    pub key_exchange: Option<String>,
    /// The application protocol that it chose.
    pub application: Option<Vec<u8>>,
    /// How long a stapled OCSP response is.
    pub stapled_bytes: usize,
    /// Whether it asked for a client certificate, and the DER names of the issuers that it wants.
    pub wanted_issuers: Option<Vec<Vec<u8>>>,
    /// Why the handshake went no further after the certificates.
    pub ended: Option<String>,
}

/// Connects, and goes through a handshake as far as the server goes along.
///
/// # Errors
///
/// [`HandshakeError`], when it presented no certificate.
pub fn handshake(request: &HandshakeRequest<'_>) -> Result<Handshake, HandshakeError> {
    let asked = request.server_name.as_ref().unwrap_or(&request.server.host);
    let name = ServerName::try_from(asked.clone()).map_err(|_| HandshakeError::ServerName { name: asked.clone() })?;
    let identity = request.identity.map(certified_key).transpose()?;
    let deadline = Instant::now() + request.timeout;
    let offered = match &request.protocols {
        Some(protocols) => protocols.clone(),
        None => vec!["h2".to_owned(), "http/1.1".to_owned()],
    };
    // RFC 7301 §3.1; rustls does not expect others.
    if offered.iter().any(|protocol| !matches!(protocol.len(), 1..=255)) {
        return Err(HandshakeError::Protocol);
    }
    let attempt = |offered: &[String]| attempt(request, name.clone(), identity.clone(), offered, deadline);
    match attempt(&offered) {
        // RFC 7301 §3.2: a server that speaks something else says so and goes.
        Err(Stopped::Alert(AlertDescription::NoApplicationProtocol)) if request.protocols.is_none() => attempt(&[]),
        done => done,
    }
    .map_err(|stopped| stopped.error(request))
}

fn certified_key((chain, key): (&[Certificate], &PrivateKey)) -> Result<Arc<CertifiedKey>, HandshakeError> {
    let unusable = |reason: rustls::Error| HandshakeError::ClientCertificate {
        reason: reason.to_string(),
    };
    let pkcs8 = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.pkcs8().expose_secret().to_vec()));
    let chain = chain.iter().map(|certificate| certificate.der().clone()).collect();
    CertifiedKey::from_der(chain, pkcs8, &Provider::default().tls())
        .map(Arc::new)
        .map_err(unusable)
}

/// Why there is nothing to show.
enum Stopped {
    Resolve(io::Error),
    Connect(io::Error),
    Timeout,
    Alert(AlertDescription),
    Tls(rustls::Error),
    Io(io::Error),
}

impl Stopped {
    fn of(error: io::Error) -> Self {
        if matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock) {
            return Self::Timeout;
        }
        match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(rustls::Error::AlertReceived(alert)) => Self::Alert(*alert),
            Some(other) => Self::Tls(other.clone()),
            None => Self::Io(error),
        }
    }

    /// In words.
    fn reason(&self) -> String {
        match self {
            Self::Alert(alert) => format!("it sent the alert {alert:?}"),
            Self::Tls(error) => error.to_string(),
            Self::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => "it closed the connection".to_owned(),
            Self::Resolve(error) | Self::Connect(error) | Self::Io(error) => error.to_string(),
            Self::Timeout => "it said nothing more in time".to_owned(),
        }
    }

    fn error(self, request: &HandshakeRequest<'_>) -> HandshakeError {
        let server = request.server.clone();
        match self {
            Self::Resolve(source) => HandshakeError::Resolve { server, source },
            Self::Connect(source) => HandshakeError::Connect { server, source },
            Self::Timeout => HandshakeError::Timeout {
                server,
                after: request.timeout,
            },
            Self::Tls(rustls::Error::InvalidMessage(_)) => HandshakeError::NotTls { server },
            other => HandshakeError::Ended {
                server,
                reason: other.reason(),
            },
        }
    }
}

fn attempt(
    request: &HandshakeRequest<'_>,
    name: ServerName<'static>,
    identity: Option<Arc<CertifiedKey>>,
    offered: &[String],
    deadline: Instant,
) -> Result<Handshake, Stopped> {
    let (stream, address) = connect(&request.server, deadline)?;
    let mut stream = Bounded { stream, deadline };
    let recorder = Arc::new(Recorder::new(identity));
    let mut config = ClientConfig::builder_with_provider(Provider::default().tls())
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(Stopped::Tls)?
        .dangerous()
        .with_custom_certificate_verifier(recorder.clone())
        .with_client_cert_resolver(recorder.clone());
    config.alpn_protocols = offered.iter().map(|protocol| protocol.clone().into_bytes()).collect();
    let server_name = name.to_str().into_owned();
    let mut connection = ClientConnection::new(Arc::new(config), name).map_err(Stopped::Tls)?;
    let mut ended = None;
    while ended.is_none() && connection.is_handshaking() {
        if let Err(error) = connection.complete_io(&mut stream) {
            ended = Some(Stopped::of(error));
        }
    }
    let seen = recorder.seen();
    if ended.is_none() && seen.wanted_issuers.is_some() {
        ended = verdict_on_client(&mut connection, &mut stream);
    }
    match ended {
        Some(ended) if seen.chain.is_empty() => Err(ended),
        ended => Ok(Handshake {
            address,
            server_name,
            chain: seen.chain,
            protocol: connection.protocol_version().map(|version| match version {
                rustls::ProtocolVersion::TLSv1_3 => "TLS 1.3".to_owned(),
                rustls::ProtocolVersion::TLSv1_2 => "TLS 1.2".to_owned(),
                other => format!("{other:?}"),
            }),
            cipher_suite: connection
                .negotiated_cipher_suite()
                .map(|suite| format!("{:?}", suite.suite())),
            key_exchange: connection
                .negotiated_key_exchange_group()
                .map(|group| format!("{:?}", group.name())),
            application: connection.alpn_protocol().map(<[u8]>::to_vec),
            stapled_bytes: seen.stapled,
            wanted_issuers: seen.wanted_issuers,
            ended: ended.map(|ended| ended.reason()),
        }),
    }
}

/// In TLS 1.3 a server judges the client's certificate after the client's handshake is over (RFC 8446 §4.4.2.4): whether
/// it ends the connection shows a moment later.
fn verdict_on_client(connection: &mut ClientConnection, stream: &mut Bounded) -> Option<Stopped> {
    stream.deadline = stream.deadline.min(Instant::now() + Duration::from_millis(500));
    // It wants nothing more when it was sent a greeting or a regular end.
    while connection.wants_read() {
        match connection.complete_io(stream).map_err(Stopped::of) {
            // It waits for a request: it is content.
            Err(Stopped::Timeout) => return None,
            Err(stopped) => return Some(stopped),
            Ok((0, 0)) => return Some(Stopped::Io(io::ErrorKind::UnexpectedEof.into())),
            Ok(_) => {}
        }
    }
    None
}

fn connect(server: &ServerAddress, deadline: Instant) -> Result<(TcpStream, SocketAddr), Stopped> {
    let addresses = (server.host.as_str(), server.port)
        .to_socket_addrs()
        .map_err(Stopped::Resolve)?;
    let mut last = Stopped::Resolve(io::ErrorKind::NotFound.into());
    for address in addresses {
        match TcpStream::connect_timeout(&address, left(deadline).map_err(|_| Stopped::Timeout)?) {
            Ok(stream) => return Ok((stream, address)),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => last = Stopped::Timeout,
            Err(error) => last = Stopped::Connect(error),
        }
    }
    Err(last)
}

/// A connection of which no operation goes on after the deadline, however slowly the other side sends.
struct Bounded {
    stream: TcpStream,
    deadline: Instant,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(left(self.deadline)?))?;
        self.stream.read(buffer)
    }
}

impl Write for Bounded {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(left(self.deadline)?))?;
        self.stream.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    Ok(left)
}
