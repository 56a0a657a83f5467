//! Two replicas count together, on either kind of database.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use authsvc_core::clock::TestClock;
use authsvc_core::domain::EmailAddress;
use authsvc_core::service::SealedKeysets;
use authsvc_core::service::defence::{DefenceError, DefencePolicy, Factor, LoginDefence, open_digest_key};
use authsvc_core::storage::Store;
use cryptokit::keyset::RootKey;
use tokio::task::JoinSet;

use super::strict;
use crate::support::in_process::{EMAIL, NOW};
use crate::support::{databases, postgres};

/// Two replicas over one database.
async fn replicas(first: Arc<dyn Store>, second: Arc<dyn Store>) -> [Arc<LoginDefence>; 2] {
    let root = Arc::new(RootKey::generate());
    let mut replicas = Vec::new();
    for store in [first, second] {
        let keysets = SealedKeysets::new(Arc::clone(&store), Arc::clone(&root) as _);
        let names = open_digest_key(&keysets).await.unwrap();
        let clock = Arc::new(TestClock::at(NOW));
        replicas.push(Arc::new(LoginDefence::start(store, clock, names, strict())));
    }
    replicas.try_into().unwrap_or_else(|_| unreachable!("two were made"))
}

async fn two_on_sqlite(file: &Path) -> [Arc<LoginDefence>; 2] {
    std::fs::write(file, "").unwrap();
    let open = async || Arc::new(databases::open_sqlite(file).await) as Arc<dyn Store>;
    replicas(open().await, open().await).await
}

async fn two_on_postgres() -> Option<[Arc<LoginDefence>; 2]> {
    let database = postgres::database().await?;
    let open = async || Arc::new(database.open().await) as Arc<dyn Store>;
    Some(replicas(open().await, open().await).await)
}

/// What so many guesses at once, half through each replica, were told.
async fn guess(replicas: &[Arc<LoginDefence>; 2], count: usize, right: bool) -> (usize, usize) {
    let let_through = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for number in 0..count {
        let (defence, let_through) = (Arc::clone(&replicas[number % 2]), Arc::clone(&let_through));
        tasks.spawn(async move {
            let account: EmailAddress = EMAIL.parse().unwrap();
            let source: IpAddr = [192, 0, 2, 1].into();
            let mut told = defence.reserve(&account, Some(source), Factor::Password).await;
            // Sixty at once want one row; who is right asks until it is their turn.
            for _ in 0..100 {
                if !(right && matches!(told, Err(DefenceError::Busy))) {
                    break;
                }
                told = defence.reserve(&account, Some(source), Factor::Password).await;
            }
            match told {
                Ok(reservation) => {
                    let_through.fetch_add(1, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                    if right {
                        reservation.succeeded();
                    } else {
                        reservation.failed();
                    }
                    true
                }
                Err(DefenceError::Refused { .. } | DefenceError::Busy) => false,
                Err(error) => panic!("{error:?}"),
            }
        });
    }
    let answers = tasks.join_all().await;
    // Outcomes are written together a moment later, and a success that comes after failures forgives them.
    for defence in replicas {
        defence.flush().await;
    }
    (let_through.load(Ordering::SeqCst), answers.len())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn l3_two_replicas_over_sqlite_let_five_guesses_through() {
    let directory = tempfile::tempdir().unwrap();
    let replicas = two_on_sqlite(&directory.path().join("authsvc.db")).await;
    assert_eq!(guess(&replicas, 200, false).await, (5, 200));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn l3_two_replicas_over_postgres_let_five_guesses_through() {
    let Some(replicas) = two_on_postgres().await else {
        return;
    };
    assert_eq!(guess(&replicas, 200, false).await, (5, 200));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn any_number_of_right_passwords_at_once_get_in_on_both_databases() {
    let directory = tempfile::tempdir().unwrap();
    let replicas = two_on_sqlite(&directory.path().join("authsvc.db")).await;
    assert_eq!(guess(&replicas, 60, true).await, (60, 60));
    if let Some(replicas) = two_on_postgres().await {
        assert_eq!(guess(&replicas, 60, true).await, (60, 60));
        assert_eq!(guess(&replicas, 20, false).await.0, 5, "and cost nobody anything");
    }
}

/// An outcome waits for a reservation to travel with; where none comes it is written all the same, and a kept one is never
/// taken for room.
#[tokio::test]
async fn outcomes_reach_the_other_replica_though_nobody_asks_again() {
    let directory = tempfile::tempdir().unwrap();
    let sqlite = two_on_sqlite(&directory.path().join("authsvc.db")).await;
    for [one, other] in [Some(sqlite), two_on_postgres().await].into_iter().flatten() {
        let account: EmailAddress = EMAIL.parse().unwrap();
        let source = Some([192, 0, 2, 1].into());
        let mut guesses = Vec::new();
        for _ in 0..5 {
            guesses.push(one.reserve(&account, source, Factor::Password).await.unwrap());
        }
        for guess in guesses {
            guess.failed();
        }
        // It waits while attempts are under way, and is refused once it knows that they failed.
        let next = other.reserve(&account, source, Factor::Password).await;
        assert!(matches!(next, Err(DefenceError::Refused { .. })), "{next:?}");
    }
}

#[tokio::test]
async fn an_unlocked_account_begins_anew_on_both_databases() {
    let directory = tempfile::tempdir().unwrap();
    let sqlite = two_on_sqlite(&directory.path().join("authsvc.db")).await;
    for replicas in [Some(sqlite), two_on_postgres().await].into_iter().flatten() {
        assert_eq!(guess(&replicas, 10, false).await.0, 5);
        replicas[0].unlock(&EMAIL.parse().unwrap()).await.unwrap();
        assert_eq!(guess(&replicas, 10, false).await.0, 5);
    }
}

#[tokio::test]
async fn floods_of_made_up_addresses_do_not_let_the_table_grow_nor_reset_a_counter() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("authsvc.db");
    std::fs::write(&file, "").unwrap();
    let store: Arc<dyn Store> = Arc::new(databases::open_sqlite(&file).await);
    let keysets = SealedKeysets::new(Arc::clone(&store), Arc::new(RootKey::generate()));
    let policy = DefencePolicy {
        max_counters: 320,
        source_failures: 1_000_000,
        ..strict()
    };
    let names = open_digest_key(&keysets).await.unwrap();
    let defence = LoginDefence::start(store, Arc::new(TestClock::at(NOW)), names, policy);
    let fail = async |email: String, source: [u8; 4]| {
        let account = email.parse().unwrap();
        match defence.reserve(&account, Some(source.into()), Factor::Password).await {
            Ok(reservation) => {
                reservation.failed();
                true
            }
            Err(_) => false,
        }
    };
    // The victim: all five guesses are used up.
    for _ in 0..5 {
        assert!(fail("victim@example.com".into(), [192, 0, 2, 1]).await);
    }
    let mut kept = 0;
    for number in 0..1000_u32 {
        let [_, _, high, low] = number.to_be_bytes();
        fail(format!("u{number}@example.com"), [10, 0, high, low]).await;
        if number % 250 == 249 {
            kept = 0;
            for _ in 0..16 {
                kept += defence.sweep().await.unwrap().kept;
            }
        }
    }
    assert!(kept <= 320, "{kept}");
    assert!(!fail("victim@example.com".into(), [192, 0, 2, 1]).await, "still locked");
}
