//! More records than there is room for: in the queue, and among the rows that wait for the database.

use authsvc::audit::AuditLog;
use authsvc::audit::file::open_private;
use authsvc_core::audit::{ActError, AuditRecord, AuditSink, Outcome, Who, perform};
use authsvc_core::domain::UserId;
use authsvc_core::storage::{AuditQuery, AuditStore};
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use serde_json::Value;

use super::fixture::{Fixture, Fragile, act, refusal, sibling, until};

/// Of 10,000 rows that may wait, refusals get so many.
const ROWS_OF_REFUSALS: u64 = 8_000;
/// Of 4,096 places in the queue, refusals get so many.
const PLACES_OF_REFUSALS: u64 = 3_072;

/// What the log's counter of losses says.
fn lost(log: &AuditLog) -> u64 {
    let mut registry = Registry::default();
    registry.register_collector(log.collector());
    let mut text = String::new();
    encode(&mut text, &registry).unwrap();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("audit_events_lost_total "));
    line.unwrap().parse().unwrap()
}

/// Refusals that records say to be missing everywhere, and in the database alone.
async fn lost_on_record(fixture: &Fixture) -> (u64, u64) {
    let query = AuditQuery {
        reason: Some("audit_lost".to_owned()),
        ..AuditQuery::default()
    };
    let (mut everywhere, mut in_the_database) = (0, 0);
    for row in fixture.store.search_audit(&query, None, 1_000).await.unwrap() {
        let line: Value = serde_json::from_str(&row.line).unwrap();
        let counts = &line["authsvc"]["audit"]["lost"];
        everywhere += counts["not_recorded"]["refusal"].as_u64().unwrap_or(0);
        in_the_database += counts["without_row"]["refusal"].as_u64().unwrap_or(0);
        for class in ["act", "event", "routine"] {
            assert_eq!(counts["not_recorded"][class], Value::Null, "{counts}");
            assert_eq!(counts["without_row"][class], Value::Null, "{counts}");
        }
    }
    (everywhere, in_the_database)
}

fn lines(fixture: &Fixture) -> u64 {
    let file = std::fs::read_to_string(fixture.file()).unwrap();
    file.lines().filter(|line| line.contains("wrong_password")).count() as u64
}

fn refuse(fixture: &Fixture, log: &AuditLog, count: u64) {
    for _ in 0..count {
        log.record(&refusal(&fixture.clock, "alice@example.com", "r"));
    }
}

/// A login that was good.
fn login(fixture: &Fixture) -> AuditRecord {
    let refused = refusal(&fixture.clock, "alice@example.com", "r");
    AuditRecord {
        who: Who {
            user_id: Some(UserId::generate()),
            ..refused.who
        },
        outcome: Outcome::Success,
        ..refused
    }
}

async fn good_logins(fixture: &Fixture) -> usize {
    let query = AuditQuery {
        action: Some("authn_login_success".to_owned()),
        ..AuditQuery::default()
    };
    fixture.store.search_audit(&query, None, 1_000_000).await.unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a3_a_database_that_hangs_holds_up_no_line_and_no_more_rows_wait_than_may() {
    const SENT: u64 = 12_000;
    let fixture = Fixture::new().await;
    let log = fixture.start(open_private).await;
    let somebody_else = fixture.hold_the_database().await;
    for portion in 1..=SENT / 500 {
        refuse(&fixture, &log, 500);
        until("the portion is written", async || lines(&fixture) == portion * 500).await;
    }
    let without_row = lost(&log);
    assert!(without_row >= SENT - ROWS_OF_REFUSALS, "{without_row}");
    // What strangers caused took no room from these.
    log.record(&login(&fixture));
    let refused = perform(log.as_ref(), fixture.clock.as_ref(), act(), async {
        Ok::<(), String>(())
    })
    .await;
    assert!(matches!(refused, Err(ActError::NotRecorded(_))), "{refused:?}");
    somebody_else.let_go().await;

    until("all is stored or counted", async || {
        let stored = fixture.rows("wrong_password").await as u64;
        stored + without_row == SENT && lost_on_record(&fixture).await == (0, without_row)
    })
    .await;
    assert_eq!(lost(&log), without_row);
    until("the login is stored", async || good_logins(&fixture).await == 1).await;
    log.close().await;
    assert!(fixture.verify_files(&[fixture.file()]).await.is_good());
    let rows = fixture.verify_rows().await;
    assert!(rows.is_good(), "{:#?}", rows.faults);
}

#[tokio::test(flavor = "multi_thread")]
async fn a3_refusals_that_the_queue_has_no_room_for_are_counted_and_take_none_from_logins() {
    const SENT: u64 = 6_000;
    let fixture = Fixture::new().await;
    let log = fixture.start(Fragile::open).await;
    let stuck = sibling(&fixture.file(), "stuck");
    std::fs::write(&stuck, "").unwrap();
    refuse(&fixture, &log, SENT);
    let not_recorded = lost(&log);
    // The log's thread has taken some before it wrote, and is stuck since.
    let taken = SENT - PLACES_OF_REFUSALS - not_recorded;
    assert!(not_recorded > 0 && taken <= 256, "{not_recorded} lost, {taken} taken");
    for _ in 0..500 {
        log.record(&login(&fixture));
    }
    assert_eq!(lost(&log), not_recorded);
    std::fs::remove_file(&stuck).unwrap();
    until("all is stored or counted", async || {
        let stored = fixture.rows("wrong_password").await as u64;
        stored + not_recorded == SENT && lost_on_record(&fixture).await == (not_recorded, 0)
    })
    .await;
    until("logins are stored", async || good_logins(&fixture).await == 500).await;
    log.close().await;
    assert_eq!(lines(&fixture) + not_recorded, SENT);
    assert!(fixture.verify_files(&[fixture.file()]).await.is_good());
    let rows = fixture.verify_rows().await;
    assert!(rows.is_good(), "{:#?}", rows.faults);
}
