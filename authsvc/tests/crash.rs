//! `kill -9` at random moments: what was acknowledged is there, and nothing is half there. And what strangers send leaves
//! no more behind than the limits say.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

mod support;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use authsvc::storage::postgres::{PostgresStore, parse_url};
use authsvc_core::service::defence::DefencePolicy;
use authsvc_core::storage::Store;
use cryptokit::jose::Revocation;
use sqlx::ConnectOptions;
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

#[tokio::test]
async fn requests_of_strangers_leave_bounded_state() {
    const MOST: u64 = 64;
    let policy = DefencePolicy {
        max_counters: MOST,
        ..DefencePolicy::default()
    };
    let service = Service::start_with_policy(policy, |hasher| hasher).await;
    let file = service.directory.path().join("authsvc.db");
    let before = rows(&file).await;
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
    }
    // What the background work of a process does: a sixteenth of the counters at a time.
    service.defence.flush().await;
    for _ in 0..16 {
        service.defence.sweep().await.unwrap();
    }
    let after = rows(&file).await;
    for ((table, before), (_, after)) in before.iter().zip(&after) {
        let most = match table.as_str() {
            // And the row that says where new counters begin.
            "attempts" => MOST as i64 + 1,
            _ => *before,
        };
        assert!(
            *after <= most.max(*before),
            "{table} has grown from {before} to {after} rows"
        );
    }
}

async fn rows(file: &Path) -> Vec<(String, i64)> {
    let mut connection = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(file)
        .connect()
        .await
        .unwrap();
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    let mut counted = Vec::new();
    for table in tables {
        let count = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}")))
            .fetch_one(&mut connection)
            .await
            .unwrap();
        counted.push((table, count));
    }
    counted
}
