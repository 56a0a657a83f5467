//! Certificate revocation lists (RFC 5280 §5): reading them, and whether one may be used.

use std::fmt;
use std::ops::Range;

use time::OffsetDateTime;

use super::certificate::{Certificate, name_text_of_der, signed_part};
use super::der::{ENUMERATED, GENERALIZED_TIME, Malformed, Reader, SEQUENCE, UTC_TIME, context, context_constructed};
use super::pem::{PemError, revocation_list_from_pem, revocation_list_to_pem, revocation_lists_from_pem};
use super::raw_extension::{RawExtension, oid, read_extensions};
use super::signature::{self, SignatureFailure};

/// A revocation list read from DER or PEM: what its bytes say. Reading proves nothing about who made it; that is
/// [`Self::verify`].
#[derive(Clone)]
pub struct RevocationList {
    der: Vec<u8>,
    issuer: Vec<u8>,
    issuer_text: String,
    this_update: OffsetDateTime,
    next_update: Option<OffsetDateTime>,
    number: Option<CrlNumber>,
    authority_key_identifier: Option<Vec<u8>>,
    scope: RevocationScope,
    unsupported: Option<&'static str>,
    /// By serial number.
    entries: Vec<RevokedCertificate>,
    signed_part: Range<usize>,
    signature_algorithm: Vec<u8>,
    signature: Vec<u8>,
}

impl RevocationList {
    /// Largest list read, in bytes: some 100,000 entries.
    pub const MAX_DER_BYTES: usize = 4 * 1024 * 1024;

    /// Reads one DER list that fills `der` to its end. Takes time and memory in proportion to its length.
    ///
    /// # Errors
    ///
    /// [`RevocationListError::TooLarge`], [`RevocationListError::Malformed`]; no input makes it panic.
    pub fn from_der(der: &[u8]) -> Result<Self, RevocationListError> {
        if der.len() > Self::MAX_DER_BYTES {
            return Err(RevocationListError::TooLarge { bytes: der.len() });
        }
        Self::read(der).map_err(|Malformed| RevocationListError::Malformed)
    }

    /// Reads the one `X509 CRL` block that the text must be.
    ///
    /// # Errors
    ///
    /// [`RevocationListError::Pem`] when it is not; otherwise as [`Self::from_der`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, RevocationListError> {
        // Base64 and line ends make three bytes into a little more than four.
        if pem.len() > 2 * Self::MAX_DER_BYTES {
            return Err(RevocationListError::TooLarge { bytes: pem.len() });
        }
        Self::from_der(&revocation_list_from_pem(pem)?)
    }

    /// Reads one or more `X509 CRL` blocks, in order: the lists of a whole chain in one file, as nginx wants them.
    ///
    /// # Errors
    ///
    /// [`RevocationListError::Pem`] when the text is not that; otherwise as [`Self::from_der`].
    pub fn several_from_pem(pem: &[u8]) -> Result<Vec<Self>, RevocationListError> {
        if pem.len() > 2 * Self::MAX_DER_BYTES {
            return Err(RevocationListError::TooLarge { bytes: pem.len() });
        }
        let blocks = revocation_lists_from_pem(pem)?;
        blocks.iter().map(|der| Self::from_der(der)).collect()
    }

    /// RFC 5280 §5.1, field by field.
    fn read(der: &[u8]) -> Result<Self, Malformed> {
        let mut whole = Reader::new(der);
        let mut outer = whole.nested(SEQUENCE)?;
        whole.end()?;
        let mut signed = outer.nested(SEQUENCE)?;
        let algorithm = outer.contents(SEQUENCE)?;
        let signature = outer.octets_of_bit_string()?;
        outer.end()?;

        // RFC 5280 §5.1.2.1: version 2, written as 1. Version 1 has neither number nor key identifier.
        if signed.integer()? != [1] || signed.contents(SEQUENCE)? != algorithm {
            return Err(Malformed);
        }
        let issuer = signed.expect(SEQUENCE)?.whole;
        let this_update = signed.time()?;
        let next_update = if signed.is_empty() {
            None
        } else {
            optional_time(&mut signed)?
        };
        let mut features = Features::default();
        let entries = match signed.optional(SEQUENCE)? {
            Some(list) => read_entries(list.contents, &mut features)?,
            None => Vec::new(),
        };
        if let Some(extensions) = signed.optional(context_constructed(0))? {
            let mut explicit = Reader::new(extensions.contents);
            for extension in read_extensions(explicit.contents(SEQUENCE)?)? {
                features.remember(&extension)?;
            }
            explicit.end()?;
        }
        signed.end()?;
        let (signed_part, _) = signed_part(der)?;
        Ok(Self {
            der: der.to_vec(),
            issuer: issuer.to_vec(),
            issuer_text: name_text_of_der(issuer).ok_or(Malformed)?,
            this_update,
            next_update,
            number: features.number,
            authority_key_identifier: features.authority_key_identifier,
            scope: features.scope,
            unsupported: features.unsupported,
            entries,
            signed_part,
            signature_algorithm: algorithm.to_vec(),
            signature: signature.to_vec(),
        })
    }

    /// Whether this list may be used at `now` to ask about certificates of `issuer`: it is the issuer's own, signed
    /// by a key that may sign lists, current, and without anything that this crate does not understand.
    ///
    /// # Errors
    ///
    /// The first of these that fails. The signature is verified last.
    pub fn verify(&self, issuer: &Certificate, now: OffsetDateTime) -> Result<(), RevocationListError> {
        self.verify_origin(issuer)?;
        if let Some(feature) = self.unsupported {
            return Err(RevocationListError::Unsupported { feature });
        }
        self.verify_freshness(now)?;
        self.verify_signature(issuer)
    }

    /// As [`Self::verify`], whether or not everything in it is understood.
    pub(super) fn is_word_of(&self, issuer: &Certificate, now: OffsetDateTime) -> bool {
        self.verify_origin(issuer).is_ok()
            && self.verify_freshness(now).is_ok()
            && self.verify_signature(issuer).is_ok()
    }

    /// RFC 5280 §6.3.3 (b) and (f), for lists that are signed by the key that signs the certificates.
    pub(super) fn verify_origin(&self, issuer: &Certificate) -> Result<(), RevocationListError> {
        if self.issuer != issuer.subject_der() {
            return Err(RevocationListError::WrongIssuer);
        }
        // RFC 5280 §5.2.1. A list of an authority of the same name with another key is told by this alone.
        match (&self.authority_key_identifier, issuer.subject_key_identifier()) {
            (Some(list), Some(issuer)) if list != issuer => return Err(RevocationListError::WrongKeyIdentifier),
            _ => {}
        }
        // RFC 5280 §4.2.1.3 and §6.3.3 (f).
        if issuer.key_usage().is_some_and(|usage| !usage.crl_sign()) {
            return Err(RevocationListError::IssuerMayNotSign);
        }
        Ok(())
    }

    fn verify_freshness(&self, now: OffsetDateTime) -> Result<(), RevocationListError> {
        if now < self.this_update {
            return Err(RevocationListError::NotYetValid {
                this_update: self.this_update,
            });
        }
        // RFC 5280 §5.1.2.5: conforming issuers say when the next list comes. Without it, a list never grows old.
        let next_update = self.next_update.ok_or(RevocationListError::NoNextUpdate)?;
        if now > next_update {
            return Err(RevocationListError::Expired { next_update });
        }
        Ok(())
    }

    pub(super) fn verify_signature(&self, issuer: &Certificate) -> Result<(), RevocationListError> {
        let signed = &self.der[self.signed_part.clone()];
        signature::verify(issuer.spki_der(), &self.signature_algorithm, signed, &self.signature).map_err(|failure| {
            match failure {
                SignatureFailure::Unsupported { .. } => RevocationListError::UnsupportedSignatureAlgorithm,
                SignatureFailure::Bad => RevocationListError::BadSignature,
            }
        })
    }

    /// The bytes it was read from.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// As PEM: 64 columns, LF.
    pub fn to_pem(&self) -> String {
        revocation_list_to_pem(&self.der)
    }

    /// The issuer as DER `Name`.
    pub fn issuer_der(&self) -> &[u8] {
        &self.issuer
    }

    /// The issuer for people; two different issuers can look alike.
    pub fn issuer_text(&self) -> &str {
        &self.issuer_text
    }

    /// When it was made.
    pub fn this_update(&self) -> OffsetDateTime {
        self.this_update
    }

    /// When the next one is there at the latest, and this one can no longer be used.
    pub fn next_update(&self) -> Option<OffsetDateTime> {
        self.next_update
    }

    /// Its number, if any.
    pub fn number(&self) -> Option<CrlNumber> {
        self.number
    }

    /// The key identifier of its authorityKeyIdentifier, if any.
    pub fn authority_key_identifier(&self) -> Option<&[u8]> {
        self.authority_key_identifier.as_deref()
    }

    /// Which certificates it speaks of.
    pub fn scope(&self) -> RevocationScope {
        self.scope
    }

    /// What it contains that this crate does not understand and that forbids its use.
    pub fn unsupported_feature(&self) -> Option<&'static str> {
        self.unsupported
    }

    /// What is revoked, in the order of the serial numbers.
    pub fn revoked(&self) -> &[RevokedCertificate] {
        &self.entries
    }

    /// What it says of a serial number, in the form of [`Certificate::serial`]. Takes logarithmic time.
    pub fn find(&self, serial: &[u8]) -> Option<&RevokedCertificate> {
        let position = self
            .entries
            .binary_search_by(|entry| entry.serial.as_slice().cmp(serial))
            .ok()?;
        self.entries.get(position)
    }
}

impl PartialEq for RevocationList {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for RevocationList {}

impl fmt::Debug for RevocationList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevocationList")
            .field("issuer", &self.issuer_text)
            .field("number", &self.number)
            .field("next_update", &self.next_update)
            .field("revoked", &self.entries.len())
            .finish_non_exhaustive()
    }
}

/// One revoked certificate (RFC 5280 §5.1.2.6 and §5.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevokedCertificate {
    /// Its serial number, as [`Certificate::serial`].
    pub serial: Vec<u8>,
    /// When it was revoked.
    pub revocation_date: OffsetDateTime,
    /// Why; `Unspecified` is not written.
    pub reason: RevocationReason,
    /// Since when the key is thought to have been compromised, where known.
    pub invalidity_date: Option<OffsetDateTime>,
}

/// Why a certificate was revoked (RFC 5280 §5.3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum RevocationReason {
    /// Nothing was said.
    #[default]
    Unspecified = 0,
    /// The subject's key is known to others.
    KeyCompromise = 1,
    /// The authority's key is known to others.
    CaCompromise = 2,
    /// The subject's name or other information has changed.
    AffiliationChanged = 3,
    /// Another certificate takes its place.
    Superseded = 4,
    /// It is no longer needed.
    CessationOfOperation = 5,
    /// Suspended: the only reason that can be taken back.
    CertificateHold = 6,
    /// A privilege that it states was withdrawn.
    PrivilegeWithdrawn = 9,
    /// The attribute authority's key is known to others.
    AaCompromise = 10,
}

impl RevocationReason {
    /// Every reason.
    pub const ALL: [Self; 9] = [
        Self::Unspecified,
        Self::KeyCompromise,
        Self::CaCompromise,
        Self::AffiliationChanged,
        Self::Superseded,
        Self::CessationOfOperation,
        Self::CertificateHold,
        Self::PrivilegeWithdrawn,
        Self::AaCompromise,
    ];

    /// The standard's name, such as `keyCompromise`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::KeyCompromise => "keyCompromise",
            Self::CaCompromise => "cACompromise",
            Self::AffiliationChanged => "affiliationChanged",
            Self::Superseded => "superseded",
            Self::CessationOfOperation => "cessationOfOperation",
            Self::CertificateHold => "certificateHold",
            Self::PrivilegeWithdrawn => "privilegeWithdrawn",
            Self::AaCompromise => "aACompromise",
        }
    }
}

impl fmt::Display for RevocationReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which certificates of its issuer a list speaks of (RFC 5280 §5.2.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RevocationScope {
    /// All.
    #[default]
    Everything,
    /// Those of end entities.
    EndEntities,
    /// Those of authorities.
    Authorities,
}

impl RevocationScope {
    /// Whether it speaks of this certificate.
    pub fn covers(self, certificate: &Certificate) -> bool {
        match self {
            Self::Everything => true,
            Self::EndEntities => !certificate.is_ca(),
            Self::Authorities => certificate.is_ca(),
        }
    }
}

/// A list's number (RFC 5280 §5.2.3): grows from list to list, has at most 20 octets.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CrlNumber([u8; 20]);

impl CrlNumber {
    /// Big-endian octets, leading zeros left out; zero has one.
    pub fn to_be_bytes(self) -> Vec<u8> {
        let zeros = self.0.iter().take_while(|octet| **octet == 0).count().min(19);
        self.0[zeros..].to_vec()
    }

    /// The next number; `None` after the greatest that 20 octets hold as a positive INTEGER.
    pub fn next(self) -> Option<Self> {
        let mut octets = self.0;
        for octet in octets.iter_mut().rev() {
            *octet = octet.wrapping_add(1);
            if *octet != 0 {
                break;
            }
        }
        (octets[0] < 0x80).then_some(Self(octets))
    }

    fn from_be_bytes(bytes: &[u8]) -> Option<Self> {
        let mut octets = [0; 20];
        octets[20_usize.checked_sub(bytes.len())?..].copy_from_slice(bytes);
        Some(Self(octets))
    }
}

impl From<u64> for CrlNumber {
    fn from(number: u64) -> Self {
        let mut octets = [0; 20];
        octets[12..].copy_from_slice(&number.to_be_bytes());
        Self(octets)
    }
}

impl fmt::Display for CrlNumber {
    /// In decimal as far as 64 bits reach, beyond in hexadecimal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (high, low) = self.0.split_at(12);
        if high.iter().all(|octet| *octet == 0) {
            let low = <[u8; 8]>::try_from(low).expect("twenty octets are twelve and eight");
            return write!(f, "{}", u64::from_be_bytes(low));
        }
        f.write_str("0x")?;
        self.to_be_bytes().iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for CrlNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CrlNumber({self})")
    }
}

/// Why bytes are not a revocation list, or one may not be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RevocationListError {
    /// Larger than [`RevocationList::MAX_DER_BYTES`].
    #[error("revocation list of {bytes} bytes; at most {max} are read", max = RevocationList::MAX_DER_BYTES)]
    TooLarge {
        /// The size found.
        bytes: usize,
    },
    /// Not the PEM text of one list.
    #[error("not a PEM revocation list")]
    Pem(#[from] PemError),
    /// Not the DER structure of RFC 5280 §5.1, version 2, or more than 128 extensions in one place.
    #[error("not a DER revocation list of version 2")]
    Malformed,
    /// Made by another authority than the one asked about.
    #[error("the revocation list is another authority's (RFC 5280 §6.3.3)")]
    WrongIssuer,
    /// Made with another key of an authority of the same name.
    #[error("the revocation list was signed with another key of an authority of this name (RFC 5280 §5.2.1)")]
    WrongKeyIdentifier,
    /// The issuer's keyUsage lacks cRLSign.
    #[error("the issuer may not sign revocation lists (RFC 5280 §4.2.1.3)")]
    IssuerMayNotSign,
    /// The signature is not the issuer's.
    #[error("the signature of the revocation list does not verify")]
    BadSignature,
    /// Signed by an algorithm that is weak, unknown or not the issuer's.
    #[error("the signature algorithm of the revocation list is not supported")]
    UnsupportedSignatureAlgorithm,
    /// thisUpdate lies in the future.
    #[error("the revocation list is dated {this_update}, in the future")]
    NotYetValid {
        /// When it was made.
        this_update: OffsetDateTime,
    },
    /// nextUpdate has passed.
    #[error("the revocation list expired at {next_update}")]
    Expired {
        /// Its last second.
        next_update: OffsetDateTime,
    },
    /// Without nextUpdate, against RFC 5280 §5.1.2.5.
    #[error("the revocation list does not say when the next one comes (RFC 5280 §5.1.2.5)")]
    NoNextUpdate,
    /// A delta, indirect or partitioned list, or a critical extension that is not known (RFC 5280 §5.2, §5.3).
    #[error("the revocation list has a feature that is not supported: {feature}")]
    Unsupported {
        /// Which.
        feature: &'static str,
    },
    /// A number that is not above the previous list's, or none left.
    #[error("the number of a revocation list is above that of the one before (RFC 5280 §5.2.3)")]
    Number,
    /// nextUpdate is not after thisUpdate, or thisUpdate is before that of the previous list.
    #[error("the times of the revocation list are out of order")]
    Times,
    /// A serial number of no or more than 20 octets, or negative.
    #[error("{serial} is not a serial number")]
    Serial {
        /// In hexadecimal.
        serial: String,
    },
    /// A revocation dated after the list that states it.
    #[error("the revocation of {serial} is dated after the list")]
    FutureRevocation {
        /// In hexadecimal.
        serial: String,
    },
    /// Revoked already.
    #[error("{serial} is on the list already")]
    AlreadyRevoked {
        /// In hexadecimal.
        serial: String,
    },
    /// Not on the list.
    #[error("{serial} is not on the list")]
    NotRevoked {
        /// In hexadecimal.
        serial: String,
    },
    /// An entry may not be taken off the list yet (RFC 5280 §3.3, §5.3.1).
    #[error("{serial} must stay on the list: it is not on hold, nor was it on a list made after it expired")]
    MustStay {
        /// In hexadecimal.
        serial: String,
    },
}

/// What the extensions say.
#[derive(Default)]
struct Features {
    number: Option<CrlNumber>,
    authority_key_identifier: Option<Vec<u8>>,
    scope: RevocationScope,
    unsupported: Option<&'static str>,
}

impl Features {
    fn remember(&mut self, extension: &RawExtension<'_>) -> Result<(), Malformed> {
        match extension.oid {
            oid::CRL_NUMBER => {
                let mut value = Reader::new(extension.value);
                self.number = Some(CrlNumber::from_be_bytes(value.unsigned()?).ok_or(Malformed)?);
                value.end()
            }
            oid::AUTHORITY_KEY_IDENTIFIER => {
                let mut value = Reader::new(extension.value);
                let mut fields = value.nested(SEQUENCE)?;
                self.authority_key_identifier = fields.optional(context(0))?.map(|id| id.contents.to_vec());
                value.end()
            }
            oid::ISSUING_DISTRIBUTION_POINT => self.remember_scope(extension.value),
            // RFC 5280 §5.2.4: the rest of the list is in its base.
            oid::DELTA_CRL_INDICATOR => {
                self.unsupported = Some("a delta of another list");
                Ok(())
            }
            _ => {
                if extension.critical {
                    self.unsupported = Some("an unknown critical extension");
                }
                Ok(())
            }
        }
    }

    /// RFC 5280 §5.2.5.
    fn remember_scope(&mut self, value: &[u8]) -> Result<(), Malformed> {
        let mut value = Reader::new(value);
        let mut fields = value.nested(SEQUENCE)?;
        value.end()?;
        if fields.optional(context_constructed(0))?.is_some() {
            self.unsupported = Some("restricted to a distribution point");
        }
        let (users, authorities) = (fields.flag(context(1))?, fields.flag(context(2))?);
        if fields.optional(context(3))?.is_some() {
            self.unsupported = Some("restricted to some reasons");
        }
        let (indirect, attributes) = (fields.flag(context(4))?, fields.flag(context(5))?);
        fields.end()?;
        self.scope = match (users, authorities) {
            (false, false) => RevocationScope::Everything,
            (true, false) => RevocationScope::EndEntities,
            (false, true) => RevocationScope::Authorities,
            (true, true) => return Err(Malformed),
        };
        if indirect {
            self.unsupported = Some("entries of other issuers");
        }
        if attributes {
            self.unsupported = Some("attribute certificates only");
        }
        Ok(())
    }

    /// RFC 5280 §5.3.
    fn remember_of_entry(
        &mut self,
        entry: &mut RevokedCertificate,
        extension: &RawExtension<'_>,
    ) -> Result<(), Malformed> {
        let mut value = Reader::new(extension.value);
        match extension.oid {
            oid::REASON_CODE => {
                let code = value.contents(ENUMERATED)?;
                value.end()?;
                match RevocationReason::ALL.iter().find(|reason| code == [**reason as u8]) {
                    Some(reason) => entry.reason = *reason,
                    // RFC 5280 §5.3.1: removeFromCRL appears in deltas only.
                    None if code == [8] => self.unsupported = Some("removals, as in a delta of another list"),
                    None => return Err(Malformed),
                }
            }
            oid::INVALIDITY_DATE => {
                let mut copy = value;
                if copy.element()?.tag != GENERALIZED_TIME {
                    return Err(Malformed);
                }
                entry.invalidity_date = Some(value.time()?);
                value.end()?;
            }
            oid::CERTIFICATE_ISSUER => self.unsupported = Some("entries of other issuers"),
            // RFC 5280 §5.3: with one that is not known, no status may be determined from the list.
            _ if extension.critical => self.unsupported = Some("an unknown critical extension of an entry"),
            _ => {}
        }
        Ok(())
    }
}

fn optional_time(reader: &mut Reader<'_>) -> Result<Option<OffsetDateTime>, Malformed> {
    let mut ahead = *reader;
    if matches!(ahead.element()?.tag, UTC_TIME | GENERALIZED_TIME) {
        reader.time().map(Some)
    } else {
        Ok(None)
    }
}

/// RFC 5280 §5.1.2.6: when nothing is revoked, the list is left out.
fn read_entries(contents: &[u8], features: &mut Features) -> Result<Vec<RevokedCertificate>, Malformed> {
    let mut list = Reader::new(contents);
    let mut entries = Vec::new();
    while !list.is_empty() {
        let mut fields = list.nested(SEQUENCE)?;
        let mut entry = RevokedCertificate {
            serial: fields.integer()?.to_vec(),
            revocation_date: fields.time()?,
            reason: RevocationReason::Unspecified,
            invalidity_date: None,
        };
        if let Some(extensions) = fields.optional(SEQUENCE)? {
            for extension in read_extensions(extensions.contents)? {
                features.remember_of_entry(&mut entry, &extension)?;
            }
        }
        fields.end()?;
        entries.push(entry);
    }
    if entries.is_empty() {
        return Err(Malformed);
    }
    entries.sort_by(|one, other| one.serial.cmp(&other.serial));
    Ok(entries)
}

/// A serial number in hexadecimal.
pub(super) fn serial_text(serial: &[u8]) -> String {
    serial.iter().map(|octet| format!("{octet:02x}")).collect()
}
