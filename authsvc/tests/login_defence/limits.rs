//! How many guesses there are, and for what.

use std::sync::Arc;

use http::StatusCode;
use tokio::task::JoinSet;

use super::{UNKNOWN, hashes, login_from, send_from, start, strict};
use crate::support::in_process::{EMAIL, PASSWORD, json_request, login_body};

#[tokio::test]
async fn l2_limits_set_in_alike_for_an_account_and_for_none() {
    let service = start(strict()).await;
    let mut seen = Vec::new();
    for email in [EMAIL, UNKNOWN] {
        let mut of_this = Vec::new();
        for _ in 0..8 {
            let mut request = json_request("/v1/auth", login_body(email, "wrong password here"));
            request.headers_mut().insert("x-request-id", "same".parse().unwrap());
            let answer = send_from(&service, "192.0.2.1", request).await;
            let id = answer.json()["id"].as_str().unwrap().to_owned();
            let body = String::from_utf8(answer.body.clone()).unwrap().replace(&id, "ID");
            of_this.push((answer.status, format!("{:?}", answer.headers), body));
        }
        assert!(of_this[..5].iter().all(|answer| answer.0 == StatusCode::UNAUTHORIZED));
        assert!(
            of_this[5..]
                .iter()
                .all(|answer| answer.0 == StatusCode::TOO_MANY_REQUESTS)
        );
        assert!(of_this[5].1.contains("\"retry-after\": \"900\""), "{}", of_this[5].1);
        seen.push(of_this);
    }
    assert_eq!(seen[0], seen[1]);
    let reasons = service.reasons();
    assert_eq!(reasons[5..8], ["account_source_limit"; 3]);
    // The right password is not looked at either.
    let before = hashes(&service);
    let answer = login_from(&service, "192.0.2.1", EMAIL, PASSWORD).await;
    assert_eq!(
        (answer.status, answer.problem()),
        (StatusCode::TOO_MANY_REQUESTS, "too-many-requests".into())
    );
    assert_eq!(hashes(&service), before, "before any hash");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn l3_two_hundred_wrong_passwords_at_once_compute_five_hashes() {
    let service = Arc::new(start(strict()).await);
    let before = hashes(&service);
    let mut tasks = JoinSet::new();
    for _ in 0..200 {
        let service = Arc::clone(&service);
        tasks.spawn(async move {
            login_from(&service, "192.0.2.1", EMAIL, "wrong password here")
                .await
                .status
        });
    }
    let answers = tasks.join_all().await;
    assert_eq!(hashes(&service) - before, 5);
    assert_eq!(
        answers
            .iter()
            .filter(|status| **status == StatusCode::UNAUTHORIZED)
            .count(),
        5
    );
    assert_eq!(
        answers
            .iter()
            .filter(|status| **status == StatusCode::TOO_MANY_REQUESTS)
            .count(),
        195
    );
}

#[tokio::test]
async fn l4_spellings_share_a_counter_or_are_refused() {
    let service = start(strict()).await;
    for email in [
        "Alice@example.com",
        "alice@EXAMPLE.com",
        "ALICE@EXAMPLE.COM",
        "alice@Example.com",
        EMAIL,
    ] {
        assert_eq!(
            login_from(&service, "192.0.2.1", email, "wrong").await.status,
            StatusCode::UNAUTHORIZED
        );
    }
    for email in ["alice@example.com", "aLice@example.com"] {
        assert_eq!(
            login_from(&service, "192.0.2.1", email, PASSWORD).await.status,
            StatusCode::TOO_MANY_REQUESTS
        );
    }
    let before = hashes(&service);
    for email in [
        "alice@example.com ",
        " alice@example.com",
        "alice@example.com\u{0}",
        "alice@example.com\n",
        "alice@example.com\u{200b}",
        "alice@example.com.",
        "\u{ff41}lice@example.com",
        "\u{430}lice@example.com",
        "\"alice\"@example.com",
        "alice(x)@example.com",
        "alice@ex\u{e4}mple.com",
        "alice@example\u{3002}com",
        "alice",
    ] {
        let status = login_from(&service, "192.0.2.9", email, PASSWORD).await.status;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{email:?}");
    }
    assert_eq!(hashes(&service), before);
}
