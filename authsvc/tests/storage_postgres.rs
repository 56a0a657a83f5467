//! Postgres passes the conformance suite.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

mod support;

use authsvc_core::storage::{KeysetStore, Store as _, StoreError, UserStore, conformance};
use support::postgres;

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

#[tokio::test]
async fn rows_that_this_program_does_not_write_are_named() {
    let Some(database) = postgres::database().await else {
        return;
    };
    let store = database.open().await;
    database
        .execute("INSERT INTO users (id, email, password_hash, disabled, created_at) VALUES ('not a uuid', 'a@b.c', 'x', false, 0)")
        .await;
    let email = "a@b.c".parse().unwrap();
    assert!(matches!(
        store.user_by_email(&email).await,
        Err(StoreError::Inconsistent {
            table: "users",
            column: "id"
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
