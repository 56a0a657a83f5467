//! A newer version over the database of the one before, which goes on serving meanwhile.
//!
//! The version before is the one whose registrations and sessions had no seals: its statements stand here as it wrote them,
//! with their values. What it makes is served by the new one as soon as an operator has vouched for it, and not before
//! (ADR 0035).

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

mod support;

use authsvc_core::clock::Clock;
use authsvc_core::domain::{RefreshToken, SessionId, TokenDigest};
use authsvc_core::service::seal_unsealed_rows;
use http::StatusCode;
use serde_json::json;
use support::databases::{self, Behind};
use support::in_process::{Answer, EMAIL, PASSWORD, Service};
use time::OffsetDateTime;
use tokio::sync::watch;

/// The version before, without its program.
struct Older<'a>(&'a Behind);

impl Older<'_> {
    /// Leaves the database as it was before the migration that brought seals.
    async fn make(&self) {
        for statement in [
            "ALTER TABLE services DROP COLUMN seal",
            "ALTER TABLE sessions DROP COLUMN seal",
            "DELETE FROM _sqlx_migrations WHERE version = 14",
        ] {
            self.0.execute_same(statement).await;
        }
    }

    /// Begins a session of that account.
    async fn begin(&self, user: &str, now: OffsetDateTime) -> (SessionId, RefreshToken) {
        let (id, token) = (SessionId::generate(), RefreshToken::generate());
        let (from, to) = (now.unix_timestamp(), now.unix_timestamp() + 3_600);
        self.run(
            &format!(
                "INSERT INTO sessions (id, user_id, issuer_spki_sha256, san, client_id, family, generation, current,
                     audience, scope, amr, created_at, last_used_at, idle_end, absolute_end, source, user_agent, bind_tokens)
                 VALUES ('{id}', '{user}', NULL, NULL, 'web', FAMILY, 0, CURRENT, 'orders', NULL, 'pwd', {from}, {from}, {to},
                     {to}, NULL, NULL, FALSE)"
            ),
            &[("FAMILY", token.family()), ("CURRENT", token.digest())],
        )
        .await;
        (id, token)
    }

    /// Rotates a session's token.
    async fn rotate(
        &self,
        session: SessionId,
        generation: u64,
        token: &RefreshToken,
        now: OffsetDateTime,
    ) -> RefreshToken {
        let successor = token.successor();
        let now = now.unix_timestamp();
        self.run(
            &format!(
                "UPDATE sessions SET generation = generation + 1, spent = current, current = SUCCESSOR, successor = NULL,
                     retry_end = {now}, spent_by = CLIENT, last_used_at = {now}, idle_end = {now} + 3600
                 WHERE id = '{session}' AND generation = {generation} AND current = PRESENTED AND ended_at IS NULL"
            ),
            &[("SUCCESSOR", successor.digest()), ("PRESENTED", token.digest()), ("CLIENT", TokenDigest([7; 32]))],
        )
        .await;
        successor
    }

    /// Ends a session.
    async fn end(&self, session: SessionId, now: OffsetDateTime) {
        let now = now.unix_timestamp();
        self.run(
            &format!(
                "UPDATE sessions SET ended_at = {now}, end_reason = 'logout', successor = NULL
                 WHERE id = '{session}' AND ended_at IS NULL"
            ),
            &[],
        )
        .await;
    }

    /// Writes bytes as each of the databases reads them.
    async fn run(&self, sql: &str, digests: &[(&str, TokenDigest)]) {
        let (mut sqlite, mut postgres) = (sql.to_owned(), sql.to_owned());
        for (name, digest) in digests {
            let hex: String = digest.0.iter().map(|byte| format!("{byte:02x}")).collect();
            sqlite = sqlite.replace(name, &format!("x'{hex}'"));
            postgres = postgres.replace(name, &format!("'\\x{hex}'::bytea"));
        }
        self.0.execute(&sqlite, &postgres).await;
    }
}

async fn refresh(service: &Service, token: &RefreshToken) -> Answer {
    let body = json!({ "refresh_token": token.to_text().expose_secret() });
    service.post("/v1/refresh", body.to_string()).await
}

/// The generation of a session, and whether it has ended.
async fn state(service: &Service, session: SessionId) -> (u64, bool) {
    let found = service.store.session_by_id(session).await.unwrap().unwrap();
    (found.generation, found.ended.is_some())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_without_seals_goes_on_while_this_one_migrates_and_what_it_makes_is_vouched_for() {
    for (store, behind, _directory) in databases::with_a_way_around().await {
        let made = Service::start_over_store(store).await;
        let user = made.user_id.to_string();
        made.store.close().await;
        let older = Older(&behind);
        older.make().await;
        let now = made.clock.now();
        let (_, from_before) = older.begin(&user, now).await;

        // It begins and rotates sessions all the time while the new version opens its database.
        let (migrated, mut is_migrated) = watch::channel(false);
        let serving = async {
            let (session, mut token) = older.begin(&user, now).await;
            let mut rounds = 0;
            // And a few times more on the new schema.
            let mut rest = 3;
            while rest > 0 && rounds < 10_000 {
                token = older.rotate(session, rounds, &token, now).await;
                rounds += 1;
                if *is_migrated.borrow_and_update() {
                    rest -= 1;
                }
            }
            (session, token, rounds)
        };
        let opening = async {
            let store = behind.open().await;
            migrated.send_replace(true);
            store
        };
        let ((rotated, of_rotated, rounds), store) = tokio::join!(serving, opening);
        let service = made.replica(store).await;
        assert_eq!(
            state(&service, rotated).await,
            (rounds, false),
            "nothing of it was lost"
        );
        let (_, from_between) = older.begin(&user, now).await;

        // What nobody has vouched for is good for nothing, and says so.
        service.reasons();
        for token in [&from_before, &of_rotated, &from_between] {
            assert_eq!(refresh(&service, token).await.problem(), "invalid-token");
            assert_eq!(service.reasons(), ["altered_session"]);
        }
        let login = service.login(EMAIL, PASSWORD).await.json();
        let access = login["token"].as_str().unwrap();
        assert_eq!(service.validate(access).await.problem(), "caller-not-allowed");
        let seal = || seal_unsealed_rows(service.store.as_ref(), &service.keys, service.clock.now());
        assert_eq!(seal().await.unwrap(), (1, 3));
        assert_eq!(service.validate(access).await.status, StatusCode::OK);
        for token in [&from_before, &from_between] {
            assert_eq!(refresh(&service, token).await.status, StatusCode::OK);
        }

        // Side by side over one session: each goes on where the other was.
        let of_rotated = older.rotate(rotated, rounds, &of_rotated, now).await;
        let answer = refresh(&service, &of_rotated).await;
        assert_eq!(answer.status, StatusCode::OK);
        let next = RefreshToken::parse(answer.json()["refresh_token"].as_str().unwrap()).unwrap();
        let next = older.rotate(rotated, rounds + 2, &next, now).await;
        assert_eq!(state(&service, rotated).await, (rounds + 3, false));
        older.end(rotated, now).await;
        assert_eq!(refresh(&service, &next).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(state(&service, rotated).await, (rounds + 3, true));
    }
}
