//! A home, made and used again, and what of its secrets shows.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use cryptokit::jose::JwkSet;
use http::StatusCode;
use serde_json::Value;

use super::{ops, problem_id};
use crate::support::process::Dev;

#[tokio::test]
async fn the_first_run_makes_a_home_and_the_second_reuses_all_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("home");
    let dev = Dev::start(&home);
    assert_eq!(dev.text("issuer"), dev.text("public_url"));
    assert!(dev.text("password").len() >= 15);

    // Log in.
    let login = dev.public().login(&dev.login_body()).await.unwrap();
    assert_eq!(login.expires_in, 900);
    // Another service has the token validated.
    let active = dev.internal().validate_token(&login.token).await.unwrap().unwrap();
    assert!(active.active);
    assert_eq!(active.email.as_deref(), Some(dev.text("email")));
    // The key set is public.
    let jwks = dev.public().get("/.well-known/jwks.json").await.unwrap();
    assert_eq!(JwkSet::parse(jwks.body.expose_secret()).unwrap().keys.len(), 1);
    // A failed login leaves its line.
    let wrong = serde_json::json!({ "email": dev.text("email"), "password": "not the password" }).to_string();
    let refused = dev.public().post_json("/v1/auth", wrong.as_bytes()).await.unwrap();
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    let id = problem_id(refused.body.expose_secret());
    let line = &dev.record(&id);
    assert_eq!(line["event"]["reason"], "wrong_password");
    assert_eq!(line["user"]["email"], dev.text("email"));
    assert_eq!(line["source"]["ip"], "127.0.0.1");
    assert_eq!(line["url"]["route"], "/v1/auth");
    assert!(line["@timestamp"].as_str().unwrap().ends_with('Z'));
    assert!(line["authsvc"]["advice"].is_string());

    only_its_owner_can_use(&home);
    let (first, token) = (dev.description.clone(), login.token);
    let (status, _) = dev.stop();
    assert!(status.success());

    let dev = Dev::start(&home);
    let mut expected = first;
    expected["password"] = Value::Null;
    assert_eq!(dev.description, expected, "ports, issuer and files persist");
    assert!(
        dev.internal().validate_token(&token).await.unwrap().is_some(),
        "tokens outlive a restart"
    );
    let again = dev.public().login(&dev.login_body()).await.unwrap();
    assert!(dev.internal().validate_token(&again.token).await.unwrap().is_some());
    assert!(dev.stop().0.success());
}

fn only_its_owner_can_use(path: &Path) {
    let metadata = std::fs::symlink_metadata(path).unwrap();
    let expected = if metadata.is_dir() { 0o700 } else { 0o600 };
    assert_eq!(metadata.mode() & 0o7777, expected, "{}", path.display());
    if metadata.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            only_its_owner_can_use(&entry.unwrap().path());
        }
    }
}

#[tokio::test]
async fn no_secret_appears_in_any_output_at_any_level() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("home");
    let dev = Dev::start_with(&home, &["--log-level", "trace"]);
    let password = dev.text("password").to_owned();
    let token = dev.public().login(&dev.login_body()).await.unwrap().token;
    let mut outputs = Vec::new();
    // A refresh token that was used and its successor, which is good.
    let spent = refresh_token(&dev.public().post_json("/v1/auth", &dev.login_body()).await.unwrap());
    let body = serde_json::json!({ "refresh_token": spent }).to_string();
    let successor = refresh_token(&dev.public().post_json("/v1/refresh", body.as_bytes()).await.unwrap());
    let mut canaries = vec![password.clone(), token.expose_secret().to_owned(), spent, successor];
    let mut canary = |name: &str| {
        let text = format!("canary-{name}-7f3a9c");
        canaries.push(text.clone());
        text
    };
    let json = |email: &str, password: &str| serde_json::json!({ "email": email, "password": password }).to_string();
    let email = dev.text("email");

    let public = dev.public();
    for body in [
        json(email, &canary("wrong-password")),
        json(&canary("password-as-address"), "x"),
        json(email, "x").replace('}', &format!(",\"otp\":\"{}\"}}", canary("otp"))),
        json(email, &format!("{}\u{1}", canary("control"))),
        format!("{{\"{}\":1}}", canary("member-name")),
        format!("{{\"email\":\"{}", canary("malformed")),
        json(&format!("{}@nobody.example", canary("local-part")), "x").replace("canary-local-part-7f3a9c@", "a@"),
    ] {
        outputs.push(public.post_json("/v1/auth", body.as_bytes()).await.unwrap());
    }
    let path = format!("/v1/auth?password={}", canary("query"));
    outputs.push(public.post_json(&path, json(email, "x").as_bytes()).await.unwrap());
    let path = format!("/{}/", canary("path"));
    outputs.push(public.get(&path).await.unwrap());
    let bearer = format!("Bearer {}", canary("authorization"));
    let headers = [
        ("authorization", bearer.as_str()),
        ("cookie", bearer.as_str()),
        ("content-type", bearer.as_str()),
    ];
    outputs.push(
        public
            .request(http::Method::POST, "/v1/auth", b"{}".to_vec(), &headers)
            .await
            .unwrap(),
    );
    let internal = dev.internal();
    for token in [
        format!("{}x", token.expose_secret()),
        canary("token"),
        format!("a.{}.c", canary("claims")),
    ] {
        let body = serde_json::json!({ "token": token }).to_string();
        outputs.push(internal.post_json("/v1/validate-token", body.as_bytes()).await.unwrap());
    }
    assert!(internal.validate_token(&token).await.unwrap().is_some());

    for (path, member) in [("/v1/refresh", "refresh_token"), ("/v1/password-reset", "token")] {
        let body = serde_json::json!({ member: canary(member), "new_password": canary("new-password") }).to_string();
        outputs.push(public.post_json(path, body.as_bytes()).await.unwrap());
    }

    // What must never leave its file.
    for file in [
        "root.key",
        "pepper.json",
        "login.json",
        "pki/root.key.pem",
        "pki/server/key.pem",
        "pki/demo/key.pem",
    ] {
        let text = std::fs::read_to_string(home.join(file)).unwrap();
        let secret = text
            .lines()
            .filter(|line| !line.starts_with("-----"))
            .max_by_key(|line| line.len())
            .unwrap();
        canaries.push(secret.to_owned());
    }

    let mut shown = String::new();
    for answer in &outputs {
        assert!(answer.status.is_client_error());
        shown += &format!(
            "{:?}\n{}\n",
            answer.headers,
            String::from_utf8_lossy(answer.body.expose_secret())
        );
    }
    shown += &ops(&dev, "/metrics");
    shown += &ops(&dev, "/readyz");
    let arguments = std::fs::read_to_string(format!("/proc/{}/cmdline", dev.process_id())).unwrap_or_default();
    shown += &arguments;
    let (status, log) = dev.stop();
    assert!(status.success());
    shown += &log;
    assert!(log.contains("answered"), "the finest level was on");
    // The database with its log, audit rows in it, and whatever else was written: but the files that hold the secrets.
    let holds_secrets = ["root.key", "pepper.json", "login.json", "pki"];
    for entry in std::fs::read_dir(&home).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if !holds_secrets.contains(&name.as_str()) && entry.path().is_file() {
            let content = std::fs::read(entry.path()).unwrap();
            shown += &format!("{name}:\n{}\n", String::from_utf8_lossy(&content));
        }
    }
    assert!(
        shown.contains("authsvc.db:\nSQLite format 3"),
        "the database was looked through"
    );
    for canary in &canaries {
        assert!(
            !canary.is_empty() && !shown.contains(canary.as_str()),
            "{canary} in\n{shown}"
        );
    }
}

fn refresh_token(answer: &authsvc_client::Answer) -> String {
    let body: Value = serde_json::from_slice(answer.body.expose_secret()).unwrap();
    body["refresh_token"].as_str().unwrap().to_owned()
}
