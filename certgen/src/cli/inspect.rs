//! Arguments of `certgen inspect`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::PassphraseArguments;

/// Arguments of `certgen inspect`.
#[derive(Args, Debug)]
pub struct InspectArguments {
    /// A file, `-` for standard input, a service's directory, whose fullchain.pem it is, or a server as HOST:PORT
    #[arg(required = true, value_name = "WHAT")]
    pub what: Vec<OsString>,

    /// Print a few lines for each thing found instead of every field
    #[arg(long, conflicts_with = "json")]
    pub short: bool,

    /// Ask the server for this name instead of HOST
    #[arg(long, value_name = "NAME", help_heading = SERVERS)]
    pub server_name: Option<String>,

    /// Say whether a client that trusts the certificates in FILE would accept the server
    #[arg(long, value_name = "FILE", help_heading = SERVERS)]
    pub trust: Option<PathBuf>,

    /// Present the certificate chain in FILE, if the server asks for one
    #[arg(long, value_name = "FILE", requires = "client_key", help_heading = SERVERS)]
    pub client_certificate: Option<PathBuf>,

    /// The key of that certificate
    #[arg(long, value_name = "FILE", requires = "client_certificate", help_heading = SERVERS)]
    pub client_key: Option<PathBuf>,

    /// Offer this application protocol, such as h2 or http/1.1; may be given more than once
    #[arg(long, value_name = "PROTOCOL", value_parser = protocol, help_heading = SERVERS)]
    pub alpn: Vec<String>,

    /// Give up on a server after this time
    #[arg(long, value_name = "5s|1m", default_value = "10s", value_parser = timeout, help_heading = SERVERS)]
    pub timeout: Duration,

    /// Where the passphrase of an encrypted key comes from.
    #[command(flatten)]
    pub passphrase: PassphraseArguments,
}

const SERVERS: &str = "Servers";

fn timeout(text: &str) -> Result<Duration, String> {
    let span = crate::duration::parse(text).map_err(|error| error.to_string())?;
    let span = span.unsigned_abs();
    match span.is_zero() || span > Duration::from_secs(3600) {
        true => Err("a server is given one second to one hour".to_owned()),
        false => Ok(span),
    }
}

/// RFC 7301 §3.1: no name of a protocol is empty or has more than 255 octets.
fn protocol(text: &str) -> Result<String, String> {
    match text.len() {
        1..=255 => Ok(text.to_owned()),
        _ => Err("the name of a protocol has 1 to 255 octets".to_owned()),
    }
}

pub(super) const HELP: &str = "\
Shows certificates, requests (CSR), revocation lists (CRL), private and public keys and PKCS#12, PEM
or DER, one or many in a file; and what other commands refuse as far as it can be read, with the
reason.

Of a private key it prints what kind it is, whether it is encrypted, and the fingerprint of its
public half, never the key. An encrypted one, or an encrypted PKCS#12 file, is opened only when
a passphrase is given by one of the options above; nothing is asked for.

A server is asked for its certificates in a TLS handshake that verifies nothing; with --trust it is
also said whether a client would accept them, and if not, why. An IPv6 address stands in brackets:
[::1]:443. With --json everything found is in `objects`, and what was negotiated in `servers`.

Exit codes: 0 everything was shown, 2 wrong usage, 3 something could not be read or reached.";
