//! Arguments of `certgen trust`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{HomeArguments, PasswordArguments};

/// Arguments of `certgen trust`.
#[derive(Args, Debug)]
pub struct TrustArguments {
    /// What to do
    #[command(subcommand)]
    pub action: TrustAction,
}

/// What can be done to trust stores.
#[derive(Debug, Subcommand)]
pub enum TrustAction {
    /// Make stores of this machine trust the root
    #[command(after_help = INSTALL_HELP)]
    Install(ChangeTrustArguments),
    /// Take the root, and only that very certificate, out of stores of this machine
    #[command(after_help = UNINSTALL_HELP)]
    Uninstall(ChangeTrustArguments),
    /// Tell which stores of this machine trust the root
    #[command(after_help = STATUS_HELP)]
    Status(StoreArguments),
}

/// Arguments of `certgen trust install` and `certgen trust uninstall`.
#[derive(Args, Debug)]
pub struct ChangeTrustArguments {
    /// Which root and which stores
    #[command(flatten)]
    pub stores: StoreArguments,

    /// Print the commands, one a line as a shell takes them, and run none
    #[arg(long)]
    pub dry_run: bool,
}

/// Which root, and which stores.
#[derive(Args, Debug)]
pub struct StoreArguments {
    /// The root, one PEM certificate; without it, the root of the authority
    #[arg(long, value_name = "FILE", conflicts_with = "ca")]
    pub certificate: Option<PathBuf>,

    /// Which authority
    #[command(flatten)]
    pub home: HomeArguments,

    /// The store of the system: OpenSSL, GnuTLS, curl, Go and others; needs the superuser
    #[arg(long)]
    pub system: bool,

    /// The databases of Firefox and Chromium in your home directory
    #[arg(long)]
    pub nss: bool,

    /// The store of the Java installation
    #[arg(long)]
    pub java: bool,

    /// This Java key store
    #[arg(long, value_name = "FILE")]
    pub java_keystore: Option<PathBuf>,

    /// All of them
    #[arg(long)]
    pub all: bool,

    /// The password of the Java key store
    #[command(flatten)]
    pub password: PasswordArguments,
}

impl StoreArguments {
    /// Whether any store was named.
    pub fn names_a_store(&self) -> bool {
        self.system || self.nss || self.java || self.all || self.java_keystore.is_some()
    }
}

pub(super) const HELP: &str = "\
A root that a store trusts can vouch for any name, unless it is limited: see --permit-dns of certgen init. Keep its key \
away from the machines that trust it.";

const INSTALL_HELP: &str = "\
Without a store nothing is changed: what would be done is printed. certgen runs the system's own tools \
(update-ca-certificates, update-ca-trust or trust, certutil, keytool) by their absolute paths and without a shell, and \
looks afterwards whether the root is trusted. It never calls sudo: print the commands, or run certgen as root.

Only roots are installed: authorities' certificates that their own key signed. Where the root is trusted, nothing is done. \
A Java store has the password \"changeit\" unless another one is given.

  certgen trust install --ca pki --nss
  certgen trust install --certificate root.pem --all --dry-run

Exit codes: 0 done, 2 no store was named, 3 refused, or a store failed.";

const UNINSTALL_HELP: &str = "\
The root is known by its fingerprint: other certificates of the same name stay. Where it is not, nothing is done.

  certgen trust uninstall --certificate root.pem --all --dry-run

Exit codes: 0 done, 2 no store was named, 3 refused, or a store failed.";

const STATUS_HELP: &str = "\
Looks into every store unless some are named. The root is known by its fingerprint.

Exit codes: 0 every store that was looked into trusts it, 1 one does not, 3 refused, or a store could not be read.";
