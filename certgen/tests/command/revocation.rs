//! `certgen revoke` and `certgen crl`: no entry is ever lost, no number given twice, whatever happens around them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use certgen::home::{Event, Home, HomeView};
use certgen::init::{InitRequest, LeafSpec, init};
use certgen::lifecycle::list;
use certgen::lifecycle::revoke::{RevokeRequest, Revoked, revoke};
use certgen::lifecycle::{AuthorityKeys, LifecycleError};
use cryptokit::x509::{Certificate, IssueError, LeafProfile, RevocationList, RevocationReason, certificates_from_pem};
use time::{Duration, OffsetDateTime};

use crate::support::{CERTGEN, certgen, entries, now, stderr};

/// A home with these services, made at that time.
fn home(directory: &Path, services: &[&str], at: OffsetDateTime) -> PathBuf {
    let path = directory.join("pki");
    let mut request = InitRequest::new(&path);
    request.leaves = services
        .iter()
        .map(|name| LeafSpec::parse(LeafProfile::Client, name).unwrap())
        .collect();
    init(&request, at).unwrap();
    path
}

fn revoke_at(path: &Path, target: &str, at: OffsetDateTime) -> Result<Revoked, LifecycleError> {
    let request = RevokeRequest {
        targets: vec![target.to_owned()],
        all: false,
        reason: RevocationReason::KeyCompromise,
        lifetime: None,
    };
    let mut keys = AuthorityKeys::default();
    let mut home = Home::open(path).unwrap();
    revoke(&mut home, &request, |home, name| keys.load(home, name), at)
}

/// Makes the list of the issuing authority anew.
fn list_at(path: &Path, at: OffsetDateTime) -> Result<RevocationList, LifecycleError> {
    let mut home = Home::open(path).unwrap();
    let authority = home.authority("intermediate", None).unwrap();
    let made = list::next(&home, "intermediate", &authority, &[], None, at)?;
    let list = made.list.clone();
    let mut changes = home.begin().unwrap();
    list::stage(&mut changes, &[made], at)?;
    changes.commit().unwrap();
    Ok(list)
}

fn list_in(path: &Path) -> RevocationList {
    RevocationList::from_der(&fs::read(path.join("intermediate.crl.der")).unwrap()).unwrap()
}

fn certificate_in(path: &Path) -> Certificate {
    certificates_from_pem(&fs::read(path).unwrap()).unwrap().swap_remove(0)
}

fn number_in(path: &Path) -> u64 {
    list_in(path).number().unwrap().to_string().parse().unwrap()
}

fn run(path: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let directory = path.to_str().unwrap();
    let output = certgen(&[arguments, &["--ca", directory]].concat());
    (
        output.status.code(),
        String::from_utf8(output.stdout.clone()).unwrap(),
        stderr(&output),
    )
}

#[test]
fn parallel_runs_lose_no_entry_and_give_no_number_twice() {
    let directory = tempfile::tempdir().unwrap();
    let services: Vec<String> = (0..8).map(|number| format!("s{number}")).collect();
    let names: Vec<&str> = services.iter().map(String::as_str).collect();
    let path = home(directory.path(), &[&names[..], &["other"]].concat(), now());
    let start = |arguments: &[&str]| {
        let mut command = Command::new(CERTGEN);
        command.args(arguments).arg("--ca").arg(&path).stdout(Stdio::null());
        command.stderr(Stdio::null()).spawn().unwrap()
    };
    let mut runs: Vec<_> = names.iter().map(|name| start(&["revoke", name])).collect();
    runs.extend((0..4).map(|_| start(&["crl", "intermediate"])));
    runs.extend((0..2).map(|_| start(&["renew", "other"])));
    for mut run in runs {
        assert!(run.wait().unwrap().success());
    }

    let inventory = HomeView::open(&path).unwrap();
    let inventory = inventory.inventory();
    assert_eq!(inventory.revoked().count(), names.len());
    assert_eq!(list_in(&path).revoked().len(), names.len());
    assert_eq!(
        inventory.issued().len(),
        names.len() + 3,
        "no certificate is lost either"
    );
    let mut numbers = BTreeSet::new();
    let text = fs::read(path.join("inventory.jsonl")).unwrap();
    for line in text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
        if let Event::Crl(record) = Event::from_line(line).unwrap() {
            assert!(numbers.insert((record.issuer_key_id, record.number)), "a number twice");
        }
    }
    assert_eq!(number_in(&path), 12);
}

#[test]
fn a_killed_run_has_revoked_and_listed_or_done_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let services: Vec<String> = (0..12).map(|number| format!("s{number}")).collect();
    let names: Vec<&str> = services.iter().map(String::as_str).collect();
    let path = home(directory.path(), &names, now());
    assert_eq!(run(&path, &["crl"]).0, Some(0));
    for (round, name) in names.iter().enumerate() {
        let mut command = Command::new(CERTGEN);
        command.args(["revoke", name, "--ca"]).arg(&path);
        let mut started = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // While it prepares its changes, or while it puts them into place.
        let seen = |entry: &String| match round % 2 {
            0 => entry.starts_with(".pending-"),
            _ => entry == ".pending",
        };
        while started.try_wait().unwrap().is_none() && !entries(&path).iter().any(seen) {
            std::thread::yield_now();
        }
        started.kill().unwrap();
        started.wait().unwrap();
        // Whoever comes next completes what was decided and removes what was not.
        drop(Home::open(&path).unwrap());
        let home = HomeView::open(&path).unwrap();
        let revoked: Vec<String> = home.inventory().revoked().map(|record| record.serial.clone()).collect();
        let list = list_in(&path);
        let listed = list
            .revoked()
            .iter()
            .map(|entry| hex(&entry.serial))
            .collect::<Vec<_>>();
        assert_eq!(listed, revoked, "round {round}");
        let issuer = home.authority_certificate("intermediate").unwrap();
        list.verify(&issuer, now()).unwrap();
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn what_has_expired_stays_on_one_more_list() {
    let directory = tempfile::tempdir().unwrap();
    let made = now();
    let path = home(directory.path(), &["worker", "ops"], made);
    revoke_at(&path, "worker", made).unwrap();
    let lengths: Vec<usize> = [89, 91, 92, 93]
        .into_iter()
        .map(|days| list_at(&path, made + Duration::days(days)).unwrap().revoked().len())
        .collect();
    assert_eq!(lengths, [1, 1, 0, 0]);
    let gone = revoke_at(&path, "ops", made + Duration::days(91)).unwrap_err();
    assert!(gone.to_string().contains("has no certificate that is valid"), "{gone}");
}

#[test]
fn a_clock_that_went_back_makes_no_list() {
    let directory = tempfile::tempdir().unwrap();
    let made = now();
    let path = home(directory.path(), &["worker", "ops"], made);
    revoke_at(&path, "worker", made + Duration::HOUR).unwrap();
    let before = fs::read(path.join("inventory.jsonl")).unwrap();
    let error = revoke_at(&path, "ops", made).unwrap_err();
    assert!(matches!(error, LifecycleError::ClockBehind { .. }), "{error}");
    assert_eq!(fs::read(path.join("inventory.jsonl")).unwrap(), before);
    // Whoever waited for the other read the clock before it: a list's time does not go back for that.
    let behind = list_at(&path, made + Duration::minutes(59)).unwrap();
    assert_eq!(behind.this_update(), list_in(&path).this_update());
    assert!(behind.this_update() >= made + Duration::HOUR - Duration::SECOND);
    // The list may be gone; the inventory still knows.
    fs::remove_file(path.join("intermediate.crl.der")).unwrap();
    assert!(matches!(list_at(&path, made), Err(LifecycleError::ClockBehind { .. })));
}

#[test]
fn an_expired_authority_makes_no_list() {
    let directory = tempfile::tempdir().unwrap();
    let made = now();
    let path = home(directory.path(), &["worker"], made);
    let error = list_at(&path, made + Duration::days(1826)).unwrap_err();
    assert!(
        matches!(
            &error,
            LifecycleError::List {
                source: IssueError::IssuerNotValid { .. },
                ..
            }
        ),
        "{error}"
    );
    let list = list_at(&path, made + Duration::days(1820)).unwrap();
    let end = certificate_in(&path.join("intermediate.pem")).not_after();
    assert_eq!(list.next_update(), Some(end), "no list outlives its authority");
}

#[test]
fn a_list_that_is_lost_torn_or_anothers_is_made_again_whole() {
    let directory = tempfile::tempdir().unwrap();
    let path = home(directory.path(), &["worker", "ops", "api"], now());
    assert_eq!(run(&path, &["revoke", "worker"]).0, Some(0));
    assert_eq!(run(&path, &["revoke", "ops"]).0, Some(0));
    let file = path.join("intermediate.crl.der");
    let whole = fs::read(&file).unwrap();
    let others = fs::read(path.join("root.crl.der")).unwrap();
    let mut changed = whole.clone();
    *changed.last_mut().unwrap() ^= 1;
    for (round, damage) in [None, Some(&whole[..40]), Some(&[]), Some(&others), Some(&changed)]
        .into_iter()
        .enumerate()
    {
        match damage {
            None => fs::remove_file(&file).unwrap(),
            Some(bytes) => fs::write(&file, bytes).unwrap(),
        }
        let (code, _, said) = run(&path, &["crl", "intermediate"]);
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(
            said.contains("was not this authority's list"),
            damage.is_some(),
            "{said}"
        );
        assert_eq!(list_in(&path).revoked().len(), 2);
        assert_eq!(number_in(&path), 3 + round as u64);
    }
}

#[test]
fn an_old_copy_of_list_or_inventory_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = home(directory.path(), &["worker", "ops", "api"], now());
    let (inventory, list) = (path.join("inventory.jsonl"), path.join("intermediate.crl.der"));
    assert_eq!(run(&path, &["revoke", "worker"]).0, Some(0));
    let (old_inventory, old_list) = (fs::read(&inventory).unwrap(), fs::read(&list).unwrap());
    assert_eq!(run(&path, &["revoke", "ops"]).0, Some(0));

    fs::write(&list, &old_list).unwrap();
    assert_eq!(run(&path, &["crl", "intermediate"]).0, Some(0));
    assert_eq!((list_in(&path).revoked().len(), number_in(&path)), (2, 3));

    fs::write(&inventory, &old_inventory).unwrap();
    assert_eq!(run(&path, &["revoke", "api"]).0, Some(0));
    assert_eq!((list_in(&path).revoked().len(), number_in(&path)), (3, 4));
}

#[test]
fn serial_numbers_are_taken_as_others_print_them_and_only_when_they_mean_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = home(directory.path(), &["a", "b", "c"], now());
    let serial = |service: &str| {
        let home = HomeView::open(&path).unwrap();
        home.inventory().service(service).unwrap().serial.clone()
    };
    let [a, b, c] = ["a", "b", "c"].map(serial);
    let with_colons: Vec<&str> = (0..b.len() / 2).map(|index| &b[2 * index..2 * index + 2]).collect();
    for text in [
        a[..8].to_owned(),
        with_colons.join(":").to_uppercase(),
        format!("0x{c}"),
    ] {
        let (code, _, said) = run(&path, &["revoke", &text]);
        assert_eq!(code, Some(0), "{text}: {said}");
    }
    let (code, _, said) = run(&path, &["revoke", &a]);
    assert!(code == Some(3) && said.contains("was revoked at"), "{said}");
    let (code, _, said) = run(&path, &["revoke", &a[..7]]);
    assert!(code == Some(3) && said.contains("there is no service"), "{said}");
    assert_eq!(list_in(&path).revoked().len(), 3);
}

#[test]
fn one_refusal_of_several_revokes_none() {
    let directory = tempfile::tempdir().unwrap();
    let path = home(directory.path(), &["worker", "ops"], now());
    let (code, _, said) = run(&path, &["revoke", "worker", "nobody"]);
    assert!(code == Some(3) && said.contains("`nobody`"), "{said}");
    assert!(!path.join("crl.pem").exists());
    assert_eq!(run(&path, &["revoke", "worker", "ops", "worker"]).0, Some(0));
    assert_eq!((list_in(&path).revoked().len(), number_in(&path)), (2, 1));
}

#[test]
fn without_the_roots_key_everything_but_the_roots_own_list_works() {
    let directory = tempfile::tempdir().unwrap();
    let path = home(directory.path(), &["worker", "ops"], now());
    let kept = directory.path().join("safe.pem");
    fs::rename(path.join("root.key.pem"), &kept).unwrap();
    let kept = kept.to_str().unwrap();

    let (code, _, said) = run(&path, &["revoke", "worker"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("`root` has no revocation list yet, and its key is not here"),
        "{said}"
    );
    let (code, _, said) = run(&path, &["crl"]);
    assert!(
        code == Some(0) && said.contains("no new list of `root`: its key is not here"),
        "{said}"
    );
    for arguments in [&["crl", "root"][..], &["revoke", "intermediate"]] {
        let (code, _, said) = run(&path, arguments);
        assert!(code == Some(3) && said.contains("--root-key FILE"), "{said}");
    }
    for arguments in [&["renew", "--all"][..], &["rekey", "ops", "--revoke-old"], &["tree"]] {
        let (code, out, said) = run(&path, arguments);
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(out.contains("key not here"), arguments == ["tree"], "{out}");
    }
    let (code, _, said) = run(&path, &["crl", "root", "--root-key", kept]);
    assert_eq!(code, Some(0), "{said}");
    let another = path.join("intermediate.key.pem");
    let (code, _, said) = run(&path, &["crl", "root", "--root-key", another.to_str().unwrap()]);
    assert!(
        code == Some(3) && said.contains("the key does not belong to the certificate"),
        "{said}"
    );
    let (code, _, said) = run(&path, &["revoke", "intermediate", "--root-key", kept]);
    assert_eq!(code, Some(0), "{said}");
    let all = fs::read_to_string(path.join("crl.pem")).unwrap();
    assert_eq!(all.matches("BEGIN X509 CRL").count(), 2);
}

#[test]
fn a_wrong_passphrase_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        private_files::write_new(&path, text.as_bytes()).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (right, wrong) = (file("right", "correct horse\n"), file("wrong", "correct house\n"));
    let path = directory.path().join("pki");
    let made = certgen(&[
        "init",
        "--out",
        path.to_str().unwrap(),
        "--client",
        "worker",
        "--passphrase-file",
        &right,
    ]);
    assert!(made.status.success(), "{}", stderr(&made));
    let before = fs::read(path.join("inventory.jsonl")).unwrap();
    for command in [
        &["revoke", "worker"][..],
        &["crl"],
        &["renew", "worker"],
        &["rekey", "worker"],
    ] {
        let (code, _, said) = run(&path, &[command, &["--passphrase-file", &wrong]].concat());
        assert!(
            code == Some(3) && said.contains("wrong passphrase"),
            "{command:?}: {said}"
        );
    }
    assert_eq!(fs::read(path.join("inventory.jsonl")).unwrap(), before);
    assert!(!path.join("crl.pem").exists());
    for command in [
        &["renew", "worker"][..],
        &["rekey", "worker", "--revoke-old"],
        &["crl"],
        &["revoke", "worker", "--all"],
    ] {
        let (code, _, said) = run(&path, &[command, &["--passphrase-file", &right]].concat());
        assert_eq!(code, Some(0), "{command:?}: {said}");
    }
}
