//! An authority's directory when things go wrong: runs at once, runs that are killed, a disk that refuses.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use certgen::home::{HomeView, Inventory};
use cryptokit::hash::sha256;
use cryptokit::key_format::PrivateKey;
use cryptokit::x509::{TrustAnchors, certificates_from_pem, verify_client_chain};
use tempfile::TempDir;

use crate::support::{CERTGEN, certgen, entries, now, stderr};

/// A home with one service, `first`.
fn new_home() -> (TempDir, PathBuf) {
    let parent = tempfile::tempdir().unwrap();
    let pki = parent.path().join("pki");
    let output = certgen(&["init", "--out", pki.to_str().unwrap(), "--peer", "first"]);
    assert!(output.status.success(), "{}", stderr(&output));
    (parent, pki)
}

fn leaf(pki: &Path, name: &str) -> Output {
    command(pki, name).output().unwrap()
}

fn command(pki: &Path, name: &str) -> Command {
    let mut command = Command::new(CERTGEN);
    command.args(["leaf", "--ca"]).arg(pki).arg(name);
    command
}

fn start(command: &mut Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Every service of the inventory has its whole directory, every directory its service, and nothing else is there.
fn assert_whole(pki: &Path) -> Inventory {
    let inventory = HomeView::open(pki).unwrap().inventory().clone();
    let mut expected: BTreeSet<String> = [".lock", "inventory.jsonl"].map(str::to_owned).into();
    expected.extend(
        ["root", "intermediate"]
            .iter()
            .flat_map(|name| [format!("{name}.pem"), format!("{name}.key.pem")]),
    );
    expected.extend(inventory.services().keys().map(|&name| name.to_owned()));
    assert_eq!(entries(pki).into_iter().collect::<BTreeSet<_>>(), expected);
    let anchors = TrustAnchors::from_pem(&fs::read(pki.join("root.pem")).unwrap()).unwrap();
    for (service, record) in inventory.services() {
        let directory = pki.join(service);
        assert_eq!(
            entries(&directory),
            ["ca.pem", "certificate.pem", "chain.pem", "fullchain.pem", "key.pem"],
            "{service}"
        );
        let read = |file: &str| fs::read(directory.join(file)).unwrap();
        assert_eq!(
            read("fullchain.pem"),
            [read("certificate.pem"), read("chain.pem")].concat()
        );
        let chain = certificates_from_pem(&read("fullchain.pem")).unwrap();
        let hex: String = chain[0].sha256().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, record.sha256, "{service}");
        let key = PrivateKey::from_pem(&read("key.pem")).unwrap();
        assert_eq!(
            sha256(&key.public_key().to_spki_der()),
            chain[0].spki_sha256(),
            "{service}"
        );
        let chain: Vec<_> = chain.iter().map(|certificate| certificate.der().clone()).collect();
        verify_client_chain(&chain, &anchors, now()).unwrap();
    }
    let serials: BTreeSet<_> = inventory.issued().iter().map(|record| &record.serial).collect();
    assert_eq!(serials.len(), inventory.issued().len(), "no serial number twice");
    inventory
}

#[test]
fn of_runs_at_once_each_issues_and_none_is_lost() {
    for runs in [2, 8] {
        let (_parent, pki) = new_home();
        let children: Vec<_> = (0..runs)
            .map(|number| start(&mut command(&pki, &format!("service-{number}"))))
            .collect();
        for child in children {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", stderr(&output));
        }
        let inventory = assert_whole(&pki);
        assert_eq!(inventory.issued().len(), 1 + runs);
    }
}

#[test]
fn of_runs_at_once_for_one_name_one_wins() {
    let (_parent, pki) = new_home();
    let children: Vec<_> = (0..4).map(|_| start(&mut command(&pki, "same"))).collect();
    let outputs: Vec<_> = children
        .into_iter()
        .map(|child| child.wait_with_output().unwrap())
        .collect();
    assert_eq!(outputs.iter().filter(|output| output.status.success()).count(), 1);
    for loser in outputs.iter().filter(|output| !output.status.success()) {
        assert_eq!(loser.status.code(), Some(3));
        assert!(stderr(loser).contains("`same` is already taken"), "{}", stderr(loser));
    }
    assert_eq!(assert_whole(&pki).issued().len(), 2);
}

#[test]
fn who_has_to_wait_is_told_and_then_served() {
    let (_parent, pki) = new_home();
    let lock = fs::File::open(pki.join(".lock")).unwrap();
    lock.lock().unwrap();
    let mut child = start(&mut command(&pki, "patient"));
    let mut said = String::new();
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    errors.read_line(&mut said).unwrap();
    assert!(
        said.starts_with("waiting for another certgen to end its work in `"),
        "{said}"
    );
    assert_eq!(HomeView::open(&pki).unwrap().inventory().issued().len(), 1);
    drop(lock);
    errors.read_to_string(&mut said).unwrap();
    assert!(child.wait().unwrap().success(), "{said}");
    assert_eq!(assert_whole(&pki).issued().len(), 2);
}

/// Runs are killed at moments that nobody chose. What each left is looked at by the next.
#[test]
fn runs_that_are_killed_leave_all_or_nothing_of_what_they_did() {
    let (_parent, pki) = new_home();
    let began = Instant::now();
    leaf(&pki, "measure");
    let whole_run = began.elapsed();
    let seed = u64::from_be_bytes(cryptokit::random::bytes());
    println!("seed {seed}, a whole run takes {whole_run:?}");
    let mut state = seed | 1;
    let (mut killed, mut completed) = (0, 0);
    for number in 0..60 {
        // xorshift64: which moments are tried is all that hangs on it.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let mut child = start(&mut command(&pki, &format!("service-{number}")));
        let share = u32::try_from(state % 1000).unwrap();
        let until = Instant::now() + whole_run * share / 800;
        while Instant::now() < until {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        match child.wait().unwrap().code() {
            None => killed += 1,
            Some(code) => {
                assert_eq!(code, 0);
                completed += 1;
            }
        }
        // Readers find a home at any moment.
        HomeView::open(&pki).unwrap();
    }
    println!("{killed} killed, {completed} were faster");
    let output = leaf(&pki, "last");
    assert!(output.status.success(), "{}", stderr(&output));
    let inventory = assert_whole(&pki);
    assert!(inventory.issued().len() >= 3 + completed);
}

/// As a full disk does, a limit on the size of files makes writing fail: at the first file, at a later one, at the
/// inventory.
#[test]
fn a_disk_that_takes_no_more_leaves_the_old_files_whole() {
    let (_parent, pki) = new_home();
    // So that the inventory is the longest file.
    for number in 0..4 {
        assert!(leaf(&pki, &format!("before-{number}")).status.success());
    }
    let before = assert_whole(&pki).issued().len();
    let mut unfinished = 0;
    for blocks in 0..8 {
        let script = format!("trap '' XFSZ; ulimit -f {blocks} && exec \"$0\" leaf --ca \"$1\" service-{blocks}");
        let output = Command::new("sh")
            .args(["-c", &script, CERTGEN])
            .arg(&pki)
            .output()
            .unwrap();
        if output.status.success() {
            continue;
        }
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(said.contains("File too large") && said.contains("hint: "), "{said}");
        unfinished += usize::from(said.contains("decided but not all in place"));
        assert_eq!(pki.join(".pending").exists(), said.contains("decided"), "{said}");
        for service in ["first", "before-0"] {
            assert_eq!(entries(&pki.join(service)).len(), 5);
        }
        let issued = HomeView::open(&pki).unwrap().inventory().issued().len();
        assert_eq!(issued, before + unfinished - usize::from(said.contains("decided")));
        if said.contains("decided") {
            break;
        }
        assert_eq!(assert_whole(&pki).issued().len(), before);
    }
    assert_eq!(
        unfinished, 1,
        "one of the limits lets everything be prepared, and not recorded"
    );
    let output = leaf(&pki, "last");
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("warning: completed the changes"),
        "{}",
        stderr(&output)
    );
    assert_eq!(assert_whole(&pki).issued().len(), before + 2);
}

#[test]
fn a_directory_that_cannot_be_written_is_left_as_it_is() {
    let (parent, pki) = new_home();
    let program = parent.path().join("certgen");
    // By another process: a descriptor of ours that is open for writing could be inherited by what another test starts at
    // this moment, and then nobody may run the file.
    assert!(
        Command::new("cp")
            .arg(CERTGEN)
            .arg(&program)
            .status()
            .unwrap()
            .success()
    );
    let mut command = Command::new(&program);
    command.args(["leaf", "--ca"]).arg(&pki).arg("new");
    if rustix::process::geteuid().is_root() {
        // Nothing is read-only to root.
        give_to(parent.path(), 65_534);
        command.uid(65_534);
    }
    let modes = |mode| fs::set_permissions(&pki, fs::Permissions::from_mode(mode)).unwrap();
    modes(0o500);
    let output = command.output().unwrap();
    modes(0o700);
    assert_eq!(output.status.code(), Some(3));
    let said = stderr(&output);
    assert!(
        said.starts_with("error: cannot make `") && said.contains("Permission denied"),
        "{said}"
    );
    assert_eq!(assert_whole(&pki).issued().len(), 1);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
}

fn give_to(path: &Path, user: u32) {
    std::os::unix::fs::chown(path, Some(user), Some(user)).unwrap();
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            give_to(&entry.unwrap().path(), user);
        }
    }
}

#[test]
fn modes_are_exact_under_any_umask() {
    let (_parent, pki) = new_home();
    for umask in ["000", "077", "777"] {
        let script = format!("umask {umask}; exec \"$0\" leaf --ca \"$1\" umask-{umask}");
        let output = Command::new("sh")
            .args(["-c", &script, CERTGEN])
            .arg(&pki)
            .output()
            .unwrap();
        assert!(output.status.success(), "umask {umask}: {}", stderr(&output));
        let directory = pki.join(format!("umask-{umask}"));
        let mode = |path: &Path| fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode(&directory), 0o700);
        assert_eq!(mode(&pki.join("inventory.jsonl")), 0o600);
        for file in entries(&directory) {
            let expected = if file == "key.pem" { 0o600 } else { 0o644 };
            assert_eq!(mode(&directory.join(&file)), expected, "umask {umask}: {file}");
        }
    }
    assert_whole(&pki);
}

/// Looks at every file that comes to be, as often as it can, while keys are made under the worst umask.
#[test]
fn no_key_is_open_to_others_for_a_moment() {
    let (_parent, pki) = new_home();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let (mut keys, mut open) = (0_u64, Vec::new());
            while !done.load(Ordering::Relaxed) {
                look(&pki, &mut keys, &mut open);
            }
            (keys, open)
        });
        for number in 0..12 {
            let script = format!("umask 000; exec \"$0\" leaf --ca \"$1\" service-{number}");
            let output = Command::new("sh")
                .args(["-c", &script, CERTGEN])
                .arg(&pki)
                .output()
                .unwrap();
            assert!(output.status.success(), "{}", stderr(&output));
        }
        done.store(true, Ordering::Relaxed);
        let (keys, open) = watcher.join().unwrap();
        println!("looked at {keys} keys");
        assert!(open.is_empty(), "{open:?}");
        assert!(keys > 0);
    });
}

fn look(directory: &Path, keys: &mut u64, open: &mut Vec<PathBuf>) {
    // What is looked at may be gone a moment later.
    let Ok(found) = fs::read_dir(directory) else { return };
    for path in found.flatten().map(|entry| entry.path()) {
        let Ok(metadata) = fs::symlink_metadata(&path) else {
            continue;
        };
        let is_private = metadata.is_dir() || path.to_string_lossy().ends_with("key.pem");
        *keys += u64::from(metadata.is_file() && is_private);
        if is_private && metadata.permissions().mode() & 0o077 != 0 {
            open.push(path.clone());
        }
        if metadata.is_dir() {
            look(&path, keys, open);
        }
    }
}

#[test]
fn what_stands_in_the_way_is_neither_followed_nor_overwritten() {
    let (parent, pki) = new_home();
    let elsewhere = parent.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::write(elsewhere.join("mine.txt"), "mine").unwrap();
    symlink(&elsewhere, pki.join("linked")).unwrap();
    fs::write(pki.join("file"), "mine").unwrap();
    fs::create_dir(pki.join("full")).unwrap();
    fs::write(pki.join("full/key.pem"), "mine").unwrap();
    fs::create_dir(pki.join("inside")).unwrap();
    symlink(elsewhere.join("mine.txt"), pki.join("inside/key.pem")).unwrap();
    for (name, arguments, expected) in [
        ("linked", &[][..], "is a symbolic link"),
        ("linked", &["--force"], "is a symbolic link"),
        ("file", &[], "is not a directory"),
        ("full", &[], "was not made by this authority"),
        ("inside", &[], "was not made by this authority"),
        ("inside", &["--force"], "is a symbolic link"),
    ] {
        let output = command(&pki, name).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{name}");
        assert!(stderr(&output).contains(expected), "{name}: {}", stderr(&output));
    }
    assert_eq!(entries(&elsewhere), ["mine.txt"]);
    assert_eq!(fs::read_to_string(elsewhere.join("mine.txt")).unwrap(), "mine");
    assert_eq!(fs::read_to_string(pki.join("full/key.pem")).unwrap(), "mine");
    assert_eq!(HomeView::open(&pki).unwrap().inventory().issued().len(), 1);

    let output = command(&pki, "full").arg("--force").output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let link = parent.path().join("link");
    symlink(&pki, &link).unwrap();
    let output = leaf(&link, "new");
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("is a symbolic link"), "{}", stderr(&output));
}

#[test]
fn a_lock_that_is_never_given_back_ends_in_an_error() {
    // The library's patience is tried with less than the command's 30 seconds.
    let (_parent, pki) = new_home();
    let lock = fs::File::open(pki.join(".lock")).unwrap();
    lock.lock().unwrap();
    let patience = certgen::home::Patience {
        at_most: Duration::from_millis(50),
        on_wait: None,
    };
    let error = certgen::home::Home::open_with(&pki, patience).unwrap_err();
    assert!(
        error.to_string().starts_with("another certgen has been at work in `"),
        "{error}"
    );
}
