//! Sealed keysets.

use crate::storage::{Store, StoreError, StoredKeyset};

pub(super) async fn run(store: &dyn Store) {
    keysets_are_written_once(store).await;
    a_keyset_is_replaced_by_one_writer_of_those_that_read_it(store).await;
    versions_are_read_without_the_keys(store).await;
}

async fn keysets_are_written_once(store: &dyn Store) {
    assert!(store.keyset("conformance").await.expect("the store answers").is_none());
    store.insert_keyset("conformance", "first").await.expect("a new name");
    assert!(matches!(
        store.insert_keyset("conformance", "second").await,
        Err(StoreError::Conflict)
    ));
    assert_eq!(read(store, "conformance").await, stored(0, "first"));
}

async fn a_keyset_is_replaced_by_one_writer_of_those_that_read_it(store: &dyn Store) {
    let replace = async |name, expected, sealed| {
        let replaced = store.replace_keyset(name, expected, sealed).await;
        replaced.expect("the store answers")
    };
    assert!(!replace("nothing", 0, "x").await, "there is no such keyset");
    assert!(!replace("conformance", 1, "x").await, "a version that is not there yet");
    assert!(replace("conformance", 0, "by the first writer").await);
    assert!(!replace("conformance", 0, "by the second writer").await);
    assert_eq!(read(store, "conformance").await, stored(1, "by the first writer"));
    assert!(replace("conformance", 1, "again").await);
    assert_eq!(read(store, "conformance").await, stored(2, "again"));
    assert!(
        !replace("conformance", u64::MAX, "x").await,
        "a number that no row holds"
    );
}

async fn versions_are_read_without_the_keys(store: &dyn Store) {
    store.insert_keyset("a", "x").await.expect("a new name");
    let versions = store.keyset_versions().await.expect("the store answers");
    let ours: Vec<_> = versions
        .iter()
        .filter(|(name, _)| ["a", "conformance"].contains(&name.as_str()))
        .map(|(name, version)| (name.as_str(), *version))
        .collect();
    assert_eq!(ours, [("a", 0), ("conformance", 2)]);
}

async fn read(store: &dyn Store, name: &str) -> StoredKeyset {
    let found = store.keyset(name).await.expect("the store answers");
    found.expect("the keyset is there")
}

fn stored(version: u64, sealed: &str) -> StoredKeyset {
    StoredKeyset {
        version,
        sealed: sealed.to_owned(),
    }
}
