//! Options that several subcommands have in common.

mod home;
mod key;
mod lifetime;
mod name_limits;
mod passphrase;
mod subject;

pub use home::HomeArguments;
pub(crate) use key::key_kind;
pub(crate) use lifetime::HEADING as LIFETIMES;
pub use lifetime::LifetimeArguments;
pub use name_limits::NameLimitArguments;
pub use passphrase::{
    ExistingKeyPassphraseArguments, KeyPassphraseArguments, NewPassphraseArguments, PassphraseArguments,
    PasswordArguments,
};
pub use subject::SubjectArguments;

/// What `--passphrase-file` is for in commands that look at files of anybody.
pub(super) const OPENING: &str = "The passphrase of an encrypted key or PKCS#12 file is the first line of FILE, which only its owner can use; `-` is \
     standard input";
