//! Certificates (RFC 5280 §4.1), as far as they can be read.

use cryptokit::x509::Certificate;
use time::OffsetDateTime;

use super::asn1::{BIT_STRING, Broken, Element, INTEGER, Moment, Reader, SEQUENCE, constructed, moment, small};
use super::extension::{BASIC_CONSTRAINTS, Extension, SUBJECT_ALT_NAME};
use super::name::DirectoryName;
use super::public_key::{Algorithm, ShownKey};
use super::time::shown;

/// A certificate, field by field; what could not be read is missing.
#[derive(Clone, Debug, Default)]
pub(super) struct ShownCertificate {
    pub(super) der: Vec<u8>,
    /// As people count: 1 to 3.
    pub(super) version: Option<u64>,
    pub(super) serial: Option<Vec<u8>>,
    pub(super) signature_algorithm: Option<Algorithm>,
    pub(super) issuer: Option<DirectoryName>,
    pub(super) not_before: Option<Moment>,
    pub(super) not_after: Option<Moment>,
    pub(super) subject: Option<DirectoryName>,
    pub(super) key: Option<ShownKey>,
    pub(super) extensions: Vec<Extension>,
    /// Whether issuer and subject are the same bytes.
    pub(super) is_self_issued: bool,
    /// Why certgen takes no such certificate anywhere else.
    pub(super) refused: Option<String>,
    /// Whether it could not be read to its end.
    pub(super) is_damaged: bool,
    /// What is odd about it.
    pub(super) notes: Vec<String>,
}

impl ShownCertificate {
    /// Never fails: what cannot be read is said in the notes.
    pub(super) fn read(der: &[u8]) -> Self {
        let mut shown = Self {
            der: der.to_vec(),
            refused: refusal(der),
            ..Self::default()
        };
        if let Err(broken) = shown.fill(der) {
            shown.is_damaged = true;
            shown
                .notes
                .push(format!("it is damaged and shown as far as it can be read: {broken}"));
        }
        shown.remark();
        shown
    }

    fn fill(&mut self, der: &[u8]) -> Result<(), Broken> {
        // What is cut off is shown up to there.
        let (outer, outer_is_whole) = Reader::new(der).next_clipped()?;
        let mut outer = outer.inside();
        let (signed, signed_is_whole) = outer.next_clipped()?;
        self.signed_part(signed.inside())?;
        if !(outer_is_whole && signed_is_whole) {
            return Err(Broken::EndsEarly);
        }
        let algorithm = Algorithm::read(outer.sequence()?)?;
        // RFC 5280 §4.1.1.2.
        if self.signature_algorithm.as_ref() != Some(&algorithm) {
            self.notes.push(format!(
                "outside the signed part the signature is called {}",
                algorithm.name
            ));
        }
        outer.expect(BIT_STRING)?;
        Ok(())
    }

    fn signed_part(&mut self, mut fields: Reader<'_>) -> Result<(), Broken> {
        // RFC 5280 §4.1.2.1: left out, it is 1.
        let version = match fields.optional(constructed(0))? {
            Some(version) => small(version.inside().expect(INTEGER)?.contents)?,
            None => 0,
        };
        self.version = version.checked_add(1);
        self.serial = Some(fields.expect(INTEGER)?.contents.to_vec());
        self.signature_algorithm = Some(Algorithm::read(fields.sequence()?)?);
        let issuer = fields.expect(SEQUENCE)?;
        self.issuer = self.kept("issuer", DirectoryName::read(&issuer));
        let mut validity = fields.sequence()?;
        let not_before = moment(&validity.next()?);
        self.not_before = self.kept("start of validity", not_before);
        let not_after = moment(&validity.next()?);
        self.not_after = self.kept("end of validity", not_after);
        let subject = fields.expect(SEQUENCE)?;
        self.is_self_issued = subject.whole == issuer.whole;
        self.subject = self.kept("subject", DirectoryName::read(&subject));
        let key = fields.expect(SEQUENCE)?;
        self.key = self.kept("public key", ShownKey::read(key.whole));
        // RFC 5280 §4.1.2.8: identifiers that nobody uses.
        for tag in [1, 2, 0xa1, 0xa2] {
            let tag = if tag < 3 { 0x80 | tag } else { tag };
            if fields.optional(tag)?.is_some() {
                self.notes
                    .push("it has a unique identifier, which RFC 5280 §4.1.2.8 forbids".to_owned());
            }
        }
        if fields.peek() == Some(constructed(3)) {
            let (extensions, _) = fields.next_clipped()?;
            let (list, _) = extensions.inside().next_clipped()?;
            let mut list = list.inside();
            while !list.is_empty() {
                self.extensions.push(Extension::read(&list.next()?)?);
            }
        }
        if fields.is_empty() { Ok(()) } else { Err(Broken::Value) }
    }

    /// A field whose neighbours can be read although it cannot.
    fn kept<T>(&mut self, field: &str, read: Result<T, Broken>) -> Option<T> {
        read.map_err(|broken| self.notes.push(format!("the {field} is not readable: {broken}")))
            .ok()
    }

    /// What those who look at it should know.
    fn remark(&mut self) {
        let mut remarks = Vec::new();
        for (name, time) in [("start", &self.not_before), ("end", &self.not_after)] {
            if let Some(time) = time.as_ref().filter(|time| !time.regular) {
                remarks.push(format!(
                    "the {name} of its validity is not written as RFC 5280 §4.1.2.5 asks: {}",
                    crate::printable::printable(&time.text)
                ));
            }
        }
        if let Some(serial) = &self.serial {
            remarks.extend(serial_remark(serial).map(str::to_owned));
        }
        // Nobody verifies a signature that a key made over itself: trust in a root comes from elsewhere.
        let signature = self.signature_algorithm.as_ref().filter(|_| !self.is_self_issued);
        if let Some(algorithm) = signature.filter(|algorithm| algorithm.is_broken()) {
            remarks.push(format!("{} can be forged; nothing current accepts it", algorithm.name));
        }
        if let (Some(start), Some(end)) = (self.start(), self.end())
            && end < start
        {
            remarks.push(format!(
                "its validity ends before it begins: {} to {}",
                super::time::rfc3339(start),
                super::time::rfc3339(end)
            ));
        }
        self.notes.extend(remarks);
    }

    pub(super) fn start(&self) -> Option<OffsetDateTime> {
        self.not_before.as_ref()?.time
    }

    pub(super) fn end(&self) -> Option<OffsetDateTime> {
        self.not_after.as_ref()?.time
    }

    /// Its extension with this identifier.
    pub(super) fn extension(&self, oid: &str) -> Option<&Extension> {
        self.extensions.iter().find(|extension| extension.oid == oid)
    }

    pub(super) fn is_ca(&self) -> bool {
        let decoded = self
            .extension(BASIC_CONSTRAINTS)
            .and_then(|extension| extension.decoded.as_ref());
        decoded.is_some_and(|decoded| decoded.json["ca"] == true)
    }

    /// The names it is for, as `kind:value`; not safe to print.
    pub(super) fn alternative_names(&self) -> Vec<String> {
        let decoded = self
            .extension(SUBJECT_ALT_NAME)
            .and_then(|extension| extension.decoded.as_ref());
        let names = decoded.and_then(|decoded| decoded.json.as_array());
        names
            .map(|names| {
                names
                    .iter()
                    .filter_map(|name| name.as_str())
                    .map(str::to_owned)
                    .collect()
            })
            .unwrap_or_default()
    }

    /// What it is called in a heading: its common name, its whole subject, or its first name; safe to print.
    pub(super) fn title(&self) -> String {
        let subject = self.subject.as_ref().filter(|subject| !subject.is_empty());
        match subject {
            Some(subject) => subject.common_name().unwrap_or_else(|| subject.text()),
            None => match self.alternative_names().first() {
                Some(name) => crate::printable::printable(name),
                None => "no subject".to_owned(),
            },
        }
    }

    /// Where `now` stands in its validity.
    pub(super) fn status(&self, now: OffsetDateTime) -> Status {
        match (self.start(), self.end()) {
            (Some(start), _) if now < start => Status::NotYetValid,
            (_, Some(end)) if now > end => Status::Expired,
            (Some(_), Some(_)) => Status::Valid,
            _ => Status::Unknown,
        }
    }

    /// The validity in words: both ends, as read.
    pub(super) fn validity(&self) -> [Option<String>; 2] {
        [&self.not_before, &self.not_after].map(|time| time.as_ref().map(shown))
    }
}

/// Where the present stands in a validity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Valid,
    NotYetValid,
    Expired,
    /// An end of the validity cannot be read.
    Unknown,
}

impl Status {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::NotYetValid => "not_yet_valid",
            Self::Expired => "expired",
            Self::Unknown => "unknown",
        }
    }
}

/// Why the reader that decides takes no such certificate.
fn refusal(der: &[u8]) -> Option<String> {
    match Certificate::from_der(der) {
        Err(error) => Some(error.to_string()),
        Ok(certificate) => certificate.subject_public_key().err().map(|error| error.to_string()),
    }
}

/// RFC 5280 §4.1.2.2: positive, at most 20 octets.
fn serial_remark(serial: &[u8]) -> Option<&'static str> {
    match serial {
        [] => Some("its serial number has no octets"),
        [0x80..=0xff, ..] => Some("its serial number is negative"),
        _ if serial.iter().all(|octet| *octet == 0) => Some("its serial number is zero"),
        _ if serial.len() > 20 => Some("its serial number has more than 20 octets"),
        _ => None,
    }
}

/// Whether a SEQUENCE of SEQUENCE, SEQUENCE and BIT STRING is a certificate, by its signed part.
pub(super) fn looks_like_certificate(signed: &Element<'_>) -> bool {
    let mut fields = signed.inside();
    match fields.next().map(|first| first.tag) {
        Ok(0xa0) => true,
        // Version 1: serial number, algorithm.
        Ok(INTEGER) => {
            let algorithm = fields.next().ok().and_then(|second| second.inside().peek());
            let fourth = fields.next().ok().and_then(|_| fields.peek());
            algorithm == Some(super::asn1::OID) && fourth == Some(SEQUENCE)
        }
        _ => false,
    }
}
