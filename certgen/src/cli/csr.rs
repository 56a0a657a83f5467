//! Arguments of `certgen csr`.

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use cryptokit::x509::{KeyKind, LeafProfile, SubjectAlternativeName};

use super::KeyPassphraseArguments;
use super::options::key_kind;

/// Arguments of `certgen csr`.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("whose_key").required(true))]
pub struct CsrArguments {
    /// What the certificate is to be valid for: DNS names, IP addresses, URIs, e-mail addresses
    #[arg(required = true, value_name = "SAN", value_parser = name)]
    pub names: Vec<SubjectAlternativeName>,

    /// Where the request goes; without it, standard output
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,

    /// Where the new key goes
    #[arg(long, value_name = "FILE", group = "whose_key")]
    pub out_key: Option<PathBuf>,

    /// An existing key to make the request with, of any form
    #[arg(long, value_name = "FILE", group = "whose_key", conflicts_with = "key")]
    pub key_file: Option<PathBuf>,

    /// The kind of the new key
    #[arg(long, value_name = "KIND", default_value = "p256", value_parser = key_kind())]
    pub key: KeyKind,

    /// Which usages to ask for
    #[command(flatten)]
    pub profile: ProfileArguments,

    /// What the new key is encrypted with, or the existing one is
    #[command(flatten)]
    pub passphrase: KeyPassphraseArguments,
}

/// What a certificate is for.
#[derive(Args, Clone, Copy, Debug)]
#[group(multiple = false)]
pub struct ProfileArguments {
    /// For a TLS server
    #[arg(long)]
    pub server: bool,

    /// For a TLS client
    #[arg(long)]
    pub client: bool,

    /// For both; the only kind that may have a spiffe:// name
    #[arg(long)]
    pub peer: bool,
}

impl ProfileArguments {
    /// The one that was chosen, if any.
    pub fn chosen(self) -> Option<LeafProfile> {
        [
            (self.server, LeafProfile::Server),
            (self.client, LeafProfile::Client),
            (self.peer, LeafProfile::Peer),
        ]
        .into_iter()
        .find_map(|(is_chosen, profile)| is_chosen.then_some(profile))
    }
}

pub(super) const HELP: &str = "\
Without --server and --client the request asks for both, as --peer does. The authority decides what it grants; \
`certgen sign` shows it. The key never leaves this machine. Nothing is overwritten.

A new key is encrypted where a passphrase is named; one that exists and is encrypted is read with it.

  certgen csr api.svc.internal --server --out-key api.key.pem --out api.csr.pem";

/// A name with its kind, or one whose kind shows.
pub(super) fn name(text: &str) -> Result<SubjectAlternativeName, String> {
    SubjectAlternativeName::infer(text).map_err(|error| {
        format!("{error}; correct it, or say what kind it is: dns:NAME, ip:ADDRESS, uri:URI or email:ADDRESS")
    })
}
