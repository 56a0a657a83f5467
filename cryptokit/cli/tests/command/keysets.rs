//! `keyset`.

use std::os::unix::fs::MetadataExt as _;

use crate::support::Folder;

#[test]
fn files_are_their_owners_alone() {
    let folder = Folder::with_keyset("aead");
    folder.run("keyset add --keyset set.json --root-key root.key").text();
    for name in ["root.key", "set.json"] {
        assert_eq!(folder.path(name).metadata().unwrap().mode() & 0o7777, 0o600, "{name}");
    }
    assert_eq!(folder.names(), ["root.key", "set.json"], "nothing temporary is left");
}

#[test]
fn a_key_goes_from_active_to_pruned() {
    let folder = Folder::with_keyset("aead");
    let show = || {
        folder
            .run("keyset show --json --keyset set.json --root-key root.key")
            .text()
    };
    let first = show().split(r#""id":""#).nth(1).unwrap()[..16].to_owned();
    let second = folder.run("keyset add --keyset set.json --root-key root.key").text();
    let does = |what: &str, id: &str| folder.run(&format!("keyset {what} {id} --keyset set.json --root-key root.key"));

    assert_eq!(does("retire", &first).code, 3, "it is primary");
    does("promote", &second).text();
    does("retire", &first).text();
    assert_eq!(does("promote", &first).code, 3, "retired keys do not come back");
    assert_eq!(does("prune", &first).code, 3, "nobody said how long it is needed");
    let long_gone = format!("{first} --needed-until 2020-01-01T00:00:00Z");
    does("retire", &long_gone).text();
    assert!(
        show().contains(r#""needed_until":"2020-01-01T00:00:00Z""#),
        "{}",
        show()
    );
    does("prune", &first).text();
    assert!(show().contains(&format!(r#""pruned":["{first}"]"#)), "{}", show());

    let third = folder.run("keyset add --keyset set.json --root-key root.key").text();
    does("revoke", &third).text();
    does("prune", &third).text();
}

/// Two at once: neither change is lost.
#[test]
fn concurrent_changes_all_take_effect() {
    let folder = Folder::with_keyset("aead");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| folder.run("keyset add --keyset set.json --root-key root.key").text());
        }
    });
    let shown = folder.run("keyset show --keyset set.json --root-key root.key").text();
    assert_eq!(shown.lines().count(), 1 + 1 + 8, "{shown}");
}

/// What may be written can be read again: twenty RSA keys are longer than any other secret may be. A long name is longer
/// too, and made sooner.
#[test]
fn a_keyset_longer_than_other_secrets_is_read() {
    let folder = Folder::with_keyset("aead");
    let name = "n".repeat(70_000);
    folder
        .run(&format!(
            "keyset create --name {name} --purpose aead --keyset big.json --root-key root.key"
        ))
        .text();
    assert!(folder.read("big.json").len() > 64 * 1024);
    folder.run("keyset add --keyset big.json --root-key root.key").text();
    folder.run("keyset show --keyset big.json --root-key root.key").text();
}

/// Replacing the link would leave the keyset that everybody else reads as it was.
#[test]
fn a_keyset_behind_a_link_is_changed_where_it_is() {
    let folder = Folder::with_keyset("aead");
    std::os::unix::fs::symlink("set.json", folder.path("link.json")).unwrap();
    let id = folder.run("keyset add --keyset link.json --root-key root.key").text();
    assert!(folder.path("link.json").is_symlink());
    let shown = folder.run("keyset show --keyset set.json --root-key root.key").text();
    assert!(shown.contains(&id), "{shown}");
}

/// And says so, rather than to stand still.
#[test]
fn a_change_waits_for_the_one_before() {
    use std::io::{BufRead as _, BufReader, Read as _};

    let folder = Folder::with_keyset("aead");
    let held = std::fs::File::open(folder.path("set.json")).unwrap();
    held.lock().unwrap();
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_cryptokit"))
        .args("keyset add --keyset set.json --root-key root.key".split(' '))
        .current_dir(folder.path(""))
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    BufReader::new(child.stderr.take().unwrap())
        .read_line(&mut said)
        .unwrap();
    assert_eq!(said, "waiting: another process is changing set.json\n");
    // Somebody else's change, by which the file is another one.
    let other = folder.run("keyset create --name b --purpose aead --keyset other.json --root-key root.key");
    other.text();
    std::fs::rename(folder.path("other.json"), folder.path("set.json")).unwrap();
    drop(held);
    let mut id = String::new();
    child.stdout.take().unwrap().read_to_string(&mut id).unwrap();
    assert!(child.wait().unwrap().success());
    let shown = folder.run("keyset show --keyset set.json --root-key root.key").text();
    assert!(shown.starts_with("b (") && shown.contains(id.trim()), "{shown}");
}

/// Without waiting for somebody to write to it.
#[test]
fn a_pipe_is_no_keyset() {
    let folder = Folder::with_keyset("aead");
    let made = std::process::Command::new("mkfifo")
        .args(["-m", "600"])
        .arg(folder.path("pipe"))
        .status()
        .unwrap();
    assert!(made.success());
    for command in ["add", "show"] {
        let refused = folder.run(&format!("keyset {command} --keyset pipe --root-key root.key"));
        assert_eq!(refused.code, 3);
        assert!(
            refused.stderr.starts_with("error: pipe is not a regular file\nhint: "),
            "{}",
            refused.stderr
        );
    }
}
