//! The subject of an authority.

use clap::Args;

/// What stands in the subject of an authority besides the name it is given.
#[derive(Args, Clone, Debug, Default)]
pub struct SubjectArguments {
    /// What it is called in certificates, where that is not its name here
    #[arg(long, value_name = "CN", help_heading = HEADING)]
    pub common_name: Option<String>,

    /// Organization
    #[arg(long, value_name = "O", help_heading = HEADING)]
    pub organization: Option<String>,

    /// Organizational unit
    #[arg(long, value_name = "OU", help_heading = HEADING)]
    pub organizational_unit: Option<String>,

    /// Country: a two-letter ISO 3166-1 code
    #[arg(long, value_name = "CC", help_heading = HEADING)]
    pub country: Option<String>,
}

const HEADING: &str = "Subject of the authority";
