//! The passphrases of private keys: asked for in one way by every command.

use std::borrow::Cow;

use cryptokit::secret::SecretString;
use secret_input::{Age, Secret, SecretInputError, SecretSource};

use crate::explain::Explain;

/// The passphrase of the authority's keys.
pub const AUTHORITY: Secret = Secret {
    what: "passphrase of the authority",
    flags: "--passphrase-file FILE, --passphrase-env VARIABLE or --passphrase-fd N",
};

/// The passphrase of a service's own key.
pub const KEY: Secret = Secret {
    what: "passphrase of the key",
    flags: "--key-passphrase-file FILE, --key-passphrase-env VARIABLE or --key-passphrase-fd N",
};

/// The password of a PKCS#12 file.
pub const BUNDLE: Secret = Secret {
    what: "password of the file",
    flags: "--password-file FILE, --password-env VARIABLE or --password-fd N",
};

/// The passphrase that a key gets.
pub const NEW_KEY: Secret = Secret {
    what: "new passphrase of the key",
    flags: "--new-passphrase-file FILE, --new-passphrase-env VARIABLE or --new-passphrase-fd N",
};

/// The passphrase of a key that is encrypted: from its source, or asked for where none is named.
///
/// # Errors
///
/// [`SecretInputError`], which names the flags where there is no terminal to ask on.
pub fn existing(secret: Secret, source: Option<&SecretSource>) -> Result<SecretString, SecretInputError> {
    read(secret, source, Age::Existing)
}

/// A passphrase to encrypt a key with: from its source, or asked for twice where none is named. Never empty.
///
/// # Errors
///
/// As [`existing`], and [`SecretInputError::Empty`].
pub fn new(secret: Secret, source: Option<&SecretSource>) -> Result<SecretString, SecretInputError> {
    read(secret, source, Age::New)
}

fn read(secret: Secret, source: Option<&SecretSource>, age: Age) -> Result<SecretString, SecretInputError> {
    let source = source.unwrap_or(&SecretSource::Terminal);
    source.read(secret, age).map(SecretString::from)
}

impl Explain for SecretInputError {
    fn hint(&self) -> Cow<'static, str> {
        Self::hint(self)
    }
}
