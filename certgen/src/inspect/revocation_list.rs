//! Certificate revocation lists (RFC 5280 §5.1).

use cryptokit::x509::RevocationList;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::asn1::{
    BIT_STRING, Broken, Element, GENERALIZED_TIME, INTEGER, Moment, Reader, SEQUENCE, UTC_TIME, constructed, moment,
    small,
};
use super::extension::Extension;
use super::name::DirectoryName;
use super::oid;
use super::public_key::Algorithm;
use super::time::shown;
use crate::text::hex;

/// A revoked certificate as its list says it.
#[derive(Clone, Debug)]
pub(super) struct ShownEntry {
    pub(super) serial: Vec<u8>,
    pub(super) date: String,
    pub(super) extensions: Vec<Extension>,
}

impl ShownEntry {
    fn read(element: &Element<'_>) -> Result<Self, Broken> {
        let mut fields = element.inside();
        let serial = fields.expect(INTEGER)?.contents.to_vec();
        let date = shown(&moment(&fields.next()?)?);
        let extensions = match fields.optional(SEQUENCE)? {
            Some(list) => Extension::read_all(list.inside())?,
            None => Vec::new(),
        };
        Ok(Self {
            serial,
            date,
            extensions,
        })
    }

    /// What is said of it beside serial number and date: `keyCompromise`, `invalidityDate 2026-…`.
    pub(super) fn details(&self) -> Vec<String> {
        let detail = |extension: &Extension| match extension.oid.as_str() {
            "2.5.29.21" => extension.lines().join(" "),
            other => format!("{} {}", oid::short(other), extension.lines().join(" ")),
        };
        self.extensions.iter().map(detail).collect()
    }

    fn json(&self) -> Value {
        let reason = self.extensions.iter().find(|extension| extension.oid == "2.5.29.21");
        let reason = reason
            .and_then(|reason| reason.decoded.as_ref())
            .map(|decoded| &decoded.json);
        json!({
            "serial": hex(&self.serial),
            "revocation_date": self.date,
            "reason": reason,
            "extensions": self.extensions.iter().map(Extension::json).collect::<Vec<_>>(),
        })
    }
}

/// A list, field by field; what could not be read is missing.
#[derive(Clone, Debug, Default)]
pub(super) struct ShownList {
    pub(super) der: Vec<u8>,
    pub(super) version: Option<u64>,
    pub(super) signature_algorithm: Option<Algorithm>,
    pub(super) issuer: Option<DirectoryName>,
    pub(super) this_update: Option<Moment>,
    pub(super) next_update: Option<Moment>,
    pub(super) entries: Vec<ShownEntry>,
    pub(super) extensions: Vec<Extension>,
    /// Why certgen does not use such a list.
    pub(super) refused: Option<String>,
    /// Whether it could not be read to its end.
    pub(super) is_damaged: bool,
    pub(super) notes: Vec<String>,
}

impl ShownList {
    pub(super) fn read(der: &[u8]) -> Self {
        let refused = match RevocationList::from_der(der) {
            Err(error) => Some(error.to_string()),
            Ok(list) => list
                .unsupported_feature()
                .map(|feature| format!("it is of a kind that is not used: {feature}")),
        };
        let mut shown = Self {
            der: der.to_vec(),
            refused,
            ..Self::default()
        };
        if let Err(broken) = shown.fill(der) {
            shown.is_damaged = true;
            shown
                .notes
                .push(format!("it is damaged and shown as far as it can be read: {broken}"));
        }
        if let Some(algorithm) = shown
            .signature_algorithm
            .as_ref()
            .filter(|algorithm| algorithm.is_broken())
        {
            shown
                .notes
                .push(format!("{} can be forged; nothing current accepts it", algorithm.name));
        }
        shown
    }

    fn fill(&mut self, der: &[u8]) -> Result<(), Broken> {
        let (outer, outer_is_whole) = Reader::new(der).next_clipped()?;
        let mut outer = outer.inside();
        let (signed, is_whole) = outer.next_clipped()?;
        let mut fields = signed.inside();
        // RFC 5280 §5.1.2.1: left out, it is 1.
        let version = fields
            .optional(INTEGER)?
            .map(|version| small(version.contents))
            .transpose()?;
        self.version = version.unwrap_or(0).checked_add(1);
        self.signature_algorithm = Some(Algorithm::read(fields.sequence()?)?);
        self.issuer = Some(DirectoryName::read(&fields.expect(SEQUENCE)?)?);
        self.this_update = Some(moment(&fields.next()?)?);
        if matches!(fields.peek(), Some(UTC_TIME | GENERALIZED_TIME)) {
            self.next_update = Some(moment(&fields.next()?)?);
        }
        if fields.peek() == Some(SEQUENCE) {
            let (list, _) = fields.next_clipped()?;
            let mut entries = list.inside();
            while !entries.is_empty() {
                self.entries.push(ShownEntry::read(&entries.next()?)?);
            }
        }
        if let Some(extensions) = fields.optional(constructed(0))? {
            self.extensions = Extension::read_all(extensions.inside().sequence()?)?;
        }
        if !(outer_is_whole && is_whole) {
            return Err(Broken::EndsEarly);
        }
        outer.sequence()?;
        outer.expect(BIT_STRING)?;
        Ok(())
    }

    pub(super) fn end(&self) -> Option<OffsetDateTime> {
        self.next_update.as_ref()?.time
    }

    /// What it is called in one line: the common name of its issuer or its issuer; safe to print.
    pub(super) fn title(&self) -> String {
        let name = self.issuer.as_ref().filter(|name| !name.is_empty());
        name.map_or_else(
            || "no issuer".to_owned(),
            |name| name.common_name().unwrap_or_else(|| name.text()),
        )
    }

    pub(super) fn json(&self, now: OffsetDateTime) -> Value {
        json!({
            "type": "revocation_list",
            "version": self.version,
            "issuer": self.issuer.as_ref().map(DirectoryName::text),
            "issuer_attributes": self.issuer.as_ref().map(DirectoryName::json),
            "this_update": self.this_update.as_ref().map(shown),
            "next_update": self.next_update.as_ref().map(shown),
            "is_current": self.end().map(|end| now <= end),
            "signature_algorithm": self.signature_algorithm.as_ref().map(Algorithm::json),
            "extensions": self.extensions.iter().map(Extension::json).collect::<Vec<_>>(),
            "revoked": self.entries.iter().map(ShownEntry::json).collect::<Vec<_>>(),
            "sha256": hex(&cryptokit::hash::sha256(&self.der)),
            "refused": self.refused,
            "notes": self.notes,
        })
    }
}
