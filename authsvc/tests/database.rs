//! The database in trouble: down, slow, full, taking no writes; two replicas over one; backed up and restored.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

mod support;

use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use authsvc::config::{Database, DatabaseConfig};
use authsvc::storage::backup::{self, BackupError, BackupWriter, Header, Value};
use authsvc::storage::sqlite::SqliteStore;
use authsvc::storage::{self, BreakerPolicy, OpenError, Tuning};
use authsvc_core::storage::{BreakerState, KeysetStore, Store, StoreError, UpkeepStore, conformance};
use futures_util::FutureExt;
use http::StatusCode;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, Row};
use support::databases;
use support::in_process::{Answer, EMAIL, PASSWORD, Service};
use support::postgres::{self, Cluster, TestDatabase};
use time::OffsetDateTime;

/// Short, so that nobody waits; long enough for a loaded machine.
fn impatient() -> Tuning {
    Tuning {
        max_connections: 4,
        wait: Duration::from_millis(300),
        statement_timeout: Duration::from_millis(300),
        breaker: BreakerPolicy {
            failures: 3,
            pause: Duration::from_millis(100),
        },
    }
}

/// The same where time is no part of the test.
fn patient() -> Tuning {
    let patient = databases::patient();
    Tuning {
        wait: patient.wait,
        statement_timeout: patient.statement_timeout,
        ..impatient()
    }
}

/// Asks until it works: what is tested is that it does without anybody's help, not how soon.
async fn until_it_works<T>(what: &str, mut attempt: impl AsyncFnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        match attempt().await {
            Ok(done) => return done,
            Err(error) => assert!(Instant::now() < deadline, "{what}: {error}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn refused(answer: &Answer) {
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.problem(), "unavailable");
    assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);
}

// ---- Postgres in trouble

#[tokio::test]
async fn a_server_that_goes_away_is_503_and_comes_back_without_a_restart() {
    let Some(cluster) = Cluster::start() else { return };
    let database = cluster.database().await;
    let made = Service::start_over_store(Arc::new(database.open().await)).await;
    made.store.insert_keyset("acknowledged", "x").await.unwrap();
    let store: Arc<dyn Store> = Arc::new(database.open_with(&impatient()).await);
    let service = until_it_works("start", async || {
        let started = AssertUnwindSafe(made.replica(Arc::clone(&store))).catch_unwind();
        started.await.map_err(|_| "the database was too slow for it".to_owned())
    })
    .await;
    let token = until_it_works("a first login", async || {
        let answer = service.login(EMAIL, PASSWORD).await;
        let token = answer.json()["token"].as_str().map(str::to_owned);
        token.ok_or(format!("{}", answer.status))
    })
    .await;

    cluster.kill();
    let mut slowest = Duration::ZERO;
    for _ in 0..20 {
        let asked = Instant::now();
        refused(&service.login(EMAIL, PASSWORD).await);
        refused(&service.validate(&token).await);
        slowest = slowest.max(asked.elapsed());
    }
    assert!(slowest < Duration::from_secs(10), "{slowest:?}");
    let open = store
        .breakers()
        .iter()
        .filter(|(_, state)| *state != BreakerState::Closed)
        .count();
    assert!(open > 0, "{:?}", store.breakers());
    assert!(service.metrics.render().contains("authsvc"));

    cluster.start_server();
    until_it_works("login", async || {
        let answer = service.login(EMAIL, PASSWORD).await;
        (answer.status == StatusCode::OK)
            .then_some(())
            .ok_or(format!("{}", answer.status))
    })
    .await;
    until_it_works("validation", async || {
        let answer = service.validate(&token).await;
        (answer.status == StatusCode::OK)
            .then_some(())
            .ok_or(format!("{}", answer.status))
    })
    .await;
    let found = until_it_works("reading", async || {
        store.keyset("acknowledged").await.map_err(|error| error.to_string())
    })
    .await;
    assert_eq!(found.unwrap().sealed, "x");
}

#[tokio::test]
async fn a_server_that_does_not_answer_holds_nobody_for_long() {
    let Some(cluster) = Cluster::start() else { return };
    let database = cluster.database().await;
    database.open().await.insert_keyset("x", "sealed").await.unwrap();
    let store: Arc<dyn Store> = Arc::new(database.open_with(&impatient()).await);

    cluster.freeze();
    let asked = Instant::now();
    for _ in 0..20 {
        assert!(matches!(store.keyset("x").await, Err(StoreError::Unavailable(_))));
    }
    // Without the breaker it would be twenty times the limit of each.
    assert!(asked.elapsed() < Duration::from_secs(9), "{:?}", asked.elapsed());
    cluster.thaw();
    let found = until_it_works("reading", async || {
        store.keyset("x").await.map_err(|error| error.to_string())
    })
    .await;
    assert_eq!(found.unwrap().sealed, "sealed");
    // A write that was given up may have happened or not; one that comes now does.
    until_it_works("writing", async || match store.insert_keyset("y", "sealed").await {
        Ok(()) | Err(StoreError::Conflict) => Ok(()),
        Err(error) => Err(error.to_string()),
    })
    .await;
}

#[tokio::test]
async fn a_server_that_takes_no_writes_still_answers_what_only_reads() {
    let Some(database) = postgres::database().await else {
        return;
    };
    let store: Arc<dyn Store> = Arc::new(database.open_with(&patient()).await);
    store.insert_keyset("x", "sealed").await.unwrap();
    set_default(&database, "default_transaction_read_only = on").await;
    let refusal = until_it_works("noticing", async || match store.insert_keyset("y", "").await {
        Err(error @ StoreError::ReadOnly(_)) => Ok(error),
        other => Err(format!("{other:?}")),
    })
    .await;
    assert!(!refusal.to_string().is_empty());
    for _ in 0..10 {
        assert!(matches!(
            store.insert_keyset("y", "").await,
            Err(StoreError::ReadOnly(_))
        ));
        // A connection that was ended is noticed when it is used.
        let found = until_it_works("reading", async || {
            store.keyset("x").await.map_err(|error| error.to_string())
        });
        assert!(found.await.is_some());
    }
    set_default(&database, "default_transaction_read_only = off").await;
    until_it_works("writing", async || {
        store.insert_keyset("z", "").await.map_err(|error| error.to_string())
    })
    .await;
}

/// For connections from now on; those there are are ended.
async fn set_default(database: &TestDatabase, setting: &str) {
    let name = database.name();
    database
        .execute_outside(&format!(
            "ALTER DATABASE {name} SET {setting};
             SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        ))
        .await;
}

#[tokio::test]
async fn a_server_without_room_says_so_and_goes_on_reading() {
    let Some(database) = postgres::database().await else {
        return;
    };
    let store: Arc<dyn Store> = Arc::new(database.open_with(&patient()).await);
    store.insert_keyset("x", "sealed").await.unwrap();
    database
        .execute(
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full';
             END $$;
             CREATE TRIGGER full_disk BEFORE INSERT ON keysets FOR EACH ROW EXECUTE FUNCTION full_disk()",
        )
        .await;
    for _ in 0..10 {
        assert!(matches!(store.insert_keyset("y", "").await, Err(StoreError::Full(_))));
        assert!(store.keyset("x").await.unwrap().is_some());
    }
    database.execute("DROP TRIGGER full_disk ON keysets").await;
    store.insert_keyset("y", "").await.unwrap();
}

// ---- SQLite in trouble

#[tokio::test]
async fn a_locked_file_refuses_writers_in_bounded_time_and_readers_not_at_all() {
    let (directory, file) = sqlite_file();
    databases::open_sqlite(&file)
        .await
        .insert_keyset("x", "sealed")
        .await
        .unwrap();
    let store = databases::opened(async || SqliteStore::open_with(&file, &impatient()).await).await;
    let mut other = sqlite(&file).await;
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    let asked = Instant::now();
    for _ in 0..10 {
        assert!(matches!(
            store.insert_keyset("y", "").await,
            Err(StoreError::Unavailable(_))
        ));
        let found = until_it_works("reading", async || {
            store.keyset("x").await.map_err(|error| error.to_string())
        });
        assert!(found.await.is_some());
    }
    assert!(asked.elapsed() < Duration::from_secs(20), "{:?}", asked.elapsed());
    other.execute("COMMIT").await.unwrap();
    until_it_works("writing", async || {
        store.insert_keyset("y", "").await.map_err(|error| error.to_string())
    })
    .await;
    drop(directory);
}

/// The whole service with a limit on the size of its files, which a full disk is to it.
#[test]
fn a_full_disk_is_503_for_what_writes_and_heals_without_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("authsvc.db");
    std::fs::write(&file, "").unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = databases::opened(async || SqliteStore::open_with(&file, &patient()).await).await;
        store.insert_keyset("x", "sealed").await.unwrap();
        // Every connection obeys the size in the file's header only through this; it is the writer's to set.
        store.limit_pages(0).await.unwrap();
        let text = "x".repeat(4096);
        let mut written = 0;
        let refusal = loop {
            match store.insert_keyset(&format!("fill {written}"), &text).await {
                Ok(()) => written += 1,
                Err(error) => break error,
            }
            assert!(written < 1000, "the limit is not obeyed");
        };
        assert!(matches!(refusal, StoreError::Full(_)), "{refusal:?}");
        for _ in 0..10 {
            assert!(matches!(
                store.insert_keyset("y", &text).await,
                Err(StoreError::Full(_))
            ));
            assert!(store.keyset("x").await.unwrap().is_some());
        }
        assert!(store.breakers().iter().all(|(_, state)| *state == BreakerState::Closed));
        store.limit_pages(1 << 20).await.unwrap();
        store.insert_keyset("y", &text).await.unwrap();
        for number in 0..written {
            assert!(
                store.keyset(&format!("fill {number}")).await.unwrap().is_some(),
                "nothing is lost"
            );
        }
    });
}

// ---- two replicas over one database

#[tokio::test]
async fn replicas_share_accounts_tokens_and_the_read_only_mode() {
    let Some(database) = postgres::database().await else {
        return;
    };
    let first = Service::start_over_store(Arc::new(database.open().await)).await;
    let second = first.replica(Arc::new(database.open().await)).await;
    let token = first.token().await;
    assert_eq!(second.validate(&token).await.status, StatusCode::OK);
    assert_eq!(second.login(EMAIL, PASSWORD).await.status, StatusCode::OK);

    let at = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
    assert!(first.store.set_read_only(true, at).await.unwrap());
    // What the background work of a process does twice a second.
    assert!(second.store.refresh_mode().await.unwrap().read_only);
    for replica in [&first, &second] {
        let answer = replica.login(EMAIL, PASSWORD).await;
        refused(&answer);
        assert_eq!(answer.header("retry-after"), "5");
        assert_eq!(replica.validate(&token).await.status, StatusCode::OK, "reading goes on");
    }
    assert!(second.store.set_read_only(false, at).await.unwrap());
    first.store.refresh_mode().await.unwrap();
    assert_eq!(first.login(EMAIL, PASSWORD).await.status, StatusCode::OK);
}

// ---- backup and restore

fn at() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_900_000_000).unwrap()
}

fn sqlite_config(file: &Path) -> DatabaseConfig {
    DatabaseConfig {
        tuning: databases::patient(),
        ..DatabaseConfig::sqlite(file)
    }
}

fn sqlite_file() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("authsvc.db");
    private_files::write_new(&file, b"").unwrap();
    (directory, file)
}

async fn sqlite(file: &Path) -> sqlx::SqliteConnection {
    sqlx::sqlite::SqliteConnectOptions::new()
        .filename(file)
        .connect()
        .await
        .unwrap()
}

/// Everything that a backup of that database holds, without the rows that a restore makes or ends.
async fn content(config: &DatabaseConfig, scratch: &Path) -> Vec<String> {
    let file = scratch.join(format!("content-{}", std::fs::read_dir(scratch).unwrap().count()));
    backup::backup(config, &file, at()).await.unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    let mut table = String::new();
    let mut rows: Vec<String> = text
        .lines()
        .filter_map(|line| {
            if let Some(rest) = line.strip_prefix("{\"columns\":") {
                table = rest.to_owned();
            }
            line.starts_with('[').then(|| format!("{table} {line}"))
        })
        .filter(|row| !["revocation", "\"sessions\""].iter().any(|ended| row.contains(ended)))
        // SQLite has no booleans.
        .map(|row| row.replace("true", "1").replace("false", "0"))
        .collect();
    rows.sort();
    rows
}

#[tokio::test]
async fn a_backup_of_either_database_restores_into_either() {
    let Some(database) = postgres::database().await else {
        return;
    };
    let (directory, file) = sqlite_file();
    let scratch = directory.path();
    let sqlite_config = sqlite_config(&file);
    let store = storage::open(&sqlite_config).await.unwrap();
    conformance::run(store.as_ref()).await;
    store.close().await;
    let expected = content(&sqlite_config, scratch).await;
    assert!(expected.len() > 20, "{}", expected.len());

    let url_file = scratch.join("database.url");
    database.write_url_file(&url_file);
    let postgres_config = DatabaseConfig {
        database: Database::Postgres { url_file },
        tuning: databases::patient(),
    };
    let first = scratch.join("first.backup");
    backup::backup(&sqlite_config, &first, at()).await.unwrap();
    backup::restore(&postgres_config, &first, at()).await.unwrap();
    assert_eq!(content(&postgres_config, scratch).await, expected);
    let again = backup::restore(&postgres_config, &first, at()).await;
    assert!(matches!(again, Err(BackupError::NotEmpty(_))), "{again:?}");

    let second = scratch.join("second.backup");
    backup::backup(&postgres_config, &second, at()).await.unwrap();
    let back = DatabaseConfig::sqlite(scratch.join("back.db"));
    backup::restore(&back, &second, at()).await.unwrap();
    assert_eq!(content(&back, scratch).await, expected);
    let again = backup::restore(&back, &second, at()).await;
    assert!(matches!(again, Err(BackupError::NotEmpty(_))), "{again:?}");
    // It can be served from at once.
    let store = storage::open(&back).await.unwrap();
    store.insert_keyset("after the restore", "x").await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn r3_a_restore_brings_no_session_and_no_token_back() {
    let (directory, file) = sqlite_file();
    let config = sqlite_config(&file);
    let store = storage::open(&config).await.unwrap();
    conformance::run(store.as_ref()).await;
    store.close().await;
    let mut source = sqlite(&file).await;
    let living: i64 = sqlx::query_scalar("SELECT count(*) FROM sessions WHERE ended_at IS NULL")
        .fetch_one(&mut source)
        .await
        .unwrap();
    assert!(living > 0);

    let copy = directory.path().join("x.backup");
    backup::backup(&config, &copy, at()).await.unwrap();
    let target = directory.path().join("restored.db");
    backup::restore(&DatabaseConfig::sqlite(&target), &copy, at())
        .await
        .unwrap();
    let mut restored = sqlite(&target).await;
    let row = sqlx::query(WHAT_LIVES).fetch_one(&mut restored).await.unwrap();
    assert_eq!(WHAT_LIVES_NAMES.map(|name| row.get::<i64, _>(name)), [0, 0, 1, 0]);

    let Some(database) = postgres::database().await else {
        return;
    };
    let url_file = directory.path().join("database.url");
    database.write_url_file(&url_file);
    let target = DatabaseConfig {
        database: Database::Postgres { url_file },
        tuning: databases::patient(),
    };
    backup::restore(&target, &copy, at()).await.unwrap();
    let mut restored = database.connect().await;
    let row = sqlx::query(WHAT_LIVES).fetch_one(&mut restored).await.unwrap();
    assert_eq!(WHAT_LIVES_NAMES.map(|name| row.get::<i64, _>(name)), [0, 0, 1, 0]);
}

const WHAT_LIVES_NAMES: [&str; 4] = ["living", "feed", "everything", "ahead"];
const WHAT_LIVES: &str = "SELECT (SELECT count(*) FROM sessions WHERE ended_at IS NULL) AS living,
        (SELECT count(*) FROM revocation_feed) + (SELECT count(*) FROM revocation_deltas) AS feed,
        (SELECT count(*) FROM revocations WHERE kind = 'all' AND before = 1900000001) AS everything,
        (SELECT max(number) FROM revocations) - (SELECT last FROM revocation_counter) AS ahead";

#[tokio::test]
async fn a_backup_is_taken_while_others_write_and_is_of_one_moment() {
    let Some(database) = postgres::database().await else {
        return;
    };
    let (directory, file) = sqlite_file();
    let url_file = directory.path().join("database.url");
    database.write_url_file(&url_file);
    let postgres_config = DatabaseConfig {
        database: Database::Postgres { url_file },
        tuning: databases::patient(),
    };
    for (number, config) in [sqlite_config(&file), postgres_config].into_iter().enumerate() {
        let store = storage::open(&config).await.unwrap();
        // Two rows of one transaction: the account and the service's identity come and go together.
        let writing = Arc::clone(&store);
        let writer = tokio::spawn(async move {
            for round in 0.. {
                if writing.insert_keyset(&format!("round {round}"), "x").await.is_err() {
                    break;
                }
            }
        });
        let out = directory.path().join(format!("{number}.backup"));
        until_it_works("rows", async || match store.keyset("round 20").await {
            Ok(Some(_)) => Ok(()),
            other => Err(format!("{other:?}")),
        })
        .await;
        backup::backup(&config, &out, at()).await.unwrap();
        writer.abort();
        let _ = writer.await;
        store.close().await;
        // Rows appear in order, so a moment is a prefix of them.
        let text = std::fs::read_to_string(&out).unwrap();
        let mut rounds: Vec<u32> = text
            .lines()
            .filter_map(|line| line.split("\"round ").nth(1)?.split('"').next()?.parse().ok())
            .collect();
        rounds.sort_unstable();
        assert!(rounds.len() > 20);
        assert!(
            rounds.iter().copied().eq(0..rounds.len() as u32),
            "a prefix: {rounds:?}"
        );
    }
}

#[tokio::test]
async fn a_backup_of_an_earlier_program_is_brought_up_to_date() {
    let (directory, _) = sqlite_file();
    let early = directory.path().join("early.backup");
    let header = Header::new(vec![1], "2026-01-01T00:00:00Z".to_owned(), "sqlite");
    let mut writer = BackupWriter::begin(Vec::new(), &header).unwrap();
    let columns = ["name", "issuer_spki_sha256", "san", "created_at"].map(str::to_owned);
    writer.table("services", &columns).unwrap();
    writer
        .row(vec![
            Value::Text("orders".to_owned()),
            Value::Bytes(vec![7; 32]),
            Value::Text("dns:orders.internal".to_owned()),
            Value::Integer(1),
        ])
        .unwrap();
    private_files::write_new(&early, &writer.finish().unwrap().0).unwrap();
    let config = DatabaseConfig::sqlite(directory.path().join("restored.db"));
    backup::restore(&config, &early, at()).await.unwrap();
    let store = storage::open(&config).await.unwrap();
    let services = store.services().await.unwrap();
    assert_eq!(services.len(), 1);
    assert_eq!(
        services[0].identities.len(),
        1,
        "a later migration made it from the row"
    );
}

#[tokio::test]
async fn what_is_not_a_whole_backup_changes_nothing() {
    let (directory, file) = sqlite_file();
    let config = sqlite_config(&file);
    let store = storage::open(&config).await.unwrap();
    conformance::run(store.as_ref()).await;
    store.close().await;
    let whole = directory.path().join("whole.backup");
    backup::backup(&config, &whole, at()).await.unwrap();
    let over = backup::backup(&config, &whole, at()).await;
    assert!(matches!(over, Err(BackupError::File(_))), "never over a file: {over:?}");

    let text = std::fs::read_to_string(&whole).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let target = directory.path().join("target.db");
    let cut = lines[..lines.len() / 2].concat();
    let later = {
        let header = Header::new(vec![1, 9999], "2026-01-01T00:00:00Z".to_owned(), "sqlite");
        let writer = BackupWriter::begin(Vec::new(), &header).unwrap();
        String::from_utf8(writer.finish().unwrap().0).unwrap()
    };
    let unknown = {
        let header = Header::new(vec![1], "2026-01-01T00:00:00Z".to_owned(), "sqlite");
        let mut writer = BackupWriter::begin(Vec::new(), &header).unwrap();
        writer
            .table("users\"; DROP TABLE users; --", &["id".to_owned()])
            .unwrap();
        String::from_utf8(writer.finish().unwrap().0).unwrap()
    };
    for (number, damaged) in [cut, text.replace("dns:", "dnz:"), String::new(), later, unknown]
        .iter()
        .enumerate()
    {
        let copy = directory.path().join(format!("damaged-{number}"));
        private_files::write_new(&copy, damaged.as_bytes()).unwrap();
        let restored = backup::restore(&DatabaseConfig::sqlite(&target), &copy, at()).await;
        assert!(restored.is_err(), "{number}");
        let left: Vec<_> = std::fs::read_dir(directory.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.starts_with("target"))
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }
    let missing = DatabaseConfig::sqlite(directory.path().join("nothing.db"));
    let nothing = backup::backup(&missing, &directory.path().join("of-nothing"), at()).await;
    assert!(matches!(nothing, Err(BackupError::Open(OpenError::Missing { .. }))));
    assert!(!directory.path().join("of-nothing").exists());
}

/// What a backup does not carry would be lost in silence: identity columns have a counter of their own.
#[tokio::test]
async fn no_table_has_a_sequence_that_a_backup_would_forget() {
    let Some(database) = postgres::database().await else {
        return;
    };
    database.open().await.close().await;
    let mut connection = database.connect().await;
    let sequences: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_class WHERE relkind = 'S'")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(sequences, 0, "number rows from a row, as revocations do");
    connection.execute(AssertSqlSafe("SELECT 1".to_owned())).await.unwrap();
    connection.close().await.unwrap();
}

// ---- the commands

#[test]
fn the_database_commands_look_after_an_installation() {
    use support::process::{run, stderr, stdout};
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("home");
    let home_text = home.to_str().unwrap();
    let config = home.join("authsvc.toml").to_str().unwrap().to_owned();
    let made = run(&[
        "init",
        "--home",
        home_text,
        "--issuer",
        "https://auth.example",
        "--server-san",
        "localhost",
    ]);
    assert!(made.status.success(), "{}", stderr(&made));
    let db = |arguments: &[&str]| {
        let all: Vec<&str> = ["db"]
            .iter()
            .chain(arguments)
            .copied()
            .chain(["--config", &config])
            .collect();
        let output = run(&all);
        assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
        stdout(&output)
    };
    let status = |member: &str| {
        let json: serde_json::Value = serde_json::from_str(&db(&["status", "--json"])).unwrap();
        json[member].clone()
    };
    assert_eq!(status("pending"), serde_json::json!([]));
    assert_eq!(status("read_only"), false);

    assert!(db(&["read-only", "on"]).contains("is on"));
    assert!(db(&["read-only", "on"]).contains("already"));
    assert_eq!(status("read_only"), true);
    let refused = run(&["user", "disable", "nobody@example.com", "--config", &config]);
    assert!(!refused.status.success());
    assert!(db(&["read-only", "off"]).contains("is off"));
    assert_eq!(status("read_only"), false);

    let copy = directory.path().join("copy.backup");
    let copy_text = copy.to_str().unwrap();
    assert!(db(&["backup", "--out", copy_text]).contains("rows"));
    let again = run(&["db", "backup", "--out", copy_text, "--config", &config]);
    assert!(!again.status.success(), "never over a file");
    let over = run(&["db", "restore", "--from", copy_text, "--config", &config]);
    assert!(stderr(&over).contains("is there already"), "{}", stderr(&over));
    assert!(stdout(&run(&["db", "verify", "--from", copy_text])).contains("whole"));

    std::fs::remove_file(home.join("authsvc.db")).unwrap();
    assert!(db(&["restore", "--from", copy_text]).contains("All sessions are ended"));
    assert_eq!(status("pending"), serde_json::json!([]));
    assert!(db(&["migrate"]).contains("migrations applied"));
}
