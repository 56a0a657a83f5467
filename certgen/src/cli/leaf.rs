//! Arguments of `certgen leaf`.

use clap::Args;
use cryptokit::x509::{KeyKind, LeafProfile};

use super::options::key_kind;
use super::{HomeArguments, KeyPassphraseArguments, LifetimeArguments, PassphraseArguments, ProfileArguments};
use crate::explain::one_line;
use crate::home::layout;
use crate::init::LeafSpec;

/// Arguments of `certgen leaf`.
#[derive(Args, Debug)]
pub struct LeafArguments {
    /// The service and the names that its certificate is valid for; without names, NAME itself
    #[arg(value_name = "NAME[=SAN,SAN…]", value_parser = service)]
    pub service: LeafSpec,

    /// What the certificate is for
    #[command(flatten)]
    pub profile: ProfileArguments,

    /// The kind of its key
    #[arg(long, value_name = "KIND", default_value = "p256", value_parser = key_kind())]
    pub key: KeyKind,

    /// The authority that issues it
    #[arg(long, value_name = "AUTHORITY", default_value = layout::INTERMEDIATE)]
    pub issuer: String,

    /// Replace a service of this name, or files that certgen did not write
    #[arg(long)]
    pub force: bool,

    /// How long its certificate lives.
    #[command(flatten)]
    pub lifetime: LifetimeArguments,

    /// Which authority
    #[command(flatten)]
    pub home: HomeArguments,

    /// The authority's passphrase
    #[command(flatten)]
    pub passphrase: PassphraseArguments,

    /// The passphrase of the new key
    #[command(flatten)]
    pub key_passphrase: KeyPassphraseArguments,
}

pub(super) const HELP: &str = "\
Without --server and --client the certificate is for both, as with --peer. \
A SAN is a DNS name, an IP address, a URI with its scheme, or an e-mail address. What it is can be said: \
dns:NAME, ip:ADDRESS, uri:URI, email:ADDRESS.

Where the authority belongs to a SPIFFE trust domain, a service that is both gets the id spiffe://DOMAIN/NAME.

Makes the directory NAME in the authority's directory, all or nothing: certificate.pem, key.pem, chain.pem, \
fullchain.pem and ca.pem, as `certgen init` does. A service that is there keeps its files: `certgen renew` and \
`certgen rekey` give it new ones.

  certgen leaf --ca pki --server api=api.svc.internal,10.0.0.5";

/// The profile is an option of its own.
fn service(text: &str) -> Result<LeafSpec, String> {
    LeafSpec::parse(LeafProfile::Peer, text).map_err(|error| one_line(&error))
}
