//! Where secrets come from: a file only its owner can use, standard input, or a prompt. Never an argument or the
//! environment, which other processes can see.

use std::io::{IsTerminal as _, Read as _};
use std::path::Path;

use zeroize::Zeroizing;

use crate::error::Error;

/// Most bytes read of a secret.
const MAX_LEN: u64 = 64 * 1024;

/// What is asked for, and how it can be given without a terminal.
#[derive(Clone, Copy)]
pub(crate) struct Secret {
    /// For prompts and errors: `password`.
    pub what: &'static str,
    /// The flag that names a file.
    pub flag: &'static str,
}

/// A password.
pub(crate) const PASSWORD: Secret = Secret {
    what: "password",
    flag: "--password-file FILE, or --password-file - for standard input",
};

/// The passphrase of an encrypted private key.
pub(crate) const PASSPHRASE: Secret = Secret {
    what: "passphrase",
    flag: "--passphrase-file FILE, or --passphrase-file - for standard input",
};

/// How often a secret is typed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Typed {
    /// It exists already: a mistake will show.
    Once,
    /// It is new: a mistake would lock its owner out.
    Twice,
}

/// Reads a secret: the first line of `file` (`-` is standard input), or what is typed at the terminal.
pub(crate) fn read(secret: Secret, file: Option<&Path>, typed: Typed) -> Result<Zeroizing<String>, Error> {
    let text = match file {
        Some(path) if path == Path::new("-") => standard_input()?,
        Some(path) => private_files::read(path)?,
        None => return prompt(secret, typed),
    };
    let line = text.split('\n').next().unwrap_or_default();
    Ok(Zeroizing::new(line.strip_suffix('\r').unwrap_or(line).to_owned()))
}

fn standard_input() -> Result<Zeroizing<String>, Error> {
    // Reserved at its bound, so that no shorter copy is left behind by growth.
    let mut text = Zeroizing::new(String::with_capacity(MAX_LEN as usize + 1));
    std::io::stdin()
        .lock()
        .take(MAX_LEN)
        .read_to_string(&mut text)
        .map_err(Error::ReadInput)?;
    Ok(text)
}

fn prompt(secret: Secret, typed: Typed) -> Result<Zeroizing<String>, Error> {
    if !std::io::stdin().is_terminal() {
        return Err(Error::NoTerminal {
            what: secret.what,
            flag: secret.flag,
        });
    }
    let ask = |text: String| {
        rpassword::prompt_password(text)
            .map(Zeroizing::new)
            .map_err(Error::Terminal)
    };
    let first = ask(format!("{}: ", secret.what))?;
    if typed == Typed::Twice && *ask(format!("{} again: ", secret.what))? != *first {
        return Err(Error::input(secret.what, "the two entries differ", "try again"));
    }
    Ok(first)
}
