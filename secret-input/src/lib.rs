//! Where the secrets of a command come from: a file only its owner can use, standard input, an environment variable, a
//! descriptor that the caller opened, or a prompt on the terminal. Never an argument, which every user of the machine
//! can see.
//!
//! ```
//! use secret_input::{Age, Secret, SecretSource};
//!
//! const PASSPHRASE: Secret = Secret {
//!     what: "passphrase",
//!     flags: "--passphrase-file FILE",
//! };
//!
//! let directory = tempfile::tempdir()?;
//! let file = directory.path().join("passphrase");
//! private_files::write_new(&file, b"correct horse battery staple\n")?;
//! let passphrase = SecretSource::from_file_argument(&file).read(PASSPHRASE, Age::New)?;
//! assert_eq!(*passphrase, "correct horse battery staple");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod descriptor;
mod error;
mod terminal;

use std::io::{self, IsTerminal as _, Read};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

pub use error::SecretInputError;

/// Most bytes read of a secret, from wherever.
pub const MAX_LEN: usize = 64 * 1024;

/// What is asked for, and how it can be given without a terminal.
#[derive(Clone, Copy, Debug)]
pub struct Secret {
    /// For prompts and errors: `password`.
    pub what: &'static str,
    /// The flags that say where it is, for the error where there is no terminal.
    pub flags: &'static str,
}

/// Whether the secret exists already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// It was set earlier: a mistake will show, and it is for its user to judge.
    Existing,
    /// It is being set: typed twice, since a mistake would lock its owner out, and not empty.
    New,
}

/// Where a secret is. Of each, the first line counts, without its end.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretSource {
    /// A file that only its owner can use.
    File(PathBuf),
    /// Standard input; where that is a terminal, the terminal is asked instead, so that nothing typed is shown.
    StandardInput,
    /// An environment variable. Convenient, and the weakest: programs of the same user can read it in /proc, every
    /// program started from here inherits it, and orchestrators show it. It is read and left where it is.
    Environment(String),
    /// A descriptor that the caller opened, such as 3 of `3< FILE` or `3< <(COMMAND)`. Read once, to its end.
    ///
    /// Whose file it is and who else may read it is not looked at: whoever opened it has decided.
    Descriptor(u32),
    /// The terminal.
    Terminal,
}

impl SecretSource {
    /// What a `--…-file FILE` argument means: the file, or for `-` standard input.
    pub fn from_file_argument(path: &Path) -> Self {
        if path == Path::new("-") {
            Self::StandardInput
        } else {
            Self::File(path.to_owned())
        }
    }

    /// Whether standard input is used up by it, and so cannot be anything else.
    pub fn is_standard_input(&self) -> bool {
        matches!(self, Self::StandardInput | Self::Descriptor(0))
    }

    /// Reads the secret.
    ///
    /// # Errors
    ///
    /// [`SecretInputError`], which never holds what was read.
    pub fn read(&self, secret: Secret, age: Age) -> Result<Zeroizing<String>, SecretInputError> {
        let line = match self {
            Self::File(path) => first_line(secret, &private_files::read(path)?)?,
            Self::StandardInput if !io::stdin().is_terminal() => {
                first_line(secret, &bounded_text(secret, io::stdin().lock())?)?
            }
            Self::StandardInput | Self::Terminal => terminal::ask_for(secret, age)?,
            Self::Environment(name) => first_line(secret, &environment(secret, name)?)?,
            Self::Descriptor(number) => first_line(secret, &descriptor::read(secret, *number)?)?,
        };
        if age == Age::New && line.is_empty() {
            return Err(SecretInputError::Empty { what: secret.what });
        }
        Ok(line)
    }
}

fn environment(secret: Secret, name: &str) -> Result<Zeroizing<String>, SecretInputError> {
    #[expect(clippy::disallowed_methods, reason = "the user has named the variable")]
    let value = std::env::var_os(name).ok_or_else(|| SecretInputError::NotSet { name: name.to_owned() })?;
    match value.into_string() {
        Ok(text) => Ok(Zeroizing::new(text)),
        Err(other) => {
            drop(Zeroizing::new(other.into_encoded_bytes()));
            Err(unusable(secret, "it is not text"))
        }
    }
}

/// At most [`MAX_LEN`] bytes of UTF-8.
fn bounded_text(secret: Secret, input: impl Read) -> Result<Zeroizing<String>, SecretInputError> {
    // Reserved at its bound, so that no shorter copy is left behind by growth.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_LEN + 2));
    input
        .take(MAX_LEN as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(SecretInputError::Input)?;
    if bytes.len() > MAX_LEN {
        return Err(unusable(secret, "it is too long"));
    }
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err(unusable(secret, "it is not text")),
    }
}

fn first_line(secret: Secret, text: &str) -> Result<Zeroizing<String>, SecretInputError> {
    if text.starts_with('\u{feff}') {
        // Windows editors write it. Taken as part of the secret, it would be one that nobody can type.
        return Err(unusable(secret, "it starts with a byte order mark"));
    }
    let line = text.split('\n').next().unwrap_or_default();
    Ok(Zeroizing::new(line.strip_suffix('\r').unwrap_or(line).to_owned()))
}

fn unusable(secret: Secret, why: &'static str) -> SecretInputError {
    SecretInputError::Unusable { what: secret.what, why }
}
