//! Options that several subcommands have in common.

mod passphrase;

pub use passphrase::{KeyPassphraseArguments, PassphraseArguments};
