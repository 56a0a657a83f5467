//! What can go wrong with a home, and what to do about it.

use std::borrow::Cow;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use cryptokit::key_format::KeyFormatError;
use cryptokit::x509::{IssueError, PemError};
use private_files::PrivateFileError;
use time::OffsetDateTime;

use super::inventory::InventoryError;
use crate::explain::Explain;
use crate::key_file::{self, KeyFileError};
use crate::text::timestamp;

/// Why a home was not read or not changed. Unless the variant says otherwise nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HomeError {
    /// There is no such directory.
    #[error("there is no directory `{}`", path.display())]
    Missing {
        /// What was asked for.
        path: PathBuf,
    },
    /// The directory has no inventory.
    #[error("`{}` is not a certificate authority's directory: it has no inventory.jsonl", path.display())]
    NotAHome {
        /// The directory.
        path: PathBuf,
    },
    /// A symbolic link, where a file or directory of ours should be.
    #[error("`{}` is a symbolic link", path.display())]
    SymbolicLink {
        /// The link.
        path: PathBuf,
    },
    /// Something else than a directory.
    #[error("`{}` is not a directory", path.display())]
    NotADirectory {
        /// What is there.
        path: PathBuf,
    },
    /// Something else than a regular file.
    #[error("`{}` is not a regular file", path.display())]
    NotAFile {
        /// What is there.
        path: PathBuf,
    },
    /// A directory of somebody else.
    #[error("`{}` belongs to user {owner}, neither root nor the user this program runs as", path.display())]
    ForeignOwner {
        /// The directory.
        path: PathBuf,
        /// Whom it belongs to.
        owner: u32,
    },
    /// Others could exchange files while they are written.
    #[error("`{}` has mode {mode:04o}, so others than its owner can change what is in it", path.display())]
    WritableByOthers {
        /// The directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Another process holds the lock.
    #[error("another certgen has been at work in `{}` for {} seconds", path.display(), waited.as_secs())]
    Busy {
        /// The directory.
        path: PathBuf,
        /// How long was waited.
        waited: Duration,
    },
    /// The file system refused.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// What was tried, such as `write`.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is longer than any of ours.
    #[error("`{}` has more than {max} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The most that is read, in bytes.
        max: u64,
    },
    /// The inventory holds a line that is not ours.
    #[error("`{}` cannot be used: {source}", path.display())]
    Inventory {
        /// The file.
        path: PathBuf,
        /// Which line, and what is wrong with it.
        source: InventoryError,
    },
    /// Changes that were being put into place do not belong to this inventory.
    #[error("`{}` holds changes that do not fit the inventory", path.display())]
    ForeignChanges {
        /// The directory with the changes.
        path: PathBuf,
    },
    /// Changes were decided and recorded but are not all in place. Whoever opens the home next completes them.
    #[error("the changes are decided but not all in place")]
    Unfinished(#[source] Box<Self>),
    /// No authority of this name.
    #[error("there is no authority `{name}` here")]
    UnknownAuthority {
        /// The name.
        name: String,
        /// The names there are, those that can issue certificates for services.
        known: Vec<String>,
    },
    /// An authority that is to issue is revoked: nobody who reads its issuer's list accepts what it signs.
    #[error("the authority `{name}` was revoked at {}", timestamp(*time))]
    IssuerRevoked {
        /// Its name.
        name: String,
        /// When.
        time: OffsetDateTime,
        /// Whether its key is being exchanged and it is the new one.
        is_successor: bool,
    },
    /// An authority that is to issue has expired.
    #[error("the authority `{name}` expired at {}", timestamp(*not_after))]
    IssuerExpired {
        /// Its name.
        name: String,
        /// Its last second.
        not_after: OffsetDateTime,
    },
    /// No service of this name with a certificate that is not revoked.
    #[error("there is no service `{name}` here")]
    UnknownService {
        /// The name.
        name: String,
    },
    /// A name that is no file's.
    #[error("`{name}` cannot be the name of a service or an authority")]
    Name {
        /// The name, with control characters escaped.
        name: String,
    },
    /// An authority or a service of this name is there already.
    #[error("the name `{name}` is already taken")]
    Taken {
        /// The name.
        name: String,
    },
    /// A file that certgen did not write stands where one of its own would go.
    #[error("`{}` was not made by this authority", path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
    },
    /// A certificate file that is not readable.
    #[error("`{}` is not a certificate", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// Why.
        source: PemError,
    },
    /// A certificate file with another certificate than the inventory has under this name.
    #[error("`{}` does not hold the certificate that the inventory has under this name", path.display())]
    NotInInventory {
        /// The file.
        path: PathBuf,
    },
    /// A key file that others can use, or that cannot be read.
    #[error(transparent)]
    KeyFile(#[from] PrivateFileError),
    /// A key file that is not there: kept elsewhere, as a root's may be.
    #[error("the key `{}` is not here", path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// The key is encrypted and no passphrase was given.
    #[error("the key `{}` is encrypted and no passphrase was given", path.display())]
    PassphraseNeeded {
        /// The file.
        path: PathBuf,
    },
    /// The key cannot be read; a wrong passphrase is among the causes.
    #[error("the key `{}` cannot be used", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Why.
        source: KeyFormatError,
    },
    /// Certificate, key and issuers of an authority do not belong together.
    #[error("the authority `{name}` cannot be used")]
    Authority {
        /// Its name.
        name: String,
        /// Why.
        source: IssueError,
    },
    /// A serial number that was given out before.
    #[error("the serial number {serial} was given out before")]
    KnownSerial {
        /// The number.
        serial: String,
    },
}

impl From<KeyFileError> for HomeError {
    fn from(error: KeyFileError) -> Self {
        match error {
            KeyFileError::Read { path, source } => Self::Io {
                action: "read",
                path,
                source,
            },
            KeyFileError::Loose { path, mode } => Self::KeyFile(PrivateFileError::LoosePermissions {
                path: path.display().to_string(),
                mode,
            }),
            KeyFileError::TooLarge { path } => Self::TooLarge {
                path,
                max: key_file::MAX_BYTES,
            },
            KeyFileError::Key { path, source } => Self::Key { path, source },
        }
    }
}

impl Explain for HomeError {
    fn hint(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Missing { .. } | Self::NotAHome { .. } => {
                "give --ca the directory that `certgen init` made, or make one with it"
            }
            Self::SymbolicLink { .. } => "certgen writes through no link: put the directory or file itself there",
            Self::NotADirectory { .. } => "certgen needs a directory there: name the right one, or move this away",
            Self::NotAFile { .. } => "move it away, then run certgen again",
            Self::ForeignOwner { .. } => "run certgen as that user, or give yourself the directory with chown",
            Self::WritableByOthers { path, .. } => {
                return format!("take it away from the others: chmod go-w {}", path.display()).into();
            }
            Self::Busy { .. } => "wait until it has ended, then run certgen again",
            Self::Io { .. } => "correct the cause and run certgen again; what was there is as it was",
            Self::TooLarge { .. } => "this is not a file that certgen wrote; put that one back",
            Self::Inventory { .. } => {
                "certgen only ever adds whole lines: put the file back as it was, from a copy if need be"
            }
            Self::ForeignChanges { .. } => {
                "was inventory.jsonl put back from an older copy? put both back, or move the changes away"
            }
            Self::Unfinished(_) => "correct the cause; the next certgen command that changes something completes them",
            Self::UnknownAuthority { known, .. } => {
                return format!("name one of these: {}", known.join(", ")).into();
            }
            Self::IssuerRevoked {
                name,
                is_successor: true,
                ..
            } => {
                return format!(
                    "end the exchange with `certgen rotate-ca finish --force`, then: certgen rotate-ca begin --issuing {name}"
                )
                .into();
            }
            Self::IssuerRevoked { name, .. } => {
                return format!("give it a new key: certgen rotate-ca begin --issuing {name}").into();
            }
            Self::IssuerExpired { name, .. } => {
                return format!(
                    "check this machine's clock; then make a successor: certgen rotate-ca begin --issuing {name}"
                )
                .into();
            }
            Self::UnknownService { .. } => "`certgen tree` shows the services; `certgen leaf` makes one",
            Self::Name { .. } => {
                "use 1 to 64 letters, digits, dots, dashes and underscores, beginning and ending with a letter or digit"
            }
            Self::Taken { .. } => "choose another name; to replace a service's certificate use renew or rekey",
            Self::NotOurs { .. } => "move it away, or overwrite it with --force",
            Self::Certificate { .. } | Self::NotInInventory { .. } => "put the file back as certgen wrote it",
            Self::KeyFile(_) => "correct it, then run certgen again",
            Self::NoKey { .. } => "bring the key file back for this command",
            Self::PassphraseNeeded { .. } => "give it with --passphrase-file, --passphrase-env or --passphrase-fd",
            Self::Key {
                source: KeyFormatError::Passphrase,
                ..
            } => "check the passphrase",
            Self::Key { .. } => "put the file back as certgen wrote it",
            Self::Authority {
                source: IssueError::KeyMismatch,
                ..
            } => "put certificate and key back as certgen wrote them",
            Self::Authority { .. } => "`certgen inspect` shows what its certificate says",
            Self::KnownSerial { .. } => "run it again",
        })
    }
}
