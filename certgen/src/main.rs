//! The command `certgen`. Exit codes: 0 done or yes, 1 the answer is no, 2 wrong usage, 3 refused or failed.

use std::io::{self, IsTerminal as _, Write};
use std::process::ExitCode;

use certgen::cli::Cli;
use certgen::commands::{self, Context};
use clap::Parser;
use time::OffsetDateTime;

fn main() -> ExitCode {
    let cli = Cli::parse();
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
