//! Commands and their arguments, one area a file. No logic; no secret is ever an argument.

mod audit;
mod check;
mod db;
mod key;
mod pepper;
mod serve;
mod service;
mod session;
mod smoke;
mod user;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use audit::{AuditCommand, ExplainArgs, ExportFormat, FilterArgs};
pub use check::{ConfigCommand, DoctorArgs};
pub use db::{DbCommand, Switch};
pub use key::KeyCommand;
pub use pepper::PepperCommand;
pub use serve::{DevArgs, InitArgs, ServeArgs};
pub use service::{IdentityArgs, ServiceCommand};
pub use session::{RevokedTokens, SessionCommand, TokenCommand};
pub use smoke::SmokeArgs;
pub use user::{PasswordArgs, PictureArgs, TableFormat, UserCommand};

/// Checks passwords, issues RS256 tokens, and tells other services over mTLS whether a token is good.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 110)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a development home if there is none, and serve from it
    Dev(DevArgs),
    /// Make a home for a server: CA, certificate, keys, database and configuration
    Init(InitArgs),
    /// Serve from a configuration; refuses to start when anything is missing or loose
    Serve(ServeArgs),
    /// Keep accounts
    #[command(subcommand)]
    User(UserCommand),
    /// Keep the registry of services
    #[command(subcommand)]
    Service(ServiceCommand),
    /// See and end sessions
    #[command(subcommand)]
    Session(SessionCommand),
    /// Revoke access tokens
    #[command(subcommand)]
    Token(TokenCommand),
    /// Keep the signing keys
    #[command(subcommand)]
    Key(KeyCommand),
    /// Keep the peppers, which enter every password hash
    #[command(subcommand)]
    Pepper(PepperCommand),
    /// Read and verify the audit log
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Say why an answer was a refusal, from the id that it showed
    Explain(ExplainArgs),
    /// Look after the database: migrations, read-only mode, backups
    #[command(subcommand)]
    Db(DbCommand),
    /// Check and show the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Check everything that serve needs, one line each, and say what to do next
    Doctor(DoctorArgs),
    /// Check a running service from outside: health, login, validation over mTLS, refusals
    Smoke(SmokeArgs),
    /// Print the API description
    Openapi,
}

/// Which configuration a command reads.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// The configuration file
    #[arg(long, value_name = "FILE", default_value = "keys/dev/authsvc.toml")]
    pub config: PathBuf,
}
