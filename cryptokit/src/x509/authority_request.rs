//! What to put into the certificate of an authority.

use time::{Duration, OffsetDateTime};

use super::distinguished_name::DistinguishedName;
use super::name_constraints::NameConstraints;
use super::profile::Profile;
use super::subject_alternative_name::SubjectAlternativeName;
use super::trust_domain::TrustDomain;
use super::validity::Validity;

/// What to put into the certificate of an authority.
#[derive(Clone, Debug)]
pub struct AuthorityRequest {
    pub(super) subject: DistinguishedName,
    pub(super) path_length: u8,
    pub(super) validity: Validity,
    pub(super) name_constraints: Option<NameConstraints>,
    pub(super) subject_alternative_names: Vec<SubjectAlternativeName>,
}

impl AuthorityRequest {
    /// A root of 10 years and path length 1: authorities below it, and leaves below those.
    pub fn root(subject: DistinguishedName) -> Self {
        Self::new(subject, Profile::Root, 1)
    }

    /// An authority of 5 years and path length 0: leaves below it and nothing else.
    pub fn intermediate(subject: DistinguishedName) -> Self {
        Self::new(subject, Profile::Intermediate, 0)
    }

    fn new(subject: DistinguishedName, profile: Profile, path_length: u8) -> Self {
        Self {
            subject,
            path_length,
            validity: Validity::Lasting(profile.lifetime()),
            name_constraints: None,
            subject_alternative_names: Vec::new(),
        }
    }

    /// Asks for another path length: how many authorities may stand between it and a leaf (RFC 5280 §4.2.1.9).
    #[must_use]
    pub fn with_path_length(self, path_length: u8) -> Self {
        Self { path_length, ..self }
    }

    /// Limits the names of everything below (RFC 5280 §4.2.1.10). Constraints of authorities above go on to hold.
    /// Without any subtree nothing is limited.
    #[must_use]
    pub fn with_name_constraints(self, constraints: NameConstraints) -> Self {
        Self {
            name_constraints: Some(constraints).filter(|constraints| !constraints.is_empty()),
            ..self
        }
    }

    /// Makes it an authority of this SPIFFE trust domain: its certificate has the domain's id (X509-SVID §3.2), which
    /// has no path and so is no workload's.
    #[must_use]
    pub fn with_trust_domain(self, domain: &TrustDomain) -> Self {
        Self {
            subject_alternative_names: vec![domain.id()],
            ..self
        }
    }

    /// Asks for another lifetime, above zero and at most [`Profile::max_lifetime`]. It is cut where the issuer's ends.
    #[must_use]
    pub fn with_lifetime(self, lifetime: Duration) -> Self {
        Self {
            validity: Validity::Lasting(lifetime),
            ..self
        }
    }

    /// Asks for exactly this validity, which must lie inside the issuer's; both ends are valid.
    #[must_use]
    pub fn with_validity(self, not_before: OffsetDateTime, not_after: OffsetDateTime) -> Self {
        Self {
            validity: Validity::between(not_before, not_after),
            ..self
        }
    }
}
