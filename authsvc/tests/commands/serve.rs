//! What `serve` refuses to start with, and that it names it.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::Home;
use crate::support::process::{run, stderr, stdout};

/// Starts `serve`, which must refuse, and gives what it said.
fn refused(home: &Home) -> String {
    let output = home.command(&["serve"], "");
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let text = stderr(&output);
    assert!(!text.contains("\"started\""), "{text}");
    text
}

#[test]
fn serve_refuses_to_start_naming_what_is_missing() {
    for file in [
        "root.key",
        "pepper.json",
        "authsvc.db",
        "pki/server/fullchain.pem",
        "pki/server/key.pem",
        "pki/intermediate.pem",
    ] {
        let home = Home::init();
        std::fs::remove_file(home.file(file)).unwrap();
        let text = refused(&home);
        assert!(text.contains(file), "{file}: {text}");
        assert!(!Path::new(&home.file(file)).exists(), "nothing is made up");
    }
}

#[test]
fn serve_refuses_secrets_that_others_can_use() {
    for file in ["root.key", "pepper.json", "pki/server/key.pem"] {
        let home = Home::init();
        std::fs::set_permissions(home.file(file), std::fs::Permissions::from_mode(0o640)).unwrap();
        let text = refused(&home);
        assert!(
            text.contains(file) && text.contains("0640") && text.contains("chmod go="),
            "{text}"
        );
    }
    for (file, mode) in [("authsvc.db", 0o644), ("authsvc.toml", 0o622), ("authsvc.toml", 0o602)] {
        let home = Home::init();
        std::fs::set_permissions(home.file(file), std::fs::Permissions::from_mode(mode)).unwrap();
        let text = refused(&home);
        assert!(text.contains(file) && text.contains(&format!("{mode:04o}")), "{text}");
    }
}

#[test]
fn serve_refuses_what_does_not_belong_together() {
    let home = Home::init();
    let other = Home::init();
    for file in ["root.key", "pepper.json", "pki/server/key.pem", "authsvc.db"] {
        let kept = std::fs::read(home.file(file)).unwrap();
        std::fs::copy(other.file(file), home.file(file)).unwrap();
        let text = refused(&home);
        assert!(
            text.contains("does not open") || text.contains("cannot be used"),
            "{file}: {text}"
        );
        std::fs::write(home.file(file), kept).unwrap();
    }
    std::fs::write(home.file("root.key"), "cryptokit-root-key-1:canary\n").unwrap();
    let text = refused(&home);
    assert!(
        text.contains("does not hold a root key") && !text.contains("canary"),
        "{text}"
    );
}

#[test]
fn serve_refuses_unknown_settings_and_options_and_there_is_none_that_switches_checks_off() {
    let home = Home::init();
    home.edit("[public]", "[public]\nclient_auth = \"none\"");
    assert!(refused(&home).contains("unknown setting public.client_auth"));

    let help = stdout(&run(&["serve", "--help"]));
    for word in ["insecure", "disable", "no-auth", "no-tls", "skip", "without"] {
        assert!(!help.contains(&format!("--{word}")), "{help}");
    }
    assert_eq!(run(&["serve", "--config", "x", "--insecure"]).status.code(), Some(2));
    assert_eq!(run(&["serve"]).status.code(), Some(2));
}

#[test]
fn a_configuration_that_does_not_exist_is_answered_with_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("authsvc.toml");
    let missing = missing.to_str().unwrap();
    for arguments in [&["db", "restore", "--from", "x"][..], &["db", "status"], &["serve"]] {
        let output = run(&[arguments, &["--config", missing]].concat());
        assert_eq!(output.status.code(), Some(1));
        let told =
            format!("{missing} does not exist; --config names the file of an installation, and authsvc init makes one");
        assert!(stderr(&output).contains(&told), "{}", stderr(&output));
    }
}

#[test]
fn a_taken_port_is_named() {
    let home = Home::init();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = home.command(&["serve", "--public-address", &address], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains(&format!("public listener: cannot listen on {address}")),
        "{}",
        stderr(&output)
    );
}
