//! Second factors that were not given, not right, or not to be changed.

use super::kind;
use crate::audit::ReasonKind;

/// The password was right and no code came with it.
pub const MISSING_CODE: &ReasonKind = &kind(
    "missing_second_factor",
    "authn_login_fail",
    "the password was right and the account's second factor was not given",
    "Nothing where a login follows: clients ask for the code then. Where none follows, somebody else knows the password: have it changed.",
);

/// The code belongs to no step near the present one.
pub const WRONG_CODE: &ReasonKind = &kind(
    "wrong_code",
    "authn_login_fail",
    "the password was right and the code of the second factor was wrong",
    "Nothing for a single one. Several mean a guesser who knows the password, or a phone or a server with a wrong clock: compare clocks, and have the password changed.",
);

/// The code was good before.
pub const SPENT_CODE: &ReasonKind = &kind(
    "spent_code",
    "authn_login_fail",
    "the password was right and the code, or a later one, was used before",
    "Nothing when somebody logged in twice within half a minute. Else somebody watched the code being typed: have the password changed.",
);

/// The account has no such unused recovery code.
pub const WRONG_RECOVERY_CODE: &ReasonKind = &kind(
    "wrong_recovery_code",
    "authn_login_fail",
    "the password was right and the recovery code was wrong or used before",
    "Nothing for a single one. A code that was used by somebody else: have the password changed and new recovery codes made.",
);

/// The stored factor cannot be used.
pub const UNUSABLE: &ReasonKind = &kind(
    "unusable_second_factor",
    "authn_login_fail",
    "the stored second factor does not open for this account",
    "The row was moved or altered, or its sealing key is lost: check who wrote to the database, then authsvc user otp-reset.",
);

/// The account has a second factor already.
pub const ALREADY_ENABLED: &ReasonKind = &kind(
    "second_factor_enabled",
    "input_validation_fail",
    "the account has a second factor already",
    "Nothing: its owner disables it first, or authsvc user otp-reset does.",
);

/// Nothing waits for a code.
pub const NOT_PENDING: &ReasonKind = &kind(
    "no_enrolment",
    "input_validation_fail",
    "no enrolment of a second factor waits for a code, or its time is over",
    "Nothing: its owner begins again.",
);

/// The account has no second factor.
pub const NOT_ENABLED: &ReasonKind = &kind(
    "no_second_factor",
    "input_validation_fail",
    "the account has no second factor",
    "Nothing: there is nothing to disable or to renew.",
);

/// The password would be too short.
pub const PASSWORD_TOO_SHORT_ALONE: &ReasonKind = &kind(
    "password_too_short_alone",
    "input_validation_fail",
    "without the second factor the account's password would be too short",
    "Nothing: its owner changes the password first.",
);

/// All of them.
pub const ALL: &[&ReasonKind] = &[
    MISSING_CODE,
    WRONG_CODE,
    SPENT_CODE,
    WRONG_RECOVERY_CODE,
    UNUSABLE,
    ALREADY_ENABLED,
    NOT_PENDING,
    NOT_ENABLED,
    PASSWORD_TOO_SHORT_ALONE,
];
