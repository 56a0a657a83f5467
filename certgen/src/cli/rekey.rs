//! Arguments of `certgen rekey`.

use clap::{ArgGroup, Args};
use cryptokit::x509::{KeyKind, RevocationReason};

use super::options::key_kind;
use super::revoke::reason;
use super::{HomeArguments, KeyPassphraseArguments, PassphraseArguments};
use crate::renewal_point::RenewalPoint;

/// Arguments of `certgen rekey`.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("which").required(true))]
pub struct RekeyArguments {
    /// The services
    #[arg(value_name = "NAME", group = "which")]
    pub services: Vec<String>,

    /// Every service
    #[arg(long, group = "which")]
    pub all: bool,

    /// Every service whose certificate needs to be renewed
    #[arg(long, group = "which")]
    pub due: bool,

    /// When a certificate needs it: the share of its life that has passed, 2/3 else, or the time that is left
    #[arg(long, value_name = "75%|2/3|10d|36h", conflicts_with_all = ["services", "all"])]
    pub at: Option<RenewalPoint>,

    /// The kind of the new key; without it, the kind that there is
    #[arg(long, value_name = "KIND", value_parser = key_kind())]
    pub key: Option<KeyKind>,

    /// Revoke what the services had before, in the same moment
    #[arg(long)]
    pub revoke_old: bool,

    /// Why it is revoked
    #[arg(
        long,
        value_name = "REASON",
        default_value = "superseded",
        value_parser = reason(),
        ignore_case = true,
        requires = "revoke_old"
    )]
    pub reason: RevocationReason,

    /// Which authority
    #[command(flatten)]
    pub home: HomeArguments,

    /// The authority's passphrase
    #[command(flatten)]
    pub passphrase: PassphraseArguments,

    /// The passphrase of the new keys
    #[command(flatten)]
    pub key_passphrase: KeyPassphraseArguments,
}

pub(super) const HELP: &str = "\
Key and certificate are new; names, profile, lifetime and issuer are those of the certificate before. That one stays \
valid, with its key, until it expires, unless --revoke-old says otherwise: its peers then refuse it as soon as they \
read the new list, so give the service its new files first if the reason is no compromise.

All or none are replaced. The key before is not kept. For a timer: certgen rekey --due does nothing that is not due.

  certgen rekey --ca pki api --revoke-old --reason keyCompromise";
