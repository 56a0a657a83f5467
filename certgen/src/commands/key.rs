//! `certgen key`.

use std::borrow::Cow;

use cryptokit::hash::sha256;
use cryptokit::key_format::{KeyFormatError, PrivateKey};
use cryptokit::secret::SecretString;
use secret_input::SecretSource;
use serde_json::json;

use super::{Context, Output};
use crate::cli::KeyArguments;
use crate::explain::{Explain, Failure};
use crate::key_file::KeyFile;
use crate::new_file::{NewFileError, Target};
use crate::passphrase;
use crate::text::hex;

pub(super) fn run(arguments: &KeyArguments, context: &Context) -> Result<Output, Failure> {
    check_usage(arguments)?;
    let target = target(arguments)?;
    let key = super::private_key(
        &KeyFile::read(&arguments.file)?,
        arguments.key_passphrase.source().as_ref(),
    )?;
    let contents = contents(arguments, &key)?;
    let written = target.is_some();
    if let Some(target) = target {
        target
            .put(contents.expose_secret().as_bytes())
            .map_err(KeyError::from)?;
    }

    let spki = key.public_key().to_spki_der();
    if context.json {
        let report = json!({
            "file": arguments.out.as_ref().map(|path| path.to_string_lossy()),
            "key": key.key_type().to_string(),
            "encrypted": arguments.encrypt,
            "spki_sha256": hex(&sha256(&spki)),
            "public_key": key.public_key().to_spki_pem(),
            "warnings": warnings(arguments),
        });
        return Ok(Output::done(format!("{report}\n")));
    }
    if !written {
        // Only a public half has no file to go to.
        return Ok(Output::done(contents.expose_secret().to_owned()));
    }
    let mut output = Output::done(format!(
        "{}: {}, {}\n",
        arguments.out.as_deref().unwrap_or(&arguments.file).display(),
        key.key_type(),
        what(arguments)
    ));
    output.warnings = warnings(arguments);
    Ok(output)
}

fn contents(arguments: &KeyArguments, key: &PrivateKey) -> Result<SecretString, Failure> {
    if arguments.encrypt {
        let passphrase = passphrase::new(passphrase::NEW_KEY, arguments.new_passphrase.source().as_ref())?;
        let pem = key.to_encrypted_pem(&passphrase).map_err(KeyError::Encryption)?;
        Ok(SecretString::new(pem))
    } else if arguments.decrypt {
        Ok(key.to_pem())
    } else {
        Ok(SecretString::new(key.public_key().to_spki_pem()))
    }
}

fn target(arguments: &KeyArguments) -> Result<Option<Target>, KeyError> {
    let Some(out) = &arguments.out else {
        return Ok(None);
    };
    Ok(Some(match (arguments.force, arguments.public) {
        (true, _) => Target::replacing_key(out)?,
        (false, true) => Target::public(out)?,
        (false, false) => Target::key(out)?,
    }))
}

fn what(arguments: &KeyArguments) -> &'static str {
    if arguments.encrypt {
        "encrypted"
    } else if arguments.decrypt {
        "not encrypted"
    } else {
        "public half"
    }
}

fn warnings(arguments: &KeyArguments) -> Vec<Cow<'static, str>> {
    let unprotected = "the key is not encrypted: whoever reads the file has it";
    arguments.decrypt.then(|| unprotected.into()).into_iter().collect()
}

fn check_usage(arguments: &KeyArguments) -> Result<(), KeyError> {
    let new = arguments.new_passphrase.source();
    if new.is_some() && !arguments.encrypt {
        return Err(KeyError::NothingToEncrypt);
    }
    if arguments.force && arguments.public {
        return Err(KeyError::PublicByForce);
    }
    let reads_input = |source: Option<SecretSource>| source.is_some_and(|source| source.is_standard_input());
    if reads_input(new) && reads_input(arguments.key_passphrase.source()) {
        return Err(KeyError::OneInput);
    }
    Ok(())
}

/// Why a key was not converted.
#[derive(Debug, thiserror::Error)]
enum KeyError {
    #[error(transparent)]
    NewFile(#[from] NewFileError),
    #[error("cannot encrypt the key")]
    Encryption(#[source] KeyFormatError),
    #[error("--new-passphrase-* is for --encrypt")]
    NothingToEncrypt,
    #[error("--force is for private keys: a public half replaces nothing")]
    PublicByForce,
    #[error("the old and the new passphrase cannot both be read from standard input")]
    OneInput,
}

impl Explain for KeyError {
    fn hint(&self) -> Cow<'static, str> {
        match self {
            Self::NewFile(NewFileError::Exists { .. }) => {
                "name another file with --out, or replace it with --force".into()
            }
            Self::NewFile(error) => error.hint(),
            Self::Encryption(_) => "run it again; if it fails again, this is a fault of certgen".into(),
            Self::NothingToEncrypt | Self::PublicByForce | Self::OneInput => "see certgen key --help".into(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::NothingToEncrypt | Self::PublicByForce | Self::OneInput => 2,
            Self::NewFile(_) | Self::Encryption(_) => crate::explain::FAILED,
        }
    }
}
