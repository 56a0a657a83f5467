//! Certificate authorities: the only way to make a certificate.

use time::OffsetDateTime;

use super::authority_request::AuthorityRequest;
use super::certificate::Certificate;
use super::chain::verify_own_signature;
use super::distinguished_name::DistinguishedName;
use super::encode::{self, IssuerName, IssuerParts, Subject, Template};
use super::issue_error::IssueError;
use super::key::CertificateKey;
use super::leaf_request::{IssuedCertificate, LeafRequest};
use super::name_constraints::NameConstraints;
use super::profile::{Profile, key_identifier};
use super::public_key::PublicKey;
use super::subject_alternative_name::SubjectAlternativeName;
use super::trust_domain::TrustDomain;
use super::validity::{Validity, whole_seconds};
use crate::random;

/// A certificate authority with its key: makes certificates by [`Profile`].
///
/// Everything it returns was read back, compared with what was asked for, checked against its profile and verified
/// against its chain. It keeps no record of what it issued: serial numbers are 158 random bits.
#[derive(Debug)]
pub struct CertificateAuthority {
    certificate: Certificate,
    issuers: Vec<Certificate>,
    key: CertificateKey,
    name: IssuerName,
    key_identifier: Vec<u8>,
}

/// What becomes of an authority's name constraints when another authority signs its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrossConstraints {
    /// They stand in the cross-certificate too.
    Kept,
    /// They do not: those of the authority that signs, and of the authorities below, have to do. Java up to 17 at least
    /// fails on a path of two certificates with constraints on IPv4 and on IPv6 addresses.
    LeftOut,
}

impl CertificateAuthority {
    /// Makes a root with a new P-256 key, valid for 10 years, of path length 1.
    ///
    /// `now` is the time of issue here and below; validity begins 5 minutes earlier.
    ///
    /// # Errors
    ///
    /// [`IssueError::Time`] when the validity would leave the years that a certificate can express;
    /// [`IssueError::Sign`] and the "produced" errors when the backend fails.
    pub fn new_root(subject: &DistinguishedName, now: OffsetDateTime) -> Result<Self, IssueError> {
        let key = CertificateKey::generate(super::key::KeyKind::default())?;
        Self::create_root(&AuthorityRequest::root(subject.clone()), key, now)
    }

    /// Makes a root with this key.
    ///
    /// # Errors
    ///
    /// [`IssueError::Lifetime`] when it is to live longer than a root may; otherwise as [`Self::new_root`].
    pub fn create_root(
        request: &AuthorityRequest,
        key: impl Into<CertificateKey>,
        now: OffsetDateTime,
    ) -> Result<Self, IssueError> {
        let key = key.into();
        let profile = Profile::Root;
        let (not_before, not_after) = request.validity.unbounded(profile, whole_seconds(now))?;
        let template = Template {
            profile,
            subject: Subject::Full(&request.subject),
            subject_alternative_names: &request.subject_alternative_names,
            path_length: Some(request.path_length),
            name_constraints: request.name_constraints.as_ref(),
            not_before,
            not_after,
            serial: new_serial(),
        };
        let certificate = Certificate::from_der(&encode::self_signed(&template, &key)?)?;
        check_as_asked(&certificate, &template, key.public_key(), certificate.subject_der())?;
        verify_own_signature(&certificate, &certificate)?;
        Self::load(certificate, Vec::new(), key)
    }

    /// Makes an intermediate below this authority, with a new P-256 key, valid for 5 years at most, of path length 0.
    ///
    /// # Errors
    ///
    /// As [`Self::issue_authority`].
    pub fn issue_intermediate(&self, subject: &DistinguishedName, now: OffsetDateTime) -> Result<Self, IssueError> {
        let key = CertificateKey::generate(super::key::KeyKind::default())?;
        self.issue_authority(&AuthorityRequest::intermediate(subject.clone()), key, now)
    }

    /// Makes an intermediate below this authority, with this key.
    ///
    /// # Errors
    ///
    /// [`IssueError::PathLength`] when this authority may not have one of that path length below it;
    /// [`IssueError::IssuerNotValid`] when it is not valid now; [`IssueError::OutsideIssuer`] when an explicit
    /// validity leaves its own; otherwise as [`Self::create_root`].
    pub fn issue_authority(
        &self,
        request: &AuthorityRequest,
        key: impl Into<CertificateKey>,
        now: OffsetDateTime,
    ) -> Result<Self, IssueError> {
        let key = key.into();
        if self.path_length_below().is_some_and(|most| request.path_length > most) || self.has_path_length(0) {
            return Err(IssueError::PathLength);
        }
        let asked = Asked {
            profile: Profile::Intermediate,
            subject: Subject::Full(&request.subject),
            subject_alternative_names: &request.subject_alternative_names,
            path_length: Some(request.path_length),
            name_constraints: request.name_constraints.as_ref(),
            validity: request.validity,
        };
        let certificate = self.sign(asked, key.public_key(), now)?;
        verify_own_signature(&certificate, &self.certificate)?;
        Self::load(certificate, self.chain_from_here(), key)
    }

    /// Signs another authority's key under its own name: a second path to what that authority issued, for relying
    /// parties that trust this one and not yet the other's root. RFC 5280 §3.2 calls it a cross-certificate.
    ///
    /// It lives as long as the other's certificate, as far as this authority's and ten years reach: see
    /// [`Self::cross_sign_until`].
    ///
    /// # Errors
    ///
    /// As [`Self::cross_sign_until`].
    pub fn cross_sign(&self, other: &Certificate, now: OffsetDateTime) -> Result<Certificate, IssueError> {
        self.cross_sign_until(other, other.not_after(), CrossConstraints::Kept, now)
    }

    /// As [`Self::cross_sign`], for a path that is not needed so long: it ends at `until` at the latest.
    ///
    /// Subject, key and key identifier are the other's; the validity begins 5 minutes before `now`; the path length is the
    /// other's, 0 where it states none, or one less than this authority's where that is less. Its SPIFFE trust domain is
    /// kept, and its name constraints as `constraints` says. That the other certificate is the right one the caller must
    /// know: it becomes trusted.
    ///
    /// # Errors
    ///
    /// [`IssueError::NotAnAuthority`] when the other certificate is not one of an authority;
    /// [`IssueError::PathLength`] when this authority may issue leaves only; [`IssueError::PublicKey`] when the
    /// other's key is weak or of another kind; [`IssueError::MissingKeyIdentifier`] when its key identifier is not
    /// that of RFC 7093 §2 method 1; [`IssueError::UnsupportedIssuerName`] as [`Self::load`]; [`IssueError::Expired`]
    /// when it is no longer valid or `until` has passed; otherwise as [`Self::issue_authority`].
    pub fn cross_sign_until(
        &self,
        other: &Certificate,
        until: OffsetDateTime,
        constraints: CrossConstraints,
        now: OffsetDateTime,
    ) -> Result<Certificate, IssueError> {
        let may_sign = other.key_usage().is_none_or(|usage| usage.key_cert_sign());
        if !other.is_ca() || !may_sign {
            return Err(IssueError::NotAnAuthority);
        }
        if self.has_path_length(0) {
            return Err(IssueError::PathLength);
        }
        let key = PublicKey::from_spki_der(other.spki_der()).map_err(IssueError::PublicKey)?;
        if other.subject_key_identifier() != Some(&key_identifier(key.bits())) {
            return Err(IssueError::MissingKeyIdentifier);
        }
        let theirs = other
            .basic_constraints()
            .and_then(|constraints| constraints.path_length);
        let theirs = u8::try_from(theirs.unwrap_or(0)).unwrap_or(u8::MAX);
        let path_length = self.path_length_below().map_or(theirs, |most| most.min(theirs));
        let now = whole_seconds(now);
        let until = whole_seconds(until).min(other.not_after());
        if now >= until {
            return Err(IssueError::Expired { not_after: until });
        }
        let name = IssuerName::from_der(other.subject_der()).ok_or(IssueError::UnsupportedIssuerName)?;
        let trust_domain = TrustDomain::of(other).map(|domain| domain.id());
        let asked = Asked {
            profile: Profile::Intermediate,
            subject: Subject::Copied(&name),
            subject_alternative_names: trust_domain.as_slice(),
            path_length: Some(path_length),
            name_constraints: other
                .name_constraints()
                .filter(|_| constraints == CrossConstraints::Kept),
            validity: Validity::Lasting((until - now).min(Profile::Intermediate.max_lifetime())),
        };
        let certificate = self.sign(asked, &key, now)?;
        if certificate.subject_der() != other.subject_der() {
            return Err(IssueError::NotAsAsked { field: "subject" });
        }
        verify_own_signature(&certificate, &self.certificate)?;
        Ok(certificate)
    }

    /// Makes a leaf with a new key of the kind that the request names.
    ///
    /// # Errors
    ///
    /// As [`Self::issue_leaf_for_key`].
    pub fn issue_leaf(
        &self,
        request: &LeafRequest,
        now: OffsetDateTime,
    ) -> Result<(IssuedCertificate, CertificateKey), IssueError> {
        let key = CertificateKey::generate(request.key)?;
        let issued = self.issue_leaf_for_key(request, key.public_key(), now)?;
        Ok((issued, key))
    }

    /// Makes a leaf for a key that exists, as a renewal does. Serial number and validity are new.
    ///
    /// notAfter is at most this authority's own. Whether the subject holds the private key is for the caller to know:
    /// a [`super::CertificationRequest`] proves it.
    ///
    /// # Errors
    ///
    /// [`IssueError::Request`] when the names do not fit the profile; [`IssueError::Lifetime`] when the lifetime
    /// is out of range; [`IssueError::IssuerNotValid`] when this authority is not valid now;
    /// [`IssueError::OutsideIssuer`] when an explicit validity leaves this authority's; [`IssueError::Chain`]
    /// when the new certificate does not verify, as when this authority was loaded with the wrong issuers.
    pub fn issue_leaf_for_key(
        &self,
        request: &LeafRequest,
        key: &PublicKey,
        now: OffsetDateTime,
    ) -> Result<IssuedCertificate, IssueError> {
        let names = &request.subject_alternative_names;
        request.profile.check_names(names).map_err(IssueError::Request)?;
        let asked = Asked {
            profile: Profile::Leaf(request.profile),
            subject: request.subject(),
            subject_alternative_names: names,
            path_length: None,
            name_constraints: None,
            validity: request.validity,
        };
        let certificate = self.sign(asked, key, now)?;
        let issued = IssuedCertificate {
            certificate,
            issuers: self.chain_from_here(),
        };
        issued.verify(request.profile, whole_seconds(now))?;
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
    pub fn load(
        certificate: Certificate,
        issuers: Vec<Certificate>,
        key: impl Into<CertificateKey>,
    ) -> Result<Self, IssueError> {
        let key = key.into();
        let may_sign = certificate.key_usage().is_none_or(|usage| usage.key_cert_sign());
        if !certificate.is_ca() || !may_sign {
            return Err(IssueError::NotAnAuthority);
        }
        if certificate.spki_der() != key.public_key().spki_der() {
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
    pub fn key(&self) -> &CertificateKey {
        &self.key
    }

    pub(super) fn parts(&self) -> IssuerParts<'_> {
        IssuerParts {
            name: &self.name,
            key: &self.key,
            key_identifier: &self.key_identifier,
        }
    }

    fn has_path_length(&self, length: u32) -> bool {
        let constraints = self.certificate.basic_constraints();
        constraints.and_then(|constraints| constraints.path_length) == Some(length)
    }

    /// The greatest path length of an authority below this one; `None` is no limit.
    fn path_length_below(&self) -> Option<u8> {
        let own = self.certificate.basic_constraints()?.path_length?;
        Some(u8::try_from(own.saturating_sub(1)).unwrap_or(u8::MAX))
    }

    fn chain_from_here(&self) -> Vec<Certificate> {
        std::iter::once(&self.certificate)
            .chain(&self.issuers)
            .cloned()
            .collect()
    }

    fn sign(&self, asked: Asked<'_>, key: &PublicKey, now: OffsetDateTime) -> Result<Certificate, IssueError> {
        let (not_before, not_after) = asked
            .validity
            .below(&self.certificate, asked.profile, whole_seconds(now))?;
        let template = Template {
            profile: asked.profile,
            subject: asked.subject,
            subject_alternative_names: asked.subject_alternative_names,
            path_length: asked.path_length,
            name_constraints: asked.name_constraints,
            not_before,
            not_after,
            serial: new_serial(),
        };
        let der = encode::signed_by(&template, key, &self.parts())?;
        let certificate = Certificate::from_der(&der)?;
        check_as_asked(&certificate, &template, key, self.certificate.subject_der())?;
        if let Some(constraints) = self.certificate.name_constraints() {
            constraints
                .check(&certificate)
                .map_err(|name| IssueError::NameConstraint { name })?;
        }
        if certificate.authority_key_identifier() != Some(&self.key_identifier) {
            return Err(IssueError::NotAsAsked {
                field: "authorityKeyIdentifier",
            });
        }
        Ok(certificate)
    }
}

/// What a certificate is to say, before its validity is settled.
struct Asked<'a> {
    profile: Profile,
    subject: Subject<'a>,
    subject_alternative_names: &'a [SubjectAlternativeName],
    path_length: Option<u8>,
    name_constraints: Option<&'a NameConstraints>,
    validity: Validity,
}

/// Compares what came out with what was asked for, so that no gap of the encoder goes out under our signature.
fn check_as_asked(
    certificate: &Certificate,
    template: &Template<'_>,
    key: &PublicKey,
    issuer: &[u8],
) -> Result<(), IssueError> {
    let fields = [
        ("serial number", certificate.serial() == template.serial),
        // RFC 5280 §6.1.3 (a)(4) compares names; byte equality is what every verifier agrees on.
        ("issuer", certificate.issuer_der() == issuer),
        ("notBefore", certificate.not_before() == template.not_before),
        ("notAfter", certificate.not_after() == template.not_after),
        ("public key", certificate.spki_der() == key.spki_der()),
        (
            "path length",
            certificate.basic_constraints().and_then(|found| found.path_length) == template.path_length.map(u32::from),
        ),
        (
            "nameConstraints",
            certificate.name_constraints() == template.name_constraints,
        ),
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

/// RFC 5280 §4.1.2.2: positive and at most 20 octets; the second highest bit is set so that it is always 20.
fn new_serial() -> [u8; 20] {
    let mut serial = random::bytes::<20>();
    serial[0] = serial[0] & 0x3f | 0x40;
    serial
}
