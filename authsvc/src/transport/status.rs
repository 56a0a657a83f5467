//! The one table from what went wrong to what a client sees.

use authsvc_core::service::ErrorCode;
use http::StatusCode;

/// Everything that can be wrong, as clients know it. Stable: clients may branch on the type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The body is not one JSON object without duplicates.
    MalformedRequest,
    /// The URL carries a query.
    QueryNotAllowed,
    /// The credentials are not good.
    InvalidCredentials,
    /// The password is right, and a second factor is needed.
    OtpRequired,
    /// The password is right, and the second factor is not.
    InvalidOtp,
    /// The account has a second factor already.
    OtpAlreadyEnabled,
    /// Nothing waits for a code.
    OtpNotPending,
    /// The account has no second factor.
    OtpNotEnabled,
    /// The token is not good.
    InvalidToken,
    /// The token does not allow it.
    InsufficientScope,
    /// The caller may not do this.
    CallerNotAllowed,
    /// No such route.
    NotFound,
    /// The route exists, the method does not.
    MethodNotAllowed,
    /// The client accepts nothing that is served.
    NotAcceptable,
    /// What is there stands in the way.
    Conflict,
    /// It is not as it was when the client read it.
    PreconditionFailed,
    /// The request has to say which state it is meant for.
    PreconditionRequired,
    /// The body took too long.
    RequestTimeout,
    /// The body is too large.
    BodyTooLarge,
    /// The body is of another type.
    UnsupportedMediaType,
    /// Fields are missing, unknown or unacceptable.
    ValidationFailed,
    /// A defect.
    Internal,
    /// The source or the account has used up what it may.
    TooManyRequests,
    /// Too much to do.
    Overloaded,
    /// Something is down.
    Unavailable,
    /// The work took too long.
    DeadlineExceeded,
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The HTTP status.
    pub status: StatusCode,
    /// The last part of the problem's type.
    pub slug: &'static str,
    /// What it is called.
    pub title: &'static str,
    /// What the client is told: never why, where that would help an attacker.
    pub detail: &'static str,
}

/// Start of every problem's type (RFC 9457 §3.1.1); the slug follows.
pub const TYPE_PREFIX: &str = "urn:authsvc:problem:";

impl Problem {
    /// All of them, for the documentation and tests.
    pub const ALL: [Self; 26] = [
        Self::MalformedRequest,
        Self::QueryNotAllowed,
        Self::InvalidCredentials,
        Self::OtpRequired,
        Self::InvalidOtp,
        Self::OtpAlreadyEnabled,
        Self::OtpNotPending,
        Self::OtpNotEnabled,
        Self::InvalidToken,
        Self::InsufficientScope,
        Self::CallerNotAllowed,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::NotAcceptable,
        Self::Conflict,
        Self::PreconditionFailed,
        Self::PreconditionRequired,
        Self::RequestTimeout,
        Self::BodyTooLarge,
        Self::UnsupportedMediaType,
        Self::ValidationFailed,
        Self::Internal,
        Self::TooManyRequests,
        Self::Overloaded,
        Self::Unavailable,
        Self::DeadlineExceeded,
    ];

    /// The row.
    pub const fn entry(self) -> Entry {
        let (status, slug, title, detail) = match self {
            Self::MalformedRequest => (
                StatusCode::BAD_REQUEST,
                "malformed-request",
                "Malformed request",
                "The body must be one JSON object in UTF-8, without duplicate members and with nothing after it.",
            ),
            Self::QueryNotAllowed => (
                StatusCode::BAD_REQUEST,
                "query-not-allowed",
                "Query not allowed",
                "This route takes no query. Credentials in a URL end up in logs: change them if you sent any.",
            ),
            Self::InvalidCredentials => (
                StatusCode::UNAUTHORIZED,
                "invalid-credentials",
                "Invalid credentials",
                "The address and the password do not belong together, or the account cannot be used.",
            ),
            Self::OtpRequired => (
                StatusCode::UNAUTHORIZED,
                "otp-required",
                "Second factor required",
                "The account has a second factor. Send what its app shows, or a recovery code, as otp.",
            ),
            Self::InvalidOtp => (
                StatusCode::UNAUTHORIZED,
                "invalid-otp",
                "Invalid second factor",
                "The code is not good, or was used before. An app shows another one every 30 seconds.",
            ),
            Self::OtpAlreadyEnabled => (
                StatusCode::CONFLICT,
                "otp-already-enabled",
                "Second factor already enabled",
                "The account has a second factor. Disable it before another one is set up.",
            ),
            Self::OtpNotPending => (
                StatusCode::CONFLICT,
                "otp-not-pending",
                "No enrolment pending",
                "Nothing waits for a code, or its time is over. Begin again.",
            ),
            Self::OtpNotEnabled => (
                StatusCode::CONFLICT,
                "otp-not-enabled",
                "No second factor",
                "The account has no second factor.",
            ),
            Self::InvalidToken => (
                StatusCode::UNAUTHORIZED,
                "invalid-token",
                "Invalid token",
                "The token is not good for this caller.",
            ),
            Self::InsufficientScope => (
                StatusCode::FORBIDDEN,
                "insufficient-scope",
                "Insufficient scope",
                "The token is good, but lacks a scope that was required.",
            ),
            Self::CallerNotAllowed => (
                StatusCode::FORBIDDEN,
                "caller-not-allowed",
                "Caller not allowed",
                "The client certificate is valid, but its owner is not registered for this.",
            ),
            Self::NotFound => (
                StatusCode::NOT_FOUND,
                "not-found",
                "Not found",
                "There is nothing here.",
            ),
            Self::MethodNotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method-not-allowed",
                "Method not allowed",
                "The Allow header names the methods of this route.",
            ),
            Self::NotAcceptable => (
                StatusCode::NOT_ACCEPTABLE,
                "not-acceptable",
                "Not acceptable",
                "Answers are application/json and application/problem+json.",
            ),
            Self::Conflict => (
                StatusCode::CONFLICT,
                "conflict",
                "Conflict",
                "What is there already, or the state that it is in, does not allow that. The errors member says more.",
            ),
            Self::PreconditionFailed => (
                StatusCode::PRECONDITION_FAILED,
                "precondition-failed",
                "Precondition failed",
                "It was changed since it was read. Read it again, and decide anew.",
            ),
            Self::PreconditionRequired => (
                StatusCode::PRECONDITION_REQUIRED,
                "precondition-required",
                "Precondition required",
                "Read it first, and send its ETag as If-Match, so that nobody else's change is overwritten.",
            ),
            Self::RequestTimeout => (
                StatusCode::REQUEST_TIMEOUT,
                "request-timeout",
                "Request timeout",
                "The body did not arrive in time.",
            ),
            Self::BodyTooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "body-too-large",
                "Body too large",
                "The body is larger than this service accepts.",
            ),
            Self::UnsupportedMediaType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported-media-type",
                "Unsupported media type",
                "The body must be application/json.",
            ),
            Self::ValidationFailed => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "validation-failed",
                "Validation failed",
                "The errors member names every field that cannot be accepted.",
            ),
            Self::Internal => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "Internal error",
                "This should not have happened. The operator finds the cause under the id.",
            ),
            Self::TooManyRequests => (
                StatusCode::TOO_MANY_REQUESTS,
                "too-many-requests",
                "Too many requests",
                "There were too many attempts. Try again after the time that Retry-After names.",
            ),
            Self::Overloaded => (
                StatusCode::SERVICE_UNAVAILABLE,
                "overloaded",
                "Overloaded",
                "There is too much to do. Try again after the time that Retry-After names.",
            ),
            Self::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "Unavailable",
                "Something this service needs does not answer. Try again after the time that Retry-After names.",
            ),
            Self::DeadlineExceeded => (
                StatusCode::SERVICE_UNAVAILABLE,
                "deadline-exceeded",
                "Deadline exceeded",
                "The work took longer than a request may. Try again after the time that Retry-After names.",
            ),
        };
        Entry {
            status,
            slug,
            title,
            detail,
        }
    }
}

impl From<ErrorCode> for Problem {
    fn from(code: ErrorCode) -> Self {
        match code {
            ErrorCode::InvalidCredentials => Self::InvalidCredentials,
            ErrorCode::OtpRequired => Self::OtpRequired,
            ErrorCode::InvalidOtp => Self::InvalidOtp,
            ErrorCode::OtpAlreadyEnabled => Self::OtpAlreadyEnabled,
            ErrorCode::OtpNotPending => Self::OtpNotPending,
            ErrorCode::OtpNotEnabled => Self::OtpNotEnabled,
            ErrorCode::InvalidToken => Self::InvalidToken,
            ErrorCode::InsufficientScope => Self::InsufficientScope,
            ErrorCode::CallerNotAllowed => Self::CallerNotAllowed,
            ErrorCode::NotFound => Self::NotFound,
            ErrorCode::Conflict => Self::Conflict,
            ErrorCode::PreconditionFailed => Self::PreconditionFailed,
            ErrorCode::InvalidField => Self::ValidationFailed,
            ErrorCode::TooManyRequests => Self::TooManyRequests,
            ErrorCode::Overloaded => Self::Overloaded,
            ErrorCode::Unavailable => Self::Unavailable,
            ErrorCode::DeadlineExceeded => Self::DeadlineExceeded,
            ErrorCode::Internal => Self::Internal,
        }
    }
}
