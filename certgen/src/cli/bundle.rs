//! Arguments of `certgen bundle`.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{ArgGroup, Args};

use super::{ExistingKeyPassphraseArguments, HomeArguments, PasswordArguments};
use crate::bundle::Profile;

/// Arguments of `certgen bundle`.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("what").required(true).multiple(false))]
pub struct BundleArguments {
    /// The service whose key and certificates go into the file
    #[arg(group = "what")]
    pub name: Option<String>,

    /// Take the certificates from FILE instead: the service's own first, then its issuers; for java-trust, roots
    #[arg(long, value_name = "FILE", group = "what")]
    pub certificate: Option<PathBuf>,

    /// Put the authority's roots into it, without naming a service; for java-trust
    #[arg(long, group = "what")]
    pub roots: bool,

    /// The key that belongs to --certificate: PKCS#8, PKCS#1 or SEC1, PEM or DER, also encrypted
    #[arg(long, value_name = "FILE", requires = "certificate")]
    pub key: Option<PathBuf>,

    /// Which readers the file is for
    #[arg(long, value_name = "PROFILE", default_value = "modern", value_parser = profile())]
    pub profile: Profile,

    /// Where it goes; without it, NAME/NAME.p12 or NAME/truststore.p12 in the authority's directory
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,

    /// What it is called where it is imported; without it, the service's name or the file's
    #[arg(long, value_name = "TEXT")]
    pub alias: Option<String>,

    /// Put the root into it as well: some importers then trust it
    #[arg(long)]
    pub with_root: bool,

    /// Replace the file if there is one
    #[arg(long)]
    pub force: bool,

    /// Which authority
    #[command(flatten)]
    pub home: HomeArguments,

    /// What the file is encrypted with
    #[command(flatten)]
    pub password: PasswordArguments,

    /// What the key is encrypted with, if it is
    #[command(flatten)]
    pub key_passphrase: ExistingKeyPassphraseArguments,
}

pub(super) const HELP: &str = "\
Profiles:
  modern      key, certificate and issuers under AES-256 and SHA-256
  java-trust  roots for a Java trust store, marked as trusted; no key
  legacy      as modern under 3DES and SHA-1: weak, for the macOS Keychain and old Windows

The password is asked for twice where no source is named, and is not empty. The file has mode 0600, is opened again \
and compared before it is put into place, and replaces nothing without --force.

  certgen bundle api --ca pki --password-file password
  certgen bundle --roots --ca pki --profile java-trust --password-env PASSWORD
  certgen bundle --certificate fullchain.pem --key key.pem --out api.p12";

fn profile() -> impl clap::builder::TypedValueParser<Value = Profile> {
    PossibleValuesParser::new(Profile::ALL.map(Profile::name)).map(|text| {
        let known = Profile::ALL.into_iter().find(|profile| profile.name() == text);
        known.expect("no other value is possible")
    })
}
