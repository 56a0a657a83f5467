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
        /// A role, for the services that read its tokens; may be repeated
        #[arg(long = "role", value_name = "NAME")]
        roles: Vec<String>,
        /// A scope that its tokens may allow; may be repeated
        #[arg(long = "scope", value_name = "NAME")]
        scopes: Vec<String>,
        /// Choose no password: print a link with which its owner does
        #[arg(long, conflicts_with_all = ["password_file", "password_stdin"])]
        link: bool,
        /// Seconds that the link works, 60 to 604800
        #[arg(long, value_name = "SECONDS", default_value_t = 3600, value_parser = clap::value_parser!(u64).range(60..=604_800))]
        expires_in: u64,
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
    /// Show an account, and whether its record is as this program wrote it
    Show {
        /// The e-mail address
        email: String,
        /// As one JSON object
        #[arg(long)]
        json: bool,
        /// Which installation.
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Write all accounts out, one a line, without passwords and hashes
    Export {
        /// The form
        #[arg(long, value_enum, default_value_t = TableFormat::Jsonl)]
        format: TableFormat,
        /// Which installation.
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Add accounts with the password hashes that another system made
    Import {
        /// The file, - for standard input
        file: PathBuf,
        /// Its form; by the file's name if not given
        #[arg(long, value_enum)]
        format: Option<TableFormat>,
        /// Check everything and add nothing
        #[arg(long)]
        dry_run: bool,
        /// Add the good lines although there are bad ones
        #[arg(long)]
        skip_bad: bool,
        /// Which installation.
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Give an account these roles or scopes in place of those it has; what is not named stays
    Set {
        /// The e-mail address
        email: String,
        /// Roles with one space in between; empty for none
        #[arg(long, value_name = "NAMES", required_unless_present = "scopes")]
        roles: Option<String>,
        /// Scopes with one space in between; empty for none
        #[arg(long, value_name = "NAMES")]
        scopes: Option<String>,
        /// Which installation.
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Seal records as they stand: those of an older program after an upgrade, or altered ones that are right again
    Seal {
        /// The e-mail addresses
        #[arg(required_unless_present = "all_unsealed")]
        emails: Vec<String>,
        /// All records without a seal
        #[arg(long, conflicts_with = "emails")]
        all_unsealed: bool,
        /// Which installation.
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Remove an account for good; its address may be registered anew, as another account
    Delete {
        /// The e-mail address
        email: String,
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
    /// Give an account another password, or print a link with which its owner chooses one
    ResetPassword {
        /// The e-mail address
        email: String,
        /// Choose no password: print a link, once. It voids any earlier one
        #[arg(long, conflicts_with_all = ["password_file", "password_stdin"])]
        link: bool,
        /// Seconds that the link works, 60 to 604800
        #[arg(long, value_name = "SECONDS", default_value_t = 3600, value_parser = clap::value_parser!(u64).range(60..=604_800))]
        expires_in: u64,
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

/// The form of a table of accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum TableFormat {
    /// One JSON object a line
    Jsonl,
    /// RFC 4180, with a line of names
    Csv,
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
