//! Who gets an answer over mTLS.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use authsvc_client::{Client, ClientError, Identity};
use cryptokit::key_format::PrivateKey;
use cryptokit::secret::SecretString;
use cryptokit::sign::P256SigningKey;
use cryptokit::x509::{
    CertificateAuthority, CertificateKey, DistinguishedName, LeafProfile, LeafRequest, certificate_to_pem,
    certificates_from_pem,
};
use http::StatusCode;
use time::OffsetDateTime;

use super::problem_id;
use crate::support::process::{Dev, identity, run, stderr, stdout};

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
