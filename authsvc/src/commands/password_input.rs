//! Where an operator's password comes from: prompt, file or standard input, never an argument.

use std::io::{IsTerminal, Read};

use cryptokit::password::Password;
use zeroize::Zeroizing;

use super::CommandError;
use crate::cli::PasswordArgs;

/// Most bytes read from standard input.
const MAX_INPUT: u64 = 64 * 1024;

/// Reads a new password. On a terminal it is asked for twice.
pub(super) fn read(args: &PasswordArgs) -> Result<Password, CommandError> {
    if let Some(file) = &args.password_file {
        return password(first_line(&private_files::read(file)?));
    }
    if args.password_stdin {
        let mut text = Zeroizing::new(String::new());
        std::io::stdin().lock().take(MAX_INPUT).read_to_string(&mut text)?;
        return password(first_line(&text));
    }
    if !std::io::stdin().is_terminal() {
        return Err("no terminal to ask on; use --password-file or --password-stdin".into());
    }
    let once = Zeroizing::new(rpassword::prompt_password("Password: ")?);
    let again = Zeroizing::new(rpassword::prompt_password("Again: ")?);
    if *once != *again {
        return Err("the two entries differ".into());
    }
    password(&once)
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

fn password(text: &str) -> Result<Password, CommandError> {
    if text.chars().any(char::is_control) {
        return Err("the password contains control characters, which no login accepts".into());
    }
    Ok(Password::new(text)?)
}
