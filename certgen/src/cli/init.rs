//! Arguments of `certgen init`.

use std::path::PathBuf;

use clap::Args;
use cryptokit::x509::{KeyKind, LeafProfile, TrustDomain};

use super::options::{
    LIFETIMES, LifetimeArguments, NameLimitArguments, PassphraseArguments, SubjectArguments, key_kind,
};
use crate::explain::one_line;
use crate::init::LeafSpec;

/// Arguments of `certgen init`.
#[derive(Args, Debug)]
pub struct InitArguments {
    /// What the authority is called, in its certificates too
    #[arg(default_value = "local")]
    pub name: String,

    /// Where everything goes: a directory that does not exist yet, or an empty one; without it, ./NAME
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// A service that is reached, and reaches others, under these names; without names, under NAME itself
    #[arg(long, visible_alias = "peer", value_name = SPEC, value_parser = peer, help_heading = SERVICES)]
    pub service: Vec<LeafSpec>,

    /// A service that is only reached
    #[arg(long, value_name = SPEC, value_parser = server, help_heading = SERVICES)]
    pub server: Vec<LeafSpec>,

    /// A service, or a person, that only reaches others
    #[arg(long, value_name = SPEC, value_parser = client, help_heading = SERVICES)]
    pub client: Vec<LeafSpec>,

    /// The SPIFFE trust domain: each --service NAME gets the id spiffe://DOMAIN/NAME besides its names
    #[arg(long, value_name = "DOMAIN", help_heading = SERVICES)]
    pub trust_domain: Option<TrustDomain>,

    /// The kind of all keys; no browser accepts ed25519
    #[arg(long, value_name = "KIND", default_value = "p256", value_parser = key_kind(), help_heading = KEYS)]
    pub key: KeyKind,

    /// The kind of the authorities' keys, where it is another one
    #[arg(long, value_name = "KIND", value_parser = key_kind(), help_heading = KEYS)]
    pub ca_key: Option<KeyKind>,

    /// Encrypt the authorities' keys under a passphrase that is asked for, unless it is named below
    #[arg(long, help_heading = KEYS)]
    pub encrypt: bool,

    /// Where the passphrase comes from.
    #[command(flatten)]
    pub passphrase: PassphraseArguments,

    /// How long services' certificates live.
    #[command(flatten)]
    pub lifetime: LifetimeArguments,

    /// How long the root lives: at most 9131 days, 3650 without it
    #[arg(long, value_name = "N", help_heading = LIFETIMES)]
    pub root_days: Option<u32>,

    /// How long the intermediate lives: at most 3653 days, 1825 without it, and no longer than the root
    #[arg(long, value_name = "N", help_heading = LIFETIMES)]
    pub intermediate_days: Option<u32>,

    /// What stands in the subjects of the authorities.
    #[command(flatten)]
    pub subject: SubjectArguments,

    /// What names are limited to.
    #[command(flatten)]
    pub limits: NameLimitArguments,
}

const SERVICES: &str = "Services";
const KEYS: &str = "Keys";
const SPEC: &str = "NAME[=SAN,SAN…]";

pub(super) const HELP: &str = "\
A SAN is a name that the certificate is valid for: a DNS name, an IP address, a URI with its scheme,
or an e-mail address. What it is can be said: dns:NAME, ip:ADDRESS, uri:URI, email:ADDRESS.
Without --service, --server and --client there will be a server `localhost` and a client `client`.

Made in DIR, all or nothing; nothing that exists is overwritten:
  root.pem, root.key.pem                  10 years; root.pem is what everybody is told to trust
  intermediate.pem, intermediate.key.pem  5 years; issues the certificates below
  NAME/certificate.pem, NAME/key.pem      90 days
  NAME/fullchain.pem                      certificate and intermediate: what the service presents
  NAME/chain.pem                          the intermediate alone, for programs that want both apart
  NAME/ca.pem                             the root: what its peers are verified against
  inventory.jsonl                         what was issued; the other commands go by it and add to it
  spiffe-bundle.json                      the root as a SPIFFE trust bundle, with --trust-domain

Directories get mode 0700, keys 0600, certificates 0644, whatever the umask. The services' own keys
are not encrypted. Limits stand in both authorities' certificates and hold for all that is issued.

  certgen init acme --service api=api.svc.internal,10.0.0.5 --service worker
  certgen init acme --service api=api.svc.internal --permit-dns svc.internal --encrypt
  certgen init acme --service api --service worker --trust-domain acme.internal";

fn server(text: &str) -> Result<LeafSpec, String> {
    leaf(LeafProfile::Server, text)
}

fn client(text: &str) -> Result<LeafSpec, String> {
    leaf(LeafProfile::Client, text)
}

fn peer(text: &str) -> Result<LeafSpec, String> {
    leaf(LeafProfile::Peer, text)
}

/// clap prints one message for an invalid value, so that cause and hint go into it.
fn leaf(profile: LeafProfile, text: &str) -> Result<LeafSpec, String> {
    LeafSpec::parse(profile, text).map_err(|error| one_line(&error))
}
