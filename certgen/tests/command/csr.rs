//! `certgen csr`: what it asks for, with whose key, and what its files look like.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use cryptokit::key_format::PrivateKey;
use cryptokit::x509::CertificationRequest;

use crate::support::{CERTGEN, certgen, entries, stderr};

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

fn request_of(directory: &Path) -> CertificationRequest {
    CertificationRequest::from_pem(&fs::read(directory.join("csr.pem")).unwrap()).unwrap()
}

#[test]
fn every_kind_of_key_makes_a_request_that_is_its_own() {
    for (kind, algorithm) in [
        ("p256", "ECDSA P-256"),
        ("p384", "ECDSA P-384"),
        ("ed25519", "Ed25519"),
        ("rsa-2048", "RSA 2048"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
        let files = ["--out-key", &path("key.pem"), "--out", &path("csr.pem"), "--key", kind];
        let output = certgen(&[&["csr", "api.example"], &files[..]].concat());
        assert!(output.status.success(), "{kind}: {}", stderr(&output));
        let request = request_of(directory.path());
        assert_eq!(request.public_key().algorithm().to_string(), algorithm);
        let key = PrivateKey::from_pem(&fs::read(path("key.pem")).unwrap()).unwrap();
        assert_eq!(
            key.public_key().to_spki_der(),
            request.public_key().spki_der(),
            "{kind}"
        );
    }
}

#[test]
fn modes_are_exact_under_any_umask() {
    for umask in ["000", "022", "077", "777"] {
        let directory = tempfile::tempdir().unwrap();
        let script = format!("umask {umask}; cd \"$1\"; exec \"$0\" csr api.example --out-key key.pem --out csr.pem");
        let output = Command::new("sh")
            .args(["-c", &script, CERTGEN])
            .arg(directory.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "umask {umask}: {}", stderr(&output));
        assert_eq!(mode(&directory.path().join("key.pem")), 0o600, "umask {umask}");
        assert_eq!(mode(&directory.path().join("csr.pem")), 0o644, "umask {umask}");
    }
}

#[test]
fn a_key_that_others_can_read_or_that_is_too_weak_makes_no_request() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    assert!(
        certgen(&["csr", "api.example", "--out-key", &path("key.pem")])
            .status
            .success()
    );
    fs::set_permissions(path("key.pem"), fs::Permissions::from_mode(0o640)).unwrap();
    let refused = |expected: &str| {
        let output = certgen(&[
            "csr",
            "api.example",
            "--key-file",
            &path("key.pem"),
            "--out",
            &path("csr.pem"),
        ]);
        assert_eq!(output.status.code(), Some(3));
        assert!(stderr(&output).contains(expected), "{}", stderr(&output));
        assert!(!Path::new(&path("csr.pem")).exists());
    };
    refused("mode 0640, so others than its owner can use it\nhint: chmod go= ");

    fs::set_permissions(path("key.pem"), fs::Permissions::from_mode(0o600)).unwrap();
    let whole = fs::read_to_string(path("key.pem")).unwrap();
    for (contents, expected) in [
        ("", "no PEM block"),
        (&whole[..60], "cannot use the key"),
        (
            &*whole.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"),
            "cannot use the key",
        ),
        (&*format!("{whole}{whole}"), "a second block"),
        (&*whole.replace("PRIVATE KEY", "CERTIFICATE"), "a block of another kind"),
    ] {
        fs::write(path("key.pem"), contents).unwrap();
        refused(expected);
    }
}

#[test]
fn a_key_is_encrypted_under_a_passphrase_and_read_with_it_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    for (name, passphrase) in [("right", "correct horse"), ("wrong", "correct house"), ("empty", "")] {
        private_files::write_new(&directory.path().join(name), passphrase.as_bytes()).unwrap();
    }
    let with = |key: [&str; 2], passphrase: Option<&str>| {
        let mut arguments = vec!["csr", "api.example", key[0], key[1]];
        let file = passphrase.map(path).unwrap_or_default();
        if passphrase.is_some() {
            arguments.extend(["--key-passphrase-file", &file]);
        }
        let output = certgen(&arguments);
        (output.status.code(), stderr(&output))
    };
    let key = path("key.pem");
    let (code, said) = with(["--out-key", &key], Some("empty"));
    assert_eq!((code, Path::new(&key).exists()), (Some(3), false), "{said}");
    assert_eq!(with(["--out-key", &key], Some("right")).0, Some(0));
    assert!(
        fs::read_to_string(&key)
            .unwrap()
            .starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----")
    );
    assert_eq!(with(["--key-file", &key], Some("right")).0, Some(0));
    let (code, said) = with(["--key-file", &key], Some("wrong"));
    assert!(
        code == Some(3) && said.contains("wrong passphrase, or a damaged file"),
        "{said}"
    );
}

#[test]
fn nothing_is_written_through_a_link() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    std::os::unix::fs::symlink("elsewhere", path("link")).unwrap();
    for [key, request] in [["link", "csr.pem"], ["key.pem", "link"]] {
        let output = certgen(&["csr", "a.example", "--out-key", &path(key), "--out", &path(request)]);
        assert_eq!(output.status.code(), Some(3));
        assert_eq!(entries(directory.path()), ["link"]);
    }
}
