//! Arguments of `certgen crl`.

use std::path::PathBuf;

use clap::Args;

use super::{HomeArguments, PassphraseArguments};

/// Arguments of `certgen crl`.
#[derive(Args, Debug)]
pub struct CrlArguments {
    /// Whose lists; without one, those of every authority whose key is here
    #[arg(value_name = "AUTHORITY")]
    pub authorities: Vec<String>,

    /// How many days the lists are good for: 30 else, a root's 365
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=3653))]
    pub days: Option<u16>,

    /// The root's key, where it is kept elsewhere
    #[arg(long, value_name = "FILE")]
    pub root_key: Option<PathBuf>,

    /// Which authority
    #[command(flatten)]
    pub home: HomeArguments,

    /// The authority's passphrase
    #[command(flatten)]
    pub passphrase: PassphraseArguments,
}

pub(super) const HELP: &str = "\
A list has a number above that of the list before it, all that is revoked and has not expired, and what has expired \
since the list before it. Nobody accepts a list after its days: run this again in time.

Made: AUTHORITY.crl.pem and AUTHORITY.crl.der, and crl.pem, which holds the lists of all authorities, as OpenSSL and \
nginx read them:

  openssl verify -crl_check_all -CRLfile crl.pem -CAfile ca.pem -untrusted chain.pem certificate.pem";
