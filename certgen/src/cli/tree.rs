//! Arguments of `certgen tree`.

use clap::Args;

use super::HomeArguments;

/// Arguments of `certgen tree`.
#[derive(Args, Debug)]
pub struct TreeArguments {
    /// Show the expired certificates of services too
    #[arg(long)]
    pub all: bool,

    /// Which authority
    #[command(flatten)]
    pub home: HomeArguments,
}

pub(super) const HELP: &str = "\
Reads the directory without its keys and without its lock. Colours are for terminals, and not where NO_COLOR is set.

A service's newest certificate is marked as due when two thirds of its life have passed; the ones before it are \
superseded, and accepted until they expire or are revoked.";
