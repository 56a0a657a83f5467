//! Why an administrator did not get what was asked for.

use cryptokit::jose::Revocation;

use crate::audit::{NotRecorded, Reason, reasons};
use crate::domain::{InvalidMoment, ServiceIdentity, ServiceName};
use crate::service::error::describe;
use crate::service::key_change::KeyChangeError;
use crate::service::keysets::KeyStorageError;
use crate::service::registry::RegistryError;
use crate::service::second_factor::SecondFactorError;
use crate::service::users::EnrolmentError;
use crate::service::{ErrorCode, Failure};
use crate::storage::StoreError;

/// Why an administrator did not get what was asked for, in words for people.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdministrationError {
    /// The act could not be recorded.
    #[error(transparent)]
    NotRecorded(#[from] NotRecorded),
    /// The account.
    #[error(transparent)]
    Account(#[from] EnrolmentError),
    /// Its second factor.
    #[error(transparent)]
    SecondFactor(#[from] SecondFactorError),
    /// The signing keys.
    #[error(transparent)]
    Key(#[from] KeyChangeError),
    /// The registry.
    #[error(transparent)]
    Registry(RegistryError),
    /// A name or identity is registered.
    #[error("{name} or {identity} is registered already")]
    ServiceTaken {
        /// The name.
        name: ServiceName,
        /// The identity.
        identity: ServiceIdentity,
    },
    /// An identity is registered.
    #[error("{identity} is registered already")]
    IdentityTaken {
        /// The identity.
        identity: ServiceIdentity,
    },
    /// No such service.
    #[error("no service {name} is registered")]
    NoSuchService {
        /// The name.
        name: ServiceName,
    },
    /// The service has no such identity.
    #[error("{name} is not {identity}")]
    NotItsIdentity {
        /// The name.
        name: ServiceName,
        /// The identity.
        identity: ServiceIdentity,
    },
    /// No such session, or it has ended.
    #[error("no session of that id lives: it never did, or ended before, and its tokens with it")]
    NoSuchSession,
    /// A `jti` that no token has.
    #[error("the id of a token has 1 to {} bytes", Revocation::MAX_NAME_LEN)]
    TokenId,
    /// Tokens that nobody has yet cannot be revoked.
    #[error("that moment lies in the future; tokens that nobody has yet cannot be revoked")]
    FutureMoment,
    /// An administrator does not take its own entrance away.
    #[error("administrators do not remove what they are let in by; another one does, or somebody at the machine")]
    Oneself,
    /// No such record.
    #[error("no record has that id")]
    NoSuchRecord,
    /// A moment longer ago than there are times.
    #[error(transparent)]
    Moment(#[from] InvalidMoment),
    /// The keys that the answer needs.
    #[error(transparent)]
    Keys(#[from] KeyStorageError),
    /// The database did not do its part.
    #[error("the database could not be used")]
    Store(#[from] StoreError),
}

impl AdministrationError {
    /// In the words of a record: without an address, which a record names in its own field, and as a pseudonym if so
    /// configured.
    pub(super) fn for_record(&self) -> String {
        match self {
            Self::Account(EnrolmentError::NoSuchUser { .. }) => "there is no such account".to_owned(),
            Self::Account(EnrolmentError::Taken { .. }) => "an account of that name exists already".to_owned(),
            Self::Account(EnrolmentError::Outdated { .. }) => "the account was changed meanwhile".to_owned(),
            other => describe(other),
        }
    }
}

/// For callers over a network. The words of the error go to the record only.
impl From<AdministrationError> for Failure {
    fn from(error: AdministrationError) -> Self {
        use AdministrationError as Error;
        use reasons::admin as reason;
        let refused = |code, kind| Self::new(code, Reason::new(kind, error.for_record()));
        match error {
            Error::Account(EnrolmentError::NoSuchUser { .. })
            | Error::NoSuchService { .. }
            | Error::NotItsIdentity { .. }
            | Error::NoSuchSession
            | Error::NoSuchRecord
            | Error::Key(KeyChangeError::NoSuchKey { .. }) => refused(ErrorCode::NotFound, reason::NO_SUCH_TARGET),
            Error::Account(EnrolmentError::Outdated { .. }) => refused(ErrorCode::PreconditionFailed, reason::OUTDATED),
            Error::Account(EnrolmentError::Taken { .. }) => {
                refused(ErrorCode::Conflict, reason::TARGET_CONFLICT).with_field("email", "is taken")
            }
            Error::Account(EnrolmentError::Altered(_))
            | Error::SecondFactor(SecondFactorError::Altered(_))
            | Error::Registry(RegistryError::Altered { .. }) => refused(ErrorCode::Conflict, reason::ALTERED_TARGET),
            Error::ServiceTaken { .. } => {
                refused(ErrorCode::Conflict, reason::TARGET_CONFLICT).with_field("name", "or san is registered already")
            }
            Error::IdentityTaken { .. } => {
                refused(ErrorCode::Conflict, reason::TARGET_CONFLICT).with_field("san", "is registered already")
            }
            Error::Registry(RegistryError::ReservedAudience) => {
                refused(ErrorCode::InvalidField, reasons::request::VALIDATION_FAILED)
                    .with_field("audiences", "must not be this service's own")
            }
            Error::Registry(RegistryError::LastIdentity) => refused(ErrorCode::Conflict, reason::TARGET_CONFLICT)
                .with_field(
                    "san",
                    "is the service's only one: add another one first, or remove the service",
                ),
            Error::Key(KeyChangeError::Ambiguous { .. }) => {
                refused(ErrorCode::Conflict, reason::TARGET_CONFLICT).with_field("kid", "is the beginning of several")
            }
            Error::Key(KeyChangeError::AlreadyPending { .. }) => refused(ErrorCode::Conflict, reason::TARGET_CONFLICT)
                .with_field("kid", "of a published key waits already"),
            Error::Key(KeyChangeError::TooEarly { .. } | KeyChangeError::Laggards { .. }) => {
                refused(ErrorCode::Conflict, reason::TARGET_CONFLICT)
                    .with_field("kid", "has to wait: the list of keys says for what; force does not")
            }
            Error::Key(KeyChangeError::NotPending { .. }) => refused(ErrorCode::Conflict, reason::TARGET_CONFLICT)
                .with_field("kid", "is not of a published key that waits"),
            Error::Moment(_) => refused(ErrorCode::InvalidField, reasons::request::VALIDATION_FAILED)
                .with_field("since", "is too long ago"),
            Error::TokenId => refused(ErrorCode::InvalidField, reasons::request::VALIDATION_FAILED)
                .with_field("jti", "is of no token"),
            Error::FutureMoment => refused(ErrorCode::InvalidField, reasons::request::VALIDATION_FAILED)
                .with_field("issued_before", "must not lie in the future"),
            Error::Oneself => refused(ErrorCode::Conflict, reason::TARGET_CONFLICT)
                .with_field("san", "is what you are let in by: let another administrator remove it"),
            Error::NotRecorded(_) => refused(ErrorCode::Unavailable, reason::ACT_NOT_RECORDED),
            Error::SecondFactor(error) => error.into(),
            Error::Store(error)
            | Error::Account(EnrolmentError::Store(error))
            | Error::Registry(RegistryError::Store(error))
            | Error::Keys(KeyStorageError::Store(error))
            | Error::Key(KeyChangeError::Storage(KeyStorageError::Store(error))) => error.into(),
            other => Self::internal(&other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_record_of_a_refusal_has_an_address_in_its_words() {
        let email: crate::domain::EmailAddress = "alice@example.com".parse().unwrap();
        for error in [
            EnrolmentError::NoSuchUser {
                account: (&email).into(),
            },
            EnrolmentError::Outdated {
                account: (&email).into(),
            },
            EnrolmentError::Taken { email: email.clone() },
        ] {
            let error = AdministrationError::from(error);
            assert!(error.to_string().contains("alice"), "people are told");
            assert!(!error.for_record().contains("alice"));
            assert!(!Failure::from(error).reason.detail().contains("alice"));
        }
    }
}
