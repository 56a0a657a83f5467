//! Arguments of `certgen lint`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Arguments of `certgen lint`.
#[derive(Args, Debug)]
pub struct LintArguments {
    /// Certificates, revocation lists and requests, PEM or DER, of any maker; `-` for standard input; or a
    /// service's directory, whose fullchain.pem it is
    #[arg(value_name = "FILE", required_unless_present = "list")]
    pub files: Vec<PathBuf>,

    /// Certificates of issuers, which are looked at beside what they issued and not reported on
    #[arg(long, value_name = "FILE")]
    pub issuer: Vec<PathBuf>,

    /// The least that is reported
    #[arg(long, value_name = "SEVERITY", value_enum, default_value = "notice")]
    pub min: SeverityArgument,

    /// Print every lint with its severity and section
    #[arg(long, conflicts_with_all = ["files", "issuer"])]
    pub list: bool,
}

/// The least that is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SeverityArgument {
    /// Against a rule
    Error,
    /// Against advice, or refused by some, and worse
    Warning,
    /// Worth knowing, and worse
    Notice,
}

pub(super) const HELP: &str = "\
Looks at what documents say and how they are written, by RFC 5280 and the documents beside it. No
signature is verified and no clock is read: for that there is certgen verify. Documents that certgen
verify refuses to read are read here. When the issuer is in one of the files, or given by --issuer,
each certificate and list is looked at beside it.

Exit codes: 0 no findings, 1 findings at --min or above, 2 wrong usage, 3 a file cannot be read.

  certgen lint api/ root.pem
  certgen lint --min warning crl.pem --issuer intermediate.pem";
