//! The same test on every database.

use std::sync::Arc;

use authsvc::storage::sqlite::SqliteStore;
use authsvc_core::storage::Store;

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
    (Arc::new(SqliteStore::open(&file).await.unwrap()), directory)
}
