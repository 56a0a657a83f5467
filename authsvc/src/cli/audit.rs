//! Arguments of `authsvc audit` and `authsvc explain`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::ConfigArgs;

/// `authsvc audit`
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Check that no record was altered, removed, moved or forged: the database's, or those of files
    Verify {
        /// Files of audit lines, the oldest first; without any, the database and the configured file
        files: Vec<PathBuf>,
        /// The files are exports of the database, which have the rows only
        #[arg(long, requires = "files")]
        rows: bool,
        /// A record of this digest must be there: a head that was noted elsewhere
        #[arg(long, value_name = "DIGEST", allow_hyphen_values = true)]
        expect_head: Option<String>,
        /// The public keys, as authsvc audit key prints them; without it, the installation's
        #[arg(long, value_name = "FILE")]
        public_key: Option<PathBuf>,
        /// One JSON object
        #[arg(long)]
        json: bool,
        /// Which installation.
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Print the last records, and go on with new ones
    Tail {
        /// How many
        #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 10, value_parser = clap::value_parser!(u32).range(0..=10_000))]
        lines: u32,
        /// Go on until interrupted
        #[arg(short, long)]
        follow: bool,
        /// Which installation.
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Find records in the database
    Search {
        /// Which records.
        #[command(flatten)]
        filter: FilterArgs,
        /// At most so many
        #[arg(long, value_name = "COUNT", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
        limit: u32,
        /// Go on after the place that a search ended with
        #[arg(long, value_name = "CURSOR")]
        after: Option<String>,
        /// Which installation.
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Print records of the database for another program, after a signed record of where they end
    Export {
        /// Which records.
        #[command(flatten)]
        filter: FilterArgs,
        /// Their form
        #[arg(long, value_enum, default_value_t = ExportFormat::Jsonl)]
        format: ExportFormat,
        /// Which installation.
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Print the sources, accounts and reasons with the most refusals
    Top {
        /// From when on: a time such as 2026-11-22T12:00:00Z, or how long ago, such as 30m, 1h or 7d
        #[arg(long, value_name = "TIME", default_value = "1h")]
        since: String,
        /// How many of each
        #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
        count: u32,
        /// One JSON object
        #[arg(long)]
        json: bool,
        /// Which installation.
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Print the pseudonym of an address
    Pseudonym {
        /// The e-mail address
        email: String,
        /// Which installation.
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Print the public keys with which records are verified elsewhere
    Key {
        /// Which installation.
        #[command(flatten)]
        config: ConfigArgs,
    },
}

/// Which records.
#[derive(Debug, Args)]
pub struct FilterArgs {
    /// Of this account: its address, id or pseudonym
    #[arg(long, value_name = "USER")]
    pub user: Option<String>,
    /// From this source: an IP address, or an IPv6 network as audit top prints it
    #[arg(long, value_name = "ADDRESS")]
    pub source: Option<String>,
    /// With this reason, such as `wrong_password`
    #[arg(long, value_name = "CODE")]
    pub reason: Option<String>,
    /// With this event, such as `authn_login_fail`
    #[arg(long, value_name = "EVENT")]
    pub event: Option<String>,
    /// From this time on, or so long ago: 2026-11-22T12:00:00Z, 30m, 1h, 7d
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Before this time, or so long ago
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// With this id, which the answer showed
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
}

/// The form of exported records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// The records themselves, one a line; they can be verified
    Jsonl,
    /// Some of their fields, for a spreadsheet
    Csv,
}

/// `authsvc explain`
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// The id that the answer showed
    pub id: String,
    /// Print the record itself
    #[arg(long)]
    pub json: bool,
    /// Which installation.
    #[command(flatten)]
    pub config: ConfigArgs,
}
