//! PKCS#12 files as they are on disk, and keys that were converted.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use cryptokit::key_format::PrivateKey;
use cryptokit::pkcs12::Pkcs12;
use cryptokit::secret::SecretString;

use crate::support::{CERTGEN, certgen, entries, stderr};

const PASSWORD: &str = "correct horse";

/// An authority with a service `api`, and a password in a file.
fn home() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let pki = directory.path().join("pki");
    let made = certgen(&[
        "init",
        "demo",
        "--out",
        pki.to_str().unwrap(),
        "--server",
        "api=api.svc.internal",
    ]);
    assert!(made.status.success(), "{}", stderr(&made));
    private_files::write_new(&directory.path().join("password"), format!("{PASSWORD}\n").as_bytes()).unwrap();
    directory
}

fn run(directory: &Path, arguments: &[&str]) -> std::process::Output {
    Command::new(CERTGEN)
        .args(arguments)
        .current_dir(directory)
        .output()
        .unwrap()
}

fn bundle(directory: &Path, more: &[&str]) -> std::process::Output {
    let arguments = ["bundle", "api", "--ca", "pki", "--password-file", "password"];
    run(directory, &[&arguments, more].concat())
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn a_bundle_holds_the_service_and_is_for_its_owner_alone() {
    let home = home();
    // A umask that takes nothing away would show a mode that relies on it.
    let made = Command::new("sh")
        .args([
            "-c",
            "umask 0; exec \"$0\" bundle api --ca pki --password-file password",
            CERTGEN,
        ])
        .current_dir(home.path())
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", stderr(&made));
    let path = home.path().join("pki/api/api.p12");
    assert_eq!(mode(&path), 0o600);

    let opened = Pkcs12::open(&fs::read(&path).unwrap(), &SecretString::new(PASSWORD.into())).unwrap();
    let key = PrivateKey::from_pem(&fs::read(home.path().join("pki/api/key.pem")).unwrap()).unwrap();
    let bundled = opened.keys[0].key.as_ref().unwrap();
    assert!(bundled.pkcs8().ct_eq(key.pkcs8().expose_secret()));
    // The certificate and its issuer: nobody trusts a root by importing it.
    assert_eq!(opened.certificates.len(), 2);
    assert_eq!(opened.keys[0].name.as_deref(), Some("api"));
}

#[test]
fn a_service_with_an_encrypted_key_is_bundled_with_its_passphrase() {
    let home = home();
    let key = home.path().join("pki/api/key.pem");
    let arguments = [
        "key",
        "pki/api/key.pem",
        "--encrypt",
        "--out",
        "pki/api/key.pem",
        "--force",
    ];
    let encrypted = run(
        home.path(),
        &[&arguments[..], &["--new-passphrase-file", "password"]].concat(),
    );
    assert!(encrypted.status.success(), "{}", stderr(&encrypted));
    assert!(
        fs::read_to_string(&key)
            .unwrap()
            .starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----")
    );
    assert_eq!(mode(&key), 0o600);

    let refused = bundle(home.path(), &[]);
    assert_eq!(refused.status.code(), Some(3));
    assert!(
        stderr(&refused).contains("--key-passphrase-file"),
        "{}",
        stderr(&refused)
    );
    let made = bundle(home.path(), &["--key-passphrase-file", "password"]);
    assert!(made.status.success(), "{}", stderr(&made));
}

#[test]
fn nothing_is_written_through_a_link() {
    let home = home();
    let elsewhere = home.path().join("elsewhere");
    fs::write(&elsewhere, "mine").unwrap();
    symlink(&elsewhere, home.path().join("pki/api/api.p12")).unwrap();
    for force in [&[][..], &["--force"]] {
        let refused = bundle(home.path(), force);
        assert_eq!(refused.status.code(), Some(3), "{}", stderr(&refused));
    }
    assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "mine");
}

#[test]
fn a_refused_bundle_leaves_nothing_behind() {
    let home = home();
    let before = entries(&home.path().join("pki/api"));
    fs::set_permissions(home.path().join("password"), Permissions::from_mode(0o644)).unwrap();
    let refused = bundle(home.path(), &[]);
    assert_eq!(refused.status.code(), Some(3));
    assert_eq!(entries(&home.path().join("pki/api")), before);
    assert!(!stderr(&refused).contains(PASSWORD));
}

#[test]
fn keys_of_every_form_are_converted() {
    let home = home();
    let pkcs8 = PrivateKey::from_pem(&fs::read(home.path().join("pki/api/key.pem")).unwrap()).unwrap();
    let password = SecretString::new(PASSWORD.into());
    let forms = [
        ("pkcs8.der", pkcs8.pkcs8().expose_secret().to_vec(), false),
        (
            "encrypted.pem",
            pkcs8.to_encrypted_pem(&password).unwrap().into_bytes(),
            true,
        ),
        ("encrypted.der", pkcs8.to_encrypted_der(&password).unwrap(), true),
    ];
    for (name, contents, is_encrypted) in forms {
        private_files::write_new(&home.path().join(name), &contents).unwrap();
        let out = format!("{name}.out");
        let passphrase: &[&str] = if is_encrypted {
            &["--key-passphrase-file", "password"]
        } else {
            &[]
        };
        let converted = run(
            home.path(),
            &[&["key", name, "--decrypt", "--out", &out], passphrase].concat(),
        );
        assert!(converted.status.success(), "{name}: {}", stderr(&converted));
        let out = home.path().join(out);
        assert_eq!(mode(&out), 0o600, "{name}");
        let read = PrivateKey::from_pem(&fs::read(&out).unwrap()).unwrap();
        assert!(read.pkcs8().ct_eq(pkcs8.pkcs8().expose_secret()), "{name}");

        // Whatever else takes a key file takes every form as well.
        let csr = run(
            home.path(),
            &[&["csr", "api.svc.internal", "--key-file", name], passphrase].concat(),
        );
        assert!(csr.status.success(), "{name}: {}", stderr(&csr));
    }
}
