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
pub use key::{FeedKeyCommand, KeyCommand};
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

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::Cli;

    /// What is base64url begins with a hyphen once in 64 times, and must not be taken for an option then.
    #[test]
    fn names_that_begin_with_a_hyphen_are_values() {
        for value in ["-DkQ", "-hold", "-Vh9", "--j_s", "-"] {
            for arguments in [
                &["key", "promote", value][..],
                &["key", "promote", value, "--force"],
                &["key", "promote", "--force", value],
                &["key", "revoke", value, "--reason", "lost"],
                &["key", "revoke", "--reason", "lost", value],
                &["token", "revoke", "--jti", value],
                &["audit", "verify", "--expect-head", value],
            ] {
                let parsed = Cli::try_parse_from([&["authsvc"], arguments].concat());
                let seen = parsed.map(|cli| format!("{:?}", cli.command));
                let seen = seen.unwrap_or_else(|error| panic!("{arguments:?}: {error}"));
                assert!(seen.contains(&format!("{value:?}")), "{arguments:?} gave {seen}");
            }
        }
        let unknown = ["authsvc", "key", "promote", "DkQ", "--forced"];
        assert!(
            Cli::try_parse_from(unknown).is_err(),
            "an option that does not exist is none"
        );
    }
}
