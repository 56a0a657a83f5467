//! `authsvc`: arguments in, exit status out.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    authsvc::commands::run(authsvc::cli::Cli::parse())
}
