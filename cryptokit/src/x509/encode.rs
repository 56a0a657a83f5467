//! The only door to `rcgen`, which writes certificates.
//!
//! It checks nothing of what it writes and its defaults are traps: a validity from 1975 to 4096, a serial number
//! derived from the key, a key identifier of a method of its own, a made-up common name, no authority key
//! identifier, and names that lose repeated attributes. Every field is therefore set here, and the caller reads the
//! result back.

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CustomExtension,
    DistinguishedName as RcgenName, DnType, DnValue, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256, PublicKeyData,
    RevocationReason as RcgenReason, RevokedCertParams, SanType, SerialNumber, SignatureAlgorithm, SigningKey,
};
use time::OffsetDateTime;
use x509_parser::asn1_rs::{FromDer, Tag};
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

use super::certificate::Certificate;
use super::der;
use super::distinguished_name::DistinguishedName;
use super::key::CertificateKey;
use super::leaf_request::LeafRequest;
use super::name_constraints::NameConstraints;
use super::profile::{Profile, key_identifier};
use super::public_key::{KeyAlgorithm, PublicKey};
use super::revocation_list::{RevocationReason, RevokedCertificate};
use super::revocation_request::RevocationListRequest;
use super::subject_alternative_name::SubjectAlternativeName;

/// What goes into a certificate beside the issuer's part.
pub(super) struct Template<'a> {
    pub(super) profile: Profile,
    pub(super) subject: Subject<'a>,
    pub(super) subject_alternative_names: &'a [SubjectAlternativeName],
    pub(super) path_length: Option<u8>,
    pub(super) name_constraints: Option<&'a NameConstraints>,
    pub(super) not_before: OffsetDateTime,
    pub(super) not_after: OffsetDateTime,
    pub(super) serial: [u8; 20],
}

/// A subject to write.
pub(super) enum Subject<'a> {
    Empty,
    CommonName(&'a str),
    Full(&'a DistinguishedName),
    Copied(&'a IssuerName),
}

/// An issuer's name, known to be written back byte for byte.
#[derive(Debug)]
pub(super) struct IssuerName(RcgenName);

impl IssuerName {
    /// `None` when rcgen cannot reproduce the name: it keeps one attribute of each type and one attribute in each
    /// relative name, and drops the others without a word, which breaks the chain.
    pub(super) fn from_der(subject: &[u8]) -> Option<Self> {
        let name = rcgen_name(subject)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = name.clone();
        let written = params.self_signed(&NoKey).ok()?;
        let written = Certificate::from_der(written.der()).ok()?;
        (written.subject_der() == subject).then_some(Self(name))
    }
}

/// Signs a root with its own key.
pub(super) fn self_signed(template: &Template<'_>, key: &CertificateKey) -> Result<Vec<u8>, NotWritten> {
    let params = params(template, key.public_key())?;
    let issued = params.self_signed(&Key(key)).map_err(|_| NotWritten)?;
    Ok(issued.der().to_vec())
}

/// Signs a certificate for `subject_key` with the issuer's key.
pub(super) fn signed_by(
    template: &Template<'_>,
    subject_key: &PublicKey,
    issuer: &IssuerParts<'_>,
) -> Result<Vec<u8>, NotWritten> {
    let params = params(template, subject_key)?;
    let issued = params
        .signed_by(&Public(subject_key), &issuer.rcgen())
        .map_err(|_| NotWritten)?;
    Ok(issued.der().to_vec())
}

/// Signs a request for a leaf with its own key.
pub(super) fn certification_request(request: &LeafRequest, key: &CertificateKey) -> Result<Vec<u8>, NotWritten> {
    let profile = Profile::Leaf(request.profile());
    let mut params = CertificateParams::default();
    params.distinguished_name = subject_name(&request.subject())?;
    params.subject_alt_names = san_types(request.subject_alternative_names())?;
    params.key_usages = key_usages(profile);
    params.extended_key_usages = extended_key_usages(profile);
    let request = params.serialize_request(&Key(key)).map_err(|_| NotWritten)?;
    Ok(request.der().to_vec())
}

/// Signs a revocation list.
pub(super) fn revocation_list(
    request: &RevocationListRequest,
    issuer: &IssuerParts<'_>,
) -> Result<Vec<u8>, NotWritten> {
    let params = CertificateRevocationListParams {
        this_update: request.this_update(),
        next_update: request.next_update(),
        crl_number: SerialNumber::from_slice(&request.number().to_be_bytes()),
        issuing_distribution_point: None,
        revoked_certs: request.entries().iter().map(revoked).collect(),
        // What rcgen writes into the list's authorityKeyIdentifier; it would not take the issuer's own.
        key_identifier_method: KeyIdMethod::PreSpecified(issuer.key_identifier.to_vec()),
    };
    let list = params.signed_by(&issuer.rcgen()).map_err(|_| NotWritten)?;
    Ok(list.der().to_vec())
}

/// What of an issuer goes into what it signs.
pub(super) struct IssuerParts<'a> {
    pub(super) name: &'a IssuerName,
    pub(super) key: &'a CertificateKey,
    pub(super) key_identifier: &'a [u8],
}

impl IssuerParts<'_> {
    fn rcgen(&self) -> Issuer<'static, Key<'_>> {
        let mut params = CertificateParams::default();
        params.distinguished_name = self.name.0.clone();
        params.key_identifier_method = KeyIdMethod::PreSpecified(self.key_identifier.to_vec());
        Issuer::new(params, Key(self.key))
    }
}

/// rcgen or the key failed; neither says anything a caller could act on.
#[derive(Debug)]
pub(super) struct NotWritten;

fn params(template: &Template<'_>, subject_key: &PublicKey) -> Result<CertificateParams, NotWritten> {
    let mut params = CertificateParams::default();
    params.not_before = template.not_before;
    params.not_after = template.not_after;
    params.serial_number = Some(SerialNumber::from_slice(&template.serial));
    params.distinguished_name = subject_name(&template.subject)?;
    params.subject_alt_names = san_types(template.subject_alternative_names)?;
    params.is_ca = match template.path_length {
        Some(length) => IsCa::Ca(BasicConstraints::Constrained(length)),
        // With `NoCa` there would be no subject key identifier.
        None => IsCa::ExplicitNoCa,
    };
    params.key_usages = key_usages(template.profile);
    params.extended_key_usages = extended_key_usages(template.profile);
    params.use_authority_key_identifier_extension = true;
    if let Some(constraints) = template.name_constraints {
        // Written here: rcgen knows no constraints on URIs. RFC 5280 §4.2.1.10: critical.
        let mut extension = CustomExtension::from_oid_content(&[2, 5, 29, 30], constraints.to_der());
        extension.set_criticality(true);
        params.custom_extensions = vec![extension];
    }
    params.key_identifier_method = KeyIdMethod::PreSpecified(key_identifier(subject_key.bits()));
    Ok(params)
}

fn revoked(entry: &RevokedCertificate) -> RevokedCertParams {
    RevokedCertParams {
        serial_number: SerialNumber::from_slice(&entry.serial),
        revocation_time: entry.revocation_date,
        // RFC 5280 §5.3.1: unspecified is said by saying nothing.
        reason_code: match entry.reason {
            RevocationReason::Unspecified => None,
            RevocationReason::KeyCompromise => Some(RcgenReason::KeyCompromise),
            RevocationReason::CaCompromise => Some(RcgenReason::CaCompromise),
            RevocationReason::AffiliationChanged => Some(RcgenReason::AffiliationChanged),
            RevocationReason::Superseded => Some(RcgenReason::Superseded),
            RevocationReason::CessationOfOperation => Some(RcgenReason::CessationOfOperation),
            RevocationReason::CertificateHold => Some(RcgenReason::CertificateHold),
            RevocationReason::PrivilegeWithdrawn => Some(RcgenReason::PrivilegeWithdrawn),
            RevocationReason::AaCompromise => Some(RcgenReason::AaCompromise),
        },
        invalidity_date: entry.invalidity_date,
    }
}

/// A DER `Name` of country, where there is one, and organization.
pub(super) fn organization_name(name: &DistinguishedName) -> Vec<u8> {
    let attribute = |kind: u8, tag: u8, text: &str| {
        let kind = der::write(der::OID, &[&[0x55, 0x04, kind]]);
        der::write(
            der::SET,
            &[&der::write(
                der::SEQUENCE,
                &[&kind, &der::write(tag, &[text.as_bytes()])],
            )],
        )
    };
    let country = name.country().map(|country| attribute(6, 0x13, country));
    let organization = name
        .organization()
        .map(|organization| attribute(10, 0x0c, organization));
    der::write(
        der::SEQUENCE,
        &[&country.unwrap_or_default(), &organization.unwrap_or_default()],
    )
}

fn subject_name(subject: &Subject<'_>) -> Result<RcgenName, NotWritten> {
    let mut name = RcgenName::new();
    match subject {
        Subject::Empty => {}
        Subject::Copied(copied) => name = copied.0.clone(),
        Subject::CommonName(text) => name.push(DnType::CommonName, utf8(text)),
        Subject::Full(full) => {
            if let Some(country) = full.country() {
                // RFC 5280 appendix A.1: X520countryName is a PrintableString.
                let country = country.try_into().map_err(|_| NotWritten)?;
                name.push(DnType::CountryName, DnValue::PrintableString(country));
            }
            if let Some(organization) = full.organization() {
                name.push(DnType::OrganizationName, utf8(organization));
            }
            if let Some(unit) = full.organizational_unit() {
                name.push(DnType::OrganizationalUnitName, utf8(unit));
            }
            name.push(DnType::CommonName, utf8(full.common_name()));
        }
    }
    Ok(name)
}

/// RFC 5280 §4.1.2.4: UTF8String.
fn utf8(text: &str) -> DnValue {
    DnValue::Utf8String(text.to_owned())
}

fn san_types(names: &[SubjectAlternativeName]) -> Result<Vec<SanType>, NotWritten> {
    names.iter().map(san_type).collect()
}

fn san_type(name: &SubjectAlternativeName) -> Result<SanType, NotWritten> {
    Ok(match name {
        SubjectAlternativeName::Dns(name) => SanType::DnsName(name.as_str().try_into().map_err(|_| NotWritten)?),
        SubjectAlternativeName::Ip(address) => SanType::IpAddress(*address),
        SubjectAlternativeName::Uri(uri) => SanType::URI(uri.as_str().try_into().map_err(|_| NotWritten)?),
        SubjectAlternativeName::Email(address) => {
            SanType::Rfc822Name(address.as_str().try_into().map_err(|_| NotWritten)?)
        }
    })
}

fn key_usages(profile: Profile) -> Vec<KeyUsagePurpose> {
    let usage = profile.key_usage();
    [
        (usage.digital_signature(), KeyUsagePurpose::DigitalSignature),
        (usage.key_cert_sign(), KeyUsagePurpose::KeyCertSign),
        (usage.crl_sign(), KeyUsagePurpose::CrlSign),
    ]
    .into_iter()
    .filter_map(|(wanted, purpose)| wanted.then_some(purpose))
    .collect()
}

fn extended_key_usages(profile: Profile) -> Vec<ExtendedKeyUsagePurpose> {
    let Profile::Leaf(leaf) = profile else {
        return Vec::new();
    };
    let usage = leaf.extended_key_usage();
    [
        (usage.server_auth, ExtendedKeyUsagePurpose::ServerAuth),
        (usage.client_auth, ExtendedKeyUsagePurpose::ClientAuth),
    ]
    .into_iter()
    .filter_map(|(wanted, purpose)| wanted.then_some(purpose))
    .collect()
}

fn rcgen_name(der: &[u8]) -> Option<RcgenName> {
    let (rest, parsed) = X509Name::from_der(der).ok()?;
    if !rest.is_empty() {
        return None;
    }
    let mut name = RcgenName::new();
    for relative in parsed.iter_rdn() {
        let mut attributes = relative.iter();
        let (attribute, None) = (attributes.next()?, attributes.next()) else {
            return None;
        };
        let kind: Vec<u64> = attribute.attr_type().iter()?.collect();
        name.push(DnType::from_oid(&kind), rcgen_value(attribute)?);
    }
    Some(name)
}

fn rcgen_value(attribute: &AttributeTypeAndValue<'_>) -> Option<DnValue> {
    let text = attribute.as_str().ok()?;
    match attribute.attr_value().tag() {
        Tag::Utf8String => Some(utf8(text)),
        Tag::PrintableString => text.try_into().ok().map(DnValue::PrintableString),
        Tag::Ia5String => text.try_into().ok().map(DnValue::Ia5String),
        _ => None,
    }
}

/// A key in the shape rcgen asks for.
struct Key<'a>(&'a CertificateKey);

impl PublicKeyData for Key<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0.public_key().bits()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        Public(self.0.public_key()).algorithm()
    }
}

impl SigningKey for Key<'_> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        self.0.sign(message).map_err(|_| rcgen::Error::RemoteKeyError)
    }
}

/// A key that something is made for. rcgen writes the SubjectPublicKeyInfo by the signature algorithm it is told, so
/// that comes from the key itself, never from a request's signature.
struct Public<'a>(&'a PublicKey);

impl PublicKeyData for Public<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0.bits()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        match self.0.algorithm() {
            KeyAlgorithm::EcdsaP256 => &PKCS_ECDSA_P256_SHA256,
            KeyAlgorithm::EcdsaP384 => &PKCS_ECDSA_P384_SHA384,
            KeyAlgorithm::Ed25519 => &PKCS_ED25519,
            KeyAlgorithm::Rsa { .. } => &PKCS_RSA_SHA256,
        }
    }
}

/// Stands in where only the bytes that would be signed are of interest.
struct NoKey;

impl PublicKeyData for NoKey {
    fn der_bytes(&self) -> &[u8] {
        &[]
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

impl SigningKey for NoKey {
    fn sign(&self, _message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Ok(Vec::new())
    }
}
