//! Arguments of `certgen init`.

use std::path::PathBuf;

use clap::Args;
use cryptokit::x509::LeafProfile;

use crate::explain::one_line;
use crate::init::LeafSpec;

/// Arguments of `certgen init`.
#[derive(Args, Debug)]
pub struct InitArguments {
    /// What the authority is called in its certificates
    #[arg(default_value = "local")]
    pub name: String,

    /// Where everything goes: a directory that does not exist yet, or an empty one
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,

    /// A server that clients reach under these names; without names, under NAME itself
    #[arg(long, value_name = "NAME[=SAN,SAN…]", value_parser = server)]
    pub server: Vec<LeafSpec>,

    /// A client that servers know under these names; without names, under NAME itself
    #[arg(long, value_name = "NAME[=SAN,SAN…]", value_parser = client)]
    pub client: Vec<LeafSpec>,

    /// A service that is both; the only kind that may have a spiffe:// name
    #[arg(long, value_name = "NAME[=SAN,SAN…]", value_parser = peer)]
    pub peer: Vec<LeafSpec>,

    /// Organization in the subjects of the two authorities
    #[arg(long, value_name = "O")]
    pub organization: Option<String>,

    /// Country in the subjects of the two authorities: a two-letter ISO 3166-1 code
    #[arg(long, value_name = "CC")]
    pub country: Option<String>,
}

pub(super) const HELP: &str = "\
A SAN is a name that the certificate is valid for: a DNS name, an IP address, a URI with its scheme,
or an e-mail address. What it is can be said: dns:NAME, ip:ADDRESS, uri:URI, email:ADDRESS.
Without --server, --client and --peer there will be a server `localhost` and a client `client`.

Made in DIR, all or nothing; nothing that exists is overwritten:
  root.pem, root.key.pem                  10 years; root.pem is what everybody is told to trust
  intermediate.pem, intermediate.key.pem  5 years; issues the certificates below
  NAME/certificate.pem, NAME/key.pem      90 days
  NAME/fullchain.pem                      certificate and intermediate: what the service presents
  NAME/chain.pem                          the intermediate alone, for programs that want the two apart
  NAME/ca.pem                             the root: what its peers are verified against
  inventory.jsonl                         what was issued; the other commands go by it and add to it

Directories get mode 0700, keys 0600, certificates 0644, whatever the umask.";

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
