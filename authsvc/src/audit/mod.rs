//! The audit log: one chain of records, in lines and in rows.
//!
//! - [`AuditLog`]: what a running service records with; one thread seals and writes, and a task commits.
//! - [`CommandLog`]: what a command records with: rows only, each signed.
//! - [`mod@file`]: the file of lines, with its rotation.
//!
//! What a record says is in [`audit_log`](crate::audit_log), how it is chained in [`authsvc_core::audit::chain`].

mod ascii;
mod command_log;
mod excess;
pub mod file;
mod good_tokens;
mod log;
mod own_records;
pub mod retention;
mod waiting_rows;
mod writer;

pub use command_log::{COMMANDS_REPLICA, CommandLog};
pub use log::{AuditLog, AuditSetup, AuditStartError};

use authsvc_core::audit::chain::{ChainId, Record, Sealed};
use authsvc_core::storage::AuditRow;

/// The row of a sealed record that is to be kept. `None` when it is a line only.
fn row_of(chain: ChainId, sealed: &Sealed) -> Option<AuditRow> {
    let row = sealed.row?;
    // What was just written is read as a verifier reads it, so that the columns are what it computes.
    let record = Record::parse(sealed.line.as_bytes()).ok()?;
    Some(AuditRow {
        chain,
        row,
        signed: sealed.signed,
        facts: record.facts,
        line: sealed.line.clone(),
    })
}
