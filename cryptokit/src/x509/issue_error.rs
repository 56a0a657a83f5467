//! Why no certificate came out.

use time::OffsetDateTime;

use super::certificate::CertificateError;
use super::certification_request::CertificationRequestError;
use super::chain_error::ChainError;
use super::encode::NotWritten;
use super::profile::ProfileViolation;
use super::public_key::PublicKeyError;
use super::revocation_list::RevocationListError;
use super::trust_anchors::TrustAnchorError;
use crate::sign::SignError;

/// Why no certificate came out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssueError {
    /// The names do not fit the profile.
    #[error("the request does not fit its profile")]
    Request(#[source] ProfileViolation),
    /// The lifetime asked for is zero, negative or too long.
    #[error("the lifetime must be above zero and at most what the profile allows")]
    Lifetime,
    /// The validity cannot be expressed in a certificate.
    #[error("the validity leaves the years that a certificate can express")]
    Time,
    /// The authority is not valid at the time of issue.
    #[error("the issuing authority is valid from {not_before} to {not_after} only")]
    IssuerNotValid {
        /// First second of its validity.
        not_before: OffsetDateTime,
        /// Last second of its validity.
        not_after: OffsetDateTime,
    },
    /// An explicit validity begins before the issuer's, ends after it, or ends before it begins.
    #[error("the validity asked for is not inside the issuer's, {not_before} to {not_after}")]
    OutsideIssuer {
        /// First second of the issuer's validity.
        not_before: OffsetDateTime,
        /// Last second of the issuer's validity.
        not_after: OffsetDateTime,
    },
    /// A name asked for is outside the authority's own name constraints.
    #[error("this authority may not issue for {name} (RFC 5280 §4.2.1.10)")]
    NameConstraint {
        /// The name.
        name: String,
    },
    /// The certificate to sign again is no longer valid.
    #[error("the certificate expired at {not_after}")]
    Expired {
        /// Its last second.
        not_after: OffsetDateTime,
    },
    /// The key is weak or of a kind that certificates are not made for.
    #[error("no certificate is made for this key")]
    PublicKey(#[source] PublicKeyError),
    /// The certification request produced is not readable.
    #[error("the certification request produced is not readable")]
    CertificationRequest(#[from] CertificationRequestError),
    /// The revocation list asked for, or its predecessor, is not acceptable.
    #[error("the revocation list is not acceptable")]
    RevocationList(#[from] RevocationListError),
    /// The authority's path length leaves no room.
    #[error("this authority's path length does not allow such an authority below it")]
    PathLength,
    /// The certificate may not sign certificates.
    #[error("the certificate is not that of an authority")]
    NotAnAuthority,
    /// The key is not the certificate's.
    #[error("the key does not belong to the certificate")]
    KeyMismatch,
    /// The authority's certificate has no subjectKeyIdentifier to refer to.
    #[error("the certificate of the authority has no subject key identifier")]
    MissingKeyIdentifier,
    /// The authority's subject cannot be reproduced byte for byte.
    #[error(
        "the subject of the authority cannot be copied exactly: it repeats an attribute or uses an old string type"
    )]
    UnsupportedIssuerName,
    /// No key could be made.
    #[error("no key could be made")]
    Sign(#[from] SignError),
    /// The certificate could not be written or signed.
    #[error("the certificate could not be signed")]
    NotWritten,
    /// The certificate produced is not readable.
    #[error("the certificate produced is not readable")]
    Unreadable(#[from] CertificateError),
    /// The certificate produced says something else than was asked.
    #[error("the certificate produced differs from the request in {field}")]
    NotAsAsked {
        /// What differs.
        field: &'static str,
    },
    /// The certificate produced breaks its own profile.
    #[error("the certificate produced does not fit its profile")]
    Profile(#[source] ProfileViolation),
    /// The certificate produced does not verify.
    #[error("the certificate produced does not verify")]
    Chain(#[from] ChainError),
    /// The last of the issuers is no authority.
    #[error("the last issuer cannot be a trust anchor")]
    Anchor(#[from] TrustAnchorError),
}

impl From<NotWritten> for IssueError {
    fn from(NotWritten: NotWritten) -> Self {
        Self::NotWritten
    }
}
