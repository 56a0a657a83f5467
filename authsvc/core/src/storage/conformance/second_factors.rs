//! Second factors.

use time::OffsetDateTime;

use super::sessions::{begin, ending, revoked, session};
use super::users::user;
use crate::domain::{
    EndReason, FactorId, PendingSecondFactor, SealedField, SecondFactor, StoredRecoveryCode, User, UserId,
};
use crate::storage::{Begun, EndOfSessions, Store, StoreError};

pub(super) async fn run(store: &dyn Store) {
    an_account_has_one_enrolment_at_a_time(store).await;
    an_enrolment_is_activated_once_with_its_own_secret_only(store).await;
    sessions_end_with_each_change_of_the_factor_and_logins_that_began_before_begin_none(store).await;
    l9_a_step_is_accepted_once_and_no_earlier_one_after_it(store).await;
    l9_recovery_codes_are_used_once_and_replaced_together(store).await;
    removal_takes_everything_and_so_does_the_account(store).await;
    resealing_never_undoes_another_enrolment(store).await;
    accounts_with_a_factor_are_listed_in_pages(store).await;
}

async fn account(store: &dyn Store, name: &str) -> User {
    let user = user(&format!("{name}@second-factor.example"));
    store.insert_user(&user).await.expect("a new name");
    user.unverified().clone()
}

fn all_sessions() -> EndOfSessions {
    EndOfSessions {
        except: None,
        ending: ending(0, EndReason::FactorChanged),
    }
}

fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_800_000_000 + seconds).expect("in the calendar")
}

fn sealed(text: &str) -> SealedField {
    SealedField::from_stored(text.to_owned())
}

fn pending(user_id: UserId, secret: &str) -> PendingSecondFactor {
    PendingSecondFactor {
        user_id,
        secret: sealed(secret),
        expires_at: at(600),
    }
}

fn factor(user_id: UserId, secret: &str) -> SecondFactor {
    SecondFactor {
        id: FactorId::generate(),
        user_id,
        secret: sealed(secret),
        last_step: 1000,
        enabled_at: at(0),
    }
}

fn codes(count: usize) -> Vec<StoredRecoveryCode> {
    (0..count)
        .map(|number| StoredRecoveryCode {
            id: FactorId::generate(),
            digest: sealed(&format!("digest {number}")),
        })
        .collect()
}

async fn enrolled(store: &dyn Store, name: &str) -> (User, SecondFactor, Vec<StoredRecoveryCode>) {
    let user = account(store, name).await;
    let (factor, codes) = (factor(user.id, "secret"), codes(3));
    assert!(
        store
            .insert_second_factor(&factor, &codes, &all_sessions())
            .await
            .expect("the store answers")
    );
    (user, factor, codes)
}

async fn an_account_has_one_enrolment_at_a_time(store: &dyn Store) {
    let user = account(store, "one-enrolment").await;
    assert!(
        store
            .pending_second_factor(user.id)
            .await
            .expect("the store answers")
            .is_none()
    );
    for secret in ["first", "second"] {
        store
            .put_pending_second_factor(&pending(user.id, secret))
            .await
            .expect("the store answers");
    }
    let found = store
        .pending_second_factor(user.id)
        .await
        .expect("the store answers")
        .expect("it waits");
    assert_eq!((found.secret.as_str(), found.expires_at), ("second", at(600)));

    let nobody = pending(UserId::generate(), "first");
    assert!(matches!(
        store.put_pending_second_factor(&nobody).await,
        Err(StoreError::Conflict)
    ));

    assert_eq!(
        store
            .prune_pending_second_factors(at(599))
            .await
            .expect("the store answers"),
        0
    );
    assert!(
        store
            .prune_pending_second_factors(at(600))
            .await
            .expect("the store answers")
            >= 1
    );
    assert!(
        store
            .pending_second_factor(user.id)
            .await
            .expect("the store answers")
            .is_none()
    );
}

async fn an_enrolment_is_activated_once_with_its_own_secret_only(store: &dyn Store) {
    let user = account(store, "activated").await;
    let waiting = pending(user.id, "waiting");
    let (first, second) = (factor(user.id, "active"), factor(user.id, "other"));
    let activate = async |expected: &str, factor: &SecondFactor| {
        store
            .activate_second_factor(&sealed(expected), factor, &codes(10), &all_sessions())
            .await
            .expect("the store answers")
    };
    assert!(!activate("waiting", &first).await, "nothing waits");
    store
        .put_pending_second_factor(&waiting)
        .await
        .expect("the store answers");
    assert!(!activate("another", &first).await, "another enrolment waits");
    assert!(store.second_factor(user.id).await.expect("the store answers").is_none());
    assert!(activate("waiting", &first).await);
    assert!(!activate("waiting", &first).await, "it waits no more");

    let found = store
        .second_factor(user.id)
        .await
        .expect("the store answers")
        .expect("active");
    assert_eq!((found.id, found.user_id, found.last_step), (first.id, user.id, 1000));
    assert_eq!((found.secret.as_str(), found.enabled_at), ("active", at(0)));
    assert_eq!(
        store.recovery_codes(user.id).await.expect("the store answers").len(),
        10
    );

    store
        .put_pending_second_factor(&waiting)
        .await
        .expect("the store answers");
    assert!(!activate("waiting", &second).await, "a factor is never replaced unseen");
    assert!(
        !store
            .insert_second_factor(&second, &[], &all_sessions())
            .await
            .expect("the store answers")
    );
    assert!(
        store
            .pending_second_factor(user.id)
            .await
            .expect("the store answers")
            .is_some(),
        "what was refused changed nothing"
    );
    assert_eq!(
        store.recovery_codes(user.id).await.expect("the store answers").len(),
        10
    );
    let nobody = factor(UserId::generate(), "active");
    assert!(
        !store
            .insert_second_factor(&nobody, &[], &all_sessions())
            .await
            .expect("the store answers")
    );
}

async fn sessions_end_with_each_change_of_the_factor_and_logins_that_began_before_begin_none(store: &dyn Store) {
    for (name, change) in [
        ("factor-activated", 0),
        ("factor-handed-over", 1),
        ("factor-removed", 2),
    ] {
        let user = account(store, name).await;
        let factor = factor(user.id, "secret");
        let waiting = pending(user.id, "waiting");
        match change {
            2 => {
                let added = store.insert_second_factor(&factor, &[], &all_sessions()).await;
                assert!(added.expect("the store answers"));
            }
            _ => store
                .put_pending_second_factor(&waiting)
                .await
                .expect("the store answers"),
        }
        let (current, other) = (session(user.id, 0), session(user.id, 0));
        begin(store, &current).await;
        begin(store, &other).await;
        let looked_up = store.user_by_id(user.id).await.expect("the store answers");
        let epoch = looked_up.expect("there is an account").unverified().session_epoch;

        let sessions = EndOfSessions {
            except: Some(current.id),
            ..all_sessions()
        };
        let changed = match change {
            0 => {
                let refused = store
                    .activate_second_factor(&sealed("another"), &factor, &[], &sessions)
                    .await;
                assert!(!refused.expect("the store answers"));
                assert_eq!(revoked(store, other.id).await, 0, "what was refused ends nothing");
                store
                    .activate_second_factor(&waiting.secret, &factor, &[], &sessions)
                    .await
            }
            1 => store.insert_second_factor(&factor, &[], &sessions).await,
            _ => store.remove_second_factor(user.id, &sessions).await,
        };
        assert!(changed.expect("the store answers"), "{name}");
        assert_eq!(revoked(store, other.id).await, 1, "{name}");
        assert_eq!(revoked(store, current.id).await, 0, "{name}");
        let begun = store
            .begin_session(&session(user.id, 0), epoch, 64, &ending(0, EndReason::Displaced))
            .await;
        assert_eq!(begun.expect("the store answers"), Begun::AccountChanged, "{name}");
        begin(store, &session(user.id, 0)).await;
    }
}

async fn l9_a_step_is_accepted_once_and_no_earlier_one_after_it(store: &dyn Store) {
    let (user, factor, _) = enrolled(store, "steps").await;
    let accept = async |factor: FactorId, step: u64| {
        store
            .accept_time_step(user.id, factor, step)
            .await
            .expect("the store answers")
    };
    assert!(!accept(factor.id, 999).await, "before the last one");
    assert!(!accept(factor.id, 1000).await, "the last one");
    assert!(accept(factor.id, 1001).await);
    assert!(!accept(factor.id, 1001).await, "twice");
    assert!(accept(factor.id, 1003).await);
    assert!(!accept(factor.id, 1002).await, "an earlier one after a later one");
    assert!(
        !accept(FactorId::generate(), 2000).await,
        "checked against another secret"
    );
    assert!(!accept(factor.id, u64::MAX).await, "beyond what a database holds");
    let found = store
        .second_factor(user.id)
        .await
        .expect("the store answers")
        .expect("active");
    assert_eq!(found.last_step, 1003);
}

async fn l9_recovery_codes_are_used_once_and_replaced_together(store: &dyn Store) {
    let (user, factor, issued) = enrolled(store, "recovery").await;
    let (other, ..) = enrolled(store, "recovery-other").await;
    let spend = async |user_id: UserId, code: FactorId| {
        store.use_recovery_code(user_id, code).await.expect("the store answers")
    };
    assert!(!spend(other.id, issued[0].id).await, "somebody else's");
    assert!(spend(user.id, issued[0].id).await);
    assert!(!spend(user.id, issued[0].id).await, "twice");
    let left = store.recovery_codes(user.id).await.expect("the store answers");
    assert_eq!(left.len(), 2);
    assert!(left.iter().all(|code| code.id != issued[0].id));
    assert!(left.iter().any(|code| code.digest.as_str() == "digest 1"));

    let new = codes(10);
    let replace = async |factor: FactorId| {
        store
            .replace_recovery_codes(user.id, factor, &new)
            .await
            .expect("the store answers")
    };
    assert!(!replace(FactorId::generate()).await, "the factor is another by now");
    assert_eq!(store.recovery_codes(user.id).await.expect("the store answers").len(), 2);
    assert!(replace(factor.id).await);
    assert_eq!(
        store.recovery_codes(user.id).await.expect("the store answers").len(),
        10
    );
    assert!(!spend(user.id, issued[1].id).await, "the old ones are void");
}

/// Whether the account is read as one with a factor: by its name, by its id and in a page.
async fn seen_with_the_account(store: &dyn Store, user: &User) -> [bool; 3] {
    let by_name = store.user_by_email(&user.email).await.expect("the store answers");
    let by_id = store.user_by_id(user.id).await.expect("the store answers");
    let page = store.users_after(None, 10_000).await.expect("the store answers");
    let of_page = page.into_iter().find(|record| record.unverified().id == user.id);
    [by_name, by_id, of_page].map(|record| record.expect("there is an account").unverified().factor_stored)
}

async fn removal_takes_everything_and_so_does_the_account(store: &dyn Store) {
    let (user, ..) = enrolled(store, "removed").await;
    assert_eq!(seen_with_the_account(store, &user).await, [true; 3]);
    store
        .put_pending_second_factor(&pending(user.id, "waiting"))
        .await
        .expect("the store answers");
    assert!(
        store
            .remove_second_factor(user.id, &all_sessions())
            .await
            .expect("the store answers")
    );
    assert!(
        !store
            .remove_second_factor(user.id, &all_sessions())
            .await
            .expect("the store answers")
    );
    assert_eq!(seen_with_the_account(store, &user).await, [false; 3]);
    assert!(store.second_factor(user.id).await.expect("the store answers").is_none());
    assert!(
        store
            .pending_second_factor(user.id)
            .await
            .expect("the store answers")
            .is_none()
    );
    assert!(
        store
            .recovery_codes(user.id)
            .await
            .expect("the store answers")
            .is_empty()
    );
}

async fn resealing_never_undoes_another_enrolment(store: &dyn Store) {
    let (user, _, issued) = enrolled(store, "resealed").await;
    let replace = async |expected: &str, secret: &str| {
        store
            .replace_totp_secret(user.id, &sealed(expected), &sealed(secret))
            .await
            .expect("the store answers")
    };
    assert!(!replace("another", "anew").await);
    assert!(replace("secret", "anew").await);
    assert!(!replace("secret", "anew").await);
    let found = store
        .second_factor(user.id)
        .await
        .expect("the store answers")
        .expect("active");
    assert_eq!(found.secret.as_str(), "anew");

    let reseal = async |expected: &StoredRecoveryCode| {
        store
            .replace_recovery_code_digest(user.id, expected, &sealed("anew"))
            .await
            .expect("the store answers")
    };
    assert!(reseal(&issued[0]).await);
    assert!(!reseal(&issued[0]).await, "another pass was there before");
    assert!(
        store
            .use_recovery_code(user.id, issued[1].id)
            .await
            .expect("the store answers")
    );
    assert!(!reseal(&issued[1]).await, "a used code does not come back");
}

async fn accounts_with_a_factor_are_listed_in_pages(store: &dyn Store) {
    let mut expected = Vec::new();
    for number in 0..3 {
        expected.push(enrolled(store, &format!("page-{number}")).await.0.id);
    }
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store
            .users_with_second_factor(after, 2)
            .await
            .expect("the store answers");
        assert!(page.len() <= 2);
        let Some(last) = page.last() else { break };
        after = Some(*last);
        found.extend(page);
    }
    assert!(found.is_sorted_by(|a, b| a < b));
    assert!(expected.iter().all(|id| found.contains(id)));
}
