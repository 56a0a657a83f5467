//! Where a login comes from: known sources, forwarded headers.

use std::collections::BTreeSet;
use std::sync::Arc;

use http::StatusCode;
use tokio::task::JoinSet;

use super::{hashes, login_from, send_from, start, strict};
use crate::support::in_process::{EMAIL, PASSWORD, PROXY, json_request, login_body};
use crate::support::replicas::pairs;

/// Through two replicas: where the known source logs in, it was never seen before.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn l5_fifty_sources_flood_an_account_and_its_known_source_logs_in() {
    for (first, second, _directory) in pairs().await {
        let log_in = async |source: &str| login_from(&second, source, EMAIL, PASSWORD).await.status;
        let learned = login_from(&first, "198.51.100.7", EMAIL, PASSWORD).await;
        assert_eq!(learned.status, StatusCode::OK);
        first.defence.flush().await;
        let before = hashes(&first);
        let mut tasks = JoinSet::new();
        for source in 1..=50 {
            let service = Arc::clone(if source % 2 == 0 { &first } else { &second });
            tasks.spawn(async move {
                for guess in 0..6 {
                    let password = format!("guess number {guess}");
                    login_from(&service, &format!("203.0.113.{source}"), EMAIL, &password).await;
                }
            });
        }
        // In the middle of it, too.
        assert_eq!(log_in("198.51.100.7").await, StatusCode::OK);
        tasks.join_all().await;
        let strangers = || hashes(&first) - before - 1;
        // Who was told that too many are under way comes again.
        for source in 51..=150 {
            if strangers() >= 80 {
                break;
            }
            login_from(&first, &format!("203.0.113.{source}"), EMAIL, "a guess more").await;
        }
        second.reasons();
        assert_eq!(log_in("203.0.113.200").await, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(second.reasons(), ["account_locked"]);
        let strangers = strangers();
        assert_eq!(strangers, 80);
        assert_eq!(log_in("198.51.100.7").await, StatusCode::OK);

        // The known source is no way around the ceiling either.
        let before = hashes(&first);
        for _ in 0..3 {
            for guess in 0..15 {
                let service = if guess % 2 == 0 { &first } else { &second };
                login_from(service, "198.51.100.7", EMAIL, "wrong").await;
            }
            first.clock.advance(900);
        }
        let known = hashes(&first) - before;
        assert_eq!(strangers + known, 100);
        // A day of quiet later nobody had to come to unlock it.
        first.clock.advance(86_400);
        assert_eq!(log_in("203.0.113.200").await, StatusCode::OK);
    }
}

#[tokio::test]
async fn l7_a_forged_header_gives_nobody_another_source() {
    let service = start(strict()).await;
    let login = |forwarded: String| {
        let mut request = json_request("/v1/auth", login_body(EMAIL, "wrong password here"));
        let headers = request.headers_mut();
        headers.insert("x-forwarded-for", forwarded.parse().unwrap());
        headers.insert("forwarded", format!("for={forwarded}").parse().unwrap());
        headers.insert("x-real-ip", forwarded.parse().unwrap());
        request
    };
    for number in 0..5 {
        let answer = send_from(&service, "192.0.2.1", login(format!("10.0.0.{number}"))).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
    let answer = send_from(&service, "192.0.2.1", login("10.0.0.99".into())).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    let sources: BTreeSet<_> = service
        .audit
        .take()
        .iter()
        .map(|record| record.r#where.source)
        .collect();
    assert_eq!(sources, [Some([192, 0, 2, 1].into())].into());

    // Through the proxy, the address that it has written counts: also where the client wrote others before it.
    let through = |client: &str| login(format!("192.0.2.250, {client}"));
    assert_eq!(
        send_from(&service, PROXY, through("192.0.2.1")).await.status,
        StatusCode::TOO_MANY_REQUESTS
    );
    assert_eq!(
        send_from(&service, PROXY, through("192.0.2.2")).await.status,
        StatusCode::UNAUTHORIZED
    );
    // Garbage is the proxy's own address and never none: one budget for all of it.
    let mut statuses = Vec::new();
    for garbage in ["x", "unknown", "", "999.1.1.1", "_a", "1.2.3.4 5.6.7.8"] {
        statuses.push(send_from(&service, PROXY, login(garbage.into())).await.status);
    }
    assert_eq!(statuses[..5], [StatusCode::UNAUTHORIZED; 5]);
    assert_eq!(statuses[5], StatusCode::TOO_MANY_REQUESTS);
}
