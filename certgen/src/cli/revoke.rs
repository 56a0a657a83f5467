//! Arguments of `certgen revoke`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use cryptokit::x509::RevocationReason;

use super::{HomeArguments, PassphraseArguments};

/// Arguments of `certgen revoke`.
#[derive(Args, Debug)]
pub struct RevokeArguments {
    /// A service, a serial number or 8 digits or more of its beginning, a certificate's file, or an authority
    #[arg(required = true, value_name = "NAME|SERIAL|FILE")]
    pub certificates: Vec<String>,

    /// Why
    #[arg(long, value_name = "REASON", default_value = "unspecified", value_parser = reason(), ignore_case = true)]
    pub reason: RevocationReason,

    /// Where a service has several certificates that are valid, all of them
    #[arg(long)]
    pub all: bool,

    /// How many days the new revocation list is good for: 30 else, a root's 365
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=3653))]
    pub days: Option<u16>,

    /// The root's key, where it is kept elsewhere; for an authority below the root
    #[arg(long, value_name = "FILE")]
    pub root_key: Option<PathBuf>,

    /// Which authority
    #[command(flatten)]
    pub home: HomeArguments,

    /// The authority's passphrase
    #[command(flatten)]
    pub passphrase: PassphraseArguments,
}

pub(super) const HELP: &str = "\
The certificate is recorded as revoked, and the list that says so is made in the same moment: AUTHORITY.crl.pem, \
AUTHORITY.crl.der and crl.pem, which holds the lists of all authorities. Peers notice only when they read the new list.

To go on, a service needs a new key: certgen rekey NAME --revoke-old does both.

  certgen revoke --ca pki worker --reason keyCompromise";

/// Holds are left out, since nothing takes them back, and what attribute authorities alone may say.
const REASONS: [RevocationReason; 7] = [
    RevocationReason::Unspecified,
    RevocationReason::KeyCompromise,
    RevocationReason::CaCompromise,
    RevocationReason::AffiliationChanged,
    RevocationReason::Superseded,
    RevocationReason::CessationOfOperation,
    RevocationReason::PrivilegeWithdrawn,
];

/// The standard's name of a reason.
pub(super) fn reason() -> impl TypedValueParser<Value = RevocationReason> {
    PossibleValuesParser::new(REASONS.map(RevocationReason::name)).map(|text| {
        let known = REASONS
            .into_iter()
            .find(|reason| reason.name().eq_ignore_ascii_case(&text));
        known.expect("no other value is possible")
    })
}
