//! Commands that make a home and serve from it.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use crate::config::Overrides;

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
    /// A file with the postgres:// URL of an empty database, readable by its owner only; without it, the database is a
    /// SQLite file in the home
    #[arg(long, value_name = "FILE")]
    pub database_url_file: Option<PathBuf>,
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
