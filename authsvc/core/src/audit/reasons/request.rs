//! Requests that are refused before their content matters.

use super::kind;
use crate::audit::ReasonKind;

const NOTHING_FOR_ONE: &str = "Nothing for a single one: the client sent something that this service never accepts.";

/// What the client sent breaks the rules of HTTP.
pub const MALFORMED_HTTP: &ReasonKind = &kind(
    "malformed_http",
    "input_validation_fail",
    "what the client sent breaks the rules of HTTP",
    NOTHING_FOR_ONE,
);

/// The body is not one JSON object without duplicates.
pub const MALFORMED_REQUEST: &ReasonKind = &kind(
    "malformed_request",
    "input_validation_fail",
    "the body is not one JSON object without duplicates",
    NOTHING_FOR_ONE,
);

/// A query in the URL.
pub const QUERY_NOT_ALLOWED: &ReasonKind = &kind(
    "query_not_allowed",
    "input_validation_fail",
    "a query in the URL",
    NOTHING_FOR_ONE,
);

/// No such route.
pub const NOT_FOUND: &ReasonKind = &kind("not_found", "input_validation_fail", "no such route", NOTHING_FOR_ONE);

/// No such method on this route.
pub const METHOD_NOT_ALLOWED: &ReasonKind = &kind(
    "method_not_allowed",
    "input_validation_fail",
    "no such method on this route",
    NOTHING_FOR_ONE,
);

/// Accept excludes JSON.
pub const NOT_ACCEPTABLE: &ReasonKind = &kind(
    "not_acceptable",
    "input_validation_fail",
    "Accept excludes JSON",
    NOTHING_FOR_ONE,
);

/// The body did not arrive in time.
pub const REQUEST_TIMEOUT: &ReasonKind = &kind(
    "request_timeout",
    "input_validation_fail",
    "the body did not arrive in time",
    NOTHING_FOR_ONE,
);

/// The body has more than 16 KiB.
pub const BODY_TOO_LARGE: &ReasonKind = &kind(
    "body_too_large",
    "input_validation_fail",
    "the body is larger than it may be",
    NOTHING_FOR_ONE,
);

/// Content-Type is not application/json.
pub const UNSUPPORTED_MEDIA_TYPE: &ReasonKind = &kind(
    "unsupported_media_type",
    "input_validation_fail",
    "Content-Type is not application/json",
    NOTHING_FOR_ONE,
);

/// Fields are missing, unknown or unacceptable.
pub const VALIDATION_FAILED: &ReasonKind = &kind(
    "validation_failed",
    "input_validation_fail",
    "fields are missing, unknown or unacceptable",
    NOTHING_FOR_ONE,
);

/// All of them.
pub const ALL: &[&ReasonKind] = &[
    MALFORMED_HTTP,
    MALFORMED_REQUEST,
    QUERY_NOT_ALLOWED,
    NOT_FOUND,
    METHOD_NOT_ALLOWED,
    NOT_ACCEPTABLE,
    REQUEST_TIMEOUT,
    BODY_TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    VALIDATION_FAILED,
];
