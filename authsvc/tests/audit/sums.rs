//! What is summed: refusals beyond so many a minute, and good tokens.

use authsvc::audit::file::open_private;
use authsvc::config::GoodTokenForm;
use authsvc_core::audit::{Action, AuditRecord, AuditSink, Outcome, Who};
use authsvc_core::storage::{AuditQuery, AuditStore};
use serde_json::Value;

use super::fixture::{Fixture, refusal, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_refusals_leaves_all_lines_few_rows_and_exact_sums() {
    let mut fixture = Fixture::new().await;
    fixture.config.refusal_rows_per_minute = 10;
    let log = fixture.start(open_private).await;
    for portion in 1..=30 {
        for _ in 0..100 {
            log.record(&refusal(&fixture.clock, "alice@example.com", "r"));
        }
        until("the portion is written", async || {
            std::fs::read_to_string(fixture.file()).unwrap().lines().count() >= portion * 100
        })
        .await;
    }
    log.close().await;
    assert_eq!(fixture.rows("wrong_password").await, 10);
    let summary = AuditQuery {
        reason: Some("audit_excess".into()),
        ..AuditQuery::default()
    };
    let rows = fixture.store.search_audit(&summary, None, 10).await.unwrap();
    let line: Value = serde_json::from_str(&rows[0].line).unwrap();
    let sum = &line["authsvc"]["audit"]["excess"]["sums"][0];
    assert_eq!(sum["count"], 2990);
    assert_eq!(
        (&sum["network"], &sum["reason"]),
        (&"192.0.2.7".into(), &"wrong_password".into())
    );
    let text = std::fs::read_to_string(fixture.file()).unwrap();
    assert_eq!(
        text.matches("\"wrong_password\"").count(),
        3001,
        "3000 lines and the sum"
    );
    assert!(fixture.verify_files(&[fixture.file()]).await.is_good());
    assert!(fixture.verify_rows().await.is_good());
}

#[tokio::test(flavor = "multi_thread")]
async fn good_tokens_are_summed_or_get_a_line_each() {
    for (form, sums, lines) in [(GoodTokenForm::Sums, 1, 0), (GoodTokenForm::Lines, 0, 500)] {
        let mut fixture = Fixture::new().await;
        fixture.config.good_tokens = form;
        let log = fixture.start(open_private).await;
        let good = |service: &str| AuditRecord {
            who: Who {
                service: Some(service.parse().unwrap()),
                ..Who::default()
            },
            what: Action::ValidateToken,
            outcome: Outcome::Success,
            ..refusal(&fixture.clock, "alice@example.com", "r")
        };
        for number in 0..500 {
            let record = good(if number % 5 == 0 { "billing" } else { "orders" });
            if !log.counts_success(record.what, &record.who) {
                log.record(&record);
            }
        }
        log.record(&refusal(&fixture.clock, "alice@example.com", "r"));
        log.close().await;

        assert_eq!(fixture.rows("tokens_accepted").await, sums);
        let text = std::fs::read_to_string(fixture.file()).unwrap();
        assert_eq!(text.matches("authn_token_accepted").count(), lines);
        assert_eq!(text.matches("\"wrong_password\"").count(), 1);
        if let Some(line) = text.lines().find(|line| line.contains("\"tokens_accepted\"")) {
            let line: Value = serde_json::from_str(line).unwrap();
            let expected =
                serde_json::json!([{ "service": "billing", "count": 100 }, { "service": "orders", "count": 400 }]);
            assert_eq!(line["authsvc"]["audit"]["good_tokens"], expected);
        }
        assert!(fixture.verify_files(&[fixture.file()]).await.is_good());
        assert!(fixture.verify_rows().await.is_good());
    }
}

/// A checkpoint comes after a thousand records, too, and then the next one later: who records more than that all the time
/// still hears of the sums.
#[tokio::test(flavor = "multi_thread")]
async fn sums_are_told_of_every_minute_however_much_is_recorded() {
    let mut fixture = Fixture::new().await;
    fixture.config.refusal_rows_per_minute = 1;
    let log = fixture.start(open_private).await;
    let billing = Who {
        service: Some("billing".parse().unwrap()),
        ..Who::default()
    };
    for portion in 1..=9 {
        assert!(log.counts_success(Action::ValidateToken, &billing));
        for _ in 0..1_100 {
            log.record(&refusal(&fixture.clock, "alice@example.com", "r"));
        }
        until("the portion is written", async || {
            let text = std::fs::read_to_string(fixture.file()).unwrap();
            text.matches("\"authn_login_fail\"").count() == portion * 1_100
        })
        .await;
        fixture.clock.advance(20);
    }
    for reason in ["audit_excess", "tokens_accepted"] {
        until(reason, async || fixture.rows(reason).await >= 2).await;
        assert!(fixture.rows(reason).await <= 3, "{reason}");
    }
    log.close().await;
    assert!(fixture.verify_files(&[fixture.file()]).await.is_good());
    assert!(fixture.verify_rows().await.is_good());
}
