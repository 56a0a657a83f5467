//! The published feed: one document for a number, and where it goes on.

use cryptokit::jose::{FeedPosition, FeedSigningKey, RevocationPublisher};

use super::sessions::at;
use crate::storage::{FeedHead, Store};

pub(super) async fn run(store: &dyn Store) {
    a_feed_begins_once(store).await;
    a_number_has_one_delta(store).await;
    old_deltas_go_and_the_last_one_stays(store).await;
}

/// A position of a feed with a name of its own, after `deltas` deltas.
fn position(deltas: u64) -> FeedPosition {
    let key = FeedSigningKey::generate().expect("a key");
    let mut publisher = RevocationPublisher::new("https://conformance.example", key).expect("a publisher");
    for _ in 0..deltas {
        let every = std::time::Duration::from_secs(5);
        publisher.delta(&[], at(0), every).expect("a delta");
    }
    publisher.position().clone()
}

fn head(position: &FeedPosition, offset: i64, number: u64) -> FeedHead {
    FeedHead {
        position: position.clone(),
        issued_at: at(offset).unix_timestamp().unsigned_abs(),
        number,
    }
}

async fn publish(store: &dyn Store, from: Option<&FeedPosition>, head: &FeedHead, delta: &str) -> bool {
    let published = store.publish_delta(from, head, delta).await;
    published.expect("the store answers")
}

async fn read(store: &dyn Store, seq: u64) -> Option<String> {
    store.delta(seq).await.expect("the store answers")
}

async fn a_feed_begins_once(store: &dyn Store) {
    assert_eq!(store.feed_head().await.expect("the store answers"), None);
    let (first, second) = (head(&position(1), 0, 3), head(&position(1), 0, 3));
    assert!(
        !publish(store, Some(&first.position), &second, "x").await,
        "there is none to go on from"
    );
    assert!(publish(store, None, &first, "'; DROP TABLE revocation_feed; --").await);
    assert!(!publish(store, None, &second, "a second feed").await);
    assert_eq!(store.feed_head().await.expect("the store answers"), Some(first));
    assert_eq!(
        read(store, 1).await.as_deref(),
        Some("'; DROP TABLE revocation_feed; --")
    );
}

async fn a_number_has_one_delta(store: &dyn Store) {
    let from = store.feed_head().await.expect("the store answers").expect("it began");
    let next = head(&position(2), 1, 4);
    for other in [position(1), position(2)] {
        let other = Some(&other);
        assert!(!publish(store, other, &next, "from elsewhere").await);
    }
    assert!(publish(store, Some(&from.position), &next, "by the first replica").await);
    assert!(!publish(store, Some(&from.position), &next, "by the second replica").await);
    assert_eq!(store.feed_head().await.expect("the store answers"), Some(next));
    assert_eq!(read(store, 2).await.as_deref(), Some("by the first replica"));
    assert_eq!(read(store, 3).await, None);
}

async fn old_deltas_go_and_the_last_one_stays(store: &dyn Store) {
    assert_eq!(store.prune_deltas(at(0)).await.expect("the store answers"), 0);
    assert_eq!(store.prune_deltas(at(1)).await.expect("the store answers"), 1);
    assert_eq!(read(store, 1).await, None);
    assert_eq!(store.prune_deltas(at(100)).await.expect("the store answers"), 0);
    assert!(read(store, 2).await.is_some());
}
