//! DER (X.690) as it comes, element by element: for looking at documents that the strict reader of `cryptokit` refuses.
//!
//! Nothing that is read here is believed. Lengths in too many octets are passed, indefinite ones and tags of several
//! octets are not.

/// The bytes do not have the form that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const NULL: u8 = 0x05;
pub(crate) const OID: u8 = 0x06;
pub(crate) const ENUMERATED: u8 = 0x0a;
pub(crate) const UTF8_STRING: u8 = 0x0c;
pub(crate) const PRINTABLE_STRING: u8 = 0x13;
pub(crate) const TELETEX_STRING: u8 = 0x14;
pub(crate) const IA5_STRING: u8 = 0x16;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const UNIVERSAL_STRING: u8 = 0x1c;
pub(crate) const BMP_STRING: u8 = 0x1e;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;

/// A context tag on a primitive value.
pub(crate) const fn context(number: u8) -> u8 {
    0x80 | number
}

/// A context tag on a constructed value.
pub(crate) const fn context_constructed(number: u8) -> u8 {
    0xa0 | number
}

/// One element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    pub(crate) contents: &'a [u8],
    /// With tag and length.
    pub(crate) whole: &'a [u8],
    /// Whether the length has the fewest octets (X.690 §10.1).
    pub(crate) is_shortest: bool,
}

impl<'a> Element<'a> {
    /// What is inside.
    pub(crate) fn inside(self) -> Reader<'a> {
        Reader::new(self.contents)
    }
}

/// What is left to read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The tag of the next element.
    pub(crate) fn tag(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// The next element.
    pub(crate) fn element(&mut self) -> Result<Element<'a>, Malformed> {
        let (&tag, after_tag) = self.rest.split_first().ok_or(Malformed)?;
        if tag & 0x1f == 0x1f {
            return Err(Malformed);
        }
        let (length, is_shortest, after_length) = length(after_tag)?;
        let contents = after_length.get(..length).ok_or(Malformed)?;
        let header = self.rest.len() - after_length.len();
        let (whole, rest) = self.rest.split_at(header + length);
        self.rest = rest;
        Ok(Element {
            tag,
            contents,
            whole,
            is_shortest,
        })
    }

    /// The next element, which has this tag.
    pub(crate) fn expect(&mut self, tag: u8) -> Result<Element<'a>, Malformed> {
        let mut ahead = *self;
        let element = ahead.element()?;
        if element.tag != tag {
            return Err(Malformed);
        }
        *self = ahead;
        Ok(element)
    }

    /// The next element if it has this tag.
    pub(crate) fn optional(&mut self, tag: u8) -> Result<Option<Element<'a>>, Malformed> {
        if self.tag() == Some(tag) {
            self.element().map(Some)
        } else {
            Ok(None)
        }
    }

    /// Every element that is left.
    pub(crate) fn elements(mut self) -> Result<Vec<Element<'a>>, Malformed> {
        let mut elements = Vec::new();
        while !self.is_empty() {
            elements.push(self.element()?);
        }
        Ok(elements)
    }
}

/// Contents octets of an OBJECT IDENTIFIER in dotted form, `?` when they are none.
pub(crate) fn oid_text(contents: &[u8]) -> String {
    let mut arcs: Vec<u64> = Vec::new();
    let mut arc: u64 = 0;
    for octet in contents {
        let Some(shifted) = arc.checked_mul(128) else {
            return "?".to_owned();
        };
        arc = shifted | u64::from(octet & 0x7f);
        if octet & 0x80 == 0 {
            arcs.push(arc);
            arc = 0;
        }
    }
    let ends_whole = contents.last().is_some_and(|last| last & 0x80 == 0);
    let Some((&first, rest)) = arcs.split_first().filter(|_| ends_whole) else {
        return "?".to_owned();
    };
    let top = (first / 40).min(2);
    let mut text = format!("{top}.{}", first - top * 40);
    for arc in rest {
        text.push_str(&format!(".{arc}"));
    }
    text
}

/// The definite form.
fn length(bytes: &[u8]) -> Result<(usize, bool, &[u8]), Malformed> {
    let (&first, rest) = bytes.split_first().ok_or(Malformed)?;
    if first < 0x80 {
        return Ok((usize::from(first), true, rest));
    }
    let count = usize::from(first & 0x7f);
    if !(1..=4).contains(&count) || rest.len() < count {
        return Err(Malformed);
    }
    let (octets, rest) = rest.split_at(count);
    let length = octets
        .iter()
        .fold(0_usize, |length, octet| length << 8 | usize::from(*octet));
    Ok((length, octets[0] != 0 && length >= 0x80, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_cut_off_or_indefinite() {
        for bad in [
            &[][..],
            &[0x30],
            &[0x30, 0x01],
            &[0x30, 0x80, 0, 0],
            &[0x30, 0x85, 0, 0, 0, 0, 0],
            &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
            &[0x1f, 0x01, 0],
        ] {
            assert_eq!(Reader::new(bad).element(), Err(Malformed), "{bad:02x?}");
        }
    }

    #[test]
    fn tells_lengths_in_too_many_octets() {
        assert!(Reader::new(&[4, 1, 0]).element().unwrap().is_shortest);
        assert!(!Reader::new(&[4, 0x81, 1, 0]).element().unwrap().is_shortest);
    }

    #[test]
    fn an_element_of_another_tag_stays() {
        let mut reader = Reader::new(&[5, 0, 4, 0]);
        assert!(reader.expect(OCTET_STRING).is_err());
        assert_eq!(reader.optional(OCTET_STRING), Ok(None));
        assert!(reader.expect(NULL).is_ok());
        assert!(reader.optional(OCTET_STRING).unwrap().is_some() && reader.is_empty());
    }

    #[test]
    fn identifiers_are_printed_in_dotted_form() {
        assert_eq!(oid_text(&[0x55, 0x1d, 0x11]), "2.5.29.17");
        assert_eq!(oid_text(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d]), "1.2.840.113549");
        for bad in [&[][..], &[0x55, 0x80], &[0xff; 20]] {
            assert_eq!(oid_text(bad), "?");
        }
    }
}
