//! Looking at certificates, requests, revocation lists and keys, whole or broken.
//!
//! What other commands refuse is shown here as far as it can be read, with the reason for which they refuse it. Nothing
//! is verified and nothing is trusted. All that comes from outside is made safe to print; see [`crate::printable`].
//!
//! ```
//! use certgen::inspect::Inspection;
//!
//! let now = time::OffsetDateTime::from_unix_timestamp(1_800_000_000)?;
//! let found = Inspection::of("key.txt", b"ssh-ed25519 AAAA", None);
//! assert!(!found.is_whole());
//! assert_eq!(
//!     found.to_text(now),
//!     "not read: it looks like an SSH public key\n  from           key.txt\n  try            `ssh-keygen -lf FILE` shows it\n"
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod asn1;
mod certificate;
mod extension;
mod fingerprint;
mod json;
mod looks;
mod name;
mod object;
mod oid;
mod pem;
mod pin;
mod pkcs12;
mod private_key;
mod public_key;
mod request;
mod revocation_list;
mod server;
mod short;
mod text;
mod time;

use ::time::OffsetDateTime;
use cryptokit::secret::SecretString;
use serde_json::Value;

use certificate::ShownCertificate;
use object::{Item, Object};

pub use fingerprint::{Fingerprint, FingerprintFormat, NoFingerprint};
pub use pin::{base64url_sha256, colon_hex_sha256, spki_pin};
pub use server::{ShownServer, TrustVerdict};

/// What was found in a file or presented by a server.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// Where it comes from; safe to print.
    source: String,
    objects: Vec<Object>,
}

impl Inspection {
    /// Looks at bytes: PEM, DER, or anything else, of which it says what it looks like. An encrypted key is opened with
    /// the passphrase, where one is given. Never fails and never panics.
    ///
    /// `source` is shown beside what is found, such as the name of the file.
    pub fn of(source: &str, bytes: &[u8], passphrase: Option<&SecretString>) -> Self {
        Self {
            source: crate::printable::printable(source),
            objects: object::read_all(bytes, passphrase),
        }
    }

    /// The certificates that a server presented, in its order.
    pub fn of_chain<'a>(source: &str, chain: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let object = |der| Object {
            item: Item::Certificate(Box::new(ShownCertificate::read(der))),
            line: None,
            notes: Vec::new(),
        };
        Self {
            source: crate::printable::printable(source),
            objects: chain.into_iter().map(object).collect(),
        }
    }

    /// Whether all of it is shown.
    pub fn is_whole(&self) -> bool {
        !self.objects.iter().any(|object| matches!(object.item, Item::Unread(_)))
    }

    /// Whether none of it is shown: why, and the next step.
    pub fn nothing_read(&self) -> Option<(&str, &'static str)> {
        match self.objects.as_slice() {
            [
                Object {
                    item: Item::Unread(unread),
                    ..
                },
            ] => Some((&unread.reason, unread.step)),
            _ => None,
        }
    }

    /// Every field, a paragraph for each object.
    pub fn to_text(&self, now: OffsetDateTime) -> String {
        let paragraphs = self.objects.iter().enumerate();
        let paragraphs = paragraphs.map(|(index, object)| text::full(object, &self.place(index), now));
        paragraphs.collect::<Vec<_>>().join("\n")
    }

    /// The few lines that are asked for most, for each object.
    pub fn to_short(&self, now: OffsetDateTime) -> String {
        let paragraphs = self.objects.iter().enumerate();
        let paragraphs = paragraphs.map(|(index, object)| short::paragraph(object, &self.place(index), now));
        paragraphs.collect::<Vec<_>>().join("\n")
    }

    /// The objects for programs, in order; the keys are described in `docs/certgen.md`.
    pub fn to_json(&self, now: OffsetDateTime) -> Vec<Value> {
        self.objects
            .iter()
            .map(|object| json::object(object, &self.source, now))
            .collect()
    }

    /// `fullchain.pem, line 14`; `chain.p7b, 2 of 3`.
    fn place(&self, index: usize) -> String {
        let count = self.objects.len();
        match self.objects[index].line {
            Some(line) if count > 1 => format!("{}, line {line}", self.source),
            _ if count > 1 => format!("{}, {} of {count}", self.source, index + 1),
            _ => self.source.clone(),
        }
    }
}
