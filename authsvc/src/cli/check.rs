//! Arguments of `authsvc config` and `authsvc doctor`.

use clap::{Args, Subcommand};

use super::ConfigArgs;

/// `authsvc config`
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Read the configuration as serve does, and name everything that is wrong with it
    Check {
        /// Which installation.
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Show every setting as it is in effect, and where it comes from. No setting holds a secret
    Show {
        /// One JSON object a line
        #[arg(long)]
        json: bool,
        /// Which installation.
        #[command(flatten)]
        config: ConfigArgs,
    },
}

/// `authsvc doctor`
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
    /// Which installation.
    #[command(flatten)]
    pub config: ConfigArgs,
}
