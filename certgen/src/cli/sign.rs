//! Arguments of `certgen sign`.

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use cryptokit::x509::SubjectAlternativeName;

use super::csr::name;
use super::{HomeArguments, LifetimeArguments, PassphraseArguments, ProfileArguments};
use crate::home::layout;

/// Arguments of `certgen sign`.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("where_to").required(true).multiple(true))]
pub struct SignArguments {
    /// The request: one, PEM or DER; `-` is standard input
    #[arg(value_name = "REQUEST")]
    pub request: PathBuf,

    /// Where the certificate goes, followed by its authorities but the root
    #[arg(long, value_name = "FILE", group = "where_to")]
    pub out: Option<PathBuf>,

    /// The service that it is for: its directory gets everything but a key, and `certgen renew` knows it
    #[arg(long, value_name = "SERVICE", group = "where_to")]
    pub name: Option<String>,

    /// Only look: print what is asked and what would be granted
    #[arg(long, group = "where_to", conflicts_with_all = ["out", "name", "yes"])]
    pub review: bool,

    /// A name that may be granted; without this, those that are asked for, once somebody has looked at them
    #[arg(long, value_name = "SAN", value_parser = name)]
    pub allow_name: Vec<SubjectAlternativeName>,

    /// Issue what the review grants, although the names were not allowed one by one or it is not all that was asked
    #[arg(long)]
    pub yes: bool,

    /// What the certificate is for; without this, what the request asks for
    #[command(flatten)]
    pub profile: ProfileArguments,

    /// How long it lives
    #[command(flatten)]
    pub lifetime: LifetimeArguments,

    /// The authority that issues it
    #[arg(long, value_name = "AUTHORITY", default_value = layout::INTERMEDIATE)]
    pub issuer: String,

    /// Which authority
    #[command(flatten)]
    pub home: HomeArguments,

    /// The authority's passphrase
    #[command(flatten)]
    pub passphrase: PassphraseArguments,
}

pub(super) const HELP: &str = "\
Nothing of a request is copied. The profile decides the usages, the names that are allowed decide the names, the subject \
is made from them. A request never makes an authority, and an extension that the profile does not have is left out. \
All that was asked for is shown with what became of it.

Without --yes only a request is signed that is granted as it stands, and every name of which is in --allow-name.

  certgen sign --ca pki worker.csr.pem --review
  certgen sign --ca pki worker.csr.pem --client --allow-name worker.svc.internal --name worker";
