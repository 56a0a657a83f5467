//! Commands and their arguments. No logic; no secret is ever an argument.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::config::Overrides;

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
    /// Check a running service from outside: health, login, validation over mTLS, refusals
    Smoke(SmokeArgs),
    /// Print the API description
    Openapi,
}

/// `authsvc dev`
#[derive(Debug, Args)]
pub struct DevArgs {
    /// Print one JSON object as the first line instead of prose
    #[arg(long)]
    pub json: bool,
    /// The home folder
    #[arg(long, value_name = "DIR", default_value = "keys/dev")]
    pub home: PathBuf,
    /// Port of the public listener; 0 for any free one. Kept from then on
    #[arg(long, value_name = "PORT")]
    pub public_port: Option<u16>,
    /// Port of the internal listener; 0 for any free one. Kept from then on
    #[arg(long, value_name = "PORT")]
    pub internal_port: Option<u16>,
    /// Port of the ops listener; 0 for any free one. Kept from then on
    #[arg(long, value_name = "PORT")]
    pub ops_port: Option<u16>,
    /// error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL")]
    pub log_level: Option<String>,
}

/// `authsvc init`
#[derive(Debug, Args)]
pub struct InitArgs {
    /// The home folder; made if absent, else it must be empty
    #[arg(long, value_name = "DIR")]
    pub home: PathBuf,
    /// The iss of tokens: an https URL that never changes
    #[arg(long, value_name = "URL")]
    pub issuer: String,
    /// A name of the server certificate, such as auth.internal or 10.0.0.5; may be repeated
    #[arg(long = "server-san", value_name = "NAME", required = true)]
    pub server_names: Vec<String>,
    /// A service that gets a client certificate from this home's CA, with the names in it; may be repeated
    #[arg(long = "client", value_name = "NAME[=SAN,SAN]")]
    pub clients: Vec<String>,
    /// The aud of a login that names none
    #[arg(long, value_name = "NAME")]
    pub default_audience: Option<String>,
    /// Address of the public listener
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8443")]
    pub public_address: SocketAddr,
    /// Address of the internal listener
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9443")]
    pub internal_address: SocketAddr,
    /// Address of the ops listener
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9464")]
    pub ops_address: SocketAddr,
}

/// `authsvc serve`
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// The configuration file
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Settings over the file and the environment.
    #[command(flatten)]
    pub overrides: Overrides,
}

/// Which configuration a command reads.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// The configuration file
    #[arg(long, value_name = "FILE", default_value = "keys/dev/authsvc.toml")]
    pub config: PathBuf,
}

/// `authsvc user`
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Add an account; its password is asked for, or read from a file or standard input
    Add {
        /// The e-mail address
        email: String,
        /// Where the password comes from.
        #[command(flatten)]
        password: PasswordArgs,
        /// Which installation.
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// List accounts
    List {
        /// One JSON object a line
        #[arg(long)]
        json: bool,
        /// Which installation.
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Forbid an account to log in
    Disable {
        /// The e-mail address
        email: String,
        /// Which installation.
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Allow a disabled account to log in again
    Enable {
        /// The e-mail address
        email: String,
        /// Which installation.
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Give an account another password
    ResetPassword {
        /// The e-mail address
        email: String,
        /// Where the password comes from.
        #[command(flatten)]
        password: PasswordArgs,
        /// Which installation.
        #[command(flatten)]
        config: ConfigArgs,
    },
}

/// Where a password comes from: a prompt, unless one of these is given.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub struct PasswordArgs {
    /// Read the password from the first line of a file that only its owner can use
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// Read the password from the first line of standard input
    #[arg(long)]
    pub password_stdin: bool,
}

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

/// `authsvc smoke`
#[derive(Debug, Args)]
pub struct SmokeArgs {
    /// The public listener, such as https://localhost:8443
    #[arg(long, value_name = "URL")]
    pub url: String,
    /// The internal listener, such as https://localhost:9443
    #[arg(long, value_name = "URL")]
    pub internal_url: String,
    /// The root certificate to trust, and nothing else
    #[arg(long, value_name = "FILE")]
    pub ca_file: PathBuf,
    /// A registered service's certificate chain
    #[arg(long, value_name = "FILE")]
    pub client_cert_file: PathBuf,
    /// Its private key
    #[arg(long, value_name = "FILE")]
    pub client_key_file: PathBuf,
    /// A file with the body of a login, readable by its owner only
    #[arg(long, value_name = "FILE")]
    pub login_file: PathBuf,
    /// Seconds that any one step may take
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    pub timeout: u64,
}
