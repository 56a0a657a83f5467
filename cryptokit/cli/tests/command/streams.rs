//! `seal`, `open`, `encrypt` and `decrypt`.

use std::os::unix::fs::MetadataExt as _;

use crate::support::Folder;

const KEYSET: &str = "--keyset set.json --root-key root.key --context backup/data";

/// Longer than any buffer on the way, and no multiple of one.
fn message() -> Vec<u8> {
    (0..1_000_003_u32)
        .map(|number| number.to_le_bytes()[0] ^ number.to_le_bytes()[1])
        .collect()
}

#[test]
fn what_is_sealed_opens_through_files_and_pipes() {
    let folder = Folder::with_keyset("stream");
    folder.write("message", message());
    folder.run(&format!("seal {KEYSET} message -o sealed")).text();
    folder.run(&format!("open {KEYSET} sealed -o opened")).text();
    assert!(folder.read("opened") == message());
    assert_eq!(folder.path("opened").metadata().unwrap().mode() & 0o7777, 0o600);

    let piped = folder.run_with(&format!("seal {KEYSET}"), &message());
    let opened = folder.run_with(&format!("open {KEYSET}"), &piped.stdout);
    assert_eq!(opened.code, 0, "{}", opened.stderr);
    assert!(opened.stdout == message());
}

#[test]
fn what_does_not_open_leaves_no_file() {
    let folder = Folder::with_keyset("stream");
    let sealed = folder.run_with(&format!("seal {KEYSET}"), &message()).stdout;
    let mut altered = sealed.clone();
    altered[500_000] ^= 1;
    let cut = sealed[..sealed.len() - 1].to_vec();
    for (what, bytes) in [
        ("altered", altered),
        ("cut", cut),
        ("empty", Vec::new()),
        ("other", message()),
    ] {
        folder.write("sealed", bytes);
        let refused = folder.run(&format!("open {KEYSET} sealed -o opened"));
        assert_eq!(refused.code, 1, "{what}: {}", refused.stderr);
        assert!(
            refused.stderr.starts_with("error: it does not open: "),
            "{}",
            refused.stderr
        );
        assert_eq!(folder.names(), ["root.key", "sealed", "set.json"], "{what}");
    }
    folder.write("sealed", sealed);
    let elsewhere = folder.run("open --keyset set.json --root-key root.key --context backup/else sealed -o opened");
    assert_eq!(elsewhere.code, 1);
}

/// A pipe gets what is authentic, and the exit code says that it was not all.
#[test]
fn a_pipe_gets_a_true_beginning_and_an_exit_code() {
    let folder = Folder::with_keyset("stream");
    let sealed = folder.run_with(&format!("seal {KEYSET}"), &message()).stdout;
    let cut = folder.run_with(&format!("open {KEYSET}"), &sealed[..700_000]);
    assert_eq!(cut.code, 1);
    assert!(!cut.stdout.is_empty() && message().starts_with(&cut.stdout));
}

#[test]
fn an_existing_file_is_replaced_only_on_demand() {
    let folder = Folder::with_keyset("stream");
    folder.write("message", "new");
    folder.write("there", "old");
    let refused = folder.run(&format!("seal {KEYSET} message -o there"));
    assert_eq!(refused.code, 3);
    assert_eq!(folder.read("there"), b"old");
    folder.run(&format!("seal {KEYSET} message -o there --force")).text();
    assert_ne!(folder.read("there"), b"old");
}

#[test]
fn every_recipient_and_nobody_else_decrypts() {
    let folder = Folder::new();
    folder.write("passphrase", "correct horse battery staple");
    folder.write("message", message());
    folder
        .run("keygen --bits 2048 --out alice.pem --public alice.pub")
        .text();
    let bob = folder.run("keygen --bits 2048 --out bob.pem --passphrase-file passphrase");
    folder.write("bob.pub", bob.stdout);
    folder.run("keygen --bits 2048 --out eve.pem --public eve.pub").text();
    assert!(
        folder
            .read("bob.pem")
            .starts_with(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    );

    folder
        .run("encrypt -r alice.pub -r bob.pub message -o encrypted")
        .text();
    folder.run("decrypt -i alice.pem encrypted -o from-alice").text();
    assert!(folder.read("from-alice") == message());
    let bob = folder.run_with(
        "decrypt -i bob.pem --passphrase-file passphrase",
        &folder.read("encrypted"),
    );
    assert_eq!(bob.code, 0, "{}", bob.stderr);
    assert!(bob.stdout == message());

    let eve = folder.run("decrypt -i eve.pem encrypted -o from-eve");
    assert_eq!(eve.code, 1);
    folder.write("cut", &folder.read("encrypted")[..100]);
    assert_eq!(folder.run("decrypt -i alice.pem cut -o from-cut").code, 1);
    let names = folder.names();
    assert!(
        !names.contains(&"from-eve".to_owned()) && !names.contains(&"from-cut".to_owned()),
        "{names:?}"
    );
}

#[test]
fn a_keyset_of_decryption_keys_opens_after_rotation() {
    let folder = Folder::with_keyset("decryption");
    let public = folder.run("keyset public --keyset set.json --root-key root.key").text();
    folder.write("old.pub", public);
    folder.write("message", "m");
    folder.run("encrypt -r old.pub message -o encrypted").text();
    let id = folder.run("keyset add --keyset set.json --root-key root.key").text();
    folder
        .run(&format!("keyset promote {id} --keyset set.json --root-key root.key"))
        .text();
    assert_ne!(
        folder
            .run("keyset public --keyset set.json --root-key root.key")
            .text()
            .into_bytes(),
        folder.read("old.pub")
    );
    assert_eq!(
        folder
            .run("decrypt --keyset set.json --root-key root.key encrypted")
            .stdout,
        b"m"
    );
}

/// Both a full disk and a reader that leaves: an error, not a panic.
#[test]
fn output_that_cannot_be_written_is_said() {
    let folder = Folder::with_keyset("stream");
    folder.write("message", message());
    let full = std::process::Command::new(env!("CARGO_BIN_EXE_cryptokit"))
        .args(format!("seal {KEYSET} message").split_whitespace())
        .current_dir(folder.path(""))
        .stdout(std::fs::File::options().write(true).open("/dev/full").unwrap())
        .output()
        .unwrap();
    assert_eq!(full.status.code(), Some(3));
    let said = String::from_utf8(full.stderr).unwrap();
    assert!(said.starts_with("error: the output cannot be written: "), "{said}");
}

/// Half a pair, of which the public half is lost, or was another key's all along.
#[test]
fn a_key_pair_is_written_whole_or_not_at_all() {
    let folder = Folder::new();
    folder.write("there.pub", "another key");
    for (public, why) in [
        ("there.pub", "already exists"),
        ("new.pem", "both the private and the public key"),
        ("no/folder", "No such file"),
    ] {
        let refused = folder.run(&format!("keygen --bits 2048 --out new.pem --public {public}"));
        assert_eq!(refused.code, 3);
        assert!(refused.stderr.contains(why), "{}", refused.stderr);
        assert_eq!(folder.names(), ["there.pub"]);
    }
}

/// The first would swallow the second.
#[test]
fn standard_input_is_read_for_one_thing() {
    let folder = Folder::new();
    folder.run("keygen --bits 2048 --out a.pem --public a.pub").text();
    for command in [
        "decrypt -i a.pem --passphrase-file -",
        "encrypt -r -",
        "encrypt -r - -r - a.pub",
        "jwt verify --jwks - --issuer https://a.example --audience b",
    ] {
        let refused = folder.run(command);
        assert_eq!(refused.code, 3, "{command}");
        assert!(
            refused.stderr.starts_with("error: standard input: it cannot be both "),
            "{}",
            refused.stderr
        );
    }
    let encrypted = folder.run_with("encrypt -r - a.pem", &folder.read("a.pub"));
    assert_eq!(encrypted.code, 0, "{}", encrypted.stderr);
}

#[test]
fn only_a_regular_file_is_replaced() {
    let folder = Folder::with_keyset("stream");
    folder.write("message", "m");
    std::os::unix::fs::symlink("/dev/null", folder.path("device")).unwrap();
    let refused = folder.run(&format!("seal {KEYSET} message -o device --force"));
    assert_eq!(refused.code, 3);
    assert!(
        refused
            .stderr
            .starts_with("error: device is not a regular file\nhint: "),
        "{}",
        refused.stderr
    );
    assert!(folder.path("device").is_symlink());
}

/// In place, too.
#[test]
fn a_file_is_replaced_by_what_is_made_of_it() {
    let folder = Folder::with_keyset("stream");
    folder.write("message", message());
    folder.run(&format!("seal {KEYSET} message -o message --force")).text();
    folder.run(&format!("open {KEYSET} message -o message --force")).text();
    assert!(folder.read("message") == message());
}

/// No plaintext under another name, not even after the signal that nobody can handle.
#[cfg(target_os = "linux")]
#[test]
fn a_killed_run_leaves_nothing() {
    use std::io::Write as _;

    let folder = Folder::with_keyset("stream");
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_cryptokit"))
        .args(format!("seal {KEYSET} -o sealed").split_whitespace())
        .current_dir(folder.path(""))
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // More than the pipe and the command hold: most of it has been written when this returns.
    let mut stdin = child.stdin.take().unwrap();
    for _ in 0..4 {
        stdin.write_all(&message()).unwrap();
    }
    let nameless = folder.names() == ["root.key", "set.json"];
    child.kill().unwrap();
    child.wait().unwrap();
    if !nameless {
        // A file system without such files: all that can be said is that what is left is its owner's alone.
        let left = folder.names().into_iter().find(|name| name.ends_with(".new")).unwrap();
        assert_eq!(folder.path(&left).metadata().unwrap().mode() & 0o7777, 0o600);
        return;
    }
    assert_eq!(folder.names(), ["root.key", "set.json"]);
}

/// A file's name is often a stranger's choice.
#[test]
fn names_do_not_drive_the_terminal() {
    let folder = Folder::with_keyset("stream");
    let refused = folder.run(&format!("open {KEYSET} \u{1b}[2J"));
    assert_eq!(refused.code, 3);
    assert!(!refused.stderr.contains('\u{1b}'), "{:?}", refused.stderr);
}

/// What was sealed would be lost with it.
#[test]
fn a_key_is_not_replaced_by_what_it_encrypts() {
    let folder = Folder::with_keyset("stream");
    folder.write("message", "m");
    folder.run("keygen --bits 2048 --out a.pem --public a.pub").text();
    folder.run("encrypt -r a.pub message -o encrypted").text();
    folder.run(&format!("seal {KEYSET} message -o sealed")).text();
    std::os::unix::fs::symlink(".", folder.path("here")).unwrap();
    for command in [
        "seal --keyset set.json --root-key root.key --context c message -o set.json",
        "seal --keyset set.json --root-key root.key --context c message -o here/root.key",
        "open --keyset set.json --root-key root.key --context backup/data sealed -o ./root.key",
        "encrypt -r a.pub message -o a.pub",
        "decrypt -i a.pem encrypted -o a.pem",
    ] {
        let refused = folder.run(&format!("{command} --force"));
        assert_eq!(refused.code, 3, "{command}");
        assert!(
            refused.stderr.contains("it is a key that this needs"),
            "{}",
            refused.stderr
        );
    }
    folder.run(&format!("open {KEYSET} sealed -o opened")).text();
    folder.run("decrypt -i a.pem encrypted -o decrypted").text();
}
