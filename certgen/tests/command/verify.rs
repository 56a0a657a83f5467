//! `certgen verify` beside a home, as it is there after each step of a certificate's life.

use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::support::{CERTGEN, certgen, stderr, stdout};

fn new_home() -> (TempDir, String) {
    let parent = tempfile::tempdir().unwrap();
    let home = parent.path().join("pki");
    let home = home.to_str().unwrap().to_owned();
    let made = certgen(&["init", "demo", "--out", &home, "--peer", "mesh=mesh.internal"]);
    assert!(made.status.success(), "{}", stderr(&made));
    (parent, home)
}

fn code(arguments: &[&str]) -> Option<i32> {
    certgen(arguments).status.code()
}

#[test]
fn trust_comes_from_the_authority_that_is_named() {
    let (_parent, home) = new_home();
    let service = format!("{home}/mesh");
    for purpose in ["server", "client", "any"] {
        assert_eq!(
            code(&["verify", &service, "--ca", &home, "--purpose", purpose]),
            Some(0)
        );
    }
    let by_environment = Command::new(CERTGEN)
        .args(["verify", &service, "--name", "mesh.internal"])
        .env("CERTGEN_CA", &home)
        .output()
        .unwrap();
    assert_eq!(by_environment.status.code(), Some(0), "{}", stdout(&by_environment));
    // A service's directory is no authority, and neither is one that is not there.
    for no_home in [&service, &format!("{home}/none")] {
        assert_eq!(code(&["verify", &service, "--ca", no_home]), Some(3));
    }
    let (_other_parent, other) = new_home();
    assert_eq!(code(&["verify", &service, "--ca", &other]), Some(10));
}

#[test]
fn an_authority_does_not_vouch_for_what_it_has_revoked() {
    let (_parent, home) = new_home();
    let (service, root) = (format!("{home}/mesh"), format!("{home}/root.pem"));
    let revoked = certgen(&["revoke", "mesh", "--ca", &home]);
    assert!(revoked.status.success(), "{}", stderr(&revoked));
    assert_eq!(code(&["verify", &service, "--ca", &home]), Some(15));
    // Its list is used although it is in another file than the trust.
    let list = format!("{home}/crl.pem");
    assert_eq!(code(&["verify", &service, "--trust", &root, "--crl", &list]), Some(15));
    assert_eq!(code(&["verify", &service, "--trust", &root]), Some(0), "nobody told it");
    let rekeyed = certgen(&["rekey", "mesh", "--ca", &home]);
    assert!(rekeyed.status.success(), "{}", stderr(&rekeyed));
    assert_eq!(
        code(&["verify", &service, "--ca", &home, "--crl-required", "chain"]),
        Some(0)
    );
    let far = certgen(&["verify", &service, "--ca", &home, "--at", "2200-01-01"]);
    assert_eq!(far.status.code(), Some(11));
    std::fs::write(&list, "no list").unwrap();
    assert_eq!(code(&["verify", &service, "--ca", &home]), Some(16));
}

#[test]
fn a_chain_may_come_from_standard_input() {
    let (_parent, home) = new_home();
    let chain = std::fs::File::open(Path::new(&home).join("mesh/fullchain.pem")).unwrap();
    let read = Command::new(CERTGEN)
        .args(["verify", "-", "--ca", &home])
        .stdin(Stdio::from(chain))
        .output()
        .unwrap();
    assert_eq!(read.status.code(), Some(0), "{}", stderr(&read));
    let nothing = Command::new(CERTGEN)
        .args(["verify", "-", "--ca", &home])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(nothing.status.code(), Some(19));
}

#[test]
fn what_certgen_makes_passes_its_own_lint() {
    let (_parent, home) = new_home();
    assert!(
        certgen(&["revoke", "mesh", "--ca", &home, "--reason", "superseded"])
            .status
            .success()
    );
    let files = ["root.pem", "intermediate.pem", "mesh/fullchain.pem", "crl.pem"].map(|file| format!("{home}/{file}"));
    let arguments: Vec<&str> = std::iter::once("lint")
        .chain(files.iter().map(String::as_str))
        .collect();
    let linted = certgen(&arguments);
    assert_eq!(linted.status.code(), Some(0), "{}", stdout(&linted));
}
