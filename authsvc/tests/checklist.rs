//! Rows of the attack checklist that belong to no single area.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

mod support;

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use authsvc::config::{Config, SETTINGS};
use authsvc::hasher::QueuedHasher;
use authsvc::secret_files::{SecretFileError, read_root_key};
use authsvc::transport::tls::{ServerIdentity, TlsError};
use authsvc_core::clock::{Clock as _, SystemClock};
use authsvc_core::domain::EmailAddress;
use authsvc_core::service::defence::DefencePolicy;
use authsvc_core::service::{CredentialHasher, HashingError, ImportedAccount, UserAdministration};
use axum::body::Body;
use cryptokit::key_format::{Jwk, PrivateKey};
use cryptokit::keyset::Keyset;
use cryptokit::password::{Argon2Params, Cost, Password, PasswordHasher, Pepper, Policy, StoredHash, Verdict};
use cryptokit::x509::{CertificateAuthority, DistinguishedName, certificates_to_pem};
use http::{Method, Request, StatusCode};
use serde_json::json;
use support::in_process::{Answer, EMAIL, PASSWORD, Service, json_request};

/// What one caller sends: its mark is in every place that a request has.
fn marked(mark: &str, kind: usize) -> Request<Body> {
    let mut request = match kind % 6 {
        0 => json_request(
            "/v1/auth",
            json!({ "email": format!("{mark}@example.com"), "password": format!("password {mark}") }).to_string(),
        ),
        1 => json_request(
            "/v1/auth",
            json!({ "email": EMAIL, "password": PASSWORD, "audience": mark }).to_string(),
        ),
        2 => json_request("/v1/auth", format!("{{\"{mark}\":1}}")),
        3 => json_request("/v1/refresh", json!({ "refresh_token": mark }).to_string()),
        4 => json_request(
            "/v1/validate-token",
            json!({ "token": format!("a.{mark}.c") }).to_string(),
        ),
        _ => Request::get(format!("/{mark}?{mark}={mark}"))
            .body(Body::empty())
            .unwrap(),
    };
    request.headers_mut().insert("user-agent", mark.parse().unwrap());
    request.headers_mut().insert("x-request-id", mark.parse().unwrap());
    request
}

fn shown(answer: &Answer) -> String {
    format!(
        "{} {:?} {}",
        answer.status,
        answer.headers,
        String::from_utf8_lossy(&answer.body)
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a4_no_answer_carries_the_mark_of_another_request() {
    const CALLERS: usize = 48;
    const ROUNDS: usize = 4;
    let service = Arc::new(Service::start().await);
    let start = Arc::new(tokio::sync::Barrier::new(CALLERS));
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let (service, start) = (Arc::clone(&service), Arc::clone(&start));
            tokio::spawn(async move {
                let mut answers = Vec::new();
                for round in 0..ROUNDS {
                    start.wait().await;
                    let mark = format!("mark{caller:02}x{round}z");
                    let request = marked(&mark, caller + round);
                    let peer = Some(service.peer(&["dns:orders.internal"]));
                    let answer = service.send(&service.internal, peer, request).await;
                    answers.push((mark, shown(&answer)));
                }
                answers
            })
        })
        .collect();
    let mut answers = Vec::new();
    for caller in callers {
        answers.extend(caller.await.unwrap());
    }
    let marks: Vec<String> = answers.iter().map(|(mark, _)| mark.clone()).collect();
    for (mark, answer) in &answers {
        for other in marks.iter().filter(|other| *other != mark) {
            assert!(
                !answer.contains(other.as_str()),
                "{other} in the answer to {mark}: {answer}"
            );
        }
    }
    // Ids are one request's each, so that an explanation is never another caller's.
    let ids: Vec<&str> = answers
        .iter()
        .filter_map(|(_, answer)| Some(answer.split_once("\"id\":\"")?.1.split('"').next().unwrap()))
        .collect();
    let mut distinct = ids.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert!(!ids.is_empty() && distinct.len() == ids.len());
}

#[tokio::test]
async fn a10_no_route_answers_with_a_redirect() {
    let service = Service::start().await;
    let described: serde_json::Value = serde_json::from_str(authsvc::transport::http::openapi_json()).unwrap();
    let paths = described["paths"].as_object().unwrap();
    assert!(paths.len() >= 10);
    for (path, operations) in paths {
        for operation in operations.as_object().unwrap().values() {
            let Some(responses) = operation["responses"].as_object() else {
                continue;
            };
            for status in responses.keys() {
                // 304 sends nobody anywhere.
                assert!(!status.starts_with('3') || status == "304", "{path}: {status}");
            }
        }
        let concrete = path.replace(['{', '}'], "");
        let spellings = [
            concrete.clone(),
            format!("{concrete}/"),
            format!("/{concrete}"),
            concrete.to_uppercase(),
            format!("{concrete}?next=https://evil.example&redirect_uri=//evil.example"),
        ];
        for spelling in spellings {
            for method in [Method::GET, Method::HEAD, Method::POST, Method::DELETE, Method::OPTIONS] {
                let request = Request::builder()
                    .method(method.clone())
                    .uri(&spelling)
                    .header("host", "evil.example")
                    .header("content-type", "application/json")
                    .body(Body::from("{}"))
                    .unwrap();
                let peer = Some(service.peer(&["dns:orders.internal"]));
                let answer = service.send(&service.internal, peer, request).await;
                assert!(
                    !answer.status.is_redirection(),
                    "{method} {spelling}: {}",
                    answer.status
                );
                assert!(!answer.headers.contains_key("location"), "{method} {spelling}");
                assert!(!answer.headers.contains_key("refresh"), "{method} {spelling}");
            }
        }
    }
}

/// The library's documentation has examples that must not compile; this holds all crates to it.
#[test]
fn a7_no_secret_type_can_be_compared_with_an_operator() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = Vec::new();
    for folder in [
        "cryptokit/src",
        "authsvc/src",
        "authsvc/core/src",
        "authsvc/client/src",
        "secret-input/src",
    ] {
        rust_files(&workspace.join(folder), &mut files);
    }
    assert!(files.len() > 200, "{}", files.len());
    let (mut secret_types, mut compared) = (Vec::new(), Vec::new());
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap();
        // What a test compares is no secret of anybody's.
        let code = text.split("#[cfg(test)]").next().unwrap();
        let mut derives = String::new();
        for line in code.lines().map(str::trim) {
            if line.starts_with("#[derive(") {
                derives.push_str(line);
            } else if let Some(name) = declared(line) {
                if derives.contains("ZeroizeOnDrop") {
                    assert!(!derives.contains("PartialEq"), "{}: {name}", file.display());
                    secret_types.push(name.to_owned());
                }
                derives.clear();
            } else if !line.starts_with("#[") && !line.starts_with("///") {
                derives.clear();
            }
            let statement = line.split("//").next().unwrap();
            if statement.contains("expose_secret()") && (statement.contains(" == ") || statement.contains(" != ")) {
                compared.push(format!("{}: {line}", file.display()));
            }
        }
    }
    assert!(secret_types.len() >= 2, "{secret_types:?}");
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap();
        for name in &secret_types {
            assert!(
                !text.contains(&format!("PartialEq for {name}")),
                "{}: {name}",
                file.display()
            );
        }
    }
    // Comparisons that show nothing: what is compared is listed here, with why it is no guess at the secret.
    let harmless = ["is_empty()", ".len()", ".ct_eq("];
    compared.retain(|line| !harmless.iter().any(|allowed| line.contains(allowed)));
    assert!(compared.is_empty(), "{compared:#?}");
}

fn declared(line: &str) -> Option<&str> {
    let rest = line
        .strip_prefix("pub(crate) ")
        .or_else(|| line.strip_prefix("pub(super) "))
        .or_else(|| line.strip_prefix("pub "))
        .unwrap_or(line);
    let rest = rest.strip_prefix("struct ").or_else(|| rest.strip_prefix("enum "))?;
    rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()
}

fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// What is wrong with the key alone is found before it is compared with the certificate, which is another one's here.
#[test]
fn a8_no_key_that_the_repository_contains_is_used() {
    const ROOT_KEY: &str = "cryptokit-root-key-1:";
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let files = tracked_files(workspace);
    if files.is_empty() {
        println!("skipped: no git checkout to look for keys in");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let (certificate_file, secret_file) = (directory.path().join("chain.pem"), directory.path().join("secret"));
    let now = SystemClock.now();
    let authority = CertificateAuthority::new_root(&DistinguishedName::new("Test root CA").unwrap(), now).unwrap();
    std::fs::write(&certificate_file, certificates_to_pem([authority.certificate()])).unwrap();
    let (mut keys, mut root_keys) = (BTreeSet::new(), 0);
    for file in &files {
        let content = std::fs::read(file).unwrap();
        let forms = [
            PrivateKey::from_pem(&content),
            PrivateKey::from_der(&content),
            Jwk::<PrivateKey>::parse(&content).map(|jwk| jwk.key),
        ];
        for key in forms.into_iter().flatten() {
            private_files::replace(&secret_file, key.to_pem().expose_secret().as_bytes()).unwrap();
            let refused = ServerIdentity::load(&certificate_file, &secret_file, now);
            assert!(
                matches!(refused, Err(TlsError::PublishedKey { .. })),
                "{}: {refused:?}",
                file.display()
            );
            keys.insert(key.public_key().thumbprint());
        }
        for (at, _) in String::from_utf8_lossy(&content).match_indices(ROOT_KEY) {
            let text = String::from_utf8_lossy(&content)[at..]
                .chars()
                .take(ROOT_KEY.len() + 43)
                .collect::<String>();
            private_files::replace(&secret_file, text.as_bytes()).unwrap();
            match read_root_key(&secret_file) {
                Err(SecretFileError::SampleRootKey { .. }) => root_keys += 1,
                Err(SecretFileError::RootKey { .. }) => {}
                other => panic!("{}: {other:?}", file.display()),
            }
        }
    }
    assert_eq!(
        (keys.len(), root_keys > 0),
        (4, true),
        "{keys:?} and {root_keys} root keys"
    );
}

/// What git keeps; nothing in a source tree that is no checkout.
fn tracked_files(workspace: &Path) -> Vec<PathBuf> {
    let listed = std::process::Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(workspace)
        .output();
    let Some(listed) = listed.ok().filter(|listed| listed.status.success()) else {
        return Vec::new();
    };
    let names = String::from_utf8(listed.stdout).unwrap();
    let files = names.split('\0').filter(|name| !name.is_empty());
    files
        .map(|name| workspace.join(name))
        .filter(|file| file.is_file())
        .collect()
}

#[tokio::test]
async fn m7_questions_that_come_too_fast_are_429_for_the_caller_and_for_the_source() {
    // More than come in the seconds that this takes on a slow machine.
    const ENOUGH: usize = 1000;
    let service = Service::start_with_rate(1).await;
    let ask = async |name: &str| service.validate_as(&[name], "garbage").await;
    let others = ["billing", "stock", "mail"];
    for name in others {
        service.register(name, &format!("dns:{name}.internal"), &[name]).await;
    }
    let mut answered = 0;
    let refused = loop {
        assert!(answered < ENOUGH);
        let answer = ask("dns:orders.internal").await;
        if answer.status != StatusCode::UNAUTHORIZED {
            break answer;
        }
        answered += 1;
    };
    assert!(answered >= 1);
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.header("retry-after").parse::<u64>().unwrap() >= 1);
    // Two callers may share a place by chance; four do not.
    let mut statuses = Vec::new();
    for name in others {
        statuses.push(ask(&format!("dns:{name}.internal")).await.status);
    }
    assert!(
        statuses.contains(&StatusCode::UNAUTHORIZED),
        "others have their own: {statuses:?}"
    );

    // Without a certificate it is the source that counts.
    let mut served = 0;
    let refused = loop {
        assert!(served < ENOUGH);
        let answer = service.get("/").await;
        if answer.status != StatusCode::OK {
            break answer;
        }
        served += 1;
    };
    assert!(served >= 1);
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn l12_a_password_is_cut_nowhere_and_has_one_spelling() {
    let service = Service::start().await;
    let long = "The ferry to the outer islands leaves at ten past six, unless the harbour master sleeps in";
    assert!(long.len() > 72);
    let change = async |email: &str, password: &str| {
        let password = Password::new(password).unwrap();
        service.users.add(email.parse().unwrap(), password).await.unwrap();
    };
    change("long@example.com", long).await;
    assert_eq!(service.login("long@example.com", long).await.status, StatusCode::OK);
    for other in [&long[..72], &long[..long.len() - 1], &format!("{long} ")] {
        let answer = service.login("long@example.com", other).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{} bytes", other.len());
    }
    // Nothing behind a NUL is lost: it is refused as a whole.
    let with_nul = format!("{long}\0more");
    assert_eq!(
        service.login("long@example.com", &with_nul).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    // Composed and decomposed are what people see as one.
    change("accents@example.com", "Z\u{fc}rich at night, caf\u{e9} after").await;
    let decomposed = "Zu\u{308}rich at night, cafe\u{301} after";
    assert_eq!(
        service.login("accents@example.com", decomposed).await.status,
        StatusCode::OK
    );
}

/// Says what it was asked to compute, and computes nothing.
#[derive(Default)]
struct Spy(Mutex<Vec<String>>);

#[async_trait::async_trait]
impl CredentialHasher for Spy {
    fn is_current(&self, stored: &StoredHash) -> bool {
        stored.cost() == Cost::Argon2(Argon2Params::new(32, 1, 1).unwrap())
    }

    async fn hash(&self, _: Arc<Password>) -> Result<StoredHash, HashingError> {
        Err(HashingError::Panicked)
    }

    async fn verify(&self, _: Arc<Password>, stored: StoredHash) -> Result<Verdict, HashingError> {
        self.0.lock().unwrap().push(format!("{:?}", stored.cost()));
        Ok(Verdict {
            ok: false,
            needs_rehash: false,
        })
    }

    async fn verify_decoy(&self, _: Arc<Password>) -> Result<(), HashingError> {
        self.0.lock().unwrap().push("own".to_owned());
        Ok(())
    }
}

#[tokio::test]
async fn l1_unknown_addresses_cost_what_accounts_with_imported_hashes_cost() {
    const IMPORTED: usize = 30;
    let spy = Arc::new(Spy::default());
    let policy = DefencePolicy {
        source_failures: 10_000,
        ..DefencePolicy::default()
    };
    let given = Arc::clone(&spy);
    let service = Service::start_with_policy(policy, |_| given).await;
    let called = || std::mem::take(&mut *spy.0.lock().unwrap());
    let ask = async |email: &str| {
        assert_eq!(
            service.login(email, "not the password").await.status,
            StatusCode::UNAUTHORIZED
        );
        let mut calls = called();
        assert_eq!(calls.len(), 1, "one check, whoever it is");
        calls.remove(0)
    };
    assert_eq!(ask("nobody@example.com").await, "own", "nothing is imported");
    let hash = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    let mut records = Vec::new();
    for number in 0..IMPORTED {
        let line = json!({ "email": format!("imported{number}@example.com"), "password_hash": hash }).to_string();
        records.push(
            service
                .users
                .imported(&ImportedAccount::from_json(&line).unwrap())
                .unwrap(),
        );
    }
    service.users.stage_import("test", &records).await.unwrap();
    assert_eq!(service.users.commit_import("test").await.unwrap(), IMPORTED as u64);
    service.auth.refresh_decoys().await.unwrap();

    let imported = ask("imported0@example.com").await;
    let mut drawn = Vec::new();
    for round in 0..2 {
        for number in 0..40 {
            let shape = ask(&format!("stranger{number}@example.com")).await;
            match round {
                0 => drawn.push(shape),
                _ => assert_eq!(shape, drawn[number], "the same for the same address"),
            }
        }
    }
    // 30 of 31 accounts have such a hash. Fewer than half come once in 10^20 times.
    let alike = drawn.iter().filter(|shape| **shape == imported).count();
    assert!(alike >= 20, "{alike} of 40: {drawn:?}");
    assert!(drawn.iter().all(|shape| *shape == imported || shape == "own"));
}

/// What the service is after its operator has raised the cost: new hashes are of the new one, and checks say which cost they
/// were of.
struct Raised {
    hasher: QueuedHasher,
    calls: Mutex<Vec<Cost>>,
}

#[async_trait::async_trait]
impl CredentialHasher for Raised {
    fn is_current(&self, stored: &StoredHash) -> bool {
        self.hasher.is_current(stored)
    }

    async fn hash(&self, password: Arc<Password>) -> Result<StoredHash, HashingError> {
        self.hasher.hash(password).await
    }

    async fn verify(&self, password: Arc<Password>, stored: StoredHash) -> Result<Verdict, HashingError> {
        self.calls.lock().unwrap().push(stored.cost());
        let ok = password.expose_secret() == PASSWORD;
        Ok(Verdict { ok, needs_rehash: ok })
    }

    async fn verify_decoy(&self, _: Arc<Password>) -> Result<(), HashingError> {
        self.calls.lock().unwrap().push(cost_of(64));
        Ok(())
    }
}

fn cost_of(kibibytes: u32) -> Cost {
    Cost::Argon2(Argon2Params::new(kibibytes, 1, 1).unwrap())
}

#[tokio::test]
async fn l1_unknown_addresses_cost_what_accounts_of_an_older_cost_cost_on_both_databases() {
    const OLD: usize = 20;
    let postgres = Service::start_on_postgres().await;
    for service in [Some(Service::start().await), postgres].into_iter().flatten() {
        let password = || Password::new(PASSWORD).unwrap();
        for number in 1..OLD {
            let email = format!("old{number}@example.com").parse().unwrap();
            service.users.add(email, password()).await.unwrap();
        }
        let raised = Arc::new(Raised {
            hasher: QueuedHasher::new(
                PasswordHasher::new(
                    Policy::new(Argon2Params::new(64, 1, 1).unwrap(), Argon2Params::OWASP).unwrap(),
                    Keyset::new("peppers", Pepper::generate()),
                ),
                NonZeroUsize::MIN,
                Duration::from_secs(30),
            ),
            calls: Mutex::default(),
        });
        let given = Arc::clone(&raised);
        let policy = DefencePolicy {
            source_failures: 10_000,
            ..DefencePolicy::default()
        };
        let service = service.again(policy, |_| given).await;
        let users = UserAdministration::new(
            Arc::clone(&service.store),
            Arc::clone(&service.clock) as _,
            Arc::clone(&raised) as _,
            Arc::clone(&service.keys),
        );
        for number in 0..OLD {
            let email = format!("new{number}@example.com").parse().unwrap();
            users.add(email, password()).await.unwrap();
        }
        let ask = async |email: &str| {
            let answer = service.login(email, "not the password").await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
            let calls = std::mem::take(&mut *raised.calls.lock().unwrap());
            assert_eq!(calls.len(), 1, "one check, whoever it is");
            calls[0]
        };
        assert_eq!(ask("old1@example.com").await, cost_of(32));
        assert_eq!(ask("new1@example.com").await, cost_of(64));

        service.auth.refresh_decoys().await.unwrap();
        let mut drawn = Vec::new();
        for number in 0..100 {
            drawn.push(ask(&format!("stranger{number}@example.com")).await);
        }
        // Half of the accounts have the older cost. Fewer than 20 or more than 80 of 100 come once in 10^9 times.
        let older = drawn.iter().filter(|cost| **cost == cost_of(32)).count();
        assert!((20..=80).contains(&older), "{older} of 100");
        assert_eq!(drawn.iter().filter(|cost| **cost == cost_of(64)).count(), 100 - older);

        // Every way to a new hash says what it is: a login, a change, and an operator's act.
        let older_accounts = async || {
            let found = service.store.hash_shapes().await.unwrap();
            let older = found.shapes.iter().filter(|(shape, _)| shape.contains("m=32,"));
            (found.accounts, older.map(|(_, number)| *number).sum::<u64>())
        };
        assert_eq!(older_accounts().await, (40, 20));
        let body = json!({ "email": EMAIL, "password": PASSWORD, "audience": "authsvc" }).to_string();
        let answer = service.post("/v1/auth", body).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(older_accounts().await, (40, 19), "the login rehashed it");
        let old: EmailAddress = "old1@example.com".parse().unwrap();
        let reset = users.reset_password(
            old.clone(),
            Password::new("seven quiet otters juggle").unwrap(),
            &service.defence,
        );
        reset.await.unwrap();
        assert_eq!(older_accounts().await, (40, 18), "an operator set it");
        let link = users.reset_link(old, Duration::from_secs(60)).await.unwrap();
        let body = json!({ "token": link.token.expose_secret(), "new_password": "eight loud herons argue" });
        let set = service.post("/v1/password-reset", body.to_string()).await;
        assert_eq!(set.status, StatusCode::NO_CONTENT);
        assert_eq!(older_accounts().await, (40, 18), "a link set it");
        let found = service.store.hash_shapes().await.unwrap();
        assert_eq!(
            found.shapes.iter().map(|(_, number)| number).sum::<u64>(),
            40,
            "none is without"
        );
        // Other changes of an account leave what its hash is.
        service.set_disabled("old2@example.com", true).await;
        assert_eq!(older_accounts().await, (40, 18));
    }
}

/// Page sizes and other numbers of commands are ranges of their argument parser; the API takes none.
#[test]
fn a6_no_setting_takes_a_number_beyond_its_bounds() {
    const LEAST: &str = r#"
        issuer = "https://auth.example"
        database_file = "authsvc.db"
        root_key_file = "root.key"
        pepper_file = "pepper.json"
        public.certificate_file = "tls/fullchain.pem"
        public.key_file = "tls/key.pem"
        internal.client_ca_file = "tls/ca.pem"
    "#;
    let file = Path::new("/etc/authsvc/authsvc.toml");
    let read = |key: &str, value: &str| Config::parse(file, &format!("{LEAST}\n{key} = {value}\n"));
    let mut numeric = 0;
    for setting in SETTINGS {
        let Some(default) = setting.default.filter(|default| default.parse::<u64>().is_ok()) else {
            continue;
        };
        numeric += 1;
        let key = setting.key;
        assert!(read(key, default).is_ok(), "{key} = {default}");
        for value in [
            "-1",
            "-9223372036854775808",
            "0.5",
            "1e3",
            "inf",
            "nan",
            "true",
            "[1]",
            "{}",
            "\"x\"",
            "\"\u{663}\"",
        ] {
            let refused = read(key, value).expect_err(value);
            assert!(!refused.0.is_empty(), "{key} = {value}");
        }
        // Whether they are within bounds differs; nothing may overflow on the way, and a refusal says what is accepted.
        for value in [
            "0",
            "1",
            "4294967295",
            "4294967296",
            "9223372036854775807",
            "\"18446744073709551615\"",
        ] {
            if let Err(refused) = read(key, value) {
                assert!(
                    refused.0.iter().any(|line| line.contains(key)),
                    "{key} = {value}: {refused:?}"
                );
            }
        }
    }
    assert!(numeric >= 20, "{numeric}");
}
