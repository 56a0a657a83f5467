//! A database that fails in the middle of a use case.

use http::StatusCode;
use serde_json::json;

use super::{login, refresh, tokens};
use crate::support::databases::{self, Behind};
use crate::support::in_process::{Answer, EMAIL, PASSWORD, Service};

/// Makes every write to the sessions' table fail: after tokens were signed, and before anything is answered.
struct Fault(Behind);

impl Fault {
    async fn begin(&self, when: &str) {
        let (sqlite, timing) = match when {
            "INSERT" => (
                "CREATE TRIGGER injected BEFORE INSERT ON sessions BEGIN SELECT RAISE(ABORT, 'injected'); END",
                "DEFERRABLE INITIALLY IMMEDIATE",
            ),
            // On Postgres when the transaction commits, after the statement has succeeded.
            _ => (
                "CREATE TRIGGER injected AFTER UPDATE ON sessions BEGIN SELECT RAISE(ABORT, 'injected'); END",
                "DEFERRABLE INITIALLY DEFERRED",
            ),
        };
        let postgres = format!(
            "CREATE OR REPLACE FUNCTION injected() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN RAISE EXCEPTION 'injected'; END $$;
             CREATE CONSTRAINT TRIGGER injected AFTER {when} ON sessions {timing}
                 FOR EACH ROW EXECUTE FUNCTION injected();"
        );
        self.0.execute(sqlite, &postgres).await;
    }

    async fn end(&self) {
        self.0
            .execute("DROP TRIGGER injected", "DROP TRIGGER injected ON sessions")
            .await;
    }
}

#[tokio::test]
async fn r10_a_write_that_fails_after_signing_leaves_no_session_no_token_and_nothing_spent() {
    for (store, behind, _directory) in databases::with_a_way_around().await {
        let (service, fault) = (Service::start_over_store(store).await, Fault(behind));
        let living = async || service.sessions.of_user(service.user_id).await.unwrap();
        let failed = |answer: &Answer| {
            assert!(answer.status.is_server_error(), "{}", answer.status);
            let text = String::from_utf8(answer.body.clone()).unwrap();
            assert!(!text.contains("eyJ") && !text.contains("asr1_"), "no token in any form");
        };
        fault.begin("INSERT").await;
        failed(&service.login(EMAIL, PASSWORD).await);
        fault.end().await;
        assert_eq!(living().await, []);

        let (token, _) = login(&service).await;
        let before = living().await;
        fault.begin("UPDATE").await;
        failed(&refresh(&service, &token).await);
        // An end that is not written is not claimed either.
        let body = json!({ "refresh_token": token }).to_string();
        failed(&service.post("/v1/logout", body).await);
        fault.end().await;
        assert_eq!(living().await, before, "nothing is spent");
        let (next, access) = tokens(&refresh(&service, &token).await);
        assert_eq!(service.validate(&access).await.status, StatusCode::OK);
        tokens(&refresh(&service, &next).await);
    }
}
