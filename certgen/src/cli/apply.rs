//! Arguments of `certgen apply`.

use std::path::PathBuf;

use clap::Args;

use super::PassphraseArguments;

/// Arguments of `certgen apply`.
#[derive(Args, Debug)]
pub struct ApplyArguments {
    /// What there should be, a TOML file; `-` for standard input
    #[arg(value_name = "MANIFEST", required_unless_present = "example")]
    pub manifest: Option<PathBuf>,

    /// Only print what would be done and why
    #[arg(long, conflicts_with = "check")]
    pub plan: bool,

    /// Only print it, and end with exit code 1 when there is anything to do
    #[arg(long)]
    pub check: bool,

    /// Revoke the certificates of services that the manifest does not have; their files stay
    #[arg(long)]
    pub prune: bool,

    /// Overwrite keys and certificates of services that certgen did not write
    #[arg(long)]
    pub force: bool,

    /// Print a manifest with every key and its form
    #[arg(long, conflicts_with_all = ["manifest", "plan", "check", "prune", "force", "ca", "root_key"])]
    pub example: bool,

    /// The authority's directory; without this the one that the manifest names, below its own
    #[arg(long, value_name = "DIR")]
    pub ca: Option<PathBuf>,

    /// Read the root's key from this file instead of from its place
    #[arg(long, value_name = "FILE")]
    pub root_key: Option<PathBuf>,

    /// The authority's passphrase
    #[command(flatten)]
    pub passphrase: PassphraseArguments,
}

pub(super) const HELP: &str = "\
Makes the authority and its services where they are missing, and after that touches only what is not as the manifest \
says: certificates that are due, whose names, profile, key, lifetime or issuer changed, that were revoked, or whose files \
are missing or damaged. What is done is done all or nothing. What would take another root is refused. Services that the \
manifest does not have are left alone.

A new authority's keys are encrypted where a passphrase is named.

  certgen apply --example > pki.toml
  certgen apply pki.toml --plan
  certgen apply pki.toml

Exit codes: 0 done, or in agreement; 1 with --check: there is something to do; 2 wrong usage; 3 refused or failed.";
