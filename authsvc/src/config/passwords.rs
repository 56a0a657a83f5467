//! Settings of new and imported passwords.

use std::path::PathBuf;

use cryptokit::password::Scheme;

use super::reader::Reader;

/// What passwords are compared with, and which hashes of other systems are verified.
#[derive(Clone, Debug)]
pub struct PasswordsConfig {
    /// SHA-1 digests of breached passwords.
    pub breached_file: Option<PathBuf>,
    /// Schemes that imported hashes may be of.
    pub imported_schemes: Vec<Scheme>,
    /// The page to which the token of a link is appended.
    pub reset_url: Option<String>,
}

pub(super) fn read(reader: &mut Reader<'_>) -> PasswordsConfig {
    PasswordsConfig {
        breached_file: reader.values.get("passwords.breached_file").map(|value| value.path()),
        imported_schemes: schemes(reader),
        reset_url: reset_url(reader),
    }
}

fn schemes(reader: &mut Reader<'_>) -> Vec<Scheme> {
    let Some(value) = reader.values.get("passwords.imported_schemes") else {
        return Vec::new();
    };
    let mut schemes = Vec::new();
    for name in value.text.split(',').map(str::trim) {
        match Scheme::from_name(name) {
            // Needs a list of peppers, which no setting names.
            Some(Scheme::UnlabelledSha512) | None => reader.errors.push(format!(
                "passwords.imported_schemes from {}: {name:?} is none of argon2i, argon2d, argon2-v16, bcrypt, pbkdf2, \
                 scrypt and hmac-sha512",
                value.origin
            )),
            Some(scheme) => schemes.push(scheme),
        }
    }
    schemes
}

fn reset_url(reader: &mut Reader<'_>) -> Option<String> {
    let value = reader.values.get("passwords.reset_url")?;
    // The token goes behind a `#`: what stands there, browsers send nobody.
    let plain = value.text.bytes().all(|b| b.is_ascii_graphic()) && !value.text.contains(['#', '"', '\\']);
    if !value.text.starts_with("https://") || !plain {
        reader.errors.push(format!(
            "passwords.reset_url from {}: not an https URL without a fragment",
            value.origin
        ));
    }
    Some(value.text.clone())
}
