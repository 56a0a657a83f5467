//! Man pages and completions: whole, and accepted by those who read them.

use std::fs;
use std::process::{Command, Stdio};

use crate::support::{CERTGEN, certgen, entries, stderr, stdout};

/// The names of all subcommands, by the help page.
fn subcommands() -> Vec<String> {
    let help = stdout(&certgen(&["--help"]));
    let (_, commands) = help.split_once("Commands:\n").unwrap();
    let (commands, _) = commands.split_once("\n\n").unwrap();
    let names = commands
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_subcommand_has_a_page_and_is_completed() {
    let directory = tempfile::tempdir().unwrap();
    let output = certgen(&["man", "--out", directory.path().to_str().unwrap()]);
    assert!(output.status.success(), "{}", stderr(&output));
    let pages = entries(directory.path());
    let script = stdout(&certgen(&["completions", "bash"]));
    let subcommands = subcommands();
    assert!(subcommands.len() > 2);
    for subcommand in subcommands {
        assert!(
            pages.contains(&format!("certgen-{subcommand}.1")),
            "{subcommand}: {pages:?}"
        );
        assert!(script.contains(&format!("certgen,{subcommand})")), "{subcommand}");
        assert_eq!(
            stdout(&certgen(&["man", &subcommand])),
            fs::read_to_string(directory.path().join(format!("certgen-{subcommand}.1"))).unwrap()
        );
    }
}

#[test]
fn groff_reads_every_page_without_a_warning() {
    if Command::new("groff").arg("--version").output().is_err() {
        println!("skipped: groff is not installed");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    assert!(
        certgen(&["man", "--out", directory.path().to_str().unwrap()])
            .status
            .success()
    );
    for page in entries(directory.path()) {
        let output = Command::new("groff")
            .args(["-man", "-Tutf8", "-Kutf8", "-ww", "-z"])
            .arg(directory.path().join(&page))
            .output()
            .unwrap();
        assert!(
            output.status.success() && stderr(&output).is_empty(),
            "{page}: {}",
            stderr(&output)
        );
    }
}

#[test]
fn bash_completes_subcommands_and_their_flags() {
    if Command::new("bash").arg("--version").output().is_err() {
        println!("skipped: bash is not installed");
        return;
    }
    let script = r#"
        source <("$0" completions bash) || exit 9
        COMP_WORDS=(certgen init --pe); COMP_CWORD=2
        _certgen certgen --pe init
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let output = Command::new("bash")
        .args(["-c", script, CERTGEN])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(
        stdout(&output).lines().any(|word| word == "--peer"),
        "{}",
        stdout(&output)
    );
}
