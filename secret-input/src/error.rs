//! Why a secret could not be had, and what to do.

use std::borrow::Cow;
use std::io;

use private_files::PrivateFileError;

/// Why a secret could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretInputError {
    /// Others than its owner may read or write the file.
    #[error("{path} has mode {mode:04o}, so others than its owner can use it")]
    LoosePermissions {
        /// The file.
        path: String,
        /// Its permission bits.
        mode: u32,
    },
    /// The file is not used, for another cause.
    #[error(transparent)]
    File(PrivateFileError),
    /// There is no environment variable of that name.
    #[error("the environment variable {name} is not set")]
    NotSet {
        /// The name.
        name: String,
    },
    /// The descriptor cannot be read.
    #[error("descriptor {number} cannot be read")]
    Descriptor {
        /// Its number.
        number: u32,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Standard input or the descriptor failed in the middle.
    #[error("the input cannot be read")]
    Input(#[source] io::Error),
    /// What was read is no secret that could be typed.
    #[error("the {what}: {why}")]
    Unusable {
        /// What was asked for.
        what: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A new secret without a character.
    #[error("the {what} is empty")]
    Empty {
        /// What was asked for.
        what: &'static str,
    },
    /// What was typed first and what was typed again differ.
    #[error("the {what}: the two entries differ")]
    EntriesDiffer {
        /// What was asked for.
        what: &'static str,
    },
    /// A secret is needed and there is nobody to ask.
    #[error("no terminal to ask for the {what} on")]
    NoTerminal {
        /// What was to be asked for.
        what: &'static str,
        /// The flags to use instead.
        flags: &'static str,
    },
    /// Whoever was asked typed Ctrl-C.
    #[error("interrupted")]
    Interrupted,
    /// The terminal failed.
    #[error("the terminal cannot be read")]
    Terminal(#[source] io::Error),
}

impl SecretInputError {
    /// What to do, in a few words.
    pub fn hint(&self) -> Cow<'static, str> {
        match self {
            Self::LoosePermissions { path, .. } => return format!("chmod go= {path}").into(),
            Self::NoTerminal { flags, .. } => return format!("use {flags}").into(),
            Self::File(error) => file_hint(error),
            Self::NotSet { .. } => "export it, or name another one",
            Self::Descriptor { .. } => "let the shell open it for reading: 3< FILE, or 3< <(COMMAND)",
            Self::Input(_) => "check what the secret was to come from",
            Self::Unusable { .. } => "give it on one line, in UTF-8 without a byte order mark",
            Self::Empty { .. } => "give one of at least one character; what an empty one encrypts is not encrypted",
            Self::EntriesDiffer { .. } => "try again",
            Self::Interrupted => "nothing was changed; run it again",
            Self::Terminal(_) => "give the secret in a file instead",
        }
        .into()
    }
}

impl From<PrivateFileError> for SecretInputError {
    fn from(error: PrivateFileError) -> Self {
        match error {
            // Its own text holds the hint, which is a line of its own here.
            PrivateFileError::LoosePermissions { path, mode } => Self::LoosePermissions { path, mode },
            other => Self::File(other),
        }
    }
}

fn file_hint(error: &PrivateFileError) -> &'static str {
    match error {
        PrivateFileError::Read { .. } => "check the path and who may read it",
        PrivateFileError::ForeignOwner { .. } => "copy it to a file of your own",
        PrivateFileError::NotAFile { .. } => "name a regular file, or - for standard input",
        _ => "give the right file",
    }
}
