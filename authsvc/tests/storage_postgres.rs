//! Postgres passes the conformance suite.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

mod support;

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use authsvc::storage::postgres::PostgresStore;
use authsvc::storage::{OpenError, SchemaError, Tuning};
use authsvc_core::audit::chain::ChainId;
use authsvc_core::domain::{EndReason, UserId};
use authsvc_core::storage::{
    AuditChain, AuditStore, Ending, KeysetStore, RevocationStore, SessionStore, Store as _, StoreError, UpkeepStore,
    UserStore, conformance,
};
use support::{databases, postgres};
use time::OffsetDateTime;
use tokio::time::sleep;

#[tokio::test]
async fn postgres_conforms() {
    let Some(database) = postgres::database().await else {
        return;
    };
    let store = database.open().await;
    conformance::run(&store).await;
    store.close().await;
}

#[tokio::test]
async fn what_was_written_is_there_for_the_next_process() {
    let Some(database) = postgres::database().await else {
        return;
    };
    let store = database.open().await;
    store.insert_keyset("x", "sealed").await.unwrap();
    store.close().await;
    let store = database.open().await;
    assert_eq!(store.keyset("x").await.unwrap().unwrap().sealed, "sealed");
}

/// Whoever waits for a transaction may leave at any moment. What is written through the same connection after it is
/// nobody's transaction.
#[tokio::test]
async fn a_transaction_that_was_given_up_half_way_holds_nothing_that_comes_after_it() {
    let Some(database) = postgres::database().await else {
        return;
    };
    let tuning = Tuning {
        max_connections: 1,
        ..databases::patient()
    };
    let (store, other) = (database.open_with(&tuning).await, database.open().await);
    let user = UserId::generate();
    let ending = Ending {
        at: OffsetDateTime::UNIX_EPOCH,
        why: EndReason::Operator,
        tokens_end: OffsetDateTime::UNIX_EPOCH,
    };
    // Each time a little further.
    for steps in 0..20 {
        let mut work = store.end_sessions_of(user, None, &ending);
        for _ in 0..steps {
            let polled = poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await;
            if polled.is_ready() {
                break;
            }
            // Until the answer is there, or not yet.
            sleep(Duration::from_millis(2)).await;
        }
        drop(work);
        let name = format!("after {steps}");
        store.insert_keyset(&name, "sealed").await.unwrap();
        assert!(
            other.keyset(&name).await.unwrap().is_some(),
            "written {name} steps and not committed"
        );
    }
}

/// The limit for statements is for requests: it must not keep an operator from importing many accounts or ending many
/// sessions, nor rows from being removed that are too many by then.
#[tokio::test]
async fn what_concerns_any_number_of_rows_takes_as_long_as_it_takes() {
    let Some(database) = postgres::database().await else {
        return;
    };
    let hurried = Tuning {
        statement_timeout: Duration::from_millis(300),
        ..databases::patient()
    };
    let store = database.open_with(&hurried).await;
    let chain = AuditChain {
        id: ChainId::generate(),
        replica: "a".to_owned(),
        started_at: OffsetDateTime::UNIX_EPOCH,
    };
    store.insert_audit_chain(&chain).await.unwrap();
    database
        .execute(
            "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END';
             CREATE TRIGGER slow BEFORE INSERT ON users EXECUTE FUNCTION slow();
             CREATE TRIGGER slow BEFORE DELETE ON user_imports EXECUTE FUNCTION slow();
             CREATE TRIGGER slow BEFORE UPDATE ON sessions EXECUTE FUNCTION slow();
             CREATE TRIGGER slow BEFORE DELETE ON audit_rows EXECUTE FUNCTION slow();",
        )
        .await;
    let now = OffsetDateTime::UNIX_EPOCH;
    let ending = Ending {
        at: now,
        why: EndReason::Operator,
        tokens_end: now,
    };
    let request = store.erase_successors(now).await;
    assert!(matches!(request, Err(StoreError::Unavailable(_))), "{request:?}");
    assert_eq!(store.commit_import("x").await.unwrap(), 0);
    store.discard_import("x").await.unwrap();
    assert_eq!(store.prune_imports(now).await.unwrap(), 0);
    assert_eq!(store.revoke_issued_before(now, &ending).await.unwrap(), 0);
    assert_eq!(store.prune_audit(now, now, &[chain.id]).await.unwrap(), 0);
}

#[tokio::test]
async fn rows_that_this_program_does_not_write_are_named() {
    let Some(database) = postgres::database().await else {
        return;
    };
    let store = database.open().await;
    database
        .execute("INSERT INTO users (id, email, password_hash, disabled, created_at) VALUES ('not a uuid', 'a@b.c', 'x', false, 0)")
        .await;
    database
        .execute("INSERT INTO revocations (number, kind, name, before, exp) VALUES (1, 'all', '', 0, -5)")
        .await;
    let email = "a@b.c".parse().unwrap();
    assert!(matches!(
        store.user_by_email(&email).await,
        Err(StoreError::Inconsistent {
            table: "users",
            column: "id"
        })
    ));
    assert!(matches!(
        store.revocations_after(0, 10).await,
        Err(StoreError::Inconsistent {
            table: "revocations",
            column: "exp"
        })
    ));
}

#[tokio::test]
async fn commits_are_durable_whatever_the_server_says() {
    let Some(database) = postgres::database().await else {
        return;
    };
    database
        .execute(&format!(
            "ALTER DATABASE {} SET synchronous_commit = off",
            database.name()
        ))
        .await;
    let store = database.open().await;
    // What the store's own session says, as only a trigger sees it.
    database
        .execute(
            "CREATE FUNCTION say() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 NEW.sealed := current_setting('synchronous_commit') || ', ' || current_setting('transaction_isolation');
                 RETURN NEW;
             END $$;
             CREATE TRIGGER say BEFORE INSERT ON keysets FOR EACH ROW EXECUTE FUNCTION say()",
        )
        .await;
    store.insert_keyset("x", "").await.unwrap();
    assert_eq!(store.keyset("x").await.unwrap().unwrap().sealed, "on, read committed");
}

#[tokio::test]
async fn a_schema_with_later_additions_is_lived_with_and_another_one_refused() {
    let Some(database) = postgres::database().await else {
        return;
    };
    let store = database.open().await;
    // What migrations put into tables has to be there again for the second run.
    database.execute("CREATE SCHEMA seed").await;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
         AND relname <> '_sqlx_migrations'",
    )
    .fetch_all(&mut database.connect().await)
    .await
    .unwrap();
    assert!(tables.len() > 5);
    for table in &tables {
        database
            .execute(&format!("CREATE TABLE seed.{table} AS SELECT * FROM {table}"))
            .await;
    }
    // So that every statement has a plan of before.
    conformance::run(&store).await;
    database
        .execute("INSERT INTO _sqlx_migrations VALUES (9999, 'later', now(), true, '', 0)")
        .await;
    for table in &tables {
        database
            .execute(&format!("ALTER TABLE {table} ADD COLUMN later text"))
            .await;
    }
    database.execute(&format!("TRUNCATE {}", tables.join(", "))).await;
    for table in &tables {
        database
            .execute(&format!("INSERT INTO {table} SELECT * FROM seed.{table}"))
            .await;
    }
    // The replica that was there before, with its cached plans, and one of its version that starts now.
    conformance::run(&store).await;
    let second = database.open().await;

    database.execute("UPDATE database_state SET min_writer = 1000").await;
    store.refresh_mode().await.unwrap();
    for store in [&store, &database.open().await] {
        let refused = store.insert_keyset("y", "sealed").await;
        assert!(matches!(refused, Err(StoreError::ReadOnly(_))), "{refused:?}");
        assert!(store.keyset("conformance").await.unwrap().is_some());
    }
    database.execute("UPDATE database_state SET min_reader = 1000").await;
    second.refresh_mode().await.unwrap();
    assert!(matches!(second.keyset("x").await, Err(StoreError::Unavailable(_))));
    let refused = PostgresStore::open(database.options(), &Tuning::default()).await;
    assert!(matches!(
        refused,
        Err(OpenError::Schema {
            source: SchemaError::TooNew { min_reader: 1000, .. },
            ..
        })
    ));
}

#[tokio::test]
async fn of_many_replicas_that_start_together_one_migrates() {
    let Some(database) = postgres::database().await else {
        return;
    };
    let opened = futures_util::future::join_all((0..8).map(|_| database.open())).await;
    for store in opened {
        store.close().await;
    }
}

#[tokio::test]
async fn a_replica_that_has_nothing_to_migrate_needs_no_right_to() {
    let Some(database) = postgres::database().await else {
        return;
    };
    database.open().await.close().await;
    let role = format!("{}_server", database.name());
    database
        .execute(&format!(
            "CREATE ROLE {role} LOGIN;
             REVOKE CREATE ON SCHEMA public FROM PUBLIC;
             GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};
             GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}"
        ))
        .await;
    let store = PostgresStore::open(database.options().username(&role), &databases::patient())
        .await
        .unwrap();
    conformance::run(&store).await;
}
