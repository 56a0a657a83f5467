//! DER (X.690 §10), as strict as the certificates of others must be read and as small as this crate needs it.
//!
//! Definite lengths in their shortest form, tag numbers below 31, nothing after the end. What a lenient reader would
//! skip is where two readers of one certificate disagree.

use time::{Date, Month, OffsetDateTime, Time};

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const NULL: u8 = 0x05;
pub(super) const OID: u8 = 0x06;
pub(super) const ENUMERATED: u8 = 0x0a;
pub(super) const UTC_TIME: u8 = 0x17;
pub(super) const GENERALIZED_TIME: u8 = 0x18;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

/// `[number]` of a primitive type.
pub(super) const fn context(number: u8) -> u8 {
    0x80 | number
}

/// `[number]` of a constructed type.
pub(super) const fn context_constructed(number: u8) -> u8 {
    0xa0 | number
}

/// The bytes are not the DER that was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// One element: its tag, its contents, and the whole of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element<'a> {
    pub(super) tag: u8,
    pub(super) contents: &'a [u8],
    pub(super) whole: &'a [u8],
}

/// What is left to read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next element, whatever it is.
    pub(super) fn element(&mut self) -> Result<Element<'a>, Malformed> {
        let bytes = self.rest;
        let (&tag, after_tag) = bytes.split_first().ok_or(Malformed)?;
        // Tag numbers from 31 on take more than one byte; nothing in X.509 has them.
        if tag & 0x1f == 0x1f {
            return Err(Malformed);
        }
        let (length, after_length) = length(after_tag)?;
        if after_length.len() < length {
            return Err(Malformed);
        }
        let (contents, rest) = after_length.split_at(length);
        self.rest = rest;
        Ok(Element {
            tag,
            contents,
            whole: &bytes[..bytes.len() - rest.len()],
        })
    }

    /// The next element, which must have this tag.
    pub(super) fn expect(&mut self, tag: u8) -> Result<Element<'a>, Malformed> {
        self.element().and_then(|element| {
            if element.tag == tag {
                Ok(element)
            } else {
                Err(Malformed)
            }
        })
    }

    /// The contents of the next element, which must have this tag.
    pub(super) fn contents(&mut self, tag: u8) -> Result<&'a [u8], Malformed> {
        self.expect(tag).map(|element| element.contents)
    }

    /// A reader of the contents of the next element, which must have this tag.
    pub(super) fn nested(&mut self, tag: u8) -> Result<Self, Malformed> {
        self.contents(tag).map(Self::new)
    }

    /// The next element when it has this tag; else nothing is read.
    pub(super) fn optional(&mut self, tag: u8) -> Result<Option<Element<'a>>, Malformed> {
        if self.rest.first() == Some(&tag) {
            self.element().map(Some)
        } else {
            Ok(None)
        }
    }

    /// Nothing may be left.
    pub(super) fn end(&self) -> Result<(), Malformed> {
        if self.is_empty() { Ok(()) } else { Err(Malformed) }
    }

    /// The contents octets of an INTEGER (X.690 §8.3.2: in their shortest form).
    pub(super) fn integer(&mut self) -> Result<&'a [u8], Malformed> {
        let contents = self.contents(INTEGER)?;
        match contents {
            [] | [0x00, 0x00..=0x7f, ..] | [0xff, 0x80..=0xff, ..] => Err(Malformed),
            _ => Ok(contents),
        }
    }

    /// An INTEGER that is not negative, without its leading zero.
    pub(super) fn unsigned(&mut self) -> Result<&'a [u8], Malformed> {
        match self.integer()? {
            [0x80..=0xff, ..] => Err(Malformed),
            [0x00, rest @ ..] if !rest.is_empty() => Ok(rest),
            contents => Ok(contents),
        }
    }

    /// A BIT STRING of whole octets.
    pub(super) fn octets_of_bit_string(&mut self) -> Result<&'a [u8], Malformed> {
        match self.contents(BIT_STRING)? {
            [0, octets @ ..] => Ok(octets),
            _ => Err(Malformed),
        }
    }

    /// A `BOOLEAN DEFAULT FALSE` under this tag (X.690 §11.1 and §11.5: TRUE is 0xff, FALSE is left out).
    pub(super) fn flag(&mut self, tag: u8) -> Result<bool, Malformed> {
        match self.optional(tag)?.map(|element| element.contents) {
            None => Ok(false),
            Some([0xff]) => Ok(true),
            Some(_) => Err(Malformed),
        }
    }

    /// A `Time` (RFC 5280 §4.1.2.5): UTCTime for 1950 to 2049 or GeneralizedTime, in UTC, with seconds, without
    /// fractions.
    pub(super) fn time(&mut self) -> Result<OffsetDateTime, Malformed> {
        let element = self.element()?;
        let text = element.contents.strip_suffix(b"Z").ok_or(Malformed)?;
        if !text.iter().all(u8::is_ascii_digit) {
            return Err(Malformed);
        }
        let pair = |at: usize| (text[at] - b'0') * 10 + (text[at + 1] - b'0');
        let (year, rest) = match (element.tag, text.len()) {
            // RFC 5280 §4.1.2.5.1.
            (UTC_TIME, 12) => match i32::from(pair(0)) {
                year @ 50.. => (1900 + year, 2),
                year => (2000 + year, 2),
            },
            (GENERALIZED_TIME, 14) => (i32::from(pair(0)) * 100 + i32::from(pair(2)), 4),
            _ => return Err(Malformed),
        };
        let month = Month::try_from(pair(rest)).map_err(|_| Malformed)?;
        let date = Date::from_calendar_date(year, month, pair(rest + 2)).map_err(|_| Malformed)?;
        let time = Time::from_hms(pair(rest + 4), pair(rest + 6), pair(rest + 8)).map_err(|_| Malformed)?;
        Ok(date.with_time(time).assume_utc())
    }
}

/// One element of the concatenated parts.
pub(super) fn write(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = Vec::with_capacity(length + 6);
    out.push(tag);
    let octets = length.to_be_bytes();
    let significant = &octets[octets.iter().take_while(|octet| **octet == 0).count()..];
    match significant {
        [] => out.push(0),
        [short @ ..=0x7f] => out.push(*short),
        long => {
            out.push(0x80 | u8::try_from(long.len()).expect("a length has at most 8 octets"));
            out.extend_from_slice(long);
        }
    }
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

/// Contents octets of an OBJECT IDENTIFIER in dotted form, `?` when they are none.
pub(super) fn oid_text(contents: &[u8]) -> String {
    let last_is_whole = contents.last().is_some_and(|last| last & 0x80 == 0);
    if !last_is_whole {
        return "?".to_owned();
    }
    x509_parser::asn1_rs::Oid::new(contents.into()).to_id_string()
}

/// X.690 §10.1: the definite form, in the fewest octets.
fn length(bytes: &[u8]) -> Result<(usize, &[u8]), Malformed> {
    let (&first, rest) = bytes.split_first().ok_or(Malformed)?;
    if first < 0x80 {
        return Ok((usize::from(first), rest));
    }
    let count = usize::from(first & 0x7f);
    // Four octets reach beyond anything that is read here.
    if !(1..=4).contains(&count) || rest.len() < count {
        return Err(Malformed);
    }
    let (octets, rest) = rest.split_at(count);
    let length = octets
        .iter()
        .fold(0_usize, |length, octet| length << 8 | usize::from(*octet));
    if octets[0] == 0 || length < 0x80 {
        return Err(Malformed);
    }
    Ok((length, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn refuses_everything_but_the_shortest_definite_length() {
        for bad in [
            &[][..],
            &[0x30],
            &[0x30, 0x80, 0, 0],
            &[0x30, 0x81, 0x01, 0],
            &[0x30, 0x82, 0x00, 0x80],
            &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
            &[0x30, 0x88, 0, 0, 0, 0, 0, 0, 0, 1, 0],
            &[0x3f, 0x81, 0x01, 0],
            &[0x30, 0x02, 0],
        ] {
            assert!(Reader::new(bad).element().is_err(), "{bad:02x?}");
        }
    }

    #[test]
    fn refuses_integers_and_flags_in_a_second_form() {
        for bad in [&[2, 0][..], &[2, 2, 0, 0x7f], &[2, 2, 0xff, 0x80]] {
            assert!(Reader::new(bad).integer().is_err(), "{bad:02x?}");
        }
        assert!(Reader::new(&[2, 1, 0x80]).unsigned().is_err());
        for bad in [&[1, 1, 0][..], &[1, 1, 1], &[1, 0]] {
            assert!(Reader::new(bad).flag(BOOLEAN).is_err(), "{bad:02x?}");
        }
        assert_eq!(Reader::new(&[1, 1, 0xff]).flag(BOOLEAN), Ok(true));
    }

    #[test]
    fn refuses_bit_strings_of_no_octets_or_loose_bits() {
        for bad in [&[3, 0][..], &[3, 2, 1, 0], &[3, 1, 8]] {
            assert!(Reader::new(bad).octets_of_bit_string().is_err(), "{bad:02x?}");
        }
        assert_eq!(Reader::new(&[3, 1, 0]).octets_of_bit_string(), Ok(&[][..]));
    }

    #[test]
    fn times_are_those_of_rfc_5280_4_1_2_5() {
        let read = |tag: u8, text: &str| Reader::new(&write(tag, &[text.as_bytes()])).time();
        let year = |tag, text| read(tag, text).map(OffsetDateTime::year);
        assert_eq!(year(UTC_TIME, "491231235959Z"), Ok(2049));
        assert_eq!(year(UTC_TIME, "500101000000Z"), Ok(1950));
        assert_eq!(year(GENERALIZED_TIME, "99991231235959Z"), Ok(9999));
        for (tag, text) in [
            (UTC_TIME, "4912312359Z"),
            (UTC_TIME, "491231235959"),
            (UTC_TIME, "491231235959+0000"),
            (UTC_TIME, "491331235959Z"),
            (UTC_TIME, "490230000000Z"),
            (UTC_TIME, "49123123595\u{ff}Z"),
            (GENERALIZED_TIME, "20491231235959.5Z"),
            (GENERALIZED_TIME, "20491231246059Z"),
            (OCTET_STRING, "491231235959Z"),
        ] {
            assert!(read(tag, text).is_err(), "{text}");
        }
    }

    #[test]
    fn identifiers_are_printed_in_dotted_form() {
        assert_eq!(oid_text(&[0x55, 0x1d, 0x13]), "2.5.29.19");
        assert_eq!(oid_text(&[]), "?");
        assert_eq!(oid_text(&[0x55, 0x80]), "?");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(tag in 0_u8..0x1f, parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..4)) {
            let slices: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
            let written = write(tag, &slices);
            let mut reader = Reader::new(&written);
            let element = reader.element().unwrap();
            prop_assert_eq!(element.tag, tag);
            prop_assert_eq!(element.contents, slices.concat());
            prop_assert_eq!(element.whole, &written[..]);
            prop_assert!(reader.is_empty());
        }

        #[test]
        fn what_is_read_is_written_the_same_way(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(element) = Reader::new(&bytes).element() {
                prop_assert_eq!(write(element.tag, &[element.contents]), element.whole);
            }
        }
    }
}
