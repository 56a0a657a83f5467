//! What administrators ask for by the API and do not get.

use super::kind;
use crate::audit::ReasonKind;

/// There is no such account, service, key, session or record.
pub const NO_SUCH_TARGET: &ReasonKind = &kind(
    "no_such_target",
    "authz_admin_fail",
    "there is no such account, service, key, session or record",
    "Nothing for a single one: somebody else may have removed it. Many are somebody who tries ids.",
);

/// What is there, or its state, stands in the way.
pub const TARGET_CONFLICT: &ReasonKind = &kind(
    "target_conflict",
    "authz_admin_fail",
    "what is there already, or the state that it is in, does not allow that",
    "The message says what stands in the way. For keys, authsvc key list says who lags behind and until when.",
);

/// Somebody else has changed it since it was read.
pub const OUTDATED: &ReasonKind = &kind(
    "outdated_change",
    "authz_admin_fail",
    "it was changed since the administrator read it, and nothing was overwritten",
    "Read it again and decide anew. Often: two programs administer the same accounts.",
);

/// A condition is missing.
pub const NO_CONDITION: &ReasonKind = &kind(
    "no_condition",
    "authz_admin_fail",
    "the change does not say which state it is meant for (If-Match)",
    "Have the client read the account first, and send its ETag as If-Match.",
);

/// The act could not be recorded.
pub const ACT_NOT_RECORDED: &ReasonKind = &kind(
    "act_not_recorded",
    "authz_admin_fail",
    "the act could not be put on record, and was not done",
    "See why the audit log cannot be written: a full disk, a database that is away or in read-only mode.",
);

/// An account's record is not as this program wrote it.
pub const ALTERED_TARGET: &ReasonKind = &kind(
    "altered_target",
    "authz_admin_fail",
    "the record is not as this program wrote it, and is not changed before somebody has looked at it",
    "authsvc user show, or service list, says what the record claims; once that is right, authsvc user seal, or service seal. Find out who wrote it.",
);

/// All of them.
pub const ALL: &[&ReasonKind] = &[
    NO_SUCH_TARGET,
    TARGET_CONFLICT,
    OUTDATED,
    NO_CONDITION,
    ACT_NOT_RECORDED,
    ALTERED_TARGET,
];
