//! Accounts.

use cryptokit::password::SealedHash;
use time::OffsetDateTime;

use super::sessions::{begin, ending, revoked, session};
use crate::domain::{EmailAddress, EndReason, User, UserId, UserRecord};
use crate::storage::{Begun, EndOfSessions, HashShapes, PasswordReset, ResealedUser, Store, StoreError};

pub(super) async fn run(store: &dyn Store) {
    users_are_found_by_name_and_id(store).await;
    pages_follow_one_another_by_name(store).await;
    a_taken_name_conflicts_and_changes_nothing(store).await;
    of_two_changes_of_one_record_one_succeeds(store).await;
    changes_to_absent_users_say_so(store).await;
    a_rehash_never_undoes_a_password_change(store).await;
    removed_users_are_gone_with_what_hangs_on_them(store).await;
    a_reset_token_works_once_and_the_latest_only(store).await;
    a_reset_token_goes_with_the_password_it_was_made_for(store).await;
    sessions_end_with_the_password_that_they_began_with(store).await;
    an_import_becomes_accounts_at_once_or_not_at_all(store).await;
    abandoned_imports_are_forgotten_and_others_not(store).await;
    what_is_sealed_anew_replaces_only_what_it_was_made_from(store).await;
    hostile_text_is_stored_as_it_is(store).await;
}

/// An account as a program stores it. Stores do not look into seals.
pub(super) fn user(email: &str) -> UserRecord {
    let user = User::new(
        UserId::generate(),
        email.parse().expect("an address"),
        SealedHash::from_stored(format!("hash of {email}")),
        at(0),
    );
    UserRecord::from_stored(user, Some(format!("seal of {email}")), None)
}

fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_800_000_000 + seconds).expect("in the calendar")
}

/// The same account after a change, under another seal.
fn changed(record: &UserRecord, seal: &str, edit: impl FnOnce(&mut User)) -> UserRecord {
    let mut user = record.unverified().clone();
    edit(&mut user);
    UserRecord::from_stored(user, Some(seal.to_owned()), None)
}

async fn by_id(store: &dyn Store, id: UserId) -> UserRecord {
    let found = store.user_by_id(id).await.expect("the store answers");
    found.expect("it is there")
}

async fn users_are_found_by_name_and_id(store: &dyn Store) {
    let alice = changed(&user("alice@conformance.example"), "s", |user| {
        user.roles = "admin clerk".parse().expect("roles");
        user.scopes = "orders:read".parse().expect("scopes");
        user.second_factor = true;
    })
    .with_shape(Some("$shape$".into()));
    let told = alice.unverified();
    store.insert_user(&alice).await.expect("a new name");
    for found in [store.user_by_email(&told.email).await, store.user_by_id(told.id).await] {
        let record = found.expect("the store answers").expect("alice is there");
        let found = record.unverified();
        assert_eq!((found.id, &found.email), (told.id, &told.email));
        assert_eq!(found.password_hash.as_str(), told.password_hash.as_str());
        assert_eq!((&found.roles, &found.scopes), (&told.roles, &told.scopes));
        assert_eq!((found.disabled, found.second_factor), (false, true));
        assert_eq!(found.created_at, told.created_at);
        assert_eq!((record.seal_text(), record.shape_text()), (Some("s"), Some("$shape$")));
    }
    let nobody = "nobody@conformance.example".parse().expect("an address");
    assert!(store.user_by_email(&nobody).await.expect("the store answers").is_none());
    let nobody = store.user_by_id(UserId::generate()).await;
    assert!(nobody.expect("the store answers").is_none());

    let disabled = changed(&alice, "t", |user| {
        user.disabled = true;
        user.roles = "".parse().expect("no roles");
    });
    assert!(store.replace_user(&alice, &disabled).await.expect("the store answers"));
    let found = by_id(store, told.id).await;
    assert!(found.unverified().disabled && found.unverified().roles.is_empty());
    assert_eq!((found.seal_text(), found.shape_text()), (Some("t"), None));
}

async fn pages_follow_one_another_by_name(store: &dyn Store) {
    for number in 0..5 {
        let email = format!("page{number}@conformance.example");
        store.insert_user(&user(&email)).await.expect("a new name");
    }
    let (mut names, mut after): (Vec<EmailAddress>, Option<EmailAddress>) = (Vec::new(), None);
    loop {
        let page = store.users_after(after.as_ref(), 2).await.expect("the store answers");
        assert!(page.len() <= 2);
        names.extend(page.iter().map(|record| record.unverified().email.clone()));
        if page.is_empty() {
            break;
        }
        after = names.last().cloned();
    }
    assert!(names.is_sorted_by(|a, b| a < b), "by name, each once");
    let pages = names.iter().filter(|name| name.as_str().starts_with("page"));
    assert_eq!(pages.count(), 5);
    assert!(store.users_after(None, 0).await.expect("the store answers").is_empty());
}

async fn a_taken_name_conflicts_and_changes_nothing(store: &dyn Store) {
    let first = user("bob@conformance.example");
    store.insert_user(&first).await.expect("a new name");
    let second = user("bob@conformance.example");
    assert!(matches!(store.insert_user(&second).await, Err(StoreError::Conflict)));
    let found = store.user_by_email(&first.unverified().email).await;
    let found = found.expect("the store answers").expect("bob is there");
    assert_eq!(found.unverified().id, first.unverified().id);
}

async fn of_two_changes_of_one_record_one_succeeds(store: &dyn Store) {
    let dora = user("dora@conformance.example");
    store.insert_user(&dora).await.expect("a new name");
    let first = changed(&dora, "first", |user| user.roles = "first".parse().expect("roles"));
    let second = changed(&dora, "second", |user| user.roles = "second".parse().expect("roles"));
    assert!(store.replace_user(&dora, &first).await.expect("the store answers"));
    assert!(!store.replace_user(&dora, &second).await.expect("the store answers"));
    assert_eq!(
        by_id(store, dora.unverified().id).await.unverified().roles.to_string(),
        "first"
    );

    // A record without a seal is one state as well, and the empty seal another.
    let unsealed = UserRecord::from_stored(user("eve@conformance.example").unverified().clone(), None, None);
    store.insert_user(&unsealed).await.expect("a new name");
    let empty = UserRecord::from_stored(unsealed.unverified().clone(), Some(String::new()), None);
    let sealed = changed(&unsealed, "sealed", |_| {});
    assert!(!store.replace_user(&empty, &sealed).await.expect("the store answers"));
    assert!(store.replace_user(&unsealed, &sealed).await.expect("the store answers"));
    assert!(!store.replace_user(&unsealed, &sealed).await.expect("the store answers"));
}

async fn changes_to_absent_users_say_so(store: &dyn Store) {
    let nobody = user("nobody@conformance.example");
    let id = nobody.unverified().id;
    let hash = SealedHash::from_stored("x".into());
    assert!(!store.replace_user(&nobody, &nobody).await.expect("the store answers"));
    assert!(!store.delete_user(id).await.expect("the store answers"));
    let replaced = store.replace_password_hash(id, &hash, &hash, None).await;
    assert!(!replaced.expect("the store answers"));
}

async fn a_rehash_never_undoes_a_password_change(store: &dyn Store) {
    let carol = user("carol@conformance.example").with_shape(Some("shape of carol".into()));
    store.insert_user(&carol).await.expect("a new name");
    let id = carol.unverified().id;
    let verified = carol.unverified().password_hash.clone();
    let rehashed = SealedHash::from_stored("rehashed".into());
    let by_change = SealedHash::from_stored("changed".into());
    let change = changed(&carol, "changed", |user| user.password_hash = by_change.clone());
    assert!(store.replace_user(&carol, &change).await.expect("the store answers"));
    let late = store
        .replace_password_hash(id, &verified, &rehashed, Some("late"))
        .await;
    assert!(
        !late.expect("the store answers"),
        "the hash is no longer what was verified"
    );
    assert_eq!(by_id(store, id).await.unverified().password_hash.as_str(), "changed");

    let rehash = store
        .replace_password_hash(id, &by_change, &rehashed, Some("own shape"))
        .await;
    assert!(rehash.expect("the store answers"));
    let found = by_id(store, id).await;
    assert_eq!(
        (found.seal_text(), found.shape_text()),
        (Some("changed"), Some("own shape"))
    );
}

async fn removed_users_are_gone_with_what_hangs_on_them(store: &dyn Store) {
    let first = user("frank@conformance.example");
    let id = first.unverified().id;
    store.insert_user(&first).await.expect("a new name");
    store
        .put_password_reset(&reset(id, 9, 100))
        .await
        .expect("the store answers");
    assert!(store.delete_user(id).await.expect("the store answers"));
    assert!(!store.delete_user(id).await.expect("the store answers"), "once");
    assert!(store.user_by_id(id).await.expect("the store answers").is_none());
    let token = store.password_reset(&[9; 32]).await.expect("the store answers");
    assert!(token.is_none(), "the token went with the account");

    let again = user("frank@conformance.example");
    store.insert_user(&again).await.expect("the name is free again");
    assert!(
        store.user_by_id(id).await.expect("the store answers").is_none(),
        "the id is not"
    );
}

fn reset(user_id: UserId, token: u8, expires: i64) -> PasswordReset {
    PasswordReset {
        user_id,
        token_sha256: [token; 32],
        expires_at: at(expires),
        seal: format!("seal {token}"),
    }
}

fn all_sessions() -> EndOfSessions {
    EndOfSessions {
        except: None,
        ending: ending(0, EndReason::PasswordChanged),
    }
}

/// A login with the old password may be under way while it becomes another one.
async fn sessions_end_with_the_password_that_they_began_with(store: &dyn Store) {
    for by_link in [false, true] {
        let peggy = user(&format!("peggy-{by_link}@conformance.example"));
        store.insert_user(&peggy).await.expect("a new name");
        let id = peggy.unverified().id;
        let token = [if by_link { 41 } else { 40 }; 32];
        store
            .put_password_reset(&reset(id, token[0], 100))
            .await
            .expect("the store answers");
        let (current, other) = (session(id, 0), session(id, 0));
        begin(store, &current).await;
        begin(store, &other).await;
        let epoch = by_id(store, id).await.unverified().session_epoch;
        let new = changed(&peggy, "new", |user| {
            user.password_hash = SealedHash::from_stored("new".into());
        });
        let sessions = EndOfSessions {
            except: Some(current.id),
            ..all_sessions()
        };
        let change = async |expected: &UserRecord| {
            let written = match by_link {
                false => store.replace_user_and_end_sessions(expected, &new, &sessions).await,
                true => {
                    store
                        .redeem_password_reset(&token, at(0), expected, &new, &sessions)
                        .await
                }
            };
            written.expect("the store answers")
        };
        assert!(!change(&new).await);
        assert_eq!(revoked(store, other.id).await, 0, "what was refused ends nothing");
        assert!(change(&peggy).await);
        assert_eq!(revoked(store, other.id).await, 1);
        assert_eq!(revoked(store, current.id).await, 0);
        let left = store.password_reset(&token).await.expect("the store answers");
        assert!(left.is_none());
        let late = store
            .begin_session(&session(id, 0), epoch, 64, &ending(0, EndReason::Displaced))
            .await;
        assert_eq!(late.expect("the store answers"), Begun::AccountChanged);
    }
}

async fn a_reset_token_works_once_and_the_latest_only(store: &dyn Store) {
    let grace = user("grace@conformance.example");
    let id = grace.unverified().id;
    store.insert_user(&grace).await.expect("a new name");
    for token in [1, 2] {
        store
            .put_password_reset(&reset(id, token, 100))
            .await
            .expect("the store answers");
    }
    let voided = store.password_reset(&[1; 32]).await.expect("the store answers");
    assert!(voided.is_none(), "a new token voids the one before");
    let stored = store.password_reset(&[2; 32]).await.expect("the store answers");
    assert_eq!(stored, Some(reset(id, 2, 100)));

    let new = changed(&grace, "new", |user| {
        user.password_hash = SealedHash::from_stored("new".into())
    });
    let redeem = async |token: u8, now: i64, expected: &UserRecord| {
        let redeemed = store
            .redeem_password_reset(&[token; 32], at(now), expected, &new, &all_sessions())
            .await;
        redeemed.expect("the store answers")
    };
    assert!(!redeem(1, 0, &grace).await, "voided");
    assert!(!redeem(3, 0, &grace).await, "unknown");
    assert!(!redeem(2, 100, &grace).await, "expired");
    assert!(!redeem(2, 0, &new).await, "the record is another by now");
    assert_eq!(
        by_id(store, id).await.seal_text(),
        grace.seal_text(),
        "nothing was changed"
    );
    assert!(redeem(2, 99, &grace).await, "a refusal does not use it up");
    assert_eq!(by_id(store, id).await.unverified().password_hash.as_str(), "new");
    assert!(!redeem(2, 99, &new).await, "used");

    // Another account's token writes nothing.
    let heidi = user("heidi@conformance.example");
    store.insert_user(&heidi).await.expect("a new name");
    store
        .put_password_reset(&reset(heidi.unverified().id, 4, 100))
        .await
        .expect("the store answers");
    assert!(!redeem(4, 0, &new).await);
    assert_eq!(store.prune_password_resets(at(99)).await.expect("the store answers"), 0);
    assert_eq!(
        store.prune_password_resets(at(100)).await.expect("the store answers"),
        1
    );
}

async fn a_reset_token_goes_with_the_password_it_was_made_for(store: &dyn Store) {
    let (olga, pia) = (user("olga@conformance.example"), user("pia@conformance.example"));
    let id = olga.unverified().id;
    for (record, token) in [(&olga, 21), (&pia, 22)] {
        store.insert_user(record).await.expect("a new name");
        let token = reset(record.unverified().id, token, 1000);
        store.put_password_reset(&token).await.expect("the store answers");
    }
    let is_there = async |token: u8| {
        let found = store.password_reset(&[token; 32]).await;
        found.expect("the store answers").is_some()
    };

    let granted = changed(&olga, "granted", |user| user.roles = "clerk".parse().expect("roles"));
    assert!(store.replace_user(&olga, &granted).await.expect("the store answers"));
    assert!(is_there(21).await, "the password is the same");
    let rehashed = SealedHash::from_stored("rehashed".into());
    let rehash = store.replace_password_hash(id, &olga.unverified().password_hash, &rehashed, None);
    assert!(rehash.await.expect("the store answers"));
    assert!(is_there(21).await, "and so it is after a rehash");

    let granted = by_id(store, id).await;
    let another = changed(&granted, "another", |user| {
        user.password_hash = SealedHash::from_stored("another".into());
    });
    assert!(!store.replace_user(&olga, &another).await.expect("the store answers"));
    assert!(is_there(21).await, "nothing was changed");
    assert!(store.replace_user(&granted, &another).await.expect("the store answers"));
    assert!(!is_there(21).await, "it was made for the old password");
    assert!(is_there(22).await, "another account's is another's");
    let after = changed(&another, "after", |user| {
        user.password_hash = SealedHash::from_stored("after".into());
    });
    let redeemed = store
        .redeem_password_reset(&[21; 32], at(0), &another, &after, &all_sessions())
        .await;
    assert!(!redeemed.expect("the store answers"));
    assert_eq!(by_id(store, id).await.seal_text(), Some("another"));
    assert!(store.delete_user(pia.unverified().id).await.expect("the store answers"));
}

async fn abandoned_imports_are_forgotten_and_others_not(store: &dyn Store) {
    let staged = async || store.staged_accounts().await.expect("the store answers");
    let before = staged().await;
    let put_aside = async |import: &str, name: &str, seconds: i64| {
        let record = changed(&user(&format!("{name}@abandoned.example")), "s", |user| {
            user.created_at = at(seconds);
        });
        store.stage_import(import, &[record]).await.expect("the store answers");
    };
    put_aside("left", "a", 0).await;
    put_aside("left", "b", 10).await;
    put_aside("under-way", "a", 0).await;
    put_aside("under-way", "b", 11).await;
    assert_eq!(staged().await, before + 4);
    assert_eq!(store.prune_imports(at(10)).await.expect("the store answers"), 0);
    assert_eq!(store.prune_imports(at(11)).await.expect("the store answers"), 2);
    assert_eq!(store.commit_import("under-way").await.expect("the store answers"), 2);
    assert_eq!(staged().await, before);
}

async fn what_is_sealed_anew_replaces_only_what_it_was_made_from(store: &dyn Store) {
    let names = ["ivan", "judy", "ken", "leo"];
    let mut records = Vec::new();
    for name in names {
        let record = user(&format!("{name}@reseal.example")).with_shape(Some("shape".into()));
        store.insert_user(&record).await.expect("a new name");
        records.push(record);
    }
    // Meanwhile judy's hash is replaced at a login, and ken's record by an operator; leo is gone.
    let rehashed = SealedHash::from_stored("rehashed".into());
    let judy = records[1].unverified();
    let replaced = store.replace_password_hash(judy.id, &judy.password_hash, &rehashed, None);
    assert!(replaced.await.expect("the store answers"));
    let ken = changed(&records[2], "by an operator", |user| user.disabled = true);
    assert!(store.replace_user(&records[2], &ken).await.expect("the store answers"));
    assert!(
        store
            .delete_user(records[3].unverified().id)
            .await
            .expect("the store answers")
    );

    let changes: Vec<_> = records
        .iter()
        .map(|record| ResealedUser {
            expected: record.clone(),
            resealed: changed(record, "anew", |_| {}).with_resealed_hash(SealedHash::from_stored("anew".into())),
        })
        .collect();
    assert_eq!(store.reseal_users(&changes).await.expect("the store answers"), 1);
    let found = async |index: usize| by_id(store, records[index].unverified().id).await;
    let ivan = found(0).await;
    assert_eq!(
        (ivan.unverified().password_hash.as_str(), ivan.seal_text()),
        ("anew", Some("anew"))
    );
    assert_eq!(ivan.shape_text(), Some("shape"), "it stays what it was");
    assert_eq!(found(1).await.unverified().password_hash.as_str(), "rehashed");
    assert_eq!(found(2).await.seal_text(), Some("by an operator"));
    assert_eq!(store.reseal_users(&changes).await.expect("the store answers"), 0);
    // A record without a seal has a hash all the same.
    let bare = UserRecord::from_stored(user("bare@reseal.example").unverified().clone(), None, None);
    store.insert_user(&bare).await.expect("a new name");
    let change = ResealedUser {
        expected: bare.clone(),
        resealed: bare.clone().with_resealed_hash(SealedHash::from_stored("anew".into())),
    };
    assert_eq!(store.reseal_users(&[change]).await.expect("the store answers"), 1);

    let mut ids: Vec<UserId> = records[..3].iter().map(|record| record.unverified().id).collect();
    ids.sort_by_key(ToString::to_string);
    for (token, id) in (20..).zip(&ids) {
        store
            .put_password_reset(&reset(*id, token, 100))
            .await
            .expect("the store answers");
    }
    let mut pages = Vec::new();
    let mut after = None;
    loop {
        let page = store.password_resets_after(after, 2).await.expect("the store answers");
        assert!(page.len() <= 2);
        let Some(last) = page.last() else { break };
        after = Some(last.user_id);
        pages.extend(page.into_iter().filter(|reset| ids.contains(&reset.user_id)));
    }
    assert_eq!(pages.iter().map(|reset| reset.user_id).collect::<Vec<_>>(), ids);
    let resealed = async |expected: &PasswordReset| {
        let done = store.reseal_password_reset(expected, "anew").await;
        done.expect("the store answers")
    };
    assert!(resealed(&pages[0]).await);
    assert!(!resealed(&pages[0]).await, "not twice");
    store
        .put_password_reset(&reset(ids[1], 30, 100))
        .await
        .expect("the store answers");
    assert!(!resealed(&pages[1]).await, "another token by now");
}

async fn an_import_becomes_accounts_at_once_or_not_at_all(store: &dyn Store) {
    let before = store.hash_shapes().await.expect("the store answers");
    let imported = |name: &str, shape: &str| user(&format!("{name}@import.example")).with_shape(Some(shape.to_owned()));
    let first = [imported("a", "slow"), imported("b", "slow")];
    store.stage_import("one", &first).await.expect("the store answers");
    store
        .stage_import("one", &[imported("c", "slower")])
        .await
        .expect("the store answers");
    store
        .stage_import("two", &[imported("a", "slow")])
        .await
        .expect("another import");
    let twice = store
        .stage_import("one", &[imported("d", "x"), imported("a", "x")])
        .await;
    assert!(matches!(twice, Err(StoreError::Conflict)), "an address twice");
    let email = first[0].unverified().email.clone();
    assert!(
        store.user_by_email(&email).await.expect("the store answers").is_none(),
        "not yet"
    );

    assert_eq!(store.commit_import("one").await.expect("the store answers"), 3);
    assert_eq!(
        store.commit_import("one").await.expect("the store answers"),
        0,
        "nothing is left of it"
    );
    assert_eq!(
        store.commit_import("two").await.expect("the store answers"),
        0,
        "the name is taken"
    );
    let found = store
        .user_by_email(&email)
        .await
        .expect("the store answers")
        .expect("made");
    assert_eq!(found.unverified().id, first[0].unverified().id);
    assert_eq!(found.seal_text(), first[0].seal_text());

    store
        .stage_import("three", &[imported("e", "slow")])
        .await
        .expect("the store answers");
    store.discard_import("three").await.expect("the store answers");
    assert_eq!(store.commit_import("three").await.expect("the store answers"), 0);
    let HashShapes { accounts, shapes } = store.hash_shapes().await.expect("the store answers");
    assert_eq!(accounts, before.accounts + 3);
    assert!(
        shapes.is_sorted_by(|a, b| a.1 >= b.1),
        "the most frequent first: {shapes:?}"
    );
    let imported: Vec<_> = shapes.iter().filter(|(shape, _)| shape.starts_with("slow")).collect();
    assert_eq!(imported, [&("slow".to_owned(), 2), &("slower".to_owned(), 1)]);
}

async fn hostile_text_is_stored_as_it_is(store: &dyn Store) {
    let hostile = "'; DROP TABLE users; --";
    let mallory = changed(&user("o'brien{x}@conformance.example"), hostile, |user| {
        user.password_hash = SealedHash::from_stored(hostile.into());
        user.roles = "');-- %s".parse().expect("roles");
    });
    store.insert_user(&mallory).await.expect("a new name");
    let found = by_id(store, mallory.unverified().id).await;
    assert_eq!(found.unverified().password_hash.as_str(), hostile);
    assert_eq!(found.seal_text(), Some(hostile));
    assert_eq!(found.unverified().roles, mallory.unverified().roles);
}
