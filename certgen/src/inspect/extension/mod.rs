//! Extensions of certificates, requests and revocation lists (RFC 5280 §4.2 and §5.2), each with its value in words.

mod constraints;
mod distribution;
mod policies;
mod transparency;

use serde_json::{Value, json};

use super::asn1::{
    BIT_STRING, BOOLEAN, Broken, ENUMERATED, Element, INTEGER, OCTET_STRING, OID, Reader, SEQUENCE, bits, context,
    moment, oid_text, outline, small, string,
};
use super::name::general_names;
use super::oid;
use crate::printable::{colon_hex, printable};
use crate::text::hex;

/// An extension and what it says.
#[derive(Clone, Debug)]
pub(super) struct Extension {
    pub(super) oid: String,
    pub(super) critical: bool,
    pub(super) value: Vec<u8>,
    /// What it says, where its form is known and kept.
    pub(super) decoded: Option<Decoded>,
    /// Why its value is not what its standard says.
    pub(super) broken: Option<String>,
}

/// What an extension says: lines that are safe to print, and the same for programs.
#[derive(Clone, Debug)]
pub(super) struct Decoded {
    pub(super) lines: Vec<String>,
    pub(super) json: Value,
}

impl Decoded {
    fn new(line: impl Into<String>, json: Value) -> Self {
        Self {
            lines: vec![line.into()],
            json,
        }
    }

    /// One line for each text, which is from outside.
    fn texts(texts: &[String]) -> Self {
        Self {
            lines: texts.iter().map(|text| printable(text)).collect(),
            json: json!(texts),
        }
    }
}

impl Extension {
    /// Reads the contents of an `Extension`.
    pub(super) fn read(element: &Element<'_>) -> Result<Self, Broken> {
        if element.tag != SEQUENCE {
            return Err(Broken::Unexpected {
                expected: SEQUENCE,
                found: element.tag,
            });
        }
        let mut fields = element.inside();
        let oid = oid_text(fields.expect(OID)?.contents);
        let critical = fields.optional(BOOLEAN)?.is_some_and(|flag| flag.contents != [0]);
        let value = fields.expect(OCTET_STRING)?.contents;
        let (decoded, broken) = match decode(&oid, value) {
            None => (None, None),
            Some(Ok(decoded)) => (Some(decoded), None),
            Some(Err(broken)) => (None, Some(broken.to_string())),
        };
        Ok(Self {
            oid,
            critical,
            value: value.to_vec(),
            decoded,
            broken,
        })
    }

    /// The extensions in the contents of an `Extensions`.
    pub(super) fn read_all(reader: Reader<'_>) -> Result<Vec<Self>, Broken> {
        reader.all()?.iter().map(Self::read).collect()
    }

    /// What it says, or its bytes.
    pub(super) fn lines(&self) -> Vec<String> {
        if let Some(decoded) = &self.decoded {
            return decoded.lines.clone();
        }
        let raw = outline(&self.value).unwrap_or_else(|| colon_hex(&self.value));
        match &self.broken {
            Some(broken) => vec![format!("not readable: {broken}"), raw],
            None => vec![raw],
        }
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "oid": self.oid,
            "name": oid::name(&self.oid),
            "critical": self.critical,
            "value": self.decoded.as_ref().map(|decoded| &decoded.json),
            "der": hex(&self.value),
            "broken": self.broken,
        })
    }
}

pub(super) const SUBJECT_ALT_NAME: &str = "2.5.29.17";
pub(super) const BASIC_CONSTRAINTS: &str = "2.5.29.19";
pub(super) const KEY_USAGE: &str = "2.5.29.15";
pub(super) const EXTENDED_KEY_USAGE: &str = "2.5.29.37";

/// The value by its form; `None` for an extension that nothing here knows.
fn decode(oid: &str, value: &[u8]) -> Option<Result<Decoded, Broken>> {
    let mut reader = Reader::new(value);
    let decoded = match oid {
        "2.5.29.14" => key_identifier(&mut reader),
        KEY_USAGE => flags(&mut reader, &KEY_USAGES),
        "2.5.29.16" => private_key_usage_period(&mut reader),
        SUBJECT_ALT_NAME | "2.5.29.18" | "2.5.29.29" => names(&mut reader),
        BASIC_CONSTRAINTS => constraints::basic(&mut reader),
        "2.5.29.20" | "2.5.29.27" => number(&mut reader),
        "2.5.29.21" => reason(&mut reader),
        "2.5.29.24" => time(&mut reader),
        "2.5.29.28" => distribution::issuing_point(&mut reader),
        "2.5.29.30" => constraints::names(&mut reader),
        "2.5.29.31" | "2.5.29.46" => distribution::points(&mut reader),
        "2.5.29.32" | "1.3.6.1.4.1.311.21.10" => policies::policies(&mut reader),
        "2.5.29.33" => policies::mappings(&mut reader),
        "2.5.29.35" => authority_key_identifier(&mut reader),
        "2.5.29.36" => policies::constraints(&mut reader),
        EXTENDED_KEY_USAGE => purposes(&mut reader),
        "2.5.29.54" | "1.3.6.1.4.1.311.21.1" => number(&mut reader),
        "2.5.29.56" | "1.3.6.1.5.5.7.48.1.5" | "1.3.6.1.4.1.11129.2.4.3" => null(&mut reader),
        "1.3.6.1.5.5.7.1.1" | "1.3.6.1.5.5.7.1.11" => distribution::access(&mut reader),
        "1.3.6.1.5.5.7.1.3" => policies::statements(&mut reader),
        "1.3.6.1.5.5.7.1.24" => tls_features(&mut reader),
        "1.3.6.1.4.1.11129.2.4.2" => transparency::timestamps(&mut reader),
        "1.3.6.1.4.1.311.20.2" | "2.16.840.1.113730.1.13" => text(&mut reader),
        "2.16.840.1.113730.1.1" => flags(&mut reader, &NETSCAPE_TYPES),
        _ => return None,
    };
    // Bytes after the value would be read by some and skipped by others.
    Some(decoded.and_then(|decoded| {
        if reader.is_empty() {
            Ok(decoded)
        } else {
            Err(Broken::Value)
        }
    }))
}

/// RFC 5280 §4.2.1.2.
fn key_identifier(reader: &mut Reader<'_>) -> Result<Decoded, Broken> {
    let id = reader.expect(OCTET_STRING)?.contents;
    Ok(Decoded::new(colon_hex(id), json!(hex(id))))
}

/// RFC 5280 §4.2.1.1.
fn authority_key_identifier(reader: &mut Reader<'_>) -> Result<Decoded, Broken> {
    let mut fields = reader.sequence()?;
    let id = fields.optional(context(0))?.map(|id| id.contents);
    let issuer = fields.optional(super::asn1::constructed(1))?;
    let issuer = issuer.map(|names| general_names(names.inside())).transpose()?;
    let serial = fields.optional(context(2))?.map(|serial| serial.contents);
    let mut lines: Vec<String> = id.map(colon_hex).into_iter().collect();
    for name in issuer.iter().flatten() {
        lines.push(format!("issuer {}", printable(name)));
    }
    if let Some(serial) = serial {
        lines.push(format!("serial {}", colon_hex(serial)));
    }
    if lines.is_empty() {
        lines.push("names no key".to_owned());
    }
    let json = json!({"key_identifier": id.map(hex), "issuer": issuer, "serial": serial.map(hex)});
    Ok(Decoded { lines, json })
}

/// RFC 5280 §4.2.1.3.
const KEY_USAGES: [&str; 9] = [
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

const NETSCAPE_TYPES: [&str; 8] = [
    "sslClient",
    "sslServer",
    "smime",
    "objectSigning",
    "reserved",
    "sslCA",
    "smimeCA",
    "objectSigningCA",
];

fn flags(reader: &mut Reader<'_>, names: &[&str]) -> Result<Decoded, Broken> {
    let (octets, _) = bits(reader.expect(BIT_STRING)?.contents)?;
    let set = flag_names(octets, names);
    let line = if set.is_empty() {
        "nothing".to_owned()
    } else {
        set.join(", ")
    };
    Ok(Decoded::new(line, json!(set)))
}

/// The names of the bits that are set; a bit without a name is shown by its number.
fn flag_names(octets: &[u8], names: &[&str]) -> Vec<String> {
    // More bits than anybody has given names to are not worth a line each.
    (0..octets.len().min(4) * 8)
        .filter(|bit| octets[bit / 8] & (0x80 >> (bit % 8)) != 0)
        .map(|bit| {
            names
                .get(bit)
                .map_or_else(|| format!("bit {bit}"), |name| (*name).to_owned())
        })
        .collect()
}

/// RFC 5280 §4.2.1.12.
fn purposes(reader: &mut Reader<'_>) -> Result<Decoded, Broken> {
    let mut oids = Vec::new();
    for purpose in reader.sequence()?.all()? {
        if purpose.tag != OID {
            return Err(Broken::Unexpected {
                expected: OID,
                found: purpose.tag,
            });
        }
        oids.push(oid_text(purpose.contents));
    }
    let names: Vec<&str> = oids.iter().map(|oid| oid::short(oid)).collect();
    Ok(Decoded::new(names.join(", "), json!(names)))
}

/// RFC 5280 §4.2.1.6.
fn names(reader: &mut Reader<'_>) -> Result<Decoded, Broken> {
    Ok(Decoded::texts(&general_names(reader.sequence()?)?))
}

/// Numbers of revocation lists (RFC 5280 §5.2.3) have up to 20 octets.
fn number(reader: &mut Reader<'_>) -> Result<Decoded, Broken> {
    let contents = reader.expect(INTEGER)?.contents;
    Ok(match small(contents) {
        Ok(number) => Decoded::new(number.to_string(), json!(number)),
        Err(_) => Decoded::new(format!("0x{}", hex(contents)), json!(format!("0x{}", hex(contents)))),
    })
}

/// RFC 5280 §5.3.1.
fn reason(reader: &mut Reader<'_>) -> Result<Decoded, Broken> {
    let reason = small(reader.expect(ENUMERATED)?.contents)?;
    let name = REASONS.iter().find(|(number, _)| *number == reason);
    let name = name.map_or_else(|| format!("reason {reason}"), |(_, name)| (*name).to_owned());
    Ok(Decoded::new(name.clone(), json!(name)))
}

const REASONS: [(u64, &str); 10] = [
    (0, "unspecified"),
    (1, "keyCompromise"),
    (2, "cACompromise"),
    (3, "affiliationChanged"),
    (4, "superseded"),
    (5, "cessationOfOperation"),
    (6, "certificateHold"),
    (8, "removeFromCRL"),
    (9, "privilegeWithdrawn"),
    (10, "aACompromise"),
];

/// RFC 5280 §5.3.2.
fn time(reader: &mut Reader<'_>) -> Result<Decoded, Broken> {
    let shown = super::time::shown(&moment(&reader.next()?)?);
    Ok(Decoded::new(shown.clone(), json!(shown)))
}

/// RFC 3280 §4.2.1.4; RFC 5280 has dropped it.
fn private_key_usage_period(reader: &mut Reader<'_>) -> Result<Decoded, Broken> {
    let mut fields = reader.sequence()?;
    let mut lines = Vec::new();
    let mut json = serde_json::Map::new();
    for (tag, name) in [(0, "not_before"), (1, "not_after")] {
        if let Some(time) = fields.optional(context(tag))? {
            let time = Element {
                tag: super::asn1::GENERALIZED_TIME,
                ..time
            };
            let shown = super::time::shown(&moment(&time)?);
            lines.push(format!("{} {shown}", name.replace('_', " ")));
            json.insert(name.to_owned(), json!(shown));
        }
    }
    Ok(Decoded {
        lines,
        json: Value::Object(json),
    })
}

fn null(reader: &mut Reader<'_>) -> Result<Decoded, Broken> {
    reader.expect(0x05)?;
    Ok(Decoded::new("yes", json!(true)))
}

/// RFC 7633 §4: numbers of TLS extensions.
fn tls_features(reader: &mut Reader<'_>) -> Result<Decoded, Broken> {
    let mut features = Vec::new();
    for feature in reader.sequence()?.all()? {
        features.push(match small(feature.contents)? {
            5 => "status_request (the server must staple an OCSP response)".to_owned(),
            17 => "status_request_v2".to_owned(),
            other => format!("extension {other}"),
        });
    }
    Ok(Decoded::texts(&features))
}

fn text(reader: &mut Reader<'_>) -> Result<Decoded, Broken> {
    let text = string(&reader.next()?).ok_or(Broken::Value)?;
    Ok(Decoded::texts(&[text]))
}
