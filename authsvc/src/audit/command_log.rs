//! What commands record: rows of one chain that all of them extend, one after another.

use std::sync::Arc;

use async_trait::async_trait;
use authsvc_core::audit::chain::{COMMANDS_CHAIN, Chain, Keep, Record};
use authsvc_core::audit::{ActRecord, AuditKeys, AuditRecord, AuditSink, NotRecorded};
use authsvc_core::storage::{AuditChain, Store, StoreError};
use serde_json::Value;

use super::{ascii, row_of};
use crate::audit_log::{Addresses, act_to_json};
use crate::config::AddressForm;

/// The name under which the chain of all commands of an installation is listed.
pub const COMMANDS_REPLICA: &str = "commands";

/// Of a hundred commands at once, each one is first within a hundred rounds.
const MAX_ROUNDS: usize = 200;

/// Records acts of administration from the command line. Every record is a row and signed, since no process stays to
/// sign later.
pub struct CommandLog {
    store: Arc<dyn Store>,
    keys: AuditKeys,
    addresses: AddressForm,
}

impl CommandLog {
    /// Records in that database.
    pub fn new(store: Arc<dyn Store>, keys: AuditKeys, addresses: AddressForm) -> Self {
        Self { store, keys, addresses }
    }

    /// Appends a record with that content.
    ///
    /// # Errors
    ///
    /// [`NotRecorded`] when the database does not take it, or its last record is none.
    async fn append(&self, body: &Value, time: time::OffsetDateTime) -> Result<(), NotRecorded> {
        let body = ascii::to_line(body);
        let store = self.store.as_ref();
        let listed = AuditChain {
            id: COMMANDS_CHAIN,
            replica: COMMANDS_REPLICA.to_owned(),
            started_at: time,
        };
        match store.latest_audit_chain(COMMANDS_REPLICA).await {
            Ok(Some(_)) => {}
            Ok(None) => match store.insert_audit_chain(&listed).await {
                Ok(()) | Err(StoreError::Conflict) => {}
                Err(error) => return Err(not_recorded(&error)),
            },
            Err(error) => return Err(not_recorded(&error)),
        }
        for _ in 0..MAX_ROUNDS {
            let last = store
                .last_audit_row(COMMANDS_CHAIN)
                .await
                .map_err(|error| not_recorded(&error))?;
            let mut chain = match last {
                None => Chain::begin(COMMANDS_CHAIN),
                Some(last) => {
                    let record = Record::parse(last.line.as_bytes()).map_err(|error| not_recorded(&error))?;
                    Chain {
                        id: COMMANDS_CHAIN,
                        seq: record.seq,
                        hash: record.hash,
                        row: last.row,
                        row_hash: record.hash,
                    }
                }
            };
            let sealed = chain
                .seal(&body, Keep::Row, Some(&self.keys.signing))
                .map_err(|error| not_recorded(&error))?;
            let row = row_of(COMMANDS_CHAIN, &sealed).ok_or(NotRecorded)?;
            match store.append_audit_rows(&[row]).await {
                Ok(()) => return Ok(()),
                // Another command was first: after it, then.
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(not_recorded(&error)),
            }
        }
        Err(NotRecorded)
    }
}

/// The cause goes to the log; the person at the terminal is told that nothing was done.
fn not_recorded(error: &dyn std::error::Error) -> NotRecorded {
    tracing::error!(error = %error, "an act could not be recorded");
    NotRecorded
}

#[async_trait]
impl AuditSink for CommandLog {
    /// Commands decide nothing about requests.
    fn record(&self, record: &AuditRecord) {
        tracing::error!(id = %record.id, "a command has recorded a request");
    }

    async fn record_act(&self, record: &ActRecord) -> Result<(), NotRecorded> {
        let addresses = match self.addresses {
            AddressForm::Full => Addresses::InFull,
            AddressForm::Pseudonym => Addresses::Pseudonymous(&self.keys.pseudonyms),
        };
        self.append(&act_to_json(record, addresses), record.time).await
    }
}

impl std::fmt::Debug for CommandLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CommandLog")
    }
}
