//! Arguments of `certgen needs-renewal`.

use std::path::PathBuf;

use clap::Args;

use super::HomeArguments;
use crate::renewal_point::RenewalPoint;

/// Arguments of `certgen needs-renewal`.
#[derive(Args, Debug)]
pub struct NeedsRenewalArguments {
    /// A file of certificates, PEM or DER, `-` for standard input, a service's directory, or its name
    #[arg(required = true, value_name = "CERTIFICATE|NAME")]
    pub certificates: Vec<PathBuf>,

    /// When a certificate needs renewal: the share of its life that has passed, or the time that is left
    #[arg(
        long,
        value_name = "75%|2/3|10d|36h",
        default_value = "2/3",
        hide_default_value = true
    )]
    pub at: RenewalPoint,

    /// Whose service a name means
    #[command(flatten)]
    pub home: HomeArguments,
}

pub(super) const HELP: &str = "\
Exit codes: 0 one of the certificates needs renewal or has expired, 1 none does, 2 wrong usage, 3 it cannot \
be told.

Of a service fullchain.pem is looked at. Every certificate of a file counts, its issuers too: a chain is as good as the shortest life in it. \
Without --at a certificate needs renewal when two thirds of its life have passed.

  certgen needs-renewal --ca pki api --at 10d && certgen renew --ca pki api";
