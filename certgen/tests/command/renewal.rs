//! `certgen renew`, `certgen rekey` and `certgen sign --name`: which key, which names, whose files.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use certgen::home::HomeView;
use cryptokit::key_format::PrivateKey;
use cryptokit::x509::{Certificate, TrustAnchors, certificates_from_pem, verify_client_chain};

use crate::support::{certgen, now, stderr, stdout};

fn home(directory: &Path) -> PathBuf {
    let path = directory.join("pki");
    let output = certgen(&[
        "init",
        "--out",
        path.to_str().unwrap(),
        "--client",
        "worker=worker.internal,spare.internal",
        "--client",
        "ops",
    ]);
    assert!(output.status.success(), "{}", stderr(&output));
    path
}

fn run(path: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = certgen(&[arguments, &["--ca", path.to_str().unwrap()]].concat());
    (output.status.code(), stderr(&output))
}

fn certificate(path: &Path, service: &str) -> Certificate {
    let pem = fs::read(path.join(service).join("certificate.pem")).unwrap();
    certificates_from_pem(&pem).unwrap().swap_remove(0)
}

fn key(path: &Path, service: &str) -> PrivateKey {
    PrivateKey::from_pem(&fs::read(path.join(service).join("key.pem")).unwrap()).unwrap()
}

/// As a peer of the service does.
fn assert_accepted(path: &Path, service: &str) {
    let read = |file: &str| fs::read(path.join(service).join(file)).unwrap();
    let anchors = TrustAnchors::from_pem(&read("ca.pem")).unwrap();
    let chain: Vec<_> = certificates_from_pem(&read("fullchain.pem"))
        .unwrap()
        .iter()
        .map(|certificate| certificate.der().clone())
        .collect();
    verify_client_chain(&chain, &anchors, now()).unwrap();
    assert_eq!(chain[0], *certificate(path, service).der());
}

#[test]
fn a_renewal_keeps_key_and_names_and_a_new_key_is_a_new_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = home(directory.path());
    let first = certificate(&path, "worker");
    let key_text = fs::read(path.join("worker/key.pem")).unwrap();
    assert_eq!(run(&path, &["renew", "worker"]).0, Some(0));
    let second = certificate(&path, "worker");
    assert_ne!(first.serial(), second.serial());
    assert_eq!(first.spki_der(), second.spki_der());
    assert_eq!(first.subject_alternative_names(), second.subject_alternative_names());
    assert_eq!(fs::read(path.join("worker/key.pem")).unwrap(), key_text);
    assert_accepted(&path, "worker");

    assert_eq!(run(&path, &["rekey", "worker", "--key", "p384"]).0, Some(0));
    let third = certificate(&path, "worker");
    assert_ne!(third.spki_der(), second.spki_der());
    assert_eq!(third.subject_alternative_names(), second.subject_alternative_names());
    assert_eq!(key(&path, "worker").public_key().to_spki_der(), third.spki_der());
    let mode = fs::metadata(path.join("worker/key.pem")).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    assert_accepted(&path, "worker");

    assert_eq!(run(&path, &["rekey", "worker"]).0, Some(0));
    let kind = |certificate: &Certificate| certificate.subject_public_key().unwrap().algorithm();
    assert_eq!(
        kind(&certificate(&path, "worker")),
        kind(&third),
        "the kind that there was"
    );
    let home = HomeView::open(&path).unwrap();
    let record = home.inventory().service("worker").unwrap();
    assert_eq!(record.lifetime_seconds, 90 * 86_400);
    assert!(record.replaces.is_some());
}

#[test]
fn files_that_were_exchanged_are_found_before_anything_is_issued() {
    let directory = tempfile::tempdir().unwrap();
    let path = home(directory.path());
    let file = |name: &str| path.join("worker").join(name);
    let inventory = fs::read(path.join("inventory.jsonl")).unwrap();
    let refused = |expected: &str| {
        for command in ["renew", "rekey"] {
            let (code, said) = run(&path, &[command, "worker"]);
            assert_eq!(code, Some(3), "{command}: {said}");
            assert!(said.contains(expected), "{command}: {said}");
        }
        assert_eq!(fs::read(path.join("inventory.jsonl")).unwrap(), inventory);
    };
    let (own, own_key) = (
        fs::read(file("certificate.pem")).unwrap(),
        fs::read(file("key.pem")).unwrap(),
    );
    for (contents, expected) in [
        (
            fs::read(path.join("ops/certificate.pem")).unwrap(),
            "is not the newest certificate of the service",
        ),
        (own[..100].to_vec(), "is not a certificate"),
        (Vec::new(), "is not a certificate"),
        (
            [own.clone(), own.clone()].concat(),
            "is not the newest certificate of the service",
        ),
    ] {
        fs::write(file("certificate.pem"), contents).unwrap();
        refused(expected);
    }
    fs::remove_file(file("certificate.pem")).unwrap();
    refused("certificate.pem");
    fs::write(file("certificate.pem"), &own).unwrap();

    fs::copy(path.join("ops/key.pem"), file("key.pem")).unwrap();
    refused("is not the key of the certificate beside it");
    fs::write(file("key.pem"), &own_key).unwrap();
    fs::set_permissions(file("key.pem"), fs::Permissions::from_mode(0o644)).unwrap();
    refused("0644");
    fs::remove_file(file("key.pem")).unwrap();
    std::os::unix::fs::symlink("../ops/key.pem", file("key.pem")).unwrap();
    refused("is a symbolic link");
}

#[test]
fn a_bundle_that_is_out_of_date_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = home(directory.path());
    let (_, said) = run(&path, &["renew", "--all"]);
    assert!(!said.contains("bundle"), "{said}");
    fs::write(path.join("worker/worker.p12"), "as certgen bundle made it").unwrap();
    for command in ["renew", "rekey"] {
        let (code, said) = run(&path, &[command, "--all"]);
        assert_eq!(code, Some(0));
        assert!(
            said.contains("worker/worker.p12 still holds the certificate before"),
            "{said}"
        );
        assert_eq!(said.matches("certgen bundle worker --force").count(), 1, "{said}");
    }
}

#[test]
fn one_refusal_of_several_renews_none() {
    let directory = tempfile::tempdir().unwrap();
    let path = home(directory.path());
    let before = certificate(&path, "worker");
    fs::copy(path.join("worker/key.pem"), path.join("ops/key.pem")).unwrap();
    assert_eq!(run(&path, &["renew", "--all"]).0, Some(3));
    assert_eq!(run(&path, &["renew", "worker", "ops"]).0, Some(3));
    assert_eq!(certificate(&path, "worker"), before);
}

#[test]
fn an_encrypted_key_does_not_become_one_that_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let path = home(directory.path());
    let passphrase = directory.path().join("passphrase");
    private_files::write_new(&passphrase, b"correct horse\n").unwrap();
    let with = ["--key-passphrase-file", passphrase.to_str().unwrap()];
    assert_eq!(run(&path, &[&["rekey", "worker"][..], &with].concat()).0, Some(0));
    let text = fs::read_to_string(path.join("worker/key.pem")).unwrap();
    assert!(text.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
    let (code, said) = run(&path, &["rekey", "worker"]);
    assert!(code == Some(3) && said.contains("is encrypted"), "{said}");
    assert_eq!(fs::read_to_string(path.join("worker/key.pem")).unwrap(), text);
    let (code, said) = run(&path, &["renew", "worker"]);
    assert_eq!(code, Some(0), "a renewal does not need the key: {said}");
    assert_eq!(run(&path, &[&["rekey", "worker"][..], &with].concat()).0, Some(0));
}

#[test]
fn a_service_signed_for_a_request_is_renewed_without_its_key_and_signed_again_for_a_new_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = home(directory.path());
    let request = |name: &str| {
        let file = |end: &str| {
            directory
                .path()
                .join(format!("{name}.{end}"))
                .to_str()
                .unwrap()
                .to_owned()
        };
        let output = certgen(&[
            "csr",
            "api.internal",
            "--client",
            "--out-key",
            &file("key"),
            "--out",
            &file("csr"),
        ]);
        assert!(output.status.success());
        file("csr")
    };
    let sign = ["--name", "api", "--allow-name", "api.internal"];
    let (code, said) = run(&path, &[&["sign", &request("first")][..], &sign].concat());
    assert_eq!(code, Some(0), "{said}");
    let first = certificate(&path, "api");
    assert!(!path.join("api/key.pem").exists());
    assert_accepted(&path, "api");
    assert_eq!(run(&path, &["renew", "api"]).0, Some(0));
    assert_eq!(certificate(&path, "api").spki_der(), first.spki_der());
    let (code, said) = run(&path, &[&["sign", &request("second")][..], &sign].concat());
    assert_eq!(code, Some(0), "{said}");
    assert_ne!(certificate(&path, "api").spki_der(), first.spki_der());
    assert_accepted(&path, "api");
    let home = HomeView::open(&path).unwrap();
    assert_eq!(
        home.inventory()
            .living(now())
            .filter(|one| one.service.as_deref() == Some("api"))
            .count(),
        3
    );
}

#[test]
fn a_request_comes_on_standard_input_and_the_certificate_goes_to_standard_output() {
    let directory = tempfile::tempdir().unwrap();
    let path = home(directory.path());
    let key = directory.path().join("key.pem");
    let made = certgen(&["csr", "api.internal", "--server", "--out-key", key.to_str().unwrap()]);
    let csr = directory.path().join("csr.pem");
    fs::write(&csr, stdout(&made)).unwrap();
    let output = std::process::Command::new(crate::support::CERTGEN)
        .args(["sign", "-", "--out", "-", "--yes", "--ca", path.to_str().unwrap()])
        .stdin(fs::File::open(&csr).unwrap())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let chain = certificates_from_pem(&output.stdout).unwrap();
    assert_eq!(chain.len(), 2, "{}", stdout(&output));
    let serial = &chain[0];
    let (code, said) = run(&path, &["revoke", csr.to_str().unwrap()]);
    assert_eq!(code, Some(3), "a request is no certificate: {said}");
    let file = directory.path().join("api.pem");
    fs::write(&file, &output.stdout).unwrap();
    assert_eq!(run(&path, &["revoke", file.to_str().unwrap()]).0, Some(0), "{serial:?}");
}

#[test]
fn a_certificate_that_cannot_be_written_is_not_issued() {
    let directory = tempfile::tempdir().unwrap();
    let path = home(directory.path());
    let file = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let made = certgen(&[
        "csr",
        "api.internal",
        "--server",
        "--out-key",
        &file("key"),
        "--out",
        &file("csr"),
    ]);
    assert!(made.status.success());
    let before = fs::read(path.join("inventory.jsonl")).unwrap();
    for out in [
        file("missing/api.pem"),
        file("key"),
        directory.path().to_str().unwrap().to_owned(),
    ] {
        let (code, said) = run(&path, &["sign", &file("csr"), "--yes", "--out", &out]);
        assert_eq!(code, Some(3), "{out}: {said}");
    }
    assert_eq!(fs::read(path.join("inventory.jsonl")).unwrap(), before);
}

#[test]
fn a_tree_on_no_terminal_has_no_colours() {
    let directory = tempfile::tempdir().unwrap();
    let path = home(directory.path());
    let output = certgen(&["tree", "--ca", path.to_str().unwrap()]);
    assert!(output.status.success());
    assert!(!stdout(&output).contains('\x1b'));
    assert_eq!(stdout(&output).lines().count(), 4);
}
