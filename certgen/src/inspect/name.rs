//! Names in certificates: of subjects and issuers, and the kinds of subjectAltName.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};

use serde_json::{Value, json};

use super::asn1::{Broken, Element, OID, Reader, SEQUENCE, SET, oid_text, outline, string};
use super::oid;
use crate::printable::printable;
use crate::text::hex;

/// One attribute of a name.
#[derive(Clone, Debug)]
pub(super) struct Attribute {
    pub(super) oid: String,
    /// As it is; not safe to print.
    pub(super) value: String,
}

/// The name of a subject or issuer (RFC 5280 §4.1.2.4), in the order of its bytes.
#[derive(Clone, Debug, Default)]
pub(super) struct DirectoryName {
    /// Sets of attributes; nearly always of one each.
    sets: Vec<Vec<Attribute>>,
}

impl DirectoryName {
    pub(super) fn read(element: &Element<'_>) -> Result<Self, Broken> {
        let mut sets = Vec::new();
        for set in element.inside().all()? {
            if set.tag != SET {
                return Err(Broken::Unexpected {
                    expected: SET,
                    found: set.tag,
                });
            }
            sets.push(attributes(set.inside())?);
        }
        Ok(Self { sets })
    }

    /// From the contents of a relative name, as distribution points have them.
    pub(super) fn relative(set: Reader<'_>) -> Result<Self, Broken> {
        Ok(Self {
            sets: vec![attributes(set)?],
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }

    /// The last common name, for headings.
    pub(super) fn common_name(&self) -> Option<String> {
        let name = self.sets.iter().flatten().rfind(|attribute| attribute.oid == "2.5.4.3");
        name.map(|attribute| printable(&attribute.value))
    }

    /// `CN=…, O=…`, safe to print; the characters that separate are escaped (RFC 4514 §2.4).
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for set in &self.sets {
            for (index, attribute) in set.iter().enumerate() {
                match (text.is_empty(), index) {
                    (true, _) => {}
                    (false, 0) => text.push_str(", "),
                    (false, _) => text.push_str(" + "),
                }
                let _ = write!(text, "{}={}", oid::short(&attribute.oid), separated(&attribute.value));
            }
        }
        text
    }

    /// Its attributes in order.
    pub(super) fn json(&self) -> Value {
        self.sets
            .iter()
            .flatten()
            .map(
                |attribute| json!({"oid": attribute.oid, "type": oid::short(&attribute.oid), "value": attribute.value}),
            )
            .collect()
    }
}

fn attributes(reader: Reader<'_>) -> Result<Vec<Attribute>, Broken> {
    let mut attributes = Vec::new();
    for attribute in reader.all()? {
        if attribute.tag != SEQUENCE {
            return Err(Broken::Unexpected {
                expected: SEQUENCE,
                found: attribute.tag,
            });
        }
        let mut fields = attribute.inside();
        let oid = oid_text(fields.expect(OID)?.contents);
        let value = fields.next()?;
        // RFC 4514 §2.4: '#' and the value in hexadecimal, for a value that is not a string.
        let value = string(&value).unwrap_or_else(|| format!("#{}", hex(value.whole)));
        attributes.push(Attribute { oid, value });
    }
    Ok(attributes)
}

/// Safe to print, and no separator of a row of names.
fn separated(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for character in printable(value).chars() {
        if matches!(character, ',' | '+' | '=' | '"' | ';') {
            text.push('\\');
        }
        text.push(character);
    }
    text
}

/// A GeneralName (RFC 5280 §4.2.1.6) as `kind:value`, the forms in which certgen takes names too. Not safe to print.
pub(super) fn general_name(element: &Element<'_>) -> String {
    let text = |kind: &str| {
        let latin: String = element.contents.iter().map(|octet| char::from(*octet)).collect();
        // IA5String; what is not ASCII is nearly always UTF-8.
        let text = String::from_utf8(element.contents.to_vec()).unwrap_or(latin);
        format!("{kind}:{text}")
    };
    match element.tag {
        0x81 => text("email"),
        0x82 => text("dns"),
        0x86 => text("uri"),
        0x87 => match address(element.contents) {
            Some(address) => format!("ip:{address}"),
            None => format!("ip:#{}", hex(element.contents)),
        },
        0x88 => format!("id:{}", oid_text(element.contents)),
        0xa4 => match element
            .inside()
            .expect(SEQUENCE)
            .and_then(|name| DirectoryName::read(&name))
        {
            Ok(name) => format!("directory:{}", name.text()),
            Err(_) => format!("directory:#{}", hex(element.contents)),
        },
        0xa0 => other_name(element).unwrap_or_else(|_| format!("other:#{}", hex(element.contents))),
        tag => format!("unknown[{}]:#{}", tag & 0x1f, hex(element.contents)),
    }
}

/// The names in the contents of a GeneralNames.
pub(super) fn general_names(reader: Reader<'_>) -> Result<Vec<String>, Broken> {
    Ok(reader.all()?.iter().map(general_name).collect())
}

/// An address, or an address with its mask as name constraints have it (RFC 5280 §4.2.1.10).
fn address(octets: &[u8]) -> Option<String> {
    match octets.len() {
        4 => Some(Ipv4Addr::from(<[u8; 4]>::try_from(octets).ok()?).to_string()),
        16 => Some(Ipv6Addr::from(<[u8; 16]>::try_from(octets).ok()?).to_string()),
        8 | 32 => {
            let (address, mask) = octets.split_at(octets.len() / 2);
            let ones = mask
                .iter()
                .map(|octet| octet.leading_ones())
                .take_while(|ones| *ones > 0)
                .sum::<u32>();
            let set: u32 = mask.iter().map(|octet| octet.count_ones()).sum();
            let prefix = mask
                .iter()
                .flat_map(|octet| (0..8).rev().map(move |bit| octet >> bit & 1));
            let contiguous = prefix.take_while(|bit| *bit == 1).count() == set as usize;
            let network = self::address(address)?;
            Some(match contiguous {
                true => format!("{network}/{set}"),
                false => format!("{network}/{}", self::address(mask).unwrap_or_else(|| ones.to_string())),
            })
        }
        _ => None,
    }
}

fn other_name(element: &Element<'_>) -> Result<String, Broken> {
    let mut fields = element.inside();
    let oid = oid_text(fields.expect(OID)?.contents);
    let value = fields.expect(0xa0)?;
    let inner = value.inside().next()?;
    let text = string(&inner)
        .or_else(|| outline(value.contents))
        .unwrap_or_else(|| format!("#{}", hex(value.contents)));
    Ok(format!("other:{}:{text}", oid::short(&oid)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(tag: u8, contents: &[u8]) -> String {
        general_name(&Element {
            tag,
            contents,
            whole: contents,
        })
    }

    #[test]
    fn every_kind_of_name_is_shown() {
        assert_eq!(shown(0x82, b"a.example"), "dns:a.example");
        assert_eq!(shown(0x81, b"a@b"), "email:a@b");
        assert_eq!(shown(0x86, b"spiffe://td/x"), "uri:spiffe://td/x");
        assert_eq!(shown(0x87, &[10, 0, 0, 1]), "ip:10.0.0.1");
        assert_eq!(shown(0x87, &[0; 16]), "ip:::");
        assert_eq!(shown(0x87, &[10, 0, 0, 0, 255, 0, 0, 0]), "ip:10.0.0.0/8");
        assert_eq!(shown(0x87, &[10, 0, 0, 0, 255, 0, 255, 0]), "ip:10.0.0.0/255.0.255.0");
        assert_eq!(shown(0x87, &[1]), "ip:#01");
        assert_eq!(shown(0x88, &[0x2a, 0x03]), "id:1.2.3");
        assert_eq!(shown(0xa4, b"\x30\x00"), "directory:");
        assert_eq!(shown(0xa0, b"\x06\x02\x2a\x03\xa0\x03\x0c\x01x"), "other:1.2.3:x");
        assert_eq!(shown(0xa0, b"\x06"), "other:#06");
        assert_eq!(shown(0xa3, b"x"), "unknown[3]:#78");
    }

    #[test]
    fn no_value_of_a_name_ends_early_or_hides() {
        let name = DirectoryName {
            sets: vec![
                vec![
                    Attribute {
                        oid: "2.5.4.3".to_owned(),
                        value: "a, O=Bank\u{1b}".to_owned(),
                    },
                    Attribute {
                        oid: "1.2.3".to_owned(),
                        value: "x".to_owned(),
                    },
                ],
                vec![Attribute {
                    oid: "2.5.4.10".to_owned(),
                    value: "Größe".to_owned(),
                }],
            ],
        };
        assert_eq!(name.text(), "CN=a\\, O\\=Bank\\u{1b} + 1.2.3=x, O=Größe");
    }
}
