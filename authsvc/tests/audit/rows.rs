//! Rows: a database that takes none, rows that somebody changed, and the chain that commands share.

use std::sync::Arc;

use authsvc::audit::file::open_private;
use authsvc::audit::{COMMANDS_CHAIN, CommandLog};
use authsvc::config::AddressForm;
use authsvc_core::audit::chain::{Place, Thread, Verifier};
use authsvc_core::audit::{ActError, AuditSink, perform};
use authsvc_core::storage::{AuditQuery, AuditStore, Store};

use super::fixture::{Fixture, act, refusal, until};

#[tokio::test(flavor = "multi_thread")]
async fn a3_acts_are_refused_and_logins_go_on_while_the_database_takes_nothing() {
    let fixture = Fixture::new().await;
    let log = fixture.start(open_private).await;
    let mut done = 0;
    let mut disable = async || {
        let work = async {
            done += 1;
            Ok::<(), String>(())
        };
        perform(log.as_ref(), fixture.clock.as_ref(), act(), work).await
    };
    disable().await.unwrap();
    fixture.sql("ALTER TABLE audit_rows RENAME TO away").await;
    for _ in 0..50 {
        log.record(&refusal(&fixture.clock, "alice@example.com", "r"));
    }
    assert!(matches!(disable().await, Err(ActError::NotRecorded(_))));
    fixture.sql("ALTER TABLE away RENAME TO audit_rows").await;
    until("acts are recorded again, without a restart", async || {
        fixture.clock.advance(1);
        disable().await.is_ok()
    })
    .await;
    assert_eq!(done, 2, "what was not on record was not done");
    log.close().await;
    assert_eq!(fixture.rows("wrong_password").await, 50, "nothing was lost meanwhile");
    let rows = fixture.verify_rows().await;
    assert!(rows.is_good(), "{:#?}", rows.faults);
    assert!(fixture.verify_files(&[fixture.file()]).await.is_good());
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_were_altered_removed_or_moved_in_the_database_are_named() {
    for sql in [
        "UPDATE audit_rows SET line = replace(line, '192.0.2.7', '192.0.2.8') WHERE row = 4",
        "DELETE FROM audit_rows WHERE row = 4",
        "UPDATE audit_rows SET line = (SELECT line FROM audit_rows WHERE row = 5) WHERE row = 4",
    ] {
        let fixture = Fixture::new().await;
        let log = fixture.start(open_private).await;
        for _ in 0..6 {
            log.record(&refusal(&fixture.clock, "alice@example.com", "r"));
        }
        log.close().await;
        assert!(fixture.verify_rows().await.is_good());
        fixture.sql(sql).await;
        let keys = fixture.public_keys().await;
        let mut verifier = Verifier::new(&keys, Thread::Rows);
        for row in fixture.store.audit_rows(log.chain(), 0, 100).await.unwrap() {
            let place = Place::Row {
                chain: String::new(),
                row: row.row,
            };
            verifier.add(row.line.as_bytes(), place);
        }
        let verdict = verifier.finish();
        let Place::Row { row, .. } = verdict.faults[0].place else {
            panic!()
        };
        assert!((4..=5).contains(&row), "{sql}: {:?}", verdict.faults);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_at_the_same_time_extend_one_signed_chain() {
    let fixture = Fixture::new().await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let store = Arc::clone(&fixture.store) as Arc<dyn Store>;
        let log = CommandLog::new(store, fixture.keys().await, AddressForm::Pseudonym);
        let clock = Arc::clone(&fixture.clock);
        tasks.spawn(async move {
            for outcome in [Ok(()), Err("planted")] {
                let _ = perform(&log, clock.as_ref(), act(), async { outcome }).await;
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    let rows = fixture.verify_rows().await;
    assert!(rows.is_good(), "{:#?}", rows.faults);
    assert_eq!((rows.records, rows.chains[0].signed), (64, Some(64)));
    let all = fixture.store.audit_rows(COMMANDS_CHAIN, 0, 100).await.unwrap();
    assert!(all.iter().all(|row| row.signed && !row.line.contains("alice")));
    let name = fixture
        .keys()
        .await
        .pseudonyms
        .of(&"alice@example.com".parse().unwrap());
    let query = AuditQuery {
        accounts: vec![name],
        ..AuditQuery::default()
    };
    assert_eq!(fixture.store.search_audit(&query, None, 100).await.unwrap().len(), 64);
}
