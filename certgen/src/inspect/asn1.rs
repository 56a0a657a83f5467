//! ASN.1 as it is found (X.690), read for showing: lengths in more octets than needed and other odd spellings pass.
//!
//! Nothing that decides reads this way; cryptokit's reader does, which takes DER and nothing else.

use std::fmt::Write as _;

use time::{Date, Month, OffsetDateTime, Time, UtcOffset};

use crate::printable::printable;
use crate::text::hex;

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OID: u8 = 0x06;
pub(super) const ENUMERATED: u8 = 0x0a;
pub(super) const UTC_TIME: u8 = 0x17;
pub(super) const GENERALIZED_TIME: u8 = 0x18;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

/// Context tag, primitive.
pub(super) const fn context(number: u8) -> u8 {
    0x80 | number
}

/// Context tag, constructed.
pub(super) const fn constructed(number: u8) -> u8 {
    0xa0 | number
}

/// Why an element cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Broken {
    #[error("it ends in the middle")]
    EndsEarly,
    #[error("a length that is not given (BER), where DER gives every length")]
    IndefiniteLength,
    #[error("a length or tag that no certificate needs")]
    Oversized,
    #[error("{} where {} belongs", tag_name(*found), tag_name(*expected))]
    Unexpected { expected: u8, found: u8 },
    #[error("a value that its type does not have")]
    Value,
}

/// Identifier octet, contents, and both with the length between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Element<'a> {
    pub(super) tag: u8,
    pub(super) contents: &'a [u8],
    pub(super) whole: &'a [u8],
}

impl<'a> Element<'a> {
    /// The elements inside.
    pub(super) fn inside(&self) -> Reader<'a> {
        Reader { rest: self.contents }
    }
}

/// What is left of a row of elements.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    pub(super) rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The tag of the next element.
    pub(super) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    pub(super) fn next(&mut self) -> Result<Element<'a>, Broken> {
        let (tag, header, length) = header(self.rest)?;
        if self.rest.len() - header < length {
            return Err(Broken::EndsEarly);
        }
        Ok(self.take(tag, header, length))
    }

    /// The next element, or as much of it as there is, and whether that is all.
    pub(super) fn next_clipped(&mut self) -> Result<(Element<'a>, bool), Broken> {
        let (tag, header, length) = header(self.rest)?;
        let there = length.min(self.rest.len() - header);
        Ok((self.take(tag, header, there), there == length))
    }

    fn take(&mut self, tag: u8, header: usize, length: usize) -> Element<'a> {
        let (whole, rest) = self.rest.split_at(header + length);
        self.rest = rest;
        Element {
            tag,
            contents: &whole[header..],
            whole,
        }
    }

    pub(super) fn expect(&mut self, expected: u8) -> Result<Element<'a>, Broken> {
        match self.peek() {
            None => Err(Broken::EndsEarly),
            Some(found) if found == expected => self.next(),
            Some(found) => Err(Broken::Unexpected { expected, found }),
        }
    }

    pub(super) fn optional(&mut self, tag: u8) -> Result<Option<Element<'a>>, Broken> {
        match self.peek() {
            Some(found) if found == tag => self.next().map(Some),
            _ => Ok(None),
        }
    }

    /// The elements of a SEQUENCE.
    pub(super) fn sequence(&mut self) -> Result<Self, Broken> {
        Ok(self.expect(SEQUENCE)?.inside())
    }

    /// The rest, one by one, as far as it can be read.
    pub(super) fn all(mut self) -> Result<Vec<Element<'a>>, Broken> {
        let mut elements = Vec::new();
        while !self.is_empty() {
            elements.push(self.next()?);
        }
        Ok(elements)
    }
}

/// Tag, octets of tag and length, octets of contents.
fn header(bytes: &[u8]) -> Result<(u8, usize, usize), Broken> {
    let (&tag, rest) = bytes.split_first().ok_or(Broken::EndsEarly)?;
    let (&first, rest) = rest.split_first().ok_or(Broken::EndsEarly)?;
    if tag & 0x1f == 0x1f {
        return Err(Broken::Oversized);
    }
    match usize::from(first) {
        short @ ..0x80 => Ok((tag, 2, short)),
        0x80 => Err(Broken::IndefiniteLength),
        long => {
            let octets = rest.get(..long & 0x7f).ok_or(Broken::EndsEarly)?;
            let mut length = 0_usize;
            for octet in octets {
                // More than four significant octets reach beyond anything that is read here.
                if length >> 24 != 0 {
                    return Err(Broken::Oversized);
                }
                length = length << 8 | usize::from(*octet);
            }
            Ok((tag, 2 + octets.len(), length))
        }
    }
}

/// Contents of an OBJECT IDENTIFIER in dotted form, or `?` and the contents when they are none.
pub(super) fn oid_text(contents: &[u8]) -> String {
    dotted(contents).unwrap_or_else(|| format!("?{}", hex(contents)))
}

fn dotted(contents: &[u8]) -> Option<String> {
    let mut text = String::new();
    let mut value = 0_u128;
    let mut finished = false;
    for octet in contents {
        if value >> 121 != 0 {
            return None;
        }
        value = value << 7 | u128::from(octet & 0x7f);
        finished = octet & 0x80 == 0;
        if finished {
            // X.690 §8.19.4: the first two arcs share a subidentifier.
            let _ = match (text.is_empty(), value) {
                (false, value) => write!(text, ".{value}"),
                (true, value @ ..80) => write!(text, "{}.{}", value / 40, value % 40),
                (true, value) => write!(text, "2.{}", value - 80),
            };
            value = 0;
        }
    }
    finished.then_some(text)
}

/// Contents of an INTEGER or ENUMERATED that is small and not negative.
pub(super) fn small(contents: &[u8]) -> Result<u64, Broken> {
    if contents.is_empty() || contents[0] & 0x80 != 0 {
        return Err(Broken::Value);
    }
    let significant = &contents[contents.iter().take_while(|octet| **octet == 0).count()..];
    if significant.len() > 8 {
        return Err(Broken::Value);
    }
    Ok(significant
        .iter()
        .fold(0, |value, octet| value << 8 | u64::from(*octet)))
}

/// Contents of a BIT STRING: its octets and how many bits of the last are not used.
pub(super) fn bits(contents: &[u8]) -> Result<(&[u8], u8), Broken> {
    match contents {
        [unused @ ..=7, octets @ ..] => Ok((octets, *unused)),
        _ => Err(Broken::Value),
    }
}

/// A character string of any of the types that names are made of (X.680 §41), or `None` when it is none or its octets
/// are not of its type.
pub(super) fn string(element: &Element<'_>) -> Option<String> {
    let contents = element.contents;
    match element.tag {
        // UTF8String.
        0x0c => String::from_utf8(contents.to_vec()).ok(),
        // NumericString, PrintableString, IA5String, VisibleString: ASCII. What is not is shown as Latin-1.
        // T61String: in practice Latin-1.
        0x12 | 0x13 | 0x14 | 0x16 | 0x1a => Some(contents.iter().map(|octet| char::from(*octet)).collect()),
        // UniversalString.
        0x1c if contents.len().is_multiple_of(4) => contents
            .chunks_exact(4)
            .map(|four| char::from_u32(u32::from_be_bytes([four[0], four[1], four[2], four[3]])))
            .collect(),
        // BMPString.
        0x1e if contents.len().is_multiple_of(2) => {
            let units = contents.chunks_exact(2).map(|two| u16::from_be_bytes([two[0], two[1]]));
            char::decode_utf16(units).collect::<Result<_, _>>().ok()
        }
        _ => None,
    }
}

/// A time as it is written, and which it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) text: String,
    pub(super) time: Option<OffsetDateTime>,
    /// Whether it is written as RFC 5280 §4.1.2.5 asks.
    pub(super) regular: bool,
}

/// A UTCTime or GeneralizedTime, with offsets and fractions too.
pub(super) fn moment(element: &Element<'_>) -> Result<Moment, Broken> {
    if !matches!(element.tag, UTC_TIME | GENERALIZED_TIME) {
        return Err(Broken::Unexpected {
            expected: UTC_TIME,
            found: element.tag,
        });
    }
    let text: String = element.contents.iter().map(|octet| char::from(*octet)).collect();
    let time = time_of(element.tag, &text);
    let length = if element.tag == UTC_TIME { 13 } else { 15 };
    // RFC 5280 §4.1.2.5: UTCTime for every year that it can say.
    let right_type = time.is_some_and(|time| (element.tag == UTC_TIME) == (1950..2050).contains(&time.year()));
    Ok(Moment {
        regular: right_type && text.len() == length && text.ends_with('Z'),
        text,
        time,
    })
}

fn time_of(tag: u8, text: &str) -> Option<OffsetDateTime> {
    if !text.is_ascii() {
        return None;
    }
    let year_digits = if tag == UTC_TIME { 2 } else { 4 };
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (numbers, zone) = text.split_at(digits);
    let pair = |at: usize| numbers.get(at..at + 2)?.parse::<u8>().ok();
    let year = match (numbers.get(..year_digits)?.parse::<i32>().ok()?, tag) {
        (year @ 50.., UTC_TIME) => 1900 + year,
        (year, UTC_TIME) => 2000 + year,
        (year, _) => year,
    };
    let month = Month::try_from(pair(year_digits)?).ok()?;
    let date = Date::from_calendar_date(year, month, pair(year_digits + 2)?).ok()?;
    let second = if digits > year_digits + 8 {
        pair(year_digits + 8)?
    } else {
        0
    };
    let time = Time::from_hms(pair(year_digits + 4)?, pair(year_digits + 6)?, second).ok()?;
    let zone = zone
        .trim_start_matches(['.', ','])
        .trim_start_matches(|character: char| character.is_ascii_digit());
    let offset = match zone.as_bytes() {
        [] | [b'Z'] => UtcOffset::UTC,
        [sign @ (b'+' | b'-'), ..] if zone.len() == 5 => {
            let (hours, minutes) = (zone.get(1..3)?.parse::<i8>().ok()?, zone.get(3..5)?.parse::<i8>().ok()?);
            let sign = if *sign == b'-' { -1 } else { 1 };
            UtcOffset::from_hms(sign * hours, sign * minutes, 0).ok()?
        }
        _ => return None,
    };
    let local = date.with_time(time).assume_offset(offset);
    // Near the ends of the calendar the same moment may have no date in UTC.
    local.checked_to_offset(UtcOffset::UTC)
}

/// What an element is, in one line: for values that nothing here knows.
pub(super) fn outline(bytes: &[u8]) -> Option<String> {
    let mut reader = Reader::new(bytes);
    let element = reader.next().ok()?;
    let mut text = String::new();
    push_outline(&mut text, &element, 0)?;
    reader.is_empty().then_some(text)
}

fn push_outline(text: &mut String, element: &Element<'_>, depth: usize) -> Option<()> {
    // Deep and long values are not worth a line.
    if depth > 8 || text.len() > 2000 {
        return None;
    }
    text.push_str(&tag_name(element.tag));
    if element.tag & 0x20 != 0 {
        text.push_str(" {");
        for (index, inner) in element.inside().all().ok()?.iter().enumerate() {
            text.push_str(if index == 0 { " " } else { ", " });
            push_outline(text, inner, depth + 1)?;
        }
        text.push_str(" }");
        return Some(());
    }
    match element.tag {
        0x05 => {}
        BOOLEAN => text.push_str(if element.contents == [0] { " FALSE" } else { " TRUE" }),
        OID => {
            let _ = write!(text, " {}", oid_text(element.contents));
        }
        INTEGER | ENUMERATED => {
            let _ = match small(element.contents) {
                Ok(value) => write!(text, " {value}"),
                Err(_) => write!(text, " 0x{}", hex(element.contents)),
            };
        }
        UTC_TIME | GENERALIZED_TIME => {
            let _ = write!(text, " {}", printable(&String::from_utf8_lossy(element.contents)));
        }
        _ => {
            let _ = match string(element) {
                Some(string) => write!(text, " \"{}\"", printable(&string)),
                None => write!(text, " {}", hex(element.contents)),
            };
        }
    }
    Some(())
}

/// The name of a type, or the tag.
fn tag_name(tag: u8) -> String {
    let name = match tag {
        BOOLEAN => "BOOLEAN",
        INTEGER => "INTEGER",
        BIT_STRING => "BIT STRING",
        OCTET_STRING => "OCTET STRING",
        0x05 => "NULL",
        OID => "OBJECT IDENTIFIER",
        ENUMERATED => "ENUMERATED",
        0x0c => "UTF8String",
        0x12 => "NumericString",
        0x13 => "PrintableString",
        0x14 => "T61String",
        0x16 => "IA5String",
        UTC_TIME => "UTCTime",
        GENERALIZED_TIME => "GeneralizedTime",
        0x1a => "VisibleString",
        0x1c => "UniversalString",
        0x1e => "BMPString",
        SEQUENCE => "SEQUENCE",
        SET => "SET",
        0x80..=0xbf => return format!("[{}]", tag & 0x1f),
        _ => return format!("tag 0x{tag:02x}"),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_in_dotted_form() {
        assert_eq!(oid_text(&[0x55, 0x1d, 0x13]), "2.5.29.19");
        assert_eq!(oid_text(&[0x2a, 0x86, 0x48]), "1.2.840");
        assert_eq!(oid_text(&[0x88, 0x37, 0x03]), "2.999.3");
        assert_eq!(oid_text(&[]), "?");
        assert_eq!(oid_text(&[0x55, 0x80]), "?5580");
        assert_eq!(oid_text(&[0xff; 30]), format!("?{}", "ff".repeat(30)));
    }

    #[test]
    fn times_in_every_spelling() {
        let read = |tag, text: &'static str| {
            let element = Element {
                tag,
                contents: text.as_bytes(),
                whole: &[],
            };
            moment(&element).map(|moment| (moment.time.map(|time| time.to_string()), moment.regular))
        };
        let noon = Some("2026-01-02 12:00:00.0 +00:00:00".to_owned());
        assert_eq!(read(UTC_TIME, "260102120000Z"), Ok((noon.clone(), true)));
        assert_eq!(read(UTC_TIME, "2601021200Z"), Ok((noon.clone(), false)));
        assert_eq!(read(UTC_TIME, "260102140000+0200"), Ok((noon.clone(), false)));
        assert_eq!(read(GENERALIZED_TIME, "20260102120000.5Z"), Ok((noon.clone(), false)));
        assert_eq!(
            read(GENERALIZED_TIME, "20260102120000Z"),
            Ok((noon, false)),
            "belongs in UTCTime"
        );
        for nonsense in [
            "",
            "Z",
            "269999120000Z",
            "2601",
            "260102120000+99",
            "ä60102120000Z",
            "99999999999999+9999",
        ] {
            assert_eq!(read(UTC_TIME, nonsense), Ok((None, false)), "{nonsense}");
            assert_eq!(read(GENERALIZED_TIME, nonsense), Ok((None, false)), "{nonsense}");
        }
        assert_eq!(
            read(GENERALIZED_TIME, "00000101000000+2359").map(|(time, _)| time.is_some()),
            Ok(true)
        );
        assert!(read(INTEGER, "260102120000Z").is_err());
    }

    #[test]
    fn strings_of_every_type() {
        let read = |tag, contents: &'static [u8]| {
            string(&Element {
                tag,
                contents,
                whole: &[],
            })
        };
        assert_eq!(read(0x0c, "ü".as_bytes()), Some("ü".to_owned()));
        assert_eq!(read(0x0c, &[0xff]), None);
        assert_eq!(read(0x14, &[0xfc]), Some("ü".to_owned()));
        assert_eq!(read(0x1e, &[0, 0xfc]), Some("ü".to_owned()));
        assert_eq!(read(0x1e, &[0xd8, 0]), None);
        assert_eq!(read(0x1c, &[0, 1, 0xf5, 0x12]), Some("\u{1f512}".to_owned()));
        assert_eq!(read(0x1c, &[0, 1]), None);
    }

    #[test]
    fn values_nobody_knows_in_one_line() {
        assert_eq!(
            outline(b"\x30\x0a\x02\x01\x05\x0c\x02h\x1b\x01\x01\xff").as_deref(),
            Some("SEQUENCE { INTEGER 5, UTF8String \"h\\u{1b}\", BOOLEAN TRUE }")
        );
        assert_eq!(outline(b"\x05\x00").as_deref(), Some("NULL"));
        assert_eq!(outline(b"\x05\x00\x00"), None);
        assert_eq!(outline(b"text"), None);
        assert_eq!(outline(&[0x30, 0x80].repeat(9)), None);
    }
}
