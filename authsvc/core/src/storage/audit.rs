//! Audit records that are kept as rows.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use time::OffsetDateTime;

use super::StoreError;
use crate::audit::chain::{ChainId, Facts};

/// A record of the chain and the columns by which it is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// Its chain.
    pub chain: ChainId,
    /// Its number among the chain's rows, from 1 on.
    pub row: u64,
    /// Whether it is signed.
    pub signed: bool,
    /// What the line says, for searching.
    pub facts: Facts,
    /// The record itself. What it says counts; the columns only find it.
    pub line: String,
}

/// A chain that has rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditChain {
    /// Its id.
    pub id: ChainId,
    /// The replica that it belongs to.
    pub replica: String,
    /// When it was begun.
    pub started_at: OffsetDateTime,
}

/// What is looked for; everything that is given must fit.
#[derive(Clone, Debug, Default)]
pub struct AuditQuery {
    /// The record's id.
    pub id: Option<String>,
    /// Account ids, addresses and pseudonyms: one of them.
    pub accounts: Vec<String>,
    /// The source's address.
    pub source: Option<String>,
    /// What the source is counted by: an IPv4 address, or an IPv6 /64.
    pub network: Option<String>,
    /// The reason's code.
    pub reason: Option<String>,
    /// The event's name.
    pub action: Option<String>,
    /// From this moment on.
    pub since: Option<OffsetDateTime>,
    /// Before this moment.
    pub until: Option<OffsetDateTime>,
}

/// A place in the order of time, chain and row: what a page ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditCursor {
    /// The row's time.
    pub time: OffsetDateTime,
    /// Its chain.
    pub chain: ChainId,
    /// Its number.
    pub row: u64,
}

/// A time in microseconds, a chain and a number. When it is read it is nothing but that: no part of it becomes SQL.
impl fmt::Display for AuditCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.time.unix_timestamp_nanos().div_euclid(1000);
        write!(f, "{micros}.{}.{}", self.chain, self.row)
    }
}

/// The text is not what [`AuditCursor`] is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor that a search has given")]
pub struct InvalidAuditCursor;

impl FromStr for AuditCursor {
    type Err = InvalidAuditCursor;

    fn from_str(text: &str) -> Result<Self, InvalidAuditCursor> {
        let parsed = || {
            let mut parts = text.split('.');
            let (micros, chain, row) = (parts.next()?, parts.next()?, parts.next()?);
            let cursor = Self {
                time: OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros.parse::<i64>().ok()?) * 1000).ok()?,
                chain: chain.parse().ok()?,
                row: row.parse::<u32>().ok()?.into(),
            };
            // One place has one spelling.
            (cursor.to_string() == text).then_some(cursor)
        };
        parsed().ok_or(InvalidAuditCursor)
    }
}

impl AuditRow {
    /// The place of this row.
    pub fn cursor(&self) -> AuditCursor {
        AuditCursor {
            time: self.facts.time,
            chain: self.chain,
            row: self.row,
        }
    }
}

/// By what failures are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditDimension {
    /// By source: IPv4 address or IPv6 /64.
    Network,
    /// By address or pseudonym.
    Account,
    /// By reason.
    Reason,
}

/// Kept records. Nothing here changes one; only a prefix of a chain is ever removed.
#[async_trait]
pub trait AuditStore: Send + Sync {
    /// Notes a new chain; [`StoreError::Conflict`] when it is there.
    async fn insert_audit_chain(&self, chain: &AuditChain) -> Result<(), StoreError>;

    /// The chain that the replica began last.
    async fn latest_audit_chain(&self, replica: &str) -> Result<Option<AuditChain>, StoreError>;

    /// All chains, the oldest first.
    async fn audit_chains(&self) -> Result<Vec<AuditChain>, StoreError>;

    /// Adds rows, all or none; [`StoreError::Conflict`] when one of the places is taken.
    async fn append_audit_rows(&self, rows: &[AuditRow]) -> Result<(), StoreError>;

    /// The last row of a chain.
    async fn last_audit_row(&self, chain: ChainId) -> Result<Option<AuditRow>, StoreError>;

    /// At most `limit` rows of a chain after that number, in order.
    async fn audit_rows(&self, chain: ChainId, after_row: u64, limit: u32) -> Result<Vec<AuditRow>, StoreError>;

    /// At most `limit` rows that fit the query, in the order of time, after the cursor.
    async fn search_audit(
        &self,
        query: &AuditQuery,
        after: Option<AuditCursor>,
        limit: u32,
    ) -> Result<Vec<AuditRow>, StoreError>;

    /// The `limit` most frequent values among failures since then, with their counts, the highest first.
    async fn top_audit(
        &self,
        dimension: AuditDimension,
        since: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<(String, u64)>, StoreError>;

    /// The time of the row that has `newer` rows after it in the order of time.
    async fn audit_time_before(&self, newer: u64) -> Result<Option<OffsetDateTime>, StoreError>;

    /// Removes of each chain the rows before the last signed one that is not younger than `kept_since`. A chain whose
    /// last row is not younger than `ended_before` and that is not among `living` is removed as a whole. How many rows
    /// that were.
    async fn prune_audit(
        &self,
        kept_since: OffsetDateTime,
        ended_before: OffsetDateTime,
        living: &[ChainId],
    ) -> Result<u64, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a9_cursors_are_a_time_a_chain_and_a_number_or_nothing() {
        let cursor = AuditCursor {
            time: OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap(),
            chain: ChainId::generate(),
            row: 17,
        };
        let text = cursor.to_string();
        assert_eq!(text.parse(), Ok(cursor));
        for bad in [
            String::new(),
            format!("{text}."),
            format!("{text} OR 1=1"),
            format!(" {text}"),
            text.replace(".17", ".017"),
            text.replace(".17", ".-17"),
            text.replace(".17", "."),
            text.replace(".17", ".17;DROP TABLE audit_rows"),
            text.replace("1800000000000000", "99999999999999999999"),
            text.replace("1800000000000000", "9223372036854775807"),
            text.to_uppercase(),
            text.replace('-', ""),
        ] {
            if bad != text {
                assert!(bad.parse::<AuditCursor>().is_err(), "{bad}");
            }
        }
    }
}
