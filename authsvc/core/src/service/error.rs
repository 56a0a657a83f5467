//! How a use case fails: a code for the caller, a reason for the operator, and never the one for the other.

use std::fmt;
use std::time::Duration;

use crate::audit::{Reason, RecordId, Who, reasons};
use crate::domain::{EmailAddress, ServiceName, UserId};
use crate::storage::StoreError;

/// What a caller can act on. Transports translate it; nothing here knows HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// The credentials are not good; which part, is not said.
    InvalidCredentials,
    /// The password is right, and the account needs a second factor, which was not given.
    OtpRequired,
    /// The password is right and the second factor is not; why, is not said.
    InvalidOtp,
    /// The account has a second factor already.
    OtpAlreadyEnabled,
    /// No enrolment of a second factor waits for a code.
    OtpNotPending,
    /// The account has no second factor.
    OtpNotEnabled,
    /// The token is not good; why, is not said.
    InvalidToken,
    /// The token is good and does not allow what is asked for.
    InsufficientScope,
    /// The caller is known to be who it is and may not do this.
    CallerNotAllowed,
    /// There is no such thing.
    NotFound,
    /// What is there stands in the way.
    Conflict,
    /// It is not as it was when the change was decided upon.
    PreconditionFailed,
    /// A field of a well-formed request cannot be accepted.
    InvalidField,
    /// The caller, or whoever shares its budget, asked or failed too often.
    TooManyRequests,
    /// Too much to do; try again later.
    Overloaded,
    /// Something this service depends on does not answer.
    Unavailable,
    /// The request took too long.
    DeadlineExceeded,
    /// A defect.
    Internal,
}

/// When to try again what only an operator's act can make work.
const SLOW_RETRY: Duration = Duration::from_secs(5);

/// A field that was refused, named for the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The field's name in the request.
    pub field: &'static str,
    /// What is expected, without the value.
    pub message: &'static str,
}

/// A use case that did not succeed.
#[derive(Debug)]
pub struct Failure {
    /// What the caller is told.
    pub code: ErrorCode,
    /// When to try again, for [`ErrorCode::Overloaded`] and [`ErrorCode::Unavailable`].
    pub retry_after: Option<Duration>,
    /// The fields refused, for [`ErrorCode::InvalidField`].
    pub fields: Vec<FieldError>,
    /// What the operator is told.
    pub reason: Reason,
    /// What became known about who asked.
    pub who: Box<Who>,
    /// The id that answer and record share.
    pub id: RecordId,
}

impl Failure {
    /// A failure of that code for that reason.
    pub fn new(code: ErrorCode, reason: impl Into<Reason>) -> Self {
        let retry_after = match code {
            ErrorCode::Overloaded | ErrorCode::Unavailable => Some(Duration::from_secs(1)),
            _ => None,
        };
        Self {
            code,
            retry_after,
            fields: Vec::new(),
            reason: reason.into(),
            who: Box::default(),
            id: RecordId::generate(),
        }
    }

    /// Names the field at fault.
    #[must_use]
    pub fn with_field(mut self, field: &'static str, message: &'static str) -> Self {
        self.fields.push(FieldError { field, message });
        self
    }

    /// Says when to try again.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Adds the address that was given.
    #[must_use]
    pub fn with_address(mut self, address: &EmailAddress) -> Self {
        self.who.address = Some(crate::audit::GivenAddress::Address(address.clone()));
        self
    }

    /// Adds the account.
    #[must_use]
    pub fn with_user(mut self, id: Option<UserId>) -> Self {
        self.who.user_id = id.or(self.who.user_id);
        self
    }

    /// Adds the calling service.
    #[must_use]
    pub fn with_service(mut self, name: &ServiceName) -> Self {
        self.who.service = Some(name.clone());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason.code())
    }
}

impl std::error::Error for Failure {}

impl Failure {
    /// A defect of this program.
    pub fn internal(error: &dyn std::error::Error) -> Self {
        Self::new(
            ErrorCode::Internal,
            Reason::new(reasons::system::INTERNAL, describe(error)),
        )
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let unavailable = |kind, source: &dyn std::error::Error, retry_after| {
            let mut failure = Self::new(ErrorCode::Unavailable, Reason::new(kind, describe(source)));
            failure.retry_after = Some(retry_after);
            failure
        };
        match error {
            StoreError::Unavailable(source) => unavailable(
                reasons::system::STORE_UNAVAILABLE,
                source.as_ref(),
                Duration::from_secs(1),
            ),
            // Somebody has to do something first.
            StoreError::ReadOnly(source) => unavailable(reasons::system::STORE_READ_ONLY, source.as_ref(), SLOW_RETRY),
            StoreError::Full(source) => unavailable(reasons::system::STORE_FULL, source.as_ref(), SLOW_RETRY),
            other => Self::new(
                ErrorCode::Internal,
                Reason::new(reasons::system::INTERNAL, describe(&other)),
            ),
        }
    }
}

/// The whole chain of causes in one line.
pub fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
