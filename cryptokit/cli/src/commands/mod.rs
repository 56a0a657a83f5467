//! One file for each group of subcommands.

mod encrypt;
mod jwt;
mod keyset;
mod password;
mod seal;

use time::OffsetDateTime;

use crate::cli::{Cli, Command};
use crate::error::Error;

/// Does what was asked.
pub(crate) fn run(cli: &Cli, now: OffsetDateTime) -> Result<(), Error> {
    match &cli.command {
        Command::Hash(args) => password::hash(args),
        Command::Verify(args) => password::verify(args),
        Command::Calibrate(args) => password::calibrate(args),
        Command::RootKey(args) => keyset::make_root_key(args),
        Command::Keyset(command) => keyset::run(command, now),
        Command::Seal(args) => seal::seal(args),
        Command::Open(args) => seal::open(args),
        Command::Keygen(args) => encrypt::keygen(args),
        Command::Encrypt(args) => encrypt::encrypt(args),
        Command::Decrypt(args) => encrypt::decrypt(args),
        Command::Jwt(command) => jwt::run(command, now),
    }
}
