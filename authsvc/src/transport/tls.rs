//! rustls configurations of the two listeners.

use std::path::Path;
use std::sync::Arc;

use cryptokit::Provider;
use cryptokit::key_format::{KeyFormatError, PrivateKey};
use cryptokit::x509::{Certificate, CertificateDer, PemError, TrustAnchorError, TrustAnchors, certificates_from_pem};
use private_files::PrivateFileError;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use time::OffsetDateTime;

use crate::config::{InternalListener, PublicListener};

/// TLS versions served, for the start line.
pub const TLS_VERSIONS: [&str; 2] = ["1.3", "1.2"];

/// A listener's TLS side, with what the start line says about it.
#[derive(Debug)]
pub struct ServerTls {
    /// For the acceptor.
    pub config: Arc<ServerConfig>,
    /// When the leaf certificate ends.
    pub not_after: OffsetDateTime,
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
    /// A client CA file holds something that is not a CA.
    #[error("{path} does not hold usable CA certificates")]
    ClientCa {
        /// The file.
        path: String,
        /// What is wrong.
        #[source]
        source: TrustAnchorError,
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

/// TLS without client authentication.
///
/// # Errors
///
/// [`TlsError`].
pub fn public(listener: &PublicListener, now: OffsetDateTime) -> Result<ServerTls, TlsError> {
    let (chain, key, not_after) = identity(&listener.certificate_file, &listener.key_file, now)?;
    let config = builder(&listener.certificate_file)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|source| rustls_error(&listener.certificate_file, source))?;
    Ok(ServerTls {
        config: Arc::new(with_alpn(config)),
        not_after,
    })
}

/// TLS with client authentication, and the CAs it trusts.
///
/// There are no session tickets and no session store: a resumed session would not check the client's certificate
/// again, and so outlive a change of trust.
///
/// # Errors
///
/// [`TlsError`].
pub fn internal(listener: &InternalListener, now: OffsetDateTime) -> Result<(ServerTls, TrustAnchors), TlsError> {
    let (chain, key, not_after) = identity(&listener.certificate_file, &listener.key_file, now)?;
    let anchors = client_anchors(&listener.client_ca_file)?;
    let mut roots = RootCertStore::empty();
    for certificate in anchors.certificates() {
        roots
            .add(certificate.der().clone())
            .map_err(|source| rustls_error(&listener.client_ca_file, source))?;
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Provider::default().tls())
        .build()
        .map_err(|error| rustls_error(&listener.client_ca_file, rustls::Error::General(error.to_string())))?;
    let mut config = builder(&listener.certificate_file)?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .map_err(|source| rustls_error(&listener.certificate_file, source))?;
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok((
        ServerTls {
            config: Arc::new(with_alpn(config)),
            not_after,
        },
        anchors,
    ))
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

fn builder(path: &Path) -> Result<rustls::ConfigBuilder<ServerConfig, rustls::WantsVerifier>, TlsError> {
    ServerConfig::builder_with_provider(Provider::default().tls())
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|source| rustls_error(path, source))
}

fn with_alpn(mut config: ServerConfig) -> ServerConfig {
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>, OffsetDateTime);

fn identity(certificate_file: &Path, key_file: &Path, now: OffsetDateTime) -> Result<Identity, TlsError> {
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
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.pkcs8().expose_secret().to_vec()));
    Ok((
        chain.iter().map(|certificate| certificate.der().clone()).collect(),
        key,
        not_after,
    ))
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|source| TlsError::Read {
        path: path.display().to_string(),
        source,
    })
}

fn rustls_error(path: &Path, source: rustls::Error) -> TlsError {
    TlsError::Rustls {
        path: path.display().to_string(),
        source,
    }
}
