//! Reading certificates. Nothing here proves who made them: see [`super::chain`] for that.

use std::fmt::{self, Write as _};
use std::ops::Range;

use rustls_pki_types::CertificateDer;
use time::OffsetDateTime;
use x509_parser::asn1_rs::FromDer;
use x509_parser::certificate::{X509Certificate, X509CertificateParser};
use x509_parser::nom::Parser;
use x509_parser::x509::{AttributeTypeAndValue, X509Name, X509Version};

use super::der::{
    BIT_STRING, BOOLEAN, INTEGER, Malformed, OCTET_STRING, OID, Reader, SEQUENCE, SET, context, context_constructed,
};
use super::extensions::{BasicConstraints, ExtendedKeyUsage, Extensions, KeyUsage};
use super::name_constraints::NameConstraints;
use super::public_key::{PublicKey, PublicKeyError};
use super::signature::{self, SignatureFailure};
use super::subject_alternative_name::SubjectAlternativeName;
use crate::hash::sha256;

/// A certificate read from DER: its bytes and what they say.
///
/// Equality is equality of the bytes.
#[derive(Clone)]
pub struct Certificate {
    der: CertificateDer<'static>,
    sha256: [u8; 32],
    serial: Vec<u8>,
    issuer: Vec<u8>,
    issuer_text: String,
    subject: Vec<u8>,
    subject_text: String,
    not_before: OffsetDateTime,
    not_after: OffsetDateTime,
    spki: Vec<u8>,
    spki_sha256: [u8; 32],
    public_key: Vec<u8>,
    signed_part: Range<usize>,
    signature_algorithm: Vec<u8>,
    signature: Vec<u8>,
    pub(super) extensions: Extensions,
}

impl Certificate {
    /// Largest certificate read, in bytes. A chain's certificates have 300 to 2,000; an ML-DSA-87 one has 7,500.
    pub const MAX_DER_BYTES: usize = 32 * 1024;

    /// Reads one DER certificate that fills `der` to its end. Costs some 10 µs.
    ///
    /// # Errors
    ///
    /// [`CertificateError`]; no input makes it panic.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        if der.len() > Self::MAX_DER_BYTES {
            return Err(CertificateError::TooLarge { bytes: der.len() });
        }
        // Extension values are parsed one by one afterwards: only those that are used, and whole.
        let mut parser = X509CertificateParser::new().with_deep_parse_extensions(false);
        let (rest, parsed) = parser.parse(der).map_err(|_| CertificateError::Malformed)?;
        if !rest.is_empty() {
            return Err(CertificateError::TrailingData);
        }
        Self::from_parsed(&parsed, der)
    }

    fn from_parsed(parsed: &X509Certificate<'_>, der: &[u8]) -> Result<Self, CertificateError> {
        // RFC 5280 §4.1.2.1: with extensions the version is 3. Older ones have no basicConstraints to check.
        if parsed.version != X509Version::V3 {
            return Err(CertificateError::Version);
        }
        // RFC 5280 §4.1.1.2: the algorithm outside the signed part must be the one inside.
        if parsed.signature_algorithm != parsed.signature {
            return Err(CertificateError::SignatureAlgorithmMismatch);
        }
        let (signed_part, signature_algorithm) = signed_part(der).map_err(|_| CertificateError::Malformed)?;
        check_tags(der)?;
        Ok(Self {
            der: CertificateDer::from(der.to_vec()),
            sha256: sha256(der),
            serial: parsed.raw_serial().to_vec(),
            issuer: parsed.issuer.as_raw().to_vec(),
            issuer_text: name_text(&parsed.issuer),
            subject: parsed.subject.as_raw().to_vec(),
            subject_text: name_text(&parsed.subject),
            not_before: parsed.validity.not_before.to_datetime(),
            not_after: parsed.validity.not_after.to_datetime(),
            spki: parsed.subject_pki.raw.to_vec(),
            spki_sha256: sha256(parsed.subject_pki.raw),
            public_key: parsed.subject_pki.subject_public_key.data.to_vec(),
            signed_part,
            signature_algorithm: signature_algorithm.to_vec(),
            signature: parsed.signature_value.data.to_vec(),
            extensions: Extensions::parse(parsed.extensions())?,
        })
    }

    /// The bytes it was read from.
    pub fn der(&self) -> &CertificateDer<'static> {
        &self.der
    }

    /// SHA-256 of the DER: the fingerprint, and what RFC 8705 §3.1 calls `x5t#S256`.
    pub fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    /// The serial number: the contents octets of its INTEGER, big-endian.
    pub fn serial(&self) -> &[u8] {
        &self.serial
    }

    /// The issuer as DER `Name`.
    pub fn issuer_der(&self) -> &[u8] {
        &self.issuer
    }

    /// The issuer for people; two different issuers can look alike.
    pub fn issuer_text(&self) -> &str {
        &self.issuer_text
    }

    /// The subject as DER `Name`.
    pub fn subject_der(&self) -> &[u8] {
        &self.subject
    }

    /// The subject for people, empty when it has none; two different subjects can look alike.
    pub fn subject_text(&self) -> &str {
        &self.subject_text
    }

    /// First second in which it is valid.
    pub fn not_before(&self) -> OffsetDateTime {
        self.not_before
    }

    /// Last second in which it is valid.
    pub fn not_after(&self) -> OffsetDateTime {
        self.not_after
    }

    /// The SubjectPublicKeyInfo as DER, its outer SEQUENCE included.
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// SHA-256 of [`Self::spki_der`]: names the key, whichever certificate carries it.
    pub fn spki_sha256(&self) -> [u8; 32] {
        self.spki_sha256
    }

    /// The bits of the public key, without algorithm.
    pub fn public_key(&self) -> &[u8] {
        &self.public_key
    }

    /// The names of the four known kinds that are well-formed, in order.
    pub fn subject_alternative_names(&self) -> &[SubjectAlternativeName] {
        self.extensions
            .subject_alternative_names
            .as_ref()
            .map_or(&[], |names| names.value.usable.as_slice())
    }

    /// How many further names it has, of other kinds or malformed. They match nothing.
    pub fn unusable_name_count(&self) -> usize {
        self.extensions
            .subject_alternative_names
            .as_ref()
            .map_or(0, |names| names.value.unusable)
    }

    /// Whether basicConstraints says that it is a certificate authority.
    pub fn is_ca(&self) -> bool {
        self.basic_constraints().is_some_and(|constraints| constraints.ca)
    }

    /// Its basicConstraints, if any.
    pub fn basic_constraints(&self) -> Option<BasicConstraints> {
        self.extensions.basic_constraints.as_ref().map(|marked| marked.value)
    }

    /// Its keyUsage, if any.
    pub fn key_usage(&self) -> Option<KeyUsage> {
        self.extensions.key_usage.as_ref().map(|marked| marked.value)
    }

    /// Its extKeyUsage, if any.
    pub fn extended_key_usage(&self) -> Option<ExtendedKeyUsage> {
        self.extensions.extended_key_usage.as_ref().map(|marked| marked.value)
    }

    /// Its nameConstraints, if any.
    pub fn name_constraints(&self) -> Option<&NameConstraints> {
        self.extensions.name_constraints.as_ref().map(|marked| &marked.value)
    }

    /// Its subjectKeyIdentifier, if any.
    pub fn subject_key_identifier(&self) -> Option<&[u8]> {
        self.extensions
            .subject_key_identifier
            .as_ref()
            .map(|marked| marked.value.as_slice())
    }

    /// The key identifier of its authorityKeyIdentifier, if any.
    pub fn authority_key_identifier(&self) -> Option<&[u8]> {
        self.extensions
            .authority_key_identifier
            .as_ref()?
            .value
            .key_identifier
            .as_deref()
    }

    /// Whether the key of this SubjectPublicKeyInfo signed it.
    pub(super) fn verify_signature(&self, spki: &[u8]) -> Result<(), SignatureFailure> {
        let signed = &self.der[self.signed_part.clone()];
        signature::verify(spki, &self.signature_algorithm, signed, &self.signature)
    }

    /// Whether issuer and subject are the same name.
    pub fn is_self_issued(&self) -> bool {
        self.issuer == self.subject
    }

    /// Whether it says that its own key signed it, as a root does. A self-issued certificate whose authority key is
    /// another one takes an authority from an old key to a new one (RFC 5280 §3.2).
    pub fn names_itself_as_issuer(&self) -> bool {
        let same_key = self
            .authority_key_identifier()
            .is_none_or(|authority| self.subject_key_identifier() == Some(authority));
        self.is_self_issued() && same_key
    }

    /// Whether its own key signed it, which is verified here. That it is a root does not make anybody trust it.
    pub fn is_self_signed(&self) -> bool {
        self.is_self_issued() && self.verify_signature(&self.spki).is_ok()
    }

    /// The subject's public key.
    ///
    /// # Errors
    ///
    /// [`PublicKeyError`] when it is weak or of a kind that is not supported.
    pub fn subject_public_key(&self) -> Result<PublicKey, PublicKeyError> {
        PublicKey::from_spki_der(&self.spki)
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for Certificate {}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("subject", &self.subject_text)
            .field("issuer", &self.issuer_text)
            .field("subject_alternative_names", &self.subject_alternative_names())
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}

/// Why bytes are not a certificate that this crate reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// Larger than [`Certificate::MAX_DER_BYTES`].
    #[error("certificate of {bytes} bytes; at most {max} are read", max = Certificate::MAX_DER_BYTES)]
    TooLarge {
        /// The size found.
        bytes: usize,
    },
    /// Not the DER structure of RFC 5280 §4.1.
    #[error("not a DER certificate")]
    Malformed,
    /// Bytes after the certificate.
    #[error("data after the certificate")]
    TrailingData,
    /// Not version 3.
    #[error("not an X.509 version 3 certificate")]
    Version,
    /// The signature algorithms inside and outside the signed part differ.
    #[error("the signature algorithm outside the signed part is not the one inside")]
    SignatureAlgorithmMismatch,
    /// The same extension twice.
    #[error("an extension occurs twice")]
    DuplicateExtension,
    /// A known extension whose value is not what its standard says, or more than 128 extensions.
    #[error("an extension is malformed")]
    MalformedExtension,
}

/// RFC 5280 §4.1, tag by tag. `x509-parser` takes the octets of some types under any tag, so that an extension would count
/// here which other verifiers do not see.
fn check_tags(der: &[u8]) -> Result<(), Malformed> {
    let mut whole = Reader::new(der).nested(SEQUENCE)?;
    let mut fields = whole.nested(SEQUENCE)?;
    whole.nested(SEQUENCE)?.contents(OID)?;
    whole.contents(BIT_STRING)?;
    whole.end()?;

    if let Some(version) = fields.optional(context_constructed(0))? {
        let mut version = Reader::new(version.contents);
        version.contents(INTEGER)?;
        version.end()?;
    }
    fields.contents(INTEGER)?;
    fields.nested(SEQUENCE)?.contents(OID)?;
    check_tags_of_name(fields.nested(SEQUENCE)?)?;
    fields.contents(SEQUENCE)?;
    check_tags_of_name(fields.nested(SEQUENCE)?)?;
    fields.nested(SEQUENCE)?.nested(SEQUENCE)?.contents(OID)?;
    fields.optional(context(1))?;
    fields.optional(context(2))?;
    if let Some(explicit) = fields.optional(context_constructed(3))? {
        let mut explicit = Reader::new(explicit.contents);
        let mut extensions = explicit.nested(SEQUENCE)?;
        explicit.end()?;
        while !extensions.is_empty() {
            let mut extension = extensions.nested(SEQUENCE)?;
            extension.contents(OID)?;
            extension.optional(BOOLEAN)?;
            extension.contents(OCTET_STRING)?;
            extension.end()?;
        }
    }
    fields.end()
}

fn check_tags_of_name(mut name: Reader<'_>) -> Result<(), Malformed> {
    while !name.is_empty() {
        let mut relative = name.nested(SET)?;
        while !relative.is_empty() {
            relative.nested(SEQUENCE)?.contents(OID)?;
        }
    }
    Ok(())
}

/// Of `SEQUENCE { signed, AlgorithmIdentifier, BIT STRING }`: where the signed part is, and the contents of the
/// algorithm.
pub(super) fn signed_part(der: &[u8]) -> Result<(Range<usize>, &[u8]), Malformed> {
    let mut fields = Reader::new(der).nested(SEQUENCE)?;
    let signed = fields.expect(SEQUENCE)?.whole;
    let algorithm = fields.contents(SEQUENCE)?;
    let start = signed.as_ptr().addr() - der.as_ptr().addr();
    Ok((start..start + signed.len(), algorithm))
}

/// A DER `Name` for people, see [`name_text`].
pub(super) fn name_text_of_der(der: &[u8]) -> Option<String> {
    match X509Name::from_der(der) {
        Ok(([], name)) => Some(name_text(&name)),
        _ => None,
    }
}

/// A name as `CN=…, O=…`: known attributes by their short name, values escaped so that no value can end early,
/// hide, or steer a terminal.
fn name_text(name: &X509Name<'_>) -> String {
    let mut text = String::new();
    for attribute in name.iter_rdn().flat_map(|rdn| rdn.iter()) {
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(&attribute_type_text(attribute));
        text.push('=');
        match attribute.as_str() {
            Ok(value) => push_escaped(&mut text, value),
            Err(_) => {
                // RFC 4514 §2.4: '#' and the value in hexadecimal, for a value that is not a string.
                text.push('#');
                for byte in attribute.as_slice() {
                    let _ = write!(text, "{byte:02x}");
                }
            }
        }
    }
    text
}

fn attribute_type_text(attribute: &AttributeTypeAndValue<'_>) -> String {
    // RFC 4514 §3 names.
    match attribute.attr_type().as_bytes() {
        [0x55, 0x04, 0x03] => "CN".to_owned(),
        [0x55, 0x04, 0x06] => "C".to_owned(),
        [0x55, 0x04, 0x07] => "L".to_owned(),
        [0x55, 0x04, 0x08] => "ST".to_owned(),
        [0x55, 0x04, 0x0a] => "O".to_owned(),
        [0x55, 0x04, 0x0b] => "OU".to_owned(),
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19] => "DC".to_owned(),
        _ => attribute.attr_type().to_id_string(),
    }
}

/// Appends a value so that it can neither end early nor steer a terminal.
pub(super) fn push_escaped(text: &mut String, value: &str) {
    for character in value.chars() {
        match character {
            ',' | '=' | '+' | '"' | '\\' | '<' | '>' | ';' => {
                text.push('\\');
                text.push(character);
            }
            // Everything that is not plainly visible, the right-to-left overrides among it.
            _ if character.is_alphanumeric() || character.is_ascii_graphic() || character == ' ' => {
                text.push(character);
            }
            _ => text.extend(character.escape_unicode()),
        }
    }
}
