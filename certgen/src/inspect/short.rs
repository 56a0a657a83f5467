//! The few lines that are asked for most.

use time::OffsetDateTime;

use super::certificate::ShownCertificate;
use super::name::DirectoryName;
use super::object::{Item, Object};
use super::request::ShownRequest;
use super::text::{self, Paragraph, standing};
use super::time::shown;
use crate::printable::printable;
use crate::text::hex;

/// Most names that are printed of one object.
const MAX_NAMES: usize = 10;

pub(super) fn paragraph(object: &Object, place: &str, now: OffsetDateTime) -> String {
    match &object.item {
        Item::Certificate(certificate) => self::certificate(certificate, place, now).0,
        Item::Request(request) => self::request(request, place).0,
        Item::RevocationList(list) => {
            let mut text = Paragraph::new(
                &format!("revocation list of {} certificates", list.entries.len()),
                place,
            );
            text.field("issuer", &name(list.issuer.as_ref()));
            text.field(
                "next update",
                &list.next_update.as_ref().map_or_else(|| "not said".to_owned(), shown),
            );
            text.0
        }
        // These are short as they are.
        Item::PrivateKey(_) | Item::PublicKey(_) | Item::Pkcs12(_) | Item::Unread(_) => text::full(object, place, now),
    }
}

fn certificate(certificate: &ShownCertificate, place: &str, now: OffsetDateTime) -> Paragraph {
    let kind = match (certificate.is_ca(), certificate.is_self_issued) {
        (true, true) => "root certificate",
        (true, false) => "certificate of an authority",
        (false, true) => "self-signed certificate",
        (false, false) => "certificate",
    };
    let key = certificate
        .key
        .as_ref()
        .map_or_else(|| "unreadable key".to_owned(), |key| key.described());
    let serial = certificate
        .serial
        .as_deref()
        .map_or_else(|| "?".to_owned(), abbreviated);
    let mut text = Paragraph::new(&format!("{kind}, {key}, serial {serial}"), place);
    text.field("subject", &name(certificate.subject.as_ref()));
    names(&mut text, &certificate.alternative_names());
    text.field("issuer", &name(certificate.issuer.as_ref()));
    let [not_before, not_after] = certificate
        .validity()
        .map(|time| time.unwrap_or_else(|| "?".to_owned()));
    text.field(
        "valid",
        &format!("{not_before} to {not_after}, {}", standing(certificate, now)),
    );
    if certificate.refused.is_some() || !certificate.notes.is_empty() {
        text.field("note", "there is more to say about it: look without --short");
    }
    text
}

fn request(request: &ShownRequest, place: &str) -> Paragraph {
    let key = request
        .key
        .as_ref()
        .map_or_else(|| "unreadable key".to_owned(), |key| key.described());
    let mut text = Paragraph::new(&format!("certification request, {key}"), place);
    text.field("subject", &name(request.subject.as_ref()));
    let asked = request
        .extensions
        .iter()
        .filter(|extension| extension.oid == super::extension::SUBJECT_ALT_NAME);
    let lines: Vec<_> = asked.flat_map(|extension| extension.lines()).collect();
    for line in lines.iter().take(MAX_NAMES) {
        text.field("", line);
    }
    text
}

fn names(text: &mut Paragraph, names: &[String]) {
    for name in names.iter().take(MAX_NAMES) {
        text.field("", &printable(name));
    }
    if names.len() > MAX_NAMES {
        text.field("", &format!("and {} more", names.len() - MAX_NAMES));
    }
}

fn name(name: Option<&DirectoryName>) -> String {
    match name {
        Some(name) if name.is_empty() => "none".to_owned(),
        Some(name) => name.common_name().unwrap_or_else(|| name.text()),
        None => "not readable".to_owned(),
    }
}

/// `7720…1390`: enough to tell two apart at a glance.
fn abbreviated(serial: &[u8]) -> String {
    match serial {
        [first, second, .., before, last] if serial.len() > 6 => {
            format!("{}…{}", hex(&[*first, *second]), hex(&[*before, *last]))
        }
        _ => hex(serial),
    }
}
