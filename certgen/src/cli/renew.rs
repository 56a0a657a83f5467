//! Arguments of `certgen renew`.

use clap::{ArgGroup, Args};

use super::{HomeArguments, PassphraseArguments};
use crate::renewal_point::RenewalPoint;

/// Arguments of `certgen renew`.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("which").required(true))]
pub struct RenewArguments {
    /// The services
    #[arg(value_name = "NAME", group = "which")]
    pub services: Vec<String>,

    /// Every service
    #[arg(long, group = "which")]
    pub all: bool,

    /// Every service whose certificate needs it
    #[arg(long, group = "which")]
    pub due: bool,

    /// When a certificate needs it: the share of its life that has passed, 2/3 else, or the time that is left
    #[arg(long, value_name = "75%|2/3|10d|36h", conflicts_with_all = ["services", "all"])]
    pub at: Option<RenewalPoint>,

    /// Which authority
    #[command(flatten)]
    pub home: HomeArguments,

    /// The authority's passphrase
    #[command(flatten)]
    pub passphrase: PassphraseArguments,
}

pub(super) const HELP: &str = "\
The new certificate has the key, names, profile, lifetime and issuer of the one before; another issuer only if that one \
was rotated away. The one before stays valid until it expires. Services that were signed for a request are renewed \
without their key.

For a new key: certgen rekey. All or none are renewed; those whose certificate is revoked are left out.

  certgen renew --ca pki --due --at 10d";
