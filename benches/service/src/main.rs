//! Drives the real authsvc binary over TLS and mTLS on loopback, server and driver each on a core of their own.
//!
//! ```text
//! service-benches speed  --binary target/release/authsvc [--users 1000,100000,1000000] [--revocations 999000]
//! service-benches timing --binary target/release/authsvc [--samples 2000] [--busy]
//! service-benches flood  --binary target/release/authsvc [--requests 1000000]
//! ```
//!
//! `benches/service.sh` builds both and runs these. Each makes an installation of its own in a temporary folder, with
//! SQLite or, given the URL of an empty database, with Postgres.

mod accounts;
mod bare;
mod connection;
mod flood;
mod hashing_core;
mod installation;
mod login_timing;
mod speed;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

/// What goes wrong ends the run with its text.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Measures the real authsvc binary from outside.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Logins, refreshes and validations beside what they are built on, at several numbers of accounts
    Speed {
        #[command(flatten)]
        common: Common,
        /// Numbers of accounts, ascending, with commas
        #[arg(long, value_delimiter = ',', default_values_t = [1_000, 100_000, 1_000_000])]
        users: Vec<u32>,
        /// Revocations at each of them
        #[arg(long, default_value_t = 999_000)]
        revocations: u32,
        /// For each row
        #[arg(long, default_value_t = 10.0)]
        seconds: f64,
    },
    /// Whether time tells accounts apart
    Timing {
        #[command(flatten)]
        common: Common,
        /// Logins of each class
        #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(20..))]
        samples: u32,
        /// While every hashing permit is taken, and logins wait
        #[arg(long)]
        busy: bool,
        /// A class that is told apart is an error, and so is a planted leak that is not found
        #[arg(long)]
        strict: bool,
    },
    /// What bad requests leave behind, and what they do to memory and to validations
    Flood {
        #[command(flatten)]
        common: Common,
        /// How many
        #[arg(long, default_value_t = 1_000_000)]
        requests: u32,
    },
    /// The handler that `speed` compares with: started by it, not by hand
    #[command(hide = true)]
    Bare(bare::BareArgs),
}

#[derive(Debug, Args)]
struct Common {
    /// The binary that is measured
    #[arg(long, value_name = "FILE")]
    binary: PathBuf,
    /// A file with the postgres:// URL of an empty database, readable by its owner only; SQLite without it
    #[arg(long, value_name = "FILE")]
    database_url_file: Option<PathBuf>,
    /// The core of the server and of all baselines; this program runs on another one
    #[arg(long, default_value_t = 1)]
    core: usize,
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Speed {
            common,
            users,
            revocations,
            seconds,
        } => speed::run(&common, &users, revocations, seconds),
        Command::Timing {
            common,
            samples,
            busy,
            strict,
        } => login_timing::run(&common, samples as usize, busy, strict),
        Command::Flood { common, requests } => flood::run(&common, requests),
        Command::Bare(args) => bare::run(&args).map(|()| true),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}
