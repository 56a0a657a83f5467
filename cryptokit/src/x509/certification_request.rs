//! Certification requests (PKCS#10, RFC 2986): making them, and reading them with their proof of possession.

use std::fmt;

use x509_parser::asn1_rs::Oid;
use x509_parser::extensions::{ParsedExtension, X509Extension};

use super::certificate::{CertificateError, name_text_of_der};
use super::der::{Malformed, OID, Reader, SEQUENCE, SET, context_constructed, oid_text};
use super::encode;
use super::extensions::{BasicConstraints, ExtendedKeyUsage, Extensions, KeyUsage};
use super::issue_error::IssueError;
use super::key::CertificateKey;
use super::leaf_request::LeafRequest;
use super::pem::{PemError, certification_request_from_pem, certification_request_to_pem};
use super::public_key::{PublicKey, PublicKeyError};
use super::raw_extension::{oid, read_extensions};
use super::signature::{self, SignatureFailure};
use super::subject_alternative_name::SubjectAlternativeName;

/// A request for a certificate, signed with the key that it asks a certificate for.
///
/// A value of this type has a key of sufficient strength and a good signature: whoever made it holds the private key.
/// What it asks for is nobody's word but the requester's; see [`super::IssuancePolicy`].
#[derive(Clone)]
pub struct CertificationRequest {
    der: Vec<u8>,
    subject: Vec<u8>,
    subject_text: String,
    public_key: PublicKey,
    pub(super) extensions: Extensions,
    unknown_extensions: Vec<AskedExtension>,
    other_attributes: Vec<String>,
}

/// An extension that a request asks for and this crate gives no meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedExtension {
    /// Its identifier in dotted form.
    pub oid: String,
    /// Whether it is to be critical.
    pub critical: bool,
}

impl CertificationRequest {
    /// Largest request read, in bytes.
    pub const MAX_DER_BYTES: usize = 32 * 1024;

    /// Makes a request: for the names of a leaf, with the usages of its profile. The lifetime is not asked for; the
    /// authority decides it.
    ///
    /// # Errors
    ///
    /// [`IssueError::Request`] when the names do not fit the profile; [`IssueError::NotWritten`] when the backend
    /// fails; [`IssueError::CertificationRequest`] when what it wrote is not readable.
    pub fn create(request: &LeafRequest, key: &CertificateKey) -> Result<Self, IssueError> {
        let names = request.subject_alternative_names();
        request.profile().check_names(names).map_err(IssueError::Request)?;
        let der = encode::certification_request(request, key)?;
        let made = Self::from_der(&der)?;
        if made.subject_alternative_names() != names {
            return Err(IssueError::NotAsAsked {
                field: "subjectAltName",
            });
        }
        Ok(made)
    }

    /// Reads one DER request that fills `der` to its end and verifies its signature.
    ///
    /// # Errors
    ///
    /// [`CertificationRequestError`]; no input makes it panic.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificationRequestError> {
        if der.len() > Self::MAX_DER_BYTES {
            return Err(CertificationRequestError::TooLarge { bytes: der.len() });
        }
        Self::read(der)
    }

    /// Reads the one `CERTIFICATE REQUEST` block that the text must be, or the older `NEW CERTIFICATE REQUEST`.
    ///
    /// # Errors
    ///
    /// [`CertificationRequestError::Pem`] when it is not; otherwise as [`Self::from_der`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, CertificationRequestError> {
        Self::from_der(&certification_request_from_pem(pem)?)
    }

    /// RFC 2986 §4, field by field.
    fn read(der: &[u8]) -> Result<Self, CertificationRequestError> {
        let mut whole = Reader::new(der);
        let mut outer = whole.nested(SEQUENCE)?;
        whole.end()?;
        let signed = outer.expect(SEQUENCE)?;
        let algorithm = outer.contents(SEQUENCE)?;
        let signature = outer.octets_of_bit_string()?;
        outer.end()?;

        let mut info = Reader::new(signed.contents);
        if info.integer()? != [0] {
            return Err(CertificationRequestError::Malformed);
        }
        let subject = info.expect(SEQUENCE)?.whole;
        let spki = info.expect(SEQUENCE)?.whole;
        // The attributes may be an empty set; some old software leaves the set itself out.
        let attributes = info.optional(context_constructed(0))?;
        info.end()?;

        let public_key = PublicKey::from_spki_der(spki).map_err(CertificationRequestError::Key)?;
        signature::verify(spki, algorithm, signed.whole, signature)?;
        let mut request = Self {
            der: der.to_vec(),
            subject: subject.to_vec(),
            subject_text: name_text_of_der(subject).ok_or(Malformed)?,
            public_key,
            extensions: Extensions::default(),
            unknown_extensions: Vec::new(),
            other_attributes: Vec::new(),
        };
        let mut attributes = Reader::new(attributes.map_or(&[], |set| set.contents));
        let mut seen = Vec::new();
        while !attributes.is_empty() {
            let mut attribute = attributes.nested(SEQUENCE)?;
            let kind = attribute.contents(OID)?;
            // Which of two would count, two readers might not agree on.
            if seen.contains(&kind) {
                return Err(CertificationRequestError::Malformed);
            }
            seen.push(kind);
            let values = attribute.nested(SET)?;
            attribute.end()?;
            request.remember(kind, values)?;
        }
        Ok(request)
    }

    fn remember(&mut self, kind: &[u8], mut values: Reader<'_>) -> Result<(), CertificationRequestError> {
        if kind != EXTENSION_REQUEST {
            self.other_attributes.push(oid_text(kind));
            return Ok(());
        }
        // RFC 2985 §5.4.2: a single value.
        let list = values.contents(SEQUENCE)?;
        values.end()?;
        let raw = read_extensions(list)?;
        let parsed: Vec<_> = raw
            .iter()
            .map(|one| {
                X509Extension::new(
                    Oid::new(one.oid.into()),
                    one.critical,
                    one.value,
                    ParsedExtension::Unparsed,
                )
            })
            .collect();
        self.extensions = Extensions::parse(&parsed)?;
        let unknown = raw.iter().filter(|one| !GIVEN_A_MEANING.contains(&one.oid));
        self.unknown_extensions = unknown
            .map(|one| AskedExtension {
                oid: oid_text(one.oid),
                critical: one.critical,
            })
            .collect();
        Ok(())
    }

    /// The bytes it was read from.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// As PEM: 64 columns, LF.
    pub fn to_pem(&self) -> String {
        certification_request_to_pem(&self.der)
    }

    /// The subject asked for, as DER `Name`.
    pub fn subject_der(&self) -> &[u8] {
        &self.subject
    }

    /// The subject asked for, for people; empty when it has none.
    pub fn subject_text(&self) -> &str {
        &self.subject_text
    }

    /// The key whose possession the request proves.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// The names asked for that are well-formed and of the four known kinds, in order.
    pub fn subject_alternative_names(&self) -> &[SubjectAlternativeName] {
        self.extensions
            .subject_alternative_names
            .as_ref()
            .map_or(&[], |names| names.value.usable.as_slice())
    }

    /// How many further names it asks for, of other kinds or malformed.
    pub fn unusable_name_count(&self) -> usize {
        self.extensions
            .subject_alternative_names
            .as_ref()
            .map_or(0, |names| names.value.unusable)
    }

    /// The basicConstraints asked for, if any.
    pub fn basic_constraints(&self) -> Option<BasicConstraints> {
        self.extensions.basic_constraints.as_ref().map(|marked| marked.value)
    }

    /// The keyUsage asked for, if any.
    pub fn key_usage(&self) -> Option<KeyUsage> {
        self.extensions.key_usage.as_ref().map(|marked| marked.value)
    }

    /// The extKeyUsage asked for, if any.
    pub fn extended_key_usage(&self) -> Option<ExtendedKeyUsage> {
        self.extensions.extended_key_usage.as_ref().map(|marked| marked.value)
    }

    /// Further extensions asked for.
    pub fn unknown_extensions(&self) -> &[AskedExtension] {
        &self.unknown_extensions
    }

    /// Attributes other than extensions, in dotted form, a challengePassword (1.2.840.113549.1.9.7) among them. Their
    /// values are not kept.
    pub fn other_attributes(&self) -> &[String] {
        &self.other_attributes
    }
}

impl PartialEq for CertificationRequest {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for CertificationRequest {}

impl fmt::Debug for CertificationRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificationRequest")
            .field("subject", &self.subject_text)
            .field("key", &self.public_key.algorithm())
            .field("subject_alternative_names", &self.subject_alternative_names())
            .finish_non_exhaustive()
    }
}

/// Why bytes are not a certification request that this crate reads.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificationRequestError {
    /// Larger than [`CertificationRequest::MAX_DER_BYTES`].
    #[error("request of {bytes} bytes; at most {max} are read", max = CertificationRequest::MAX_DER_BYTES)]
    TooLarge {
        /// The size found.
        bytes: usize,
    },
    /// Not the PEM text of one request.
    #[error("not a PEM certification request")]
    Pem(#[from] PemError),
    /// Not the DER structure of RFC 2986 §4.
    #[error("not a DER certification request")]
    Malformed,
    /// The key is weak or not supported.
    #[error("the key of the request is not acceptable")]
    Key(#[source] PublicKeyError),
    /// The signature is not the key's: the requester may not hold the private key.
    #[error("the request is not signed with its own key")]
    BadSignature,
    /// Signed by an algorithm that is weak, unknown or not the key's.
    #[error("the signature algorithm {oid} of the request is not supported for its key")]
    UnsupportedSignatureAlgorithm {
        /// The algorithm.
        oid: String,
    },
    /// An extension asked for is malformed or asked for twice.
    #[error("an extension asked for is malformed")]
    Extension(#[source] CertificateError),
}

impl From<Malformed> for CertificationRequestError {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

impl From<CertificateError> for CertificationRequestError {
    fn from(error: CertificateError) -> Self {
        Self::Extension(error)
    }
}

impl From<SignatureFailure> for CertificationRequestError {
    fn from(failure: SignatureFailure) -> Self {
        match failure {
            SignatureFailure::Bad => Self::BadSignature,
            SignatureFailure::Unsupported { oid } => Self::UnsupportedSignatureAlgorithm { oid },
        }
    }
}

/// 1.2.840.113549.1.9.14 (RFC 2985 §5.4.2).
const EXTENSION_REQUEST: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e";

/// What has a field of its own; subjectKeyIdentifier is asked for by `keytool` and computed anyway.
const GIVEN_A_MEANING: [&[u8]; 5] = [
    oid::SUBJECT_ALTERNATIVE_NAME,
    oid::KEY_USAGE,
    oid::EXTENDED_KEY_USAGE,
    oid::BASIC_CONSTRAINTS,
    oid::SUBJECT_KEY_IDENTIFIER,
];
