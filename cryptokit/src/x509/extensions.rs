//! The extensions of RFC 5280 §4.2 that this crate understands, each with its criticality.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use x509_parser::asn1_rs::{FromDer, Oid};
use x509_parser::error::X509Error;
use x509_parser::extensions::{
    AuthorityKeyIdentifier, BasicConstraints as ParsedBasicConstraints, ExtendedKeyUsage as ParsedExtendedKeyUsage,
    GeneralName, KeyIdentifier, KeyUsage as ParsedKeyUsage, SubjectAlternativeName as ParsedNames, X509Extension,
};
use x509_parser::oid_registry::{
    OID_X509_EXT_AUTHORITY_KEY_IDENTIFIER, OID_X509_EXT_BASIC_CONSTRAINTS, OID_X509_EXT_EXTENDED_KEY_USAGE,
    OID_X509_EXT_KEY_USAGE, OID_X509_EXT_NAME_CONSTRAINTS, OID_X509_EXT_SUBJECT_ALT_NAME,
    OID_X509_EXT_SUBJECT_KEY_IDENTIFIER,
};

use super::certificate::CertificateError;
use super::der::Malformed;
use super::name_constraints::NameConstraints;
use super::raw_extension::MAX_EXTENSIONS;
use super::subject_alternative_name::{DnsName, EmailAddress, SubjectAlternativeName, Uri};

/// Whether the subject is a certificate authority, and how long a path below it may be (RFC 5280 §4.2.1.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BasicConstraints {
    /// Whether the key may sign certificates.
    pub ca: bool,
    /// How many further intermediate certificates may stand between this one and a leaf; `None` is no limit.
    pub path_length: Option<u32>,
}

/// What the key may do (RFC 5280 §4.2.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUsage {
    pub(super) bits: u16,
}

impl KeyUsage {
    pub(super) const DIGITAL_SIGNATURE: u16 = 1;
    pub(super) const KEY_CERT_SIGN: u16 = 1 << 5;
    pub(super) const CRL_SIGN: u16 = 1 << 6;

    /// Signatures other than on certificates and CRLs: what TLS needs.
    pub const fn digital_signature(self) -> bool {
        self.bits & Self::DIGITAL_SIGNATURE != 0
    }

    /// Signatures on certificates.
    pub const fn key_cert_sign(self) -> bool {
        self.bits & Self::KEY_CERT_SIGN != 0
    }

    /// Signatures on CRLs.
    pub const fn crl_sign(self) -> bool {
        self.bits & Self::CRL_SIGN != 0
    }
}

impl fmt::Display for KeyUsage {
    /// The names of RFC 5280 §4.2.1.3, separated by spaces.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = KEY_USAGE_NAMES.iter().enumerate();
        let set = names.filter_map(|(bit, name)| (self.bits >> bit & 1 == 1).then_some(*name));
        f.write_str(&set.collect::<Vec<_>>().join(" "))
    }
}

const KEY_USAGE_NAMES: [&str; 9] = [
    "digitalSignature",
    "nonRepudiation",
    "keyEncipherment",
    "dataEncipherment",
    "keyAgreement",
    "keyCertSign",
    "cRLSign",
    "encipherOnly",
    "decipherOnly",
];

/// In which roles the key may be used (RFC 5280 §4.2.1.12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtendedKeyUsage {
    /// TLS server.
    pub server_auth: bool,
    /// TLS client.
    pub client_auth: bool,
    /// `anyExtendedKeyUsage`; never taken for one of the two above.
    pub any: bool,
    /// Purposes other than these.
    pub others: bool,
}

impl fmt::Display for ExtendedKeyUsage {
    /// The names of RFC 5280 §4.2.1.12, separated by spaces; `others` stands for all that have no field.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = [
            (self.server_auth, "serverAuth"),
            (self.client_auth, "clientAuth"),
            (self.any, "anyExtendedKeyUsage"),
            (self.others, "others"),
        ];
        let set = all.into_iter().filter_map(|(is_set, name)| is_set.then_some(name));
        f.write_str(&set.collect::<Vec<_>>().join(" "))
    }
}

/// A value and whether its extension is critical.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Marked<T> {
    pub(super) critical: bool,
    pub(super) value: T,
}

/// Every extension of one certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Extensions {
    pub(super) basic_constraints: Option<Marked<BasicConstraints>>,
    pub(super) key_usage: Option<Marked<KeyUsage>>,
    pub(super) extended_key_usage: Option<Marked<ExtendedKeyUsage>>,
    pub(super) subject_alternative_names: Option<Marked<Names>>,
    pub(super) subject_key_identifier: Option<Marked<Vec<u8>>>,
    pub(super) authority_key_identifier: Option<Marked<AuthorityKeyId>>,
    pub(super) name_constraints: Option<Marked<NameConstraints>>,
    /// How many are none of these.
    pub(super) others: usize,
    /// Those of them that are critical, in dotted form.
    pub(super) critical_others: Vec<String>,
}

/// The names of a subjectAltName extension.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    pub(super) usable: Vec<SubjectAlternativeName>,
    /// Entries of other kinds (directory names and such) and entries whose text breaks the rules of their kind.
    /// They can match nothing, so they do no harm beside a usable name.
    pub(super) unusable: usize,
    /// The context tags of those, but directory names.
    pub(super) unusable_tags: Vec<u8>,
    /// Directory names as DER.
    pub(super) directory_names: Vec<Vec<u8>>,
}

/// An authorityKeyIdentifier (RFC 5280 §4.2.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AuthorityKeyId {
    pub(super) key_identifier: Option<Vec<u8>>,
    pub(super) has_issuer_or_serial: bool,
}

impl Extensions {
    pub(super) fn parse(extensions: &[X509Extension<'_>]) -> Result<Self, CertificateError> {
        if extensions.len() > MAX_EXTENSIONS {
            return Err(CertificateError::MalformedExtension);
        }
        let mut parsed = Self::default();
        for (index, extension) in extensions.iter().enumerate() {
            // RFC 5280 §4.2: a certificate must not include a particular extension twice.
            if extensions[..index].iter().any(|earlier| earlier.oid == extension.oid) {
                return Err(CertificateError::DuplicateExtension);
            }
            parsed.remember(extension)?;
        }
        Ok(parsed)
    }

    fn remember(&mut self, extension: &X509Extension<'_>) -> Result<(), CertificateError> {
        let oid: &Oid<'_> = &extension.oid;
        if *oid == OID_X509_EXT_BASIC_CONSTRAINTS {
            let value = whole::<ParsedBasicConstraints>(extension)?;
            let value = BasicConstraints {
                ca: value.ca,
                path_length: value.path_len_constraint,
            };
            self.basic_constraints = Some(marked(extension, value));
        } else if *oid == OID_X509_EXT_KEY_USAGE {
            let value = KeyUsage {
                bits: whole::<ParsedKeyUsage>(extension)?.flags,
            };
            self.key_usage = Some(marked(extension, value));
        } else if *oid == OID_X509_EXT_EXTENDED_KEY_USAGE {
            let value = extended_key_usage(&whole(extension)?);
            self.extended_key_usage = Some(marked(extension, value));
        } else if *oid == OID_X509_EXT_SUBJECT_ALT_NAME {
            let value = names(&whole(extension)?);
            self.subject_alternative_names = Some(marked(extension, value));
        } else if *oid == OID_X509_EXT_SUBJECT_KEY_IDENTIFIER {
            let value = whole::<KeyIdentifier<'_>>(extension)?.0.to_vec();
            self.subject_key_identifier = Some(marked(extension, value));
        } else if *oid == OID_X509_EXT_AUTHORITY_KEY_IDENTIFIER {
            let value = whole::<AuthorityKeyIdentifier<'_>>(extension)?;
            let value = AuthorityKeyId {
                key_identifier: value.key_identifier.map(|id| id.0.to_vec()),
                has_issuer_or_serial: value.authority_cert_issuer.is_some() || value.authority_cert_serial.is_some(),
            };
            self.authority_key_identifier = Some(marked(extension, value));
        } else if *oid == OID_X509_EXT_NAME_CONSTRAINTS {
            let value = NameConstraints::from_der(extension.value)?;
            self.name_constraints = Some(marked(extension, value));
        } else {
            self.others += 1;
            if extension.critical {
                self.critical_others.push(oid.to_id_string());
            }
        }
        Ok(())
    }
}

impl From<Malformed> for CertificateError {
    fn from(_: Malformed) -> Self {
        Self::MalformedExtension
    }
}

fn marked<T>(extension: &X509Extension<'_>, value: T) -> Marked<T> {
    Marked {
        critical: extension.critical,
        value,
    }
}

/// Parses the whole value: bytes after the structure would be read by some verifiers and skipped by others.
fn whole<'a, T: FromDer<'a, X509Error>>(extension: &X509Extension<'a>) -> Result<T, CertificateError> {
    match T::from_der(extension.value) {
        Ok(([], value)) => Ok(value),
        _ => Err(CertificateError::MalformedExtension),
    }
}

fn extended_key_usage(parsed: &ParsedExtendedKeyUsage<'_>) -> ExtendedKeyUsage {
    ExtendedKeyUsage {
        server_auth: parsed.server_auth,
        client_auth: parsed.client_auth,
        any: parsed.any,
        others: parsed.code_signing
            || parsed.email_protection
            || parsed.time_stamping
            || parsed.ocsp_signing
            || !parsed.other.is_empty(),
    }
}

fn names(parsed: &ParsedNames<'_>) -> Names {
    let mut names = Names::default();
    for general_name in &parsed.general_names {
        match typed_name(general_name) {
            Some(name) => names.usable.push(name),
            None => {
                names.unusable += 1;
                match general_name {
                    GeneralName::DirectoryName(name) => names.directory_names.push(name.as_raw().to_vec()),
                    other => names.unusable_tags.push(tag(other)),
                }
            }
        }
    }
    names
}

/// RFC 5280 §4.2.1.6.
fn tag(name: &GeneralName<'_>) -> u8 {
    match name {
        GeneralName::OtherName(..) => 0,
        GeneralName::RFC822Name(_) => 1,
        GeneralName::DNSName(_) => 2,
        GeneralName::X400Address(_) => 3,
        GeneralName::DirectoryName(_) => 4,
        GeneralName::EDIPartyName(_) => 5,
        GeneralName::URI(_) => 6,
        GeneralName::IPAddress(_) => 7,
        GeneralName::RegisteredID(_) => 8,
        GeneralName::Invalid(tag, _) => u8::try_from(tag.0).unwrap_or(u8::MAX),
    }
}

fn typed_name(name: &GeneralName<'_>) -> Option<SubjectAlternativeName> {
    match name {
        GeneralName::DNSName(text) => DnsName::parse(text).ok().map(SubjectAlternativeName::Dns),
        GeneralName::URI(text) => Uri::parse(text).ok().map(SubjectAlternativeName::Uri),
        GeneralName::RFC822Name(text) => EmailAddress::parse(text).ok().map(SubjectAlternativeName::Email),
        GeneralName::IPAddress(octets) => ip_address(octets).map(SubjectAlternativeName::Ip),
        _ => None,
    }
}

/// RFC 5280 §4.2.1.6: four octets for IPv4, sixteen for IPv6.
fn ip_address(octets: &[u8]) -> Option<IpAddr> {
    if let Ok(octets) = <[u8; 4]>::try_from(octets) {
        Some(Ipv4Addr::from(octets).into())
    } else {
        <[u8; 16]>::try_from(octets)
            .ok()
            .map(|octets| Ipv6Addr::from(octets).into())
    }
}
