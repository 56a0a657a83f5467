//! Whether bytes are in the distinguished encoding, as far as that shows without knowing the types (X.690 §10, §11).

use super::Findings;
use super::table;
use crate::der::{BIT_STRING, BOOLEAN, INTEGER, OCTET_STRING, Reader};

/// Nothing that is read here is nested more deeply.
const MAX_DEPTH: usize = 24;

pub(super) fn check(der: &[u8], findings: &mut Findings) {
    if let Some(fault) = fault(der, 0) {
        findings.add_at(&table::NOT_DER, fault);
    }
}

/// The first fault.
fn fault(bytes: &[u8], depth: usize) -> Option<&'static str> {
    let mut reader = Reader::new(bytes);
    while !reader.is_empty() {
        // What is no element at all is for others to say.
        let Ok(element) = reader.element() else {
            return None;
        };
        if !element.is_shortest {
            return Some("a length has more octets than it needs");
        }
        let found = match (element.tag, element.contents) {
            (BOOLEAN, [0 | 0xff]) => None,
            (BOOLEAN, _) => Some("a BOOLEAN is neither 00 nor ff"),
            (INTEGER, []) => Some("an INTEGER is empty"),
            (INTEGER, [0x00, 0x00..=0x7f, ..] | [0xff, 0x80..=0xff, ..]) => {
                Some("an INTEGER has more octets than it needs")
            }
            (BIT_STRING, [unused, octets @ ..]) => bit_string_fault(*unused, octets),
            (tag, contents) if tag & 0x20 != 0 && depth < MAX_DEPTH => fault(contents, depth + 1),
            // The values of extensions.
            (OCTET_STRING, contents) if depth < MAX_DEPTH && is_one_element(contents) => fault(contents, depth + 1),
            _ => None,
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

/// X.690 §11.2.1: unused bits are zero.
fn bit_string_fault(unused: u8, octets: &[u8]) -> Option<&'static str> {
    let last = octets.last().copied().unwrap_or(0);
    let unused_mask = 1_u8.checked_shl(u32::from(unused)).map_or(u8::MAX, |bit| bit - 1);
    (unused > 7 || last & unused_mask != 0 || (octets.is_empty() && unused != 0))
        .then_some("the unused bits of a BIT STRING are not zero")
}

fn is_one_element(bytes: &[u8]) -> bool {
    let mut reader = Reader::new(bytes);
    reader.element().is_ok() && reader.is_empty()
}
