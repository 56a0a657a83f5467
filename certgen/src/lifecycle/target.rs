//! Which certificate is meant by a name, a serial number or a file: exactly one, or none.

use std::path::{Path, PathBuf};

use time::OffsetDateTime;

use crate::home::{AuthorityKind, HomeView, Inventory, layout};
use crate::input::{self, InputError};
use crate::text::hex;

/// Fewest digits that a serial number may be shortened to.
pub const MIN_SERIAL_DIGITS: usize = 8;

/// A certificate of this authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its serial number, in lower-case hexadecimal.
    pub serial: String,
    /// The service or authority that it is of; `None` for one that was signed for a request and given away.
    pub name: Option<String>,
    /// Its subject or its first name, for people.
    pub shown: String,
    /// Whether it is an authority's.
    pub is_authority: bool,
    /// Key identifier of the authority that issued it.
    pub issuer_key_id: String,
    /// SHA-256 of its SubjectPublicKeyInfo.
    pub spki_sha256: String,
    /// Its last second.
    pub not_after: OffsetDateTime,
    sha256: String,
}

/// Why no certificate is meant, or more than one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// No service, no authority, no serial number and no file.
    #[error("there is no service, authority, serial number or file `{text}` here")]
    Unknown {
        /// What was given, with control characters escaped.
        text: String,
    },
    /// Beginning of more than one serial number, or both a name and a serial number.
    #[error("`{text}` can mean {}", candidates.join(" or "))]
    Ambiguous {
        /// What was given.
        text: String,
        /// What it can mean.
        candidates: Vec<String>,
    },
    /// A service with several certificates that are accepted.
    #[error("`{name}` has {} certificates that are valid: {}", serials.len(), serials.join(", "))]
    Several {
        /// The service.
        name: String,
        /// Their serial numbers, oldest first.
        serials: Vec<String>,
    },
    /// The name of an authority that is being exchanged: it is that of the new one, and mostly the old one is meant.
    #[error("`{name}` is being exchanged: that is the new authority now, and the old one is `{old}`")]
    BeingExchanged {
        /// The name.
        name: String,
        /// What the old one is called.
        old: String,
        /// Serial number of the new one.
        serial: String,
    },
    /// Every certificate of the service is expired or revoked.
    #[error("`{name}` has no certificate that is valid")]
    NoneValid {
        /// The service.
        name: String,
    },
    /// A file with a certificate of another authority.
    #[error("`{}` was not issued by this authority", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error(transparent)]
    Input(#[from] InputError),
}

/// Finds what a text means: the certificates of a service by its name, an authority by its name, a certificate by its
/// serial number or the beginning of one, or the first certificate of a file. With `all`, a service may have several.
///
/// # Errors
///
/// [`TargetError`].
pub fn find(home: &HomeView, text: &str, all: bool, now: OffsetDateTime) -> Result<Vec<Target>, TargetError> {
    let inventory = home.inventory();
    let text = without_slash(text);
    let by_name = by_name(inventory, text);
    let by_serial = by_serial(inventory, text);
    match (by_name.is_empty(), by_serial.as_slice()) {
        (false, []) => choose(home, text, by_name, all, now),
        (true, [_]) => Ok(by_serial),
        (true, []) => by_file(inventory, text).map(|target| vec![target]),
        (is_no_name, several) => {
            let name = (!is_no_name).then(|| format!("the name {text}"));
            let serials = several
                .iter()
                .map(|target| format!("the serial number {}", target.serial));
            Err(TargetError::Ambiguous {
                text: text.to_owned(),
                candidates: name.into_iter().chain(serials).collect(),
            })
        }
    }
}

/// A service's name may be given as a shell completes that of its directory.
pub(super) fn without_slash(text: &str) -> &str {
    text.strip_suffix('/').unwrap_or(text)
}

/// Certificates of services that are accepted.
pub(super) fn living(inventory: &Inventory, now: OffsetDateTime) -> impl Iterator<Item = Target> {
    let is_accepted = move |target: &Target| target.not_after >= now && inventory.revocation(&target.serial).is_none();
    everything(inventory).filter(move |target| !target.is_authority && is_accepted(target))
}

fn choose(
    home: &HomeView,
    name: &str,
    found: Vec<Target>,
    all: bool,
    now: OffsetDateTime,
) -> Result<Vec<Target>, TargetError> {
    let is_living = |target: &Target| target.not_after >= now && home.inventory().revocation(&target.serial).is_none();
    let is_authority = found.iter().any(|target| target.is_authority);
    let old = layout::outgoing(name);
    if let (true, [new], Some(_)) = (is_authority, found.as_slice(), home.inventory().authority(&old)) {
        return Err(TargetError::BeingExchanged {
            name: name.to_owned(),
            old,
            serial: new.serial.clone(),
        });
    }
    let found: Vec<_> = found
        .into_iter()
        .filter(|target| is_authority || is_living(target))
        .collect();
    let name = name.to_owned();
    match found.len() {
        0 => Err(TargetError::NoneValid { name }),
        1 => Ok(found),
        _ if all => Ok(found),
        _ => Err(TargetError::Several {
            name,
            serials: found.into_iter().map(|target| target.serial).collect(),
        }),
    }
}

fn by_name(inventory: &Inventory, name: &str) -> Vec<Target> {
    // A second certificate for a root is not the authority itself.
    let authority = inventory
        .authority(name)
        .filter(|authority| authority.kind != AuthorityKind::Cross);
    let authorities = everything(inventory).filter(|one| authority.is_some_and(|found| found.sha256 == one.sha256));
    let services = everything(inventory).filter(|one| !one.is_authority && one.name.as_deref() == Some(name));
    authorities.chain(services).collect()
}

fn by_serial(inventory: &Inventory, text: &str) -> Vec<Target> {
    let Some(beginning) = serial_digits(text) else {
        return Vec::new();
    };
    let same = |target: &Target| target.serial.trim_start_matches("00").starts_with(&beginning);
    everything(inventory).filter(same).collect()
}

/// Lower-case digits without separators and leading zeros; `None` for what is no serial number.
fn serial_digits(text: &str) -> Option<String> {
    let bare = text.strip_prefix("0x").unwrap_or(text);
    let digits: String = bare.chars().filter(|character| *character != ':').collect();
    let digits = digits.to_ascii_lowercase();
    let digits = digits.trim_start_matches("00");
    let is_serial = digits.len() >= MIN_SERIAL_DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_serial.then(|| digits.to_owned())
}

fn by_file(inventory: &Inventory, text: &str) -> Result<Target, TargetError> {
    let path = Path::new(text);
    if text != input::STANDARD_INPUT && !path.is_file() {
        return Err(TargetError::Unknown {
            text: text.escape_debug().to_string(),
        });
    }
    // Of a chain, the first is what the file is named after.
    let certificates = input::certificates(path)?;
    let sha256 = certificates.first().map(|certificate| hex(&certificate.sha256()));
    let target = everything(inventory).find(|target| Some(&target.sha256) == sha256.as_ref());
    target.ok_or_else(|| TargetError::Foreign { path: path.to_owned() })
}

/// Every certificate of the inventory: authorities, then services, oldest first.
fn everything(inventory: &Inventory) -> impl Iterator<Item = Target> {
    let authorities = inventory.authorities().map(|record| Target {
        serial: record.serial.clone(),
        name: Some(record.name.clone()),
        shown: record.subject.clone(),
        is_authority: true,
        issuer_key_id: record.issuer_key_id.clone(),
        spki_sha256: record.spki_sha256.clone(),
        not_after: record.not_after,
        sha256: record.sha256.clone(),
    });
    let services = inventory.issued().iter().map(|record| Target {
        serial: record.serial.clone(),
        name: record.service.clone(),
        shown: record.names.first().cloned().unwrap_or_else(|| record.subject.clone()),
        is_authority: false,
        issuer_key_id: record.issuer_key_id.clone(),
        spki_sha256: record.spki_sha256.clone(),
        not_after: record.not_after,
        sha256: record.sha256.clone(),
    });
    authorities.chain(services)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_numbers_are_read_as_other_programs_print_them() {
        let read = Some("4a0bcd1234".to_owned());
        for text in [
            "4a0bcd1234",
            "4A0BCD1234",
            "4a:0b:cd:12:34",
            "0x4A0bcd1234",
            "00:4a:0b:cd:12:34",
            "004a0bcd1234",
        ] {
            assert_eq!(serial_digits(text), read, "{text}");
        }
        for text in [
            "",
            "4a0bcd1",
            "4a0bcd1g",
            "api.internal",
            "4a 0b cd 12 34",
            "::::::::",
            "0000000000",
        ] {
            assert_eq!(serial_digits(text), None, "{text}");
        }
    }
}
