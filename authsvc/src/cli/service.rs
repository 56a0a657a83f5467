//! Arguments of `authsvc service`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::ConfigArgs;

/// `authsvc service`
#[derive(Debug, Subcommand)]
pub enum ServiceCommand {
    /// Register a service by the name in its client certificate
    Add {
        /// A short name: a-z, 0-9 and -
        name: String,
        /// The name in its certificate, with its type: dns:orders.internal or uri:spiffe://example.org/orders
        #[arg(long, value_name = "SAN")]
        san: String,
        /// An audience about whose tokens it may ask; may be repeated. An administrator needs none
        #[arg(long = "audience", value_name = "NAME", required_unless_present = "admin")]
        audiences: Vec<String>,
        /// A scope it is told of when a token has it; may be repeated. Without one it is told of none
        #[arg(long = "scope", value_name = "NAME")]
        scopes: Vec<String>,
        /// It may administer this installation
        #[arg(long)]
        admin: bool,
        /// The CA certificate that issues its certificates; the configured client CA if that is a single one
        #[arg(long, value_name = "FILE")]
        issuer: Option<PathBuf>,
        /// Which installation.
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// List services
    List {
        /// One JSON object a line
        #[arg(long)]
        json: bool,
        /// Which installation.
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Give a service one more identity, as when another CA issues its next certificate
    AddIdentity(IdentityArgs),
    /// Take an identity from a service that has another one
    RemoveIdentity(IdentityArgs),
    /// Vouch for a registration as it stands, after it was altered in the database and put right
    Seal {
        /// Its short name
        name: String,
        /// Which installation.
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// End a registration
    Remove {
        /// Its short name
        name: String,
        /// Which installation.
        #[command(flatten)]
        config: ConfigArgs,
    },
}

/// An identity of a service.
#[derive(Debug, Args)]
pub struct IdentityArgs {
    /// The service's short name
    pub name: String,
    /// The name in its certificate, with its type
    #[arg(long, value_name = "SAN")]
    pub san: String,
    /// The certificate of the CA that issues it; the configured client CA if that is a single one
    #[arg(long, value_name = "FILE")]
    pub issuer: Option<PathBuf>,
    /// Which installation.
    #[command(flatten)]
    pub config: ConfigArgs,
}
