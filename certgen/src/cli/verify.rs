//! Arguments of `certgen verify`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use cryptokit::x509::SubjectAlternativeName;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

use super::HomeArguments;

/// Arguments of `certgen verify`.
#[derive(Args, Debug)]
pub struct VerifyArguments {
    /// The chain as it is presented, PEM or DER, `-` for standard input; or a service's directory, whose fullchain.pem
    /// it is
    #[arg(value_name = "FULLCHAIN")]
    pub chain: PathBuf,

    /// Certificates that a path must end at; without it, the roots of the authority in --ca
    #[arg(long, value_name = "FILE", conflicts_with = "ca")]
    pub trust: Vec<PathBuf>,

    /// Further certificates that may be on the way, such as an intermediate that the chain lacks
    #[arg(long, value_name = "FILE")]
    pub untrusted: Vec<PathBuf>,

    /// The authority to trust when there is no --trust.
    #[command(flatten)]
    pub home: HomeArguments,

    /// What the leaf must be for
    #[arg(long, value_name = "PURPOSE", value_enum, default_value = "server")]
    pub purpose: PurposeArgument,

    /// A name that the leaf must have: a DNS name, an address, a URI or an e-mail address; all of several
    #[arg(long, value_name = "NAME", value_parser = SubjectAlternativeName::infer)]
    pub name: Vec<SubjectAlternativeName>,

    /// The time to ask about, such as 2027-01-31 or 2027-01-31T12:00:00Z; without it, now
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub at: Option<OffsetDateTime>,

    /// Revocation lists, PEM or DER; those of other authorities do no harm. Without it, crl.pem of the authority in
    /// --ca, if it has one
    #[arg(long, value_name = "FILE")]
    pub crl: Vec<PathBuf>,

    /// Whose lists must be there: the leaf's issuer's, or those of all issuers of the chain
    #[arg(long, value_name = "WHICH", value_enum)]
    pub crl_required: Option<RequiredStatusArgument>,
}

/// What the leaf must be for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PurposeArgument {
    /// A TLS server: extended key usage serverAuth
    Server,
    /// A TLS client: extended key usage clientAuth
    Client,
    /// Whatever it is for: key usages are not looked at
    Any,
}

/// Whose lists must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RequiredStatusArgument {
    /// The leaf's issuer's
    Leaf,
    /// Those of every issuer
    Chain,
}

pub(super) const HELP: &str = "\
FULLCHAIN has the leaf and its intermediates. The first certificate is the leaf, as in TLS; when
that is an authority's and exactly one other is not, that one is, with a warning. The rest may be
in any order. A name that is only in the common name is no name. Without --name any name will do:
the answer then says who the peer is, not that it is the right one. Every list that is given is
used, and has to be current.

Exit codes:
   0  trusted: there is a path, and every check on it passed
   2  wrong usage
   3  it cannot be told: a file is missing or not readable, there is nothing to trust
  10  no path leads to a trusted certificate
  11  expired
  12  not valid yet
  13  the leaf is for other names
  14  the leaf or an issuer is not for this purpose
  15  revoked
  16  whether it was revoked is not known, or a list is expired, forged or not understood
  17  a constraint is violated: path length, name constraints, an issuer that is no authority,
      a weak key, a critical extension that is not understood, a rule of X509-SVID
  18  a signature is not good, or its algorithm is weak or unknown
  19  the leaf, or a certificate that is missing on the way, cannot be read

When several things are wrong, the signature decides before the time, the time before revocation,
then constraints, purpose, unknown status and name. Certificate policies are not processed: a chain
that has a critical extension about them is refused (17).

  certgen verify api/ --name api.internal
  certgen verify fullchain.pem --trust root.pem --purpose client --crl crl.pem --crl-required chain";

/// RFC 3339, or a date, which stands for its first second in UTC.
fn time(text: &str) -> Result<OffsetDateTime, String> {
    OffsetDateTime::parse(text, &Rfc3339)
        .or_else(|_| {
            time::Date::parse(text, format_description!("[year]-[month]-[day]"))
                .map(|date| date.midnight().assume_utc())
        })
        .map_err(|_| "a time is written as 2027-01-31 or 2027-01-31T12:00:00Z".to_owned())
}
