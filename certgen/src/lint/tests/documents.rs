//! Documents put together field by field. Signatures are bits: no lint looks at them.

use crate::der::{BIT_STRING, BOOLEAN, ENUMERATED, INTEGER, OCTET_STRING, OID, SEQUENCE, SET};
use crate::documents::{Document, DocumentKind};
use crate::lint::view::oid;

pub(super) const UTC: u8 = 0x17;
pub(super) const PRINTABLE: u8 = 0x13;
pub(super) const UTF8: u8 = 0x0c;

pub(super) const ECDSA_SHA256: &[u8] = b"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02";
pub(super) const RSA_SHA256: &[u8] = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00";
pub(super) const RSA_SHA256_WITHOUT_NULL: &[u8] = b"\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b";
pub(super) const RSA_SHA1: &[u8] = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05\x05\x00";
const EC_P256: &[u8] = b"\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
const RSA_KEY: &[u8] = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";
const ED25519: &[u8] = b"\x30\x05\x06\x03\x2b\x65\x70";

/// One element.
pub(super) fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let contents = parts.concat();
    let mut out = vec![tag];
    match contents.len() {
        short @ 0..=0x7f => out.push(u8::try_from(short).unwrap()),
        long => {
            let octets = u16::try_from(long).unwrap().to_be_bytes();
            let octets = if octets[0] == 0 { &octets[1..] } else { &octets[..] };
            out.push(0x80 | u8::try_from(octets.len()).unwrap());
            out.extend_from_slice(octets);
        }
    }
    out.extend(contents);
    out
}

pub(super) fn time(tag: u8, text: &str) -> Vec<u8> {
    tlv(tag, &[text.as_bytes()])
}

/// Attributes of 2.5.4, each with its string type.
pub(super) fn name(attributes: &[(u8, u8, &str)]) -> Vec<u8> {
    let relative: Vec<Vec<u8>> = attributes
        .iter()
        .map(|(kind, tag, text)| {
            let attribute = tlv(
                SEQUENCE,
                &[&tlv(OID, &[&[0x55, 0x04, *kind]]), &tlv(*tag, &[text.as_bytes()])],
            );
            tlv(SET, &[&attribute])
        })
        .collect();
    tlv(SEQUENCE, &[&relative.concat()])
}

pub(super) fn spki(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    tlv(SEQUENCE, &[algorithm, &tlv(BIT_STRING, &[&[0], key])])
}

pub(super) fn p256(fill: u8) -> Vec<u8> {
    spki(EC_P256, &[&[4][..], &[fill; 64]].concat())
}

/// A key of this many octets of modulus.
pub(super) fn rsa(octets: usize, exponent: &[u8]) -> Vec<u8> {
    let modulus = [&[0x00, 0xc1][..], &vec![0x5a; octets - 2], &[0x01]].concat();
    let numbers = [tlv(INTEGER, &[&modulus]), tlv(INTEGER, &[exponent])].concat();
    spki(RSA_KEY, &tlv(SEQUENCE, &[&numbers]))
}

pub(super) fn extension(oid: &[u8], critical: bool, value: &[u8]) -> Vec<u8> {
    let flag = if critical { tlv(BOOLEAN, &[&[0xff]]) } else { Vec::new() };
    tlv(SEQUENCE, &[&tlv(OID, &[oid]), &flag, &tlv(OCTET_STRING, &[value])])
}

/// keyUsage of one octet, the first use being the highest bit.
pub(super) fn key_usage(octet: u8) -> Vec<u8> {
    let unused = u8::try_from(octet.trailing_zeros().min(7)).unwrap();
    if octet == 0 {
        return tlv(BIT_STRING, &[&[0]]);
    }
    tlv(BIT_STRING, &[&[unused, octet]])
}

pub(super) fn purposes(oids: &[&[u8]]) -> Vec<u8> {
    let each: Vec<u8> = oids.iter().flat_map(|oid| tlv(OID, &[oid])).collect();
    tlv(SEQUENCE, &[&each])
}

pub(super) fn authority_key_id(id: &[u8]) -> Vec<u8> {
    tlv(SEQUENCE, &[&tlv(0x80, &[id])])
}

/// RFC 7093 §2 method 1, as `cryptokit` has it.
pub(super) fn key_id(spki: &[u8]) -> Vec<u8> {
    // After the algorithm: tag, length, unused bits.
    let algorithm_end = crate::der::Reader::new(spki)
        .expect(SEQUENCE)
        .and_then(|key| {
            let mut fields = key.inside();
            fields.expect(SEQUENCE)?;
            fields.expect(BIT_STRING)
        })
        .unwrap();
    cryptokit::hash::sha256(&algorithm_end.contents[1..])[..20].to_vec()
}

/// Names of the authorities.
pub(super) struct Authority;

impl Authority {
    pub(super) const NAME: &str = "Example issuing CA";

    pub(super) fn subject() -> Vec<u8> {
        name(&[(6, PRINTABLE, "DE"), (3, UTF8, Self::NAME)])
    }

    fn root() -> Vec<u8> {
        name(&[(3, UTF8, "Example root CA")])
    }
}

#[derive(Clone)]
pub(super) struct Certificate {
    pub(super) version: Vec<u8>,
    pub(super) serial: Vec<u8>,
    pub(super) inner_algorithm: Vec<u8>,
    pub(super) issuer: Vec<u8>,
    pub(super) not_before: Vec<u8>,
    pub(super) not_after: Vec<u8>,
    pub(super) subject: Vec<u8>,
    pub(super) spki: Vec<u8>,
    pub(super) unique_identifiers: Vec<u8>,
    /// By OID, in order.
    pub(super) extensions: Vec<(Vec<u8>, Vec<u8>)>,
    pub(super) outer_algorithm: Vec<u8>,
}

impl Certificate {
    fn bare(issuer: Vec<u8>, issuer_key: &[u8], subject: Vec<u8>, spki: Vec<u8>) -> Self {
        let mut certificate = Self {
            version: tlv(0xa0, &[&tlv(INTEGER, &[&[2]])]),
            serial: vec![0x55; 20],
            inner_algorithm: ECDSA_SHA256.to_vec(),
            issuer,
            not_before: time(UTC, "270101000000Z"),
            not_after: time(UTC, "270401000000Z"),
            subject,
            unique_identifiers: Vec::new(),
            extensions: Vec::new(),
            outer_algorithm: ECDSA_SHA256.to_vec(),
            spki,
        };
        certificate.set(
            oid::AUTHORITY_KEY_IDENTIFIER,
            false,
            &authority_key_id(&key_id(issuer_key)),
        );
        certificate.set_key_id();
        certificate
    }

    fn leaf_of(spki: Vec<u8>) -> Self {
        let subject = name(&[(3, UTF8, "api.example")]);
        let mut leaf = Self::bare(Authority::subject(), &p256(2), subject, spki);
        leaf.set(oid::KEY_USAGE, true, &key_usage(0x80));
        leaf.set(oid::EXTENDED_KEY_USAGE, false, &purposes(&[oid::SERVER_AUTH]));
        leaf.set_names(&[(0x82, b"api.example"), (0x87, &[10, 0, 0, 5])]);
        leaf
    }

    pub(super) fn leaf() -> Self {
        Self::leaf_of(p256(1))
    }

    pub(super) fn rsa_leaf() -> Self {
        let mut leaf = Self::leaf_of(rsa(256, &[1, 0, 1]));
        leaf.set_algorithm(RSA_SHA256);
        leaf
    }

    pub(super) fn ed25519_leaf() -> Self {
        // The point of RFC 8410 §10.1.
        let key = b"\x19\xbf\x44\x09\x69\x84\xcd\xfe\x85\x41\xba\xc1\x67\xdc\x3b\x96\xc8\x50\x86\xaa\x30\xb6\xb6\xcb\x0c\x5c\x38\xad\x70\x31\x66\xe1";
        Self::leaf_of(spki(ED25519, key))
    }

    pub(super) fn svid() -> Self {
        let mut leaf = Self::leaf();
        leaf.subject = name(&[]);
        leaf.set(
            oid::EXTENDED_KEY_USAGE,
            false,
            &purposes(&[oid::SERVER_AUTH, oid::CLIENT_AUTH]),
        );
        leaf.set_critical_names(&[(0x86, b"spiffe://td.example/api")]);
        leaf
    }

    pub(super) fn authority() -> Self {
        let root = p256(3);
        let mut authority = Self::bare(Authority::root(), &root, Authority::subject(), p256(2));
        authority.not_after = time(0x18, "20600101000000Z");
        authority.set(oid::KEY_USAGE, true, &key_usage(0x06));
        authority.set_basic_constraints(true, &[&[1, 1, 0xff, 2, 1, 0]]);
        let dns = tlv(SEQUENCE, &[&tlv(0x82, &[b"example"])]);
        let address = tlv(SEQUENCE, &[&tlv(0x87, &[&[10, 0, 0, 0, 0xff, 0xc0, 0, 0]])]);
        authority.set(
            oid::NAME_CONSTRAINTS,
            true,
            &tlv(SEQUENCE, &[&tlv(0xa0, &[&dns, &address])]),
        );
        authority
    }

    pub(super) fn spiffe_authority() -> Self {
        let mut authority = Self::authority();
        authority.set_names(&[(0x86, b"spiffe://td.example")]);
        authority
    }

    pub(super) fn root() -> Self {
        let mut root = Self::authority();
        root.issuer = Authority::root();
        root.subject = Authority::root();
        root.serial = vec![1];
        root.spki = p256(3);
        root.set_key_id();
        root.remove(oid::NAME_CONSTRAINTS);
        root.set_basic_constraints(true, &[&[1, 1, 0xff]]);
        root
    }

    pub(super) fn set_algorithm(&mut self, algorithm: &[u8]) {
        self.inner_algorithm = algorithm.to_vec();
        self.outer_algorithm = algorithm.to_vec();
    }

    fn set_key_id(&mut self) {
        let id = tlv(OCTET_STRING, &[&key_id(&self.spki)]);
        self.set(oid::SUBJECT_KEY_IDENTIFIER, false, &id);
    }

    pub(super) fn set_basic_constraints(&mut self, critical: bool, fields: &[&[u8]]) {
        self.set(oid::BASIC_CONSTRAINTS, critical, &tlv(SEQUENCE, fields));
    }

    pub(super) fn set_names(&mut self, names: &[(u8, &[u8])]) {
        self.set(oid::SUBJECT_ALTERNATIVE_NAME, false, &general_names(names));
    }

    pub(super) fn set_critical_names(&mut self, names: &[(u8, &[u8])]) {
        self.set(oid::SUBJECT_ALTERNATIVE_NAME, true, &general_names(names));
    }

    pub(super) fn set(&mut self, oid: &[u8], critical: bool, value: &[u8]) {
        self.set_raw(oid, extension(oid, critical, value));
    }

    pub(super) fn set_raw(&mut self, oid: &[u8], whole: Vec<u8>) {
        match self.extensions.iter_mut().find(|(known, _)| known == oid) {
            Some((_, extension)) => *extension = whole,
            None => self.extensions.push((oid.to_vec(), whole)),
        }
    }

    pub(super) fn remove(&mut self, oid: &[u8]) {
        self.extensions.retain(|(known, _)| known != oid);
    }

    pub(super) fn der(&self) -> Vec<u8> {
        let extensions: Vec<u8> = self.extensions.iter().flat_map(|(_, whole)| whole.clone()).collect();
        let extensions = if extensions.is_empty() {
            Vec::new()
        } else {
            tlv(0xa3, &[&tlv(SEQUENCE, &[&extensions])])
        };
        let signed = tlv(
            SEQUENCE,
            &[
                &self.version,
                &tlv(INTEGER, &[&self.serial]),
                &self.inner_algorithm,
                &self.issuer,
                &tlv(SEQUENCE, &[&self.not_before, &self.not_after]),
                &self.subject,
                &self.spki,
                &self.unique_identifiers,
                &extensions,
            ],
        );
        tlv(
            SEQUENCE,
            &[&signed, &self.outer_algorithm, &tlv(BIT_STRING, &[&[0; 65]])],
        )
    }
}

pub(super) fn general_names(names: &[(u8, &[u8])]) -> Vec<u8> {
    let each: Vec<u8> = names.iter().flat_map(|(tag, value)| tlv(*tag, &[value])).collect();
    tlv(SEQUENCE, &[&each])
}

pub(super) struct RevocationList {
    pub(super) version: Vec<u8>,
    pub(super) inner_algorithm: Vec<u8>,
    pub(super) issuer: Vec<u8>,
    pub(super) this_update: Vec<u8>,
    pub(super) next_update: Vec<u8>,
    /// `None` leaves the list out.
    pub(super) entries: Option<Vec<Vec<u8>>>,
    pub(super) extensions: Vec<Vec<u8>>,
}

impl RevocationList {
    pub(super) fn good() -> Self {
        Self {
            version: tlv(INTEGER, &[&[1]]),
            inner_algorithm: ECDSA_SHA256.to_vec(),
            issuer: Authority::subject(),
            this_update: time(UTC, "270101000000Z"),
            next_update: time(UTC, "270108000000Z"),
            entries: Some(vec![entry(&[0x11; 20], Some(reason(1))), entry(&[0x12; 20], None)]),
            extensions: vec![
                extension(
                    oid::AUTHORITY_KEY_IDENTIFIER,
                    false,
                    &authority_key_id(&key_id(&p256(2))),
                ),
                extension(oid::CRL_NUMBER, false, &tlv(INTEGER, &[&[7]])),
            ],
        }
    }

    pub(super) fn document(&self) -> Document {
        let entries = self
            .entries
            .as_ref()
            .map_or(Vec::new(), |entries| tlv(SEQUENCE, &[&entries.concat()]));
        let extensions = if self.extensions.is_empty() {
            Vec::new()
        } else {
            tlv(0xa0, &[&tlv(SEQUENCE, &[&self.extensions.concat()])])
        };
        let signed = tlv(
            SEQUENCE,
            &[
                &self.version,
                &self.inner_algorithm,
                &self.issuer,
                &self.this_update,
                &self.next_update,
                &entries,
                &extensions,
            ],
        );
        Document {
            kind: DocumentKind::RevocationList,
            der: tlv(SEQUENCE, &[&signed, ECDSA_SHA256, &tlv(BIT_STRING, &[&[0; 65]])]),
        }
    }
}

pub(super) fn reason(code: u8) -> Vec<u8> {
    extension(oid::REASON_CODE, false, &tlv(ENUMERATED, &[&[code]]))
}

pub(super) fn entry(serial: &[u8], extension: Option<Vec<u8>>) -> Vec<u8> {
    let extensions = extension.map_or(Vec::new(), |extension| tlv(SEQUENCE, &[&extension]));
    tlv(
        SEQUENCE,
        &[&tlv(INTEGER, &[serial]), &time(UTC, "261231000000Z"), &extensions],
    )
}

pub(super) struct Request {
    pub(super) version: u8,
    pub(super) extensions: Vec<Vec<u8>>,
    pub(super) other_attributes: Vec<u8>,
}

impl Request {
    pub(super) fn good() -> Self {
        let names = general_names(&[(0x82, b"api.example")]);
        Self {
            version: 0,
            extensions: vec![extension(oid::SUBJECT_ALTERNATIVE_NAME, false, &names)],
            other_attributes: Vec::new(),
        }
    }

    pub(super) fn document(&self) -> Document {
        let asked = tlv(SEQUENCE, &[&self.extensions.concat()]);
        let attribute = tlv(SEQUENCE, &[&tlv(OID, &[oid::EXTENSION_REQUEST]), &tlv(SET, &[&asked])]);
        let subject = name(&[(3, UTF8, "api.example")]);
        let signed = tlv(
            SEQUENCE,
            &[
                &tlv(INTEGER, &[&[self.version]]),
                &subject,
                &p256(1),
                &tlv(0xa0, &[&attribute, &self.other_attributes]),
            ],
        );
        Document {
            kind: DocumentKind::Request,
            der: tlv(SEQUENCE, &[&signed, ECDSA_SHA256, &tlv(BIT_STRING, &[&[0; 65]])]),
        }
    }
}
