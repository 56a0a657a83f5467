//! Why a path is refused: the check that failed, on which certificate, by which section.

use time::OffsetDateTime;

use super::chain_error::ChainError;
use super::public_key::PublicKeyError;
use super::revocation_list::{RevocationListError, RevocationReason};

/// A check of RFC 5280 §6 that a certificate of a path did not pass.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathFailure {
    /// Nothing at hand is named as its issuer.
    #[error("nobody at hand is its issuer")]
    NoIssuer,
    /// Further intermediates than are followed.
    #[error("the path is longer than is followed")]
    TooLong,
    /// The signature is not the issuer's.
    #[error("its signature is not the issuer's")]
    Signature,
    /// No algorithm here fits the signature and the issuer's key.
    #[error("its signature algorithm {oid} is weak, unknown or not the issuer's")]
    SignatureAlgorithm {
        /// In dotted form.
        oid: String,
    },
    /// So many signatures were verified already that this one, or that of a list about it, was not.
    #[error("its signature or that of a revocation list was not verified: too many were before")]
    SignatureNotVerified,
    /// Before its validity.
    #[error("not valid before {not_before}; it is {time}")]
    NotYetValid {
        /// When the path was looked at.
        time: OffsetDateTime,
        /// When the validity begins.
        not_before: OffsetDateTime,
    },
    /// After its validity.
    #[error("expired at {not_after}; it is {time}")]
    Expired {
        /// When the path was looked at.
        time: OffsetDateTime,
        /// When the validity ended.
        not_after: OffsetDateTime,
    },
    /// Its key is weak or not supported.
    #[error("its key is not acceptable: {0}")]
    Key(PublicKeyError),
    /// A critical extension that is not understood.
    #[error("its critical extension {oid} is not understood")]
    CriticalExtension {
        /// In dotted form.
        oid: String,
    },
    /// An authority where a leaf belongs.
    #[error("it is the certificate of an authority")]
    AuthorityAsLeaf,
    /// Not an authority where one belongs.
    #[error("it is not the certificate of an authority")]
    NotAnAuthority,
    /// Its keyUsage does not allow what it does here.
    #[error("its keyUsage does not allow {needed}")]
    KeyUsage {
        /// What would be needed.
        needed: &'static str,
    },
    /// Its extKeyUsage does not allow the purpose, or a leaf has none.
    #[error("its extKeyUsage does not allow {needed}")]
    ExtendedKeyUsage {
        /// `serverAuth` or `clientAuth`.
        needed: &'static str,
    },
    /// More authorities below it than its path length allows.
    #[error("{found} authorities are below it; its path length is {allowed}")]
    PathLength {
        /// What it allows.
        allowed: u32,
        /// How many are below it, self-issued ones left out.
        found: u32,
    },
    /// A name below it is outside its constraints.
    #[error("its name constraints do not allow {name}")]
    NameConstraint {
        /// The name, in text form.
        name: String,
    },
    /// So many names were compared with constraints already that those below it were not.
    #[error("the names below it were not compared with its name constraints: too many were before")]
    NamesNotCompared,
    /// It names another key than the issuer's.
    #[error("it names another key of its issuer than the one on this path")]
    KeyIdentifier,
    /// It is for other names.
    #[error("it is not for {name}")]
    Name {
        /// The name asked for, in text form.
        name: String,
    },
    /// It breaks a rule of X509-SVID.
    #[error("as an X509-SVID: {rule}")]
    Spiffe {
        /// The rule, with its section.
        rule: &'static str,
    },
    /// It was revoked.
    #[error("revoked at {revocation_date}: {reason}")]
    Revoked {
        /// When.
        revocation_date: OffsetDateTime,
        /// Why.
        reason: RevocationReason,
    },
    /// No list at hand speaks of it.
    #[error("no revocation list speaks of it")]
    UnknownRevocationStatus,
    /// The list that speaks of it cannot be used.
    #[error("its revocation list cannot be used: {0}")]
    RevocationList(RevocationListError),
    /// The second verifier refuses the path.
    #[error("the second verifier refuses the path: {0}")]
    SecondOpinion(Box<ChainError>),
}

impl PathFailure {
    /// The section of the standard that asks for the check.
    pub const fn section(&self) -> &'static str {
        match self {
            Self::NoIssuer | Self::TooLong => "RFC 5280 §6.1",
            Self::Signature | Self::SignatureAlgorithm { .. } | Self::SignatureNotVerified => "RFC 5280 §6.1.3 (a)(1)",
            Self::NotYetValid { .. } | Self::Expired { .. } => "RFC 5280 §6.1.3 (a)(2)",
            Self::Revoked { .. } | Self::UnknownRevocationStatus => "RFC 5280 §6.1.3 (a)(3)",
            Self::RevocationList(_) => "RFC 5280 §6.3.3",
            Self::Key(_) => "RFC 5280 §4.1.2.7",
            Self::CriticalExtension { .. } => "RFC 5280 §6.1.4 (o)",
            Self::AuthorityAsLeaf => "RFC 5280 §4.2.1.9",
            Self::NotAnAuthority => "RFC 5280 §6.1.4 (k)",
            Self::KeyUsage { .. } => "RFC 5280 §4.2.1.3",
            Self::ExtendedKeyUsage { .. } => "RFC 5280 §4.2.1.12",
            Self::PathLength { .. } => "RFC 5280 §6.1.4 (m)",
            Self::NameConstraint { .. } | Self::NamesNotCompared => "RFC 5280 §6.1.3 (b), (c)",
            Self::KeyIdentifier => "RFC 5280 §4.2.1.1",
            Self::Name { .. } => "RFC 9525 §6",
            Self::Spiffe { .. } => "X509-SVID §5",
            Self::SecondOpinion(_) => "RFC 5280 §6",
        }
    }

    /// What decides first when one failure stands for a path: what proves most.
    pub(super) const fn rank(&self) -> u8 {
        match self {
            Self::Signature | Self::SignatureAlgorithm { .. } => 0,
            Self::NotYetValid { .. } | Self::Expired { .. } => 1,
            Self::AuthorityAsLeaf | Self::NotAnAuthority => 2,
            Self::Revoked { .. } => 3,
            Self::CriticalExtension { .. } | Self::Key(_) => 4,
            Self::PathLength { .. } => 5,
            Self::KeyUsage { .. } => 6,
            Self::ExtendedKeyUsage { .. } => 7,
            Self::NameConstraint { .. } | Self::Spiffe { .. } => 8,
            Self::UnknownRevocationStatus | Self::RevocationList(_) => 9,
            Self::KeyIdentifier => 10,
            Self::Name { .. } => 11,
            Self::SecondOpinion(_) | Self::SignatureNotVerified | Self::NamesNotCompared => 12,
            Self::NoIssuer | Self::TooLong => 13,
        }
    }
}
