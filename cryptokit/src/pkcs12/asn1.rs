//! Reading and writing of DER, element by element.

use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Decode, Encode, Reader, SliceReader, Tag, TagNumber, Tagged};

use super::error::Pkcs12Error;

/// Most elements in one element: entries of a store, attributes of an entry.
pub(super) const MAX_ELEMENTS: usize = 2000;

/// The element that fills `der`.
pub(super) fn only(der: &[u8]) -> Result<AnyRef<'_>, Pkcs12Error> {
    Ok(AnyRef::from_der(der)?)
}

/// The elements of a SEQUENCE.
pub(super) fn sequence(element: AnyRef<'_>) -> Result<Vec<AnyRef<'_>>, Pkcs12Error> {
    contents(element, Tag::Sequence)
}

/// The elements of a SET.
pub(super) fn set(element: AnyRef<'_>) -> Result<Vec<AnyRef<'_>>, Pkcs12Error> {
    contents(element, Tag::Set)
}

/// What stands in `[0] EXPLICIT`.
pub(super) fn explicit(element: AnyRef<'_>) -> Result<AnyRef<'_>, Pkcs12Error> {
    if element.tag() != context(true) {
        return Err(Pkcs12Error::Malformed);
    }
    only(element.value())
}

/// The bytes of an OCTET STRING.
pub(super) fn octets(element: AnyRef<'_>) -> Result<&[u8], Pkcs12Error> {
    if element.tag() != Tag::OctetString {
        return Err(Pkcs12Error::Malformed);
    }
    Ok(element.value())
}

/// The bytes of `[0] IMPLICIT OCTET STRING`; in BER they may be in pieces.
pub(super) fn implicit_octets(element: AnyRef<'_>) -> Result<Vec<u8>, Pkcs12Error> {
    if element.tag() == context(false) {
        return Ok(element.value().to_vec());
    }
    contents(element, context(true))?
        .into_iter()
        .map(octets)
        .collect::<Result<Vec<_>, _>>()
        .map(|pieces| pieces.concat())
}

pub(super) fn object_identifier(element: AnyRef<'_>) -> Result<ObjectIdentifier, Pkcs12Error> {
    Ok(element.decode_as()?)
}

fn contents(element: AnyRef<'_>, tag: Tag) -> Result<Vec<AnyRef<'_>>, Pkcs12Error> {
    if element.tag() != tag {
        return Err(Pkcs12Error::Malformed);
    }
    let mut reader = SliceReader::new(element.value())?;
    let mut elements = Vec::new();
    while !reader.is_finished() {
        if elements.len() == MAX_ELEMENTS {
            return Err(Pkcs12Error::TooMany);
        }
        elements.push(AnyRef::decode(&mut reader)?);
    }
    Ok(elements)
}

/// `[0]`.
fn context(constructed: bool) -> Tag {
    TagNumber(0).context_specific(constructed)
}

/// An element around these bytes.
pub(super) fn element(tag: Tag, value: &[u8]) -> Vec<u8> {
    AnyRef::new(tag, value)
        .and_then(|element| element.to_der())
        .expect("far shorter than a length can say, by the bound on entries")
}

/// A SEQUENCE of these elements.
pub(super) fn write_sequence(elements: &[&[u8]]) -> Vec<u8> {
    element(Tag::Sequence, &elements.concat())
}

/// A SET OF these elements, in the order of DER.
pub(super) fn write_set(mut elements: Vec<Vec<u8>>) -> Vec<u8> {
    elements.sort();
    element(Tag::Set, &elements.concat())
}

/// `[0]` around a whole element.
pub(super) fn write_explicit(inner: &[u8]) -> Vec<u8> {
    element(context(true), inner)
}

/// `[0] IMPLICIT OCTET STRING`.
pub(super) fn write_implicit_octets(value: &[u8]) -> Vec<u8> {
    element(context(false), value)
}

pub(super) fn write_octets(value: &[u8]) -> Vec<u8> {
    element(Tag::OctetString, value)
}

pub(super) fn write_object_identifier(oid: &ObjectIdentifier) -> Vec<u8> {
    element(Tag::ObjectIdentifier, oid.as_bytes())
}

pub(super) fn write_integer(value: u32) -> Vec<u8> {
    value.to_der().expect("an integer is short")
}
