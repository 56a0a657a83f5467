//! Second factors: over HTTP, and with two replicas over each database.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use authsvc::audit_log::{Addresses, to_json};
use authsvc::storage::sqlite::SqliteStore;
use authsvc_core::clock::{Clock, TestClock};
use authsvc_core::domain::{OneTimePassword, User, UserId, UserRecord};
use authsvc_core::service::second_factor::{SecondFactorError, SecondFactors};
use authsvc_core::service::{CredentialHasher, HashingError, KeyRing, SEALING_KEYSET, SealedKeysets, create_keys};
use authsvc_core::storage::Store;
use cryptokit::aead::AeadKey;
use cryptokit::keyset::RootKey;
use cryptokit::otp::{OtpKey, time_step};
use cryptokit::password::{Password, SealedHash, StoredHash, Verdict};
use cryptokit::sign::RsaKeySize;
use http::StatusCode;
use serde_json::{Value, json};
use support::in_process::{Answer, EMAIL, NOW, PASSWORD, Service, json_request};
use support::postgres;
use tokio::sync::Barrier;

const TASKS: usize = 64;
const BOB: &str = "bob@example.com";

// ---- over HTTP -------------------------------------------------------------------------------------------------------

/// An authenticator app, as far as this service can tell.
struct App(OtpKey);

impl App {
    /// Takes over what an answer showed.
    fn from_base32(secret: &str) -> Self {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let mut bytes = Vec::new();
        for group in secret.as_bytes().chunks(8) {
            let bits = group.iter().fold(0_u64, |bits, letter| {
                bits << 5 | alphabet.iter().position(|known| known == letter).unwrap() as u64
            });
            bytes.extend_from_slice(&bits.to_be_bytes()[3..]);
        }
        Self(OtpKey::from_bytes(&bytes).unwrap())
    }

    fn shows(&self, unix_seconds: i64) -> String {
        let step = time_step(u64::try_from(unix_seconds).unwrap());
        self.0.code(step).expose_secret().to_owned()
    }

    /// Six digits that no step near that time has.
    fn wrong(&self, unix_seconds: i64) -> String {
        let near: Vec<String> = (-2..=2).map(|steps| self.shows(unix_seconds + 30 * steps)).collect();
        (0..)
            .map(|number| format!("{number:06}"))
            .find(|code| !near.contains(code))
            .unwrap()
    }
}

struct Enrolled {
    app: App,
    recovery_codes: Vec<String>,
}

trait Calls {
    async fn log_in(&self, otp: Option<&str>) -> Answer;
    async fn own_token(&self, otp: Option<&str>) -> String;
    async fn me(&self, path: &str, token: &str, body: Value) -> Answer;
    async fn enrol(&self) -> Enrolled;
    async fn let_limits_end(&self);
    fn now(&self) -> i64;
}

impl Calls for Service {
    async fn log_in(&self, otp: Option<&str>) -> Answer {
        let mut body = json!({ "email": EMAIL, "password": PASSWORD });
        if let Some(otp) = otp {
            body["otp"] = json!(otp);
        }
        self.post("/v1/auth", body.to_string()).await
    }

    async fn own_token(&self, otp: Option<&str>) -> String {
        let mut body = json!({ "email": EMAIL, "password": PASSWORD, "audience": "authsvc" });
        if let Some(otp) = otp {
            body["otp"] = json!(otp);
        }
        let answer = self.post("/v1/auth", body.to_string()).await;
        assert_eq!(answer.status, StatusCode::OK);
        answer.json()["token"].as_str().unwrap().to_owned()
    }

    async fn me(&self, path: &str, token: &str, body: Value) -> Answer {
        let mut request = json_request(path, body.to_string());
        let bearer = format!("Bearer {token}").parse().unwrap();
        request.headers_mut().insert("authorization", bearer);
        self.send(&self.public, None, request).await
    }

    async fn enrol(&self) -> Enrolled {
        let token = self.own_token(None).await;
        let begun = self.me("/v1/me/otp", &token, json!({ "password": PASSWORD })).await;
        assert_eq!(begun.status, StatusCode::OK);
        let app = App::from_base32(begun.json()["secret"].as_str().unwrap());
        let otp = app.shows(self.now());
        let confirmed = self.me("/v1/me/otp/confirm", &token, json!({ "otp": otp })).await;
        assert_eq!(confirmed.status, StatusCode::OK);
        let recovery_codes = confirmed.json()["recovery_codes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|code| code.as_str().unwrap().to_owned())
            .collect();
        // What confirmed it is spent.
        self.clock.advance(30);
        self.audit.take();
        Enrolled { app, recovery_codes }
    }

    /// Longer than the limits on one source last, counted from when the last outcome is written down.
    async fn let_limits_end(&self) {
        self.defence.flush().await;
        self.clock.advance(16 * 60);
    }

    fn now(&self) -> i64 {
        self.clock.now().unix_timestamp()
    }
}

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

    let first = service.me("/v1/me/otp", &token, begin.clone()).await.json();
    let second = service.me("/v1/me/otp", &token, begin.clone()).await;
    assert_eq!(second.header("cache-control"), "no-store");
    let second = second.json();
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

    let third = service.me("/v1/me/otp", &token, begin.clone()).await.json();
    let app = App::from_base32(third["secret"].as_str().unwrap());
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
    service.users.reset_password(&email, password).await.unwrap();
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
    assert!(service.store.remove_second_factor(service.user_id).await.unwrap());
    service.audit.take();
    assert_eq!(service.log_in(None).await.problem(), "otp-required");
    assert_eq!(service.log_in(Some(&code)).await.problem(), "invalid-otp");
    assert_eq!(service.reasons(), ["missing_second_factor", "unusable_second_factor"]);
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

// ---- two replicas over one database -------------------------------------------------------------------------------------

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
    let first: Arc<dyn Store> = Arc::new(SqliteStore::open(&file).await.unwrap());
    create_keys(first.as_ref(), &root, RsaKeySize::Bits2048).await.unwrap();
    let second: Arc<dyn Store> = Arc::new(SqliteStore::open(&file).await.unwrap());
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

fn code(key: &OtpKey, unix_seconds: i64) -> OneTimePassword {
    let step = time_step(u64::try_from(unix_seconds).unwrap());
    OneTimePassword::Code(key.code(step))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn l9_of_64_uses_of_one_code_at_once_exactly_one_succeeds() {
    on_each_with_two_replicas(async |first, second| {
        let user_id = first.add_user("code@race.example").await;
        let (secret, recovery) = first.factors().hand_over(user_id).await.unwrap();
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
        let begun = first.factors().begin(user_id).await.unwrap();
        let secret = begun.secret.expose_secret().to_vec();
        let successes = race([&first, &second], |replica| {
            let otp = code(&OtpKey::from_bytes(&secret).unwrap(), NOW);
            async move { replica.factors().confirm(user_id, &otp).await.is_ok() }
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
        let user_id = first.add_user("restart@race.example").await;
        let (secret, recovery) = first.factors().hand_over(user_id).await.unwrap();
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
