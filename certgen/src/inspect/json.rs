//! What is found, for programs. Times are RFC 3339, octets hexadecimal, and what could not be read is `null`.

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::certificate::ShownCertificate;
use super::extension::Extension;
use super::name::DirectoryName;
use super::object::{Item, Object};
use super::pin::base64url_sha256;
use super::public_key::{Algorithm, ShownKey};
use crate::text::hex;

pub(super) fn object(object: &Object, source: &str, now: OffsetDateTime) -> Value {
    let mut value = match &object.item {
        Item::Certificate(certificate) => self::certificate(certificate, now),
        Item::Request(request) => request.json(),
        Item::RevocationList(list) => list.json(now),
        Item::PrivateKey(key) => key.json(),
        Item::PublicKey(key) => json!({"type": "public_key", "public_key": key.json(), "notes": []}),
        Item::Pkcs12(file) => file.json(),
        Item::Unread(unread) => json!({"type": "unread", "reason": unread.reason, "hint": unread.step, "notes": []}),
    };
    value["source"] = json!(source);
    value["line"] = json!(object.line);
    if let Some(notes) = value["notes"].as_array_mut() {
        notes.extend(object.notes.iter().map(|note| json!(note)));
    }
    value
}

fn certificate(certificate: &ShownCertificate, now: OffsetDateTime) -> Value {
    let [not_before, not_after] = certificate.validity();
    let serial = certificate.serial.as_deref();
    json!({
        "type": "certificate",
        "version": certificate.version,
        "serial": serial.map(hex),
        "subject": certificate.subject.as_ref().map(DirectoryName::text),
        "subject_attributes": certificate.subject.as_ref().map(DirectoryName::json),
        "issuer": certificate.issuer.as_ref().map(DirectoryName::text),
        "issuer_attributes": certificate.issuer.as_ref().map(DirectoryName::json),
        "is_self_issued": certificate.is_self_issued,
        "is_ca": certificate.is_ca(),
        "subject_alternative_names": certificate.alternative_names(),
        "not_before": not_before,
        "not_after": not_after,
        "status": certificate.status(now).name(),
        "days_left": certificate.end().map(|end| (end - now).whole_days()),
        "public_key": certificate.key.as_ref().map(ShownKey::json),
        "signature_algorithm": certificate.signature_algorithm.as_ref().map(Algorithm::json),
        "extensions": certificate.extensions.iter().map(Extension::json).collect::<Vec<_>>(),
        "sha256": hex(&cryptokit::hash::sha256(&certificate.der)),
        "x5t#S256": base64url_sha256(&certificate.der),
        "refused": certificate.refused,
        "notes": certificate.notes,
    })
}
