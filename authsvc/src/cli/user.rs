//! Arguments of `authsvc user`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::ConfigArgs;

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
    /// Forget an account's failed logins, and the sources it knows
    Unlock {
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
    /// Give an account an authenticator app, as a QR code to hand over, and recovery codes
    OtpEnrol {
        /// The e-mail address
        email: String,
        /// Where the QR code goes.
        #[command(flatten)]
        picture: PictureArgs,
        /// Which installation.
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Take an account's second factor away, and its recovery codes: its phone is lost
    OtpReset {
        /// The e-mail address
        email: String,
        /// Which installation.
        #[command(flatten)]
        config: ConfigArgs,
    },
}

/// Where a QR code goes: to the terminal, unless one of these is given.
#[derive(Debug, Args)]
pub struct PictureArgs {
    /// Write the QR code as PNG into a new file that only its owner can read
    #[arg(long, value_name = "FILE")]
    pub png: Option<PathBuf>,
    /// Write the QR code as SVG into a new file that only its owner can read
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
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
