//! What bytes are: certificates, requests, lists, keys, told apart by their structure.

use cryptokit::secret::SecretString;

use super::asn1::{
    BIT_STRING, ENUMERATED, Element, GENERALIZED_TIME, INTEGER, OCTET_STRING, OID, Reader, SEQUENCE, UTC_TIME, oid_text,
};
use super::certificate::{ShownCertificate, looks_like_certificate};
use super::looks::looks_like;
use super::pem::{self, Block};
use super::pkcs12::{ShownPkcs12, of_pkcs12};
use super::private_key::{Form, ShownPrivateKey};
use super::public_key::ShownKey;
use super::request::ShownRequest;
use super::revocation_list::ShownList;
use crate::printable::printable;

/// Most objects shown of one file. The bundles of systems have 150.
pub(super) const MAX_OBJECTS: usize = 2000;

/// One thing found.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub(super) item: Item,
    /// The line of a PEM text that it begins on.
    pub(super) line: Option<usize>,
    /// What is odd about how it was found.
    pub(super) notes: Vec<String>,
}

/// What was found.
#[derive(Clone, Debug)]
pub(super) enum Item {
    Certificate(Box<ShownCertificate>),
    Request(Box<ShownRequest>),
    RevocationList(Box<ShownList>),
    PrivateKey(Box<ShownPrivateKey>),
    PublicKey(Box<ShownKey>),
    Pkcs12(Box<ShownPkcs12>),
    /// Something that is not shown.
    Unread(Unread),
}

/// Why something is not shown.
#[derive(Clone, Debug)]
pub(super) struct Unread {
    /// What it looks like, or what is wrong with it; safe to print.
    pub(super) reason: String,
    pub(super) step: &'static str,
}

impl Object {
    pub(super) fn new(item: Item) -> Self {
        Self {
            item,
            line: None,
            notes: Vec::new(),
        }
    }

    fn unread(reason: impl Into<String>, step: &'static str) -> Self {
        Self::new(Item::Unread(Unread {
            reason: reason.into(),
            step,
        }))
    }
}

/// Everything in a file: PEM or DER. Never empty.
pub(super) fn read_all(bytes: &[u8], passphrase: Option<&SecretString>) -> Vec<Object> {
    let mut objects = match pem::read(bytes) {
        Some(pem) => {
            let mut objects: Vec<_> = pem
                .blocks
                .iter()
                .flat_map(|block| of_block(block, passphrase))
                .collect();
            if pem.other_lines > 0
                && let Some(first) = objects.first_mut()
            {
                let plural = if pem.other_lines == 1 { "line" } else { "lines" };
                first.notes.push(format!(
                    "the file has {} {plural} of text outside its PEM blocks; some programs refuse that",
                    pem.other_lines
                ));
            }
            objects
        }
        None => of_bytes(bytes, passphrase),
    };
    if objects.len() > MAX_OBJECTS {
        let more = objects.len() - MAX_OBJECTS;
        objects.truncate(MAX_OBJECTS);
        objects.push(Object::unread(format!("{more} more objects"), "split the file"));
    }
    objects
}

fn of_bytes(bytes: &[u8], passphrase: Option<&SecretString>) -> Vec<Object> {
    if bytes.first() == Some(&SEQUENCE) {
        return of_der(bytes, passphrase);
    }
    // What begins as the base64 of a SEQUENCE.
    if bytes.trim_ascii_start().starts_with(b"MI")
        && let Some(der) = pem::base64(bytes)
        && der.first() == Some(&SEQUENCE)
    {
        let mut objects = of_der(&der, passphrase);
        if let Some(first) = objects.first_mut() {
            first
                .notes
                .push("the file is bare base64: neither PEM, which has BEGIN and END lines, nor DER".to_owned());
        }
        return objects;
    }
    let (reason, step) = looks_like(bytes);
    vec![Object::unread(format!("it looks like {reason}"), step)]
}

fn of_block(block: &Block, passphrase: Option<&SecretString>) -> Vec<Object> {
    let mut objects = match (&block.contents, &block.cipher) {
        (_, Some(cipher)) => vec![Object::new(Item::PrivateKey(Box::new(ShownPrivateKey::traditional(
            cipher,
        ))))],
        (Err(reason), _) => vec![Object::unread(*reason, "copy the whole block again")],
        (Ok(contents), None) => of_labelled(&block.label, contents, passphrase),
    };
    for object in &mut objects {
        object.line = Some(block.line);
    }
    objects
}

fn of_labelled(label: &str, contents: &[u8], passphrase: Option<&SecretString>) -> Vec<Object> {
    match label {
        "OPENSSH PRIVATE KEY" => {
            return vec![Object::unread(
                "an OpenSSH private key",
                "`ssh-keygen -lf FILE` shows it",
            )];
        }
        "EC PARAMETERS" | "DH PARAMETERS" | "DSA PARAMETERS" => {
            return vec![Object::unread(
                format!("{label}, which hold no key"),
                "leave them out: nothing here uses them",
            )];
        }
        _ if label.starts_with("PGP") => {
            return vec![Object::unread("OpenPGP data", "`gpg --show-keys FILE` shows it")];
        }
        // OpenSSL's own: a certificate, and settings of trust after it.
        "TRUSTED CERTIFICATE" => {
            let mut reader = Reader::new(contents);
            if let Ok(certificate) = reader.next() {
                let mut object = Object::new(of_element(&certificate, passphrase));
                object
                    .notes
                    .push("OpenSSL's TRUSTED CERTIFICATE: its settings of trust are not shown".to_owned());
                return vec![object];
            }
        }
        _ => {}
    }
    let mut objects = of_der(contents, passphrase);
    if let Some(object) = objects.first_mut() {
        match &mut object.item {
            Item::Unread(unread) => unread.reason = format!("a block of {}: {}", printable(label), unread.reason),
            item if !labels_of(item).contains(&label) => object.notes.push(format!(
                "its PEM block says {}, which is not what it holds",
                printable(label)
            )),
            _ => {}
        }
    }
    objects
}

/// The labels under which an object may stand (RFC 7468, and older ones that are still written).
fn labels_of(item: &Item) -> &'static [&'static str] {
    match item {
        Item::Certificate(_) => &["CERTIFICATE", "X509 CERTIFICATE", "PKCS7", "CMS"],
        Item::Request(_) => &["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"],
        Item::RevocationList(_) => &["X509 CRL", "PKCS7", "CMS"],
        Item::PublicKey(_) => &["PUBLIC KEY", "RSA PUBLIC KEY"],
        Item::PrivateKey(key) => match key.form() {
            "PKCS#8" => &["PRIVATE KEY"],
            "PKCS#1" => &["RSA PRIVATE KEY"],
            "SEC1" => &["EC PRIVATE KEY"],
            "encrypted PKCS#8" => &["ENCRYPTED PRIVATE KEY"],
            _ => &["DSA PRIVATE KEY"],
        },
        Item::Pkcs12(_) => &["PKCS12"],
        Item::Unread(_) => &[],
    }
}

/// DER objects one after the other.
fn of_der(bytes: &[u8], passphrase: Option<&SecretString>) -> Vec<Object> {
    if let Some(objects) = of_pkcs12(bytes, passphrase) {
        return objects;
    }
    let mut reader = Reader::new(bytes);
    let mut objects = Vec::new();
    while reader.peek() == Some(SEQUENCE) && objects.len() <= MAX_OBJECTS {
        match reader.next_clipped() {
            Ok((element, is_whole)) => {
                let found = of_structure(&element, passphrase);
                if !is_whole
                    && matches!(
                        found.as_slice(),
                        [Object {
                            item: Item::Unread(_),
                            ..
                        }]
                    )
                {
                    objects.push(Object::unread(
                        "DER that ends in the middle",
                        "copy the whole file again",
                    ));
                } else {
                    objects.extend(found);
                }
            }
            Err(_) => break,
        }
    }
    match (objects.last_mut(), reader.rest.len()) {
        (None, _) => {
            let (reason, step) = looks_like(bytes);
            objects.push(Object::unread(format!("it looks like {reason}"), step));
        }
        (Some(_), 0) => {}
        (Some(last), more) => last.notes.push(format!("{more} bytes of something else follow it")),
    }
    objects
}

/// The objects of a structure: nearly always one.
fn of_structure(element: &Element<'_>, passphrase: Option<&SecretString>) -> Vec<Object> {
    match signed_data(element) {
        Some(objects) if !objects.is_empty() => objects,
        _ => vec![Object::new(of_element(element, passphrase))],
    }
}

fn of_element(element: &Element<'_>, passphrase: Option<&SecretString>) -> Item {
    let der = element.whole;
    let private = |form| Item::PrivateKey(Box::new(ShownPrivateKey::read(form, der, passphrase)));
    let mut tags = Vec::new();
    let mut fields = element.inside();
    let first = fields.next_clipped().map(|(first, _)| first);
    let mut fields = element.inside();
    while let Some(tag) = fields.peek().filter(|_| tags.len() < 10) {
        tags.push(tag);
        if fields.next().is_err() {
            break;
        }
    }
    match (tags.as_slice(), first) {
        // Signed, or what is left of it.
        ([SEQUENCE] | [SEQUENCE, SEQUENCE] | [SEQUENCE, SEQUENCE, BIT_STRING, ..], Ok(signed)) => {
            of_signed(der, &signed)
        }
        ([SEQUENCE, BIT_STRING], _) => match ShownKey::read(der) {
            Ok(key) => Item::PublicKey(Box::new(key)),
            Err(broken) => unread(format!("a public key that cannot be read: {broken}")),
        },
        ([SEQUENCE, OCTET_STRING], Ok(algorithm)) if algorithm.inside().peek() == Some(OID) => {
            private(Form::EncryptedPkcs8)
        }
        ([INTEGER, SEQUENCE, OCTET_STRING, ..], _) => private(Form::Pkcs8),
        ([INTEGER, OCTET_STRING, ..], _) => private(Form::Sec1),
        ([INTEGER, INTEGER], _) => pkcs1_public(der),
        ([INTEGER, INTEGER, INTEGER, INTEGER, INTEGER, INTEGER], _) => private(Form::Dsa),
        (
            [
                INTEGER,
                INTEGER,
                INTEGER,
                INTEGER,
                INTEGER,
                INTEGER,
                INTEGER,
                INTEGER,
                INTEGER,
                ..,
            ],
            _,
        ) => private(Form::Pkcs1),
        ([OID, 0xa0], Ok(kind)) => unread(format!(
            "CMS or PKCS#7 of type {}",
            super::oid::described(&oid_text(kind.contents))
        )),
        ([ENUMERATED, ..], _) => Item::Unread(Unread {
            reason: "an OCSP response".to_owned(),
            step: "`openssl ocsp -respin FILE -text -noverify` shows it",
        }),
        _ => unread("it looks like DER of a kind that is not shown".to_owned()),
    }
}

fn unread(reason: String) -> Item {
    Item::Unread(Unread {
        reason,
        step: "`openssl asn1parse -inform DER` shows its structure",
    })
}

/// Certificate, request or list: told apart by what the signed part begins with.
fn of_signed(der: &[u8], signed: &Element<'_>) -> Item {
    if looks_like_certificate(signed) {
        return Item::Certificate(Box::new(ShownCertificate::read(der)));
    }
    let mut fields = signed.inside();
    let tags: Vec<_> = std::iter::from_fn(|| fields.next().ok())
        .take(4)
        .map(|field| field.tag)
        .collect();
    match tags.as_slice() {
        [INTEGER, SEQUENCE, SEQUENCE, UTC_TIME | GENERALIZED_TIME]
        | [SEQUENCE, SEQUENCE, UTC_TIME | GENERALIZED_TIME, ..] => Item::RevocationList(Box::new(ShownList::read(der))),
        [INTEGER, SEQUENCE, SEQUENCE, ..] => Item::Request(Box::new(ShownRequest::read(der))),
        _ => unread("something signed, of a kind that is not shown".to_owned()),
    }
}

/// RFC 8017 §A.1.1, shown as the SubjectPublicKeyInfo that holds the same key.
fn pkcs1_public(der: &[u8]) -> Item {
    let length = |octets: usize| -> Vec<u8> {
        match u16::try_from(octets) {
            Ok(short @ ..0x80) => vec![short.to_be_bytes()[1]],
            Ok(long) => [&[0x82][..], &long.to_be_bytes()].concat(),
            Err(_) => vec![0x84, 0xff, 0xff, 0xff, 0xff],
        }
    };
    // rsaEncryption with NULL (RFC 3279 §2.3.1).
    let algorithm = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";
    let bits = [&[BIT_STRING][..], &length(der.len() + 1), &[0], der].concat();
    let spki = [&[SEQUENCE][..], &length(algorithm.len() + bits.len()), algorithm, &bits].concat();
    match ShownKey::read(&spki) {
        Ok(key) => Item::PublicKey(Box::new(key)),
        Err(broken) => unread(format!("an RSA public key that cannot be read: {broken}")),
    }
}

/// The certificates and lists of CMS SignedData (RFC 5652 §5.1), as `.p7b` files have them.
fn signed_data(element: &Element<'_>) -> Option<Vec<Object>> {
    let mut fields = element.inside();
    let kind = fields.expect(OID).ok()?;
    if oid_text(kind.contents) != "1.2.840.113549.1.7.2" {
        return None;
    }
    let mut data = fields.expect(0xa0).ok()?.inside().sequence().ok()?;
    data.expect(INTEGER).ok()?;
    data.next().ok()?;
    data.next().ok()?;
    let mut objects = Vec::new();
    for tag in [0xa0, 0xa1] {
        if let Some(set) = data.optional(tag).ok()? {
            objects.extend(
                set.inside()
                    .all()
                    .ok()?
                    .iter()
                    .map(|element| Object::new(of_element(element, None))),
            );
        }
    }
    Some(objects)
}
