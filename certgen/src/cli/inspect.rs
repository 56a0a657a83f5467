//! Arguments of `certgen inspect`.

use std::ffi::OsString;

use clap::Args;

use super::PassphraseArguments;

/// Arguments of `certgen inspect`.
#[derive(Args, Debug)]
pub struct InspectArguments {
    /// A file, `-` for standard input, or a service's directory, whose fullchain.pem it is
    #[arg(required = true, value_name = "WHAT")]
    pub what: Vec<OsString>,

    /// Print a few lines for each thing found instead of every field
    #[arg(long, conflicts_with = "json")]
    pub short: bool,

    /// Where the passphrase of an encrypted key comes from.
    #[command(flatten)]
    pub passphrase: PassphraseArguments,
}

pub(super) const HELP: &str = "\
Shows certificates, requests (CSR), revocation lists (CRL), private and public keys, PEM or DER,
one or many in a file; and what other commands refuse as far as it can be read, with the reason.

Of a private key it prints what kind it is, whether it is encrypted, and the fingerprint of its
public half, never the key. An encrypted one is opened only when a passphrase is given by one of the
options above; nothing is asked for.

Exit codes: 0 everything was shown, 2 wrong usage, 3 something could not be read.";
