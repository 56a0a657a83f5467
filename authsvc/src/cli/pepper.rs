//! Arguments of `authsvc pepper`.

use clap::Subcommand;

use super::ConfigArgs;

/// `authsvc pepper`
#[derive(Debug, Subcommand)]
pub enum PepperCommand {
    /// Show the peppers, and how many password hashes were made with each. Opens every hash
    List {
        /// One JSON object
        #[arg(long)]
        json: bool,
        /// Which installation.
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Make another pepper, with which hashes are made from now on: each login replaces its account's hash. A running
    /// service reads the file by itself
    Rotate {
        /// Only add it to the file, to carry that to every machine that serves before the pepper is used
        #[arg(long)]
        prepare: bool,
        /// Which installation.
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Let the pepper that was prepared make hashes, once its file is on every machine that serves
    Promote {
        /// Which installation.
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Take a pepper out of the file that no hash needs any more
    Remove {
        /// Its id, as authsvc pepper list shows it
        id: String,
        /// Also when hashes need it: their accounts have to be given other passwords
        #[arg(long)]
        force: bool,
        /// Which installation.
        #[command(flatten)]
        config: ConfigArgs,
    },
}
