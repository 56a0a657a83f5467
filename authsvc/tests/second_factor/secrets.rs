//! The secrets of a factor: who sees them, and that they are bound to their account.

use authsvc::audit_log::{Addresses, to_json};
use authsvc_core::clock::Clock;
use authsvc_core::domain::{EndReason, UserId};
use authsvc_core::service::second_factor::SecondFactors;
use authsvc_core::storage::{EndOfSessions, Ending};
use cryptokit::password::Password;
use serde_json::json;
use time::OffsetDateTime;

use super::{App, BOB, Calls};
use crate::support::in_process::{PASSWORD, Service};

#[tokio::test]
async fn l9_secrets_are_shown_once_and_are_nowhere_else() {
    let service = Service::start().await;
    let token = service.own_token(None).await;
    let begun = service
        .me("/v1/me/otp", &token, json!({ "password": PASSWORD }))
        .await
        .json();
    let secret = begun["secret"].as_str().unwrap().to_owned();
    let app = App::from_base32(&secret);
    let otp = app.shows(service.now());
    let confirmed = service
        .me("/v1/me/otp/confirm", &token, json!({ "otp": otp }))
        .await
        .json();
    let code = confirmed["recovery_codes"][0].as_str().unwrap().to_owned();
    service.clock.advance(30);
    for otp in [
        None,
        Some(app.shows(service.now())),
        Some(app.wrong(service.now())),
        Some(code.clone()),
    ] {
        service.log_in(otp.as_deref()).await;
    }
    let written: Vec<String> = service
        .audit
        .take()
        .iter()
        .map(|record| to_json(record, Addresses::InFull).to_string())
        .collect();
    assert!(written.len() >= 7, "{}", written.len());
    let mut haystacks: Vec<Vec<u8>> = written.into_iter().map(String::into_bytes).collect();
    // The database, and what of it is still in the write-ahead log: what a backup holds.
    for file in std::fs::read_dir(service.directory.path()).unwrap() {
        haystacks.push(std::fs::read(file.unwrap().path()).unwrap());
    }
    let raw = app.0.expose_secret().to_vec();
    let undashed = code.replace('-', "");
    for needle in [secret.as_bytes(), &raw, code.as_bytes(), undashed.as_bytes()] {
        for haystack in &haystacks {
            assert!(!haystack.windows(needle.len()).any(|window| window == needle));
        }
    }
}

#[tokio::test]
async fn l9_whoever_writes_the_database_neither_moves_nor_removes_a_factor() {
    let service = Service::start().await;
    let enrolled = service.enrol().await;
    let alice = service.store.second_factor(service.user_id).await.unwrap().unwrap();
    let bob: UserId = service
        .users
        .add(
            BOB.parse().unwrap(),
            Password::new("a wholly different password").unwrap(),
        )
        .await
        .unwrap();
    let factors = SecondFactors::new(service.store.as_ref(), &service.keys, service.clock.now());
    factors.hand_over(bob).await.unwrap();
    let bobs = service.store.second_factor(bob).await.unwrap().unwrap();

    // Bob's secret in Alice's row: Bob's app does not open Alice's account, and neither does hers.
    let moved = service
        .store
        .replace_totp_secret(service.user_id, &alice.secret, &bobs.secret);
    assert!(moved.await.unwrap());
    service.audit.take();
    let code = enrolled.app.shows(service.now());
    assert_eq!(service.log_in(Some(&code)).await.problem(), "invalid-otp");
    assert_eq!(service.reasons(), ["unusable_second_factor"]);
    assert_eq!(
        service.log_in(None).await.problem(),
        "otp-required",
        "the password alone says no more"
    );

    // No row at all: the account's sealed record still says that there is a factor.
    assert!(
        service
            .store
            .remove_second_factor(service.user_id, &no_sessions())
            .await
            .unwrap()
    );
    service.audit.take();
    assert_eq!(service.log_in(None).await.problem(), "otp-required");
    assert_eq!(service.log_in(Some(&code)).await.problem(), "invalid-otp");
    assert_eq!(service.reasons(), ["missing_second_factor", "unusable_second_factor"]);
}

/// As a removal leaves it that ends between its two writes, or a program that sealed no such thing.
#[tokio::test]
async fn a_factor_is_asked_for_although_the_account_does_not_say_that_it_has_one() {
    let service = Service::start().await;
    let enrolled = service.enrol().await;
    let factor = service.store.second_factor(service.user_id).await.unwrap().unwrap();
    let factors = SecondFactors::new(service.store.as_ref(), &service.keys, service.clock.now());
    assert!(factors.remove(service.user_id, None).await.unwrap());
    assert!(
        service
            .store
            .insert_second_factor(&factor, &[], &no_sessions())
            .await
            .unwrap()
    );
    service.clock.advance(30);
    assert_eq!(service.log_in(None).await.problem(), "otp-required");
    let code = enrolled.app.shows(service.now());
    assert_eq!(service.log_in(Some(&code)).await.status, http::StatusCode::OK);
}

/// What a store is told beside what it does; nobody looks at it here.
fn no_sessions() -> EndOfSessions {
    EndOfSessions {
        except: None,
        ending: Ending {
            at: OffsetDateTime::UNIX_EPOCH,
            why: EndReason::FactorChanged,
            tokens_end: OffsetDateTime::UNIX_EPOCH,
        },
    }
}
