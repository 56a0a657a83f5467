//! `hash` and `verify`.

use crate::support::Folder;

#[test]
fn a_password_verifies_and_another_does_not() {
    let folder = Folder::new();
    folder.write("password", "correct horse\n");
    folder.write("other", "correct hors\n");
    let hash = folder.run("hash --password-file password").text();
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    folder.write("hash", format!("{hash}\n"));

    let verify = |password: &str| folder.run(&format!("verify --hash-file hash --password-file {password}"));
    assert_eq!(verify("password").text(), "accepted");
    let refused = verify("other");
    assert_eq!((refused.code, refused.stdout.len()), (1, 0));
    assert_eq!(refused.stderr, "error: it is another password\n");

    // From a pipe, where a line end from another system changes nothing.
    let piped = folder.run_with("verify --hash-file hash --password-file -", b"correct horse\r\n");
    assert_eq!(piped.text(), "accepted");
    let piped = folder.run_with("verify --hash-file - --password-file password", hash.as_bytes());
    assert_eq!(piped.text(), "accepted");
}

#[test]
fn peppered_hashes_need_their_peppers() {
    let folder = Folder::with_keyset("pepper");
    folder.write("password", "correct horse");
    for scheme in ["argon2id", "bcrypt"] {
        let hash = folder
            .run(&format!(
                "hash --scheme {scheme} --peppers set.json --root-key root.key --password-file password"
            ))
            .text();
        folder.write("hash", hash);
        let with =
            folder.run("verify --hash-file hash --peppers set.json --root-key root.key --password-file password");
        assert!(with.text().starts_with("accepted"), "{scheme}");
        let without = folder.run("verify --hash-file hash --password-file password");
        assert_eq!(without.code, 3, "{scheme}");
        assert!(
            without.stderr.contains("which this keyset does not hold"),
            "{}",
            without.stderr
        );
    }
}

/// Nothing is computed for it, however much the file asks for.
#[test]
fn a_hash_that_asks_for_too_much_is_refused() {
    let folder = Folder::new();
    folder.write("password", "p");
    let tag = "A".repeat(43);
    folder.write(
        "hash",
        format!("$argon2id$v=19$m=131072,t=2,p=1$c2FsdHNhbHRzYWx0$c{}", &tag[1..]),
    );
    let refused = folder.run("verify --hash-file hash --password-file password");
    assert_eq!(refused.code, 3);
    assert!(
        refused.stderr.contains("costs more than the policy allows"),
        "{}",
        refused.stderr
    );
    let obeyed = folder.run("verify --hash-file hash --max-memory-kib 131072 --password-file password");
    assert_eq!(obeyed.code, 1, "{}", obeyed.stderr);
}

#[test]
fn calibrate_prints_arguments_that_hash_takes() {
    let folder = Folder::new();
    folder.write("password", "p");
    let found = folder.run("calibrate --target 60000 --memory-kib 19456");
    let arguments = found.text();
    assert!(arguments.starts_with("--memory-kib 19456 --passes "), "{arguments}");
    assert!(found.stderr.starts_with("One hash took "), "{}", found.stderr);
}

/// One pass is fewer than the default's two, and enough over that much memory.
#[test]
fn parameters_are_taken_unless_they_are_weak() {
    let folder = Folder::new();
    folder.write("password", "p");
    let hash = folder
        .run("hash --memory-kib 47104 --passes 1 --password-file password")
        .text();
    assert!(hash.starts_with("$argon2id$v=19$m=47104,t=1,p=1$"), "{hash}");
    for weak in [
        "--memory-kib 19456 --passes 1",
        "--memory-kib 64 --passes 64",
        "--memory-kib 8",
    ] {
        let refused = folder.run(&format!("hash {weak} --password-file password"));
        assert_eq!(refused.code, 3, "{weak}");
        assert!(
            refused.stderr.contains("weaker than OWASP's minimum"),
            "{}",
            refused.stderr
        );
    }
}

#[test]
fn a_hash_of_many_passes_verifies_when_it_is_allowed_to() {
    let folder = Folder::new();
    folder.write("password", "p");
    folder.write("hash", folder.run("hash --passes 17 --password-file password").stdout);
    let refused = folder.run("verify --hash-file hash --password-file password");
    assert_eq!(refused.code, 3);
    assert!(refused.stderr.contains("--max-passes"), "{}", refused.stderr);
    folder
        .run("verify --hash-file hash --max-passes 17 --password-file password")
        .text();
}

#[test]
fn what_nobody_could_type_is_no_password() {
    let folder = Folder::new();
    folder.write("password", "\u{feff}p\n");
    let refused = folder.run("hash --password-file password");
    assert_eq!(refused.code, 3);
    assert!(refused.stderr.contains("byte order mark"), "{}", refused.stderr);
    for (input, why) in [
        (b"\xff\n".to_vec(), "it is not text"),
        (vec![b'p'; 70_000], "it is too long"),
    ] {
        let refused = folder.run_with("hash --password-file -", &input);
        assert_eq!(refused.code, 3);
        assert!(refused.stderr.contains(why), "{}", refused.stderr);
    }
}

/// The limit is what another process can see of it.
#[cfg(target_os = "linux")]
#[test]
fn secrets_are_not_in_core_dumps() {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    let folder = Folder::with_keyset("stream");
    let mut child = Command::new(env!("CARGO_BIN_EXE_cryptokit"))
        .args("seal --keyset set.json --root-key root.key --context c -o sealed".split(' '))
        .current_dir(folder.path(""))
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    // More than a pipe holds: when this returns, the command has begun to read, and waits for more.
    child.stdin.as_mut().unwrap().write_all(&[0; 256 * 1024]).unwrap();
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let core = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max core file size"))
        .unwrap();
    assert!(core.trim_start().starts_with("0 "), "{core}");
}
