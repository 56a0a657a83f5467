//! Arguments of `certgen key`.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

use super::{ExistingKeyPassphraseArguments, NewPassphraseArguments};

/// Arguments of `certgen key`.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("what").required(true).multiple(false))]
pub struct KeyArguments {
    /// The key: PKCS#8, PKCS#1 or SEC1, PEM or DER, encrypted PKCS#8
    pub file: PathBuf,

    /// Write it encrypted, with a new passphrase
    #[arg(long, group = "what", requires = "out")]
    pub encrypt: bool,

    /// Write it unencrypted
    #[arg(long, group = "what", requires = "out")]
    pub decrypt: bool,

    /// Write its public half
    #[arg(long, group = "what")]
    pub public: bool,

    /// Where it goes; for a public half, standard output without it
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,

    /// Replace the file if there is one; it may be the key itself
    #[arg(long, requires = "out")]
    pub force: bool,

    /// What the key is encrypted with, if it is
    #[command(flatten)]
    pub key_passphrase: ExistingKeyPassphraseArguments,

    /// What it is to be encrypted with
    #[command(flatten)]
    pub new_passphrase: NewPassphraseArguments,
}

pub(super) const HELP: &str = "\
What is written is PKCS#8 in PEM with mode 0600, encrypted with PBKDF2-HMAC-SHA-256 (600,000 iterations) and \
AES-256-CBC, which OpenSSL 3, GnuTLS and Java libraries open; a public half is SubjectPublicKeyInfo in PEM. \
Private keys go to files and never to standard output.

  certgen key old.pem --encrypt --out key.pem --new-passphrase-file passphrase
  certgen key key.pem --encrypt --out key.pem --force    (changes the passphrase)
  certgen key key.pem --public";
