//! The command `certgen`. Exit codes: 0 done, 1 refused or failed, 2 wrong usage.

use std::io::{self, Write};
use std::process::ExitCode;

use certgen::cli::Cli;
use certgen::commands;
use clap::Parser;
use time::OffsetDateTime;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut stdout = io::stdout().lock();
    let mut stderr = io::stderr().lock();
    match commands::run(&cli, now(), &mut stdout, &mut stderr) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to tell when this fails too.
            let _ = write!(stderr, "{}", error.report());
            ExitCode::FAILURE
        }
    }
}

/// The only clock of the crate.
#[expect(clippy::disallowed_methods, reason = "the command line is where the time comes in")]
fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}
