//! How long rows are kept.

use std::time::Duration;

use authsvc::audit::file::open_private;
use authsvc::audit::retention::{Retention, prune};
use authsvc_core::audit::AuditSink;
use authsvc_core::clock::Clock;

use super::fixture::{Fixture, refusal, until};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_pruned_is_pruned_at_signed_records_and_the_rest_verifies() {
    let fixture = Fixture::new().await;
    let log = fixture.start(open_private).await;
    for day in 0..6 {
        for _ in 0..5 {
            log.record(&refusal(&fixture.clock, "alice@example.com", "r"));
        }
        until("stored", async || fixture.rows("wrong_password").await == (day + 1) * 5).await;
        log.checkpoint(None).await.unwrap();
        fixture.clock.advance(24 * 60 * 60);
    }
    let retention = Retention {
        max_age: Duration::from_secs(3 * 24 * 60 * 60),
        max_rows: 1_000_000,
    };
    let removed = prune(&log, fixture.store.as_ref(), retention, fixture.clock.now())
        .await
        .unwrap();
    assert!(removed > 10, "{removed}");
    let rows = fixture.verify_rows().await;
    assert!(rows.is_good(), "{:#?}", rows.faults);
    assert!(rows.chains[0].first > 1);
    let again = prune(&log, fixture.store.as_ref(), retention, fixture.clock.now())
        .await
        .unwrap();
    assert_eq!(again, 0);
    let few = Retention {
        max_age: retention.max_age,
        max_rows: 5,
    };
    prune(&log, fixture.store.as_ref(), few, fixture.clock.now())
        .await
        .unwrap();
    assert!(fixture.verify_rows().await.is_good());
    log.close().await;

    // Somebody who removes more than that is noticed.
    fixture
        .sql("DELETE FROM audit_rows WHERE row <= (SELECT MIN(row) FROM audit_rows)")
        .await;
    assert!(!fixture.verify_rows().await.is_good());
}
