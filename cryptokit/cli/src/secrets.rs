//! The passwords and passphrases that are asked for. They come from a file, from standard input or from a prompt.

use std::path::Path;

use secret_input::{Age, Secret, SecretSource};
use zeroize::Zeroizing;

use crate::error::Error;

/// A password.
pub(crate) const PASSWORD: Secret = Secret {
    what: "password",
    flags: "--password-file FILE, or --password-file - for standard input",
};

/// The passphrase of an encrypted private key.
pub(crate) const PASSPHRASE: Secret = Secret {
    what: "passphrase",
    flags: "--passphrase-file FILE, or --passphrase-file - for standard input",
};

/// Reads a secret from `file`, where `-` is standard input; without one it is asked for.
pub(crate) fn read(secret: Secret, file: Option<&Path>, age: Age) -> Result<Zeroizing<String>, Error> {
    let source = file.map_or(SecretSource::Terminal, SecretSource::from_file_argument);
    Ok(source.read(secret, age)?)
}
