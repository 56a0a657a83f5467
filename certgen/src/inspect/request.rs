//! Certification requests (RFC 2986).

use cryptokit::x509::CertificationRequest;
use serde_json::{Value, json};

use super::asn1::{Broken, INTEGER, OID, Reader, SEQUENCE, constructed, oid_text, outline, small, string};
use super::extension::Extension;
use super::name::DirectoryName;
use super::oid;
use super::public_key::{Algorithm, ShownKey};
use crate::printable::printable;
use crate::text::hex;

const EXTENSION_REQUEST: &str = "1.2.840.113549.1.9.14";

/// A request, field by field; what could not be read is missing.
#[derive(Clone, Debug, Default)]
pub(super) struct ShownRequest {
    pub(super) der: Vec<u8>,
    pub(super) subject: Option<DirectoryName>,
    pub(super) key: Option<ShownKey>,
    pub(super) signature_algorithm: Option<Algorithm>,
    /// The extensions it asks for.
    pub(super) extensions: Vec<Extension>,
    /// What else it says: type and value, safe to print.
    pub(super) attributes: Vec<(String, String)>,
    /// Why certgen signs no such request.
    pub(super) refused: Option<String>,
    /// Whether it could not be read to its end.
    pub(super) is_damaged: bool,
    pub(super) notes: Vec<String>,
}

impl ShownRequest {
    pub(super) fn read(der: &[u8]) -> Self {
        let mut shown = Self {
            der: der.to_vec(),
            // This also verifies that the key signed it.
            refused: CertificationRequest::from_der(der).err().map(|error| error.to_string()),
            ..Self::default()
        };
        if let Err(broken) = shown.fill(der) {
            shown.is_damaged = true;
            shown
                .notes
                .push(format!("it is damaged and shown as far as it can be read: {broken}"));
        }
        shown
    }

    fn fill(&mut self, der: &[u8]) -> Result<(), Broken> {
        let (outer, outer_is_whole) = Reader::new(der).next_clipped()?;
        let mut outer = outer.inside();
        let (information, is_whole) = outer.next_clipped()?;
        let mut fields = information.inside();
        let version = small(fields.expect(INTEGER)?.contents)?;
        if version != 0 {
            self.notes.push(format!(
                "its version is {}, where RFC 2986 knows 1",
                version.saturating_add(1)
            ));
        }
        self.subject = Some(DirectoryName::read(&fields.expect(SEQUENCE)?)?);
        self.key = Some(ShownKey::read(fields.expect(SEQUENCE)?.whole)?);
        if let Some(attributes) = fields.optional(constructed(0))? {
            for attribute in attributes.inside().all()? {
                self.attribute(attribute.inside())?;
            }
        }
        if !(outer_is_whole && is_whole) {
            return Err(Broken::EndsEarly);
        }
        self.signature_algorithm = Some(Algorithm::read(outer.sequence()?)?);
        Ok(())
    }

    fn attribute(&mut self, mut fields: Reader<'_>) -> Result<(), Broken> {
        let oid = oid_text(fields.expect(OID)?.contents);
        let values = fields.next()?;
        if oid == EXTENSION_REQUEST {
            self.extensions
                .extend(Extension::read_all(values.inside().sequence()?)?);
            return Ok(());
        }
        let text = match oid.as_str() {
            // RFC 2985 §5.4.1: a password, and somebody's secret.
            "1.2.840.113549.1.9.7" => "(not shown)".to_owned(),
            _ => {
                let value = values.inside().next()?;
                let text = string(&value).map(|text| printable(&text));
                text.or_else(|| outline(value.whole))
                    .unwrap_or_else(|| hex(value.whole))
            }
        };
        self.attributes.push((oid, text));
        Ok(())
    }

    /// What it is called in one line: its common name or its subject; safe to print.
    pub(super) fn title(&self) -> String {
        let name = self.subject.as_ref().filter(|name| !name.is_empty());
        name.map_or_else(
            || "no subject".to_owned(),
            |name| name.common_name().unwrap_or_else(|| name.text()),
        )
    }

    pub(super) fn json(&self) -> Value {
        let attributes = self.attributes.iter();
        let attributes = attributes.map(|(oid, value)| json!({"oid": oid, "name": oid::name(oid), "value": value}));
        json!({
            "type": "certification_request",
            "subject": self.subject.as_ref().map(DirectoryName::text),
            "subject_attributes": self.subject.as_ref().map(DirectoryName::json),
            "public_key": self.key.as_ref().map(ShownKey::json),
            "signature_algorithm": self.signature_algorithm.as_ref().map(Algorithm::json),
            "requested_extensions": self.extensions.iter().map(Extension::json).collect::<Vec<_>>(),
            "attributes": attributes.collect::<Vec<_>>(),
            "sha256": hex(&cryptokit::hash::sha256(&self.der)),
            "refused": self.refused,
            "notes": self.notes,
        })
    }
}
