//! Sealed keysets.

use crate::storage::{Store, StoreError};

pub(super) async fn run(store: &dyn Store) {
    keysets_are_written_once(store).await;
}

async fn keysets_are_written_once(store: &dyn Store) {
    assert!(store.keyset("conformance").await.expect("the store answers").is_none());
    store.insert_keyset("conformance", "first").await.expect("a new name");
    assert!(matches!(
        store.insert_keyset("conformance", "second").await,
        Err(StoreError::Conflict)
    ));
    let found = store.keyset("conformance").await.expect("the store answers");
    assert_eq!(found.as_deref(), Some("first"));
}
