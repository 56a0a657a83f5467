//! The published feed: one document for a number, and where it goes on.

use cryptokit::jose::{FeedPosition, FeedSigningKey, RevocationPublisher};

use super::sessions::at;
use crate::storage::{FeedHead, Publication, SignedUnder, Store};

/// The keyset of this feed.
const KEYSET: &str = "conformance-feed";

pub(super) async fn run(store: &dyn Store) {
    nothing_is_published_without_its_keyset(store).await;
    store.insert_keyset(KEYSET, "first").await.expect("a new name");
    a_feed_begins_once(store).await;
    a_number_has_one_delta(store).await;
    old_deltas_go_and_the_last_one_stays(store).await;
    nothing_is_published_under_keys_that_have_changed(store).await;
    another_feed_begins_with_other_keys_and_leaves_no_delta(store).await;
    of_all_that_exchange_the_keys_at_once_one_does(store).await;
    no_feed_begins_before_the_end_of_the_one_before(store).await;
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
    match publish_under(store, 0, from, head, delta).await {
        Publication::Done => true,
        Publication::FeedMoved => false,
        Publication::KeysChanged => panic!("nobody has changed the keys"),
    }
}

fn at_version(version: u64) -> SignedUnder<'static> {
    SignedUnder {
        keyset: KEYSET,
        version,
    }
}

async fn publish_under(
    store: &dyn Store,
    version: u64,
    from: Option<&FeedPosition>,
    head: &FeedHead,
    delta: &str,
) -> Publication {
    let published = store.publish_delta(at_version(version), from, head, delta).await;
    published.expect("the store answers")
}

async fn begin(store: &dyn Store, version: u64, head: &FeedHead, delta: &str) -> bool {
    begin_from(store, version, None, head, delta).await
}

async fn begin_from(
    store: &dyn Store,
    version: u64,
    from: Option<&FeedPosition>,
    head: &FeedHead,
    delta: &str,
) -> bool {
    let begun = store
        .begin_feed_under(at_version(version), from, "other keys", head, delta)
        .await;
    begun.expect("the store answers")
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

async fn nothing_is_published_without_its_keyset(store: &dyn Store) {
    let first = head(&position(1), 0, 3);
    let published = publish_under(store, 0, None, &first, "x").await;
    assert_eq!(published, Publication::KeysChanged);
    assert!(!begin(store, 0, &first, "x").await);
    assert_eq!(store.feed_head().await.expect("the store answers"), None);
}

async fn nothing_is_published_under_keys_that_have_changed(store: &dyn Store) {
    let from = store.feed_head().await.expect("the store answers").expect("it began");
    let next = head(&position(3), 2, 5);
    assert!(
        store
            .replace_keyset(KEYSET, 0, "second")
            .await
            .expect("the store answers")
    );
    for version in [0, 2, u64::MAX] {
        let published = publish_under(store, version, Some(&from.position), &next, "revoked").await;
        assert_eq!(published, Publication::KeysChanged);
    }
    assert_eq!(read(store, 3).await, None);
    let published = publish_under(store, 1, Some(&from.position), &next, "by the new key").await;
    assert_eq!(published, Publication::Done);
}

async fn another_feed_begins_with_other_keys_and_leaves_no_delta(store: &dyn Store) {
    let before = store.feed_head().await.expect("the store answers").expect("it began");
    let other = head(&position(1), 3, 5);
    for version in [0, 2, u64::MAX] {
        assert!(!begin(store, version, &other, "x").await, "not their version");
    }
    assert_eq!(
        store.feed_head().await.expect("the store answers"),
        Some(before.clone())
    );
    assert!(read(store, 3).await.is_some(), "nothing was removed");

    assert!(begin(store, 1, &other, "the first of another feed").await);
    assert_eq!(store.feed_head().await.expect("the store answers"), Some(other.clone()));
    assert_eq!(read(store, 1).await.as_deref(), Some("the first of another feed"));
    for seq in 2..=3 {
        assert_eq!(read(store, seq).await, None);
    }
    let keyset = store
        .keyset(KEYSET)
        .await
        .expect("the store answers")
        .expect("it is there");
    assert_eq!((keyset.version, keyset.sealed.as_str()), (2, "other keys"));
    // Neither from where the feed was, nor under what signed it.
    let late = head(&position(4), 4, 5);
    let published = publish_under(store, 1, Some(&before.position), &late, "x").await;
    assert_eq!(published, Publication::KeysChanged);
    let published = publish_under(store, 2, Some(&before.position), &late, "x").await;
    assert_eq!(published, Publication::FeedMoved);
    let published = publish_under(store, 2, Some(&other.position), &head(&position(2), 4, 5), "y").await;
    assert_eq!(published, Publication::Done);
}

async fn of_all_that_exchange_the_keys_at_once_one_does(store: &dyn Store) {
    let others = [head(&position(1), 5, 5), head(&position(1), 5, 5)];
    let (first, second) = tokio::join!(begin(store, 2, &others[0], "one"), begin(store, 2, &others[1], "other"));
    assert!(first != second, "{first} {second}");
    let begun = store.feed_head().await.expect("the store answers").expect("it began");
    assert_eq!(begun, others[usize::from(second)]);
    let delta = read(store, 1).await;
    assert_eq!(delta.as_deref(), Some(if first { "one" } else { "other" }));
}

async fn no_feed_begins_before_the_end_of_the_one_before(store: &dyn Store) {
    let former = store.feed_head().await.expect("the store answers").expect("it began");
    // What was published between the question and the beginning.
    let last = head(&position(2), 7, 5);
    let published = publish_under(store, 3, Some(&former.position), &last, "meanwhile").await;
    assert_eq!(published, Publication::Done);
    for (offset, from) in [(6, Some(&former.position)), (7, Some(&former.position)), (7, None)] {
        let early = head(&position(1), offset, 5);
        assert!(!begin_from(store, 3, from, &early, "x").await, "{offset}");
    }
    assert_eq!(store.feed_head().await.expect("the store answers"), Some(last.clone()));
    let keyset = store.keyset(KEYSET).await.expect("the store answers");
    assert_eq!(keyset.map(|keyset| keyset.version), Some(3), "nor other keys");
    assert_eq!(read(store, 2).await.as_deref(), Some("meanwhile"));
    // Later than that one all the same, or by a clock that went back with nobody in between.
    let later = head(&position(1), 8, 5);
    assert!(begin_from(store, 3, Some(&former.position), &later, "later").await);
    let earlier = head(&position(1), 0, 5);
    assert!(begin_from(store, 4, Some(&later.position), &earlier, "by another clock").await);
    assert_eq!(store.feed_head().await.expect("the store answers"), Some(earlier));
}
