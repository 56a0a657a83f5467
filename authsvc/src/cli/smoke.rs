//! Arguments of `authsvc smoke`.

use std::path::PathBuf;

use clap::Args;

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
