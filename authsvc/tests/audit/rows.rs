//! Rows: a database that takes none, rows that somebody changed, and the chain that commands share.

use std::sync::Arc;

use authsvc::audit::CommandLog;
use authsvc::audit::file::open_private;
use authsvc::config::AddressForm;
use authsvc_core::audit::chain::{COMMANDS_CHAIN, Place, Thread, Verifier, What};
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

/// Nobody begins a chain after that of the commands. A service that runs says how far it goes.
#[tokio::test(flavor = "multi_thread")]
async fn what_commands_have_recorded_is_not_cut_off_unseen_once_a_service_has_named_it() {
    let fixture = Fixture::new().await;
    let store = Arc::clone(&fixture.store) as Arc<dyn Store>;
    let commands = CommandLog::new(Arc::clone(&store), fixture.keys().await, AddressForm::Full);
    let run = async || {
        let work = async { Ok::<(), String>(()) };
        perform(&commands, fixture.clock.as_ref(), act(), work).await.unwrap();
    };
    let log = fixture.start(open_private).await;
    log.name_commands(store.as_ref()).await.unwrap();
    for _ in 0..3 {
        run().await;
        log.name_commands(store.as_ref()).await.unwrap();
        log.name_commands(store.as_ref()).await.unwrap();
    }
    log.checkpoint(None).await.unwrap();
    let named = fixture.store.audit_rows(log.chain(), 0, 100).await.unwrap();
    let named = named.iter().filter(|row| row.line.contains("\"commands\":{")).count();
    assert_eq!(named, 3, "once each");
    assert!(fixture.verify_rows().await.is_good());
    // What it has not named yet may be on its way.
    run().await;
    assert!(fixture.verify_rows().await.is_good());

    let cut = async |sql| {
        fixture.sql(sql).await;
        fixture.verify_rows().await
    };
    let cut_once = cut("DELETE FROM audit_rows WHERE row > 6 AND chain = '61757468-7376-6320-636f-6d6d616e6473'").await;
    assert!(cut_once.is_good(), "{:?}", cut_once.faults);
    let cut_deeper =
        cut("DELETE FROM audit_rows WHERE row > 4 AND chain = '61757468-7376-6320-636f-6d6d616e6473'").await;
    assert_eq!(cut_deeper.faults[0].what, What::End { expected: 6 });
    // Others in their place, by commands of today.
    run().await;
    let replaced = fixture.verify_rows().await;
    assert_eq!(replaced.faults[0].what, What::End { expected: 6 });
    log.name_commands(store.as_ref()).await.unwrap();
    assert!(!fixture.verify_rows().await.is_good());
    let gone = cut("DELETE FROM audit_rows WHERE chain = '61757468-7376-6320-636f-6d6d616e6473'").await;
    assert!(gone.faults.iter().any(|fault| matches!(fault.what, What::End { .. })));
    log.close().await;
}
