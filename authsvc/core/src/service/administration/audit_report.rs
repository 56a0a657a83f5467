//! Who is guessing, and at what: sums over audit records, those included that got no row each.

use std::collections::BTreeMap;

use cryptokit::encoding::json::{self, Value};
use time::OffsetDateTime;

use crate::storage::{AuditDimension, AuditQuery, Store, StoreError};

/// Counted beyond what is shown, since the sums of an excess may change the order.
const MARGIN: u32 = 64;
/// Summaries in memory at once.
const PAGE: u32 = 200;

/// Failures since a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditReport {
    /// The moment.
    pub since: OffsetDateTime,
    /// By source, the highest first.
    pub sources: Vec<(String, u64)>,
    /// By account.
    pub accounts: Vec<(String, u64)>,
    /// By reason.
    pub reasons: Vec<(String, u64)>,
    /// Those that came from too many sources to count each.
    pub unattributed: u64,
}

impl AuditReport {
    /// Counts; the `count` highest of each.
    ///
    /// # Errors
    ///
    /// What the store fails with.
    pub async fn of(store: &dyn Store, since: OffsetDateTime, count: u32) -> Result<Self, StoreError> {
        let excess = Excess::since(store, since).await?;
        Ok(Self {
            since,
            sources: top(store, AuditDimension::Network, since, count, excess.networks).await?,
            accounts: top(store, AuditDimension::Account, since, count, BTreeMap::new()).await?,
            reasons: top(store, AuditDimension::Reason, since, count, excess.reasons).await?,
            unattributed: excess.unattributed,
        })
    }
}

/// The highest sums of rows and of what got none.
async fn top(
    store: &dyn Store,
    dimension: AuditDimension,
    since: OffsetDateTime,
    count: u32,
    mut counts: BTreeMap<String, u64>,
) -> Result<Vec<(String, u64)>, StoreError> {
    let most = count.saturating_add(MARGIN);
    for (name, rows) in store.top_audit(dimension, since, most).await? {
        let sum = counts.entry(name).or_default();
        *sum = sum.saturating_add(rows);
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by(|(a, n), (b, m)| m.cmp(n).then_with(|| a.cmp(b)));
    counts.truncate(count as usize);
    Ok(counts)
}

/// Failures beyond what is kept one by one.
#[derive(Default)]
struct Excess {
    networks: BTreeMap<String, u64>,
    reasons: BTreeMap<String, u64>,
    unattributed: u64,
}

impl Excess {
    async fn since(store: &dyn Store, since: OffsetDateTime) -> Result<Self, StoreError> {
        let query = AuditQuery {
            action: Some("sys_audit_summary".to_owned()),
            since: Some(since),
            ..AuditQuery::default()
        };
        let mut excess = Self::default();
        let mut after = None;
        loop {
            let page = store.search_audit(&query, after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(excess) };
            after = Some(last.cursor());
            for row in &page {
                excess.add(row.line.as_bytes());
            }
        }
    }

    /// A line that is none adds nothing: `audit verify` is what finds those.
    fn add(&mut self, line: &[u8]) {
        let Ok(line) = json::parse(line) else { return };
        let Some(sums) = member(&line, "authsvc")
            .and_then(|own| member(own, "audit"))
            .and_then(|audit| member(audit, "excess"))
        else {
            return;
        };
        self.unattributed = self.unattributed.saturating_add(count(member(sums, "others")));
        let Some(Value::Array(sums)) = member(sums, "sums") else {
            return;
        };
        for sum in sums {
            let failures = count(member(sum, "count"));
            for (counts, name) in [(&mut self.networks, "network"), (&mut self.reasons, "reason")] {
                if let Some(Value::String(name)) = member(sum, name)
                    && !name.is_empty()
                {
                    let total = counts.entry(name.expose_secret().to_owned()).or_default();
                    *total = total.saturating_add(failures);
                }
            }
        }
    }
}

fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let Value::Object(members) = value else { return None };
    let found = members.iter().find(|(member, _)| member == name);
    found.map(|(_, value)| value)
}

/// A float is cast within the range of the integer (saturating), so that no number is too large.
fn count(value: Option<&Value>) -> u64 {
    match value {
        Some(Value::Number(number)) => *number as u64,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_summed_up_counts_and_what_is_no_summary_does_not() {
        let mut excess = Excess::default();
        excess.add(
            br#"{"authsvc":{"audit":{"excess":{"others":7,"sums":[
                {"network":"192.0.2.1","reason":"wrong_password","count":3},
                {"network":"","reason":"wrong_password","count":2}]}}}}"#,
        );
        for none in [
            &b""[..],
            b"{}",
            b"[]",
            br#"{"authsvc":{"audit":{"excess":{"sums":{}}}}}"#,
            b"\xff",
        ] {
            excess.add(none);
        }
        assert_eq!(excess.unattributed, 7);
        assert_eq!(excess.networks, BTreeMap::from([("192.0.2.1".to_owned(), 3)]));
        assert_eq!(excess.reasons, BTreeMap::from([("wrong_password".to_owned(), 5)]));
    }

    #[test]
    fn a6_counts_never_wrap() {
        let mut excess = Excess::default();
        for _ in 0..2 {
            excess.add(
                br#"{"authsvc":{"audit":{"excess":{"others":1e300,"sums":[{"reason":"x","count":18446744073709551615}]}}}}"#,
            );
            excess.add(br#"{"authsvc":{"audit":{"excess":{"others":-1,"sums":[{"reason":"x","count":-5}]}}}}"#);
        }
        assert_eq!(excess.unattributed, u64::MAX);
        assert_eq!(excess.reasons["x"], u64::MAX);
    }
}
