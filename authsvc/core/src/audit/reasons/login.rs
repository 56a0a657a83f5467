//! Logins that did not succeed.

use super::kind;
use crate::audit::ReasonKind;

/// No account has this address.
pub const UNKNOWN_USER: &ReasonKind = &kind(
    "unknown_user",
    "authn_login_fail",
    "no account has this address",
    "Nothing for a single one. Many from one source are guessing: limit the source. For a person who should have an account: authsvc user add.",
);

/// The password is not the account's.
pub const WRONG_PASSWORD: &ReasonKind = &kind(
    "wrong_password",
    "authn_login_fail",
    "the password is not the account's",
    "Nothing for a single one. Many for one account or from one source are guessing: limit the source and warn the account's owner.",
);

/// The account is disabled.
pub const DISABLED_USER: &ReasonKind = &kind(
    "disabled_user",
    "authn_login_fail",
    "the account is disabled",
    "Find out who still uses the account; authsvc user list shows its state.",
);

/// The stored hash cannot be used.
pub const UNUSABLE_HASH: &ReasonKind = &kind(
    "unusable_hash",
    "authn_login_fail",
    "the stored hash cannot be used",
    "The row was moved or altered, or its sealing key is lost: check who wrote to the database, then authsvc user reset-password.",
);

/// The account's record is not as this program wrote it.
pub const ALTERED_RECORD: &ReasonKind = &kind(
    "altered_record",
    "authn_login_fail",
    "the account's record is not as this program wrote it",
    "Find out who wrote to the database. authsvc user show says what the record claims; once that is right again, authsvc user seal.",
);

/// No registered service has the audience asked for.
pub const UNKNOWN_AUDIENCE: &ReasonKind = &kind(
    "unknown_audience",
    "input_validation_fail",
    "no registered service has the audience asked for",
    "Correct the caller, or register the service: authsvc service add.",
);

/// No audience was asked for and none is configured.
pub const NO_AUDIENCE: &ReasonKind = &kind(
    "no_audience",
    "input_validation_fail",
    "no audience was asked for and none is configured",
    "Correct the caller, or set tokens.default_audience.",
);

/// A token was to be bound to a certificate, and the client presented none.
pub const NOTHING_TO_BIND_TO: &ReasonKind = &kind(
    "nothing_to_bind_to",
    "input_validation_fail",
    "a token was to be bound to the client's certificate, and the client was not asked for one",
    "Correct the client: it has to log in on the internal listener, with its certificate.",
);

/// The account may nothing of the scope asked for.
pub const SCOPE_NOT_GRANTED: &ReasonKind = &kind(
    "scope_not_granted",
    "input_validation_fail",
    "the account may nothing of the scope asked for",
    "Correct the caller, or give the account the scope: authsvc user set --scopes.",
);

/// All of them.
pub const ALL: &[&ReasonKind] = &[
    UNKNOWN_USER,
    WRONG_PASSWORD,
    DISABLED_USER,
    UNUSABLE_HASH,
    ALTERED_RECORD,
    UNKNOWN_AUDIENCE,
    NO_AUDIENCE,
    SCOPE_NOT_GRANTED,
    NOTHING_TO_BIND_TO,
];
