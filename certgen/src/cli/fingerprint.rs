//! Arguments of `certgen fingerprint`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::PassphraseArguments;

/// Arguments of `certgen fingerprint`.
#[derive(Args, Debug)]
pub struct FingerprintArguments {
    /// A file of certificates, requests, revocation lists or keys, PEM or DER, `-` for standard input, or a service's
    /// directory, whose certificate.pem it is
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// How it is written
    #[arg(long, value_enum, default_value_t = FormatArgument::Hex, hide_possible_values = true)]
    pub format: FormatArgument,

    /// Of the public key, which a renewed certificate keeps, instead of the certificate
    #[arg(long)]
    pub key: bool,

    /// SHA-1 as old programs show it, to compare by eye; it can be forged
    #[arg(long, conflicts_with_all = ["format", "key"])]
    pub sha1: bool,

    /// Where the passphrase of an encrypted key comes from.
    #[command(flatten)]
    pub passphrase: PassphraseArguments,
}

/// How a fingerprint is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FormatArgument {
    /// `AB:CD:…`, as openssl prints it.
    Hex,
    /// `abcd…`, as sha256sum prints it and `certgen init --json` and the inventory have it.
    Plain,
    /// Base64.
    Base64,
    /// Base64url without padding.
    Base64url,
    /// RFC 8705: base64url, of a certificate alone.
    #[value(name = "x5t#S256")]
    X5tS256,
    /// `sha256//…` of the public key, as curl takes it.
    Pin,
}

pub(super) const HELP: &str = "\
The SHA-256 of a certificate, request or revocation list in DER, or of a public key as
SubjectPublicKeyInfo, to which a private key counts as its public half:

  --format hex         AB:CD:…, as `openssl x509 -fingerprint -sha256` prints it; the default
  --format plain       abcd…, as sha256sum prints it and certgen's own reports and inventory have it
  --format base64      base64
  --format base64url   base64url without padding
  --format x5t#S256    the same, of certificates alone: the confirmation claim of RFC 8705
  --format pin         sha256//…, of the public key: what `curl --pinnedpubkey` takes

For one object the fingerprint stands alone on its line; for more, each is followed by what it is of.

Exit codes: 0 printed, 2 wrong usage, 3 something could not be read or has no such fingerprint.";
