//! What the log says about itself.

use authsvc_core::audit::chain::{Continues, FileThrough, Gap, LinesFrom, RowEnd};
use authsvc_core::audit::{ReasonKind, RecordId, reasons::audit_log as kinds};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::ascii;

/// The first record of a chain.
pub(super) fn started(now: OffsetDateTime, replica: &str, continues: &Continues, in_file: bool) -> String {
    let mut ours =
        json!({ "replica": replica, "version": env!("CARGO_PKG_VERSION"), "continues": {}, "file": in_file });
    if let Some((chain, seq, hash)) = &continues.line {
        ours["continues"]["line"] = json!({ "chain": chain.to_string(), "seq": seq, "hash": hash.to_string() });
    }
    if let Some((chain, row, hash, time)) = &continues.row {
        ours["continues"]["row"] = json!({ "chain": chain.to_string(), "row": row, "hash": hash.to_string(),
            "time": time.format(&Rfc3339).unwrap_or_default() });
    }
    own(kinds::AUDIT_STARTED, "success", now, ours)
}

/// The last record of a chain.
pub(super) fn stopped(now: OffsetDateTime, replica: &str, in_file: bool) -> String {
    let ours = json!({ "replica": replica, "file": in_file });
    own(kinds::AUDIT_STOPPED, "success", now, ours)
}

/// A signed record that names the last row of the chain of commands.
pub(super) fn commands(now: OffsetDateTime, in_file: bool, end: RowEnd) -> String {
    let ours = json!({ "file": in_file, "commands": { "row": end.row, "hash": end.hash.to_string() } });
    own(kinds::AUDIT_CHECKPOINT, "success", now, ours)
}

/// A signed record that vouches for those before it, and what it says may be gone.
pub(super) fn checkpoint(
    now: OffsetDateTime,
    in_file: bool,
    kept_since: Option<OffsetDateTime>,
    lines_from: Option<&LinesFrom>,
) -> String {
    let mut ours = json!({ "file": in_file });
    if let Some(since) = kept_since {
        ours["kept_since"] = json!(since.format(&Rfc3339).unwrap_or_default());
    }
    if let Some(from) = lines_from {
        ours["lines_from"] = json!({ "chain": from.chain.to_string(), "seq": from.seq,
            "time": from.time.format(&Rfc3339).unwrap_or_default() });
    }
    own(kinds::AUDIT_CHECKPOINT, "success", now, ours)
}

/// The sums of refusals that have no row each.
pub(super) fn excess(now: OffsetDateTime, sums: Value) -> String {
    own(kinds::AUDIT_EXCESS, "unknown", now, json!({ "excess": sums }))
}

/// How many tokens were good, by who asked.
pub(super) fn good_tokens(now: OffsetDateTime, sums: &Value) -> String {
    own(kinds::TOKENS_ACCEPTED, "success", now, json!({ "good_tokens": sums }))
}

/// Events that are not recorded in full.
pub(super) fn lost(now: OffsetDateTime, counts: Value) -> String {
    own(kinds::AUDIT_LOST, "failure", now, json!({ "lost": counts }))
}

/// Lines that the file does not have.
pub(super) fn gap(now: OffsetDateTime, gap: Gap) -> String {
    let ours = json!({ "gap": { "first": gap.first, "last": gap.last } });
    own(kinds::AUDIT_GAP, "failure", now, ours)
}

/// The file takes no lines after this one.
pub(super) fn file_failing(now: OffsetDateTime, through: FileThrough) -> String {
    let ours = json!({ "file_through": { "seq": through.seq, "hash": through.hash.to_string() } });
    own(kinds::AUDIT_FILE_FAILING, "failure", now, ours)
}

/// The unfinished end of the file that was found.
pub(super) fn torn_line(now: OffsetDateTime, bytes: u64, kept_as: &str) -> String {
    let ours = json!({ "torn": { "bytes": bytes, "kept_as": kept_as } });
    own(kinds::AUDIT_TORN_LINE, "failure", now, ours)
}

fn own(kind: &ReasonKind, outcome: &str, now: OffsetDateTime, ours: Value) -> String {
    ascii::to_line(&json!({
        "@timestamp": now.format(&Rfc3339).unwrap_or_default(),
        "event": {
            "kind": "event", "module": "audit", "id": RecordId::generate().to_string(),
            "action": kind.event, "outcome": outcome, "reason": kind.code,
        },
        "message": kind.description,
        "log": { "level": if outcome == "failure" { "error" } else { "info" } },
        "authsvc": { "operation": "audit", "listener": "none", "advice": kind.advice, "audit": ours },
    }))
}
