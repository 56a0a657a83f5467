//! What can go wrong, what to do about it, and the exit code that says which kind it was.

use std::error::Error as _;
use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;

use private_files::PrivateFileError;
use secret_input::SecretInputError;

use crate::streams::WriteFailure;

/// Exit code for "no": the password is another one, the message does not open, the token is not good.
pub(crate) const REFUSED: u8 = 1;
/// Exit code for work that could not be done. Code 2 is wrong usage, which clap reports.
pub(crate) const FAILED: u8 = 3;

/// Why a command ended without having done what was asked. Never holds a secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The question was answered, with no.
    #[error("{why}")]
    Refused {
        /// What the answer is.
        why: String,
        /// What to do, where there is something.
        hint: Option<&'static str>,
    },
    /// An input holds something else than was expected of it.
    #[error("{what}: {why}")]
    Input {
        /// Which one, such as a path.
        what: String,
        /// What is wrong with it.
        why: String,
        /// What to do.
        hint: &'static str,
    },
    /// A file that only its owner should be able to use.
    #[error(transparent)]
    PrivateFile(#[from] PrivateFileError),
    /// A file cannot be read.
    #[error("{} cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Standard input or an open file failed in the middle.
    #[error("the input cannot be read")]
    ReadInput(#[source] io::Error),
    /// Standard output refused.
    #[error("the output cannot be written")]
    Output(#[source] io::Error),
    /// A password or passphrase could not be had.
    #[error(transparent)]
    Secret(#[from] SecretInputError),
    /// The library could not do it.
    #[error("{what} failed")]
    Library {
        /// What was tried.
        what: &'static str,
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    /// The exit code.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Refused { .. } => REFUSED,
            _ => FAILED,
        }
    }

    /// The answer no, of which more cannot be said.
    pub(crate) fn no(why: impl Into<String>) -> Self {
        let (why, hint) = (why.into(), None);
        Self::Refused { why, hint }
    }

    /// Something sealed or encrypted that does not open.
    pub(crate) fn does_not_open(why: impl std::fmt::Display, hint: &'static str) -> Self {
        let (why, hint) = (format!("it does not open: {why}"), Some(hint));
        Self::Refused { why, hint }
    }

    /// An input that is not what it should be.
    pub(crate) fn input(what: impl Into<String>, why: impl ToString, hint: &'static str) -> Self {
        Self::Input {
            what: what.into(),
            why: why.to_string(),
            hint,
        }
    }

    /// A call into the library that failed for no fault of the input.
    pub(crate) fn library(what: &'static str, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        let source = Box::new(source);
        Self::Library { what, source }
    }

    /// An error of copying, which may be the input's or the output's.
    pub(crate) fn from_copying(error: io::Error) -> Self {
        if error.get_ref().is_some_and(|inner| inner.is::<WriteFailure>()) {
            Self::Output(error)
        } else {
            Self::ReadInput(error)
        }
    }

    /// What is printed on standard error: what happened with its causes, and on the next line what to do.
    pub(crate) fn report(&self) -> String {
        let mut text = format!("error: {}", printable(&self.to_string()));
        let mut source = self.source();
        while let Some(cause) = source {
            let cause_text = printable(&cause.to_string());
            if !text.ends_with(&cause_text) {
                let _ = write!(text, ": {cause_text}");
            }
            source = cause.source();
        }
        text.push('\n');
        if let Some(hint) = self.hint() {
            let _ = writeln!(text, "hint: {hint}");
        }
        text
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::PrivateFile(error) => private_file_hint(error).map(str::to_owned),
            Self::Refused { hint, .. } => hint.map(str::to_owned),
            Self::Secret(SecretInputError::Interrupted) | Self::Library { .. } => None,
            Self::Secret(error) => Some(error.hint().into_owned()),
            Self::Input { hint, .. } => Some((*hint).to_owned()),
            Self::Read { .. } => Some("check the path and who may read it".to_owned()),
            Self::ReadInput(_) => Some("check the input; whatever was written is not complete".to_owned()),
            Self::Output(_) => Some("check the disk and the program that reads the output".to_owned()),
        }
    }
}

fn private_file_hint(error: &PrivateFileError) -> Option<&'static str> {
    match error {
        PrivateFileError::Read { .. } => Some("check the path and who may read it"),
        PrivateFileError::Write { source, .. } => match source.kind() {
            io::ErrorKind::AlreadyExists => Some("choose another name; where --force is offered, it replaces the file"),
            io::ErrorKind::NotFound => Some("make its folder first"),
            io::ErrorKind::IsADirectory => Some("name a file, not a folder"),
            _ => Some("check the folder: who may write to it, and whether there is room"),
        },
        // It says so itself.
        PrivateFileError::LoosePermissions { .. } => None,
        PrivateFileError::ForeignOwner { .. } => Some("copy it to a file of your own"),
        PrivateFileError::NotAFile { .. } => Some(
            "name a regular file; passwords and passphrases can also come from standard input, which is named -, and \
             without --output results go to standard output",
        ),
        PrivateFileError::TooLarge { .. } | PrivateFileError::NotText { .. } => Some("give the right file"),
        _ => None,
    }
}

/// What cannot move the cursor or colour the terminal, whatever was in a file's name or in a file.
pub(crate) fn printable(text: &str) -> String {
    let shown = |character: char| match character {
        '\n' => character,
        character if character.is_control() => char::REPLACEMENT_CHARACTER,
        character => character,
    };
    text.chars().map(shown).collect()
}
