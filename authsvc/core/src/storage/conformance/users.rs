//! Accounts.

use cryptokit::password::SealedHash;
use time::OffsetDateTime;

use crate::domain::{User, UserId};
use crate::storage::{Store, StoreError};

pub(super) async fn run(store: &dyn Store) {
    users_are_found_by_name_and_id(store).await;
    a_taken_name_conflicts_and_changes_nothing(store).await;
    changes_to_absent_users_say_so(store).await;
    a_rehash_never_undoes_a_password_change(store).await;
    hostile_text_is_stored_as_it_is(store).await;
}

pub(super) fn user(email: &str) -> User {
    User {
        id: UserId::generate(),
        email: email.parse().expect("an address"),
        password_hash: SealedHash::from_stored(format!("hash of {email}")),
        disabled: false,
        created_at: OffsetDateTime::from_unix_timestamp(1_800_000_000).expect("in the calendar"),
    }
}

async fn users_are_found_by_name_and_id(store: &dyn Store) {
    let alice = user("alice@conformance.example");
    store.insert_user(&alice).await.expect("a new name");
    for found in [
        store.user_by_email(&alice.email).await,
        store.user_by_id(alice.id).await,
    ] {
        let found = found.expect("the store answers").expect("alice is there");
        assert_eq!((found.id, &found.email), (alice.id, &alice.email));
        assert_eq!(found.password_hash.as_str(), alice.password_hash.as_str());
        assert_eq!((found.disabled, found.created_at), (false, alice.created_at));
    }
    let nobody = "nobody@conformance.example".parse().expect("an address");
    assert!(store.user_by_email(&nobody).await.expect("the store answers").is_none());
    assert!(
        store
            .user_by_id(UserId::generate())
            .await
            .expect("the store answers")
            .is_none()
    );

    assert!(
        store
            .set_user_disabled(alice.id, true)
            .await
            .expect("the store answers")
    );
    let found = store
        .user_by_id(alice.id)
        .await
        .expect("the store answers")
        .expect("alice is there");
    assert!(found.disabled);
}

async fn a_taken_name_conflicts_and_changes_nothing(store: &dyn Store) {
    let first = user("bob@conformance.example");
    store.insert_user(&first).await.expect("a new name");
    let second = user("bob@conformance.example");
    assert!(matches!(store.insert_user(&second).await, Err(StoreError::Conflict)));
    let found = store
        .user_by_email(&first.email)
        .await
        .expect("the store answers")
        .expect("bob is there");
    assert_eq!(found.id, first.id);
    let named = store.users().await.expect("the store answers");
    assert_eq!(named.iter().filter(|user| user.email == first.email).count(), 1);
    assert!(named.is_sorted_by(|a, b| a.email < b.email), "by name");
}

async fn changes_to_absent_users_say_so(store: &dyn Store) {
    let nobody = UserId::generate();
    let hash = SealedHash::from_stored("x".into());
    assert!(!store.set_user_disabled(nobody, true).await.expect("the store answers"));
    assert!(!store.set_password_hash(nobody, &hash).await.expect("the store answers"));
    assert!(
        !store
            .replace_password_hash(nobody, &hash, &hash)
            .await
            .expect("the store answers")
    );
}

async fn a_rehash_never_undoes_a_password_change(store: &dyn Store) {
    let carol = user("carol@conformance.example");
    store.insert_user(&carol).await.expect("a new name");
    let changed = SealedHash::from_stored("changed".into());
    let rehashed = SealedHash::from_stored("rehashed".into());
    assert!(
        store
            .set_password_hash(carol.id, &changed)
            .await
            .expect("the store answers")
    );
    let replaced = store
        .replace_password_hash(carol.id, &carol.password_hash, &rehashed)
        .await;
    assert!(
        !replaced.expect("the store answers"),
        "the hash is no longer what was verified"
    );
    let found = store
        .user_by_id(carol.id)
        .await
        .expect("the store answers")
        .expect("carol is there");
    assert_eq!(found.password_hash.as_str(), "changed");
    assert!(
        store
            .replace_password_hash(carol.id, &changed, &rehashed)
            .await
            .expect("the store answers")
    );
}

async fn hostile_text_is_stored_as_it_is(store: &dyn Store) {
    let mut mallory = user("o'brien{x}@conformance.example");
    mallory.password_hash = SealedHash::from_stored("'; DROP TABLE users; --".into());
    store.insert_user(&mallory).await.expect("a new name");
    let found = store
        .user_by_email(&mallory.email)
        .await
        .expect("the store answers")
        .expect("mallory is there");
    assert_eq!(found.password_hash.as_str(), mallory.password_hash.as_str());
}
