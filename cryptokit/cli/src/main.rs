//! The command `cryptokit`: what the library does, from a shell. The library does no I/O; this crate does nothing else.

mod cli;
mod commands;
mod error;
mod keyset_file;
mod secrets;
mod streams;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser;
use time::OffsetDateTime;

use crate::cli::Cli;
use crate::error::Error;

fn main() -> ExitCode {
    leave_no_core();
    let cli = Cli::parse();
    match commands::run(&cli, now()) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read our output has left: there is nobody to tell.
        Err(Error::Output(source)) if source.kind() == io::ErrorKind::BrokenPipe => ExitCode::from(error::FAILED),
        Err(error) => {
            let _ = write!(io::stderr().lock(), "{}", error.report());
            ExitCode::from(error.exit_code())
        }
    }
}

/// Keeps keys and passwords out of core dumps and, on Linux, from other programs of the same user. Where the system refuses,
/// the work is done all the same.
fn leave_no_core() {
    use rustix::process::{Resource, Rlimit, setrlimit};

    let (current, maximum) = (Some(0), Some(0));
    let _ = setrlimit(Resource::Core, Rlimit { current, maximum });
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};

        // The limit is not asked where dumps go to a program.
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

/// The only clock of the crate.
#[expect(clippy::disallowed_methods, reason = "the command line is where the time comes in")]
fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}
