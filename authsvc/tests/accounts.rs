//! Accounts under change: passwords, links, and rows that somebody else wrote.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use authsvc_core::audit::Operator;
use authsvc_core::domain::{EmailAddress, UserRecord};
use authsvc_core::service::administration::Change;
use axum::body::Body;
use cryptokit::password::Password;
use http::{Request, StatusCode};
use serde_json::json;
use support::databases::{self, Behind};
use support::in_process::{Answer, EMAIL, PASSWORD, Service, json_request};
use support::replicas::pairs;

const NEW: &str = "seven quiet otters juggle";

/// A token for the account's own affairs.
async fn own_token(service: &Service) -> String {
    let body = json!({ "email": EMAIL, "password": PASSWORD, "audience": "authsvc" });
    let answer = service.post("/v1/auth", body.to_string()).await;
    assert_eq!(answer.status, StatusCode::OK);
    answer.json()["token"].as_str().unwrap().to_owned()
}

async fn change(service: &Service, token: &str, old: &str, new: &str) -> Answer {
    let body = json!({ "password": old, "new_password": new }).to_string();
    let mut request: Request<Body> = json_request("/v1/me/password", body);
    let value = format!("Bearer {token}").parse().unwrap();
    request.headers_mut().insert("authorization", value);
    service.send(&service.public, None, request).await
}

async fn link(service: &Service) -> String {
    let made = service
        .users
        .reset_link(&EMAIL.parse().unwrap(), Duration::from_secs(3600))
        .await;
    made.unwrap().token.expose_secret().to_owned()
}

async fn set(service: &Service, token: &str, new: &str) -> Answer {
    let body = json!({ "token": token, "new_password": new }).to_string();
    service.post("/v1/password-reset", body).await
}

/// What is said, but for what differs in any two answers.
fn without_id(answer: &Answer) -> String {
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    let body = String::from_utf8(answer.body.clone()).unwrap().replace(&id, "ID");
    let mut headers = answer.headers.clone();
    headers.remove("x-request-id");
    format!("{} {body} {headers:?}", answer.status)
}

/// A test over both databases, which it also writes to past the service.
async fn on_both(test: impl AsyncFn(Service, Behind)) {
    for (store, behind, _directory) in databases::with_a_way_around().await {
        test(Service::start_over_store(store).await, behind).await;
    }
}

/// How many sources accounts know.
async fn known_sources(service: &Service) -> i64 {
    // The login that makes one known is written behind its answer.
    service.defence.flush().await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(service.directory.path().join("authsvc.db"));
    let pool = sqlx::sqlite::SqlitePool::connect_with(options).await.unwrap();
    let count = sqlx::query_scalar("SELECT count(*) FROM known_sources");
    let count = count.fetch_one(&pool).await.unwrap();
    pool.close().await;
    count
}

/// What a command does.
async fn operate(service: &Service, change: Change) {
    let operator = Operator::SystemUser { name: "ops".into() };
    service.administration.change(operator, change).await.unwrap();
}

/// Sets a password as `authsvc user reset-password` does.
async fn reset_by_operator(service: &Service, new: &str) {
    let change = Change::ResetPassword {
        account: EMAIL.parse::<EmailAddress>().unwrap().into(),
        password: Password::new(new).unwrap(),
    };
    operate(service, change).await;
}

#[tokio::test]
async fn l13_a_password_changes_only_with_the_old_one_and_a_token_of_its_own() {
    let service = Service::start().await;
    let token = own_token(&service).await;
    service.reasons();

    let wrong = change(&service, &token, "not the password", NEW).await;
    assert_eq!(
        (wrong.status, wrong.problem().as_str()),
        (StatusCode::UNAUTHORIZED, "invalid-credentials")
    );
    let missing = change(&service, &token, "", NEW).await;
    assert_eq!(missing.status, StatusCode::UNPROCESSABLE_ENTITY);
    let foreign = service.token().await;
    for token in ["", "x.y.z", &foreign] {
        let refused = change(&service, token, PASSWORD, NEW).await;
        assert_eq!(
            (refused.status, refused.problem().as_str()),
            (StatusCode::UNAUTHORIZED, "invalid-token")
        );
    }
    assert_eq!(service.login(EMAIL, PASSWORD).await.status, StatusCode::OK);
    service.reasons();

    let epoch = service.stored(EMAIL).await.session_epoch;
    assert_eq!(
        change(&service, &token, PASSWORD, NEW).await.status,
        StatusCode::NO_CONTENT
    );
    assert!(
        service.stored(EMAIL).await.session_epoch > epoch,
        "all other sessions were ended"
    );
    assert_eq!(service.reasons(), ["ok"]);
    assert_eq!(service.login(EMAIL, PASSWORD).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(service.login(EMAIL, NEW).await.status, StatusCode::OK);
}

#[tokio::test]
async fn l13_guesses_at_the_old_password_come_from_the_budget_of_logins() {
    let service = Service::start().await;
    let token = own_token(&service).await;
    let mut last = StatusCode::UNAUTHORIZED;
    for _ in 0..20 {
        last = change(&service, &token, "not the password", NEW).await.status;
        if last == StatusCode::TOO_MANY_REQUESTS {
            break;
        }
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    let before = service.hasher.pool().completed();
    assert_eq!(
        service.login(EMAIL, PASSWORD).await.status,
        StatusCode::TOO_MANY_REQUESTS
    );
    assert_eq!(service.hasher.pool().completed(), before, "nothing is computed for it");
}

#[tokio::test]
async fn a_new_password_that_is_not_good_enough_is_named_and_costs_no_hash() {
    let service = Service::start().await;
    let token = own_token(&service).await;
    let before = service.hasher.pool().completed();
    for (new, says) in [
        ("fourteen chars", "15 characters"),
        ("alice-example-2026", "address"),
        ("aaaaaaaaaaaaaaaaaaaa", "guess"),
        ("123456789987654321", "common"),
    ] {
        let refused = change(&service, &token, PASSWORD, new).await;
        assert_eq!(refused.problem(), "validation-failed");
        let errors = refused.json()["errors"].clone();
        assert_eq!(errors[0]["field"], "new_password");
        assert!(errors[0]["message"].as_str().unwrap().contains(says), "{new}: {errors}");
        assert!(!String::from_utf8_lossy(&refused.body).contains(new), "not repeated");
    }
    assert_eq!(service.hasher.pool().completed(), before);
}

#[tokio::test]
async fn of_changes_at_once_one_succeeds_and_it_is_the_one_that_counts() {
    for (first, second, _directory) in pairs().await {
        let token = own_token(&first).await;
        let changes = (0..4).map(|number| {
            let (service, token) = (Arc::clone([&first, &second][number % 2]), token.clone());
            tokio::spawn(async move {
                let new = format!("{NEW} {number}");
                (change(&service, &token, PASSWORD, &new).await.status, new)
            })
        });
        let mut winners = Vec::new();
        for change in changes.collect::<Vec<_>>() {
            let (status, new) = change.await.unwrap();
            match status {
                StatusCode::NO_CONTENT => winners.push(new),
                other => assert_eq!(other, StatusCode::UNAUTHORIZED),
            }
        }
        assert_eq!(winners.len(), 1);
        assert_eq!(second.login(EMAIL, &winners[0]).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_link_sets_a_password_once() {
    let service = Service::start().await;
    let token = link(&service).await;
    assert_eq!(
        service.login(EMAIL, PASSWORD).await.status,
        StatusCode::OK,
        "good until it is used"
    );

    let weak = set(&service, &token, "short").await;
    assert_eq!(weak.json()["errors"][0]["field"], "new_password");
    assert_eq!(
        set(&service, &token, NEW).await.status,
        StatusCode::NO_CONTENT,
        "a refusal left it usable"
    );
    assert_eq!(service.login(EMAIL, PASSWORD).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(service.login(EMAIL, NEW).await.status, StatusCode::OK);
    assert_eq!(
        set(&service, &token, PASSWORD).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
}

#[tokio::test]
async fn l5_no_source_is_known_of_an_account_that_is_gone() {
    let service = Service::start().await;
    assert_eq!(service.login(EMAIL, PASSWORD).await.status, StatusCode::OK);
    assert_eq!(known_sources(&service).await, 1);
    operate(
        &service,
        Change::DeleteUser(EMAIL.parse::<EmailAddress>().unwrap().into()),
    )
    .await;
    assert_eq!(known_sources(&service).await, 0);
}

#[tokio::test]
async fn l5_no_source_is_known_any_more_once_the_password_is_another_one() {
    let service = Service::start().await;
    let token = own_token(&service).await;
    assert_eq!(known_sources(&service).await, 1);
    let changed = change(&service, &token, PASSWORD, NEW).await;
    assert_eq!(changed.status, StatusCode::NO_CONTENT);
    assert_eq!(known_sources(&service).await, 0, "by the owner");

    assert_eq!(service.login(EMAIL, NEW).await.status, StatusCode::OK);
    assert_eq!(known_sources(&service).await, 1);
    let token = link(&service).await;
    assert_eq!(set(&service, &token, PASSWORD).await.status, StatusCode::NO_CONTENT);
    assert_eq!(known_sources(&service).await, 0, "by a link");

    assert_eq!(service.login(EMAIL, PASSWORD).await.status, StatusCode::OK);
    assert_eq!(known_sources(&service).await, 1);
    reset_by_operator(&service, NEW).await;
    assert_eq!(known_sources(&service).await, 0, "by an operator");
    assert_eq!(service.login(EMAIL, NEW).await.status, StatusCode::OK);
}

#[tokio::test]
async fn l13_a_link_for_a_former_password_is_worth_nothing_on_both_databases() {
    let postgres = Service::start_on_postgres().await;
    for service in [Some(Service::start().await), postgres].into_iter().flatten() {
        let former = link(&service).await;
        let own = own_token(&service).await;
        let changed = change(&service, &own, PASSWORD, NEW).await;
        assert_eq!(changed.status, StatusCode::NO_CONTENT);
        let unknown = set(&service, &"x".repeat(43), PASSWORD).await;
        let refused = set(&service, &former, PASSWORD).await;
        assert_eq!(without_id(&refused), without_id(&unknown), "the owner changed it");

        let former = link(&service).await;
        reset_by_operator(&service, PASSWORD).await;
        let refused = set(&service, &former, NEW).await;
        assert_eq!(without_id(&refused), without_id(&unknown), "an operator changed it");
        assert_eq!(service.login(EMAIL, PASSWORD).await.status, StatusCode::OK);

        // What else happens to an account leaves its link.
        let still_good = link(&service).await;
        service.set_disabled(EMAIL, true).await;
        service.set_disabled(EMAIL, false).await;
        assert_eq!(service.login(EMAIL, PASSWORD).await.status, StatusCode::OK);
        assert_eq!(set(&service, &still_good, NEW).await.status, StatusCode::NO_CONTENT);
    }
}

#[tokio::test]
async fn a_link_used_many_times_at_once_works_once() {
    for (first, second, _directory) in pairs().await {
        let token = link(&first).await;
        let uses = (0..8).map(|number| {
            let (service, token) = (Arc::clone([&first, &second][number % 2]), token.clone());
            tokio::spawn(async move { set(&service, &token, &format!("{NEW} {number}")).await.status })
        });
        let mut done = 0;
        for used in uses.collect::<Vec<_>>() {
            match used.await.unwrap() {
                StatusCode::NO_CONTENT => done += 1,
                other => assert_eq!(other, StatusCode::UNPROCESSABLE_ENTITY),
            }
        }
        assert_eq!(done, 1);
    }
}

#[tokio::test]
async fn links_that_do_not_work_are_refused_alike_whatever_the_cause() {
    let service = Service::start().await;
    let unknown = set(&service, &"x".repeat(43), NEW).await;

    let used = link(&service).await;
    assert_eq!(set(&service, &used, NEW).await.status, StatusCode::NO_CONTENT);
    let used = set(&service, &used, NEW).await;

    let voided = link(&service).await;
    let latest = link(&service).await;
    let voided = set(&service, &voided, NEW).await;

    service.clock.advance(3600);
    let expired = set(&service, &latest, NEW).await;

    let disabled = link(&service).await;
    service.set_disabled(EMAIL, true).await;
    let of_disabled = set(&service, &disabled, NEW).await;
    service.set_disabled(EMAIL, false).await;

    let removed = link(&service).await;
    service.users.delete(&EMAIL.parse().unwrap()).await.unwrap();
    let of_removed = set(&service, &removed, NEW).await;

    for refused in [&used, &voided, &expired, &of_disabled, &of_removed] {
        assert_eq!(without_id(refused), without_id(&unknown));
    }
    assert_eq!(unknown.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a13_rows_that_were_changed_in_the_database_log_nobody_in_and_say_so_to_the_operator() {
    for (sqlite, postgres) in [
        ("UPDATE users SET roles = 'admin'", None),
        ("UPDATE users SET scopes = 'everything'", None),
        (
            "UPDATE users SET second_factor = 1",
            Some("UPDATE users SET second_factor = true"),
        ),
        ("UPDATE users SET created_at = created_at + 1", None),
        ("UPDATE users SET seal = NULL", None),
        ("UPDATE users SET seal = '', roles = 'admin'", None),
    ] {
        on_both(async |service, behind| {
            let token = service.token().await;
            service.reasons();
            behind.execute(sqlite, postgres.unwrap_or(sqlite)).await;
            let before = service.hasher.pool().completed();
            let refused = service.login(EMAIL, PASSWORD).await;
            assert_eq!(refused.problem(), "invalid-credentials", "{sqlite}");
            assert_eq!(
                service.hasher.pool().completed() - before,
                1,
                "one run as for everybody"
            );
            assert_eq!(
                service.validate(&token).await.status,
                StatusCode::UNAUTHORIZED,
                "{sqlite}"
            );
            assert_eq!(service.reasons()[0], "altered_record", "{sqlite}");
        })
        .await;
    }
}

#[tokio::test]
async fn a13_a_disabled_account_is_not_enabled_nor_renamed_in_the_database() {
    on_both(async |service, behind| {
        service.set_disabled(EMAIL, true).await;
        behind
            .execute("UPDATE users SET disabled = 0", "UPDATE users SET disabled = false")
            .await;
        assert_eq!(service.login(EMAIL, PASSWORD).await.status, StatusCode::UNAUTHORIZED);
        behind
            .execute(
                "UPDATE users SET disabled = 1, email = 'root@example.com'",
                "UPDATE users SET disabled = true, email = 'root@example.com'",
            )
            .await;
        service.reasons();
        assert_eq!(
            service.login("root@example.com", PASSWORD).await.status,
            StatusCode::UNAUTHORIZED
        );
        assert_eq!(service.reasons(), ["altered_record"]);
    })
    .await;
}

#[tokio::test]
async fn a13_a_link_that_was_written_into_the_database_sets_no_password() {
    on_both(async |service, behind| {
        for edit in [
            "UPDATE password_resets SET expires_at = expires_at + 1000000",
            "UPDATE password_resets SET seal = ''",
        ] {
            let token = link(&service).await;
            behind.execute_same(edit).await;
            assert_eq!(
                set(&service, &token, NEW).await.status,
                StatusCode::UNPROCESSABLE_ENTITY,
                "{edit}"
            );
        }
        assert_eq!(service.login(EMAIL, PASSWORD).await.status, StatusCode::OK);
    })
    .await;
}

#[tokio::test]
async fn r9_a_deleted_account_is_gone_and_its_address_makes_another_one() {
    on_both(async |service, _| {
        let (token, id) = (service.token().await, service.user_id);
        let email = EMAIL.parse().unwrap();
        assert_eq!(service.users.delete(&email).await.unwrap(), id);
        assert_eq!(service.validate(&token).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(service.login(EMAIL, PASSWORD).await.status, StatusCode::UNAUTHORIZED);

        let password = Password::new(PASSWORD).unwrap();
        let again = service.users.add(email, password).await.unwrap();
        assert_ne!(again, id);
        assert_eq!(service.login(EMAIL, PASSWORD).await.status, StatusCode::OK);
        assert_eq!(
            service.validate(&token).await.status,
            StatusCode::UNAUTHORIZED,
            "the old one's token"
        );
    })
    .await;
}

#[tokio::test]
async fn a_token_allows_what_was_asked_for_and_the_account_may() {
    let service = Service::start().await;
    let email = EMAIL.parse().unwrap();
    let grant = async |roles: &str, scopes: &str| {
        let set = service
            .users
            .set_grants(&email, Some(roles.parse().unwrap()), Some(scopes.parse().unwrap()));
        set.await.unwrap();
    };
    let login = async |scope: Option<&str>| {
        let mut body = json!({ "email": EMAIL, "password": PASSWORD });
        if let Some(scope) = scope {
            body["scope"] = json!(scope);
        }
        service.post("/v1/auth", body.to_string()).await
    };
    assert_eq!(login(None).await.json().get("scope"), None, "an account without scopes");

    grant("clerk admin", "orders:read orders:write").await;
    for (asked, granted) in [
        (None, "orders:read orders:write"),
        (Some("orders:read"), "orders:read"),
        (Some("users:all orders:write"), "orders:write"),
    ] {
        let answer = login(asked).await.json();
        assert_eq!(answer["scope"], granted, "{asked:?}");
        let claims = claims_of(answer["token"].as_str().unwrap());
        assert_eq!(claims["scope"], granted);
        assert_eq!(claims["roles"], json!(["admin", "clerk"]));
    }
    let refused = login(Some("users:all")).await;
    assert_eq!(
        (refused.problem().as_str(), &refused.json()["errors"][0]["field"]),
        ("validation-failed", &json!("scope"))
    );
    for malformed in ["", " orders:read", "a  b", "a\"b"] {
        assert_eq!(
            login(Some(malformed)).await.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{malformed:?}"
        );
    }

    // What the account loses, the next refresh no longer gives.
    let refresh_token = login(None).await.json()["refresh_token"].clone();
    grant("", "orders:read").await;
    let body = json!({ "refresh_token": refresh_token }).to_string();
    let answer = service.post("/v1/refresh", body).await.json();
    let claims = claims_of(answer["token"].as_str().unwrap());
    assert_eq!(
        (claims["scope"].as_str(), claims.get("roles")),
        (Some("orders:read"), None)
    );
}

fn claims_of(token: &str) -> serde_json::Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&cryptokit::encoding::base64url::decode(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn r9_each_change_of_state_ends_sessions_and_tokens() {
    on_both(async |service, _| {
        let email: EmailAddress = EMAIL.parse().unwrap();
        let begin = async |password: &str| {
            let answer = service.login(EMAIL, password).await;
            assert_eq!(answer.status, StatusCode::OK);
            let json = answer.json();
            (
                json["token"].as_str().unwrap().to_owned(),
                json["refresh_token"].clone(),
            )
        };
        let refresh = async |token: &serde_json::Value| {
            let body = json!({ "refresh_token": token }).to_string();
            service.post("/v1/refresh", body).await.status
        };

        let (access, by_change) = begin(PASSWORD).await;
        let own = own_token(&service).await;
        assert_eq!(
            change(&service, &own, PASSWORD, NEW).await.status,
            StatusCode::NO_CONTENT
        );
        assert_eq!(
            refresh(&by_change).await,
            StatusCode::UNAUTHORIZED,
            "the password was changed"
        );
        assert_eq!(
            service.validate(&access).await.status,
            StatusCode::UNAUTHORIZED,
            "nor is the access token good that was issued before"
        );
        assert_eq!(service.login(EMAIL, PASSWORD).await.status, StatusCode::UNAUTHORIZED);

        let (access, by_link) = begin(NEW).await;
        let token = link(&service).await;
        assert_eq!(set(&service, &token, PASSWORD).await.status, StatusCode::NO_CONTENT);
        assert_eq!(
            refresh(&by_link).await,
            StatusCode::UNAUTHORIZED,
            "the password was set by a link"
        );
        assert_eq!(service.validate(&access).await.status, StatusCode::UNAUTHORIZED);

        let (access, by_disable) = begin(PASSWORD).await;
        service.set_disabled(EMAIL, true).await;
        assert_eq!(refresh(&by_disable).await, StatusCode::UNAUTHORIZED, "disabled");
        assert_eq!(service.validate(&access).await.status, StatusCode::UNAUTHORIZED);
        service.set_disabled(EMAIL, false).await;
        assert_eq!(refresh(&by_disable).await, StatusCode::UNAUTHORIZED, "and stays ended");

        let (_, by_delete) = begin(PASSWORD).await;
        service.users.delete(&email).await.unwrap();
        assert_eq!(refresh(&by_delete).await, StatusCode::UNAUTHORIZED, "deleted");
    })
    .await;
}

#[tokio::test]
async fn r9_what_a_crash_leaves_of_disabling_brings_no_session_back() {
    on_both(async |service, behind| {
        let email: EmailAddress = EMAIL.parse().unwrap();
        let login = async || service.login(EMAIL, PASSWORD).await.json()["refresh_token"].clone();
        let refresh = async |token: &serde_json::Value| {
            let body = json!({ "refresh_token": token }).to_string();
            service.post("/v1/refresh", body).await.status
        };
        let living = async || service.sessions.of_user(service.user_id).await.unwrap().len();

        // The account is changed, and nothing is written after it.
        let old = login().await;
        behind
            .execute(
                "CREATE TRIGGER crash BEFORE UPDATE OF session_epoch ON users WHEN OLD.disabled = 1
                 BEGIN SELECT RAISE(ABORT, 'planted'); END",
                "CREATE FUNCTION planted() RETURNS trigger LANGUAGE plpgsql AS
                     $$ BEGIN RAISE EXCEPTION 'planted'; END $$;
                 CREATE TRIGGER crash BEFORE UPDATE OF session_epoch ON users FOR EACH ROW WHEN (OLD.disabled)
                     EXECUTE FUNCTION planted();",
            )
            .await;
        service.users.set_disabled(email.clone(), true).await.unwrap_err();
        assert!(service.stored(EMAIL).await.disabled, "the change itself was made");
        assert_eq!(living().await, 0, "and the sessions had ended before it");
        // Nor is it enabled while nothing can be ended.
        service.users.set_disabled(email.clone(), false).await.unwrap_err();
        assert!(service.stored(EMAIL).await.disabled);
        behind
            .execute("DROP TRIGGER crash", "DROP TRIGGER crash ON users")
            .await;
        service.set_disabled(EMAIL, false).await;
        assert_eq!(refresh(&old).await, StatusCode::UNAUTHORIZED);

        // A session that was begun between the end of the others and the change, before the crash.
        let meanwhile = login().await;
        let record = service.store.user_by_email(&email).await.unwrap().unwrap();
        let mut user = record.unverified().clone();
        user.disabled = true;
        let disabled = UserRecord::seal(user, &service.keys.sealing().keys).unwrap();
        assert!(service.store.replace_user(&record, &disabled).await.unwrap());
        assert_eq!(living().await, 1);
        service.set_disabled(EMAIL, false).await;
        assert_eq!(living().await, 0);
        assert_eq!(refresh(&meanwhile).await, StatusCode::UNAUTHORIZED);

        // Enabling what is enabled ends nothing.
        let last = login().await;
        service.set_disabled(EMAIL, false).await;
        assert_eq!(refresh(&last).await, StatusCode::OK);
    })
    .await;
}
