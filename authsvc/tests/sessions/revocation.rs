//! Tokens that are revoked before their time.

use std::sync::Arc;

use authsvc_core::clock::Clock;
use cryptokit::jose::Revocation;
use http::StatusCode;
use serde_json::json;

use super::{CONSOLE, assert_dead, assert_refused, claims, login, pairs, refresh, tokens};
use crate::support::in_process::{EMAIL, PASSWORD, Service, json_request, login_body};

#[tokio::test]
async fn what_is_revoked_cannot_be_told_without_the_database() {
    let service = Service::start().await;
    let (_, access) = login(&service).await;
    assert_eq!(service.validate(&access).await.status, StatusCode::OK);
    let peer = service.peer(&["dns:orders.internal"]);
    service.store.close().await;
    service.clock.advance(3);
    let request = json_request("/v1/validate-token", json!({ "token": access }).to_string());
    let answer = service.send(&service.internal, Some(peer), request).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!answer.header("retry-after").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_revocation_appears_behind_one_that_was_seen() {
    const EACH: usize = 100;
    for (first, second, _directory) in pairs().await {
        let reader = Arc::clone(&first.store);
        let mut writers = tokio::task::JoinSet::new();
        for (name, service) in [("a", &first), ("b", &second)] {
            let sessions = Arc::clone(&service.sessions);
            writers.spawn(async move {
                for index in 0..EACH {
                    sessions.revoke_jti(&format!("{name}{index}")).await.unwrap();
                }
            });
        }
        // What a poller does that remembers the last number it saw: a sequence would let it miss some.
        let (mut seen, mut last) = (0, 0);
        while seen < 2 * EACH {
            for row in reader.revocations_after(last, 1_000).await.unwrap() {
                assert_eq!(row.number, last + 1, "without gaps, in order");
                last = row.number;
                seen += 1;
            }
        }
        while let Some(written) = writers.join_next().await {
            written.unwrap();
        }
        assert_eq!(reader.revocations_after(last, 1).await.unwrap(), []);
    }
}

#[tokio::test]
async fn tokens_are_revoked_by_jti_by_user_and_by_the_time_they_were_issued() {
    for (first, second, _directory) in pairs().await {
        let both = [&first, &second];
        let (kept, by_jti) = login(&first).await;
        first
            .sessions
            .revoke_jti(claims(&by_jti)["jti"].as_str().unwrap())
            .await
            .unwrap();
        assert_refused(&both, &by_jti).await;
        // The token only: its session goes on, with tokens that are good.
        let (kept, of_session) = tokens(&refresh(&second, &kept).await);
        assert_eq!(second.validate(&of_session).await.status, StatusCode::OK);

        let (_, of_user) = login(&second).await;
        assert_eq!(first.sessions.revoke_user(first.user_id).await.unwrap(), 2);
        assert_refused(&both, &of_user).await;
        assert_dead(&second, &kept).await;
        // The second in which it was done is over.
        first.clock.advance(1);
        let (_, anew) = login(&first).await;
        assert_eq!(second.validate(&anew).await.status, StatusCode::OK);

        first.clock.advance(10);
        let before = first.stored(EMAIL).await.created_at + time::Duration::seconds(11);
        let (living, younger) = login(&second).await;
        assert_eq!(first.sessions.revoke_issued_before(before).await.unwrap(), 1);
        assert_refused(&both, &anew).await;
        assert_eq!(second.validate(&younger).await.status, StatusCode::OK);
        tokens(&refresh(&first, &living).await);
    }
}

/// A session that has ended has no good token left, whatever moment ended it.
#[tokio::test]
async fn r4_a_session_that_ends_by_when_it_began_takes_along_the_tokens_it_got_since() {
    for (first, second, _directory) in pairs().await {
        let both = [&first, &second];
        let (token, _) = login(&first).await;
        first.clock.advance(5);
        let moment = first.clock.now();
        first.clock.advance(5);
        let (token, refreshed) = tokens(&refresh(&second, &token).await);
        let (living, of_living) = login(&second).await;
        assert_eq!(first.sessions.revoke_issued_before(moment).await.unwrap(), 1);
        assert_dead(&second, &token).await;
        assert_refused(&both, &refreshed).await;
        assert_eq!(second.validate(&of_living).await.status, StatusCode::OK);

        // Within a second: what was issued earlier in it was issued before the moment.
        let within = first.clock.now() + time::Duration::milliseconds(500);
        assert_eq!(second.sessions.revoke_issued_before(within).await.unwrap(), 1);
        assert_dead(&first, &living).await;
        assert_refused(&both, &of_living).await;
        first.clock.advance(1);
        let (younger, of_younger) = login(&first).await;
        assert_eq!(second.validate(&of_younger).await.status, StatusCode::OK);
        tokens(&refresh(&second, &younger).await);
    }
}

/// A login under way when all tokens are revoked may begin its session after all sessions were ended.
#[tokio::test]
async fn a_session_that_begins_while_all_are_revoked_ends_with_the_next_round() {
    for (first, second, _directory) in pairs().await {
        let (late, of_late) = login(&first).await;
        let now = first.clock.now();
        // As the act leaves the table that did not see the session yet.
        let all = Revocation::All {
            before: (now.unix_timestamp() + 1).unsigned_abs(),
            exp: (now.unix_timestamp() + 3720).unsigned_abs(),
        };
        first.store.revoke(&[all]).await.unwrap();
        assert_refused(&[&first, &second], &of_late).await;
        second.sessions.prune().await.unwrap();
        assert_dead(&first, &late).await;
        first.clock.advance(1);
        let (younger, _) = login(&first).await;
        second.sessions.prune().await.unwrap();
        tokens(&refresh(&first, &younger).await);
    }
}

#[tokio::test]
async fn an_administrator_revokes_any_token_and_a_service_only_its_own() {
    let service = Arc::new(Service::start().await);
    service.register_administrator("console", CONSOLE).await;
    service.register("billing", "dns:billing.internal", &["billing"]).await;
    let revoke = async |by: &str, token: &str| {
        let request = json_request("/v1/revoke", json!({ "token": token }).to_string());
        let answer = service
            .send(&service.internal, Some(service.peer(&[by])), request)
            .await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT);
    };
    // One of a browser, and one that was issued to a service.
    let (_, of_browser) = login(&service).await;
    let begun = json_request("/v1/auth", login_body(EMAIL, PASSWORD));
    let orders = Some(service.peer(&["dns:orders.internal"]));
    let (session, of_orders) = tokens(&service.send(&service.internal, orders, begun).await);
    for (by, token) in [
        ("dns:billing.internal", &of_orders),
        ("dns:billing.internal", &of_browser),
        ("dns:orders.internal", &of_browser),
    ] {
        revoke(by, token).await;
        assert_eq!(service.validate(token).await.status, StatusCode::OK, "not {by}'s");
    }
    revoke("dns:orders.internal", &of_orders).await;
    assert_refused(&[&service], &of_orders).await;
    revoke(CONSOLE, &of_browser).await;
    assert_refused(&[&service], &of_browser).await;

    // A refresh token of anybody, and with it the session.
    let again = json_request("/v1/refresh", json!({ "refresh_token": session }).to_string());
    let orders = Some(service.peer(&["dns:orders.internal"]));
    let (_, of_orders) = tokens(&service.send(&service.internal, orders, again).await);
    revoke(CONSOLE, &session).await;
    assert_refused(&[&service], &of_orders).await;
    let (browser, of_browser) = login(&service).await;
    revoke(CONSOLE, &browser).await;
    assert_refused(&[&service], &of_browser).await;
    assert_dead(&service, &browser).await;
}

#[tokio::test]
async fn a_clock_ahead_and_back_makes_no_revoked_token_good_again() {
    const AHEAD: i64 = 100_000;
    for (first, second, _directory) in pairs().await {
        let (token, access) = login(&first).await;
        first.sessions.poll().await.unwrap();
        // Long enough that the replica would forget, were it not for the clock.
        first.clock.advance(4_000);
        first.sessions.poll().await.unwrap();
        let (_, young) = tokens(&refresh(&first, &token).await);
        let logout = json_request("/v1/logout", json!({ "refresh_token": token }).to_string());
        first.send(&first.public, None, logout).await;
        first.clock.set_by(AHEAD);
        for replica in [&first, &second] {
            replica.sessions.poll().await.unwrap();
            replica.sessions.prune().await.unwrap();
        }
        first.clock.set_by(-AHEAD);
        let restarted = first.replica(Arc::clone(&first.store)).await;
        for replica in [&first, &second, &restarted] {
            replica.sessions.poll().await.unwrap();
            for access in [&access, &young] {
                assert_eq!(replica.validate(access).await.status, StatusCode::UNAUTHORIZED);
            }
            assert_eq!(replica.sessions.revocations(), 1);
        }
        // What was really over a token's longest life ago is forgotten, in memory and in the database.
        first.clock.advance(8_000);
        for _ in 0..2 {
            first.sessions.poll().await.unwrap();
            first.sessions.prune().await.unwrap();
        }
        assert_eq!(first.sessions.revocations(), 0);
        let kept = first.store.revocations_after(0, 10).await.unwrap();
        assert!(kept.is_empty(), "{kept:?}");
    }
}
