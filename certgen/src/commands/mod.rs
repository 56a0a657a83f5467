//! One module per subcommand: arguments to library call to report.

mod init;

use std::io::{self, Write};

use time::OffsetDateTime;

use crate::cli::{Cli, Command};
use crate::error::Error;

/// Runs a command line.
///
/// What was asked for goes to `stdout`, warnings to `stderr`. A reader that has gone away is no error.
///
/// # Errors
///
/// [`Error`], to be printed with [`Error::report`] and answered with exit code 1.
pub fn run(cli: &Cli, now: OffsetDateTime, stdout: &mut impl Write, stderr: &mut impl Write) -> Result<(), Error> {
    let output = match &cli.command {
        Command::Init(arguments) => init::run(arguments, now)?,
    };
    // Standard error may be closed; what was asked for still has to come out.
    let _ = stderr.write_all(output.warnings.as_bytes());
    match stdout.write_all(output.text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Error::Report(error)),
        _ => Ok(()),
    }
}

/// What a subcommand has to say.
struct Output {
    text: String,
    warnings: String,
}
