//! Arguments and their help text, a file per subcommand; no logic.

mod apply;
mod bundle;
mod completions;
mod crl;
mod csr;
mod fingerprint;
mod init;
mod inspect;
mod intermediate;
mod key;
mod leaf;
mod lint;
mod man;
mod needs_renewal;
mod options;
mod rekey;
mod renew;
mod revoke;
mod rotate_ca;
mod sign;
mod tree;
mod trust;
mod usage;
mod verify;

use clap::{Parser, Subcommand};

pub use apply::ApplyArguments;
pub use bundle::BundleArguments;
pub use completions::CompletionsArguments;
pub use crl::CrlArguments;
pub use csr::{CsrArguments, ProfileArguments};
pub use fingerprint::{FingerprintArguments, FormatArgument};
pub use init::InitArguments;
pub use inspect::InspectArguments;
pub use intermediate::IntermediateArguments;
pub use key::KeyArguments;
pub use leaf::LeafArguments;
pub use lint::{LintArguments, SeverityArgument};
pub use man::ManArguments;
pub use needs_renewal::NeedsRenewalArguments;
pub use options::{
    ExistingKeyPassphraseArguments, HomeArguments, KeyPassphraseArguments, LifetimeArguments, NameLimitArguments,
    NewPassphraseArguments, PassphraseArguments, PasswordArguments, SubjectArguments,
};
pub use rekey::RekeyArguments;
pub use renew::RenewArguments;
pub use revoke::RevokeArguments;
pub use rotate_ca::{RotateCaArguments, RotateCaBeginArguments, RotateCaFinishArguments, RotateCaStep, WhoseArguments};
pub use sign::SignArguments;
pub use tree::TreeArguments;
pub use trust::{ChangeTrustArguments, StoreArguments, TrustAction, TrustArguments};
pub use usage::UsageError;
pub use verify::{PurposeArgument, RequiredStatusArgument, VerifyArguments};

/// Makes a private certificate authority and the certificates of the services that trust it.
#[derive(Debug, Parser)]
#[command(name = "certgen", version, arg_required_else_help = true, after_help = EXIT_CODES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,

    /// Print one JSON object instead of prose
    #[arg(long, global = true, display_order = 900)]
    pub json: bool,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a root, an issuing intermediate, and a key and certificate for each service
    #[command(after_help = init::HELP)]
    Init(Box<InitArguments>),
    /// Make a key and certificate for one more service
    #[command(after_help = leaf::HELP)]
    Leaf(LeafArguments),
    /// Make one more issuing authority below the root
    #[command(after_help = intermediate::HELP)]
    Intermediate(Box<IntermediateArguments>),
    /// Make a key and a request for a certificate, to be signed elsewhere
    #[command(after_help = csr::HELP)]
    Csr(CsrArguments),
    /// Make a certificate for a request, showing what is asked for and what is granted
    #[command(after_help = sign::HELP)]
    Sign(SignArguments),
    /// Bring an authority and its services into agreement with a manifest
    #[command(after_help = apply::HELP)]
    Apply(ApplyArguments),
    /// Make new certificates for the keys that services have
    #[command(after_help = renew::HELP)]
    Renew(RenewArguments),
    /// Make services new keys with new certificates
    #[command(after_help = rekey::HELP)]
    Rekey(RekeyArguments),
    /// Have peers accept a certificate no longer
    #[command(after_help = revoke::HELP)]
    Revoke(RevokeArguments),
    /// Make the revocation lists of the authorities anew
    #[command(after_help = crl::HELP)]
    Crl(CrlArguments),
    /// Exchange the key of an authority in stages
    #[command(after_help = rotate_ca::HELP)]
    RotateCa(RotateCaArguments),
    /// Tell by the exit code whether a certificate needs renewal
    #[command(after_help = needs_renewal::HELP)]
    NeedsRenewal(NeedsRenewalArguments),
    /// Show the authority with its services, and how long each certificate lasts
    #[command(after_help = tree::HELP)]
    Tree(TreeArguments),
    /// Show what is in certificates, requests, revocation lists and keys, or what a server presents
    #[command(after_help = inspect::HELP, mut_arg("passphrase_file", |argument| argument.help(options::OPENING)))]
    Inspect(InspectArguments),
    /// Tell whether a chain of certificates is trusted, and for every path why not
    #[command(after_help = verify::HELP)]
    Verify(VerifyArguments),
    /// Say what is wrong with certificates, revocation lists and requests, by section
    #[command(after_help = lint::HELP)]
    Lint(LintArguments),
    /// Print the SHA-256 by which a certificate or a key is known
    #[command(after_help = fingerprint::HELP, mut_arg("passphrase_file", |argument| argument.help(options::OPENING)))]
    Fingerprint(FingerprintArguments),
    /// Write a key, or a trust store for Java, as a PKCS#12 file
    #[command(after_help = bundle::HELP)]
    Bundle(BundleArguments),
    /// Encrypt or decrypt a key, change its passphrase, or take its public half
    #[command(after_help = key::HELP)]
    Key(KeyArguments),
    /// Make the stores of this machine trust the root, or no longer
    #[command(after_help = trust::HELP)]
    Trust(TrustArguments),
    /// Print a script with which a shell completes certgen's arguments
    #[command(after_help = completions::HELP)]
    Completions(CompletionsArguments),
    /// Print or write the manual
    #[command(after_help = man::HELP)]
    Man(ManArguments),
}

const EXIT_CODES: &str = "Exit codes: 0 done or yes, 1 the answer is no, 2 wrong usage, 3 refused or failed.";
