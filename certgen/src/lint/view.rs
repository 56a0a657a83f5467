//! The fields of a certificate, list or request as they are written, whatever they say.

use crate::der::{
    BIT_STRING, BOOLEAN, Element, GENERALIZED_TIME, INTEGER, Malformed, OCTET_STRING, OID, Reader, SEQUENCE, UTC_TIME,
    context, context_constructed,
};

/// RFC 5280 §4.1.
#[derive(Debug)]
pub(super) struct CertificateView<'a> {
    /// Contents of the INTEGER; `None` is version 1.
    pub(super) version: Option<&'a [u8]>,
    pub(super) serial: &'a [u8],
    pub(super) inner_algorithm: Element<'a>,
    pub(super) issuer: Element<'a>,
    pub(super) not_before: Element<'a>,
    pub(super) not_after: Element<'a>,
    pub(super) subject: Element<'a>,
    pub(super) spki: Element<'a>,
    pub(super) has_unique_identifiers: bool,
    pub(super) extensions: Vec<ExtensionView<'a>>,
    pub(super) outer_algorithm: Element<'a>,
    pub(super) has_trailing_data: bool,
}

impl<'a> CertificateView<'a> {
    pub(super) fn read(der: &'a [u8]) -> Result<Self, Malformed> {
        let (mut signed, outer_algorithm, has_trailing_data) = signed_and_algorithm(der)?;
        let version = match signed.optional(context_constructed(0))? {
            Some(version) => Some(version.inside().expect(INTEGER)?.contents),
            None => None,
        };
        let serial = signed.expect(INTEGER)?.contents;
        let inner_algorithm = signed.expect(SEQUENCE)?;
        let issuer = signed.expect(SEQUENCE)?;
        let mut validity = signed.expect(SEQUENCE)?.inside();
        let (not_before, not_after) = (validity.element()?, validity.element()?);
        let subject = signed.expect(SEQUENCE)?;
        let spki = signed.expect(SEQUENCE)?;
        let unique = [signed.optional(context(1))?, signed.optional(context(2))?];
        let extensions = match signed.optional(context_constructed(3))? {
            Some(extensions) => ExtensionView::read_all(extensions.inside().expect(SEQUENCE)?)?,
            None => Vec::new(),
        };
        if !signed.is_empty() {
            return Err(Malformed);
        }
        Ok(Self {
            version,
            serial,
            inner_algorithm,
            issuer,
            not_before,
            not_after,
            subject,
            spki,
            has_unique_identifiers: unique.iter().any(Option::is_some),
            extensions,
            outer_algorithm,
            has_trailing_data,
        })
    }

    pub(super) fn extension(&self, oid: &[u8]) -> Option<&ExtensionView<'a>> {
        find(&self.extensions, oid)
    }

    pub(super) fn is_self_issued(&self) -> bool {
        self.issuer.contents == self.subject.contents
    }

    /// Whether basicConstraints say cA; malformed ones do not.
    pub(super) fn is_ca(&self) -> bool {
        self.extension(oid::BASIC_CONSTRAINTS).is_some_and(|extension| {
            let mut whole = Reader::new(extension.value);
            let fields = whole.expect(SEQUENCE).map(Element::inside);
            let flag = fields.and_then(|mut fields| fields.optional(BOOLEAN)).ok().flatten();
            flag.is_some_and(|flag| flag.contents != [0])
        })
    }

    /// The bits of keyUsage, digitalSignature being the first, when it is there and readable.
    pub(super) fn key_usage(&self) -> Option<u16> {
        bits(self.extension(oid::KEY_USAGE)?.value).ok()
    }

    /// The purposes of extKeyUsage as contents of OIDs, when it is there and readable.
    pub(super) fn purposes(&self) -> Option<Vec<&'a [u8]>> {
        purposes(self.extension(oid::EXTENDED_KEY_USAGE)?.value).ok()
    }

    pub(super) fn subject_key_identifier(&self) -> Option<&'a [u8]> {
        let extension = self.extension(oid::SUBJECT_KEY_IDENTIFIER)?;
        let mut value = Reader::new(extension.value);
        value.expect(OCTET_STRING).ok().map(|id| id.contents)
    }

    pub(super) fn authority_key_identifier(&self) -> Option<&'a [u8]> {
        authority_key_identifier(&self.extensions)
    }
}

/// RFC 5280 §5.1.
#[derive(Debug)]
pub(super) struct RevocationListView<'a> {
    pub(super) version: Option<&'a [u8]>,
    pub(super) inner_algorithm: Element<'a>,
    pub(super) issuer: Element<'a>,
    pub(super) this_update: Element<'a>,
    pub(super) next_update: Option<Element<'a>>,
    /// `None` when the list is left out.
    pub(super) entries: Option<Vec<EntryView<'a>>>,
    pub(super) extensions: Vec<ExtensionView<'a>>,
    pub(super) outer_algorithm: Element<'a>,
    pub(super) has_trailing_data: bool,
}

/// RFC 5280 §5.1.2.6.
#[derive(Debug)]
pub(super) struct EntryView<'a> {
    pub(super) serial: &'a [u8],
    pub(super) revocation_date: Element<'a>,
    pub(super) extensions: Vec<ExtensionView<'a>>,
}

impl<'a> RevocationListView<'a> {
    pub(super) fn read(der: &'a [u8]) -> Result<Self, Malformed> {
        let (mut signed, outer_algorithm, has_trailing_data) = signed_and_algorithm(der)?;
        let version = signed.optional(INTEGER)?.map(|version| version.contents);
        let inner_algorithm = signed.expect(SEQUENCE)?;
        let issuer = signed.expect(SEQUENCE)?;
        let this_update = signed.element()?;
        let next_update = if matches!(signed.tag(), Some(UTC_TIME | GENERALIZED_TIME)) {
            Some(signed.element()?)
        } else {
            None
        };
        let entries = match signed.optional(SEQUENCE)? {
            Some(list) => Some(
                list.inside()
                    .elements()?
                    .into_iter()
                    .map(EntryView::read)
                    .collect::<Result<_, _>>()?,
            ),
            None => None,
        };
        let extensions = match signed.optional(context_constructed(0))? {
            Some(extensions) => ExtensionView::read_all(extensions.inside().expect(SEQUENCE)?)?,
            None => Vec::new(),
        };
        if !signed.is_empty() {
            return Err(Malformed);
        }
        Ok(Self {
            version,
            inner_algorithm,
            issuer,
            this_update,
            next_update,
            entries,
            extensions,
            outer_algorithm,
            has_trailing_data,
        })
    }

    pub(super) fn extension(&self, oid: &[u8]) -> Option<&ExtensionView<'a>> {
        find(&self.extensions, oid)
    }

    pub(super) fn authority_key_identifier(&self) -> Option<&'a [u8]> {
        authority_key_identifier(&self.extensions)
    }
}

impl<'a> EntryView<'a> {
    fn read(element: Element<'a>) -> Result<Self, Malformed> {
        let mut fields = element.inside();
        let serial = fields.expect(INTEGER)?.contents;
        let revocation_date = fields.element()?;
        let extensions = match fields.optional(SEQUENCE)? {
            Some(extensions) => ExtensionView::read_all(extensions)?,
            None => Vec::new(),
        };
        Ok(Self {
            serial,
            revocation_date,
            extensions,
        })
    }
}

/// RFC 2986 §4.1.
#[derive(Debug)]
pub(super) struct RequestView<'a> {
    pub(super) version: &'a [u8],
    pub(super) subject: Element<'a>,
    pub(super) spki: Element<'a>,
    /// Contents of the attributes' types.
    pub(super) attributes: Vec<&'a [u8]>,
    pub(super) extensions: Vec<ExtensionView<'a>>,
    pub(super) outer_algorithm: Element<'a>,
    pub(super) has_trailing_data: bool,
}

impl<'a> RequestView<'a> {
    pub(super) fn read(der: &'a [u8]) -> Result<Self, Malformed> {
        let (mut signed, outer_algorithm, has_trailing_data) = signed_and_algorithm(der)?;
        let version = signed.expect(INTEGER)?.contents;
        let subject = signed.expect(SEQUENCE)?;
        let spki = signed.expect(SEQUENCE)?;
        let (mut attributes, mut extensions) = (Vec::new(), Vec::new());
        if let Some(set) = signed.optional(context_constructed(0))? {
            for attribute in set.inside().elements()? {
                let mut fields = attribute.inside();
                let kind = fields.expect(OID)?.contents;
                let mut values = fields.element()?.inside();
                // RFC 2985 §5.4.2: extensionRequest.
                if kind == oid::EXTENSION_REQUEST {
                    extensions.extend(ExtensionView::read_all(values.expect(SEQUENCE)?)?);
                }
                attributes.push(kind);
            }
        }
        Ok(Self {
            version,
            subject,
            spki,
            attributes,
            extensions,
            outer_algorithm,
            has_trailing_data,
        })
    }

    pub(super) fn extension(&self, oid: &[u8]) -> Option<&ExtensionView<'a>> {
        find(&self.extensions, oid)
    }
}

/// One extension.
#[derive(Clone, Copy, Debug)]
pub(super) struct ExtensionView<'a> {
    /// Contents of the OID.
    pub(super) oid: &'a [u8],
    pub(super) critical: bool,
    /// Whether FALSE is written.
    pub(super) has_written_default: bool,
    pub(super) value: &'a [u8],
}

impl<'a> ExtensionView<'a> {
    fn read_all(list: Element<'a>) -> Result<Vec<Self>, Malformed> {
        let read = |extension: Element<'a>| {
            let mut fields = extension.inside();
            let oid = fields.expect(OID)?.contents;
            let flag = fields.optional(BOOLEAN)?;
            let value = fields.expect(OCTET_STRING)?.contents;
            Ok(Self {
                oid,
                critical: flag.is_some_and(|flag| flag.contents != [0]),
                has_written_default: flag.is_some_and(|flag| flag.contents == [0]),
                value,
            })
        };
        list.inside().elements()?.into_iter().map(read).collect()
    }
}

/// Contents octets of identifiers.
pub(super) mod oid {
    pub(in crate::lint) const SUBJECT_KEY_IDENTIFIER: &[u8] = &[0x55, 0x1d, 14];
    pub(in crate::lint) const KEY_USAGE: &[u8] = &[0x55, 0x1d, 15];
    pub(in crate::lint) const SUBJECT_ALTERNATIVE_NAME: &[u8] = &[0x55, 0x1d, 17];
    pub(in crate::lint) const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 19];
    pub(in crate::lint) const CRL_NUMBER: &[u8] = &[0x55, 0x1d, 20];
    pub(in crate::lint) const REASON_CODE: &[u8] = &[0x55, 0x1d, 21];
    pub(in crate::lint) const DELTA_CRL_INDICATOR: &[u8] = &[0x55, 0x1d, 27];
    pub(in crate::lint) const ISSUING_DISTRIBUTION_POINT: &[u8] = &[0x55, 0x1d, 28];
    pub(in crate::lint) const NAME_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 30];
    pub(in crate::lint) const CRL_DISTRIBUTION_POINTS: &[u8] = &[0x55, 0x1d, 31];
    pub(in crate::lint) const AUTHORITY_KEY_IDENTIFIER: &[u8] = &[0x55, 0x1d, 35];
    pub(in crate::lint) const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 37];
    pub(in crate::lint) const FRESHEST_CRL: &[u8] = &[0x55, 0x1d, 46];
    pub(in crate::lint) const NO_REV_AVAIL: &[u8] = &[0x55, 0x1d, 56];
    pub(in crate::lint) const AUTHORITY_INFO_ACCESS: &[u8] = b"\x2b\x06\x01\x05\x05\x07\x01\x01";
    pub(in crate::lint) const EXTENSION_REQUEST: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e";
    pub(in crate::lint) const CHALLENGE_PASSWORD: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x07";
    pub(in crate::lint) const ANY_EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 37, 0];
    pub(in crate::lint) const SERVER_AUTH: &[u8] = b"\x2b\x06\x01\x05\x05\x07\x03\x01";
    pub(in crate::lint) const CLIENT_AUTH: &[u8] = b"\x2b\x06\x01\x05\x05\x07\x03\x02";
}

/// A BIT STRING of up to 16 bits, the first bit being the least.
pub(super) fn bits(value: &[u8]) -> Result<u16, Malformed> {
    let mut whole = Reader::new(value);
    let contents = whole.expect(BIT_STRING)?.contents;
    let (&unused, octets) = contents.split_first().ok_or(Malformed)?;
    if unused > 7 || octets.len() > 2 || !whole.is_empty() {
        return Err(Malformed);
    }
    let flags = octets.iter().enumerate().fold(0_u16, |flags, (index, octet)| {
        flags | u16::from(octet.reverse_bits()) << (8 * index)
    });
    Ok(flags)
}

/// The contents of the OIDs of a SEQUENCE of them.
pub(super) fn purposes(value: &[u8]) -> Result<Vec<&[u8]>, Malformed> {
    let mut whole = Reader::new(value);
    let elements = whole.expect(SEQUENCE)?.inside().elements()?;
    if elements.is_empty() || !whole.is_empty() || elements.iter().any(|one| one.tag != OID) {
        return Err(Malformed);
    }
    Ok(elements.into_iter().map(|one| one.contents).collect())
}

fn find<'v, 'a>(extensions: &'v [ExtensionView<'a>], oid: &[u8]) -> Option<&'v ExtensionView<'a>> {
    extensions.iter().find(|extension| extension.oid == oid)
}

fn authority_key_identifier<'a>(extensions: &[ExtensionView<'a>]) -> Option<&'a [u8]> {
    let extension = find(extensions, oid::AUTHORITY_KEY_IDENTIFIER)?;
    let mut fields = Reader::new(extension.value).expect(SEQUENCE).ok()?.inside();
    fields.optional(context(0)).ok()?.map(|id| id.contents)
}

/// Of `SEQUENCE { signed, algorithm, signature }`: the fields of the first, the second, and whether bytes follow.
fn signed_and_algorithm(der: &[u8]) -> Result<(Reader<'_>, Element<'_>, bool), Malformed> {
    let mut whole = Reader::new(der);
    let mut fields = whole.expect(SEQUENCE)?.inside();
    let signed = fields.expect(SEQUENCE)?.inside();
    let algorithm = fields.expect(SEQUENCE)?;
    fields.expect(BIT_STRING)?;
    if !fields.is_empty() {
        return Err(Malformed);
    }
    Ok((signed, algorithm, !whole.is_empty()))
}
