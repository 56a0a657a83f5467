//! The command `certgen`. Exit codes: 0 done or yes, 1 the answer is no, 2 wrong usage, 3 refused or failed.

use std::io::{self, IsTerminal as _, Write};
use std::process::ExitCode;

use certgen::Failure;
use certgen::cli::{Cli, UsageError};
use certgen::commands::{self, Context};
use clap::Parser;
use time::OffsetDateTime;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if error.exit_code() != 0 && is_json_wanted() => {
            let failure = Failure::from(UsageError::from(&error));
            let _ = io::stderr().write_all(failure.to_json().as_bytes());
            return ExitCode::from(failure.exit_code());
        }
        Err(error) => error.exit(),
    };
    let context = Context {
        now: now(),
        json: cli.json,
        colour: io::stdout().is_terminal() && !colour_is_unwanted(),
    };
    let mut stdout = io::stdout().lock();
    let mut stderr = io::stderr();
    match commands::run(&cli, &context, &mut stdout, &mut stderr) {
        Ok(exit_code) => ExitCode::from(exit_code),
        Err(failure) => {
            let report = if cli.json { failure.to_json() } else { failure.to_text() };
            // Nobody is left to tell when this fails too.
            let _ = stderr.write_all(report.as_bytes());
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Asked where the arguments cannot be read otherwise.
fn is_json_wanted() -> bool {
    std::env::args_os()
        .take_while(|argument| argument != "--")
        .any(|argument| argument == "--json")
}

/// The only clock of the crate.
#[expect(clippy::disallowed_methods, reason = "the command line is where the time comes in")]
fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

/// <https://no-color.org>: set to anything but nothing.
#[expect(
    clippy::disallowed_methods,
    reason = "the one setting that all commands of a terminal share"
)]
fn colour_is_unwanted() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}
