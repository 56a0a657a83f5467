//! Deciding whether a chain of certificates leads to a trust anchor (RFC 5280 §6), on top of `webpki`.
//!
//! `webpki` leaves three things out that are checked here besides: that every issuer's keyUsage, where it has one,
//! allows signing certificates (§6.1.4 n); that the anchor's own validity and path length hold; and that the leaf
//! states its purpose, where §4.2.1.12 would read a missing extension as "any".

use std::time::Duration;

use rustls_pki_types::{CertificateDer, DnsName, IpAddr, ServerName, UnixTime};
use time::OffsetDateTime;
use webpki::{EndEntityCert, KeyUsage, VerifiedPath};

use super::certificate::{Certificate, CertificateError};
use super::signature::SignatureFailure;
use super::subject_alternative_name::SubjectAlternativeName;
use super::trust_anchors::TrustAnchors;
use crate::hash::sha256;
use crate::provider::Provider;

/// Most certificates looked at in one chain, the leaf included.
const MAX_CHAIN_CERTIFICATES: usize = 16;

/// A peer whose chain was verified; made by [`verify_client_chain`] and [`verify_server_chain`] only.
///
/// The chain says who the peer is. That it holds the key, the TLS handshake has to show.
#[derive(Clone, Debug)]
pub struct PeerCertificate {
    leaf: Certificate,
    issuer_spki_sha256: [u8; 32],
}

impl PeerCertificate {
    /// SHA-256 of the SubjectPublicKeyInfo of the certificate that issued the leaf in the verified path: what
    /// [`Certificate::spki_sha256`] says of that CA certificate.
    pub fn issuer_spki_sha256(&self) -> [u8; 32] {
        self.issuer_spki_sha256
    }

    /// The leaf's names.
    pub fn subject_alternative_names(&self) -> &[SubjectAlternativeName] {
        self.leaf.subject_alternative_names()
    }

    /// The leaf's serial number, as [`Certificate::serial`].
    pub fn serial(&self) -> &[u8] {
        self.leaf.serial()
    }

    /// First second in which the leaf is valid.
    pub fn not_before(&self) -> OffsetDateTime {
        self.leaf.not_before()
    }

    /// Last second in which the leaf is valid.
    pub fn not_after(&self) -> OffsetDateTime {
        self.leaf.not_after()
    }

    /// The leaf.
    pub fn certificate(&self) -> &Certificate {
        &self.leaf
    }
}

/// Verifies a client's chain, leaf first, further certificates in any order.
///
/// The leaf must carry the extended key usage clientAuth; which names are welcome is for the caller to decide.
/// Costs one signature check per certificate of the path; revocation is not looked at.
///
/// # Errors
///
/// [`ChainError`], for the candidate path that came furthest.
pub fn verify_client_chain(
    chain: &[CertificateDer<'_>],
    anchors: &TrustAnchors,
    now: OffsetDateTime,
) -> Result<PeerCertificate, ChainError> {
    verify(chain, anchors, Purpose::Client, now)
}

/// Verifies a server's chain, leaf first, and that it is valid for `name`, a DNS name or an IP address.
///
/// The leaf must carry the extended key usage serverAuth. The common name is never looked at (RFC 9525 §2).
///
/// # Errors
///
/// [`ChainError`], for the candidate path that came furthest.
pub fn verify_server_chain(
    chain: &[CertificateDer<'_>],
    anchors: &TrustAnchors,
    name: &SubjectAlternativeName,
    now: OffsetDateTime,
) -> Result<PeerCertificate, ChainError> {
    // A question that cannot be answered is refused before any signature is looked at.
    let server_name = server_name(name)?;
    let peer = verify(chain, anchors, Purpose::Server, now)?;
    verify_name(&peer.leaf, &server_name)?;
    Ok(peer)
}

/// As [`verify_server_chain`], for each name of the leaf under which a server can be reached.
pub(super) fn verify_server_chain_for_own_names(
    chain: &[CertificateDer<'_>],
    anchors: &TrustAnchors,
    now: OffsetDateTime,
) -> Result<PeerCertificate, ChainError> {
    let peer = verify(chain, anchors, Purpose::Server, now)?;
    for name in peer.subject_alternative_names() {
        match server_name(&a_host_of(name)) {
            Ok(server_name) => verify_name(&peer.leaf, &server_name)?,
            Err(ChainError::NameKind) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(peer)
}

/// Verifies that `issuer`'s key signed `certificate`; names and validity are the caller's to compare.
pub(super) fn verify_own_signature(certificate: &Certificate, issuer: &Certificate) -> Result<(), ChainError> {
    certificate
        .verify_signature(issuer.spki_der())
        .map_err(|failure| match failure {
            SignatureFailure::Unsupported { .. } => ChainError::UnsupportedSignatureAlgorithm,
            SignatureFailure::Bad => ChainError::BadSignature,
        })
}

/// Why a chain was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// No certificate at all.
    #[error("no certificate was presented")]
    Empty,
    /// More than 16 certificates.
    #[error("{found} certificates in one chain; at most {MAX_CHAIN_CERTIFICATES} are looked at")]
    TooManyCertificates {
        /// How many there were.
        found: usize,
    },
    /// The leaf, or an issuer on the way, is not readable.
    #[error("a certificate of the chain is not readable")]
    Malformed(#[from] CertificateError),
    /// A certificate of the path, or its anchor, is not valid yet.
    #[error("not valid before {not_before}; it is {time}")]
    NotYetValid {
        /// When the chain was verified.
        time: OffsetDateTime,
        /// When the validity begins.
        not_before: OffsetDateTime,
    },
    /// A certificate of the path, or its anchor, is no longer valid.
    #[error("expired at {not_after}; it is {time}")]
    Expired {
        /// When the chain was verified.
        time: OffsetDateTime,
        /// When the validity ended.
        not_after: OffsetDateTime,
    },
    /// No path leads to a trust anchor.
    #[error("no trusted authority issued it")]
    UnknownIssuer,
    /// A signature does not verify.
    #[error("a signature does not verify")]
    BadSignature,
    /// A signature algorithm that is weak or unknown.
    #[error("a signature algorithm is not supported")]
    UnsupportedSignatureAlgorithm,
    /// The certificate of an authority where a leaf belongs.
    #[error("the certificate of an authority was presented as a leaf")]
    AuthorityAsLeaf,
    /// A certificate on the path that may not sign certificates.
    #[error("a certificate on the path is not that of an authority")]
    IssuerNotAuthority,
    /// More intermediates than a path length allows.
    #[error("the path is longer than an authority on it allows")]
    PathLength,
    /// The path does not permit the purpose.
    #[error("the certificate is not for {required} authentication")]
    ExtendedKeyUsage {
        /// `client` or `server`.
        required: &'static str,
    },
    /// The leaf's keyUsage does not allow signatures, or allows signing certificates.
    #[error("the key usage of the leaf does not fit TLS")]
    KeyUsage,
    /// The certificate is for other names.
    #[error("the certificate is not valid for this name")]
    Name,
    /// The name asked for is neither a DNS name without wildcard nor an IP address.
    #[error("a server is reached under a DNS name or an IP address")]
    NameKind,
    /// A name constraint of an authority is violated.
    #[error("an authority on the path may not issue for this name")]
    NameConstraint,
    /// An extension that must be understood and is not.
    #[error("a critical extension is not supported")]
    UnsupportedCriticalExtension,
    /// Anything else, in the verifier's words.
    #[error("not acceptable: {reason}")]
    Rejected {
        /// The verifier's name for it.
        reason: String,
    },
}

#[derive(Clone, Copy)]
enum Purpose {
    Client,
    Server,
}

impl Purpose {
    const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }

    /// Issuers may leave the extension out; the leaf may not, see [`check_leaf`].
    const fn key_usage(self) -> KeyUsage {
        match self {
            Self::Client => KeyUsage::client_auth(),
            Self::Server => KeyUsage::server_auth(),
        }
    }
}

fn verify(
    chain: &[CertificateDer<'_>],
    anchors: &TrustAnchors,
    purpose: Purpose,
    now: OffsetDateTime,
) -> Result<PeerCertificate, ChainError> {
    let (leaf_der, others) = chain.split_first().ok_or(ChainError::Empty)?;
    if chain.len() > MAX_CHAIN_CERTIFICATES {
        return Err(ChainError::TooManyCertificates { found: chain.len() });
    }
    let leaf = Certificate::from_der(leaf_der)?;
    let end_entity = EndEntityCert::try_from(leaf_der).map_err(|error| ChainError::from_webpki(error, purpose))?;
    let time = unix_time(now);
    let path = end_entity
        .verify_for_usage(
            Provider::default().backend().certificate_signature_algorithms(),
            anchors.anchors(),
            others,
            time,
            purpose.key_usage(),
            None,
            Some(&|path| check_issuers(path, anchors, time)),
        )
        .map_err(|error| ChainError::from_webpki(error, purpose))?;
    check_leaf(&leaf, purpose)?;
    let issuer_spki_sha256 = issuer_spki_sha256(&path, anchors).ok_or(ChainError::UnknownIssuer)?;
    Ok(PeerCertificate {
        leaf,
        issuer_spki_sha256,
    })
}

/// What `webpki` does not ask of the issuers on an otherwise good path.
fn check_issuers(path: &VerifiedPath<'_>, anchors: &TrustAnchors, time: UnixTime) -> Result<(), webpki::Error> {
    let mut intermediates = 0_u32;
    for intermediate in path.intermediate_certificates() {
        let certificate = Certificate::from_der(&intermediate.der()).map_err(|_| webpki::Error::BadDer)?;
        // RFC 5280 §6.1.4 (n).
        if !certificate.key_usage().is_none_or(|usage| usage.key_cert_sign()) {
            return Err(webpki::Error::EndEntityUsedAsCa);
        }
        // RFC 5280 §6.1.4 (l): self-issued certificates do not count.
        intermediates += u32::from(!certificate.is_self_issued());
    }
    let anchor = anchors
        .certificate_of(path.anchor())
        .ok_or(webpki::Error::UnknownIssuer)?;
    let allowed = anchor
        .basic_constraints()
        .and_then(|constraints| constraints.path_length);
    if allowed.is_some_and(|allowed| intermediates > allowed) {
        return Err(webpki::Error::PathLenConstraintViolated);
    }
    let (not_before, not_after) = (unix_time(anchor.not_before()), unix_time(anchor.not_after()));
    if time < not_before {
        Err(webpki::Error::CertNotValidYet { time, not_before })
    } else if time > not_after {
        Err(webpki::Error::CertExpired { time, not_after })
    } else {
        Ok(())
    }
}

fn check_leaf(leaf: &Certificate, purpose: Purpose) -> Result<(), ChainError> {
    let states_purpose = leaf.extended_key_usage().is_some_and(|usage| match purpose {
        Purpose::Client => usage.client_auth,
        Purpose::Server => usage.server_auth,
    });
    if !states_purpose {
        return Err(ChainError::ExtendedKeyUsage {
            required: purpose.name(),
        });
    }
    // RFC 8446 §4.4.2.2: digitalSignature. RFC 5280 §4.2.1.9: no keyCertSign without cA.
    if leaf
        .key_usage()
        .is_some_and(|usage| !usage.digital_signature() || usage.key_cert_sign())
    {
        return Err(ChainError::KeyUsage);
    }
    Ok(())
}

/// An anchor is kept by `webpki` without its outer SEQUENCE; the certificate it was made from has the whole.
fn issuer_spki_sha256(path: &VerifiedPath<'_>, anchors: &TrustAnchors) -> Option<[u8; 32]> {
    match path.intermediate_certificates().next() {
        Some(issuer) => Some(sha256(&issuer.subject_public_key_info())),
        None => anchors.certificate_of(path.anchor()).map(Certificate::spki_sha256),
    }
}

fn verify_name(leaf: &Certificate, name: &ServerName<'_>) -> Result<(), ChainError> {
    EndEntityCert::try_from(leaf.der())
        .and_then(|leaf| leaf.verify_is_valid_for_subject_name(name))
        .map_err(|error| ChainError::from_webpki(error, Purpose::Server))
}

/// For `*.example.com`, a host that a client would ask for; any other name is itself.
fn a_host_of(name: &SubjectAlternativeName) -> SubjectAlternativeName {
    name.value()
        .strip_prefix("*.")
        .and_then(|parent| SubjectAlternativeName::parse(&format!("dns:a.{parent}")).ok())
        .unwrap_or_else(|| name.clone())
}

fn server_name(name: &SubjectAlternativeName) -> Result<ServerName<'static>, ChainError> {
    match name {
        SubjectAlternativeName::Dns(name) => DnsName::try_from(name.as_str().to_owned())
            .map(ServerName::DnsName)
            .map_err(|_| ChainError::NameKind),
        SubjectAlternativeName::Ip(address) => Ok(ServerName::IpAddress(IpAddr::from(*address))),
        SubjectAlternativeName::Uri(_) | SubjectAlternativeName::Email(_) => Err(ChainError::NameKind),
    }
}

/// Times before 1970 become 1970: no certificate is valid then.
fn unix_time(time: OffsetDateTime) -> UnixTime {
    let seconds = u64::try_from(time.unix_timestamp()).unwrap_or(0);
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}

fn date_time(time: UnixTime) -> OffsetDateTime {
    i64::try_from(time.as_secs())
        .ok()
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

impl ChainError {
    fn from_webpki(error: webpki::Error, purpose: Purpose) -> Self {
        use webpki::Error;
        match error {
            Error::CertExpired { time, not_after } => Self::Expired {
                time: date_time(time),
                not_after: date_time(not_after),
            },
            Error::CertNotValidYet { time, not_before } => Self::NotYetValid {
                time: date_time(time),
                not_before: date_time(not_before),
            },
            Error::UnknownIssuer => Self::UnknownIssuer,
            Error::InvalidSignatureForPublicKey => Self::BadSignature,
            Error::UnsupportedSignatureAlgorithmContext(_)
            | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => Self::UnsupportedSignatureAlgorithm,
            Error::CaUsedAsEndEntity => Self::AuthorityAsLeaf,
            Error::EndEntityUsedAsCa => Self::IssuerNotAuthority,
            Error::PathLenConstraintViolated => Self::PathLength,
            Error::RequiredEkuNotFoundContext(_) | Error::EmptyEkuExtension => Self::ExtendedKeyUsage {
                required: purpose.name(),
            },
            Error::CertNotValidForName(_) => Self::Name,
            Error::NameConstraintViolation => Self::NameConstraint,
            Error::UnsupportedCriticalExtension => Self::UnsupportedCriticalExtension,
            other => Self::Rejected {
                reason: format!("{other:?}"),
            },
        }
    }
}
