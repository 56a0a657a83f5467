//! Where passphrases come from.

use std::path::{Path, PathBuf};

use clap::Args;
use secret_input::SecretSource;

/// Where the passphrase of the authority's keys comes from.
#[derive(Args, Clone, Debug, Default)]
#[group(multiple = false)]
pub struct PassphraseArguments {
    /// The authority's passphrase is the first line of FILE, which only its owner can use; `-` is standard input
    #[arg(long, value_name = "FILE", help_heading = HEADING)]
    pub passphrase_file: Option<PathBuf>,

    /// It is in this environment variable, where other programs of the same user can see it
    #[arg(long, value_name = "VARIABLE", help_heading = HEADING)]
    pub passphrase_env: Option<String>,

    /// It is read from this descriptor, as in `--passphrase-fd 3 3< <(COMMAND)`
    #[arg(long, value_name = "N", help_heading = HEADING)]
    pub passphrase_fd: Option<u32>,
}

impl PassphraseArguments {
    /// The source that was named, if one was.
    pub fn source(&self) -> Option<SecretSource> {
        source(
            self.passphrase_file.as_deref(),
            self.passphrase_env.as_deref(),
            self.passphrase_fd,
        )
    }
}

/// Where the passphrase of a service's own key comes from.
#[derive(Args, Clone, Debug, Default)]
#[group(multiple = false)]
pub struct KeyPassphraseArguments {
    /// Encrypt the key under the passphrase in the first line of FILE, which only its owner can use
    #[arg(long, value_name = "FILE", help_heading = HEADING)]
    pub key_passphrase_file: Option<PathBuf>,

    /// Encrypt it under the passphrase in this environment variable
    #[arg(long, value_name = "VARIABLE", help_heading = HEADING)]
    pub key_passphrase_env: Option<String>,

    /// Encrypt it under the passphrase read from this descriptor
    #[arg(long, value_name = "N", help_heading = HEADING)]
    pub key_passphrase_fd: Option<u32>,
}

impl KeyPassphraseArguments {
    /// The source that was named, if one was.
    pub fn source(&self) -> Option<SecretSource> {
        source(
            self.key_passphrase_file.as_deref(),
            self.key_passphrase_env.as_deref(),
            self.key_passphrase_fd,
        )
    }
}

/// Where the password of a PKCS#12 file comes from.
#[derive(Args, Clone, Debug, Default)]
#[group(multiple = false)]
pub struct PasswordArguments {
    /// The file's password is the first line of FILE, which only its owner can use; `-` is standard input
    #[arg(long, value_name = "FILE", help_heading = HEADING)]
    pub password_file: Option<PathBuf>,

    /// It is in this environment variable, where other programs of the same user can see it
    #[arg(long, value_name = "VARIABLE", help_heading = HEADING)]
    pub password_env: Option<String>,

    /// It is read from this descriptor, as in `--password-fd 3 3< <(COMMAND)`
    #[arg(long, value_name = "N", help_heading = HEADING)]
    pub password_fd: Option<u32>,
}

impl PasswordArguments {
    /// The source that was named, if one was.
    pub fn source(&self) -> Option<SecretSource> {
        source(
            self.password_file.as_deref(),
            self.password_env.as_deref(),
            self.password_fd,
        )
    }
}

/// Where the passphrase comes from that a key gets in the place of another one.
#[derive(Args, Clone, Debug, Default)]
#[group(multiple = false)]
pub struct NewPassphraseArguments {
    /// The new passphrase is the first line of FILE, which only its owner can use; `-` is standard input
    #[arg(long, value_name = "FILE", help_heading = HEADING)]
    pub new_passphrase_file: Option<PathBuf>,

    /// It is in this environment variable, where other programs of the same user can see it
    #[arg(long, value_name = "VARIABLE", help_heading = HEADING)]
    pub new_passphrase_env: Option<String>,

    /// It is read from this descriptor
    #[arg(long, value_name = "N", help_heading = HEADING)]
    pub new_passphrase_fd: Option<u32>,
}

impl NewPassphraseArguments {
    /// The source that was named, if one was.
    pub fn source(&self) -> Option<SecretSource> {
        source(
            self.new_passphrase_file.as_deref(),
            self.new_passphrase_env.as_deref(),
            self.new_passphrase_fd,
        )
    }
}

/// Where the passphrase comes from with which a key is read that exists.
#[derive(Args, Clone, Debug, Default)]
#[group(multiple = false)]
pub struct ExistingKeyPassphraseArguments {
    /// The key's passphrase is the first line of FILE, which only its owner can use; `-` is standard input
    #[arg(long, value_name = "FILE", help_heading = HEADING)]
    pub key_passphrase_file: Option<PathBuf>,

    /// It is in this environment variable, where other programs of the same user can see it
    #[arg(long, value_name = "VARIABLE", help_heading = HEADING)]
    pub key_passphrase_env: Option<String>,

    /// It is read from this descriptor
    #[arg(long, value_name = "N", help_heading = HEADING)]
    pub key_passphrase_fd: Option<u32>,
}

impl ExistingKeyPassphraseArguments {
    /// The source that was named, if one was.
    pub fn source(&self) -> Option<SecretSource> {
        source(
            self.key_passphrase_file.as_deref(),
            self.key_passphrase_env.as_deref(),
            self.key_passphrase_fd,
        )
    }
}

const HEADING: &str = "Passphrases";

fn source(file: Option<&Path>, variable: Option<&str>, descriptor: Option<u32>) -> Option<SecretSource> {
    file.map(SecretSource::from_file_argument)
        .or_else(|| variable.map(|name| SecretSource::Environment(name.to_owned())))
        .or_else(|| descriptor.map(SecretSource::Descriptor))
}
