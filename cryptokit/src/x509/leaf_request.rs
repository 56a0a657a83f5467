//! Leaves: what to put into one, and one that came out.

use time::{Duration, OffsetDateTime};

use super::CertificateDer;
use super::certificate::Certificate;
use super::chain::{verify_client_chain, verify_server_chain_for_own_names};
use super::distinguished_name::DistinguishedName;
use super::encode::Subject;
use super::issue_error::IssueError;
use super::key::KeyKind;
use super::pem::certificates_to_pem;
use super::profile::{LeafProfile, Profile};
use super::subject_alternative_name::SubjectAlternativeName;
use super::trust_anchors::TrustAnchors;
use super::validity::Validity;

/// What to put into a leaf.
#[derive(Clone, Debug)]
pub struct LeafRequest {
    pub(super) profile: LeafProfile,
    pub(super) subject_alternative_names: Vec<SubjectAlternativeName>,
    pub(super) validity: Validity,
    pub(super) key: KeyKind,
}

impl LeafRequest {
    /// A leaf of 90 days. Whether the names fit the profile is checked when it is issued.
    ///
    /// Its subject is the first DNS name as common name, for people to read; without one it is empty.
    pub fn new(profile: LeafProfile, subject_alternative_names: Vec<SubjectAlternativeName>) -> Self {
        Self {
            profile,
            subject_alternative_names,
            validity: Validity::Lasting(Profile::Leaf(profile).lifetime()),
            key: KeyKind::default(),
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

    /// Asks for a key of another kind where one is made; P-256 else.
    #[must_use]
    pub fn with_key(self, key: KeyKind) -> Self {
        Self { key, ..self }
    }

    /// The profile.
    pub fn profile(&self) -> LeafProfile {
        self.profile
    }

    /// The names.
    pub fn subject_alternative_names(&self) -> &[SubjectAlternativeName] {
        &self.subject_alternative_names
    }

    /// CA/Browser Forum BR §7.1.2.7.2: a common name, if any, repeats a subject alternative name. RFC 5280 appendix
    /// A.1: it has at most 64 characters.
    pub(super) fn subject(&self) -> Subject<'_> {
        self.subject_alternative_names
            .iter()
            .find_map(|name| match name {
                SubjectAlternativeName::Dns(name) if name.as_str().len() <= DistinguishedName::MAX_CHARACTERS => {
                    Some(Subject::CommonName(name.as_str()))
                }
                _ => None,
            })
            .unwrap_or(Subject::Empty)
    }

    /// The subject as [`Certificate::subject_text`] will show it.
    pub(super) fn subject_text(&self) -> String {
        match self.subject() {
            Subject::CommonName(name) => format!("CN={name}"),
            _ => String::new(),
        }
    }
}

/// A leaf that was read back, checked and verified, with the certificates above it.
#[derive(Clone, Debug)]
pub struct IssuedCertificate {
    pub(super) certificate: Certificate,
    pub(super) issuers: Vec<Certificate>,
}

impl IssuedCertificate {
    /// The leaf.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// What a TLS peer presents: the leaf and the intermediates, without the root.
    pub fn chain(&self) -> Vec<&Certificate> {
        let intermediates = self.issuers.iter().filter(|issuer| !issuer.names_itself_as_issuer());
        std::iter::once(&self.certificate).chain(intermediates).collect()
    }

    /// [`Self::chain`] as DER.
    pub fn chain_der(&self) -> Vec<CertificateDer<'static>> {
        self.chain()
            .into_iter()
            .map(|certificate| certificate.der().clone())
            .collect()
    }

    /// [`Self::chain`] as PEM.
    pub fn chain_pem(&self) -> String {
        certificates_to_pem(self.chain())
    }

    pub(super) fn verify(&self, profile: LeafProfile, now: OffsetDateTime) -> Result<(), IssueError> {
        // A validity that begins later is verified as of its first second.
        let now = now.clamp(self.certificate.not_before(), self.certificate.not_after());
        let (anchor, between) = self.issuers.split_last().expect("a leaf has an issuer");
        let anchors = TrustAnchors::from_certificates(vec![anchor.clone()])?;
        let chain: Vec<_> = std::iter::once(&self.certificate)
            .chain(between)
            .map(|certificate| certificate.der().clone())
            .collect();
        let usage = profile.extended_key_usage();
        if usage.server_auth {
            verify_server_chain_for_own_names(&chain, &anchors, usage.client_auth, now)?;
        } else {
            verify_client_chain(&chain, &anchors, now)?;
        }
        Ok(())
    }
}
