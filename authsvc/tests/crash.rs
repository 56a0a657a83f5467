//! `kill -9` at random moments: what was acknowledged is there, and nothing is half there. And what strangers send leaves
//! no more behind than the limits say.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

mod support;

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use authsvc::audit::file::{Rotation, all_files};
use authsvc::audit::retention::{Retention, prune};
use authsvc::audit::{AuditLog, AuditSetup};
use authsvc::config::{AddressForm, AuditConfig, GoodTokenForm};
use authsvc::storage::postgres::{PostgresStore, parse_url};
use authsvc_core::audit::AuditKeys;
use authsvc_core::audit::chain::Record;
use authsvc_core::clock::Clock;
use authsvc_core::service::defence::DefencePolicy;
use authsvc_core::storage::Store;
use cryptokit::jose::Revocation;
use sqlx::ConnectOptions;
use support::databases::Behind;
use support::in_process::{PASSWORD, Service};
use support::{databases, postgres};

const ROUNDS: u64 = 50;
/// Names the database of the child process, which is this test binary again.
const DATABASE: &str = "CRASH_DATABASE";
const ROUND: &str = "CRASH_ROUND";

#[test]
fn writes_acknowledged_by_sqlite_survive_kill_9() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("authsvc.db");
    std::fs::write(&file, "").unwrap();
    crash_and_check(file.to_str().unwrap(), || {});
}

#[test]
fn writes_acknowledged_by_postgres_survive_kill_9_of_either_side() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let Some(cluster) = postgres::Cluster::start() else {
        return;
    };
    let url = runtime.block_on(cluster.database()).url;
    crash_and_check(&url, || {
        cluster.kill();
        cluster.start_server();
    });
}

/// Rounds of writing until the writer is killed; `between` is done after every tenth.
fn crash_and_check(database: &str, between: impl Fn()) {
    let seed = 0x5eed_0021_u64;
    println!("seed {seed:#x}");
    let mut random = seed;
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut acknowledged = 0;
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_writer_that_is_killed", "--nocapture"])
            .env(DATABASE, database)
            .env(ROUND, round.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let acknowledgement = |line: String| line.split("ack ").nth(1)?.trim().parse::<u64>().ok();
        let first = lines.by_ref().map(Result::unwrap).find_map(acknowledgement);
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        // Not to wait for anything: the moment is what is random.
        std::thread::sleep(Duration::from_micros((random >> 33) % 20_000));
        child.kill().unwrap();
        child.wait().unwrap();
        let last = lines.map_while(Result::ok).filter_map(acknowledgement).last().or(first);
        let last = last.expect("the writer wrote");
        if round % 10 == 9 {
            between();
        }
        runtime.block_on(check(database, round, last));
        acknowledged += last + 1;
    }
    println!("{acknowledged} acknowledged writes in {ROUNDS} rounds");
}

async fn check(database: &str, round: u64, last: u64) {
    let store = open(database).await;
    for number in 0..=last {
        let found = store.keyset(&name(round, number)).await.unwrap();
        let found = found.unwrap_or_else(|| panic!("{number} of {last} in round {round} is lost"));
        assert_eq!((found.version, found.sealed.as_str()), (1, "second"));
    }
    let all = store.revocations_after(0, u32::MAX).await.unwrap();
    assert!(
        all.iter().map(|one| one.number).eq(1..=all.len() as u64),
        "numbers without a gap"
    );
    let jti = name(round, last);
    assert!(
        all.iter()
            .any(|one| matches!(&one.revocation, Revocation::Token { jti: found, .. } if *found == jti)),
        "a revocation is lost"
    );
    store.close().await;
}

/// Runs only as the child of the tests above.
#[test]
fn the_writer_that_is_killed() {
    let Some((database, round)) = assignment() else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = open(&database).await;
        for number in 0..100_000 {
            let name = name(round, number);
            store.insert_keyset(&name, "first").await.unwrap();
            assert!(store.replace_keyset(&name, 0, "second").await.unwrap());
            let token = Revocation::Token {
                jti: name,
                exp: 4_000_000_000,
            };
            store.revoke(&[token]).await.unwrap();
            let mut out = std::io::stdout().lock();
            out.write_all(format!("ack {number}\n").as_bytes()).unwrap();
            out.flush().unwrap();
        }
    });
}

#[expect(clippy::disallowed_methods, reason = "how the parent tells its child what to do")]
fn assignment() -> Option<(String, u64)> {
    let database = std::env::var(DATABASE).ok()?;
    Some((database, std::env::var(ROUND).ok()?.parse().ok()?))
}

async fn open(database: &str) -> Arc<dyn Store> {
    match parse_url(database) {
        Ok(options) => Arc::new(PostgresStore::open(options, &databases::patient()).await.unwrap()),
        Err(_) => Arc::new(databases::open_sqlite(Path::new(database)).await),
    }
}

fn name(round: u64, number: u64) -> String {
    format!("{round}-{number}")
}

// ---- what strangers leave behind

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_of_strangers_leave_bounded_state() {
    const MOST: u64 = 64;
    const MOST_ROWS: u64 = 100;
    let policy = DefencePolicy {
        max_counters: MOST,
        ..DefencePolicy::default()
    };
    for (store, behind, _directory) in databases::with_a_way_around().await {
        let started = Service::start_over_store(store).await;
        let folder = tempfile::tempdir().unwrap();
        let config = audit_config(folder.path().join("audit.jsonl"), MOST_ROWS);
        let keysets = started.keys.keysets();
        let setup = AuditSetup::new(&config);
        let log = AuditLog::start(
            &setup,
            Arc::clone(&started.store),
            AuditKeys::open(keysets).await.unwrap(),
            Arc::clone(&started.clock) as _,
        );
        let log = Arc::new(log.await.unwrap());
        let service = started.again_recording(policy, Arc::clone(&log) as _).await;
        let before = rows(&behind).await;
        let mut pruned = 0;
        for number in 0..300 {
            let address = format!("stranger{number}@example.com");
            service.login(&address, "not the password of anybody").await;
            service.login(&address, PASSWORD).await;
            service.post("/v1/auth", format!("{{\"email\":\"{address}\"")).await;
            service.get(&format!("/{number}")).await;
            service.validate(&format!("eyJhbGciOiJub25lIn0.{number}.")).await;
            for path in ["/v1/refresh", "/v1/logout", "/v1/me/password"] {
                service.post(path, format!("{{\"refresh_token\":\"{number}\"}}")).await;
            }
            service.clock.advance(5);
            // What the background work of a process does: a sixteenth of the counters at a time.
            if number % 25 == 24 {
                service.defence.flush().await;
                for _ in 0..16 {
                    service.defence.sweep().await.unwrap();
                }
                // When it is in the database, what was recorded before it is in the file.
                log.checkpoint(None).await.unwrap();
                let now = service.clock.now();
                pruned += prune(&log, service.store.as_ref(), config.retention, now)
                    .await
                    .unwrap();
            }
        }
        let after = rows(&behind).await;
        assert!(
            before
                .iter()
                .map(|(table, _)| table)
                .eq(after.iter().map(|(table, _)| table))
        );
        for ((table, before), (_, after)) in before.iter().zip(&after) {
            let most = match table.as_str() {
                // And the row that says where new counters begin.
                "attempts" => MOST as i64 + 1,
                // And what was recorded since the signed row that the rest begins with.
                "audit_rows" => MOST_ROWS as i64 + 50,
                _ => *before,
            };
            assert!(
                *after <= most.max(*before),
                "{table} has grown from {before} to {after} rows"
            );
        }
        assert!(pruned > MOST_ROWS, "rows came and went: {pruned}");

        let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(Result::unwrap).collect();
        assert_eq!(files.len(), config.rotation.keep + 1, "{files:?}");
        let bytes: u64 = files.iter().map(|file| file.metadata().unwrap().len()).sum();
        // A file takes what was to be written at once, too.
        let most = (config.rotation.keep as u64 + 1) * (config.rotation.max_bytes + (1 << 19));
        assert!(bytes <= most, "{bytes} bytes, and {most} are allowed");
        let oldest = &all_files(config.file.as_ref().unwrap())[0];
        let text = std::fs::read_to_string(oldest).unwrap();
        let first = Record::parse(text.lines().next().unwrap().as_bytes()).unwrap();
        assert!(first.seq > 300, "older files are gone: {}", first.seq);
        log.close().await;
    }
}

/// Few of everything.
fn audit_config(file: PathBuf, max_rows: u64) -> AuditConfig {
    AuditConfig {
        file: Some(file),
        standard_error: false,
        rotation: Rotation {
            max_bytes: 100_000,
            max_age: Duration::from_secs(1 << 30),
            keep: 2,
        },
        retention: Retention {
            max_age: Duration::from_secs(24 * 60 * 60),
            max_rows,
        },
        refusal_rows_per_minute: 10,
        checkpoint_interval: Duration::from_secs(60),
        addresses: AddressForm::Full,
        good_tokens: GoodTokenForm::Sums,
        replica: "a".to_owned(),
    }
}

/// How many rows each table has.
async fn rows(behind: &Behind) -> Vec<(String, i64)> {
    match behind {
        Behind::Sqlite(file) => {
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
            let mut connection = options.connect().await.unwrap();
            let tables =
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name";
            let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut connection).await.unwrap();
            let mut counted = Vec::new();
            for table in tables {
                let count = sqlx::query_scalar(count_of(&table)).fetch_one(&mut connection).await;
                counted.push((table, count.unwrap()));
            }
            counted
        }
        Behind::Postgres(database) => {
            let mut connection = database.connect().await;
            let tables = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename";
            let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut connection).await.unwrap();
            let mut counted = Vec::new();
            for table in tables {
                let count = sqlx::query_scalar(count_of(&table)).fetch_one(&mut connection).await;
                counted.push((table, count.unwrap()));
            }
            counted
        }
    }
}

fn count_of(table: &str) -> sqlx::AssertSqlSafe<String> {
    sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"))
}
