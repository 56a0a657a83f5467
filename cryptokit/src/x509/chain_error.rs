//! Why a chain was not accepted, in one word: the failure that stands for the path that came furthest.

use time::OffsetDateTime;

use super::certificate::CertificateError;
use super::chain::MAX_CHAIN_CERTIFICATES;
use super::path_failure::PathFailure;
use super::revocation_list::{RevocationListError, RevocationReason};

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
    /// A key that is weak or of a kind that is not supported.
    #[error("a key on the path is not acceptable")]
    Key(#[source] super::PublicKeyError),
    /// A certificate of the path names another key of its issuer than the one at hand.
    #[error("a certificate on the path names another key of its issuer")]
    KeyIdentifier,
    /// A certificate of the path was revoked.
    #[error("revoked at {revocation_date}: {reason}")]
    Revoked {
        /// When.
        revocation_date: OffsetDateTime,
        /// Why.
        reason: RevocationReason,
    },
    /// No revocation list speaks of a certificate of the path.
    #[error("whether it was revoked is not known")]
    UnknownRevocationStatus,
    /// The revocation list that speaks of a certificate of the path cannot be used.
    #[error("its revocation list cannot be used")]
    RevocationList(#[source] RevocationListError),
    /// The leaf has a SPIFFE id and breaks a rule of X509-SVID.
    #[error("not an X509-SVID: {rule}")]
    Spiffe {
        /// The rule, with its section.
        rule: &'static str,
    },
    /// Anything else, in the verifier's words.
    #[error("not acceptable: {reason}")]
    Rejected {
        /// The verifier's name for it.
        reason: String,
    },
}

impl ChainError {
    /// What stands for a refused path. `is_leaf` says whether it was found at the leaf.
    pub(super) fn from_failure(failure: &PathFailure, is_leaf: bool) -> Self {
        match failure.clone() {
            PathFailure::NoIssuer => Self::UnknownIssuer,
            PathFailure::Signature => Self::BadSignature,
            PathFailure::SignatureAlgorithm { .. } => Self::UnsupportedSignatureAlgorithm,
            PathFailure::NotYetValid { time, not_before } => Self::NotYetValid { time, not_before },
            PathFailure::Expired { time, not_after } => Self::Expired { time, not_after },
            PathFailure::Key(error) => Self::Key(error),
            PathFailure::CriticalExtension { .. } => Self::UnsupportedCriticalExtension,
            PathFailure::AuthorityAsLeaf => Self::AuthorityAsLeaf,
            PathFailure::NotAnAuthority => Self::IssuerNotAuthority,
            PathFailure::KeyUsage { .. } if is_leaf => Self::KeyUsage,
            PathFailure::KeyUsage { .. } => Self::IssuerNotAuthority,
            PathFailure::ExtendedKeyUsage { needed } => Self::ExtendedKeyUsage {
                required: match needed {
                    "clientAuth" => "client",
                    "serverAuth" => "server",
                    _ => "peer",
                },
            },
            PathFailure::PathLength { .. } => Self::PathLength,
            PathFailure::NameConstraint { .. } => Self::NameConstraint,
            PathFailure::KeyIdentifier => Self::KeyIdentifier,
            PathFailure::Name { .. } => Self::Name,
            PathFailure::Spiffe { rule } => Self::Spiffe { rule },
            PathFailure::Revoked {
                revocation_date,
                reason,
            } => Self::Revoked {
                revocation_date,
                reason,
            },
            PathFailure::UnknownRevocationStatus => Self::UnknownRevocationStatus,
            PathFailure::RevocationList(error) => Self::RevocationList(error),
            PathFailure::SecondOpinion(error) => *error,
            failure @ (PathFailure::TooLong | PathFailure::SignatureNotVerified | PathFailure::NamesNotCompared) => {
                Self::Rejected {
                    reason: failure.to_string(),
                }
            }
        }
    }
}
