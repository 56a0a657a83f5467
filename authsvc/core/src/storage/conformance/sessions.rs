//! Sessions: beginning, rotating, ending, and what is left of them.

use cryptokit::jose::Revocation;
use time::{Duration, OffsetDateTime};

use super::users::user;
use crate::domain::{ClientPrint, EndReason, Session, SessionHolder, SessionId, TokenDigest, User, UserId, UserRecord};
use crate::storage::{Begun, Ending, Rotation, Store};

const NOW: i64 = 1_800_000_000;

pub(super) async fn run(store: &dyn Store) {
    a_session_is_found_as_it_began(store).await;
    a_changed_account_begins_no_session(store).await;
    the_session_longest_unused_makes_room(store).await;
    a_token_is_spent_once(store).await;
    an_ended_session_is_neither_rotated_nor_touched(store).await;
    all_sessions_of_a_user_end_but_one(store).await;
    successors_are_erased_when_their_time_is_over(store).await;
    what_ended_is_pruned_and_what_lives_is_not(store).await;
    a_seal_is_exchanged_for_the_one_that_was_read(store).await;
    hostile_text_comes_back_as_it_is(store).await;
}

pub(super) fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(NOW + seconds).expect("in the calendar")
}

pub(super) fn ending(seconds: i64, why: EndReason) -> Ending {
    Ending {
        at: at(seconds),
        why,
        tokens_end: at(seconds + 900),
    }
}

pub(super) fn session(user_id: UserId, began: i64) -> Session {
    Session {
        id: SessionId::generate(),
        user_id,
        holder: SessionHolder::Bearer,
        client_id: "authsvc".into(),
        family: digest(),
        generation: 0,
        current: digest(),
        spent: None,
        audience: "orders".parse().expect("an audience"),
        scope: Some("read write".into()),
        bind_tokens: false,
        amr: vec!["pwd".into(), "otp".into()],
        created_at: at(began),
        last_used_at: at(began),
        idle_end: at(began + 1_000),
        absolute_end: at(began + 5_000),
        source: Some("192.0.2.7".into()),
        user_agent: Some("conformance".into()),
        ended: None,
        seal: Some("seal".into()),
    }
}

fn digest() -> TokenDigest {
    TokenDigest(cryptokit::random::bytes())
}

pub(super) async fn account(store: &dyn Store, name: &str) -> User {
    let account = user(&format!("{name}@sessions.example"));
    store.insert_user(&account).await.expect("a new name");
    account.unverified().clone()
}

pub(super) async fn begin(store: &dyn Store, session: &Session) {
    let epoch = store
        .user_by_id(session.user_id)
        .await
        .expect("the store answers")
        .expect("there is an account")
        .unverified()
        .session_epoch;
    let begun = store
        .begin_session(session, epoch, 64, &ending(0, EndReason::Displaced))
        .await;
    let displaced = Vec::new();
    assert_eq!(begun.expect("the store answers"), Begun::Begun { displaced });
}

async fn found(store: &dyn Store, id: SessionId) -> Session {
    store
        .session_by_id(id)
        .await
        .expect("the store answers")
        .expect("there is a session")
}

fn rotation(session: &Session, seconds: i64) -> Rotation {
    Rotation {
        id: session.id,
        generation: session.generation,
        presented: session.current,
        successor: digest(),
        sealed_successor: vec![1, 2, 3],
        client: ClientPrint([9; 32]),
        at: at(seconds),
        retry_end: at(seconds + 10),
        idle_end: at(seconds + 1_000),
    }
}

/// How often the family is among the revocations.
pub(super) async fn revoked(store: &dyn Store, id: SessionId) -> usize {
    let all = store.revocations_after(0, 10_000).await.expect("the store answers");
    let name = id.to_string();
    all.iter()
        .filter(|row| matches!(&row.revocation, Revocation::Family { sid, .. } if *sid == name))
        .count()
}

async fn a_session_is_found_as_it_began(store: &dyn Store) {
    let alice = account(store, "begins").await;
    let bearer = session(alice.id, 0);
    let bound = Session {
        holder: SessionHolder::Service(super::services::identity(7, "dns:shop.internal")),
        scope: None,
        bind_tokens: true,
        amr: Vec::new(),
        source: None,
        user_agent: None,
        ..session(alice.id, 1)
    };
    for session in [&bearer, &bound] {
        begin(store, session).await;
        assert_eq!(&found(store, session.id).await, session);
        let by_family = store.session_by_family(&session.family).await;
        assert_eq!(by_family.expect("the store answers").as_ref(), Some(session));
    }
    assert_eq!(
        store.session_by_family(&digest()).await.expect("the store answers"),
        None
    );
    assert_eq!(
        store
            .session_by_id(SessionId::generate())
            .await
            .expect("the store answers"),
        None
    );
    let living = store.sessions_of(alice.id, at(2)).await.expect("the store answers");
    assert_eq!(
        living.iter().map(|session| session.id).collect::<Vec<_>>(),
        [bound.id, bearer.id],
        "the one used last first"
    );
    let later = store.sessions_of(alice.id, at(1_000)).await.expect("the store answers");
    assert_eq!(later.len(), 1, "the first has run out");
}

async fn a_changed_account_begins_no_session(store: &dyn Store) {
    let account = account(store, "changes").await;
    let refused = |epoch, id| async move {
        let begun = store
            .begin_session(&session(id, 0), epoch, 64, &ending(0, EndReason::Displaced))
            .await;
        begun.expect("the store answers") == Begun::AccountChanged
    };
    assert!(refused(0, UserId::generate()).await, "no such account");
    assert!(refused(1, account.id).await, "another epoch");
    store
        .end_sessions_of(account.id, None, &ending(0, EndReason::PasswordChanged))
        .await
        .expect("the store answers");
    assert!(refused(0, account.id).await, "all sessions were ended meanwhile");
    let record = store
        .user_by_id(account.id)
        .await
        .expect("the store answers")
        .expect("there is an account");
    let disabled = User {
        disabled: true,
        ..record.unverified().clone()
    };
    let disabled = UserRecord::from_stored(disabled, Some("another seal".into()), None);
    assert!(store.replace_user(&record, &disabled).await.expect("the store answers"));
    assert!(refused(1, account.id).await, "disabled");
    let living = store.sessions_of(account.id, at(1)).await.expect("the store answers");
    assert_eq!(living, [], "nothing is left of a refused one");
}

async fn the_session_longest_unused_makes_room(store: &dyn Store) {
    let account = account(store, "many").await;
    let mut sessions: Vec<Session> = (0..3).map(|began| session(account.id, began)).collect();
    for session in &sessions {
        begin(store, session).await;
    }
    // The oldest is the one used last.
    let touched = store.touch_session(sessions[0].id, 0, at(10), at(1_010)).await;
    assert!(touched.expect("the store answers"));
    let next = session(account.id, 11);
    let begun = store
        .begin_session(&next, 0, 2, &ending(11, EndReason::Displaced))
        .await
        .expect("the store answers");
    let Begun::Begun { mut displaced } = begun else {
        panic!("the account has not changed")
    };
    displaced.sort();
    let mut expected = vec![sessions[1].id, sessions[2].id];
    expected.sort();
    assert_eq!(displaced, expected);
    for id in expected {
        let ended = found(store, id).await;
        assert_eq!(ended.ended, Some((at(11), EndReason::Displaced)));
        assert!(!ended.is_alive(at(11)));
        assert_eq!(revoked(store, id).await, 1);
    }
    sessions[0].last_used_at = at(10);
    let living = store.sessions_of(account.id, at(11)).await.expect("the store answers");
    assert_eq!(
        living.iter().map(|session| session.id).collect::<Vec<_>>(),
        [next.id, sessions[0].id]
    );
}

async fn a_token_is_spent_once(store: &dyn Store) {
    let account = account(store, "rotates").await;
    let began = session(account.id, 0);
    begin(store, &began).await;
    let first = rotation(&began, 5);
    assert!(store.rotate_session(&first).await.expect("the store answers"));
    assert!(
        !store
            .rotate_session(&rotation(&began, 5))
            .await
            .expect("the store answers"),
        "spent"
    );
    let rotated = found(store, began.id).await;
    assert_eq!((rotated.generation, rotated.current), (1, first.successor));
    let spent = rotated.spent.as_ref().expect("one was spent");
    assert_eq!(
        (spent.digest, spent.client, spent.retry_end),
        (began.current, ClientPrint([9; 32]), at(15))
    );
    assert_eq!(spent.successor.as_deref(), Some(&[1, 2, 3][..]));
    assert_eq!((rotated.last_used_at, rotated.idle_end), (at(5), at(1_005)));

    let wrong_digest = Rotation {
        presented: digest(),
        ..rotation(&rotated, 6)
    };
    let wrong_generation = Rotation {
        generation: 0,
        ..rotation(&rotated, 6)
    };
    for wrong in [wrong_digest, wrong_generation] {
        assert!(!store.rotate_session(&wrong).await.expect("the store answers"));
    }
    assert!(
        store
            .rotate_session(&rotation(&rotated, 6))
            .await
            .expect("the store answers")
    );
    assert_eq!(found(store, began.id).await.generation, 2);
}

async fn an_ended_session_is_neither_rotated_nor_touched(store: &dyn Store) {
    let account = account(store, "ends").await;
    let began = session(account.id, 0);
    begin(store, &began).await;
    assert!(
        store
            .rotate_session(&rotation(&began, 1))
            .await
            .expect("the store answers")
    );
    let ended = store.end_session(began.id, &ending(2, EndReason::Reuse)).await;
    assert!(ended.expect("the store answers"));
    let again = store.end_session(began.id, &ending(3, EndReason::Logout)).await;
    assert!(!again.expect("the store answers"), "it has ended already");
    let session = found(store, began.id).await;
    assert_eq!(session.ended, Some((at(2), EndReason::Reuse)));
    assert_eq!(
        session.spent.as_ref().and_then(|spent| spent.successor.clone()),
        None,
        "erased"
    );
    assert_eq!(revoked(store, began.id).await, 1, "published once");
    assert!(
        !store
            .rotate_session(&rotation(&session, 3))
            .await
            .expect("the store answers")
    );
    let touched = store.touch_session(began.id, 1, at(3), at(9)).await;
    assert!(!touched.expect("the store answers"));
    let absent = store
        .end_session(SessionId::generate(), &ending(3, EndReason::Logout))
        .await;
    assert!(!absent.expect("the store answers"));
}

async fn all_sessions_of_a_user_end_but_one(store: &dyn Store) {
    let (account, other) = (account(store, "everywhere").await, account(store, "bystander").await);
    let sessions: Vec<Session> = (0..3).map(|began| session(account.id, began)).collect();
    for session in &sessions {
        begin(store, session).await;
    }
    let bystander = session(other.id, 0);
    begin(store, &bystander).await;
    let why = ending(5, EndReason::LogoutEverywhere);
    let ended = store.end_sessions_of(account.id, Some(sessions[1].id), &why).await;
    assert_eq!(ended.expect("the store answers"), 2);
    let living = store.sessions_of(account.id, at(6)).await.expect("the store answers");
    assert_eq!(
        living.iter().map(|session| session.id).collect::<Vec<_>>(),
        [sessions[1].id]
    );
    for (session, times) in sessions.iter().zip([1, 0, 1]) {
        assert_eq!(revoked(store, session.id).await, times);
    }
    let ended = store.end_sessions_of(account.id, None, &why).await;
    assert_eq!(ended.expect("the store answers"), 1);
    let ended = store.end_sessions_of(account.id, None, &why).await;
    assert_eq!(ended.expect("the store answers"), 0);
    assert!(found(store, bystander.id).await.is_alive(at(6)));
    let epoch = store
        .user_by_id(account.id)
        .await
        .expect("the store answers")
        .expect("there is an account")
        .unverified()
        .session_epoch;
    assert_eq!(epoch, 3, "each of them keeps logins out that began before");
}

async fn successors_are_erased_when_their_time_is_over(store: &dyn Store) {
    let account = account(store, "erased").await;
    let began = session(account.id, 0);
    begin(store, &began).await;
    assert!(
        store
            .rotate_session(&rotation(&began, 0))
            .await
            .expect("the store answers")
    );
    let sealed = || async move { found(store, began.id).await.spent.and_then(|spent| spent.successor) };
    store.erase_successors(at(9)).await.expect("the store answers");
    assert!(sealed().await.is_some());
    assert!(store.erase_successors(at(10)).await.expect("the store answers") >= 1);
    assert!(sealed().await.is_none());
}

async fn what_ended_is_pruned_and_what_lives_is_not(store: &dyn Store) {
    let account = account(store, "pruned").await;
    let (old, ended, living) = (
        session(account.id, -9_000),
        session(account.id, 0),
        session(account.id, 0),
    );
    for session in [&old, &ended, &living] {
        begin(store, session).await;
    }
    assert!(
        store
            .end_session(ended.id, &ending(1, EndReason::Logout))
            .await
            .expect("the store answers")
    );
    assert_eq!(store.prune_sessions(at(2), 0).await.expect("the store answers"), 0);
    while store.prune_sessions(at(2), 1).await.expect("the store answers") > 0 {}
    for (session, is_there) in [(&old, false), (&ended, false), (&living, true)] {
        let found = store.session_by_id(session.id).await.expect("the store answers");
        assert_eq!(found.is_some(), is_there);
    }
    let mut all = Vec::new();
    loop {
        let after = all.last().map(|session: &Session| session.id);
        let page = store.sessions_after(after, 1, at(2)).await.expect("the store answers");
        if page.is_empty() {
            break;
        }
        all.extend(page);
    }
    assert!(all.is_sorted_by(|a, b| a.id < b.id));
    assert!(all.iter().any(|session| session.id == living.id));
    assert!(all.iter().all(|session| session.is_alive(at(2))));
}

async fn a_seal_is_exchanged_for_the_one_that_was_read(store: &dyn Store) {
    let account = account(store, "seals").await;
    let sealed = session(account.id, 0);
    let unsealed = Session {
        seal: None,
        ..session(account.id, 0)
    };
    for session in [&sealed, &unsealed] {
        begin(store, session).await;
        assert_eq!(found(store, session.id).await.seal, session.seal);
    }
    let stale = Session {
        seal: None,
        ..sealed.clone()
    };
    let reseal = async |session: &Session| {
        let done = store.reseal_sessions(&[(session.clone(), "new".to_owned())]).await;
        done.expect("the store answers")
    };
    assert_eq!(reseal(&stale).await, 0);
    assert_eq!(reseal(&sealed).await, 1);
    assert_eq!(reseal(&sealed).await, 0);
    assert_eq!(reseal(&unsealed).await, 1);
    assert_eq!(found(store, unsealed.id).await.seal.as_deref(), Some("new"));
}

async fn hostile_text_comes_back_as_it_is(store: &dyn Store) {
    let account = account(store, "hostile").await;
    let hostile = "'; DROP TABLE sessions; -- \u{1f980} \" \\".to_owned();
    let session = Session {
        client_id: hostile.clone(),
        scope: Some(hostile.clone()),
        source: Some(hostile.clone()),
        user_agent: Some(hostile),
        idle_end: at(1_000) + Duration::days(36_500),
        absolute_end: at(1_000) + Duration::days(36_500),
        ..session(account.id, 0)
    };
    begin(store, &session).await;
    assert_eq!(found(store, session.id).await, session);
}
