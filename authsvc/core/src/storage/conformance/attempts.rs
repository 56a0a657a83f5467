//! Counters of failed logins.

use crate::storage::Store;
use crate::storage::attempts::{AttemptScope, Attempts, Counter, CounterKey, SweepOrder};

const NOW: i64 = 1_800_000_000;
const ACCOUNT: CounterKey = CounterKey(i64::MIN);

pub(super) async fn run(store: &dyn Store) {
    counters_come_back_as_they_were_written(store).await;
    what_is_not_changed_is_not_written(store).await;
    changes_of_one_counter_do_not_overlap(store).await;
    known_sources_are_replaced_as_a_whole(store).await;
    an_account_is_forgotten_with_all_that_is_its_own(store).await;
    a_sweep_takes_what_has_ended_and_corrects_ends_too_far_away(store).await;
    a_sweep_gives_up_the_smallest_and_remembers_how_large_they_were(store).await;
}

fn counter(used: u32, ends_at: i64) -> Counter {
    Counter {
        used,
        failed: used,
        ends_at,
        lease_ends_at: NOW,
        account: 0,
    }
}

fn scope(keys: &[i64]) -> AttemptScope {
    AttemptScope {
        counters: keys.iter().copied().map(CounterKey).collect(),
        accounts: [ACCOUNT].into(),
    }
}

async fn write(store: &dyn Store, counters: &[(i64, Counter)]) {
    let keys: Vec<i64> = counters.iter().map(|(key, _)| *key).collect();
    let mut change = |attempts: &mut Attempts| {
        for (key, counter) in counters {
            attempts.set_counter(CounterKey(*key), *counter);
        }
    };
    store
        .change_attempts(&scope(&keys), &mut change)
        .await
        .expect("the store answers");
}

async fn read(store: &dyn Store, keys: &[i64]) -> Attempts {
    let mut read = Attempts::default();
    store
        .change_attempts(&scope(keys), &mut |attempts| read = attempts.clone())
        .await
        .expect("the store answers");
    read
}

fn sweep_order(keep: u64) -> SweepOrder {
    SweepOrder {
        keys: 0..=i64::MAX,
        now: NOW,
        latest_end: NOW + 86_400,
        known_sources_before: NOW - 1000,
        keep,
    }
}

async fn counters_come_back_as_they_were_written(store: &dyn Store) {
    let extreme = Counter {
        used: u32::MAX >> 1,
        failed: 3,
        ends_at: i64::MAX >> 1,
        lease_ends_at: -1,
        account: i64::MIN,
    };
    write(
        store,
        &[(i64::MIN, extreme), (-1, counter(1, NOW)), (i64::MAX, counter(2, NOW))],
    )
    .await;
    write(store, &[(-1, counter(7, NOW + 1))]).await;
    let read = read(store, &[i64::MIN, -1, i64::MAX, 5]).await;
    assert_eq!(read.counter(CounterKey(i64::MIN)), Some(extreme));
    assert_eq!(read.counter(CounterKey(-1)), Some(counter(7, NOW + 1)));
    assert_eq!(read.counter(CounterKey(i64::MAX)), Some(counter(2, NOW)));
    assert_eq!(read.counter(CounterKey(5)), None, "never written");
}

async fn what_is_not_changed_is_not_written(store: &dyn Store) {
    let before = read(store, &[-1]).await.counter(CounterKey(-1));
    store
        .change_attempts(&scope(&[-1, 6]), &mut |attempts| {
            let same = attempts.counter(CounterKey(-1)).expect("written above");
            attempts.set_counter(CounterKey(-1), same);
        })
        .await
        .expect("the store answers");
    let after = read(store, &[-1, 6]).await;
    assert_eq!(after.counter(CounterKey(-1)), before);
    assert_eq!(after.counter(CounterKey(6)), None, "asked for and not made");
}

async fn changes_of_one_counter_do_not_overlap(store: &dyn Store) {
    const EACH: u32 = 20;
    let one = async |own: i64| {
        for _ in 0..EACH {
            store
                .change_attempts(&scope(&[77, own]), &mut |attempts| {
                    let mut counter = attempts.counter(CounterKey(77)).unwrap_or_default();
                    counter.used += 1;
                    attempts.set_counter(CounterKey(77), counter);
                    attempts.set_counter(CounterKey(own), counter);
                })
                .await
                .expect("the store answers");
        }
    };
    // Each begins with another new key, some before and some after the one they share.
    tokio::join!(one(70), one(71), one(78), one(79));
    let counter = read(store, &[77]).await.counter(CounterKey(77)).expect("made above");
    assert_eq!(counter.used, 4 * EACH, "no change was lost");
}

async fn set_sources(store: &dyn Store, sources: &[(i64, i64)]) {
    let sources: Vec<_> = sources.iter().map(|(source, at)| (CounterKey(*source), *at)).collect();
    store
        .change_attempts(&scope(&[]), &mut |attempts| {
            attempts.set_known_sources(ACCOUNT, sources.clone());
        })
        .await
        .expect("the store answers");
}

async fn sources(store: &dyn Store) -> Vec<(i64, i64)> {
    let read = read(store, &[]).await;
    let mut sources: Vec<_> = read
        .known_sources(ACCOUNT)
        .iter()
        .map(|(source, at)| (source.0, *at))
        .collect();
    sources.sort_unstable();
    sources
}

async fn known_sources_are_replaced_as_a_whole(store: &dyn Store) {
    assert!(sources(store).await.is_empty());
    set_sources(store, &[(1, NOW), (-2, NOW - 5)]).await;
    assert_eq!(sources(store).await, [(-2, NOW - 5), (1, NOW)]);
    set_sources(store, &[(3, NOW)]).await;
    assert_eq!(sources(store).await, [(3, NOW)]);
    store.forget_known_sources(ACCOUNT).await.expect("the store answers");
    assert!(sources(store).await.is_empty());
}

async fn an_account_is_forgotten_with_all_that_is_its_own(store: &dyn Store) {
    let own = Counter {
        account: ACCOUNT.0,
        ..counter(4, NOW + 10)
    };
    write(store, &[(101, own), (102, own), (103, counter(5, NOW + 10))]).await;
    set_sources(store, &[(1, NOW)]).await;
    store.forget_account(ACCOUNT).await.expect("the store answers");
    let left = read(store, &[101, 102, 103]).await;
    assert_eq!(left.counter(CounterKey(101)), None);
    assert_eq!(left.counter(CounterKey(102)), None);
    assert_eq!(
        left.counter(CounterKey(103)),
        Some(counter(5, NOW + 10)),
        "not the account's"
    );
    assert!(sources(store).await.is_empty());
}

async fn a_sweep_takes_what_has_ended_and_corrects_ends_too_far_away(store: &dyn Store) {
    let under_way = Counter {
        lease_ends_at: NOW + 1,
        ..counter(1, NOW)
    };
    write(
        store,
        &[
            (200, counter(1, NOW)),
            (201, counter(1, NOW + 1)),
            (202, counter(0, NOW + 1)),
            (203, under_way),
            (204, counter(1, NOW + 1_000_000)),
            (-200, counter(1, NOW)),
        ],
    )
    .await;
    let swept = store
        .sweep_attempts(&sweep_order(1000))
        .await
        .expect("the store answers");
    assert!(swept.ended >= 2 && swept.evicted == 0, "{swept:?}");
    let left = read(store, &[200, 201, 202, 203, 204, -200]).await;
    assert_eq!(left.counter(CounterKey(200)), None, "ended");
    assert_eq!(left.counter(CounterKey(201)), Some(counter(1, NOW + 1)));
    assert_eq!(left.counter(CounterKey(202)), None, "says nothing");
    assert_eq!(left.counter(CounterKey(203)), Some(under_way));
    assert_eq!(
        left.counter(CounterKey(204)).map(|counter| counter.ends_at),
        Some(NOW + 86_400)
    );
    assert_eq!(
        left.counter(CounterKey(-200)),
        Some(counter(1, NOW)),
        "not in the range"
    );
}

async fn a_sweep_gives_up_the_smallest_and_remembers_how_large_they_were(store: &dyn Store) {
    let counters: Vec<(i64, Counter)> = (1..=30)
        .map(|size| (1000 + size, counter(size as u32, NOW + 10)))
        .collect();
    write(store, &counters).await;
    let before = store
        .sweep_attempts(&sweep_order(u64::MAX))
        .await
        .expect("the store answers");
    let swept = store.sweep_attempts(&sweep_order(10)).await.expect("the store answers");
    assert_eq!((swept.evicted, swept.kept), (before.kept - 10, 10), "{swept:?}");
    let keys: Vec<i64> = (1001..=1030).collect();
    let left = read(store, &keys).await;
    let floor = left.counter(CounterKey::FLOOR).expect("something was given up");
    assert_eq!(floor.ends_at, NOW + 86_400);
    for (key, counter) in counters {
        match left.counter(CounterKey(key)) {
            None => assert!(
                counter.used <= floor.failed,
                "{counter:?} was above the floor {floor:?}"
            ),
            kept => assert_eq!(kept, Some(counter)),
        }
    }
    // A later sweep that gives up less does not lower it.
    store.sweep_attempts(&sweep_order(9)).await.expect("the store answers");
    let again = read(store, &[]).await.counter(CounterKey::FLOOR).expect("still there");
    assert!(again.failed >= floor.failed);
}
