//! Encrypted keys of the authorities, where their passphrase comes from, and what is seen of it: nothing.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use cryptokit::key_format::{KeyFormatError, PrivateKey};
use cryptokit::secret::SecretString;

use crate::support::{CERTGEN, stderr, stdout};
use crate::terminal::Terminal;

const PASSPHRASE: &str = "größer als ein Pferd";

/// Runs `certgen init pki` in a directory with this on standard input.
fn init(directory: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(CERTGEN)
        .args(["init", "pki", "--client", "a"])
        .args(arguments)
        .env("PKI_PASSPHRASE", PASSPHRASE)
        .current_dir(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may have been refused before it was read.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn assert_encrypted(directory: &Path, passphrase: &str) {
    for name in ["root.key.pem", "intermediate.key.pem"] {
        let path = directory.join("pki").join(name);
        let pem = fs::read(&path).unwrap();
        assert!(
            matches!(PrivateKey::from_pem(&pem), Err(KeyFormatError::Encrypted)),
            "{name}"
        );
        let secret = |text: &str| SecretString::new(text.to_owned());
        assert!(
            PrivateKey::from_encrypted_pem(&pem, &secret(passphrase)).is_ok(),
            "{name}"
        );
        let wrong = PrivateKey::from_encrypted_pem(&pem, &secret("wrong"));
        assert!(matches!(wrong, Err(KeyFormatError::Passphrase)), "{name}");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    }
    let leaf = fs::read(directory.join("pki/a/key.pem")).unwrap();
    assert!(PrivateKey::from_pem(&leaf).is_ok(), "services start without a person");
}

#[test]
fn a_passphrase_encrypts_both_keys_wherever_it_comes_from() {
    let line = format!("{PASSPHRASE}\n");
    for (arguments, input) in [
        (&["--passphrase-file", "secret"][..], ""),
        (&["--passphrase-file", "-"], &*line),
        (&["--passphrase-fd", "0"], &*line),
        (&["--passphrase-env", "PKI_PASSPHRASE"], ""),
        (&["--encrypt", "--passphrase-env", "PKI_PASSPHRASE"], ""),
    ] {
        let directory = tempfile::tempdir().unwrap();
        private_files::write_new(&directory.path().join("secret"), line.as_bytes()).unwrap();
        let output = init(directory.path(), arguments, input);
        let said = stdout(&output) + &stderr(&output);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {said}");
        assert!(!said.contains(PASSPHRASE) && !said.contains("not encrypted"), "{said}");
        assert_encrypted(directory.path(), PASSPHRASE);
    }
}

#[test]
fn an_inherited_descriptor_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let script = format!("\"$0\" init pki --client a --passphrase-fd 3 3<<'END'\n{PASSPHRASE}\nEND\n");
    let output = Command::new("sh")
        .args(["-c", &script, CERTGEN])
        .current_dir(directory.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert_encrypted(directory.path(), PASSPHRASE);
}

#[test]
fn a_passphrase_that_others_can_read_or_that_is_empty_makes_nothing() {
    for (mode, content, why) in [
        (0o644, "secret\n", "mode 0644"),
        (0o600, "", "is empty"),
        (0o600, "\nsecond line\n", "is empty"),
        (0o600, "\u{feff}secret\n", "byte order mark"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("secret");
        fs::write(&file, content).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        let output = init(directory.path(), &["--passphrase-file", "secret"], "");
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(said.contains(why) && said.contains("\nhint: "), "{said}");
        assert!(!directory.path().join("pki").exists());
    }
}

#[test]
fn the_report_says_whether_keys_are_encrypted() {
    for (arguments, encrypted) in [
        (&["--json", "--passphrase-env", "PKI_PASSPHRASE"][..], true),
        (&["--json"], false),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let output = init(directory.path(), arguments, "");
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        for authority in ["root", "intermediate"] {
            assert_eq!(report[authority]["key_is_encrypted"], encrypted);
        }
        let warned = report["warnings"].to_string().contains("not encrypted");
        assert_eq!(warned, !encrypted);
    }
}

#[test]
fn a_new_passphrase_is_asked_for_twice_and_not_shown() {
    let directory = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::run(directory.path(), "certgen init pki --client a --encrypt; echo code $?");
    terminal.answer("passphrase of the authority: ", "hors\u{7f}se\n");
    terminal.answer("passphrase of the authority again: ", "horse\n");
    let shown = terminal.end();
    assert!(shown.contains("code 0") && !shown.contains("hors"), "{shown}");
    assert_encrypted(directory.path(), "horse");
}

#[test]
fn two_different_entries_an_empty_one_and_ctrl_c_make_nothing() {
    for (first, second, why) in [
        ("horse\n", Some("hors\n"), "the two entries differ"),
        ("\n", None, "is empty"),
        ("hor\u{3}", None, "interrupted"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let mut terminal = Terminal::run(directory.path(), "certgen init pki --encrypt; echo code $?; stty -a");
        terminal.answer("passphrase of the authority: ", first);
        if let Some(second) = second {
            terminal.answer("passphrase of the authority again: ", second);
        }
        let shown = terminal.end();
        assert!(shown.contains(why) && shown.contains("code 3"), "{shown}");
        for mode in [" echo ", " isig ", " icanon "] {
            assert!(shown.replace(['\r', '\n'], " ").contains(mode), "{mode}: {shown}");
        }
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}

/// Whatever can be refused is refused before a person has typed anything.
#[test]
fn nobody_is_asked_for_a_passphrase_in_vain() {
    let directory = tempfile::tempdir().unwrap();
    let shown = Terminal::run(
        directory.path(),
        "certgen init pki --encrypt --country UK; echo code $?",
    )
    .end();
    assert!(shown.contains("ISO 3166-1") && !shown.contains("passphrase"), "{shown}");
}

#[test]
fn slow_keys_show_progress_on_a_terminal_and_nowhere_else() {
    let directory = tempfile::tempdir().unwrap();
    // So many that they cannot all be made before progress is shown, however lucky their primes.
    let command = "certgen init pki --client a --client b --client c --client d --ca-key rsa-4096 --key rsa-4096";
    let shown = Terminal::run(directory.path(), command).end();
    assert!(
        shown.contains("of 6 keys made") && shown.contains("Made in pki"),
        "{shown}"
    );
    let output = init(directory.path(), &["--out", "other", "--ca-key", "rsa-2048"], "");
    assert!(output.status.success() && !stderr(&output).contains("keys made"));
}
