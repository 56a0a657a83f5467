//! A command line that cannot be read, for programs that read JSON. For people clap prints it.

use std::borrow::Cow;

use clap::error::ErrorKind;

use crate::explain::Explain;

/// What is wrong with the arguments.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(String);

impl From<&clap::Error> for UsageError {
    fn from(error: &clap::Error) -> Self {
        if matches!(
            error.kind(),
            ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        ) {
            return Self("a command is missing".to_owned());
        }
        // Without the usage and the pointer to the help, which follow after empty lines.
        let text = error.to_string();
        let text = text.strip_prefix("error: ").unwrap_or(&text);
        let end = ["\n\nUsage:", "\n\nFor more information"]
            .iter()
            .filter_map(|start| text.find(start))
            .min();
        Self(text[..end.unwrap_or(text.len())].trim().to_owned())
    }
}

impl Explain for UsageError {
    fn hint(&self) -> Cow<'static, str> {
        "see the --help of the command".into()
    }

    fn exit_code(&self) -> u8 {
        2
    }
}
