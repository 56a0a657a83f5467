//! Distinguished names as they are compared (RFC 5280 §7.1): for the constraints on directory names.

use unicode_normalization::UnicodeNormalization as _;

use super::der::{Malformed, OID, Reader, SEQUENCE, SET};

/// A name in the form in which two spellings of one name are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ComparableName {
    relative_names: Vec<Vec<Attribute>>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Attribute {
    kind: Vec<u8>,
    value: Value,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Value {
    Text(String),
    /// Compared as it is written: other string types, and what is no string.
    Other(Vec<u8>),
}

const UTF8_STRING: u8 = 0x0c;
const PRINTABLE_STRING: u8 = 0x13;
const IA5_STRING: u8 = 0x16;
/// Contents of the OID 1.2.840.113549.1.9.1.
const EMAIL_ADDRESS: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01";

impl ComparableName {
    pub(super) fn from_der(name: &[u8]) -> Result<Self, Malformed> {
        let mut whole = Reader::new(name);
        let mut sequence = whole.nested(SEQUENCE)?;
        whole.end()?;
        let mut relative_names = Vec::new();
        while !sequence.is_empty() {
            let mut set = sequence.nested(SET)?;
            let mut attributes = Vec::new();
            while !set.is_empty() {
                attributes.push(Attribute::read(set.nested(SEQUENCE)?)?);
            }
            // A SET has no order.
            attributes.sort();
            relative_names.push(attributes);
        }
        Ok(Self { relative_names })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.relative_names.is_empty()
    }

    /// RFC 5280 §7.1: a name lies below another that is the beginning of it, relative name by relative name.
    pub(super) fn lies_below(&self, base: &Self) -> bool {
        self.relative_names.starts_with(&base.relative_names)
    }

    /// As [`Self::lies_below`], but undecided counts as yes: text in a string type that is not read here may be the
    /// text of the other.
    pub(super) fn may_lie_below(&self, base: &Self) -> bool {
        let mut pairs = self.relative_names.iter().zip(&base.relative_names);
        self.relative_names.len() >= base.relative_names.len() && pairs.all(|(own, other)| may_be_equal(own, other))
    }

    /// Its emailAddress attributes (RFC 5280 §4.2.1.10); `None` for one that is not text.
    pub(super) fn email_addresses(&self) -> impl Iterator<Item = Option<&str>> {
        let attributes = self.relative_names.iter().flatten();
        attributes
            .filter(|attribute| attribute.kind == EMAIL_ADDRESS)
            .map(|attribute| match &attribute.value {
                Value::Text(text) => Some(text.as_str()),
                Value::Other(_) => None,
            })
    }
}

/// Both are sorted, by kind first.
fn may_be_equal(own: &[Attribute], other: &[Attribute]) -> bool {
    let kinds = |attributes: &'_ [Attribute]| attributes.iter().map(|one| one.kind.clone()).collect::<Vec<_>>();
    let is_undecided = |attribute: &Attribute| matches!(attribute.value, Value::Other(_));
    let any_undecided = own.iter().chain(other).any(is_undecided);
    own == other || (any_undecided && kinds(own) == kinds(other))
}

impl Attribute {
    fn read(mut fields: Reader<'_>) -> Result<Self, Malformed> {
        let kind = fields.contents(OID)?.to_vec();
        let value = fields.element()?;
        fields.end()?;
        let text = match value.tag {
            UTF8_STRING | PRINTABLE_STRING | IA5_STRING => std::str::from_utf8(value.contents).ok(),
            _ => None,
        };
        Ok(Self {
            kind,
            value: text.map_or_else(|| Value::Other(value.whole.to_vec()), |text| Value::Text(prepare(text))),
        })
    }
}

/// RFC 5280 §7.1 after RFC 4518: case folded, compatibility forms made one, runs of spaces made one.
fn prepare(text: &str) -> String {
    let folded: String = text.nfkc().flat_map(char::to_lowercase).nfkc().collect();
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::der::write;
    use super::*;

    fn name(attributes: &[(u8, &str)]) -> ComparableName {
        let relative: Vec<Vec<u8>> = attributes
            .iter()
            .map(|(tag, text)| {
                let attribute = write(
                    SEQUENCE,
                    &[&write(OID, &[&[0x55, 4, 10]]), &write(*tag, &[text.as_bytes()])],
                );
                write(SET, &[&attribute])
            })
            .collect();
        let parts: Vec<&[u8]> = relative.iter().map(Vec::as_slice).collect();
        ComparableName::from_der(&write(SEQUENCE, &parts)).unwrap()
    }

    #[test]
    fn spellings_of_one_name_are_equal() {
        let base = name(&[(PRINTABLE_STRING, "Example  Org")]);
        assert_eq!(name(&[(UTF8_STRING, " example ORG ")]), base);
        assert_eq!(name(&[(UTF8_STRING, "ﬁRMA")]), name(&[(UTF8_STRING, "Firma")]));
        assert_ne!(
            name(&[(0x1e, "example org")]),
            base,
            "other string types are themselves only"
        );
    }

    #[test]
    fn a_name_lies_below_its_own_beginnings() {
        let (short, long) = (name(&[(12, "a")]), name(&[(12, "A"), (12, "b")]));
        assert!(long.lies_below(&short) && long.lies_below(&long) && long.lies_below(&name(&[])));
        assert!(!short.lies_below(&long));
        assert!(!name(&[(12, "b"), (12, "a")]).lies_below(&short));
        assert!(long.may_lie_below(&short) && !short.may_lie_below(&long));
        assert!(!name(&[(12, "b")]).may_lie_below(&short), "decided");
        assert!(name(&[(0x1e, "\0a")]).may_lie_below(&short), "not decided");
    }

    #[test]
    fn refuses_what_is_no_name() {
        for bad in [&[][..], &[0x31, 0], &[0x30, 2, 0x30, 0], &[0x30, 0, 0]] {
            assert!(ComparableName::from_der(bad).is_err(), "{bad:02x?}");
        }
    }
}
