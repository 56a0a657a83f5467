//! Logins with a second factor: what each step gives, how often a code is good, what guesses cost.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use authsvc_core::service::{CredentialHasher, HashingError};
use cryptokit::password::{Password, StoredHash, Verdict};
use http::StatusCode;
use serde_json::{Value, json};

use super::{BOB, Calls};
use crate::support::in_process::{EMAIL, PASSWORD, Service};

fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&cryptokit::encoding::base64url::decode(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn l10_the_first_step_of_a_login_gives_nothing() {
    let service = Service::start().await;
    let enrolled = service.enrol().await;

    let refused = service.log_in(None).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert_eq!(refused.problem(), "otp-required");
    assert!(refused.header("www-authenticate").starts_with("Bearer"));
    assert_eq!(service.reasons(), ["missing_second_factor"]);
    // Nothing that could be presented anywhere: no token, no cookie, no handle but the record's id.
    let members = refused.json();
    let mut names: Vec<&str> = members.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["detail", "id", "status", "title", "type"]);
    assert!(refused.headers.get("set-cookie").is_none());
    // The id is no token either.
    let id = members["id"].as_str().unwrap();
    let answer = service.me("/v1/me/otp", id, json!({ "password": PASSWORD })).await;
    assert_eq!(answer.problem(), "invalid-token");
    assert_eq!(service.validate(id).await.problem(), "invalid-token");

    let answer = service.log_in(Some(&enrolled.app.shows(service.now()))).await;
    assert_eq!(answer.status, StatusCode::OK);
    let claims = claims(answer.json()["token"].as_str().unwrap());
    assert_eq!(claims["amr"], json!(["pwd", "otp"]));
    assert_eq!(claims["acr"], "urn:authsvc:acr:2fa");
    assert_eq!(claims["auth_time"], service.now());
}

#[tokio::test]
async fn a_login_without_a_factor_says_so_in_its_token() {
    let service = Service::start().await;
    let claims = claims(&service.token().await);
    assert_eq!(claims["amr"], json!(["pwd"]));
    assert_eq!(claims["acr"], "urn:authsvc:acr:1fa");
    // A code that is not needed changes nothing.
    let answer = service.log_in(Some("000000")).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn l9_a_code_is_good_once_in_one_spelling_and_never_after_a_later_one() {
    let service = Service::start().await;
    let app = service.enrol().await.app;
    let now = service.now();
    let code = app.shows(now);

    for spelling in [
        format!(" {code}"),
        format!("{code} "),
        format!("{} {}", &code[..3], &code[3..]),
        code.chars()
            .map(|digit| char::from_u32(digit as u32 - '0' as u32 + '０' as u32).unwrap())
            .collect(),
        format!("0{code}"),
        format!("{code}\u{0}"),
    ] {
        let answer = service.log_in(Some(&spelling)).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{spelling:?}");
    }
    service.audit.take();
    assert_eq!(service.log_in(Some(&app.wrong(now))).await.problem(), "invalid-otp");
    assert_eq!(service.log_in(Some(&code)).await.status, StatusCode::OK);
    assert_eq!(service.log_in(Some(&code)).await.problem(), "invalid-otp", "twice");
    assert_eq!(service.reasons(), ["wrong_code", "ok", "spent_code"]);

    // The next one early, as a fast phone shows it; after it neither the present one nor one before.
    let next = app.shows(now + 30);
    assert_eq!(service.log_in(Some(&next)).await.status, StatusCode::OK);
    service.clock.advance(30);
    assert_eq!(service.log_in(Some(&next)).await.problem(), "invalid-otp");
    assert_eq!(service.log_in(Some(&code)).await.problem(), "invalid-otp");

    // A clock that is set back makes none of them good again.
    service.clock.advance(-60);
    for old in [now - 30, now, now + 30] {
        assert_eq!(
            service.log_in(Some(&app.shows(old))).await.status,
            StatusCode::UNAUTHORIZED
        );
    }
    // Once the budget of guesses is there again.
    service.let_limits_end().await;
    let answer = service.log_in(Some(&app.shows(service.now()))).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn l9_a_recovery_code_is_good_once_and_a_new_set_voids_the_old() {
    let service = Service::start().await;
    let enrolled = service.enrol().await;
    let codes = &enrolled.recovery_codes;
    assert_eq!(codes.len(), 10);

    let spelled = codes[0].replace('-', "").to_lowercase();
    assert_eq!(service.log_in(Some(&spelled)).await.status, StatusCode::OK);
    for spelling in [&spelled, &codes[0]] {
        assert_eq!(service.log_in(Some(spelling)).await.problem(), "invalid-otp");
    }
    assert_eq!(service.reasons(), ["ok", "wrong_recovery_code", "wrong_recovery_code"]);

    let token = service.own_token(Some(&codes[1])).await;
    let body = json!({ "password": PASSWORD, "otp": codes[2] });
    let renewed = service.me("/v1/me/otp/recovery-codes", &token, body.clone()).await;
    assert_eq!(renewed.status, StatusCode::OK);
    let again = service.me("/v1/me/otp/recovery-codes", &token, body).await;
    assert_eq!(
        again.problem(),
        "invalid-otp",
        "the code that asked for new ones is spent"
    );
    let new = renewed.json()["recovery_codes"][0].as_str().unwrap().to_owned();
    assert_eq!(service.log_in(Some(&codes[3])).await.problem(), "invalid-otp");
    assert_eq!(service.log_in(Some(&new)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_record_says_when_a_recovery_code_was_used_and_how_many_are_left() {
    let service = Service::start().await;
    let enrolled = service.enrol().await;
    service.audit.take();
    let mut left = Vec::new();
    let app = enrolled.app.shows(service.now() + 30);
    for code in [&enrolled.recovery_codes[4], &app, &enrolled.recovery_codes[0]] {
        assert_eq!(service.log_in(Some(code)).await.status, StatusCode::OK);
        left.extend(service.audit.take().iter().map(|record| record.who.recovery_codes_left));
    }
    assert_eq!(left, [Some(9), None, Some(8)]);
    // Used up although the login came to nothing.
    let body = json!({ "email": EMAIL, "password": PASSWORD, "otp": enrolled.recovery_codes[1], "audience": "nobody" });
    assert_eq!(
        service.post("/v1/auth", body.to_string()).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(service.audit.take()[0].who.recovery_codes_left, Some(7));
    let record = service.log_in(Some(&enrolled.recovery_codes[1])).await;
    assert_eq!(record.problem(), "invalid-otp");
    assert_eq!(service.audit.take()[0].who.recovery_codes_left, None, "it was not used");
}

#[tokio::test]
async fn l9_guesses_at_codes_have_a_budget_of_their_own() {
    let service = Service::start().await;
    let app = service.enrol().await.app;
    let wrong = app.wrong(service.now());
    let mut answers = Vec::new();
    for _ in 0..6 {
        answers.push(service.log_in(Some(&wrong)).await);
    }
    assert!(answers[..5].iter().all(|answer| answer.problem() == "invalid-otp"));
    assert_eq!(answers[5].status, StatusCode::TOO_MANY_REQUESTS);
    assert!(answers[5].header("retry-after").parse::<u64>().unwrap() > 0);

    // A right one is not looked at, and so not spent, until the budget is there again.
    let right = app.shows(service.now());
    assert_eq!(service.log_in(Some(&right)).await.status, StatusCode::TOO_MANY_REQUESTS);
    // The password's budget is another one: a guess at it is still answered as such.
    let guess = service.login(EMAIL, "not the password at all").await;
    assert_eq!(guess.problem(), "invalid-credentials");

    service.let_limits_end().await;
    assert_eq!(
        service.log_in(Some(&app.shows(service.now()))).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn l10_a_right_password_alone_uses_up_the_password_budget_and_forgives_nothing() {
    let service = Service::start().await;
    let app = service.enrol().await.app;
    for attempt in 0..10 {
        let answer = if attempt % 2 == 0 {
            service.log_in(None).await
        } else {
            service.login(EMAIL, "not the password at all").await
        };
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{attempt}");
    }
    assert_eq!(service.log_in(None).await.status, StatusCode::TOO_MANY_REQUESTS);

    service.let_limits_end().await;
    for _ in 0..9 {
        service.log_in(None).await;
    }
    let answer = service.log_in(Some(&app.shows(service.now()))).await;
    assert_eq!(
        answer.status,
        StatusCode::OK,
        "an honest client asks without a code first"
    );
    assert_eq!(
        service.log_in(None).await.problem(),
        "otp-required",
        "and is forgiven by its login"
    );
}

/// Counts Argon2 runs.
struct Counting(Arc<dyn CredentialHasher>, Arc<AtomicUsize>);

#[async_trait]
impl CredentialHasher for Counting {
    async fn hash(&self, password: Arc<Password>) -> Result<StoredHash, HashingError> {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.hash(password).await
    }

    async fn verify(&self, password: Arc<Password>, stored: StoredHash) -> Result<Verdict, HashingError> {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.verify(password, stored).await
    }

    async fn verify_decoy(&self, password: Arc<Password>) -> Result<(), HashingError> {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.verify_decoy(password).await
    }
}

#[tokio::test]
async fn a_wrong_password_does_not_tell_whether_there_is_a_factor() {
    let hashes = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&hashes);
    let service = Service::start_with(|hasher| Arc::new(Counting(hasher, counted))).await;
    service.enrol().await;
    service
        .users
        .add(
            BOB.parse().unwrap(),
            Password::new("a wholly different password").unwrap(),
        )
        .await
        .unwrap();
    let mut seen = Vec::new();
    for email in [EMAIL, BOB, "nobody@example.com"] {
        for otp in [None, Some("123456")] {
            hashes.store(0, Ordering::SeqCst);
            let mut body = json!({ "email": email, "password": "not the password at all" });
            if let Some(otp) = otp {
                body["otp"] = json!(otp);
            }
            let answer = service.post("/v1/auth", body.to_string()).await;
            let mut shown = answer.json();
            shown["id"] = json!("");
            seen.push((answer.status, shown, hashes.load(Ordering::SeqCst)));
        }
    }
    assert_eq!(seen[0].2, 1);
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{seen:?}");
}
