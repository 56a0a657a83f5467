//! What is on disk afterwards: modes, whole trees, and nothing at all after a refusal.

use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::{CERTGEN, certgen, entries, now, stderr, stdout};
use cryptokit::key_format::PrivateKey;
use cryptokit::sign::P256SigningKey;
use cryptokit::x509::{
    SubjectAlternativeName, TrustAnchors, certificates_from_pem, verify_client_chain, verify_server_chain,
};

/// Mode bits of a file or directory.
fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

fn all_below(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(all_below(&path));
        }
        found.push(path);
    }
    found
}

/// Reads a directory that `certgen init` made with its defaults as its users would.
fn assert_whole(pki: &Path) {
    let anchors = TrustAnchors::from_pem(&fs::read(pki.join("root.pem")).unwrap()).unwrap();
    for authority in ["root", "intermediate"] {
        assert_key_fits(
            &pki.join(format!("{authority}.key.pem")),
            &pki.join(format!("{authority}.pem")),
        );
    }
    for (name, files) in [("localhost", 5), ("client", 5)] {
        let leaf = pki.join(name);
        assert_eq!(fs::read_dir(&leaf).unwrap().count(), files, "{name}");
        assert_key_fits(&leaf.join("key.pem"), &leaf.join("certificate.pem"));
        assert_eq!(
            fs::read(leaf.join("ca.pem")).unwrap(),
            fs::read(pki.join("root.pem")).unwrap()
        );
        let chain: Vec<_> = certificates_from_pem(&fs::read(leaf.join("fullchain.pem")).unwrap())
            .unwrap()
            .iter()
            .map(|certificate| certificate.der().clone())
            .collect();
        if name == "client" {
            verify_client_chain(&chain, &anchors, now()).unwrap();
        } else {
            for server_name in ["dns:localhost", "ip:127.0.0.1", "ip:::1"] {
                let server_name = SubjectAlternativeName::parse(server_name).unwrap();
                verify_server_chain(&chain, &anchors, &server_name, now()).unwrap();
            }
        }
    }
}

fn assert_key_fits(key: &Path, certificate: &Path) {
    let key = P256SigningKey::from_pkcs8(PrivateKey::from_pem(&fs::read(key).unwrap()).unwrap().into_pkcs8()).unwrap();
    let certificates = certificates_from_pem(&fs::read(certificate).unwrap()).unwrap();
    assert_eq!(certificates.len(), 1);
    assert_eq!(certificates[0].public_key(), key.public_point());
}

#[test]
fn modes_are_exact_under_any_umask() {
    for umask in ["000", "022", "077", "777"] {
        let parent = tempfile::tempdir().unwrap();
        let script = format!("umask {umask}; exec \"$0\" init --out \"$1\"");
        let pki = parent.path().join("pki");
        let output = Command::new("sh")
            .args(["-c", &script, CERTGEN])
            .arg(&pki)
            .output()
            .unwrap();
        assert!(output.status.success(), "umask {umask}: {}", stderr(&output));
        assert_eq!(mode(&pki), 0o700, "umask {umask}");
        for path in all_below(&pki) {
            let expected = if path.is_dir() {
                0o700
            } else if path.to_str().unwrap().ends_with("key.pem") || !path.to_str().unwrap().ends_with(".pem") {
                0o600
            } else {
                0o644
            };
            assert_eq!(mode(&path), expected, "umask {umask}: {}", path.display());
        }
    }
}

#[test]
fn the_tree_is_whole_and_every_key_fits_its_certificate() {
    let parent = tempfile::tempdir().unwrap();
    let pki = parent.path().join("pki");
    assert!(certgen(&["init", "--out", pki.to_str().unwrap()]).status.success());
    assert_whole(&pki);
    assert_eq!(all_below(&pki).len(), 18);
    assert_eq!(entries(parent.path()), ["pki"]);
}

#[test]
fn an_empty_directory_is_filled_and_closed_to_others() {
    let parent = tempfile::tempdir().unwrap();
    let pki = parent.path().join("pki");
    fs::DirBuilder::new().mode(0o755).create(&pki).unwrap();
    assert!(certgen(&["init", "--out", pki.to_str().unwrap()]).status.success());
    assert_whole(&pki);
    assert_eq!(mode(&pki), 0o700);
}

#[test]
fn whatever_exists_at_the_target_stays_as_it_was() {
    let parent = tempfile::tempdir().unwrap();
    let path = |name: &str| parent.path().join(name);
    fs::create_dir(path("full")).unwrap();
    fs::write(path("full/.hidden"), "mine").unwrap();
    fs::write(path("file"), "mine").unwrap();
    fs::create_dir(path("elsewhere")).unwrap();
    symlink("elsewhere", path("link")).unwrap();
    symlink("nowhere", path("dangling")).unwrap();
    let before = entries(parent.path());
    for target in [
        "full",
        "full/",
        "file",
        "file/",
        "link",
        "link/",
        "dangling",
        "dangling/",
    ] {
        let output = certgen(&["init", "--out", path(target).to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(3), "{target}");
        assert_eq!(stdout(&output), "", "{target}");
        let said = stderr(&output);
        assert!(
            said.contains("already exists") || said.contains("symbolic link"),
            "{target}: {said}"
        );
    }
    assert_eq!(entries(parent.path()), before);
    assert_eq!(fs::read_to_string(path("full/.hidden")).unwrap(), "mine");
    assert_eq!(fs::read_to_string(path("file")).unwrap(), "mine");
    assert_eq!(
        entries(&path("elsewhere")),
        [""; 0],
        "nothing was written through the link"
    );
    assert!(!path("nowhere").exists());
}

#[test]
fn a_refusal_halfway_leaves_nothing_behind() {
    let parent = tempfile::tempdir().unwrap();
    let pki = parent.path().join("pki");
    let output = certgen(&[
        "init",
        "--out",
        pki.to_str().unwrap(),
        "--server",
        "good.example",
        "--client",
        "late=*.example.com",
    ]);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(entries(parent.path()), [""; 0]);
}

#[test]
fn service_names_cannot_lead_out_of_the_directory() {
    let parent = tempfile::tempdir().unwrap();
    let pki = parent.path().join("pki");
    let long = "a".repeat(65);
    for name in [
        "../escape",
        "..",
        ".",
        "",
        "/etc/x",
        "a/b",
        "a\\b",
        ".hidden",
        "-x",
        "_x",
        "x.",
        "a b",
        "a\nb",
        "ä",
        &long,
    ] {
        for option in ["--server", "--client", "--peer"] {
            let value = format!("{option}={name}=a.example");
            let output = certgen(&["init", "--out", pki.to_str().unwrap(), &value]);
            assert_eq!(output.status.code(), Some(2), "{value:?}: {}", stderr(&output));
        }
    }
    assert_eq!(entries(parent.path()), [""; 0]);
}

#[test]
fn of_runs_at_once_exactly_one_wins_and_the_tree_is_whole() {
    let parent = tempfile::tempdir().unwrap();
    let pki = parent.path().join("pki");
    let runs: Vec<_> = (0..8)
        .map(|_| {
            Command::new(CERTGEN)
                .args(["init", "--out"])
                .arg(&pki)
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    let outputs: Vec<_> = runs.into_iter().map(|run| run.wait_with_output().unwrap()).collect();
    let winners = outputs.iter().filter(|output| output.status.success()).count();
    assert_eq!(winners, 1);
    for loser in outputs.iter().filter(|output| !output.status.success()) {
        assert_eq!(loser.status.code(), Some(3));
        assert!(stderr(loser).contains("already exists"), "{}", stderr(loser));
    }
    assert_whole(&pki);
    assert_eq!(entries(parent.path()), ["pki"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_system_that_refuses_is_reported() {
    let output = certgen(&["init", "--out", "/proc/certgen-test"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(
        stderr(&output).starts_with("error: cannot make `/proc/"),
        "{}",
        stderr(&output)
    );
}
