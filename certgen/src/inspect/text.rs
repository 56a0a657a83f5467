//! Every field, for people.

use std::fmt::Write as _;

use time::OffsetDateTime;

use super::certificate::{ShownCertificate, Status};
use super::extension::Extension;
use super::name::DirectoryName;
use super::object::{Item, Object};
use super::oid;
use super::pin::colon_hex_sha256;
use super::pkcs12::ShownPkcs12;
use super::private_key::ShownPrivateKey;
use super::public_key::ShownKey;
use super::request::ShownRequest;
use super::revocation_list::ShownList;
use super::time::shown;
use crate::duration::in_words;
use crate::printable::colon_hex;

/// Most entries of a revocation list that are printed; JSON has them all.
const MAX_ENTRIES: usize = 100;

/// One object as a paragraph.
pub(super) fn full(object: &Object, place: &str, now: OffsetDateTime) -> String {
    let mut text = match &object.item {
        Item::Certificate(certificate) => self::certificate(certificate, place, now),
        Item::Request(request) => self::request(request, place),
        Item::RevocationList(list) => self::list(list, place, now),
        Item::PrivateKey(key) => private_key(key, place),
        Item::PublicKey(key) => public_key(key, place),
        Item::Pkcs12(file) => pkcs12(file, place),
        Item::Unread(unread) => {
            let mut text = Paragraph::new(&format!("not read: {}", unread.reason), place);
            text.field("try", unread.step);
            text
        }
    };
    for note in &object.notes {
        text.field("note", note);
    }
    text.0
}

fn certificate(certificate: &ShownCertificate, place: &str, now: OffsetDateTime) -> Paragraph {
    let mut text = Paragraph::new(&format!("certificate: {}", certificate.title()), place);
    text.name("subject", certificate.subject.as_ref());
    text.name("issuer", certificate.issuer.as_ref());
    text.optional("serial", certificate.serial.as_deref().map(serial));
    let [not_before, not_after] = certificate.validity();
    text.optional("valid from", not_before);
    text.optional("valid until", not_after);
    text.field("", &standing(certificate, now));
    text.optional("key", certificate.key.as_ref().map(ShownKey::described));
    text.optional(
        "signature",
        certificate
            .signature_algorithm
            .as_ref()
            .map(|algorithm| algorithm.name.clone()),
    );
    text.optional("version", certificate.version.map(|version| version.to_string()));
    text.extensions("extensions", &certificate.extensions);
    text.field("SHA-256", &colon_hex_sha256(&certificate.der));
    if let Some(key) = &certificate.key {
        for (label, fingerprint) in key.fingerprints() {
            text.field(label, &fingerprint);
        }
    }
    text.remarks(&certificate.notes, certificate.refused.as_deref());
    text
}

/// How long it is still valid, in words.
pub(super) fn standing(certificate: &ShownCertificate, now: OffsetDateTime) -> String {
    match (certificate.status(now), certificate.start(), certificate.end()) {
        (Status::Valid, Some(start), Some(end)) => {
            format!("{} left of {}", in_words(end - now), in_words(end - start))
        }
        (Status::Expired, _, Some(end)) => format!("EXPIRED {} ago", in_words(now - end)),
        (Status::NotYetValid, Some(start), _) => format!("NOT YET VALID, begins in {}", in_words(start - now)),
        _ => "its validity cannot be told".to_owned(),
    }
}

fn request(request: &ShownRequest, place: &str) -> Paragraph {
    let mut text = Paragraph::new("certification request", place);
    text.name("subject", request.subject.as_ref());
    text.optional("key", request.key.as_ref().map(ShownKey::described));
    text.optional(
        "signature",
        request
            .signature_algorithm
            .as_ref()
            .map(|algorithm| algorithm.name.clone()),
    );
    text.extensions("asks for", &request.extensions);
    for (oid, value) in &request.attributes {
        text.field("attribute", &format!("{} {value}", oid::described(oid)));
    }
    if let Some(key) = &request.key {
        for (label, fingerprint) in key.fingerprints() {
            text.field(label, &fingerprint);
        }
    }
    text.remarks(&request.notes, request.refused.as_deref());
    text
}

fn list(list: &ShownList, place: &str, now: OffsetDateTime) -> Paragraph {
    let mut text = Paragraph::new("revocation list", place);
    text.name("issuer", list.issuer.as_ref());
    text.optional("this update", list.this_update.as_ref().map(shown));
    let next = list.next_update.as_ref().map(shown);
    text.field("next update", next.as_deref().unwrap_or("not said"));
    match list.end() {
        Some(end) if now > end => text.field("", &format!("EXPIRED {} ago", in_words(now - end))),
        Some(end) => text.field("", &format!("{} left", in_words(end - now))),
        None => {}
    }
    text.optional(
        "signature",
        list.signature_algorithm
            .as_ref()
            .map(|algorithm| algorithm.name.clone()),
    );
    text.optional("version", list.version.map(|version| version.to_string()));
    text.extensions("extensions", &list.extensions);
    let count = list.entries.len();
    text.field(
        "revoked",
        &format!("{count} certificate{}", if count == 1 { "" } else { "s" }),
    );
    for entry in list.entries.iter().take(MAX_ENTRIES) {
        let details = entry.details();
        let separator = if details.is_empty() { "" } else { ", " };
        text.line(&format!(
            "{} on {}{separator}{}",
            serial(&entry.serial),
            entry.date,
            details.join(", ")
        ));
    }
    if count > MAX_ENTRIES {
        text.line(&format!("and {} more, which --json lists", count - MAX_ENTRIES));
    }
    text.field("SHA-256", &colon_hex_sha256(&list.der));
    text.remarks(&list.notes, list.refused.as_deref());
    text
}

fn private_key(key: &ShownPrivateKey, place: &str) -> Paragraph {
    let mut text = Paragraph::new("private key", place);
    text.field("form", key.form());
    text.field(
        "encryption",
        key.encryption
            .as_deref()
            .unwrap_or("none: whoever reads the file has the key"),
    );
    match (key.kind(), &key.encryption) {
        (Some(kind), _) => text.field("key", &kind),
        (None, Some(_)) if key.notes.is_empty() => text.field("key", "not seen without the passphrase"),
        (None, _) => {}
    }
    if let Some(public) = &key.public {
        for (label, fingerprint) in public.fingerprints() {
            text.field(label, &fingerprint);
        }
    }
    text.remarks(&key.notes, None);
    text
}

fn public_key(key: &ShownKey, place: &str) -> Paragraph {
    let mut text = Paragraph::new("public key", place);
    text.field("key", &key.described());
    if let Some(refused) = &key.refused {
        text.line(&format!("certgen takes no such key: {refused}"));
    }
    for (label, fingerprint) in key.fingerprints() {
        text.field(label, &fingerprint);
    }
    text
}

/// Without the octet that only says that it is positive, as `openssl` writes it.
fn serial(contents: &[u8]) -> String {
    match contents {
        [0, rest @ ..] if !rest.is_empty() => colon_hex(rest),
        contents => colon_hex(contents),
    }
}

/// Without the objects in it, which have their own paragraphs.
fn pkcs12(file: &ShownPkcs12, place: &str) -> Paragraph {
    let mut text = Paragraph::new("PKCS#12 file", place);
    text.field("encryption", &file.encryption());
    text.field("integrity", &file.integrity());
    if let Some(visible) = file.visible() {
        text.field("contents", &visible);
    }
    text.remarks(&file.notes, None);
    text
}

/// Width of the column of labels.
const LABEL: usize = 13;

/// A heading and its fields, one below the other.
pub(super) struct Paragraph(pub(super) String);

impl Paragraph {
    pub(super) fn new(heading: &str, place: &str) -> Self {
        let mut paragraph = Self(format!("{heading}\n"));
        paragraph.field("from", place);
        paragraph
    }

    pub(super) fn field(&mut self, label: &str, value: &str) {
        let _ = writeln!(self.0, "  {label:LABEL$}  {value}");
    }

    /// A further line of the field before.
    fn line(&mut self, value: &str) {
        self.field("", value);
    }

    fn optional(&mut self, label: &str, value: Option<String>) {
        self.field(label, value.as_deref().unwrap_or("not readable"));
    }

    fn name(&mut self, label: &str, name: Option<&DirectoryName>) {
        match name {
            Some(name) if name.is_empty() => self.field(label, "none"),
            name => self.optional(label, name.map(DirectoryName::text)),
        }
    }

    fn extensions(&mut self, label: &str, extensions: &[Extension]) {
        if extensions.is_empty() {
            self.field(label, "none");
        }
        for (index, extension) in extensions.iter().enumerate() {
            let label = if index == 0 { label } else { "" };
            let critical = if extension.critical { ", critical" } else { "" };
            self.field(label, &format!("{}{critical}", oid::described(&extension.oid)));
            for line in extension.lines() {
                self.line(&format!("  {line}"));
            }
        }
    }

    fn remarks(&mut self, notes: &[String], refused: Option<&str>) {
        for note in notes {
            self.field("note", note);
        }
        if let Some(refused) = refused {
            self.field(
                "refused",
                &format!("every other command of certgen refuses it: {refused}"),
            );
        }
    }
}
