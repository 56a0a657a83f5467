//! What things are known by: a hash of their bytes, written in one of the ways that people and programs compare.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use cryptokit::hash::{sha1_for_display, sha256};

use super::Inspection;
use super::object::{Item, Object};
use super::pin::spki_pin;
use crate::printable::colon_hex;
use crate::text::hex;

/// How a fingerprint is made and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FingerprintFormat {
    /// SHA-256 as `AB:CD:…`.
    Hex,
    /// SHA-256 as `abcd…`.
    Plain,
    /// SHA-256 in base64.
    Base64,
    /// SHA-256 in base64url without padding.
    Base64url,
    /// As [`Self::Base64url`], of certificates alone (RFC 8705 §3.1).
    X5tS256,
    /// `sha256//` and base64, of the public key always.
    Pin,
    /// SHA-1 as `AB:CD:…`. It can be forged.
    Sha1,
}

/// A fingerprint and what it is of.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fingerprint {
    /// The fingerprint as it is written.
    pub value: String,
    /// Of what kind of thing.
    pub of: &'static str,
    /// What that is called, safe to print.
    pub name: String,
    /// Where it is, safe to print.
    pub place: String,
}

/// Why a thing has no such fingerprint; safe to print.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NoFingerprint {
    /// Where it is.
    pub place: String,
    /// Why.
    pub reason: String,
    /// The next step.
    pub step: &'static str,
}

impl Inspection {
    /// The fingerprint of each object, in order; of the public key where `of_key` is set.
    ///
    /// # Errors
    ///
    /// [`NoFingerprint`] for the first that has none: unreadable, a key that is closed, or not of the kind the format asks.
    pub fn fingerprints(&self, format: FingerprintFormat, of_key: bool) -> Result<Vec<Fingerprint>, NoFingerprint> {
        let of_key = of_key || format == FingerprintFormat::Pin;
        let one = |(index, object): (usize, &Object)| {
            let place = self.place(index);
            match material(object, of_key, format) {
                Ok((of, name, bytes)) => Ok(Fingerprint {
                    value: written(format, &bytes),
                    of,
                    name,
                    place,
                }),
                Err((reason, step)) => Err(NoFingerprint { place, reason, step }),
            }
        };
        // A container that is open has no fingerprint of its own: what is in it has.
        let is_wrapping = |object: &Object| matches!(&object.item, Item::Pkcs12(file) if file.is_open);
        let objects = self
            .objects
            .iter()
            .enumerate()
            .filter(|(_, object)| !is_wrapping(object));
        objects.map(one).collect()
    }
}

type Material = (&'static str, String, Vec<u8>);

/// What is hashed.
fn material(object: &Object, of_key: bool, format: FingerprintFormat) -> Result<Material, (String, &'static str)> {
    let spki = |key: Option<&super::public_key::ShownKey>, name: String| match key {
        Some(key) => Ok(("public_key", name, key.spki.clone())),
        None => Err((
            "its public key is not readable".to_owned(),
            "`certgen inspect` shows what is",
        )),
    };
    if format == FingerprintFormat::X5tS256 && !matches!(object.item, Item::Certificate(_) | Item::Unread(_)) {
        return Err(("x5t#S256 is of certificates alone".to_owned(), "use --format base64url"));
    }
    let is_damaged = match &object.item {
        Item::Certificate(certificate) => certificate.is_damaged,
        Item::Request(request) => request.is_damaged,
        Item::RevocationList(list) => list.is_damaged,
        Item::PublicKey(_) | Item::PrivateKey(_) | Item::Pkcs12(_) | Item::Unread(_) => false,
    };
    if is_damaged {
        return Err(("it is damaged".to_owned(), "`certgen inspect` shows what is left of it"));
    }
    match &object.item {
        Item::Certificate(certificate) if of_key => spki(certificate.key.as_ref(), certificate.title()),
        Item::Certificate(certificate) => Ok(("certificate", certificate.title(), certificate.der.clone())),
        Item::Request(request) if of_key => spki(request.key.as_ref(), request.title()),
        Item::Request(request) => Ok(("certification_request", request.title(), request.der.clone())),
        Item::RevocationList(_) if of_key => Err((
            "a revocation list has no key".to_owned(),
            "leave out --key and --format pin",
        )),
        Item::RevocationList(list) => Ok(("revocation_list", list.title(), list.der.clone())),
        Item::PublicKey(key) => spki(Some(key), key.described()),
        Item::PrivateKey(key) => match &key.public {
            Some(public) => spki(Some(public), public.described()),
            None if key.encryption.is_some() && key.notes.is_empty() => Err((
                "the key is encrypted".to_owned(),
                "say where its passphrase is with --passphrase-file, --passphrase-env or --passphrase-fd",
            )),
            None => Err((
                key.notes
                    .first()
                    .cloned()
                    .unwrap_or_else(|| "its public half is not known".to_owned()),
                "`certgen inspect` shows what is",
            )),
        },
        Item::Pkcs12(_) => Err((
            "the PKCS#12 file is closed".to_owned(),
            "say where its password is with --passphrase-file, --passphrase-env or --passphrase-fd",
        )),
        Item::Unread(unread) => Err((unread.reason.clone(), unread.step)),
    }
}

fn written(format: FingerprintFormat, bytes: &[u8]) -> String {
    match format {
        FingerprintFormat::Hex => colon_hex(&sha256(bytes)),
        FingerprintFormat::Plain => hex(&sha256(bytes)),
        FingerprintFormat::Base64 => STANDARD.encode(sha256(bytes)),
        FingerprintFormat::Base64url | FingerprintFormat::X5tS256 => URL_SAFE_NO_PAD.encode(sha256(bytes)),
        FingerprintFormat::Pin => spki_pin(bytes),
        FingerprintFormat::Sha1 => colon_hex(&sha1_for_display(bytes)),
    }
}
