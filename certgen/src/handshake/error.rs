//! Why a server showed no certificate.

use std::borrow::Cow;
use std::io;
use std::time::Duration;

use super::address::ServerAddress;
use crate::duration::in_words;
use crate::explain::Explain;

/// Why a server showed no certificate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The name to ask for is none that a certificate could have.
    #[error("`{}` is no name that a server can be asked for", crate::printable::printable(name))]
    ServerName {
        /// The name.
        name: String,
    },
    /// An application protocol whose name is empty or has more than 255 octets.
    #[error("the name of an application protocol has 1 to 255 octets")]
    Protocol,
    /// The host has no address.
    #[error("no address for `{}`", server.host)]
    Resolve {
        /// The server.
        server: ServerAddress,
        /// Why.
        source: io::Error,
    },
    /// Nobody listens there, or nobody lets us.
    #[error("cannot connect to {server}")]
    Connect {
        /// The server.
        server: ServerAddress,
        /// Why, for the last address that was tried.
        source: io::Error,
    },
    /// No answer in time.
    #[error("{server} did not answer in {}", in_words(time::Duration::try_from(*after).unwrap_or(time::Duration::MAX)))]
    Timeout {
        /// The server.
        server: ServerAddress,
        /// How long it was waited for.
        after: Duration,
    },
    /// It answers, but not in TLS.
    #[error("what answers at {server} is not TLS")]
    NotTls {
        /// The server.
        server: ServerAddress,
    },
    /// It ended the handshake before it showed a certificate.
    #[error("{server} ended the handshake: {reason}")]
    Ended {
        /// The server.
        server: ServerAddress,
        /// What it said, in words.
        reason: String,
    },
    /// The certificate or key to present cannot be used.
    #[error("the client certificate cannot be presented: {reason}")]
    ClientCertificate {
        /// Why.
        reason: String,
    },
}

impl Explain for HandshakeError {
    fn hint(&self) -> Cow<'static, str> {
        match self {
            Self::ServerName { .. } => "give a DNS name or an address with --server-name".into(),
            Self::Protocol => "offer names such as h2 or http/1.1".into(),
            Self::Resolve { .. } => "check the name, or give an address and the name with --server-name".into(),
            Self::Connect { .. } => "check that the server runs and which port it listens on".into(),
            Self::Timeout { .. } => "check that nothing in between drops packets, or wait longer with --timeout".into(),
            Self::NotTls { .. } => {
                "give the port that speaks TLS from the first byte: STARTTLS is not spoken here".into()
            }
            Self::Ended { .. } => {
                "TLS 1.2 and 1.3 are spoken; a server may also want another --server-name or --alpn".into()
            }
            Self::ClientCertificate { .. } => "give the certificate chain, leaf first, and the key of its leaf".into(),
        }
    }
}
