//! Certificate authorities: the only way to make a certificate.

use time::{Duration, OffsetDateTime};

use super::CertificateDer;
use super::certificate::{Certificate, CertificateError};
use super::chain::{ChainError, verify_client_chain, verify_own_signature, verify_server_chain_for_own_names};
use super::distinguished_name::DistinguishedName;
use super::encode::{self, IssuerName, NotWritten, Subject, Template};
use super::pem::certificates_to_pem;
use super::profile::{BACKDATE, LeafProfile, Profile, ProfileViolation};
use super::subject_alternative_name::SubjectAlternativeName;
use super::trust_anchors::{TrustAnchorError, TrustAnchors};
use crate::random;
use crate::sign::{P256SigningKey, SignError};

/// A certificate authority with its key: makes certificates by [`Profile`].
///
/// Everything it returns was read back, compared with what was asked for, checked against its profile and verified
/// against its chain. It keeps no record of what it issued: serial numbers are 158 random bits.
#[derive(Debug)]
pub struct CertificateAuthority {
    certificate: Certificate,
    issuers: Vec<Certificate>,
    key: P256SigningKey,
    name: IssuerName,
    key_identifier: Vec<u8>,
}

impl CertificateAuthority {
    /// Makes a root with a new P-256 key, valid for 10 years.
    ///
    /// `now` is the time of issue here and below; validity begins 5 minutes earlier.
    ///
    /// # Errors
    ///
    /// [`IssueError::Time`] when the validity would leave the years that a certificate can express;
    /// [`IssueError::Sign`] and the "produced" errors when the backend fails.
    pub fn new_root(subject: &DistinguishedName, now: OffsetDateTime) -> Result<Self, IssueError> {
        let key = P256SigningKey::generate()?;
        let now = whole_seconds(now);
        let template = Template {
            profile: Profile::Root,
            subject: Subject::Full(subject),
            subject_alternative_names: &[],
            not_before: add(now, -BACKDATE)?,
            not_after: add(now, Profile::Root.lifetime())?,
            serial: new_serial(),
        };
        let certificate = Certificate::from_der(&encode::self_signed(&template, &key)?)?;
        check_as_asked(&certificate, &template, &key, certificate.subject_der())?;
        verify_own_signature(&certificate, &certificate)?;
        Self::load(certificate, Vec::new(), key)
    }

    /// Makes an intermediate below this authority, with a new P-256 key, valid for 5 years at most.
    ///
    /// # Errors
    ///
    /// [`IssueError::PathLength`] when this authority may only issue leaves; [`IssueError::IssuerNotValid`]
    /// when it is not valid now; otherwise as [`Self::new_root`].
    pub fn issue_intermediate(&self, subject: &DistinguishedName, now: OffsetDateTime) -> Result<Self, IssueError> {
        let path_length = self
            .certificate
            .basic_constraints()
            .and_then(|constraints| constraints.path_length);
        if path_length == Some(0) {
            return Err(IssueError::PathLength);
        }
        let key = P256SigningKey::generate()?;
        let profile = Profile::Intermediate;
        let certificate = self.sign(profile, Subject::Full(subject), &[], profile.lifetime(), &key, now)?;
        verify_own_signature(&certificate, &self.certificate)?;
        Self::load(certificate, self.chain_from_here(), key)
    }

    /// Makes a leaf with a new P-256 key.
    ///
    /// # Errors
    ///
    /// As [`Self::issue_leaf_for_key`].
    pub fn issue_leaf(
        &self,
        request: &LeafRequest,
        now: OffsetDateTime,
    ) -> Result<(IssuedCertificate, P256SigningKey), IssueError> {
        let key = P256SigningKey::generate()?;
        let issued = self.issue_leaf_for_key(request, &key, now)?;
        Ok((issued, key))
    }

    /// Makes a leaf for a key that exists, as a renewal does. Serial number and validity are new.
    ///
    /// notAfter is at most this authority's own.
    ///
    /// # Errors
    ///
    /// [`IssueError::Request`] when the names do not fit the profile; [`IssueError::Lifetime`] when the lifetime
    /// is out of range; [`IssueError::IssuerNotValid`] when this authority is not valid now; [`IssueError::Chain`]
    /// when the new certificate does not verify, as when this authority was loaded with the wrong issuers.
    pub fn issue_leaf_for_key(
        &self,
        request: &LeafRequest,
        key: &P256SigningKey,
        now: OffsetDateTime,
    ) -> Result<IssuedCertificate, IssueError> {
        let profile = Profile::Leaf(request.profile);
        request
            .profile
            .check_names(&request.subject_alternative_names)
            .map_err(IssueError::Request)?;
        if !request.lifetime.is_positive() || request.lifetime > profile.max_lifetime() {
            return Err(IssueError::Lifetime);
        }
        let names = &request.subject_alternative_names;
        let certificate = self.sign(profile, leaf_subject(names), names, request.lifetime, key, now)?;
        let issued = IssuedCertificate {
            certificate,
            issuers: self.chain_from_here(),
        };
        issued.verify(request, now)?;
        Ok(issued)
    }

    /// Takes an authority that was made earlier: its certificate, its key, and the certificates above it, nearest
    /// first, root last; none when it is itself what relying parties trust.
    ///
    /// # Errors
    ///
    /// [`IssueError::NotAnAuthority`] when the certificate may not sign certificates; [`IssueError::KeyMismatch`]
    /// when the key is another's; [`IssueError::MissingKeyIdentifier`] without a subjectKeyIdentifier;
    /// [`IssueError::UnsupportedIssuerName`] when its subject cannot be copied byte for byte into what it issues
    /// (repeated attributes such as two OUs or DCs, multi-valued relative names, old string types).
    pub fn load(certificate: Certificate, issuers: Vec<Certificate>, key: P256SigningKey) -> Result<Self, IssueError> {
        let may_sign = certificate.key_usage().is_none_or(|usage| usage.key_cert_sign());
        if !certificate.is_ca() || !may_sign {
            return Err(IssueError::NotAnAuthority);
        }
        if certificate.public_key() != key.public_point() {
            return Err(IssueError::KeyMismatch);
        }
        let key_identifier = certificate
            .subject_key_identifier()
            .ok_or(IssueError::MissingKeyIdentifier)?
            .to_vec();
        let name = IssuerName::from_der(certificate.subject_der()).ok_or(IssueError::UnsupportedIssuerName)?;
        Ok(Self {
            certificate,
            issuers,
            key,
            name,
            key_identifier,
        })
    }

    /// Its certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The certificates above it, nearest first.
    pub fn issuers(&self) -> &[Certificate] {
        &self.issuers
    }

    /// Its key.
    pub fn key(&self) -> &P256SigningKey {
        &self.key
    }

    fn chain_from_here(&self) -> Vec<Certificate> {
        std::iter::once(&self.certificate)
            .chain(&self.issuers)
            .cloned()
            .collect()
    }

    fn sign(
        &self,
        profile: Profile,
        subject: Subject<'_>,
        subject_alternative_names: &[SubjectAlternativeName],
        lifetime: Duration,
        key: &P256SigningKey,
        now: OffsetDateTime,
    ) -> Result<Certificate, IssueError> {
        let now = whole_seconds(now);
        let (not_before, not_after) = (self.certificate.not_before(), self.certificate.not_after());
        if now < not_before || now > not_after {
            return Err(IssueError::IssuerNotValid { not_before, not_after });
        }
        let template = Template {
            profile,
            subject,
            subject_alternative_names,
            // Never outside the issuer's validity: some verifiers want the periods nested.
            not_before: add(now, -BACKDATE)?.max(not_before),
            not_after: add(now, lifetime)?.min(not_after),
            serial: new_serial(),
        };
        let der = encode::signed_by(&template, key, &self.name, &self.key, &self.key_identifier)?;
        let certificate = Certificate::from_der(&der)?;
        check_as_asked(&certificate, &template, key, self.certificate.subject_der())?;
        if certificate.authority_key_identifier() != Some(&self.key_identifier) {
            return Err(IssueError::NotAsAsked {
                field: "authorityKeyIdentifier",
            });
        }
        Ok(certificate)
    }
}

/// What to put into a leaf.
#[derive(Clone, Debug)]
pub struct LeafRequest {
    profile: LeafProfile,
    subject_alternative_names: Vec<SubjectAlternativeName>,
    lifetime: Duration,
}

impl LeafRequest {
    /// A leaf of 90 days. Whether the names fit the profile is checked when it is issued.
    ///
    /// Its subject is the first DNS name as common name, for people to read; without one it is empty.
    pub fn new(profile: LeafProfile, subject_alternative_names: Vec<SubjectAlternativeName>) -> Self {
        let lifetime = Profile::Leaf(profile).lifetime();
        Self {
            profile,
            subject_alternative_names,
            lifetime,
        }
    }

    /// Asks for another lifetime, above zero and at most [`Profile::max_lifetime`].
    #[must_use]
    pub fn with_lifetime(self, lifetime: Duration) -> Self {
        Self { lifetime, ..self }
    }
}

/// A leaf that was read back, checked and verified, with the certificates above it.
#[derive(Clone, Debug)]
pub struct IssuedCertificate {
    certificate: Certificate,
    issuers: Vec<Certificate>,
}

impl IssuedCertificate {
    /// The leaf.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// What a TLS peer presents: the leaf and the intermediates, without the root.
    pub fn chain(&self) -> Vec<&Certificate> {
        let intermediates = self.issuers.iter().filter(|issuer| !issuer.is_self_issued());
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

    fn verify(&self, request: &LeafRequest, now: OffsetDateTime) -> Result<(), IssueError> {
        let (anchor, between) = self.issuers.split_last().expect("a leaf has an issuer");
        let anchors = TrustAnchors::from_certificates(vec![anchor.clone()])?;
        let chain: Vec<_> = std::iter::once(&self.certificate)
            .chain(between)
            .map(|certificate| certificate.der().clone())
            .collect();
        if matches!(request.profile, LeafProfile::Client | LeafProfile::Peer) {
            verify_client_chain(&chain, &anchors, now)?;
        }
        if matches!(request.profile, LeafProfile::Server | LeafProfile::Peer) {
            verify_server_chain_for_own_names(&chain, &anchors, now)?;
        }
        Ok(())
    }
}

/// Why no certificate came out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssueError {
    /// The names do not fit the profile.
    #[error("the request does not fit its profile")]
    Request(#[source] ProfileViolation),
    /// The lifetime asked for is zero, negative or too long.
    #[error("the lifetime must be above zero and at most 825 days")]
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
    /// The authority has path length 0.
    #[error("this authority may issue leaves only, no further authorities")]
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

/// Compares what came out with what was asked for, so that no gap of the encoder goes out under our signature.
fn check_as_asked(
    certificate: &Certificate,
    template: &Template<'_>,
    key: &P256SigningKey,
    issuer: &[u8],
) -> Result<(), IssueError> {
    let fields = [
        ("serial number", certificate.serial() == template.serial),
        // RFC 5280 §6.1.3 (a)(4) compares names; byte equality is what every verifier agrees on.
        ("issuer", certificate.issuer_der() == issuer),
        ("notBefore", certificate.not_before() == template.not_before),
        ("notAfter", certificate.not_after() == template.not_after),
        ("public key", certificate.public_key() == key.public_point()),
        (
            "subjectAltName",
            certificate.subject_alternative_names() == template.subject_alternative_names,
        ),
    ];
    if let Some((field, _)) = fields.into_iter().find(|(_, same)| !same) {
        return Err(IssueError::NotAsAsked { field });
    }
    template.profile.check(certificate).map_err(IssueError::Profile)
}

/// CA/Browser Forum BR §7.1.2.7.2: a common name, if any, repeats a subject alternative name. RFC 5280 appendix A.1:
/// it has at most 64 characters.
fn leaf_subject(names: &[SubjectAlternativeName]) -> Subject<'_> {
    names
        .iter()
        .find_map(|name| match name {
            SubjectAlternativeName::Dns(name) if name.as_str().len() <= DistinguishedName::MAX_CHARACTERS => {
                Some(Subject::CommonName(name.as_str()))
            }
            _ => None,
        })
        .unwrap_or(Subject::Empty)
}

/// RFC 5280 §4.1.2.2: positive and at most 20 octets; the second highest bit is set so that it is always 20.
fn new_serial() -> [u8; 20] {
    let mut serial = random::bytes::<20>();
    serial[0] = serial[0] & 0x3f | 0x40;
    serial
}

/// RFC 5280 §4.1.2.5: times are in UTC, without fractions.
fn whole_seconds(time: OffsetDateTime) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(time.unix_timestamp()).unwrap_or(time)
}

/// RFC 5280 §4.1.2.5: UTCTime begins in 1950, GeneralizedTime ends in 9999.
fn add(time: OffsetDateTime, duration: Duration) -> Result<OffsetDateTime, IssueError> {
    time.checked_add(duration)
        .filter(|time| (1950..=9999).contains(&time.year()))
        .ok_or(IssueError::Time)
}
