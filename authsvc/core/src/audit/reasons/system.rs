//! Load, dependencies and defects.

use super::kind;
use crate::audit::ReasonKind;

/// No password could be checked within the time a request waits.
pub const HASHING_OVERLOADED: &ReasonKind = &kind(
    "hashing_overloaded",
    "excess_load",
    "no password could be checked within the time a request waits",
    "Look for a flood of logins; if the load is honest, add cores and raise hashing.max_concurrent.",
);

/// The client went away before it was answered.
pub const CLIENT_GONE: &ReasonKind = &kind(
    "client_gone",
    "excess_load",
    "the client went away before it was answered",
    "Nothing for a single one. Many logins from one source that never wait for the answer cost a hash each: limit the source.",
);

/// The request took longer than its deadline.
pub const DEADLINE_EXCEEDED: &ReasonKind = &kind(
    "deadline_exceeded",
    "excess_load",
    "the request took longer than its deadline",
    "Look at the load and the database's latency.",
);

/// The database did not answer.
pub const STORE_UNAVAILABLE: &ReasonKind = &kind(
    "store_unavailable",
    "sys_fail",
    "the database did not answer",
    "Look at the database: /readyz on the ops port says what it answers.",
);

/// Changed files cannot be used.
pub const RELOAD_REFUSED: &ReasonKind = &kind(
    "reload_refused",
    "sys_fail",
    "changed files cannot be used",
    "Correct the files that are named; until then what they concern stays as it was. They are read again when they change, and at SIGHUP.",
);

/// The database takes no writes.
pub const STORE_READ_ONLY: &ReasonKind = &kind(
    "store_read_only",
    "sys_fail",
    "the database takes no writes",
    "Expected during an upgrade: authsvc db read-only off ends it. Otherwise look at the database's permissions and whether it is a standby.",
);

/// The database has no room.
pub const STORE_FULL: &ReasonKind = &kind(
    "store_full",
    "sys_fail",
    "the database has no room",
    "Free space on the database's disk. What reads goes on; writes work again by themselves.",
);

/// A defect.
pub const INTERNAL: &ReasonKind = &kind(
    "internal",
    "sys_fail",
    "a defect",
    "A defect: keep this line and report it.",
);

/// All of them.
pub const ALL: &[&ReasonKind] = &[
    HASHING_OVERLOADED,
    CLIENT_GONE,
    DEADLINE_EXCEEDED,
    STORE_UNAVAILABLE,
    RELOAD_REFUSED,
    STORE_READ_ONLY,
    STORE_FULL,
    INTERNAL,
];
