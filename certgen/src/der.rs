//! DER (X.690) as it comes, element by element: for looking at documents that the strict reader of `cryptokit` refuses.
//!
//! Nothing that is read here is believed. Lengths in too many octets are passed, indefinite ones and tags of several
//! octets are not.

/// The bytes do not have the form that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = 0x30;

/// A context tag on a constructed value.
pub(crate) const fn context_constructed(number: u8) -> u8 {
    0xa0 | number
}

/// One element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    pub(crate) contents: &'a [u8],
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

    /// The next element.
    pub(crate) fn element(&mut self) -> Result<Element<'a>, Malformed> {
        let (&tag, after_tag) = self.rest.split_first().ok_or(Malformed)?;
        if tag & 0x1f == 0x1f {
            return Err(Malformed);
        }
        let (length, after_length) = length(after_tag)?;
        let contents = after_length.get(..length).ok_or(Malformed)?;
        let header = self.rest.len() - after_length.len();
        self.rest = &self.rest[header + length..];
        Ok(Element { tag, contents })
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

    /// Every element that is left.
    pub(crate) fn elements(mut self) -> Result<Vec<Element<'a>>, Malformed> {
        let mut elements = Vec::new();
        while !self.is_empty() {
            elements.push(self.element()?);
        }
        Ok(elements)
    }
}

/// The definite form.
fn length(bytes: &[u8]) -> Result<(usize, &[u8]), Malformed> {
    let (&first, rest) = bytes.split_first().ok_or(Malformed)?;
    if first < 0x80 {
        return Ok((usize::from(first), rest));
    }
    let count = usize::from(first & 0x7f);
    if !(1..=4).contains(&count) || rest.len() < count {
        return Err(Malformed);
    }
    let (octets, rest) = rest.split_at(count);
    let length = octets
        .iter()
        .fold(0_usize, |length, octet| length << 8 | usize::from(*octet));
    Ok((length, rest))
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
    fn an_element_of_another_tag_stays() {
        let mut reader = Reader::new(&[5, 0, 4, 0]);
        assert!(reader.expect(INTEGER).is_err());
        assert!(reader.expect(5).is_ok() && reader.expect(4).is_ok() && reader.is_empty());
    }
}
