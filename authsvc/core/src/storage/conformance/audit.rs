//! Audit records.

use time::{Duration, OffsetDateTime};

use crate::audit::chain::{ChainId, Facts};
use crate::storage::{AuditChain, AuditCursor, AuditDimension, AuditQuery, AuditRow, Store, StoreError};

pub(super) async fn run(store: &dyn Store) {
    let id = ChainId::generate();
    chains_are_listed_and_found_by_replica(store, id).await;
    rows_are_added_all_or_none(store, id).await;
    what_is_written_is_read_again(store, id).await;
    rows_are_found_by_each_fact(store).await;
    pages_follow_one_another_without_gap_or_repetition(store, id).await;
    failures_are_counted(store).await;
    only_what_lies_before_a_signed_row_is_pruned(store, id).await;
    chains_that_ended_long_ago_are_removed_unless_they_live(store, id).await;
}

fn start() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_700_000_000).expect("a time") + Duration::microseconds(123_456)
}

fn rows(id: ChainId, numbers: std::ops::RangeInclusive<u64>) -> Vec<AuditRow> {
    numbers
        .map(|row| AuditRow {
            chain: id,
            row,
            signed: row % 4 == 1,
            facts: Facts {
                time: start() + Duration::seconds(row.cast_signed()),
                id: format!("record-{row}"),
                action: "authn_login_fail".into(),
                outcome: if row % 2 == 0 { "failure" } else { "success" }.into(),
                reason: (row % 2 == 0).then(|| "wrong_password".into()),
                user_id: (row % 3 == 0).then(|| "u-3".into()),
                account: (row % 2 == 0).then(|| "alice@conformance.example".into()),
                source: Some(if row % 2 == 0 { "2001:db8::7" } else { "192.0.2.1" }.into()),
            },
            line: format!("{{\"row\":{row}}}"),
        })
        .collect()
}

async fn chains_are_listed_and_found_by_replica(store: &dyn Store, id: ChainId) {
    assert!(
        store
            .latest_audit_chain("a")
            .await
            .expect("the store answers")
            .is_none()
    );
    let chain = AuditChain {
        id,
        replica: "a".into(),
        started_at: start(),
    };
    store.insert_audit_chain(&chain).await.expect("a new chain");
    assert!(matches!(
        store.insert_audit_chain(&chain).await,
        Err(StoreError::Conflict)
    ));
    assert_eq!(
        store.latest_audit_chain("a").await.expect("the store answers"),
        Some(chain)
    );
    assert!(
        store
            .latest_audit_chain("b")
            .await
            .expect("the store answers")
            .is_none()
    );
    assert_eq!(store.audit_chains().await.expect("the store answers").len(), 1);
}

async fn rows_are_added_all_or_none(store: &dyn Store, id: ChainId) {
    assert!(store.last_audit_row(id).await.expect("the store answers").is_none());
    store.append_audit_rows(&rows(id, 1..=4)).await.expect("new rows");
    let overlapping = store.append_audit_rows(&rows(id, 4..=6)).await;
    assert!(matches!(overlapping, Err(StoreError::Conflict)));
    let mut twice = rows(id, 5..=6);
    twice.extend(rows(id, 4..=4));
    assert!(matches!(
        store.append_audit_rows(&twice).await,
        Err(StoreError::Conflict)
    ));
    let last = store
        .last_audit_row(id)
        .await
        .expect("the store answers")
        .expect("rows");
    assert_eq!(last.row, 4, "nothing is left of a refused batch");
    store.append_audit_rows(&rows(id, 5..=20)).await.expect("new rows");
    store.append_audit_rows(&[]).await.expect("nothing to do");
}

async fn what_is_written_is_read_again(store: &dyn Store, id: ChainId) {
    let found = store.audit_rows(id, 0, 100).await.expect("the store answers");
    assert_eq!(found, rows(id, 1..=20));
    let found = store.audit_rows(id, 7, 3).await.expect("the store answers");
    assert_eq!(found, rows(id, 8..=10));
    let hostile = AuditRow {
        line: "'; DROP TABLE audit_rows; -- {}".into(),
        row: 1,
        chain: ChainId::generate(),
        ..rows(id, 1..=1).remove(0)
    };
    store
        .append_audit_rows(std::slice::from_ref(&hostile))
        .await
        .expect("a new chain");
    let found = store.last_audit_row(hostile.chain).await.expect("the store answers");
    assert_eq!(found, Some(hostile.clone()));
    // Not noted as a chain: nobody's. Removed, so that the checks below find what they wrote.
    let chain = AuditChain {
        id: hostile.chain,
        replica: "hostile".into(),
        started_at: start(),
    };
    store.insert_audit_chain(&chain).await.expect("a new chain");
    let removed = store
        .prune_audit(start() - Duration::days(1), start() + Duration::days(1), &[id])
        .await;
    assert_eq!(removed.expect("the store answers"), 1);
}

async fn rows_are_found_by_each_fact(store: &dyn Store) {
    let found = |query: AuditQuery| async move {
        let found = store.search_audit(&query, None, 100).await.expect("the store answers");
        found.into_iter().map(|row| row.row).collect::<Vec<_>>()
    };
    let query = AuditQuery::default;
    assert_eq!(found(query()).await.len(), 20);
    let by_id = AuditQuery {
        id: Some("record-7".into()),
        ..query()
    };
    assert_eq!(found(by_id).await, [7]);
    let by_account = AuditQuery {
        accounts: vec!["alice@conformance.example".into(), "u-3".into()],
        until: Some(start() + Duration::seconds(5)),
        ..query()
    };
    assert_eq!(
        found(by_account).await,
        [2, 3, 4],
        "by address or by id, and before that time"
    );
    let by_source = AuditQuery {
        source: Some("192.0.2.1".into()),
        since: Some(start() + Duration::seconds(17)),
        ..query()
    };
    assert_eq!(found(by_source).await, [17, 19], "from that time on");
    let by_network = AuditQuery {
        network: Some("2001:db8::/64".into()),
        reason: Some("wrong_password".into()),
        action: Some("authn_login_fail".into()),
        since: Some(start() + Duration::seconds(18)),
        ..query()
    };
    assert_eq!(found(by_network).await, [18, 20]);
    let hostile = AuditQuery {
        reason: Some("x' OR '1' = '1".into()),
        ..query()
    };
    assert!(found(hostile).await.is_empty());
}

async fn pages_follow_one_another_without_gap_or_repetition(store: &dyn Store, id: ChainId) {
    let mut after: Option<AuditCursor> = None;
    let mut seen = Vec::new();
    loop {
        let page = store
            .search_audit(&AuditQuery::default(), after, 7)
            .await
            .expect("the store answers");
        let Some(last) = page.last() else { break };
        after = Some(last.cursor());
        seen.extend(page);
    }
    assert_eq!(seen, rows(id, 1..=20));
}

async fn failures_are_counted(store: &dyn Store) {
    let top = |dimension| async move { store.top_audit(dimension, start(), 5).await.expect("the store answers") };
    assert_eq!(top(AuditDimension::Network).await, [("2001:db8::/64".to_owned(), 10)]);
    assert_eq!(
        top(AuditDimension::Account).await,
        [("alice@conformance.example".to_owned(), 10)]
    );
    assert_eq!(top(AuditDimension::Reason).await, [("wrong_password".to_owned(), 10)]);
    let later = store
        .top_audit(AuditDimension::Reason, start() + Duration::seconds(19), 5)
        .await;
    assert_eq!(later.expect("the store answers"), [("wrong_password".to_owned(), 1)]);
}

async fn only_what_lies_before_a_signed_row_is_pruned(store: &dyn Store, id: ChainId) {
    let time = store.audit_time_before(12).await.expect("the store answers");
    assert_eq!(time, Some(start() + Duration::seconds(8)));
    assert!(store.audit_time_before(20).await.expect("the store answers").is_none());
    // Rows 1, 5, 9, … are signed: of those up to 8, the fifth is the last.
    let removed = store.prune_audit(start() + Duration::seconds(8), start(), &[]).await;
    assert_eq!(removed.expect("the store answers"), 4);
    assert_eq!(
        store.audit_rows(id, 0, 100).await.expect("the store answers"),
        rows(id, 5..=20)
    );
    let again = store.prune_audit(start() + Duration::seconds(8), start(), &[]).await;
    assert_eq!(again.expect("the store answers"), 0);
}

async fn chains_that_ended_long_ago_are_removed_unless_they_live(store: &dyn Store, id: ChainId) {
    let late = start() + Duration::days(1);
    let removed = store.prune_audit(start(), late, &[id]).await;
    assert_eq!(removed.expect("the store answers"), 0);
    let removed = store.prune_audit(start(), late, &[]).await;
    assert_eq!(removed.expect("the store answers"), 16);
    assert!(store.audit_chains().await.expect("the store answers").is_empty());
}
