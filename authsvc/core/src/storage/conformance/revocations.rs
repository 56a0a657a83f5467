//! Revocations: their numbers, what they say, and when they go.

use cryptokit::jose::Revocation;

use super::sessions::{account, at, begin, ending, revoked, session};
use crate::domain::EndReason;
use crate::storage::Store;

pub(super) async fn run(store: &dyn Store) {
    every_kind_comes_back_in_order(store).await;
    numbers_go_on_after_pruning(store).await;
    sessions_begun_before_a_moment_end_with_one_revocation(store).await;
}

fn seconds(offset: i64) -> u64 {
    at(offset).unix_timestamp().unsigned_abs()
}

async fn every_kind_comes_back_in_order(store: &dyn Store) {
    let start = store.revoke(&[]).await.expect("the store answers");
    let exp = seconds(900);
    let all = [
        Revocation::Token {
            jti: "'; DROP TABLE revocations; --".into(),
            exp,
        },
        Revocation::Family { sid: "b".into(), exp },
        Revocation::Subject {
            sub: "c".into(),
            before: seconds(0),
            exp,
        },
        Revocation::All {
            before: seconds(1),
            exp,
        },
    ];
    let last = store.revoke(&all).await.expect("the store answers");
    assert_eq!(last, start + 4);
    let found = store.revocations_after(start, 100).await.expect("the store answers");
    let numbers: Vec<u64> = found.iter().map(|row| row.number).collect();
    assert_eq!(numbers, (start + 1..=start + 4).collect::<Vec<_>>());
    assert!(found.iter().map(|row| &row.revocation).eq(&all));
    let page = store.revocations_after(start + 1, 2).await.expect("the store answers");
    let numbers: Vec<u64> = page.iter().map(|row| row.number).collect();
    assert_eq!(numbers, [start + 2, start + 3]);
    assert_eq!(store.revocations_after(last, 100).await.expect("the store answers"), []);
}

async fn numbers_go_on_after_pruning(store: &dyn Store) {
    let revoke = |exp| async move {
        let revocation = Revocation::Token { jti: "x".into(), exp };
        store.revoke(&[revocation]).await.expect("the store answers")
    };
    let first = revoke(seconds(-50)).await;
    let second = revoke(seconds(-40)).await;
    assert_eq!(second, first + 1);
    assert_eq!(store.prune_revocations(at(-50)).await.expect("the store answers"), 0);
    assert_eq!(store.prune_revocations(at(-49)).await.expect("the store answers"), 1);
    assert_eq!(store.prune_revocations(at(-39)).await.expect("the store answers"), 1);
    assert_eq!(revoke(seconds(900)).await, second + 1, "no number comes twice");
}

async fn sessions_begun_before_a_moment_end_with_one_revocation(store: &dyn Store) {
    let user = account(store, "issued-before").await;
    // Earlier than those of any other check.
    let (before, after) = (session(user.id, -100_000), session(user.id, -90_000));
    begin(store, &before).await;
    begin(store, &after).await;
    let start = store.revoke(&[]).await.expect("the store answers");
    // Its `exp` is later than those of any other check.
    let why = ending(5_000, EndReason::Operator);
    let ended = store.revoke_issued_before(at(-90_000), &why).await;
    assert_eq!(ended.expect("the store answers"), 1);
    for (session, ends) in [(&before, true), (&after, false)] {
        let found = store.session_by_id(session.id).await.expect("the store answers");
        assert_eq!(found.expect("there is a session").ended.is_some(), ends);
        assert_eq!(revoked(store, session.id).await, 0);
    }
    let rows = store.revocations_after(start, 10).await.expect("the store answers");
    let rows: Vec<&Revocation> = rows.iter().map(|row| &row.revocation).collect();
    let expected = Revocation::All {
        before: seconds(-90_000),
        exp: seconds(5_900),
    };
    assert_eq!(rows, [&expected]);

    // A login that was under way then, and is to be seen only now.
    let late = session(user.id, -95_000);
    begin(store, &late).await;
    let ended = store.end_late_sessions(at(5_900), &why).await;
    assert_eq!(
        ended.expect("the store answers"),
        0,
        "the revocation is too old to be looked at"
    );
    let ended = store.end_late_sessions(at(5_899), &why).await;
    assert_eq!(ended.expect("the store answers"), 1);
    for (session, ends) in [(&late, true), (&after, false)] {
        let found = store.session_by_id(session.id).await.expect("the store answers");
        assert_eq!(found.expect("there is a session").ended.is_some(), ends);
        assert_eq!(revoked(store, session.id).await, usize::from(ends));
    }
}
