//! Options that several subcommands have in common.

mod home;
mod passphrase;

pub use home::HomeArguments;
pub use passphrase::{KeyPassphraseArguments, PassphraseArguments};
