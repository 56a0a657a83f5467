//! What the audit log says about itself.

use super::kind;
use crate::audit::ReasonKind;

/// A process has begun to record.
pub const AUDIT_STARTED: &ReasonKind = &kind(
    "audit_started",
    "sys_startup",
    "a process has begun a chain of records",
    "Nothing, if somebody started the service. authsvc audit verify follows the chain before this one.",
);

/// A process has ended its chain.
pub const AUDIT_STOPPED: &ReasonKind = &kind(
    "audit_stopped",
    "sys_shutdown",
    "a process has ended its chain of records",
    "Nothing, if somebody stopped the service.",
);

/// Records up to here are vouched for by a signature.
pub const AUDIT_CHECKPOINT: &ReasonKind = &kind(
    "audit_checkpoint",
    "sys_audit_checkpoint",
    "all records of this chain up to here are vouched for by the signature of this one",
    "Nothing. Keep its chain.hash elsewhere, and authsvc audit verify --expect-head will notice a cut end.",
);

/// Refusals got no row each, because there were too many.
pub const AUDIT_EXCESS: &ReasonKind = &kind(
    "audit_excess",
    "sys_audit_summary",
    "more was refused than is kept one by one in the database; the lines have each, this record has the sums",
    "Look at authsvc audit top: a flood has a few sources or accounts. Limit those.",
);

/// Tokens were good, each of which got no record of its own.
pub const TOKENS_ACCEPTED: &ReasonKind = &kind(
    "tokens_accepted",
    "sys_audit_summary",
    "registered services asked about tokens that were good; this record has the sums",
    "Nothing. audit.good_tokens = \"lines\" records each.",
);

/// Records were lost.
pub const AUDIT_LOST: &ReasonKind = &kind(
    "audit_lost",
    "sys_audit_fail",
    "events could not be recorded in full; the counts say how many and where they are missing",
    "Find out what held up the disk, the database or whoever reads standard error at that time.",
);

/// The file could not be written for some time.
pub const AUDIT_GAP: &ReasonKind = &kind(
    "audit_gap",
    "sys_audit_fail",
    "lines could not be written to the audit file; their numbers are missing in it",
    "Make room on its disk. What is kept in the database is there: authsvc audit search.",
);

/// The file takes no lines.
pub const AUDIT_FILE_FAILING: &ReasonKind = &kind(
    "audit_file_failing",
    "sys_audit_fail",
    "the audit file takes no lines; up to 8 MiB of them wait in memory",
    "Make room on its disk, or see what is wrong with it. What waits is written then, and a restart before loses it.",
);

/// The end of the file was torn.
pub const AUDIT_TORN_LINE: &ReasonKind = &kind(
    "audit_torn_line",
    "sys_audit_fail",
    "the audit file ended in the middle of a line, which was set aside in a file of its own",
    "Expected after a crash or a power cut. Otherwise ask who else writes to the file.",
);

/// An act of administration is about to be done.
pub const ACT_BEGUN: &ReasonKind = &kind(
    "act_begun",
    "authz_admin",
    "somebody is about to administer",
    "Nothing, if a record of its end follows. Without one the process was ended in between: see what was done.",
);

/// An act of administration was done.
pub const ACT_DONE: &ReasonKind = &kind(
    "act_done",
    "authz_admin",
    "somebody administered",
    "Ask who it was if nobody of yours did that.",
);

/// An act of administration was refused or failed.
pub const ACT_FAILED: &ReasonKind = &kind(
    "act_failed",
    "authz_admin",
    "somebody wanted to administer, and it was refused or failed",
    "The message says why. Ask who it was if nobody of yours tried that.",
);

/// All of them.
pub const ALL: &[&ReasonKind] = &[
    AUDIT_STARTED,
    AUDIT_STOPPED,
    AUDIT_CHECKPOINT,
    AUDIT_EXCESS,
    TOKENS_ACCEPTED,
    AUDIT_LOST,
    AUDIT_GAP,
    AUDIT_FILE_FAILING,
    AUDIT_TORN_LINE,
    ACT_BEGUN,
    ACT_DONE,
    ACT_FAILED,
];
