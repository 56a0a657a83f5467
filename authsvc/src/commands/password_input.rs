//! Where an operator's password comes from: prompt, file or standard input, never an argument.

use cryptokit::password::Password;
use secret_input::{Age, Secret, SecretInputError, SecretSource};

use super::CommandError;
use crate::cli::PasswordArgs;

const PASSWORD: Secret = Secret {
    what: "password",
    flags: "--password-file or --password-stdin",
};

/// Reads a new password. On a terminal it is asked for twice.
pub(super) fn read(args: &PasswordArgs) -> Result<Password, CommandError> {
    let source = match &args.password_file {
        Some(file) => SecretSource::from_file_argument(file),
        None if args.password_stdin => SecretSource::StandardInput,
        None => SecretSource::Terminal,
    };
    let text = source.read(PASSWORD, Age::New).map_err(explained)?;
    if text.chars().any(char::is_control) {
        return Err("the password contains control characters, which no login accepts".into());
    }
    Ok(Password::new(&text)?)
}

/// With what to do, unless the cause says enough.
fn explained(error: SecretInputError) -> CommandError {
    match error {
        SecretInputError::NoTerminal { .. } | SecretInputError::LoosePermissions { .. } => {
            format!("{error}\nhelp: {}", error.hint()).into()
        }
        error => error.into(),
    }
}
