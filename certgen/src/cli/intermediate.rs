//! Arguments of `certgen intermediate`.

use std::path::PathBuf;

use clap::Args;
use cryptokit::x509::{KeyKind, TrustDomain};
use time::OffsetDateTime;

use super::options::{LIFETIMES, key_kind};
use super::{HomeArguments, NameLimitArguments, PassphraseArguments, SubjectArguments};
use crate::lifetime::Lifetime;

/// Arguments of `certgen intermediate`.
#[derive(Args, Debug)]
pub struct IntermediateArguments {
    /// What its files are called, and what --issuer of other commands names it by
    pub name: String,

    /// The kind of its key
    #[arg(long, value_name = "KIND", default_value = "p256", value_parser = key_kind())]
    pub key: KeyKind,

    /// Make it an authority of this SPIFFE trust domain
    #[arg(long, value_name = "DOMAIN")]
    pub trust_domain: Option<TrustDomain>,

    /// Replace files of this name that certgen did not write
    #[arg(long)]
    pub force: bool,

    /// The root's key, where it is kept elsewhere
    #[arg(long, value_name = "FILE")]
    pub root_key: Option<PathBuf>,

    /// How long it lives: at most 3653 days, 1825 without it, and no longer than the root
    #[arg(long, value_name = "N", help_heading = LIFETIMES, conflicts_with = "until")]
    pub days: Option<u32>,

    /// The last moment of its life: 2031-01-31, which counts to its end in UTC, or 2031-01-31T12:00:00Z
    #[arg(long, value_name = "DATE", value_parser = Lifetime::parse_until, help_heading = LIFETIMES)]
    pub until: Option<OffsetDateTime>,

    /// What stands in its subject.
    #[command(flatten)]
    pub subject: SubjectArguments,

    /// What names are limited to.
    #[command(flatten)]
    pub limits: NameLimitArguments,

    /// Which authority.
    #[command(flatten)]
    pub home: HomeArguments,

    /// Where the passphrase comes from.
    #[command(flatten)]
    pub passphrase: PassphraseArguments,
}

impl IntermediateArguments {
    /// The lifetime that was asked for, if one was.
    pub fn lifetime(&self) -> Option<Lifetime> {
        self.days.map(Lifetime::days).or(self.until.map(Lifetime::Until))
    }
}

pub(super) const HELP: &str = "\
Makes NAME.pem and NAME.key.pem in the authority's directory, all or nothing. The root signs it, so the root's \
key has to be there, or in --root-key. Its key is encrypted as the root's \
is, under the same passphrase, or under the one that is named. What the names \
of its services are limited to holds besides what the root's are.

  certgen intermediate --ca pki payments --permit-dns payments.internal
  certgen leaf --ca pki --issuer payments ledger=ledger.payments.internal";
