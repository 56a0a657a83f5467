//! What is said about it: the JSON report, streams that fail, and that no key is ever printed.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{CERTGEN, certgen, entries, now, stderr, stdout};
use certgen::init::{InitRequest, LeafSpec, init};
use cryptokit::x509::{LeafProfile, certificates_from_pem};
use serde_json::Value;
use time::{Duration, OffsetDateTime};

#[test]
fn the_json_report_tells_where_everything_is() {
    let parent = tempfile::tempdir().unwrap();
    let pki = parent.path().join("pki");
    let output = certgen(&[
        "init",
        "--json",
        "--out",
        pki.to_str().unwrap(),
        "--peer",
        "api=api.example,10.0.0.1",
    ]);
    let said = stdout(&output);
    assert_eq!(said.lines().count(), 1, "one line, for programs that read line by line");
    assert_eq!(stderr(&output), "", "the warning is in the report");
    let report: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(report["directory"], pki.to_str().unwrap());
    assert!(report["warnings"][0].as_str().unwrap().contains("not encrypted"));

    let leaf = &report["leaves"][0];
    assert_eq!(
        (leaf["name"].as_str(), leaf["profile"].as_str()),
        (Some("api"), Some("peer"))
    );
    let names = &leaf["certificate"]["subject_alternative_names"];
    assert_eq!(*names, serde_json::json!(["dns:api.example", "ip:10.0.0.1"]));
    for files in [&report["root"], &report["intermediate"], leaf] {
        let file = Path::new(files["certificate_file"].as_str().unwrap());
        let certificate = &certificates_from_pem(&fs::read(file).unwrap()).unwrap()[0];
        assert_eq!(files["certificate"]["sha256"], hex(&certificate.sha256()));
        assert_eq!(files["certificate"]["spki_sha256"], hex(&certificate.spki_sha256()));
        assert_eq!(files["certificate"]["serial"], hex(certificate.serial()));
        let not_after = files["certificate"]["not_after"].as_str().unwrap();
        let not_after = OffsetDateTime::parse(not_after, &time::format_description::well_known::Rfc3339).unwrap();
        assert_eq!(not_after, certificate.not_after());
    }
    for file in ["fullchain_file", "key_file", "ca_file"] {
        assert!(Path::new(leaf[file].as_str().unwrap()).is_file(), "{file}");
    }
}

#[test]
fn no_key_is_ever_printed() {
    let parent = tempfile::tempdir().unwrap();
    let pki = parent.path().join("pki");
    let first = certgen(&["init", "--out", pki.to_str().unwrap()]);
    let second = certgen(&["init", "--out", pki.to_str().unwrap()]);
    let json = certgen(&["init", "--json", "--out", parent.path().join("json").to_str().unwrap()]);
    let said: String = [&first, &second, &json]
        .iter()
        .map(|output| stdout(output) + &stderr(output))
        .collect();
    for directory in ["pki", "json"] {
        for key in [
            "root.key.pem",
            "intermediate.key.pem",
            "localhost/key.pem",
            "client/key.pem",
        ] {
            let pem = fs::read_to_string(parent.path().join(directory).join(key)).unwrap();
            for line in pem.lines().filter(|line| !line.starts_with("-----")) {
                assert!(!said.contains(line), "{directory}/{key}");
            }
        }
    }
    assert!(!said.contains("PRIVATE KEY"));
}

#[test]
fn a_directory_of_a_service_stands_for_its_chain() {
    let parent = tempfile::tempdir().unwrap();
    let (pki, service) = (parent.path().join("pki"), parent.path().join("pki/localhost"));
    certgen(&["init", "--out", pki.to_str().unwrap()]);
    let (pki, service) = (pki.to_str().unwrap(), service.to_str().unwrap());
    for arguments in [
        &["verify", "--ca", pki, service][..],
        &["inspect", service],
        &["lint", "--min", "error", service],
    ] {
        let output = certgen(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", stderr(&output));
        assert!(
            stdout(&output).contains("localhost/fullchain.pem"),
            "{}",
            stdout(&output)
        );
    }
}

#[test]
fn nothing_printed_steers_a_terminal() {
    let parent = tempfile::tempdir().unwrap();
    let pki = parent.path().join("pki");
    certgen(&["init", "--out", pki.to_str().unwrap()]);
    let hostile = parent.path().join("a\u{1b}[31m\u{9b}2J\u{202e}.pem");
    let (hostile, root) = (hostile.to_str().unwrap(), pki.join("root.pem"));
    let steers = |text: &str| {
        text.chars()
            .any(|character| character != '\n' && character.is_control() || character == '\u{202e}')
    };
    for exists in [false, true] {
        if exists {
            fs::copy(&root, hostile).unwrap();
        }
        for command in ["inspect", "fingerprint", "lint", "verify", "sign", "apply", "key"] {
            for json in [&[][..], &["--json"]] {
                let mut arguments = vec![command, hostile];
                arguments.extend(json);
                match command {
                    "verify" => arguments.extend(["--trust", root.to_str().unwrap()]),
                    "key" => arguments.push("--public"),
                    _ => {}
                }
                let output = certgen(&arguments);
                let said = stdout(&output) + &stderr(&output);
                assert!(!said.is_empty() && !steers(&said), "{command}: {said:?}");
                for document in said.lines().filter(|_| !json.is_empty()) {
                    serde_json::from_str::<Value>(document).unwrap();
                }
            }
        }
    }
}

#[test]
fn wrong_usage_is_json_too_where_json_is_wanted() {
    for (arguments, error) in [
        (
            &["verify", "x", "--at", "never", "--json"][..],
            "invalid value 'never' for '--at <TIME>': a time is",
        ),
        (
            &["--json", "lint"],
            "the following required arguments were not provided:\n  <FILE>...",
        ),
        (&["--json", "trust"], "a command is missing"),
        (&["--json"], "a command is missing"),
        (&["--json", "nosuch"], "unrecognized subcommand 'nosuch'"),
        (
            &["--json", "inspect", "localhost:1", "--alpn", ""],
            "invalid value '' for '--alpn",
        ),
    ] {
        let output = certgen(arguments);
        assert_eq!(
            (output.status.code(), stdout(&output).as_str()),
            (Some(2), ""),
            "{arguments:?}"
        );
        let said = stderr(&output);
        assert_eq!(said.lines().count(), 1);
        let report: Value = serde_json::from_str(&said).unwrap();
        assert!(report["error"].as_str().unwrap().starts_with(error), "{report}");
        assert_eq!(report["exit_code"], 2);
    }
    // Behind `--` it is the name of a file.
    let output = certgen(&["verify", "--at", "never", "--", "--json"]);
    assert!(stderr(&output).starts_with("error: invalid value"));
    assert_eq!(certgen(&["--json", "--help"]).status.code(), Some(0));
}

#[test]
fn a_reader_that_has_gone_away_is_no_error() {
    let parent = tempfile::tempdir().unwrap();
    let pki = parent.path().join("pki");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = Command::new(CERTGEN)
        .args(["init", "--json", "--out"])
        .arg(&pki)
        .stdout(writer)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(stderr(&output), "");
    assert!(pki.join("root.pem").is_file());
}

#[cfg(target_os = "linux")]
#[test]
fn a_report_that_cannot_be_written_is_an_error_that_says_so() {
    let parent = tempfile::tempdir().unwrap();
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output = Command::new(CERTGEN)
        .args(["init", "--json", "--out"])
        .arg(parent.path().join("pki"))
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("everything was done"), "{}", stderr(&output));
    assert!(parent.path().join("pki/root.pem").is_file());
}

#[test]
fn authorities_of_one_name_have_different_subjects() {
    let parent = tempfile::tempdir().unwrap();
    let make = |directory: &str| {
        let mut request = InitRequest::new(parent.path().join(directory));
        request.name = "same".to_owned();
        init(&request, now()).unwrap()
    };
    let (first, second) = (make("first"), make("second"));
    assert_ne!(
        first.root.certificate.subject_der(),
        second.root.certificate.subject_der()
    );
    assert_ne!(
        first.intermediate.certificate.subject_der(),
        second.intermediate.certificate.subject_der()
    );
}

#[test]
fn the_library_takes_the_time_from_its_caller() {
    let parent = tempfile::tempdir().unwrap();
    let mut request = InitRequest::new(parent.path().join("pki"));
    request
        .leaves
        .push(LeafSpec::parse(LeafProfile::Client, "worker").unwrap());
    let then = OffsetDateTime::from_unix_timestamp(1_900_000_000).unwrap();
    let report = init(&request, then).unwrap();
    assert_eq!(report.root.certificate.not_before(), then - Duration::minutes(5));
    assert_eq!(report.root.certificate.not_after(), then + Duration::days(3650));
    assert_eq!(report.leaves[0].certificate.not_after(), then + Duration::days(90));
    assert_eq!(entries(&parent.path().join("pki")).len(), 7);
}

#[test]
fn openssl_accepts_each_certificate_for_its_purpose_only() {
    if Command::new("openssl").arg("version").output().is_err() {
        println!("skipped: openssl is not installed");
        return;
    }
    let parent = tempfile::tempdir().unwrap();
    let pki = parent.path().join("pki");
    assert!(certgen(&["init", "--out", pki.to_str().unwrap()]).status.success());
    let accepted = |name: &str, purpose: &str| {
        let output = Command::new("openssl")
            .args(["verify", "-x509_strict", "-purpose", purpose, "-trusted"])
            .arg(pki.join("root.pem"))
            .arg("-untrusted")
            .arg(pki.join("intermediate.pem"))
            .arg(pki.join(name).join("certificate.pem"))
            .output()
            .unwrap();
        (output.status.success(), stdout(&output) + &stderr(&output))
    };
    for (name, purpose, expected) in [
        ("localhost", "sslserver", true),
        ("localhost", "sslclient", false),
        ("client", "sslclient", true),
        ("client", "sslserver", false),
    ] {
        let (found, said) = accepted(name, purpose);
        assert_eq!(found, expected, "{name} as {purpose}: {said}");
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
