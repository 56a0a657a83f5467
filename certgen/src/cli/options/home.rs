//! Which authority.

use std::path::PathBuf;

use clap::Args;

/// Which authority's directory to work in.
#[derive(Args, Clone, Debug, Default)]
pub struct HomeArguments {
    /// The authority's directory, as `certgen init` made it; without this the one that CERTGEN_CA names, or this one
    #[arg(long, value_name = "DIR")]
    pub ca: Option<PathBuf>,
}

impl HomeArguments {
    /// The directory that is meant.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one setting that stands for an option of every command"
    )]
    pub fn directory(&self) -> PathBuf {
        let from_environment = || std::env::var_os("CERTGEN_CA").filter(|value| !value.is_empty());
        self.ca
            .clone()
            .or_else(|| from_environment().map(PathBuf::from))
            .unwrap_or_else(|| PathBuf::from("."))
    }
}
