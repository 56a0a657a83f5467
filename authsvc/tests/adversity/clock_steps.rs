//! The clock is set forwards and backwards, as an administrator or a time server does: sessions that have ended stay ended,
//! what is locked stays locked, and what lives goes on. In one process with a clock of its own, on both databases.

use http::StatusCode;
use serde_json::json;

use super::support::in_process::{Answer, EMAIL, PASSWORD, Service};

/// Seconds; together nothing. A day forwards is longer than any token lives.
const STEPS: [i64; 10] = [1, -2, 60, -3600, 7200, -3659, 86_400, -86_400, -86_400, 86_400];

struct Session {
    refresh: String,
    access: String,
}

impl Session {
    fn of(answer: &Answer) -> Self {
        let json = answer.json();
        assert_eq!(answer.status, StatusCode::OK, "{json}");
        let text = |name: &str| json[name].as_str().unwrap().to_owned();
        Self {
            refresh: text("refresh_token"),
            access: text("token"),
        }
    }
}

async fn post(service: &Service, path: &str, token: &str) -> Answer {
    let body = json!({ "refresh_token": token }).to_string();
    service.post(path, body).await
}

#[tokio::test]
async fn no_step_of_the_clock_brings_back_what_has_ended_or_ends_what_lives() {
    let on_postgres = Service::start_on_postgres().await;
    for service in [Some(Service::start().await), on_postgres].into_iter().flatten() {
        // Further than it is ever set back: the certificates of this test begin when the service does.
        service.clock.advance(2 * 86_400);
        let login = async || Session::of(&service.login(EMAIL, PASSWORD).await);
        // One that its user ended, one that ended because an older token came again, one that lives.
        let ended = login().await;
        assert_eq!(
            post(&service, "/v1/logout", &ended.refresh).await.status,
            StatusCode::NO_CONTENT
        );
        let replayed = login().await;
        let newer = Session::of(&post(&service, "/v1/refresh", &replayed.refresh).await);
        let newest = Session::of(&post(&service, "/v1/refresh", &newer.refresh).await);
        assert_eq!(
            post(&service, "/v1/refresh", &replayed.refresh).await.status,
            StatusCode::UNAUTHORIZED
        );
        let mut living = login().await;

        for step in STEPS {
            service.clock.set_by(step);
            // What the background work of a process does.
            service.sessions.poll().await.unwrap();
            service.sessions.prune().await.unwrap();
            for dead in [&ended, &replayed, &newer, &newest] {
                let status = service.validate(&dead.access).await.status;
                assert_eq!(status, StatusCode::UNAUTHORIZED, "a token after a step of {step} s");
                let status = post(&service, "/v1/refresh", &dead.refresh).await.status;
                assert_eq!(status, StatusCode::UNAUTHORIZED, "a session after a step of {step} s");
            }
            living = Session::of(&post(&service, "/v1/refresh", &living.refresh).await);
            for token in [&living.access, &login().await.access] {
                let answer = service.validate(token).await;
                assert_eq!(answer.status, StatusCode::OK, "a new token after a step of {step} s");
            }
        }
    }
}

#[tokio::test]
async fn a_clock_that_is_set_back_unlocks_nobody() {
    let on_postgres = Service::start_on_postgres().await;
    for service in [Some(Service::start().await), on_postgres].into_iter().flatten() {
        for _ in 0..10 {
            service.login(EMAIL, "not the password").await;
        }
        for step in [0, -1, -3600, -30 * 86_400] {
            service.clock.set_by(step);
            service.defence.flush().await;
            service.defence.sweep().await.unwrap();
            let answer = service.login(EMAIL, PASSWORD).await;
            assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "after a step of {step} s");
        }
    }
}
