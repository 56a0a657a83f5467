//! rustls configurations of the two listeners.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use authsvc_core::clock::Clock;
use cryptokit::Provider;
use cryptokit::key_format::{KeyFormatError, PrivateKey};
use cryptokit::x509::{
    Certificate, PemError, RevocationList, RevocationListError, TrustAnchorError, TrustAnchors, certificates_from_pem,
};
use private_files::PrivateFileError;
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, UnixTime};
use rustls::server::NoServerSessionStorage;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::time_provider::TimeProvider;
use time::OffsetDateTime;

use super::client_trust::ClientTrust;
use crate::published_keys;

/// TLS versions served, for the start line.
pub const TLS_VERSIONS: [&str; 2] = ["1.3", "1.2"];

/// What a listener shows of itself: its chain, its key, and for how long.
#[derive(Clone)]
pub struct ServerIdentity {
    key: Arc<CertifiedKey>,
    not_before: OffsetDateTime,
    not_after: OffsetDateTime,
}

impl ServerIdentity {
    /// Reads a chain and its key.
    ///
    /// # Errors
    ///
    /// [`TlsError`]; a pair of which only one half was written yet among them.
    pub fn load(certificate_file: &Path, key_file: &Path, now: OffsetDateTime) -> Result<Self, TlsError> {
        let chain = certificates(certificate_file)?;
        // The PEM reader refuses a file without certificates.
        let leaf = &chain[0];
        let (not_before, not_after) = (leaf.not_before(), leaf.not_after());
        if now < not_before || now > not_after {
            let path = certificate_file.display().to_string();
            return Err(TlsError::Validity {
                path,
                not_before,
                not_after,
                now,
            });
        }
        let pem = private_files::read(key_file)?;
        let key = PrivateKey::from_pem(pem.as_bytes()).map_err(|source| TlsError::KeyFormat {
            path: key_file.display().to_string(),
            source,
        })?;
        if published_keys::is_published(key.public_key()) {
            return Err(TlsError::PublishedKey {
                path: key_file.display().to_string(),
            });
        }
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.pkcs8().expose_secret().to_vec()));
        let chain = chain.iter().map(|certificate| certificate.der().clone()).collect();
        // Compares the key with the certificate's.
        let key = CertifiedKey::from_der(chain, key, &Provider::default().tls())
            .map_err(|source| rustls_error(certificate_file, source))?;
        Ok(Self {
            key: Arc::new(key),
            not_before,
            not_after,
        })
    }

    /// When its certificate ends.
    pub fn not_after(&self) -> OffsetDateTime {
        self.not_after
    }

    /// When a third of its certificate's life is left.
    pub fn renewal_due(&self) -> OffsetDateTime {
        self.not_after - (self.not_after - self.not_before) / 3
    }

    /// Whether the two show the same chain.
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.key.cert == other.key.cert
    }
}

impl fmt::Debug for ServerIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerIdentity")
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}

/// TLS without client authentication.
#[derive(Clone, Debug)]
pub struct PublicTls {
    config: Arc<ServerConfig>,
}

impl PublicTls {
    /// Puts it together.
    ///
    /// # Errors
    ///
    /// [`TlsError::Rustls`].
    pub fn new(identity: &ServerIdentity, clock: &Arc<dyn Clock>) -> Result<Self, TlsError> {
        let config = builder(clock)?
            .with_no_client_auth()
            .with_cert_resolver(resolver(identity));
        Ok(Self {
            config: Arc::new(with_alpn(config)),
        })
    }

    /// For the acceptor.
    pub fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }
}

/// TLS with client authentication, which it cannot be made without.
#[derive(Clone, Debug)]
pub struct InternalTls {
    config: Arc<ServerConfig>,
    trust: Arc<ClientTrust>,
}

impl InternalTls {
    /// Puts it together.
    ///
    /// There are no session tickets and no session store: a resumed session would not check the client's certificate
    /// again, and so outlive a revocation or a change of trust.
    ///
    /// # Errors
    ///
    /// [`TlsError::Rustls`].
    pub fn new(identity: &ServerIdentity, trust: Arc<ClientTrust>, clock: &Arc<dyn Clock>) -> Result<Self, TlsError> {
        let mut config = builder(clock)?
            .with_client_cert_verifier(trust.handshake_verifier())
            .with_cert_resolver(resolver(identity));
        config.send_tls13_tickets = 0;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        Ok(Self {
            config: Arc::new(with_alpn(config)),
            trust,
        })
    }

    /// For the acceptor.
    pub fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    /// Whose certificates it accepts.
    pub fn trust(&self) -> &Arc<ClientTrust> {
        &self.trust
    }
}

/// Why a listener's TLS side could not be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A certificate file cannot be read.
    #[error("{path} cannot be read")]
    Read {
        /// The file.
        path: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A file does not hold what it should.
    #[error("{path} does not hold what is expected")]
    Pem {
        /// The file.
        path: String,
        /// What is wrong.
        #[source]
        source: PemError,
    },
    /// A key file does not hold a key that can be read, as when it is encrypted.
    #[error("{path} does not hold a usable private key")]
    KeyFormat {
        /// The file.
        path: String,
        /// What is wrong.
        #[source]
        source: KeyFormatError,
    },
    /// A key of an example, which everybody has.
    #[error("{path} holds a key that was published as an example; make one of your own")]
    PublishedKey {
        /// The file.
        path: String,
    },
    /// A client CA file holds something that is not a CA.
    #[error("{path} does not hold usable CA certificates")]
    ClientCa {
        /// The file.
        path: String,
        /// What is wrong.
        #[source]
        source: TrustAnchorError,
    },
    /// A file does not hold revocation lists.
    #[error("{path} does not hold usable revocation lists")]
    RevocationList {
        /// The file.
        path: String,
        /// What is wrong.
        #[source]
        source: RevocationListError,
    },
    /// A list that must not take the place of the one in use.
    #[error("a revocation list {what}")]
    OldRevocationList {
        /// Why not.
        what: &'static str,
    },
    /// The certificate has ended or has not begun.
    #[error("{path} is valid from {not_before} to {not_after}, and it is {now} now")]
    Validity {
        /// The file.
        path: String,
        /// First moment.
        not_before: OffsetDateTime,
        /// Last moment.
        not_after: OffsetDateTime,
        /// Now.
        now: OffsetDateTime,
    },
    /// The private key is not usable as a secret.
    #[error(transparent)]
    Key(#[from] PrivateFileError),
    /// rustls refuses the combination: a key that is not the certificate's, for example.
    #[error("certificate {path} and its key cannot be used")]
    Rustls {
        /// The certificate file.
        path: String,
        /// What rustls said.
        #[source]
        source: rustls::Error,
    },
}

/// The CAs that issue client certificates.
///
/// # Errors
///
/// [`TlsError::Read`], [`TlsError::Pem`] and [`TlsError::ClientCa`].
pub fn client_anchors(path: &Path) -> Result<TrustAnchors, TlsError> {
    TrustAnchors::from_pem(&read(path)?).map_err(|source| TlsError::ClientCa {
        path: path.display().to_string(),
        source,
    })
}

/// The certificates of a PEM file.
///
/// # Errors
///
/// [`TlsError::Read`] and [`TlsError::Pem`].
pub fn certificates(path: &Path) -> Result<Vec<Certificate>, TlsError> {
    certificates_from_pem(&read(path)?).map_err(|source| TlsError::Pem {
        path: path.display().to_string(),
        source,
    })
}

fn builder(clock: &Arc<dyn Clock>) -> Result<rustls::ConfigBuilder<ServerConfig, rustls::WantsVerifier>, TlsError> {
    ServerConfig::builder_with_details(Provider::default().tls(), Arc::new(TimeOf(Arc::clone(clock))))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|source| rustls_error(Path::new("TLS 1.2 and 1.3"), source))
}

fn with_alpn(mut config: ServerConfig) -> ServerConfig {
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
}

fn resolver(identity: &ServerIdentity) -> Arc<SingleCertAndKey> {
    Arc::new(SingleCertAndKey::from(Arc::clone(&identity.key)))
}

/// The service's own clock, for the validity of certificates and lists.
struct TimeOf(Arc<dyn Clock>);

impl fmt::Debug for TimeOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TimeOf")
    }
}

impl TimeProvider for TimeOf {
    fn current_time(&self) -> Option<UnixTime> {
        // Before 1970 there is no time: rustls then refuses every certificate.
        let seconds = u64::try_from(self.0.now().unix_timestamp()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

/// Largest file of certificates or lists that is read: the largest list, as PEM.
const MAX_FILE_BYTES: u64 = 2 * RevocationList::MAX_DER_BYTES as u64;

pub(super) fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let failed = |source| TlsError::Read {
        path: path.display().to_string(),
        source,
    };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(failed(std::io::ErrorKind::FileTooLarge.into()));
    }
    Ok(bytes)
}

pub(super) fn rustls_error(path: &Path, source: rustls::Error) -> TlsError {
    TlsError::Rustls {
        path: path.display().to_string(),
        source,
    }
}
