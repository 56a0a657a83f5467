//! SQLite passes the conformance suite, and refuses files that are not its own.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

use std::time::Duration;

use authsvc::storage::sqlite::SqliteStore;
use authsvc::storage::{OpenError, SchemaError, Tuning};
use authsvc_core::storage::{
    KeysetStore, RevocationStore, ServiceStore, Store, StoreError, UpkeepStore, UserStore, conformance,
};

async fn fresh(directory: &tempfile::TempDir) -> SqliteStore {
    let file = directory.path().join("authsvc.db");
    std::fs::write(&file, "").unwrap();
    SqliteStore::open(&file).await.unwrap()
}

#[tokio::test]
async fn sqlite_conforms() {
    let directory = tempfile::tempdir().unwrap();
    conformance::run(&fresh(&directory).await).await;
}

#[tokio::test]
async fn what_was_written_is_there_after_reopening() {
    let directory = tempfile::tempdir().unwrap();
    let store = fresh(&directory).await;
    store.insert_keyset("x", "sealed").await.unwrap();
    store.close().await;
    let store = SqliteStore::open(&directory.path().join("authsvc.db")).await.unwrap();
    assert_eq!(store.keyset("x").await.unwrap().unwrap().sealed, "sealed");
}

#[tokio::test]
async fn a_missing_file_is_not_made_up() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("nothing.db");
    assert!(matches!(SqliteStore::open(&file).await, Err(OpenError::Missing { .. })));
    assert!(!file.exists());
}

#[tokio::test]
async fn other_files_and_later_schemas_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("text.db");
    std::fs::write(
        &file,
        "not a database, but longer than a header of one hundred bytes would be ".repeat(9),
    )
    .unwrap();
    assert!(SqliteStore::open(&file).await.is_err());
}

#[tokio::test]
async fn a_schema_with_later_additions_is_lived_with_and_another_one_refused() {
    let directory = tempfile::tempdir().unwrap();
    fresh(&directory).await.close().await;
    let file = directory.path().join("authsvc.db");
    for addition in [
        "INSERT INTO _sqlx_migrations VALUES (9999, 'later', CURRENT_TIMESTAMP, 1, x'00', 0)",
        "ALTER TABLE keysets ADD COLUMN later TEXT",
        "CREATE TABLE later (x TEXT)",
    ] {
        execute(&file, addition).await;
    }
    let store = SqliteStore::open(&file).await.unwrap();
    conformance::run(&store).await;

    // The replica that serves learns it as well as the one that starts.
    execute(&file, "UPDATE database_state SET min_writer = 1000").await;
    store.refresh_mode().await.unwrap();
    for store in [store, SqliteStore::open(&file).await.unwrap()] {
        let refused = store.insert_keyset("y", "sealed").await;
        assert!(matches!(refused, Err(StoreError::ReadOnly(_))), "{refused:?}");
        assert!(store.keyset("conformance").await.unwrap().is_some());
    }

    let store = SqliteStore::open(&file).await.unwrap();
    execute(&file, "UPDATE database_state SET min_reader = 1000").await;
    store.refresh_mode().await.unwrap();
    assert!(matches!(store.keyset("x").await, Err(StoreError::Unavailable(_))));
    let refused = SqliteStore::open(&file).await;
    assert!(matches!(
        refused,
        Err(OpenError::Schema {
            source: SchemaError::TooNew { min_reader: 1000, .. },
            ..
        })
    ));
}

#[tokio::test]
async fn a_migration_that_was_changed_after_it_was_applied_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    fresh(&directory).await.close().await;
    let file = directory.path().join("authsvc.db");
    execute(&file, "UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 1").await;
    assert!(matches!(
        SqliteStore::open(&file).await,
        Err(OpenError::Schema {
            source: SchemaError::Changed(1),
            ..
        })
    ));
}

#[tokio::test]
async fn of_many_processes_that_start_together_one_migrates() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("authsvc.db");
    std::fs::write(&file, "").unwrap();
    // Each waits for those before it, as long as they take.
    let tuning = Tuning {
        wait: Duration::from_secs(60),
        statement_timeout: Duration::from_secs(60),
        ..Tuning::default()
    };
    let opened = futures_util::future::join_all((0..8).map(|_| SqliteStore::open_with(&file, &tuning))).await;
    for store in opened {
        store.unwrap().close().await;
    }
}

#[tokio::test]
async fn a_database_that_another_process_is_making_is_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("authsvc.db");
    std::fs::write(&file, "").unwrap();
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&file);
    let mut other = sqlx::ConnectOptions::connect(&options).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let finish = async {
        // However long it takes: what is opened too late is opened too.
        tokio::time::sleep(Duration::from_millis(100)).await;
        sqlx::query("COMMIT").execute(&mut other).await.unwrap();
    };
    let (opened, ()) = tokio::join!(SqliteStore::open(&file), finish);
    opened.unwrap().close().await;
}

#[tokio::test]
async fn rows_that_this_program_does_not_write_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let store = fresh(&directory).await;
    let file = directory.path().join("authsvc.db");
    execute(
        &file,
        "INSERT INTO users (id, email, password_hash, disabled, created_at) VALUES ('not a uuid', 'a@b.c', 'x', 0, 0)",
    )
    .await;
    execute(
        &file,
        "INSERT INTO services (name, issuer_spki_sha256, san, created_at) VALUES ('x', zeroblob(32), 'no such type:x', 0)",
    )
    .await;
    execute(
        &file,
        "INSERT INTO revocations (number, kind, name, before, exp) VALUES (1, 'all', '', 0, -5)",
    )
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
        store.services().await,
        Err(StoreError::Inconsistent {
            table: "service_identities",
            column: "san"
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

async fn execute(file: &std::path::Path, sql: &'static str) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
    let pool = sqlx::sqlite::SqlitePool::connect_with(options).await.unwrap();
    sqlx::query(sql).execute(&pool).await.unwrap();
    pool.close().await;
}
