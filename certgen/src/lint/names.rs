//! Distinguished names (RFC 5280 §4.1.2.4, §4.1.2.6, §A.1).

use super::Findings;
use super::table;
use crate::der::{
    BMP_STRING, Element, IA5_STRING, Malformed, OID, PRINTABLE_STRING, SEQUENCE, SET, TELETEX_STRING, UNIVERSAL_STRING,
    UTF8_STRING, oid_text,
};

/// One attribute of a name.
pub(super) struct Attribute<'a> {
    /// Contents of the OID.
    pub(super) kind: &'a [u8],
    pub(super) value: Element<'a>,
}

impl Attribute<'_> {
    /// The value as text, where its type is one of today's.
    pub(super) fn text(&self) -> Option<&str> {
        match self.value.tag {
            UTF8_STRING | PRINTABLE_STRING | IA5_STRING => std::str::from_utf8(self.value.contents).ok(),
            _ => None,
        }
    }
}

pub(super) const COMMON_NAME: &[u8] = &[0x55, 0x04, 3];
const COUNTRY: &[u8] = &[0x55, 0x04, 6];

/// The attributes, in order.
pub(super) fn attributes(name: Element<'_>) -> Result<Vec<Attribute<'_>>, Malformed> {
    let mut found = Vec::new();
    for relative in name.inside().elements()? {
        if relative.tag != SET || relative.contents.is_empty() {
            return Err(Malformed);
        }
        for attribute in relative.inside().elements()? {
            if attribute.tag != SEQUENCE {
                return Err(Malformed);
            }
            let mut fields = attribute.inside();
            let kind = fields.expect(OID)?.contents;
            let value = fields.element()?;
            found.push(Attribute { kind, value });
        }
    }
    Ok(found)
}

/// For people: `CN=…, O=…`, with everything escaped that could steer a terminal.
pub(super) fn text(name: Element<'_>) -> String {
    let Ok(attributes) = attributes(name) else {
        return "a name that is not readable".to_owned();
    };
    let parts = attributes.iter().map(|attribute| {
        let value = attribute.text().map_or_else(|| "?".to_owned(), escaped);
        format!("{}={value}", kind_text(attribute.kind))
    });
    parts.collect::<Vec<_>>().join(", ")
}

/// What is not plainly visible, by its number.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        if character.is_alphanumeric() || character.is_ascii_graphic() || character == ' ' {
            out.push(character);
        } else {
            out.extend(character.escape_unicode());
        }
    }
    out
}

/// `what` is `subject` or `issuer`.
pub(super) fn check(what: &str, name: Element<'_>, findings: &mut Findings) {
    let Ok(attributes) = attributes(name) else {
        findings.add_at(&table::DN_MALFORMED, what);
        return;
    };
    for attribute in &attributes {
        check_attribute(&format!("{what}, {}", kind_text(attribute.kind)), attribute, findings);
    }
}

fn check_attribute(at: &str, attribute: &Attribute<'_>, findings: &mut Findings) {
    let Element { tag, contents, .. } = attribute.value;
    match tag {
        TELETEX_STRING | BMP_STRING | UNIVERSAL_STRING => findings.add_at(&table::DN_STRING_TYPE, at),
        PRINTABLE_STRING if !contents.iter().all(|octet| is_printable(*octet)) => {
            findings.add_at(&table::DN_PRINTABLE, at);
        }
        UTF8_STRING | IA5_STRING if attribute.text().is_none() => findings.add_at(&table::DN_MALFORMED, at),
        _ => {}
    }
    if contents.is_empty() {
        findings.add_at(&table::DN_EMPTY_VALUE, at);
    }
    if let Some(text) = attribute.text() {
        if text.chars().any(char::is_control) {
            findings.add_at(&table::DN_CONTROL, at);
        }
        if upper_bound(attribute.kind).is_some_and(|bound| text.chars().count() > bound) {
            findings.add_at(&table::DN_TOO_LONG, at);
        }
    }
    let is_country = tag == PRINTABLE_STRING && contents.len() == 2 && contents.iter().all(u8::is_ascii_uppercase);
    if attribute.kind == COUNTRY && !is_country {
        findings.add_at(&table::COUNTRY_FORM, at);
    }
}

/// X.680 §41.4.
fn is_printable(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&octet)
}

/// RFC 5280 §A.1, in characters.
fn upper_bound(kind: &[u8]) -> Option<usize> {
    match kind {
        // commonName, organizationName, organizationalUnitName, title, serialNumber, pseudonym
        [0x55, 0x04, 3 | 10 | 11 | 12 | 5] => Some(64),
        // localityName, stateOrProvinceName
        [0x55, 0x04, 7 | 8 | 65] => Some(128),
        _ => None,
    }
}

fn kind_text(kind: &[u8]) -> String {
    match kind {
        [0x55, 0x04, 3] => "CN".to_owned(),
        [0x55, 0x04, 6] => "C".to_owned(),
        [0x55, 0x04, 7] => "L".to_owned(),
        [0x55, 0x04, 8] => "ST".to_owned(),
        [0x55, 0x04, 10] => "O".to_owned(),
        [0x55, 0x04, 11] => "OU".to_owned(),
        b"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19" => "DC".to_owned(),
        other => oid_text(other),
    }
}
