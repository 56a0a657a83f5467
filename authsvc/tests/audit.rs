//! The audit log under what breaks logs: rotation, moved files, full disks, a database that is away, floods, crashes.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use authsvc::audit::file::{Open, Output, Rotation, all_files, open_private};
use authsvc::audit::retention::{Retention, prune};
use authsvc::audit::{AuditLog, AuditSetup, COMMANDS_CHAIN, CommandLog};
use authsvc::config::{AddressForm, AuditConfig, GoodTokenForm};
use authsvc::storage::Tuning;
use authsvc::storage::sqlite::SqliteStore;
use authsvc_core::audit::chain::{Expectation, KnownLines, Place, PublicKeys, Record, Thread, Verdict, Verifier};
use authsvc_core::audit::reasons::login::WRONG_PASSWORD;
use authsvc_core::audit::{
    Act, ActError, Action, AuditKeys, AuditRecord, AuditSink, GivenAddress, Operator, Outcome, Reason, RecordId,
    Target, Where, Who, perform,
};
use authsvc_core::clock::{Clock, TestClock};
use authsvc_core::service::SealedKeysets;
use authsvc_core::storage::{AuditQuery, AuditStore, Store};
use cryptokit::keyset::RootKey;
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(60);

/// A disk that others keep busy is no outage.
fn patient() -> Tuning {
    Tuning {
        wait: PATIENCE,
        ..Tuning::default()
    }
}

struct Fixture {
    directory: tempfile::TempDir,
    database: PathBuf,
    store: Arc<SqliteStore>,
    keysets: SealedKeysets,
    clock: Arc<TestClock>,
    config: AuditConfig,
}

impl Fixture {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("authsvc.db");
        std::fs::write(&database, "").unwrap();
        let store = Arc::new(SqliteStore::open_with(&database, &patient()).await.unwrap());
        let keysets = SealedKeysets::new(Arc::clone(&store) as Arc<dyn Store>, Arc::new(RootKey::generate()));
        let config = AuditConfig {
            file: Some(directory.path().join("audit.jsonl")),
            standard_error: false,
            rotation: Rotation {
                max_bytes: 1 << 30,
                max_age: Duration::from_secs(1 << 30),
                keep: 1000,
            },
            retention: Retention {
                max_age: Duration::from_secs(24 * 60 * 60),
                max_rows: 1_000_000,
            },
            refusal_rows_per_minute: 1_000_000,
            checkpoint_interval: Duration::from_secs(60),
            addresses: AddressForm::Full,
            good_tokens: GoodTokenForm::Sums,
            replica: "a".to_owned(),
        };
        Self {
            database,
            directory,
            store,
            keysets,
            clock: Arc::new(TestClock::at(1_800_000_000)),
            config,
        }
    }

    fn file(&self) -> PathBuf {
        self.config.file.clone().unwrap()
    }

    async fn keys(&self) -> AuditKeys {
        AuditKeys::open(&self.keysets).await.unwrap()
    }

    async fn start(&self, open: Open) -> Arc<AuditLog> {
        let setup = AuditSetup {
            config: self.config.clone(),
            open,
        };
        let store = Arc::clone(&self.store) as Arc<dyn Store>;
        let log = AuditLog::start(&setup, store, self.keys().await, Arc::clone(&self.clock) as _);
        Arc::new(log.await.unwrap())
    }

    async fn public_keys(&self) -> PublicKeys {
        PublicKeys::of(&self.keys().await.signing).unwrap()
    }

    async fn verify_files(&self, files: &[PathBuf]) -> Verdict {
        let keys = self.public_keys().await;
        let mut verifier = Verifier::new(&keys, Thread::Lines);
        read_lines(&mut verifier, files);
        verifier.finish()
    }

    /// The files as a whole log, after the database.
    async fn verify_log(&self, files: &[PathBuf]) -> Verdict {
        let keys = self.public_keys().await;
        let (known, rows) = self.read_rows(&keys).await;
        assert!(rows.is_good(), "{:#?}", rows.faults);
        let chains = self.store.audit_chains().await.unwrap();
        let replicas = chains.into_iter().map(|chain| (chain.id, chain.replica)).collect();
        let mut verifier = Verifier::new(&keys, Thread::Lines);
        verifier.whole_log(&self.config.replica, replicas, known);
        read_lines(&mut verifier, files);
        verifier.finish()
    }

    async fn verify_rows(&self) -> Verdict {
        self.read_rows(&self.public_keys().await).await.1
    }

    async fn read_rows(&self, keys: &PublicKeys) -> (KnownLines, Verdict) {
        let mut verifier = Verifier::new(keys, Thread::Rows);
        let chains = self.store.audit_chains().await.unwrap();
        for chain in &chains {
            for row in self.store.audit_rows(chain.id, 0, 1).await.unwrap() {
                let record = Record::parse(row.line.as_bytes()).unwrap();
                if let Some(expectation) = Expectation::of(&record).filter(|_| row.row == 1) {
                    verifier.expect(expectation);
                }
            }
        }
        for chain in &chains {
            for row in self.store.audit_rows(chain.id, 0, 1_000_000).await.unwrap() {
                let place = Place::Row {
                    chain: chain.id.to_string(),
                    row: row.row,
                };
                let record = verifier.add(row.line.as_bytes(), place).unwrap();
                assert_eq!(record.facts, row.facts, "the columns are what the line says");
            }
        }
        (verifier.known_lines().clone(), verifier.finish())
    }

    async fn rows(&self, reason: &str) -> usize {
        let query = AuditQuery {
            reason: Some(reason.to_owned()),
            ..AuditQuery::default()
        };
        self.store.search_audit(&query, None, 1_000_000).await.unwrap().len()
    }

    async fn sql(&self, sql: &'static str) {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&self.database);
        let pool = sqlx::sqlite::SqlitePool::connect_with(options).await.unwrap();
        sqlx::query(sql).execute(&pool).await.unwrap();
        pool.close().await;
    }
}

fn read_lines(verifier: &mut Verifier<'_>, files: &[PathBuf]) {
    for file in files {
        for (number, line) in std::fs::read_to_string(file).unwrap().lines().enumerate() {
            let place = Place::Line {
                file: file.display().to_string(),
                line: number as u64 + 1,
            };
            verifier.add(line.as_bytes(), place);
        }
    }
}

fn refusal(clock: &TestClock, address: &str, request_id: &str) -> AuditRecord {
    AuditRecord {
        id: RecordId::generate(),
        time: clock.now(),
        who: Who {
            address: Some(GivenAddress::of(address)),
            ..Who::default()
        },
        what: Action::Login,
        r#where: Where {
            source: Some([192, 0, 2, 7].into()),
            route: Some("/v1/auth"),
            listener: "public",
            request_id: Some(request_id.to_owned()),
        },
        outcome: Outcome::Failure(Reason::from(WRONG_PASSWORD)),
    }
}

fn act() -> Act {
    Act {
        operator: Operator::SystemUser {
            name: "root (0)".into(),
        },
        name: "user.disable",
        target: Target::address(&"alice@example.com".parse().unwrap()),
        note: None,
    }
}

async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done().await {
        assert!(Instant::now() < deadline, "not so in time: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A file that a test can fill up (`FILE.full`) or break (`FILE.broken`).
#[derive(Debug)]
struct Fragile {
    file: Box<dyn Output>,
    path: PathBuf,
    was_short: bool,
}

impl Fragile {
    fn open(path: &Path) -> io::Result<Box<dyn Output>> {
        if sibling(path, "broken").exists() {
            return Err(io::Error::from_raw_os_error(rustix::io::Errno::IO.raw_os_error()));
        }
        Ok(Box::new(Self {
            file: open_private(path)?,
            path: path.to_owned(),
            was_short: false,
        }))
    }
}

fn sibling(path: &Path, name: &str) -> PathBuf {
    path.with_extension(name)
}

impl Output for Fragile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let error = |error: rustix::io::Errno| io::Error::from_raw_os_error(error.raw_os_error());
        for (name, errno) in [("full", rustix::io::Errno::NOSPC), ("broken", rustix::io::Errno::IO)] {
            if sibling(&self.path, name).exists() {
                // What a disk does that fills up: it takes some of it, and then nothing.
                if !std::mem::replace(&mut self.was_short, true) && bytes.len() >= 3 {
                    return self.file.append(&bytes[..bytes.len() / 3]);
                }
                return Err(error(errno));
            }
        }
        self.was_short = false;
        self.file.append(bytes)
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        if sibling(&self.path, "broken").exists() {
            return Err(io::Error::from_raw_os_error(rustix::io::Errno::IO.raw_os_error()));
        }
        self.file.truncate(len)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync()
    }

    fn identity(&self) -> io::Result<((u64, u64), u64)> {
        self.file.identity()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a3_rotation_moved_files_full_disks_and_io_errors_under_load_leave_the_chain_whole() {
    let mut fixture = Fixture::new().await;
    fixture.config.rotation.max_bytes = 40_000;
    let log = fixture.start(Fragile::open).await;
    let file = fixture.file();
    let mut moved = Vec::new();
    let mut recorded = 0;
    for round in 0..60 {
        for _ in 0..20 {
            log.record(&refusal(&fixture.clock, "alice@example.com", "r"));
            recorded += 1;
        }
        // Records are taken in order: when this one is in the database, those before it were written or wait.
        perform(log.as_ref(), fixture.clock.as_ref(), act(), async {
            Ok::<(), String>(())
        })
        .await
        .unwrap();
        recorded += 2;
        match round % 10 {
            2 => std::fs::write(sibling(&file, "full"), "").unwrap(),
            4 => std::fs::remove_file(sibling(&file, "full")).unwrap(),
            5 if file.exists() => {
                let aside = fixture.directory.path().join(format!("moved-{round:03}"));
                std::fs::rename(&file, &aside).unwrap();
                moved.push(aside);
            }
            6 => std::fs::write(sibling(&file, "broken"), "").unwrap(),
            8 => std::fs::remove_file(sibling(&file, "broken")).unwrap(),
            _ => {}
        }
    }
    log.close().await;

    let mut files = all_files(&file);
    // A file that could not even be cut back ends in a torn line.
    for path in &files {
        let text = std::fs::read(path).unwrap();
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        std::fs::write(path, &text[..whole]).unwrap();
    }
    files.extend(moved);
    files.retain(|path| std::fs::metadata(path).unwrap().len() > 0);
    files.sort_by_key(|path| {
        let text = std::fs::read_to_string(path).unwrap();
        Record::parse(text.lines().next().unwrap().as_bytes()).unwrap().seq
    });
    assert!(files.len() > 5, "it was rotated and moved: {files:?}");
    let verdict = fixture.verify_files(&files).await;
    assert!(verdict.is_good(), "{:#?}", verdict.faults);
    assert!(verdict.records >= recorded, "{} of {recorded}", verdict.records);
    assert_eq!(verdict.chains[0].lost, 0, "what found no room waited for it");
    assert!(fixture.verify_rows().await.is_good());
    assert_eq!(fixture.rows("wrong_password").await, 1200);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_rotation_removes_are_on_record_and_no_others_may_be_missing() {
    let mut fixture = Fixture::new().await;
    fixture.config.rotation.max_bytes = 4_000;
    fixture.config.rotation.keep = 2;
    // The second process goes on where the first one has ended.
    for process in 0..2 {
        let log = fixture.start(open_private).await;
        for _ in 0..40 {
            log.record(&refusal(&fixture.clock, "alice@example.com", "r"));
            perform(log.as_ref(), fixture.clock.as_ref(), act(), async {
                Ok::<(), String>(())
            })
            .await
            .unwrap();
            fixture.clock.advance(1);
        }
        log.close().await;
        let files = all_files(&fixture.file());
        assert_eq!(files.len(), 3, "process {process}: {files:?}");
        let verdict = fixture.verify_log(&files).await;
        assert!(verdict.is_good(), "process {process}: {:#?}", verdict.faults);
        assert!(
            verdict.chains.iter().all(|chain| chain.first > 1),
            "older files were removed"
        );
    }
    let files = all_files(&fixture.file());
    assert!(
        !fixture.verify_log(&files[1..]).await.is_good(),
        "one file more is missing"
    );
    assert!(
        !fixture.verify_log(&files[..2]).await.is_good(),
        "the last one is missing"
    );
    assert!(!fixture.verify_log(&[]).await.is_good(), "all are missing");
    assert!(
        fixture.verify_files(&files[1..]).await.is_good(),
        "as a piece it is good"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a3_lines_beyond_what_memory_holds_are_lost_on_record() {
    let fixture = Fixture::new().await;
    let log = fixture.start(Fragile::open).await;
    let full = sibling(&fixture.file(), "full");
    std::fs::write(&full, "").unwrap();
    // Twelve megabytes of lines, in portions that the queue takes.
    let long = "r".repeat(3000);
    for portion in 0..40 {
        for _ in 0..100 {
            log.record(&refusal(&fixture.clock, "alice@example.com", &long));
        }
        until("the portion is stored", async || {
            fixture.rows("wrong_password").await == (portion + 1) * 100
        })
        .await;
    }
    std::fs::remove_file(&full).unwrap();
    log.record(&refusal(&fixture.clock, "alice@example.com", "after"));
    until("the gap is on record", async || fixture.rows("audit_gap").await >= 1).await;
    log.close().await;
    let verdict = fixture.verify_files(&[fixture.file()]).await;
    assert!(verdict.is_good(), "{:#?}", verdict.faults);
    assert!(verdict.chains[0].lost > 500, "{}", verdict.chains[0].lost);
    let rows = fixture.verify_rows().await;
    assert!(rows.is_good(), "{:#?}", rows.faults);
    assert_eq!(fixture.rows("wrong_password").await, 4001, "the database has them all");
}

#[tokio::test(flavor = "multi_thread")]
async fn a3_acts_are_refused_and_logins_go_on_while_the_database_takes_nothing() {
    let fixture = Fixture::new().await;
    let log = fixture.start(open_private).await;
    let mut done = 0;
    let mut disable = async || {
        let work = async {
            done += 1;
            Ok::<(), String>(())
        };
        perform(log.as_ref(), fixture.clock.as_ref(), act(), work).await
    };
    disable().await.unwrap();
    fixture.sql("ALTER TABLE audit_rows RENAME TO away").await;
    for _ in 0..50 {
        log.record(&refusal(&fixture.clock, "alice@example.com", "r"));
    }
    assert!(matches!(disable().await, Err(ActError::NotRecorded(_))));
    fixture.sql("ALTER TABLE away RENAME TO audit_rows").await;
    until("acts are recorded again, without a restart", async || {
        fixture.clock.advance(1);
        disable().await.is_ok()
    })
    .await;
    assert_eq!(done, 2, "what was not on record was not done");
    log.close().await;
    assert_eq!(fixture.rows("wrong_password").await, 50, "nothing was lost meanwhile");
    let rows = fixture.verify_rows().await;
    assert!(rows.is_good(), "{:#?}", rows.faults);
    assert!(fixture.verify_files(&[fixture.file()]).await.is_good());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_refusals_leaves_all_lines_few_rows_and_exact_sums() {
    let mut fixture = Fixture::new().await;
    fixture.config.refusal_rows_per_minute = 10;
    let log = fixture.start(open_private).await;
    for portion in 1..=30 {
        for _ in 0..100 {
            log.record(&refusal(&fixture.clock, "alice@example.com", "r"));
        }
        until("the portion is written", async || {
            std::fs::read_to_string(fixture.file()).unwrap().lines().count() >= portion * 100
        })
        .await;
    }
    log.close().await;
    assert_eq!(fixture.rows("wrong_password").await, 10);
    let summary = AuditQuery {
        reason: Some("audit_excess".into()),
        ..AuditQuery::default()
    };
    let rows = fixture.store.search_audit(&summary, None, 10).await.unwrap();
    let line: Value = serde_json::from_str(&rows[0].line).unwrap();
    let sum = &line["authsvc"]["audit"]["excess"]["sums"][0];
    assert_eq!(sum["count"], 2990);
    assert_eq!(
        (&sum["network"], &sum["reason"]),
        (&"192.0.2.7".into(), &"wrong_password".into())
    );
    let text = std::fs::read_to_string(fixture.file()).unwrap();
    assert_eq!(
        text.matches("\"wrong_password\"").count(),
        3001,
        "3000 lines and the sum"
    );
    assert!(fixture.verify_files(&[fixture.file()]).await.is_good());
    assert!(fixture.verify_rows().await.is_good());
}

#[tokio::test(flavor = "multi_thread")]
async fn good_tokens_are_summed_or_get_a_line_each() {
    for (form, sums, lines) in [(GoodTokenForm::Sums, 1, 0), (GoodTokenForm::Lines, 0, 500)] {
        let mut fixture = Fixture::new().await;
        fixture.config.good_tokens = form;
        let log = fixture.start(open_private).await;
        let good = |service: &str| AuditRecord {
            who: Who {
                service: Some(service.parse().unwrap()),
                ..Who::default()
            },
            what: Action::ValidateToken,
            outcome: Outcome::Success,
            ..refusal(&fixture.clock, "alice@example.com", "r")
        };
        for number in 0..500 {
            let record = good(if number % 5 == 0 { "billing" } else { "orders" });
            if !log.counts_success(record.what, &record.who) {
                log.record(&record);
            }
        }
        log.record(&refusal(&fixture.clock, "alice@example.com", "r"));
        log.close().await;

        assert_eq!(fixture.rows("tokens_accepted").await, sums);
        let text = std::fs::read_to_string(fixture.file()).unwrap();
        assert_eq!(text.matches("authn_token_accepted").count(), lines);
        assert_eq!(text.matches("\"wrong_password\"").count(), 1);
        if let Some(line) = text.lines().find(|line| line.contains("\"tokens_accepted\"")) {
            let line: Value = serde_json::from_str(line).unwrap();
            let expected =
                serde_json::json!([{ "service": "billing", "count": 100 }, { "service": "orders", "count": 400 }]);
            assert_eq!(line["authsvc"]["audit"]["good_tokens"], expected);
        }
        assert!(fixture.verify_files(&[fixture.file()]).await.is_good());
        assert!(fixture.verify_rows().await.is_good());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_torn_last_line_is_set_aside_and_the_next_chain_names_what_came_before() {
    let fixture = Fixture::new().await;
    let first = fixture.start(open_private).await;
    first.record(&refusal(&fixture.clock, "alice@example.com", "r"));
    first.close().await;
    let before = std::fs::read(fixture.file()).unwrap();
    OpenOptions::new()
        .append(true)
        .open(fixture.file())
        .unwrap()
        .write_all(b"{\"@timestamp\":\"2027-01-15T08:")
        .unwrap();
    fixture.clock.advance(1);
    let second = fixture.start(open_private).await;
    second.close().await;
    let after = std::fs::read(fixture.file()).unwrap();
    assert!(after.starts_with(&before), "whole lines stay as they are");
    let torn: Vec<_> = std::fs::read_dir(fixture.directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().contains(".torn-"))
        .collect();
    assert_eq!(std::fs::read(&torn[0]).unwrap(), b"{\"@timestamp\":\"2027-01-15T08:");
    assert_eq!(fixture.rows("audit_torn_line").await, 1);
    let verdict = fixture.verify_files(&[fixture.file()]).await;
    assert!(verdict.is_good() && verdict.chains.len() == 2, "{:#?}", verdict.faults);
    assert!(fixture.verify_rows().await.is_good());

    // What the second chain saw of the first is missed when it is gone: from the file, and from the database.
    let text = String::from_utf8(after).unwrap();
    let stopped = text.lines().position(|line| line.contains("audit_stopped")).unwrap();
    let mut cut: Vec<&str> = text.lines().collect();
    cut.remove(stopped);
    std::fs::write(fixture.file(), cut.join("\n") + "\n").unwrap();
    assert!(!fixture.verify_files(&[fixture.file()]).await.is_good());
    fixture
        .sql("DELETE FROM audit_rows WHERE reason = 'audit_stopped' AND row = 3")
        .await;
    assert!(!fixture.verify_rows().await.is_good());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_pruned_is_pruned_at_signed_records_and_the_rest_verifies() {
    let fixture = Fixture::new().await;
    let log = fixture.start(open_private).await;
    for day in 0..6 {
        for _ in 0..5 {
            log.record(&refusal(&fixture.clock, "alice@example.com", "r"));
        }
        until("stored", async || fixture.rows("wrong_password").await == (day + 1) * 5).await;
        log.checkpoint(None).await.unwrap();
        fixture.clock.advance(24 * 60 * 60);
    }
    let retention = Retention {
        max_age: Duration::from_secs(3 * 24 * 60 * 60),
        max_rows: 1_000_000,
    };
    let removed = prune(&log, fixture.store.as_ref(), retention, fixture.clock.now())
        .await
        .unwrap();
    assert!(removed > 10, "{removed}");
    let rows = fixture.verify_rows().await;
    assert!(rows.is_good(), "{:#?}", rows.faults);
    assert!(rows.chains[0].first > 1);
    let again = prune(&log, fixture.store.as_ref(), retention, fixture.clock.now())
        .await
        .unwrap();
    assert_eq!(again, 0);
    let few = Retention {
        max_age: retention.max_age,
        max_rows: 5,
    };
    prune(&log, fixture.store.as_ref(), few, fixture.clock.now())
        .await
        .unwrap();
    assert!(fixture.verify_rows().await.is_good());
    log.close().await;

    // Somebody who removes more than that is noticed.
    fixture
        .sql("DELETE FROM audit_rows WHERE row <= (SELECT MIN(row) FROM audit_rows)")
        .await;
    assert!(!fixture.verify_rows().await.is_good());
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_were_altered_removed_or_moved_in_the_database_are_named() {
    for sql in [
        "UPDATE audit_rows SET line = replace(line, '192.0.2.7', '192.0.2.8') WHERE row = 4",
        "DELETE FROM audit_rows WHERE row = 4",
        "UPDATE audit_rows SET line = (SELECT line FROM audit_rows WHERE row = 5) WHERE row = 4",
    ] {
        let fixture = Fixture::new().await;
        let log = fixture.start(open_private).await;
        for _ in 0..6 {
            log.record(&refusal(&fixture.clock, "alice@example.com", "r"));
        }
        log.close().await;
        assert!(fixture.verify_rows().await.is_good());
        fixture.sql(sql).await;
        let keys = fixture.public_keys().await;
        let mut verifier = Verifier::new(&keys, Thread::Rows);
        for row in fixture.store.audit_rows(log.chain(), 0, 100).await.unwrap() {
            let place = Place::Row {
                chain: String::new(),
                row: row.row,
            };
            verifier.add(row.line.as_bytes(), place);
        }
        let verdict = verifier.finish();
        let Place::Row { row, .. } = verdict.faults[0].place else {
            panic!()
        };
        assert!((4..=5).contains(&row), "{sql}: {:?}", verdict.faults);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_at_the_same_time_extend_one_signed_chain() {
    let fixture = Fixture::new().await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let store = Arc::clone(&fixture.store) as Arc<dyn Store>;
        let log = CommandLog::new(store, fixture.keys().await, AddressForm::Pseudonym);
        let clock = Arc::clone(&fixture.clock);
        tasks.spawn(async move {
            for outcome in [Ok(()), Err("planted")] {
                let _ = perform(&log, clock.as_ref(), act(), async { outcome }).await;
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    let rows = fixture.verify_rows().await;
    assert!(rows.is_good(), "{:#?}", rows.faults);
    assert_eq!((rows.records, rows.chains[0].signed), (64, Some(64)));
    let all = fixture.store.audit_rows(COMMANDS_CHAIN, 0, 100).await.unwrap();
    assert!(all.iter().all(|row| row.signed && !row.line.contains("alice")));
    let name = fixture
        .keys()
        .await
        .pseudonyms
        .of(&"alice@example.com".parse().unwrap());
    let query = AuditQuery {
        accounts: vec![name],
        ..AuditQuery::default()
    };
    assert_eq!(fixture.store.search_audit(&query, None, 100).await.unwrap().len(), 64);
}

/// No text that a client can choose makes a second record, or reads otherwise than it was sent.
#[tokio::test(flavor = "multi_thread")]
async fn a1_what_clients_choose_stays_within_its_field() {
    let fixture = Fixture::new().await;
    let log = fixture.start(open_private).await;
    let hostile = [
        "\r\n{\"event\":\"forged\"}",
        "x\",\"chain\":{\"id\":\"",
        "\u{1b}]0;title\u{7}\u{9b}2J\u{7f}",
        "\u{202e}\u{2066}abc\u{2069}",
        "\\u0022 \\ \0",
        "😀\u{feff}\u{2028}",
    ];
    for text in hostile {
        log.record(&refusal(&fixture.clock, "o'brien{x}@example.com", text));
    }
    log.close().await;
    let file = std::fs::read(fixture.file()).unwrap();
    assert!(file.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\n')));
    let text = String::from_utf8(file).unwrap();
    let ids: Vec<String> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|line| line["event"]["reason"] == "wrong_password")
        .map(|line| {
            assert_eq!(line["user"]["email"], "o'brien{x}@example.com");
            line["http"]["request"]["id"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(ids, hostile);
    assert_eq!(
        text.lines().count(),
        hostile.len() + 2,
        "and the first and the last record"
    );
}
