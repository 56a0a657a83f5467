//! Requests that are refused because there were too many: the login defence, and limits on sources.

use super::kind;
use crate::audit::ReasonKind;

/// The account's budget of failures is used up.
pub const ACCOUNT_LOCKED: &ReasonKind = &kind(
    "account_locked",
    "authn_login_lock",
    "the account allows no more failures for now, whether or not it exists",
    "Somebody guesses this account's password. Sources that it knows can still log in. For its owner elsewhere: authsvc user unlock.",
);

/// The source's budget at the account is used up.
pub const ACCOUNT_FROM_SOURCE: &ReasonKind = &kind(
    "account_source_limit",
    "authn_login_fail_max",
    "the source has failed too often at this account",
    "Nothing for a single one: it ends by itself. A person who cannot wait: authsvc user unlock.",
);

/// The source's budget at all accounts is used up.
pub const SOURCE: &ReasonKind = &kind(
    "source_limit",
    "authn_login_fail_max",
    "the source has failed too often, all accounts together",
    "Block the source, or raise defence.source_failures if many people share it.",
);

/// As many attempts as are left are under way.
pub const TOO_MANY_AT_ONCE: &ReasonKind = &kind(
    "too_many_attempts_at_once",
    "authn_login_fail_max",
    "as many attempts as the limits leave were under way for longer than one waits",
    "Nothing for a single one. Many mean a flood of logins at one account, or hashing that cannot keep up.",
);

/// The source asks too fast.
pub const REQUEST_RATE: &ReasonKind = &kind(
    "request_rate",
    "excess_rate_limit_exceeded",
    "the source or the calling service asks faster than it may",
    "Block the source, or raise limits.requests_per_second if its load is honest.",
);

/// All of them.
pub const ALL: &[&ReasonKind] = &[
    ACCOUNT_LOCKED,
    ACCOUNT_FROM_SOURCE,
    SOURCE,
    TOO_MANY_AT_ONCE,
    REQUEST_RATE,
];
