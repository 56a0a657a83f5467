//! The answer in one word, and the exit code that scripts tell it by.

use cryptokit::x509::{ChainError, PathFailure};

/// The answer in one word. Of several things that are wrong, the one that proves most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verdict {
    /// A path is good.
    Trusted,
    /// No path leads to a trusted certificate.
    NotTrusted,
    /// A certificate on the path is no longer valid.
    Expired,
    /// A certificate on the path is not valid yet.
    NotYetValid,
    /// The leaf is for other names.
    Name,
    /// The leaf, or an issuer, is not for this purpose.
    Purpose,
    /// A certificate on the path was revoked.
    Revoked,
    /// Whether a certificate was revoked is not known, or its list cannot be used.
    RevocationUnknown,
    /// A constraint of an issuer or of the profile is violated.
    Constraint,
    /// A signature is not the issuer's, or its algorithm is weak or unknown.
    Signature,
    /// The leaf, or a certificate that is missing on the way, cannot be read.
    Malformed,
}

impl Verdict {
    /// Every verdict, by exit code.
    pub const ALL: [Self; 11] = [
        Self::Trusted,
        Self::NotTrusted,
        Self::Expired,
        Self::NotYetValid,
        Self::Name,
        Self::Purpose,
        Self::Revoked,
        Self::RevocationUnknown,
        Self::Constraint,
        Self::Signature,
        Self::Malformed,
    ];

    /// What the process ends with.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Trusted => 0,
            Self::NotTrusted => 10,
            Self::Expired => 11,
            Self::NotYetValid => 12,
            Self::Name => 13,
            Self::Purpose => 14,
            Self::Revoked => 15,
            Self::RevocationUnknown => 16,
            Self::Constraint => 17,
            Self::Signature => 18,
            Self::Malformed => 19,
        }
    }

    /// As programs know it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trusted => "trusted",
            Self::NotTrusted => "not_trusted",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::Name => "name",
            Self::Purpose => "purpose",
            Self::Revoked => "revoked",
            Self::RevocationUnknown => "revocation_unknown",
            Self::Constraint => "constraint",
            Self::Signature => "signature",
            Self::Malformed => "malformed",
        }
    }

    /// For people, after the name of the file.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Trusted => "trusted",
            Self::NotTrusted => "not trusted: no path leads to a trusted certificate",
            Self::Expired => "not trusted: expired",
            Self::NotYetValid => "not trusted: not valid yet",
            Self::Name => "not trusted: it is for other names",
            Self::Purpose => "not trusted: it is not for this purpose",
            Self::Revoked => "not trusted: revoked",
            Self::RevocationUnknown => "not trusted: whether it was revoked is not known",
            Self::Constraint => "not trusted: a constraint is violated",
            Self::Signature => "not trusted: a signature is not good",
            Self::Malformed => "not trusted: a certificate cannot be read",
        }
    }

    /// The next step, as one sentence without a full stop; nothing where there is none.
    pub const fn hint(self) -> Option<&'static str> {
        match self {
            Self::Trusted => None,
            Self::NotTrusted => {
                Some("the chain holds the leaf and every intermediate, and --trust names the root that issued them")
            }
            Self::Expired => {
                Some("certgen renew makes a new certificate for the same key; with --at another time is asked about")
            }
            Self::NotYetValid => Some("look at the clock of this machine; with --at another time is asked about"),
            Self::Name => Some("issue a certificate that has the name, or connect under one that it has"),
            Self::Purpose => Some("--purpose client, server or any asks for another purpose"),
            Self::Revoked => Some("issue a new certificate, with a new key where the old one may be known to others"),
            Self::RevocationUnknown => Some("give a current list of every issuer with --crl; certgen crl makes one"),
            Self::Constraint => Some("have the certificate issued anew by an authority that may issue it"),
            Self::Signature => {
                Some("the certificate was altered, or its issuer is another than the one here: fetch both again")
            }
            Self::Malformed => Some("certgen lint says what is wrong with it, section by section"),
        }
    }

    /// What stands for a path that was refused by this. `at_leaf` says whether it was found at the leaf.
    pub(super) fn of(failure: &PathFailure, at_leaf: bool) -> Self {
        match failure {
            PathFailure::Expired { .. } => Self::Expired,
            PathFailure::NotYetValid { .. } => Self::NotYetValid,
            PathFailure::Name { .. } => Self::Name,
            PathFailure::ExtendedKeyUsage { .. } => Self::Purpose,
            PathFailure::KeyUsage {
                needed: "digitalSignature",
            } if at_leaf => Self::Purpose,
            PathFailure::Revoked { .. } => Self::Revoked,
            PathFailure::UnknownRevocationStatus | PathFailure::RevocationList(_) => Self::RevocationUnknown,
            PathFailure::Signature | PathFailure::SignatureAlgorithm { .. } => Self::Signature,
            PathFailure::Key(_)
            | PathFailure::CriticalExtension { .. }
            | PathFailure::AuthorityAsLeaf
            | PathFailure::NotAnAuthority
            | PathFailure::KeyUsage { .. }
            | PathFailure::PathLength { .. }
            | PathFailure::NameConstraint { .. }
            | PathFailure::KeyIdentifier
            | PathFailure::Spiffe { .. } => Self::Constraint,
            PathFailure::SecondOpinion(error) => Self::of_second_opinion(error),
            _ => Self::NotTrusted,
        }
    }

    fn of_second_opinion(error: &ChainError) -> Self {
        match error {
            ChainError::Expired { .. } => Self::Expired,
            ChainError::NotYetValid { .. } => Self::NotYetValid,
            ChainError::ExtendedKeyUsage { .. } => Self::Purpose,
            ChainError::BadSignature | ChainError::UnsupportedSignatureAlgorithm => Self::Signature,
            ChainError::UnknownIssuer => Self::NotTrusted,
            _ => Self::Constraint,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_in_order_and_apart() {
        let codes = Verdict::ALL.map(Verdict::exit_code);
        assert_eq!(codes, [0, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
    }
}
