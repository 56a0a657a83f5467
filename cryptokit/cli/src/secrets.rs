//! Where secrets come from: a file only its owner can use, standard input, or a prompt. Never an argument or the
//! environment, which other processes can see.

use std::io::{ErrorKind, IsTerminal as _, Read as _};
use std::path::Path;

use zeroize::Zeroizing;

use crate::error::Error;
use crate::prompt;

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

/// Reads a secret: the first line of `file` (`-` is standard input), or what is typed at the terminal. What is typed is
/// never shown, so a terminal as standard input is asked as well.
pub(crate) fn read(secret: Secret, file: Option<&Path>, typed: Typed) -> Result<Zeroizing<String>, Error> {
    let text = match file {
        Some(path) if path == Path::new("-") && !std::io::stdin().is_terminal() => standard_input(secret)?,
        Some(path) if path == Path::new("-") => return prompt(secret, typed),
        Some(path) => private_files::read(path)?,
        None => return prompt(secret, typed),
    };
    if text.starts_with('\u{feff}') {
        // Windows editors write it. Taken as part of the secret, it would be one that nobody can type.
        let why = "it starts with a byte order mark";
        return Err(Error::input(secret.what, why, "save it as UTF-8 without one"));
    }
    let line = text.split('\n').next().unwrap_or_default();
    Ok(Zeroizing::new(line.strip_suffix('\r').unwrap_or(line).to_owned()))
}

fn standard_input(secret: Secret) -> Result<Zeroizing<String>, Error> {
    let unusable = |why| Error::input(secret.what, why, "give its one line on standard input, in UTF-8");
    // Reserved at its bound, so that no shorter copy is left behind by growth.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_LEN as usize + 2));
    std::io::stdin()
        .lock()
        .take(MAX_LEN + 1)
        .read_to_end(&mut bytes)
        .map_err(Error::ReadInput)?;
    if bytes.len() as u64 > MAX_LEN {
        return Err(unusable("it is too long"));
    }
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err(unusable("it is not text")),
    }
}

fn prompt(secret: Secret, typed: Typed) -> Result<Zeroizing<String>, Error> {
    // The terminal itself is asked, whatever is piped in; but not where nobody would see the question.
    if !std::io::stdin().is_terminal() && !std::io::stderr().is_terminal() {
        return Err(Error::NoTerminal {
            what: secret.what,
            flag: secret.flag,
        });
    }
    let ask = |text: String| {
        prompt::ask(&text).map_err(|error| match error.kind() {
            ErrorKind::Interrupted => Error::Interrupted,
            _ => Error::Terminal(error),
        })
    };
    let first = ask(format!("{}: ", secret.what))?;
    if typed == Typed::Twice && *ask(format!("{} again: ", secret.what))? != *first {
        return Err(Error::input(secret.what, "the two entries differ", "try again"));
    }
    Ok(first)
}
