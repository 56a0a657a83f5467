//! A log over a database and a file of its own, what is recorded, and a disk that breaks.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use authsvc::audit::file::{Open, Output, Rotation, open_private};
use authsvc::audit::retention::Retention;
use authsvc::audit::{AuditLog, AuditSetup};
use authsvc::config::{AddressForm, AuditConfig, GoodTokenForm};
use authsvc::storage::Tuning;
use authsvc::storage::sqlite::SqliteStore;
use authsvc_core::audit::chain::{
    COMMANDS_CHAIN, Expectation, KnownLines, Place, PublicKeys, Record, Thread, Verdict, Verifier,
};
use authsvc_core::audit::reasons::login::WRONG_PASSWORD;
use authsvc_core::audit::{
    Act, Action, AuditKeys, AuditRecord, GivenAddress, Operator, Outcome, Reason, RecordId, Target, Where, Who,
};
use authsvc_core::clock::{Clock, TestClock};
use authsvc_core::service::SealedKeysets;
use authsvc_core::storage::{AuditQuery, AuditStore, Store};
use cryptokit::keyset::RootKey;
use sqlx::{ConnectOptions, Connection};

const PATIENCE: Duration = Duration::from_secs(60);

/// A disk that others keep busy is no outage.
fn patient() -> Tuning {
    Tuning {
        wait: PATIENCE,
        ..Tuning::default()
    }
}

pub(super) struct Fixture {
    pub(super) directory: tempfile::TempDir,
    database: PathBuf,
    pub(super) store: Arc<SqliteStore>,
    keysets: SealedKeysets,
    pub(super) clock: Arc<TestClock>,
    pub(super) config: AuditConfig,
}

impl Fixture {
    pub(super) async fn new() -> Self {
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

    pub(super) fn file(&self) -> PathBuf {
        self.config.file.clone().unwrap()
    }

    pub(super) async fn keys(&self) -> AuditKeys {
        AuditKeys::open(&self.keysets).await.unwrap()
    }

    pub(super) async fn start(&self, open: Open) -> Arc<AuditLog> {
        let setup = AuditSetup {
            config: self.config.clone(),
            open,
        };
        let store = Arc::clone(&self.store) as Arc<dyn Store>;
        let log = AuditLog::start(&setup, store, self.keys().await, Arc::clone(&self.clock) as _);
        Arc::new(log.await.unwrap())
    }

    pub(super) async fn public_keys(&self) -> PublicKeys {
        PublicKeys::of(&self.keys().await.signing).unwrap()
    }

    pub(super) async fn verify_files(&self, files: &[PathBuf]) -> Verdict {
        let keys = self.public_keys().await;
        let mut verifier = Verifier::new(&keys, Thread::Lines);
        read_lines(&mut verifier, files);
        verifier.finish()
    }

    /// The files as a whole log, after the database.
    pub(super) async fn verify_log(&self, files: &[PathBuf]) -> Verdict {
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

    pub(super) async fn verify_rows(&self) -> Verdict {
        self.read_rows(&self.public_keys().await).await.1
    }

    async fn read_rows(&self, keys: &PublicKeys) -> (KnownLines, Verdict) {
        let mut verifier = Verifier::new(keys, Thread::Rows);
        verifier.whole_database();
        let mut chains = self.store.audit_chains().await.unwrap();
        chains.sort_by_key(|chain| chain.id == COMMANDS_CHAIN);
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

    pub(super) async fn rows(&self, reason: &str) -> usize {
        let query = AuditQuery {
            reason: Some(reason.to_owned()),
            ..AuditQuery::default()
        };
        self.store.search_audit(&query, None, 1_000_000).await.unwrap().len()
    }

    /// Until it is let go, writers wait.
    pub(super) async fn hold_the_database(&self) -> Holder {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&self.database);
        let mut connection = options.connect().await.unwrap();
        sqlx::query("BEGIN IMMEDIATE").execute(&mut connection).await.unwrap();
        Holder(connection)
    }

    pub(super) async fn sql(&self, sql: &'static str) {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&self.database);
        let pool = sqlx::sqlite::SqlitePool::connect_with(options).await.unwrap();
        sqlx::query(sql).execute(&pool).await.unwrap();
        pool.close().await;
    }
}

/// Somebody who lets nobody else write to the database.
pub(super) struct Holder(sqlx::SqliteConnection);

impl Holder {
    pub(super) async fn let_go(mut self) {
        sqlx::query("ROLLBACK").execute(&mut self.0).await.unwrap();
        self.0.close().await.unwrap();
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

pub(super) fn refusal(clock: &TestClock, address: &str, request_id: &str) -> AuditRecord {
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

pub(super) fn act() -> Act {
    Act {
        operator: Operator::SystemUser {
            name: "root (0)".into(),
        },
        name: "user.disable",
        target: Target::address(&"alice@example.com".parse().unwrap()),
        note: None,
    }
}

pub(super) async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done().await {
        assert!(Instant::now() < deadline, "not so in time: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A file that a test can fill up (`FILE.full`), break (`FILE.broken`) or let hang for a while (`FILE.stuck`).
#[derive(Debug)]
pub(super) struct Fragile {
    file: Box<dyn Output>,
    path: PathBuf,
    was_short: bool,
}

impl Fragile {
    pub(super) fn open(path: &Path) -> io::Result<Box<dyn Output>> {
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

pub(super) fn sibling(path: &Path, name: &str) -> PathBuf {
    path.with_extension(name)
}

impl Output for Fragile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let deadline = Instant::now() + PATIENCE;
        while sibling(&self.path, "stuck").exists() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
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
