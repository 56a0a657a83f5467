//! Two replicas over one database, on either kind of it.

use std::sync::Arc;

use authsvc_core::clock::{Clock, TestClock};
use authsvc_core::domain::{OneTimePassword, TotpSecret, User, UserId, UserRecord};
use authsvc_core::service::second_factor::{RecoveryCodes, SecondFactorError, SecondFactors};
use authsvc_core::service::{KeyRing, SEALING_KEYSET, SealedKeysets, create_keys};
use authsvc_core::storage::Store;
use cryptokit::aead::AeadKey;
use cryptokit::keyset::RootKey;
use cryptokit::otp::{OtpKey, time_step};
use cryptokit::password::SealedHash;
use cryptokit::sign::RsaKeySize;
use tokio::sync::Barrier;

use super::App;
use crate::support::in_process::NOW;
use crate::support::{databases, postgres};

const TASKS: usize = 64;

/// A process: its own connections, its own keys out of the database.
struct Replica {
    store: Arc<dyn Store>,
    keys: KeyRing,
    clock: Arc<TestClock>,
}

impl Replica {
    async fn over(store: Arc<dyn Store>, root: &RootKey) -> Self {
        let clock = Arc::new(TestClock::at(NOW));
        let root = RootKey::from_text(&root.to_text()).unwrap();
        let keysets = SealedKeysets::new(Arc::clone(&store), Arc::new(root));
        let keys = KeyRing::open(keysets, Arc::clone(&clock) as _).await.unwrap();
        Self { store, keys, clock }
    }

    fn factors(&self) -> SecondFactors<'_> {
        SecondFactors::new(self.store.as_ref(), &self.keys, self.clock.now())
    }

    async fn add_user(&self, email: &str) -> UserId {
        let id = UserId::generate();
        let hash = SealedHash::from_stored("no login here".into());
        let user = User::new(id, email.parse().unwrap(), hash, self.clock.now());
        let record = UserRecord::seal(user, &self.keys.sealing().keys).unwrap();
        self.store.insert_user(&record).await.unwrap();
        id
    }

    /// An account whose app shows other digits with each step: with the same ones a spent code would be good again.
    async fn add_user_with_factor(&self, email: &str) -> (UserId, TotpSecret, RecoveryCodes) {
        let mut number = 0;
        loop {
            let user_id = self.add_user(&format!("{number}-{email}")).await;
            let (secret, recovery) = self.factors().hand_over(user_id).await.unwrap();
            if has_distinct_codes(secret.expose_secret()) {
                return (user_id, secret, recovery);
            }
            number += 1;
        }
    }

    async fn accept(&self, user_id: UserId, otp: &OneTimePassword) -> Result<(), SecondFactorError> {
        let factor = self.store.second_factor(user_id).await?.unwrap();
        self.factors().accept(&factor, otp).await.map(drop)
    }

    async fn log_in(&self, user_id: UserId, otp: &OneTimePassword) -> Result<(), SecondFactorError> {
        let record = self.store.user_by_id(user_id).await.unwrap().unwrap();
        let factor = self.factors().of(record.unverified()).await?.unwrap();
        self.factors().accept(&factor, otp).await.map(drop)
    }
}

async fn on_each_with_two_replicas(test: impl AsyncFn(Arc<Replica>, Arc<Replica>)) {
    let root = RootKey::generate();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("authsvc.db");
    std::fs::write(&file, "").unwrap();
    let first: Arc<dyn Store> = Arc::new(databases::open_sqlite(&file).await);
    create_keys(first.as_ref(), &root, RsaKeySize::Bits2048).await.unwrap();
    let second: Arc<dyn Store> = Arc::new(databases::open_sqlite(&file).await);
    run(&root, first, second, &test).await;
    if let Some(database) = postgres::database().await {
        let first: Arc<dyn Store> = Arc::new(database.open().await);
        create_keys(first.as_ref(), &root, RsaKeySize::Bits2048).await.unwrap();
        let second: Arc<dyn Store> = Arc::new(database.open().await);
        run(&root, first, second, &test).await;
    }
}

async fn run(
    root: &RootKey,
    first: Arc<dyn Store>,
    second: Arc<dyn Store>,
    test: &impl AsyncFn(Arc<Replica>, Arc<Replica>),
) {
    let replicas = (
        Arc::new(Replica::over(Arc::clone(&first), root).await),
        Arc::new(Replica::over(Arc::clone(&second), root).await),
    );
    test(replicas.0, replicas.1).await;
    first.close().await;
    second.close().await;
}

/// All at once, half of them on each replica; how many succeeded.
async fn race<F>(replicas: [&Arc<Replica>; 2], attempt: impl Fn(Arc<Replica>) -> F) -> usize
where
    F: Future<Output = bool> + Send + 'static,
{
    let barrier = Arc::new(Barrier::new(TASKS));
    let tasks: Vec<_> = (0..TASKS)
        .map(|index| {
            let (barrier, attempt) = (Arc::clone(&barrier), attempt(Arc::clone(replicas[index % 2])));
            tokio::spawn(async move {
                barrier.wait().await;
                attempt.await
            })
        })
        .collect();
    let mut successes = 0;
    for task in tasks {
        successes += usize::from(task.await.unwrap());
    }
    successes
}

/// Near what the clocks here say, and an hour before.
fn has_distinct_codes(secret: &[u8]) -> bool {
    let app = App(OtpKey::from_bytes(secret).unwrap());
    app.has_distinct_codes(NOW) && app.has_distinct_codes(NOW - 3600)
}

fn code(key: &OtpKey, unix_seconds: i64) -> OneTimePassword {
    let step = time_step(u64::try_from(unix_seconds).unwrap());
    OneTimePassword::Code(key.code(step))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn l9_of_64_uses_of_one_code_at_once_exactly_one_succeeds() {
    on_each_with_two_replicas(async |first, second| {
        let (user_id, secret, recovery) = first.add_user_with_factor("code@race.example").await;
        let secret = secret.expose_secret().to_vec();
        let successes = race([&first, &second], |replica| {
            let otp = code(&OtpKey::from_bytes(&secret).unwrap(), NOW);
            async move { replica.log_in(user_id, &otp).await.is_ok() }
        });
        assert_eq!(successes.await, 1);

        let text = recovery.to_texts().remove(0);
        let successes = race([&first, &second], |replica| {
            let otp = OneTimePassword::parse(text.expose_secret()).unwrap();
            async move { replica.log_in(user_id, &otp).await.is_ok() }
        });
        assert_eq!(successes.await, 1);
        assert_eq!(first.store.recovery_codes(user_id).await.unwrap().len(), 9);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn l9_of_64_confirmations_at_once_exactly_one_gives_recovery_codes() {
    on_each_with_two_replicas(async |first, second| {
        let user_id = first.add_user("confirm@race.example").await;
        let mut begun = first.factors().begin(user_id).await.unwrap();
        while !has_distinct_codes(begun.secret.expose_secret()) {
            begun = first.factors().begin(user_id).await.unwrap();
        }
        let secret = begun.secret.expose_secret().to_vec();
        let successes = race([&first, &second], |replica| {
            let otp = code(&OtpKey::from_bytes(&secret).unwrap(), NOW);
            async move { replica.factors().confirm(user_id, &otp, None).await.is_ok() }
        });
        assert_eq!(successes.await, 1);
        assert_eq!(first.store.recovery_codes(user_id).await.unwrap().len(), 10);
        let otp = code(&OtpKey::from_bytes(&secret).unwrap(), NOW);
        assert!(matches!(
            second.log_in(user_id, &otp).await,
            Err(SecondFactorError::SpentCode)
        ));
    })
    .await;
}

#[tokio::test]
async fn l9_a_spent_code_stays_spent_after_a_restart_on_another_replica_and_when_the_clock_steps_back() {
    on_each_with_two_replicas(async |first, second| {
        let (user_id, secret, recovery) = first.add_user_with_factor("restart@race.example").await;
        let key = OtpKey::from_bytes(secret.expose_secret()).unwrap();
        let recovery = recovery.to_texts().remove(0);
        let recovery = || OneTimePassword::parse(recovery.expose_secret()).unwrap();
        first.log_in(user_id, &code(&key, NOW)).await.unwrap();
        first.log_in(user_id, &recovery()).await.unwrap();
        first.store.close().await;

        // The second knows nothing but the database.
        assert!(matches!(
            second.log_in(user_id, &code(&key, NOW)).await,
            Err(SecondFactorError::SpentCode)
        ));
        assert!(matches!(
            second.log_in(user_id, &recovery()).await,
            Err(SecondFactorError::WrongRecoveryCode)
        ));
        second.clock.advance(-3600);
        for seconds in [NOW - 3630, NOW - 3600, NOW - 3570] {
            let refused = second.log_in(user_id, &code(&key, seconds)).await;
            assert!(matches!(refused, Err(SecondFactorError::SpentCode)), "{seconds}");
        }
        second.clock.advance(3630);
        second.log_in(user_id, &code(&key, NOW + 30)).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn everything_is_sealed_anew_under_another_key_and_still_good() {
    on_each_with_two_replicas(async |first, second| {
        let user_id = first.add_user("reseal@race.example").await;
        let (secret, recovery) = first.factors().hand_over(user_id).await.unwrap();
        assert_eq!(
            first.factors().reseal(user_id).await.unwrap().resealed,
            0,
            "nothing to do"
        );
        let keysets = first.keys.keysets();
        let (version, mut keyset) = keysets.open::<AeadKey>(SEALING_KEYSET).await.unwrap();
        let (old, new) = (keyset.primary().0, keyset.add(AeadKey::generate()));
        keyset.promote(new).unwrap();
        assert!(keysets.replace(SEALING_KEYSET, version, keyset).await.unwrap());
        first.keys.poll().await.unwrap();
        assert_eq!(first.factors().reseal(user_id).await.unwrap().resealed, 11);
        assert_eq!(first.factors().reseal(user_id).await.unwrap().resealed, 0);
        let (version, mut keyset) = keysets.open::<AeadKey>(SEALING_KEYSET).await.unwrap();
        keyset.revoke(old).unwrap();
        assert!(keysets.replace(SEALING_KEYSET, version, keyset).await.unwrap());
        second.keys.poll().await.unwrap();
        let key = OtpKey::from_bytes(secret.expose_secret()).unwrap();
        second.accept(user_id, &code(&key, NOW)).await.unwrap();
        let text = recovery.to_texts().remove(9);
        let otp = OneTimePassword::parse(text.expose_secret()).unwrap();
        second.accept(user_id, &otp).await.unwrap();
    })
    .await;
}
