//! Arguments of `certgen man`.

use std::path::PathBuf;

use clap::Args;

/// Arguments of `certgen man`.
#[derive(Args, Debug)]
pub struct ManArguments {
    /// The subcommand whose page to print; without it, the page of certgen itself
    #[arg(conflicts_with = "out")]
    pub subcommand: Option<String>,

    /// Write every page into this directory instead, which must exist
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

pub(super) const HELP: &str = "\
To read a page:          certgen man init | man -l -
To install all of them:  certgen man --out /usr/local/share/man/man1";
