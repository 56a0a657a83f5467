//! L1: whatever is wrong with a login, it costs the same: hashes, queries, records and bytes.
//!
//! A binary of its own, because it counts the statements of the whole process.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use authsvc_core::domain::{User, UserId, UserRecord};
use cryptokit::password::{Password, SealedHash};
use http::StatusCode;
use support::databases;
use support::in_process::{EMAIL, PASSWORD, Service, json_request, login_body};
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// Counts what sqlx says it executes, but for what sets up a connection: when the pool makes another one is no work of a
/// login's.
#[derive(Clone, Default)]
struct Statements(Arc<AtomicUsize>);

impl<S: tracing::Subscriber> Layer<S> for Statements {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "sqlx::query" {
            let mut sets_up = SetsUp(false);
            event.record(&mut sets_up);
            if sets_up.0 {
                return;
            }
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// Whether a statement is one that sets up a connection.
struct SetsUp(bool);

impl Visit for SetsUp {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "summary" {
            let value = value.trim_start();
            self.0 = value.starts_with("PRAGMA") || value.starts_with("SELECT set_config");
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.record_str(field, format!("{value:?}").trim_start_matches('"'));
    }
}

#[tokio::test]
async fn l1_known_unknown_disabled_and_spoilt_accounts_cost_the_same() {
    let statements = Statements::default();
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(statements.clone())).unwrap();
    databases::on_each(async |store| costs_the_same(Service::start_over_store(store).await, &statements).await).await;
}

async fn costs_the_same(service: Service, statements: &Statements) {
    let disabled = "disabled@example.com";
    let password = Password::new(PASSWORD).unwrap();
    service.users.add(disabled.parse().unwrap(), password).await.unwrap();
    service.set_disabled(disabled, true).await;
    let alice = service.stored(EMAIL).await;
    let keys = authsvc_core::service::open_keys(service.store.as_ref(), &service.root_key)
        .await
        .unwrap();
    for (email, hash) in [
        ("moved@example.com", alice.password_hash.as_str()),
        ("without@example.com", ""),
    ] {
        let hash = SealedHash::from_stored(hash.to_owned());
        let user = User::new(UserId::generate(), email.parse().unwrap(), hash, alice.created_at);
        let record = UserRecord::seal(user, &keys.sealing).unwrap();
        service.store.insert_user(&record).await.unwrap();
    }
    let mut costs = BTreeMap::new();
    for (case, email, password) in [
        ("wrong password", EMAIL, "not the password"),
        ("unknown", "nobody@example.com", PASSWORD),
        ("disabled, right password", disabled, PASSWORD),
        ("disabled, wrong password", disabled, "not the password"),
        ("hash of another account", "moved@example.com", PASSWORD),
        ("no hash", "without@example.com", PASSWORD),
    ] {
        let spoilt = ["moved@example.com", "without@example.com"].contains(&email);
        service.defence.unlock(&email.parse().unwrap()).await.unwrap();
        // The first one makes rows, the second changes them, the last is refused.
        for round in 0..11 {
            service.defence.flush().await;
            let before = (service.hasher.pool().completed(), statements.0.load(Ordering::SeqCst));
            service.audit.take();
            let mut request = json_request("/v1/auth", login_body(email, password));
            request.headers_mut().insert("x-request-id", "same".parse().unwrap());
            let answer = service.send(&service.public, None, request).await;
            service.defence.flush().await;
            let (status, hashes) = match round {
                10 => (StatusCode::TOO_MANY_REQUESTS, 0),
                _ => (StatusCode::UNAUTHORIZED, 1),
            };
            assert_eq!(answer.status, status, "{case}");
            let id = answer.json()["id"].as_str().unwrap().to_owned();
            // A hash that does not open is tried again with keys read anew: one statement that nobody outside can cause.
            let again = usize::from(spoilt && round < 10);
            let cost = (
                service.hasher.pool().completed() - before.0,
                statements.0.load(Ordering::SeqCst) - before.1 - again,
                service.audit.take().len(),
                String::from_utf8(answer.body.clone()).unwrap().replace(&id, "ID"),
                format!("{:?}", answer.headers),
            );
            assert_eq!((cost.0, cost.2), (hashes, 1), "{case}: hashes and records");
            assert!(cost.1 > 0, "statements are counted");
            costs.entry(cost).or_insert_with(Vec::new).push((round, case));
        }
    }
    assert_eq!(
        costs.len(),
        2,
        "one cost for what is refused, one for what fails: {costs:#?}"
    );
}
