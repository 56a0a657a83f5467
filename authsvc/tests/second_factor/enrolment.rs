//! How a factor comes and goes.

use cryptokit::password::Password;
use http::StatusCode;
use serde_json::{Value, json};

use super::{App, Calls};
use crate::support::in_process::{EMAIL, PASSWORD, Service};

#[tokio::test]
async fn an_enrolment_changes_nothing_until_a_code_of_it_is_seen_in_time() {
    let service = Service::start().await;
    let token = service.own_token(None).await;
    let begin = json!({ "password": PASSWORD, "qr": "svg" });

    let others = service.token().await;
    assert_eq!(
        service.me("/v1/me/otp", &others, begin.clone()).await.problem(),
        "invalid-token"
    );
    let wrong = json!({ "password": "not the password at all" });
    assert_eq!(
        service.me("/v1/me/otp", &token, wrong).await.problem(),
        "invalid-credentials"
    );
    let nothing = service
        .me("/v1/me/otp/confirm", &token, json!({ "otp": "123456" }))
        .await;
    assert_eq!(
        (nothing.status, nothing.problem()),
        (StatusCode::CONFLICT, "otp-not-pending".into())
    );

    let mut first = service.me("/v1/me/otp", &token, begin.clone()).await.json();
    let second = service.me("/v1/me/otp", &token, begin.clone()).await;
    assert_eq!(second.header("cache-control"), "no-store");
    let mut second = second.json();
    // Six digits of two apps may be the same.
    let shown = |begun: &Value, steps: i64| {
        let app = App::from_base32(begun["secret"].as_str().unwrap());
        app.shows(service.now() + 30 * steps)
    };
    while (-2..=2).any(|steps| shown(&second, steps) == shown(&first, 0)) {
        first = second;
        second = service.me("/v1/me/otp", &token, begin.clone()).await.json();
    }
    assert_ne!(first["secret"], second["secret"]);
    let secret = second["secret"].as_str().unwrap();
    assert_eq!(
        second["uri"],
        format!(
            "otpauth://totp/auth.example:alice%40example.com?secret={secret}&issuer=auth.example&algorithm=SHA1\
             &digits=6&period=30"
        )
    );
    assert_eq!(second["expires_at"], "2027-01-15T08:10:00Z");
    assert!(second["qr_svg"].as_str().unwrap().starts_with("<svg "));
    assert_eq!(service.log_in(None).await.status, StatusCode::OK, "not asked for yet");

    let confirm = async |app: &App| {
        let otp = app.shows(service.now());
        service.me("/v1/me/otp/confirm", &token, json!({ "otp": otp })).await
    };
    let old = App::from_base32(first["secret"].as_str().unwrap());
    assert_eq!(confirm(&old).await.problem(), "invalid-otp", "another took its place");
    let app = App::from_base32(secret);
    service.clock.advance(600);
    assert_eq!(confirm(&app).await.problem(), "otp-not-pending", "too late");
    assert_eq!(service.log_in(None).await.status, StatusCode::OK);

    let app = loop {
        let third = service.me("/v1/me/otp", &token, begin.clone()).await.json();
        let app = App::from_base32(third["secret"].as_str().unwrap());
        if app.has_distinct_codes(service.now()) {
            break app;
        }
    };
    assert_eq!(confirm(&app).await.status, StatusCode::OK);
    assert_eq!(service.log_in(None).await.problem(), "otp-required");
    assert_eq!(
        service.log_in(Some(&app.shows(service.now()))).await.problem(),
        "invalid-otp",
        "the code that confirmed is spent"
    );
    assert_eq!(confirm(&app).await.problem(), "otp-not-pending");
    let again = service.me("/v1/me/otp", &token, begin).await;
    assert_eq!(
        (again.status, again.problem()),
        (StatusCode::CONFLICT, "otp-already-enabled".into())
    );
}

#[tokio::test]
async fn a_factor_goes_with_both_factors_only() {
    let service = Service::start().await;
    let enrolled = service.enrol().await;
    let token = service.own_token(Some(&enrolled.recovery_codes[0])).await;
    let disable = async |password: &str, otp: &str| {
        let body = json!({ "password": password, "otp": otp });
        service.me("/v1/me/otp/disable", &token, body).await
    };
    let right = enrolled.app.shows(service.now());
    assert_eq!(
        disable("not the password at all", &right).await.problem(),
        "invalid-credentials"
    );
    let wrong = enrolled.app.wrong(service.now());
    assert_eq!(disable(PASSWORD, &wrong).await.problem(), "invalid-otp");
    assert_eq!(service.log_in(None).await.problem(), "otp-required", "still there");

    let done = disable(PASSWORD, &right).await;
    assert_eq!((done.status, done.body.len()), (StatusCode::NO_CONTENT, 0));
    assert_eq!(service.log_in(None).await.status, StatusCode::OK);
    assert_eq!(disable(PASSWORD, &right).await.problem(), "otp-not-enabled");
    assert!(service.store.recovery_codes(service.user_id).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_password_that_is_too_short_alone_is_changed_before_the_factor_goes() {
    let service = Service::start().await;
    let enrolled = service.enrol().await;
    let short = "kT9#vq2!xLw";
    let password = Password::new(short).unwrap();
    let email = EMAIL.parse().unwrap();
    let reset = service.users.reset_password(&email, password, &service.defence);
    reset.await.unwrap();
    let body = json!({ "email": EMAIL, "password": short, "otp": enrolled.recovery_codes[0], "audience": "authsvc" });
    let token = service.post("/v1/auth", body.to_string()).await.json();
    let token = token["token"].as_str().unwrap();
    let body = json!({ "password": short, "otp": enrolled.recovery_codes[1] });
    let refused = service.me("/v1/me/otp/disable", token, body).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.json()["errors"][0]["field"], "password");
    assert_eq!(
        service.store.recovery_codes(service.user_id).await.unwrap().len(),
        9,
        "not spent"
    );
}

#[tokio::test]
async fn other_sessions_end_when_a_factor_is_set_up() {
    let service = Service::start().await;
    let (kept, other) = (service.own_token(None).await, service.own_token(None).await);
    let begin = json!({ "password": PASSWORD });
    let begun = service.me("/v1/me/otp", &kept, begin.clone()).await.json();
    let otp = App::from_base32(begun["secret"].as_str().unwrap()).shows(service.now());
    let confirmed = service.me("/v1/me/otp/confirm", &kept, json!({ "otp": otp })).await;
    assert_eq!(confirmed.status, StatusCode::OK);
    let answer = service.me("/v1/me/otp", &other, begin.clone()).await;
    assert_eq!(answer.problem(), "invalid-token");
    let answer = service.me("/v1/me/otp", &kept, begin).await;
    assert_eq!(answer.problem(), "otp-already-enabled");
}
