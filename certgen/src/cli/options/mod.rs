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
