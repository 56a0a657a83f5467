//! Rotation of the keys that nobody outside sees: what seals secrets of accounts, and the peppers.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use authsvc_core::clock::Clock;
use authsvc_core::domain::{OneTimePassword, UserRecord};
use authsvc_core::service::second_factor::SecondFactors;
use authsvc_core::service::{
    RETIRED_SEALING_KEY_KEPT, Resealed, SEALING_KEYSET, SealingChange, SealingKeyError, SealingKeyKeeper,
};
use cryptokit::aead::AeadKey;
use cryptokit::keyset::{KeyId, KeyStatus};
use http::StatusCode;
use serde_json::json;
use support::in_process::{EMAIL, PASSWORD, Service};
use support::process::{Dev, run, stderr, stdout};

const KEPT: i64 = RETIRED_SEALING_KEY_KEPT.as_secs() as i64 + 2;

/// A test over both databases, each with two replicas.
async fn on_two_replicas(test: impl AsyncFn(Arc<Service>, Arc<Service>)) {
    for (first, second, _directory) in support::replicas::pairs().await {
        test(first, second).await;
    }
}

fn keeper(service: &Service) -> SealingKeyKeeper {
    SealingKeyKeeper::new(Arc::clone(&service.keys), Arc::clone(&service.clock) as _)
}

async fn statuses(service: &Service) -> Vec<KeyStatus> {
    let report = keeper(service).report().await.unwrap();
    report.iter().map(|key| key.status).collect()
}

/// Whether everything that is sealed opens with the primary key alone.
async fn nothing_needs(service: &Service, old: KeyId) -> bool {
    let keysets = service.keys.keysets();
    let (_, mut keyset) = keysets.open::<AeadKey>(SEALING_KEYSET).await.unwrap();
    if keyset.entries().iter().any(|entry| entry.id == old) {
        keyset.revoke(old).unwrap();
    }
    let records = service.store.users_after(None, 1000).await.unwrap();
    records.into_iter().all(|record: UserRecord| {
        let id = record.unverified().id.to_string();
        let binding = cryptokit::password::HashBinding {
            column: "users.password_hash",
            user_id: &id,
        };
        record.unverified().password_hash.open(&keyset, binding).is_ok() && record.check(&keyset).is_ok()
    })
}

#[tokio::test]
async fn the_sealing_key_is_rotated_while_two_replicas_serve_and_goes_when_nothing_needs_it() {
    on_two_replicas(async |first, second| {
        // One of each thing that is sealed.
        for index in 0..7 {
            let email = format!("user{index}@example.com").parse().unwrap();
            first.users.add_with(email, None, Default::default()).await.unwrap();
        }
        let now = first.clock.now();
        let factors = SecondFactors::new(first.store.as_ref(), &first.keys, now);
        let owner = first.stored("user0@example.com").await.id;
        let (_, recovery) = factors.hand_over(owner).await.unwrap();
        let address = "user1@example.com".parse().unwrap();
        let link = first
            .users
            .reset_link(&address, Duration::from_secs(86_400))
            .await
            .unwrap();
        assert_eq!(first.login(EMAIL, PASSWORD).await.status, StatusCode::OK);

        assert_eq!(keeper(&first).advance().await.unwrap(), None, "nothing to do");
        let begun = keeper(&first).begin().await.unwrap();
        let SealingChange::Begun { former, .. } = begun else {
            panic!("{begun:?}");
        };
        assert!(matches!(
            keeper(&second).begin().await,
            Err(SealingKeyError::UnderWay { .. })
        ));
        // A replica that has not heard of it yet opens what the other one seals, and seals with the old key.
        assert_eq!(first.login(EMAIL, PASSWORD).await.status, StatusCode::OK);
        let late = second
            .users
            .add_with("late@example.com".parse().unwrap(), None, Default::default());
        late.await.unwrap();

        // Two passes at once, while somebody logs in.
        second.keys.poll().await.unwrap();
        let (one, other) = (keeper(&first), keeper(&second));
        let (one, other, login) = tokio::join!(one.advance(), other.advance(), second.login(EMAIL, PASSWORD));
        assert_eq!(login.status, StatusCode::OK);
        let written = |change: Option<SealingChange>| match change {
            Some(SealingChange::Resealed(Resealed {
                resealed, unopened: 0, ..
            })) => resealed,
            // The one that came later may have found nothing, and retired the key.
            Some(SealingChange::Retired { .. }) => 0,
            other => panic!("{other:?}"),
        };
        // Nine accounts, a link, a factor and ten codes, a registration and the session, each by one of the passes.
        assert_eq!(written(one.unwrap()) + written(other.unwrap()), 23);
        while statuses(&first).await[0] == KeyStatus::Active {
            keeper(&first).advance().await.unwrap();
        }
        assert_eq!(statuses(&first).await, [KeyStatus::Retired, KeyStatus::Primary]);
        assert!(nothing_needs(&first, former).await);

        // Kept for an hour, for what a replica sealed that was behind.
        second.keys.poll().await.unwrap();
        assert_eq!(keeper(&second).advance().await.unwrap(), None);
        straggle(&first, former).await;
        first.clock.advance(KEPT);
        let found = keeper(&second).advance().await.unwrap();
        assert!(
            matches!(found, Some(SealingChange::Resealed(Resealed { resealed: 1, .. }))),
            "{found:?}"
        );
        let removed = keeper(&second).advance().await.unwrap();
        assert_eq!(removed, Some(SealingChange::Removed { ids: vec![former] }));
        assert_eq!(statuses(&first).await, [KeyStatus::Primary]);

        // All of it is still good, on the replica that was not told.
        assert_eq!(first.login(EMAIL, PASSWORD).await.status, StatusCode::OK);
        let code = recovery.to_texts().remove(0);
        let code = OneTimePassword::parse(code.expose_secret()).unwrap();
        let factors = SecondFactors::new(first.store.as_ref(), &first.keys, now);
        let user = first.stored("user0@example.com").await;
        let factor = factors.of(&user).await.unwrap().unwrap();
        factors.accept(&factor, &code).await.unwrap();
        let body = json!({ "token": link.token.expose_secret(), "new_password": "a rather long sentence to keep" });
        let answer = first.post("/v1/password-reset", body.to_string()).await;
        assert!(answer.status.is_success(), "{}", String::from_utf8_lossy(&answer.body));
        assert!(nothing_needs(&second, former).await);
    })
    .await;
}

/// What a replica leaves behind that seals with a key that is retired by now.
async fn straggle(service: &Service, former: KeyId) {
    let (_, keyset) = service.keys.keysets().open::<AeadKey>(SEALING_KEYSET).await.unwrap();
    let kept = keyset
        .into_entries()
        .into_iter()
        .find(|entry| entry.id == former)
        .unwrap();
    let old = cryptokit::keyset::Keyset::with_id("old", former, kept.key);
    let record = service
        .store
        .user_by_email(&"user2@example.com".parse().unwrap())
        .await
        .unwrap()
        .unwrap();
    let sealed = UserRecord::seal(record.unverified().clone(), &old).unwrap();
    assert!(service.store.replace_user(&record, &sealed).await.unwrap());
}

#[tokio::test]
async fn a_key_stays_while_an_import_waits_and_what_no_key_opens_keeps_nothing() {
    let service = Service::start().await;
    let keeper = keeper(&service);
    // Damaged, as before: left as it is, and counted.
    let record = service
        .store
        .user_by_email(&EMAIL.parse().unwrap())
        .await
        .unwrap()
        .unwrap();
    let mut damaged = record.unverified().clone();
    damaged.roles = "admin".parse().unwrap();
    let damaged = UserRecord::from_stored(damaged, record.seal_text().map(str::to_owned), None);
    assert!(service.store.replace_user(&record, &damaged).await.unwrap());
    // Put aside under the old key, by an import whose process has ended.
    service.users.stage_import("ended", &[record]).await.unwrap();

    keeper.begin().await.unwrap();
    let first = keeper.advance().await.unwrap();
    let Some(SealingChange::Resealed(found)) = first else {
        panic!("{first:?}");
    };
    assert_eq!((found.unopened, found.staged), (1, 1));
    for _ in 0..2 {
        let again = keeper.advance().await.unwrap();
        assert!(matches!(
            again,
            Some(SealingChange::Resealed(Resealed {
                resealed: 0,
                staged: 1,
                ..
            }))
        ));
        assert_eq!(statuses(&service).await[0], KeyStatus::Active, "an import needs it");
    }
    service.clock.advance(86_400 + 1);
    let retired = keeper.advance().await.unwrap();
    assert!(
        matches!(retired, Some(SealingChange::Retired { unopened: 1, .. })),
        "{retired:?}"
    );
    // As for a key that somebody else has.
    let removed = keeper.advance_now().await.unwrap();
    assert!(matches!(removed, Some(SealingChange::Removed { .. })), "{removed:?}");
    assert_eq!(keeper.advance_now().await.unwrap(), None);
}

#[test]
fn the_command_goes_on_where_another_one_stopped() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("home");
    let arguments = [
        "init",
        "--issuer",
        "https://auth.example",
        "--server-san",
        "localhost",
        "--home",
    ];
    let made = run(&[&arguments[..], &[home.to_str().unwrap()]].concat());
    assert!(made.status.success(), "{}", stderr(&made));
    let config = home.join("authsvc.toml");
    let command = |arguments: &[&str]| run(&[arguments, &["--config", config.to_str().unwrap()]].concat());
    let first = command(&["key", "reseal"]);
    assert!(stdout(&first).contains(" seals. Key "), "{}", stderr(&first));
    assert!(stdout(&first).contains("is kept until"), "{}", stdout(&first));
    let second = command(&["key", "reseal"]);
    assert!(
        stdout(&second).starts_with("Nothing more is due."),
        "{}",
        stdout(&second)
    );
    let list = stdout(&command(&["key", "list"]));
    assert!(list.contains("sealing ") && list.contains("kept until"), "{list}");
    let now = command(&["key", "reseal", "--now"]);
    assert!(stdout(&now).contains("is gone."), "{}{}", stdout(&now), stderr(&now));
    let list: serde_json::Value = serde_json::from_str(&stdout(&command(&["key", "list", "--json"]))).unwrap();
    assert_eq!(list["sealing"].as_array().unwrap().len(), 1);
    assert_eq!(list["sealing"][0]["state"], "sealing");
}

#[tokio::test]
async fn hashes_move_to_a_new_pepper_at_the_next_login_without_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("home");
    let dev = Dev::start(&home);
    let config = home.join("authsvc.toml");
    let pepper = |arguments: &[&str]| run(&[&["pepper"], arguments, &["--config", config.to_str().unwrap()]].concat());
    let list = || -> serde_json::Value {
        let listed = pepper(&["list", "--json"]);
        serde_json::from_str(&stdout(&listed)).unwrap_or_else(|_| panic!("{}", stderr(&listed)))
    };
    let log_in = async || {
        let body = dev.login_body();
        dev.public().post_json("/v1/auth", &body).await.unwrap().status
    };
    let before = list();
    let first = before["peppers"][0]["id"].as_str().unwrap().to_owned();
    let accounts = before["peppers"][0]["hashes"].as_u64().unwrap();
    assert!(accounts >= 1, "{before}");
    assert!(
        stderr(&pepper(&["remove", &first])).contains("hashes need pepper"),
        "in use"
    );

    // Carried to every machine first: this one reads the file and verifies with it.
    let prepared = pepper(&["rotate", "--prepare"]);
    assert!(
        stdout(&prepared).contains("makes no hashes yet"),
        "{}",
        stderr(&prepared)
    );
    reloaded(&dev, 1);
    assert_eq!(log_in().await, StatusCode::OK);
    assert_eq!(list()["peppers"][0]["hashes"], accounts, "it makes no hashes yet");
    assert!(stdout(&pepper(&["promote"])).contains("makes hashes."));
    reloaded(&dev, 2);
    assert_eq!(log_in().await, StatusCode::OK);
    let after = list();
    assert_eq!(after["peppers"][0]["hashes"], accounts - 1, "{after}");
    assert_eq!(
        (
            after["peppers"][1]["state"].as_str(),
            after["peppers"][1]["hashes"].as_u64()
        ),
        (Some("hashing"), Some(1))
    );
    assert_eq!(log_in().await, StatusCode::OK, "with the hash of the new one");

    // As for a pepper that somebody else has: whoever has not logged in since is locked out, and nobody else.
    if accounts > 1 {
        assert!(!pepper(&["remove", &first]).status.success());
    }
    let removed = pepper(&["remove", &first, "--force"]);
    assert!(stdout(&removed).contains("is gone"), "{}", stderr(&removed));
    reloaded(&dev, 3);
    assert_eq!(log_in().await, StatusCode::OK);
    assert_eq!(list()["peppers"].as_array().unwrap().len(), 1);
    // A file that cannot be read changes nothing.
    std::fs::write(home.join("pepper.json"), "{}").unwrap();
    hang_up(&dev);
    dev.audit_until(|line| line["event"]["reason"] == "reload_refused", 1);
    assert_eq!(log_in().await, StatusCode::OK);
    assert!(dev.stop().0.success());
}

fn hang_up(dev: &Dev) {
    let id = rustix::process::Pid::from_raw(dev.process_id() as i32).unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::HUP).unwrap();
}

/// Has all files read again, and waits for the record of it.
fn reloaded(dev: &Dev, count: usize) {
    hang_up(dev);
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    while dev.log().matches("files were read again").count() < count {
        assert!(std::time::Instant::now() < deadline, "{}", dev.log());
        std::thread::sleep(Duration::from_millis(5));
    }
}
