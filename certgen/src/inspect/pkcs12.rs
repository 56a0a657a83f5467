//! PKCS#12 files (RFC 7292): how they are protected, and with their password, what is in them.

use cryptokit::pkcs12::{Outline, Pkcs12, Protection};
use cryptokit::secret::SecretString;
use serde_json::{Value, json};

use super::certificate::ShownCertificate;
use super::object::{Item, Object};
use super::private_key::ShownPrivateKey;
use crate::printable::printable;

/// What is shown of the file itself.
#[derive(Clone, Debug)]
pub(super) struct ShownPkcs12 {
    outline: Option<Outline>,
    /// Whether what is in it follows.
    pub(super) is_open: bool,
    pub(super) notes: Vec<String>,
}

impl ShownPkcs12 {
    /// How the contents are encrypted.
    pub(super) fn encryption(&self) -> String {
        let Some(outline) = &self.outline else {
            return "not readable".to_owned();
        };
        let schemes: Vec<_> = outline.encryption.iter().map(words).collect();
        match schemes.is_empty() {
            true => "none".to_owned(),
            false => schemes.join("; "),
        }
    }

    /// What shows whether it was changed.
    pub(super) fn integrity(&self) -> String {
        let Some(outline) = &self.outline else {
            return "not readable".to_owned();
        };
        let protection = outline.integrity.as_ref();
        protection.map_or_else(|| "nothing: anybody may have changed it".to_owned(), words)
    }

    /// What can be seen of a closed file.
    pub(super) fn visible(&self) -> Option<String> {
        let outline = self.outline.as_ref().filter(|_| !self.is_open)?;
        let (certificates, keys) = (outline.plain_certificates, outline.plain_keys);
        Some(match certificates + keys {
            0 => "nothing without the password".to_owned(),
            _ => format!("{} unencrypted entries, shown with the password", certificates + keys),
        })
    }

    pub(super) fn json(&self) -> Value {
        let protection =
            |protection: &Protection| json!({"scheme": protection.scheme, "iterations": protection.iterations});
        let outline = self.outline.as_ref();
        json!({
            "type": "pkcs12",
            "is_open": self.is_open,
            "integrity": outline.and_then(|outline| outline.integrity.as_ref()).map(protection),
            "encryption": outline.map(|outline| outline.encryption.iter().map(protection).collect::<Vec<_>>()),
            "unencrypted_certificates": outline.map(|outline| outline.plain_certificates),
            "unencrypted_keys": outline.map(|outline| outline.plain_keys),
            "notes": self.notes,
        })
    }
}

/// The file, then what is in it, where it opens. `None` for what is no PKCS#12.
pub(super) fn of_pkcs12(file: &[u8], password: Option<&SecretString>) -> Option<Vec<Object>> {
    // Its version comes within the first octets; only then is the whole looked at.
    let start = &file[..file.len().min(10)];
    if !start.windows(3).any(|three| three == [0x02, 0x01, 0x03]) || !Pkcs12::is_pkcs12(file) {
        return None;
    }
    let mut shown = ShownPkcs12 {
        outline: None,
        is_open: false,
        notes: Vec::new(),
    };
    match Outline::read(file) {
        Err(error) => shown.notes.push(format!("it cannot be opened here: {error}")),
        Ok(outline) => shown.outline = Some(outline),
    }
    let empty = SecretString::from(zeroize::Zeroizing::new(String::new()));
    // Trust stores without secrets are often written without a password; to try that costs next to nothing.
    let is_cheap = shown.outline.as_ref().is_some_and(|outline| outline.work() <= 100_000);
    let opened = match password {
        _ if shown.outline.is_none() => None,
        Some(password) => Some(Pkcs12::open(file, password)),
        None if is_cheap => Pkcs12::open(file, &empty).ok().map(Ok),
        None => None,
    };
    let mut objects = Vec::new();
    match opened {
        Some(Err(error)) => shown.notes.push(format!("it was not opened: {error}")),
        Some(Ok(contents)) => {
            shown.is_open = true;
            if password.is_none() {
                shown
                    .notes
                    .push("it opens without a password, or with an empty one, which protects nothing".to_owned());
            }
            objects = entries(contents, &mut shown.notes);
        }
        None => {}
    }
    objects.insert(0, Object::new(Item::Pkcs12(Box::new(shown))));
    Some(objects)
}

fn entries(contents: Pkcs12, notes: &mut Vec<String>) -> Vec<Object> {
    let mut objects = Vec::new();
    for entry in contents.keys {
        let mut object = Object::new(Item::PrivateKey(Box::new(ShownPrivateKey::in_pkcs12(
            entry.key.as_ref(),
        ))));
        object
            .notes
            .extend(called(entry.name.as_deref(), entry.local_key_id.as_deref()));
        objects.push(object);
    }
    for entry in contents.certificates {
        let mut object = Object::new(Item::Certificate(Box::new(ShownCertificate::read(&entry.der))));
        object
            .notes
            .extend(called(entry.name.as_deref(), entry.local_key_id.as_deref()));
        if entry.trusted {
            object
                .notes
                .push("it is marked as trusted, as Java marks it".to_owned());
        }
        objects.push(object);
    }
    if contents.others > 0 {
        notes.push(format!("{} entries of other kinds are not shown", contents.others));
    }
    objects
}

fn called(name: Option<&str>, id: Option<&[u8]>) -> Vec<String> {
    let name = name.map(|name| format!("it is called `{}` in the file", printable(name)));
    let id = id.map(|id| {
        format!(
            "it belongs to the entries with the id {}",
            crate::printable::colon_hex(id)
        )
    });
    name.into_iter().chain(id).collect()
}

fn words(protection: &Protection) -> String {
    match protection.iterations {
        Some(iterations) => format!("{}, {iterations} iterations", protection.scheme),
        None => protection.scheme.clone(),
    }
}
