//! Issuing authorities besides the first, with and without passphrases.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use cryptokit::x509::{SubjectAlternativeName, TrustAnchors, certificates_from_pem, verify_server_chain};

use crate::support::{CERTGEN, now, stderr};

fn certgen(pki: &Path, passphrase: Option<&str>, arguments: &[&str]) -> Output {
    let mut command = Command::new(CERTGEN);
    command
        .args(arguments)
        .args(["--ca".as_ref(), pki.as_os_str()])
        .stdin(Stdio::null());
    if let Some(passphrase) = passphrase {
        command
            .args(["--passphrase-env", "PASSPHRASE"])
            .env("PASSPHRASE", passphrase);
    }
    command.output().unwrap()
}

fn assert_done(output: &Output) {
    assert!(output.status.success(), "{}", stderr(output));
}

#[test]
fn an_authority_below_an_encrypted_root_is_encrypted_alike() {
    let parent = tempfile::tempdir().unwrap();
    let pki = parent.path().join("pki");
    let output = Command::new(CERTGEN)
        .args(["init", "--passphrase-env", "PASSPHRASE", "--out"])
        .arg(&pki)
        .env("PASSPHRASE", "correct horse")
        .output()
        .unwrap();
    assert_done(&output);

    for passphrase in [None, Some("battery staple"), Some("")] {
        let refused = certgen(&pki, passphrase, &["intermediate", "second"]);
        assert_eq!(refused.status.code(), Some(3), "{passphrase:?}");
        assert!(!pki.join("second.pem").exists());
        let refused = certgen(&pki, passphrase, &["leaf", "api"]);
        assert_eq!(refused.status.code(), Some(3), "{passphrase:?}");
        assert!(!pki.join("api").exists());
    }
    let made = certgen(&pki, Some("correct horse"), &["intermediate", "second"]);
    assert_done(&made);
    assert_eq!(stderr(&made), "", "nothing to warn of");
    let key = fs::read_to_string(pki.join("second.key.pem")).unwrap();
    assert!(key.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
    assert_done(&certgen(
        &pki,
        Some("correct horse"),
        &["leaf", "api", "--issuer", "second"],
    ));
    let key = fs::read_to_string(pki.join("api/key.pem")).unwrap();
    assert!(
        key.starts_with("-----BEGIN PRIVATE KEY-----"),
        "services have keys of their own"
    );

    let anchors = TrustAnchors::from_pem(&fs::read(pki.join("api/ca.pem")).unwrap()).unwrap();
    let chain: Vec<_> = certificates_from_pem(&fs::read(pki.join("api/fullchain.pem")).unwrap())
        .unwrap()
        .iter()
        .map(|certificate| certificate.der().clone())
        .collect();
    let name = SubjectAlternativeName::parse("dns:api").unwrap();
    verify_server_chain(&chain, &anchors, &name, now()).unwrap();
}

#[test]
fn a_passphrase_that_no_old_key_needs_encrypts_the_new_one() {
    let parent = tempfile::tempdir().unwrap();
    let pki = parent.path().join("pki");
    let output = Command::new(CERTGEN)
        .args(["init", "--out"])
        .arg(&pki)
        .output()
        .unwrap();
    assert_done(&output);
    assert_done(&certgen(&pki, Some("correct horse"), &["intermediate", "second"]));
    let key = fs::read_to_string(pki.join("second.key.pem")).unwrap();
    assert!(key.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));

    // A root that is kept elsewhere is missed by name.
    fs::rename(pki.join("root.key.pem"), parent.path().join("root.key.pem")).unwrap();
    let refused = certgen(&pki, None, &["intermediate", "third"]);
    assert_eq!(refused.status.code(), Some(3));
    assert!(
        stderr(&refused).contains("root.key.pem` is not here"),
        "{}",
        stderr(&refused)
    );
    assert_done(&certgen(&pki, None, &["leaf", "api"]));
}
