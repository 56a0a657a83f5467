//! Arguments of `certgen rotate-ca`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{HomeArguments, PassphraseArguments};
use crate::rotation::Which;

/// Arguments of `certgen rotate-ca`.
#[derive(Args, Debug)]
pub struct RotateCaArguments {
    /// Which step.
    #[command(subcommand)]
    pub step: RotateCaStep,
}

/// The steps of an exchange.
#[derive(Debug, Subcommand)]
pub enum RotateCaStep {
    /// Make the new key, and let services trust and present both
    #[command(after_help = BEGIN_HELP)]
    Begin(RotateCaBeginArguments),
    /// Take the old key out of what is trusted, and its files to retired/
    #[command(after_help = FINISH_HELP)]
    Finish(RotateCaFinishArguments),
}

/// Arguments of `certgen rotate-ca begin`.
#[derive(Args, Debug)]
pub struct RotateCaBeginArguments {
    /// Whose key.
    #[command(flatten)]
    pub whose: WhoseArguments,

    /// The root's key, where it is kept elsewhere
    #[arg(long, value_name = "FILE")]
    pub root_key: Option<PathBuf>,

    /// Which authority.
    #[command(flatten)]
    pub home: HomeArguments,

    /// Where the passphrase comes from.
    #[command(flatten)]
    pub passphrase: PassphraseArguments,
}

/// Arguments of `certgen rotate-ca finish`.
#[derive(Args, Debug)]
pub struct RotateCaFinishArguments {
    /// Whose key.
    #[command(flatten)]
    pub whose: FinishedArguments,

    /// Finish although certificates in use hang on the old key; with --root nobody accepts them any more
    #[arg(long)]
    pub force: bool,

    /// Which authority.
    #[command(flatten)]
    pub home: HomeArguments,
}

/// Whose key is exchanged.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = false)]
pub struct WhoseArguments {
    /// The root's, and those of all issuing authorities
    #[arg(long)]
    pub root: bool,

    /// That of one issuing authority
    #[arg(long, value_name = "AUTHORITY")]
    pub issuing: Option<String>,
}

impl WhoseArguments {
    /// The one that is meant.
    pub fn which(&self) -> Which {
        match &self.issuing {
            Some(name) => Which::Issuing(name.clone()),
            None => Which::Root,
        }
    }
}

/// Whose exchange is finished.
#[derive(Args, Clone, Debug)]
#[group(multiple = false)]
pub struct FinishedArguments {
    /// The root's, and those of all issuing authorities; without this and --issuing, the one that is under way
    #[arg(long)]
    pub root: bool,

    /// That of one issuing authority
    #[arg(long, value_name = "AUTHORITY")]
    pub issuing: Option<String>,
}

impl FinishedArguments {
    /// The one that is meant, if one is named.
    pub fn which(&self) -> Option<Which> {
        let issuing = self.issuing.clone().map(Which::Issuing);
        issuing.or(self.root.then_some(Which::Root))
    }
}

pub(super) const HELP: &str = "\
An exchange in stages, in which nobody is refused who follows them:

  certgen rotate-ca begin --root    both roots are trusted
  certgen renew --all               each service gets a certificate below the new root
  certgen rotate-ca finish --root   the old root is trusted no more

After each step give the services their directories again. \
Either step may be done again; a second time changes nothing. A root whose key somebody else may have is no case for \
this: make a new authority.";

const BEGIN_HELP: &str = "\
With --root: root.pem and the issuing authorities get successors, and their old files the end .old. Every service \
trusts both roots in ca.pem and presents in fullchain.pem, besides what it did, a certificate that leads to the \
other root: root.cross.pem, the new root signed by the old one, or root.old.cross.pem, the reverse, which ends with \
the last certificate that needs it. So services may be renewed in any order, whichever root their peers trust.

With --issuing: services trust the root and so the successor; nothing changes for them.

New certificates come from the successor. The root's key has to be there, or in --root-key; new keys are encrypted as it is, and a new root's key is made in the directory: move it away too. What is \
printed is what hangs on the old key.";

const FINISH_HELP: &str = "\
Refused while certificates in use hang on the old key, unless the authority that issued them is revoked. The old files go to retired/. With --root, services trust \
only the new root from now on, and root.old.cross.pem is revoked: `certgen crl` lists it. With --issuing, what the \
old key signed is good until it expires, or until `certgen revoke` revokes the retired authority.

Until they expire, certificates of the old key have to be listed where anybody still trusts it: `certgen crl` goes \
on doing that with the key in retired/. When nobody does, remove that key.";
