//! Upkeep.

use time::OffsetDateTime;

use crate::storage::{BreakerState, Store, StoreError};

pub(super) async fn run(store: &dyn Store) {
    read_only_mode_refuses_writes_and_goes_on_reading(store).await;
    assert!(
        store.breakers().iter().all(|(_, state)| *state == BreakerState::Closed),
        "refusals say nothing about the database"
    );
}

async fn read_only_mode_refuses_writes_and_goes_on_reading(store: &dyn Store) {
    let at = OffsetDateTime::from_unix_timestamp(1_800_000_000).expect("in the calendar");
    let mode = store.refresh_mode().await.expect("the store answers");
    assert!(!mode.read_only);
    store.insert_keyset("upkeep", "before").await.expect("a new name");

    assert!(store.set_read_only(true, at).await.expect("the store answers"));
    assert!(
        !store.set_read_only(true, at).await.expect("the store answers"),
        "it is already"
    );
    for _ in 0..20 {
        let refused = store.insert_keyset("upkeep-2", "in between").await;
        assert!(matches!(refused, Err(StoreError::ReadOnly(_))), "{refused:?}");
    }
    let found = store.keyset("upkeep").await.expect("reading goes on");
    assert_eq!(found.expect("it is there").sealed, "before");
    assert!(store.refresh_mode().await.expect("the store answers").read_only);

    assert!(store.set_read_only(false, at).await.expect("the store answers"));
    store.insert_keyset("upkeep-2", "after").await.expect("a new name");
}
