//! Commands that look after the database.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

use super::ConfigArgs;

/// `authsvc db`
#[derive(Debug, Subcommand)]
pub enum DbCommand {
    /// Say which migrations the database has had, which are missing, and whether it is in read-only mode
    Status {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
        /// Which installation.
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Bring the schema up to date, as serve does when it starts
    Migrate {
        /// Which installation.
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Begin or end the read-only mode of all replicas: what writes, logins among it, is answered 503, and tokens are
    /// still validated
    ReadOnly {
        /// on or off
        #[arg(value_name = "on|off")]
        switch: Switch,
        /// Which installation.
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Vouch for the services and sessions that an older program wrote, which knew no seals. Before that they are refused
    Seal {
        /// Which installation.
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Write everything in the database to a new file, while the service runs
    Backup {
        /// The file; must not exist
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Which installation.
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Fill an empty database from a backup of either kind of database, and end all its sessions
    Restore {
        /// The backup, readable by its owner only
        #[arg(long, value_name = "FILE")]
        from: PathBuf,
        /// Which installation.
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Read a backup to its end and check its digest
    Verify {
        /// The backup, readable by its owner only
        #[arg(long, value_name = "FILE")]
        from: PathBuf,
    },
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// On.
    On,
    /// Off.
    Off,
}
