//! Two replicas over one database, on each kind of database.

use std::sync::Arc;

use super::in_process::Service;
use super::{databases, postgres};

/// Two over one SQLite file, each with a store of its own as another process has it, and two over one Postgres database
/// where there is a Postgres. The folder is there for as long as its file is needed.
pub(crate) async fn pairs() -> Vec<(Arc<Service>, Arc<Service>, Option<tempfile::TempDir>)> {
    let (store, directory) = databases::sqlite().await;
    let first = Service::start_over_store(store).await;
    let other = databases::open_sqlite(&directory.path().join("authsvc.db")).await;
    let second = first.replica(Arc::new(other)).await;
    let mut pairs = vec![(Arc::new(first), Arc::new(second), Some(directory))];
    if let Some(database) = postgres::database().await {
        let first = Service::start_over_store(Arc::new(database.open().await)).await;
        let second = first.replica(Arc::new(database.open().await)).await;
        pairs.push((Arc::new(first), Arc::new(second), None));
    }
    pairs
}
