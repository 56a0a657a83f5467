//! The real binary on free ports, from outside, by a client that trusts the root only.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use authsvc_client::{Client, ClientError, Identity};
use cryptokit::jose::JwkSet;
use cryptokit::key_format::PrivateKey;
use cryptokit::secret::SecretString;
use cryptokit::sign::P256SigningKey;
use cryptokit::x509::{
    CertificateAuthority, CertificateKey, DistinguishedName, LeafProfile, LeafRequest, certificate_to_pem,
    certificates_from_pem,
};
use http::StatusCode;
use serde_json::Value;
use support::process::{Dev, identity, run, stderr, stdout};
use time::OffsetDateTime;

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
async fn only_registered_holders_of_client_certificates_get_an_answer() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("home");
    let dev = Dev::start(&home);
    let token = dev.public().login(&dev.login_body()).await.unwrap().token;
    let now = now();

    let authority = issuing_ca(&home);
    let foreign_root = CertificateAuthority::new_root(&DistinguishedName::new("Foreign").unwrap(), now).unwrap();
    let foreign = foreign_root
        .issue_intermediate(&DistinguishedName::new("Foreign issuing").unwrap(), now)
        .unwrap();
    let pki = home.join("pki");
    for (what, identity) in [
        ("no certificate", None),
        ("another CA", Some(issue(&foreign, LeafProfile::Client, now))),
        (
            "a server-only certificate of ours",
            Some(issue(&authority, LeafProfile::Server, now)),
        ),
        (
            "the server's own certificate",
            Some(identity(&pki.join("server/fullchain.pem"), &pki.join("server/key.pem"))),
        ),
        (
            "the CA's own certificate",
            Some(identity(
                &pki.join("intermediate.pem"),
                &pki.join("intermediate.key.pem"),
            )),
        ),
        ("an expired certificate", Some(expired(&authority, now))),
    ] {
        let client = dev.internal_as(identity);
        for result in [
            client.get("/").await.map(|_| ()),
            client.validate_token(&token).await.map(|_| ()),
        ] {
            assert!(matches!(result, Err(ClientError::NoAnswer(_))), "{what}: {result:?}");
        }
    }

    // Each of the twelve attempts left its line.
    let lines = dev.audit_until(|line| line["authsvc"]["operation"] == "connect", 12);
    let count = |reason: &str| lines.iter().filter(|line| line["event"]["reason"] == reason).count();
    for (reason, expected) in [
        ("no_client_certificate", 2),
        ("client_certificate_unknown_issuer", 2),
        ("client_certificate_purpose", 4),
        ("client_certificate_expired", 2),
        // A CA as a leaf.
        ("client_certificate", 2),
    ] {
        assert_eq!(count(reason), expected, "{reason} in {lines:#?}");
    }
    for line in &lines {
        assert_eq!(line["event"]["action"], "authn_tls_fail");
        assert_eq!(line["source"]["ip"], "127.0.0.1");
        assert_eq!(line["authsvc"]["listener"], "internal");
        assert!(line["message"].is_string() && line["authsvc"]["advice"].is_string());
    }

    let stranger = dev.internal_as(Some(issue(&authority, LeafProfile::Client, now)));
    let body = serde_json::json!({ "token": token.expose_secret() }).to_string();
    let answer = stranger.post_json("/v1/validate-token", body.as_bytes()).await.unwrap();
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let id = problem_id(answer.body.expose_secret());
    let line = dev.record(&id);
    assert_eq!(line["event"]["reason"], "unregistered_caller");
    assert!(
        line["client"]["identity"]
            .as_str()
            .unwrap()
            .starts_with("dns:stranger.internal by ")
    );

    // Registering it is enough.
    let config = home.join("authsvc.toml");
    let added = run(&[
        "service",
        "add",
        "stranger",
        "--san",
        "dns:stranger.internal",
        "--audience",
        "demo",
        "--config",
        config.to_str().unwrap(),
    ]);
    assert!(added.status.success(), "{}", stderr(&added));
    assert!(stranger.validate_token(&token).await.unwrap().is_some());

    // The public listener asks for no certificate and validates nothing.
    let public = dev
        .public()
        .post_json("/v1/validate-token", body.as_bytes())
        .await
        .unwrap();
    assert_eq!(public.status, StatusCode::NOT_FOUND);
    // A client that does not trust the root has no answer.
    let distrusting = Client::new(
        dev.text("public_url"),
        certificate_to_pem(foreign_root.certificate().der()).as_bytes(),
        None,
        Duration::from_secs(10),
    );
    assert!(matches!(
        distrusting.unwrap().get("/").await,
        Err(ClientError::NoAnswer(_))
    ));
    assert!(dev.stop().0.success());
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

#[tokio::test]
async fn a_request_in_flight_finishes_and_new_ones_are_refused_while_draining() {
    let directory = tempfile::tempdir().unwrap();
    let dev = Dev::start(&directory.path().join("home"));
    let public = dev.public();
    let body = dev.login_body();

    // A request whose second half is sent after the signal.
    let address = dev.text("public_url").trim_start_matches("https://").to_owned();
    let mut in_flight = open_tls(&dev, &address).await;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let head = format!(
        "POST /v1/auth HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    in_flight.write_all(head.as_bytes()).await.unwrap();
    in_flight.write_all(&body[..10]).await.unwrap();
    in_flight.flush().await.unwrap();
    // The server has read the head once it answers on another connection that came later.
    assert_eq!(public.get("/").await.unwrap().status, StatusCode::OK);

    dev.terminate();
    // Until the listener is closed; bounded by the client's own patience.
    while let Ok(answer) = public.get("/").await {
        assert_eq!(answer.status, StatusCode::OK);
    }
    in_flight.write_all(&body[10..]).await.unwrap();
    let mut answer = Vec::new();
    // The server closes the connection after the answer, possibly without a TLS goodbye.
    let _ = in_flight.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.contains("\"token\""));
    let (status, log) = dev.wait();
    assert!(status.success(), "{log}");
    assert!(log.contains("\"drained\":true"), "{log}");
}

#[tokio::test]
async fn silent_clients_keep_nobody_from_being_served() {
    let directory = tempfile::tempdir().unwrap();
    let dev = Dev::start(&directory.path().join("home"));
    let mut silent = Vec::new();
    for url in ["public_url", "internal_url"] {
        let address = dev.text(url).trim_start_matches("https://").to_owned();
        for _ in 0..100 {
            let mut stream = TcpStream::connect(&address).unwrap();
            // Half a ClientHello's record header.
            stream.write_all(&[22, 3, 1]).unwrap();
            silent.push(stream);
        }
    }
    let login = dev.public().login(&dev.login_body()).await.unwrap();
    assert!(dev.internal().validate_token(&login.token).await.unwrap().is_some());
    drop(silent);
    assert!(dev.stop().0.success());
}

#[tokio::test]
async fn plain_http_on_a_tls_port_gets_no_http_answer() {
    let directory = tempfile::tempdir().unwrap();
    let dev = Dev::start(&directory.path().join("home"));
    for url in ["public_url", "internal_url"] {
        let answer = plain(dev.text(url).trim_start_matches("https://"), "/");
        assert!(!answer.contains("HTTP/1"), "{answer}");
    }
    assert!(dev.stop().0.success());
}

#[tokio::test]
async fn the_ops_port_tells_health_readiness_and_metrics() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("home");
    let dev = Dev::start(&home);
    dev.public().login(&dev.login_body()).await.unwrap();
    assert!(ops(&dev, "/healthz").ends_with("OK"));
    let ready = ops(&dev, "/readyz");
    assert!(ready.starts_with("HTTP/1.1 200"), "{ready}");
    for check in ["database", "certificates", "revocation_lists", "accepting"] {
        let (_, rest) = ready.split_once(&format!("\"{check}\":{{")).unwrap();
        let (found, _) = rest.split_once('}').unwrap();
        assert!(found.contains("\"status\":\"ok\""), "{check}: {ready}");
    }
    let metrics = ops(&dev, "/metrics");
    assert!(
        metrics.contains(r#"authsvc_operations_total{operation="login",reason="none"} 1"#),
        "{metrics}"
    );
    assert!(metrics.contains("authsvc_password_hashes_total 1"), "{metrics}");
    assert!(metrics.trim_end().ends_with("# EOF"));
    assert!(dev.stop().0.success());
}

#[tokio::test]
async fn the_start_line_names_addresses_versions_and_expiry() {
    let directory = tempfile::tempdir().unwrap();
    let dev = Dev::start(&directory.path().join("home"));
    let (_, log) = dev.stop();
    let line: Value = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .find(|line| line["message"] == "started")
        .unwrap();
    for member in [
        "public",
        "internal",
        "ops",
        "issuer",
        "public_certificate_not_after",
        "internal_certificate_not_after",
        "cryptography",
    ] {
        assert!(line[member].is_string(), "{member} in {line}");
    }
    assert_eq!(line["tls_versions"], "1.3,1.2");
}

#[tokio::test]
async fn smoke_passes_on_a_good_deployment_and_fails_on_others() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("home");
    let dev = Dev::start(&home);
    let smoke = |changes: &[(&str, &str)]| {
        let mut arguments = vec!["smoke".to_owned()];
        for (flag, member) in [
            ("--url", "public_url"),
            ("--internal-url", "internal_url"),
            ("--ca-file", "ca_file"),
            ("--client-cert-file", "client_cert_file"),
            ("--client-key-file", "client_key_file"),
            ("--login-file", "login_file"),
        ] {
            let changed = changes.iter().find(|(name, _)| *name == flag).map(|(_, value)| *value);
            arguments.extend([flag.to_owned(), changed.unwrap_or(dev.text(member)).to_owned()]);
        }
        run(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let good = smoke(&[]);
    assert!(good.status.success(), "{}{}", stdout(&good), stderr(&good));
    assert!(stdout(&good).contains("8 checks passed"), "{}", stdout(&good));
    assert!(!stdout(&good).contains(dev.text("password")));

    let wrong_login = directory.path().join("wrong.json");
    std::fs::write(&wrong_login, "{\"email\":\"nobody@example.com\",\"password\":\"x\"}").unwrap();
    std::fs::set_permissions(&wrong_login, std::fs::Permissions::from_mode(0o600)).unwrap();
    let pki = home.join("pki");
    let text = |path: &str| pki.join(path).to_str().unwrap().to_owned();
    for (what, changes) in [
        ("nothing listens", vec![("--url", "https://localhost:1".to_owned())]),
        (
            "a wrong password",
            vec![("--login-file", wrong_login.to_str().unwrap().to_owned())],
        ),
        (
            "a listener that asks for no certificate",
            vec![("--internal-url", dev.text("public_url").to_owned())],
        ),
        (
            "a certificate that cannot log in as a client",
            vec![
                ("--client-cert-file", text("server/fullchain.pem")),
                ("--client-key-file", text("server/key.pem")),
            ],
        ),
        (
            "a root that is not the server's",
            vec![("--ca-file", text("demo/certificate.pem"))],
        ),
    ] {
        let changes: Vec<_> = changes.iter().map(|(flag, value)| (*flag, value.as_str())).collect();
        let bad = smoke(&changes);
        assert_eq!(bad.status.code(), Some(1), "{what}: {}{}", stdout(&bad), stderr(&bad));
    }
    assert!(dev.stop().0.success());
}

fn now() -> OffsetDateTime {
    authsvc_core::clock::Clock::now(&authsvc_core::clock::SystemClock)
}

fn issuing_ca(home: &Path) -> CertificateAuthority {
    let read = |name: &str| std::fs::read(home.join("pki").join(name)).unwrap();
    let certificate = certificates_from_pem(&read("intermediate.pem")).unwrap().remove(0);
    let root = certificates_from_pem(&read("root.pem")).unwrap();
    let key = PrivateKey::from_pem(&read("intermediate.key.pem"))
        .unwrap()
        .into_pkcs8();
    CertificateAuthority::load(certificate, root, P256SigningKey::from_pkcs8(key).unwrap()).unwrap()
}

fn issue(authority: &CertificateAuthority, profile: LeafProfile, now: OffsetDateTime) -> Identity {
    let names = vec!["dns:stranger.internal".parse().unwrap()];
    let (issued, key) = authority.issue_leaf(&LeafRequest::new(profile, names), now).unwrap();
    Identity {
        chain_pem: issued.chain_pem().into_bytes(),
        key_pem: pem_of(&key),
    }
}

/// A certificate by our own CA that has ended.
fn expired(authority: &CertificateAuthority, now: OffsetDateTime) -> Identity {
    let request = LeafRequest::new(LeafProfile::Client, vec!["dns:demo.internal".parse().unwrap()])
        .with_lifetime(time::Duration::minutes(1));
    let (issued, key) = authority
        .issue_leaf(&request, now - time::Duration::minutes(3))
        .unwrap();
    Identity {
        chain_pem: issued.chain_pem().into_bytes(),
        key_pem: pem_of(&key),
    }
}

fn pem_of(key: &CertificateKey) -> SecretString {
    PrivateKey::from_pkcs8_der(key.pkcs8().expose_secret())
        .unwrap()
        .to_pem()
}

fn problem_id(body: &[u8]) -> String {
    let json: Value = serde_json::from_slice(body).unwrap();
    json["id"].as_str().unwrap().to_owned()
}

fn ops(dev: &Dev, path: &str) -> String {
    plain(dev.text("ops_url").trim_start_matches("http://"), path)
}

/// One request in clear, by hand.
fn plain(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    // A TLS port may have closed the connection after the first bytes.
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    let _ = stream.write_all(request.as_bytes());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

async fn open_tls(dev: &Dev, address: &str) -> tokio_rustls::client::TlsStream<tokio::net::TcpStream> {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in certificates_from_pem(&dev.root_pem()).unwrap() {
        roots.add(certificate.der().clone()).unwrap();
    }
    let config = rustls::ClientConfig::builder_with_provider(cryptokit::Provider::default().tls())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    tokio_rustls::TlsConnector::from(std::sync::Arc::new(config))
        .connect("localhost".try_into().unwrap(), stream)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_log_that_nobody_reads_stops_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let dev = Dev::start_unread(&directory.path().join("home"));
    let public = dev.public();
    // A pipe holds 64 KiB, a refusal's line is longer than 300 bytes.
    for _ in 0..400 {
        assert_eq!(public.get("/nothing").await.unwrap().status, StatusCode::NOT_FOUND);
    }
    let metrics = ops(&dev, "/metrics");
    let lost = metrics
        .lines()
        .find_map(|line| line.strip_prefix("authsvc_log_lines_lost_total "))
        .unwrap();
    assert_ne!(lost, "0", "lost lines are counted");
    dev.terminate();
    assert!(dev.wait_unread().success());
}
