//! The same test on every database.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use authsvc::storage::sqlite::SqliteStore;
use authsvc::storage::{OpenError, Tuning};
use authsvc_core::storage::Store;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};

use super::postgres;

/// Runs a test on a fresh SQLite database and then on a fresh Postgres one, where there is a Postgres.
pub(crate) async fn on_each(test: impl AsyncFn(Arc<dyn Store>)) {
    let (store, _directory) = sqlite().await;
    test(Arc::clone(&store)).await;
    store.close().await;
    if let Some(database) = postgres::database().await {
        let store: Arc<dyn Store> = Arc::new(database.open().await);
        test(Arc::clone(&store)).await;
        store.close().await;
    }
}

/// A fresh SQLite database, there for as long as its folder is.
pub(crate) async fn sqlite() -> (Arc<dyn Store>, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("authsvc.db");
    std::fs::write(&file, "").unwrap();
    (Arc::new(open_sqlite(&file).await), directory)
}

/// A database as somebody sees it who has the file, or the server.
#[derive(Debug)]
pub(crate) enum Behind {
    /// The file.
    Sqlite(PathBuf),
    /// The server's.
    Postgres(postgres::TestDatabase),
}

impl Behind {
    /// Runs statements past the store, in the words of the database.
    pub(crate) async fn execute(&self, sqlite: &str, postgres: &str) {
        match self {
            Self::Sqlite(file) => {
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
                let mut connection = options.busy_timeout(PATIENCE).connect().await.unwrap();
                connection.execute(AssertSqlSafe(sqlite.to_owned())).await.unwrap();
                connection.close().await.unwrap();
            }
            Self::Postgres(database) => database.execute(postgres).await,
        }
    }

    /// The same statements for both.
    pub(crate) async fn execute_same(&self, sql: &str) {
        self.execute(sql, sql).await;
    }

    /// As a replica that starts opens it.
    pub(crate) async fn open(&self) -> Arc<dyn Store> {
        match self {
            Self::Sqlite(file) => Arc::new(open_sqlite(file).await),
            Self::Postgres(database) => Arc::new(database.open().await),
        }
    }
}

/// A fresh database of each kind, and the way around its store. The folder is there for as long as its file is needed.
pub(crate) async fn with_a_way_around() -> Vec<(Arc<dyn Store>, Behind, Option<tempfile::TempDir>)> {
    let (store, directory) = sqlite().await;
    let behind = Behind::Sqlite(directory.path().join("authsvc.db"));
    let mut all = vec![(store, behind, Some(directory))];
    if let Some(database) = postgres::database().await {
        all.push((Arc::new(database.open().await), Behind::Postgres(database), None));
    }
    all
}

/// A SQLite database that is there.
pub(crate) async fn open_sqlite(file: &Path) -> SqliteStore {
    let tuning = patient();
    opened(async || SqliteStore::open_with(file, &tuning).await).await
}

/// As the service uses a database, but that time is no part of the test: dozens of tasks that queue for one row, on a
/// machine that does other things too, are no outage.
pub(crate) fn patient() -> Tuning {
    Tuning {
        wait: PATIENCE,
        statement_timeout: PATIENCE,
        ..Tuning::default()
    }
}

/// Opens a database, also one that shall be asked with less patience than it takes to open it: to say in a file that it
/// has a write-ahead log is a sync, and to connect is a process of the server.
pub(crate) async fn opened<S>(mut open: impl AsyncFnMut() -> Result<S, OpenError>) -> S {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match open().await {
            Err(OpenError::Open {
                source: sqlx::Error::PoolTimedOut,
                ..
            }) if Instant::now() < deadline => {}
            opened => return opened.unwrap(),
        }
    }
}

const PATIENCE: Duration = Duration::from_secs(60);
