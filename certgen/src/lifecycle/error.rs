//! Why a certificate was not renewed, replaced, signed, revoked or listed, and what to do about it.

use std::borrow::Cow;
use std::path::PathBuf;

use cryptokit::key_format::KeyFormatError;
use cryptokit::sign::SignError;
use cryptokit::x509::{IssueError, ProfileViolation, RevocationListError};
use secret_input::SecretInputError;
use time::OffsetDateTime;

use super::target::TargetError;
use crate::csr::CsrError;
use crate::explain::Explain;
use crate::home::HomeError;
use crate::leaf::issue_hint;
use crate::new_file::NewFileError;
use crate::text::timestamp;

/// Why a certificate was not renewed, replaced, signed, revoked or listed. Unless the variant says otherwise nothing
/// was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LifecycleError {
    /// The authority's directory refused.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// No certificate is meant, or more than one.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The request to sign cannot be read.
    #[error(transparent)]
    Request(#[from] CsrError),
    /// The passphrase of the authority cannot be had.
    #[error(transparent)]
    Passphrase(#[from] SecretInputError),
    /// The file for the certificate is in the way or cannot be written.
    #[error(transparent)]
    NewFile(#[from] NewFileError),
    /// The certificate was issued and recorded, and then could not be written to its file.
    #[error("the certificate {serial} was issued, but not written")]
    NotWritten {
        /// Its serial number.
        serial: String,
        /// Why.
        source: NewFileError,
    },
    /// The certificate is revoked already.
    #[error("{shown} with the serial number {serial} was revoked at {}", timestamp(*time))]
    AlreadyRevoked {
        /// Whose it is.
        shown: String,
        /// Its serial number.
        serial: String,
        /// When.
        time: OffsetDateTime,
    },
    /// The certificate is no longer valid.
    #[error("{shown} with the serial number {serial} expired at {}", timestamp(*not_after))]
    Expired {
        /// Whose it is.
        shown: String,
        /// Its serial number.
        serial: String,
        /// Its last second.
        not_after: OffsetDateTime,
    },
    /// A root signs its own lists: one that revokes itself says nothing.
    #[error("a root cannot be revoked")]
    RootRevocation,
    /// The authority that issued the certificate is not in the inventory.
    #[error("the authority that issued {serial} is not in the inventory")]
    UnknownIssuer {
        /// Serial number of the certificate.
        serial: String,
    },
    /// A list made now would begin before the last one.
    #[error(
        "the last revocation list of `{authority}` was made at {}, and it is {}",
        timestamp(*last_update),
        timestamp(*now)
    )]
    ClockBehind {
        /// The authority.
        authority: String,
        /// When its last list was made.
        last_update: OffsetDateTime,
        /// What the clock says.
        now: OffsetDateTime,
    },
    /// No revocation list came out.
    #[error("no revocation list of `{authority}`")]
    List {
        /// The authority.
        authority: String,
        /// Why.
        source: IssueError,
    },
    /// The inventory has a revocation that no list can have.
    #[error("the inventory's revocation of {serial} cannot be read")]
    Record {
        /// The serial number.
        serial: String,
    },
    /// The newest certificate of the service is revoked: its key is not used again.
    #[error("the certificate of `{service}` is revoked")]
    ServiceRevoked {
        /// The service.
        service: String,
    },
    /// The service's files do not hold the certificate that the inventory has.
    #[error("`{}` is not the newest certificate of the service", path.display())]
    OtherCertificate {
        /// The file.
        path: PathBuf,
    },
    /// The service's key is another one than its certificate's.
    #[error("`{}` is not the key of the certificate beside it", path.display())]
    OtherKey {
        /// The file.
        path: PathBuf,
    },
    /// The key of the service is not here: its certificate was made for a request.
    #[error("the key of `{service}` is not here")]
    KeyElsewhere {
        /// The service.
        service: String,
    },
    /// The service has a key of its own here, and the request is for another one.
    #[error("`{service}` has a key here, and the request is for another key")]
    KeyHere {
        /// The service.
        service: String,
    },
    /// The key of the service is encrypted, and the new one would not be.
    #[error("the key of `{service}` is encrypted, and no passphrase for the new one was named")]
    KeyEncrypted {
        /// The service.
        service: String,
    },
    /// No key could be made.
    #[error("no key could be made")]
    KeyNotMade(#[source] SignError),
    /// No authority of this name.
    #[error("there is no authority `{name}` here")]
    UnknownAuthority {
        /// The name, with control characters escaped.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// The new key could not be encrypted.
    #[error("the new key could not be encrypted")]
    Encryption(#[source] KeyFormatError),
    /// The inventory's record of a certificate is none that a certificate can be made of.
    #[error("the inventory's record of {serial} cannot be read")]
    IssuedRecord {
        /// The serial number.
        serial: String,
    },
    /// The certificate was refused.
    #[error("no certificate for `{name}`")]
    Issue {
        /// The service, or the file of the request.
        name: String,
        /// Why.
        source: IssueError,
    },
    /// What is granted of a request makes no certificate.
    #[error("what is granted makes no certificate")]
    Granted(#[source] ProfileViolation),
    /// Neither the request nor its reader says what the certificate is for.
    #[error("the request does not say whether it is for a server, a client or both")]
    NoProfile,
}

impl Explain for LifecycleError {
    fn hint(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Home(HomeError::NoKey { path }) if path.ends_with("root.key.pem") => {
                "say where it is with --root-key FILE, or bring it back for this command"
            }
            Self::Home(error) => return error.hint(),
            Self::Request(error) => return error.hint(),
            Self::NewFile(error) => return error.hint(),
            Self::Passphrase(error) => return Explain::hint(error),
            Self::Target(error) => return hint_of_target(error),
            Self::NotWritten { serial, .. } => {
                return format!("correct the cause, revoke it with `certgen revoke {serial}`, and sign again").into();
            }
            Self::AlreadyRevoked { .. } => "nothing is left to do; `certgen crl` makes a new list if the last is old",
            Self::Expired { .. } => "nothing is left to do: nobody accepts it any more",
            Self::RootRevocation => "take it out of what your services trust, and make another with `certgen init`",
            Self::UnknownIssuer { .. } | Self::Record { .. } | Self::IssuedRecord { .. } => {
                "put inventory.jsonl back as certgen wrote it"
            }
            Self::ClockBehind { .. } => "set the clock: a list that is older than the last one would be ignored",
            Self::List {
                source: IssueError::IssuerNotValid { .. },
                ..
            } => "an authority that has expired signs nothing; nobody accepts what it issued any more",
            Self::List {
                source: IssueError::RevocationList(RevocationListError::Times),
                ..
            } => "give --days at least 1",
            Self::List { .. } => "`certgen inspect` shows what is on the last list",
            Self::ServiceRevoked { service } => {
                return format!("make it a new key: certgen rekey {service}").into();
            }
            Self::OtherCertificate { .. } => "put the files of the service back, or make it new ones with rekey",
            Self::OtherKey { .. } => "put the key back, or make the service a new one with rekey",
            Self::KeyElsewhere { .. } => {
                "have it make a request for its new key with `certgen csr`, and sign that with `certgen sign`"
            }
            Self::KeyHere { .. } => "choose another --name, or move the key away if the service no longer uses it",
            Self::KeyEncrypted { .. } => "name one, as with --key-passphrase-file FILE",
            Self::UnknownAuthority { known, .. } => return format!("name one of these: {}", known.join(", ")).into(),
            Self::Encryption(_) | Self::KeyNotMade(_) => "run it again; if it fails again, this is a fault of certgen",
            Self::Issue { source, .. } => issue_hint(source),
            Self::Granted(_) => "allow one of the names that it asks for, or choose another profile",
            Self::NoProfile => "say it: --server, --client or --peer",
        })
    }
}

fn hint_of_target(error: &TargetError) -> Cow<'static, str> {
    Cow::Borrowed(match error {
        TargetError::Unknown { .. } => {
            "`certgen tree` shows the services and their serial numbers; give 8 digits or more of one"
        }
        TargetError::Ambiguous { .. } => "give all digits of the serial number, or the certificate's file",
        TargetError::BeingExchanged { old, serial, .. } => {
            return format!("revoke `{old}`; if the new one is meant, give its serial number, {serial}").into();
        }
        TargetError::Several { .. } => "give the serial number of one, or --all for all of them",
        TargetError::NoneValid { .. } => "nothing is left to do: nobody accepts them any more",
        TargetError::Foreign { .. } => "give --ca the directory of the authority that issued it",
        TargetError::Input(error) => return error.hint(),
    })
}
