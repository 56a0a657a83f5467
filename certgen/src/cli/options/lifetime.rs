//! How long a certificate is to live.

use clap::Args;
use time::OffsetDateTime;

use crate::lifetime::Lifetime;

/// How long a certificate is to live.
#[derive(Args, Clone, Copy, Debug, Default)]
#[group(multiple = false)]
pub struct LifetimeArguments {
    /// How long the certificate lives; without it, 90 days for a service
    #[arg(long, value_name = "N", help_heading = HEADING)]
    pub days: Option<u32>,

    /// The last moment of its life: 2027-01-31, which counts to its end in UTC, or 2027-01-31T12:00:00Z
    #[arg(long, value_name = "DATE", value_parser = Lifetime::parse_until, help_heading = HEADING)]
    pub until: Option<OffsetDateTime>,
}

impl LifetimeArguments {
    /// What was asked for, if anything.
    pub fn lifetime(self) -> Option<Lifetime> {
        self.days.map(Lifetime::days).or(self.until.map(Lifetime::Until))
    }
}

pub(crate) const HEADING: &str = "Lifetimes";
