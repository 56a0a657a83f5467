//! A home at every step of a change, and homes that somebody meddled with.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use cryptokit::x509::{LeafProfile, LeafRequest, SubjectAlternativeName};
use tempfile::TempDir;
use time::OffsetDateTime;

use super::pending::Step;
use super::*;
use crate::init::{InitRequest, LeafSpec, init};

fn now() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap()
}

/// A home with one service, `api`.
fn new_home() -> (TempDir, PathBuf) {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("pki");
    let mut request = InitRequest::new(&path);
    request
        .leaves
        .push(LeafSpec::parse(LeafProfile::Server, "api=api.example").unwrap());
    init(&request, now()).unwrap();
    (parent, path)
}

/// Adds the certificate of a service to a change.
fn issue(changes: &mut Transaction<'_>, service: &str) -> Result<(), HomeError> {
    let authority = changes.home().authority("intermediate", None)?;
    let request = LeafRequest::new(
        LeafProfile::Client,
        vec![SubjectAlternativeName::parse("dns:worker.example").unwrap()],
    );
    let (issued, key) = authority.issue_leaf(&request, now()).unwrap();
    let key = crate::leaf::key_pem(&key, None).unwrap();
    let (chain, ca) = (changes.home().chain("intermediate")?, changes.home().roots()?);
    let certificate = issued.certificate();
    changes.service(
        service,
        &ServiceFiles {
            certificate,
            chain: &chain,
            ca: &ca,
            key: Some(&key),
        },
    )?;
    let record = IssuedRecord::of(certificate, "intermediate", Some(service), "client", now());
    changes.record(Event::Issued(record));
    Ok(())
}

/// Every file with its contents and mode, but for the lock.
fn files(directory: &Path) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    fn collect(base: &Path, directory: &Path, found: &mut BTreeMap<PathBuf, (u32, Vec<u8>)>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let metadata = fs::symlink_metadata(&path).unwrap();
            let mode = metadata.permissions().mode() & 0o7777;
            let relative = path.strip_prefix(base).unwrap().to_owned();
            if metadata.is_dir() {
                found.insert(relative, (mode, Vec::new()));
                collect(base, &path, found);
            } else if relative != Path::new(layout::LOCK) {
                found.insert(relative, (mode, fs::read(&path).unwrap()));
            }
        }
    }
    let mut found = BTreeMap::new();
    collect(directory, directory, &mut found);
    found
}

/// What is on disk at a moment, as a process that is killed then would leave it.
fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_tree(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
    fs::set_permissions(to, fs::metadata(from).unwrap().permissions()).unwrap();
}

#[test]
fn whatever_moment_a_process_is_ended_at_all_or_nothing_of_its_changes_is_there() {
    let (parent, path) = new_home();
    fs::write(path.join("old.crl.pem"), "old").unwrap();
    let mut snapshots: Vec<(Step, PathBuf)> = Vec::new();
    let before = files(&path);

    let mut home = Home::open(&path).unwrap();
    let mut changes = home.begin().unwrap();
    issue(&mut changes, "api").unwrap();
    issue(&mut changes, "worker").unwrap();
    changes.public("root.crl.pem", b"a list").unwrap();
    changes.remove("old.crl.pem").unwrap();
    changes
        .commit_step_by_step(&mut |step| {
            let copy = parent.path().join(format!("at-{}", snapshots.len()));
            copy_tree(&path, &copy);
            snapshots.push((step, copy));
        })
        .unwrap();
    drop(home);
    let after = files(&path);
    assert_ne!(before, after);
    assert_eq!(
        after.len(),
        before.len() + 6,
        "worker/ with 5 files; one list came and one went"
    );

    // Once more halfway through each line that the inventory gets.
    let decided = snapshots
        .iter()
        .find(|(step, _)| *step == Step::Decided)
        .unwrap()
        .1
        .clone();
    let records = fs::read(decided.join(layout::PENDING).join(layout::RECORDS)).unwrap();
    for (number, length) in [1, records.len() / 4, records.len() / 2, records.len() - 1]
        .into_iter()
        .enumerate()
    {
        let copy = parent.path().join(format!("torn-{number}"));
        copy_tree(&decided, &copy);
        let mut inventory = fs::read(copy.join(INVENTORY)).unwrap();
        inventory.extend_from_slice(&records[..length]);
        fs::write(copy.join(INVENTORY), inventory).unwrap();
        snapshots.push((Step::Decided, copy));
    }

    assert!(snapshots.len() >= 5 + 8 + 4, "{snapshots:?}");
    for (step, copy) in snapshots {
        let home = Home::open(&copy).unwrap();
        let expected = if step == Step::Prepared { &before } else { &after };
        assert!(files(&copy) == *expected, "{step:?} {}", copy.display());
        let told = step != Step::Prepared && step != Step::Finished;
        assert_eq!(home.notices().len(), usize::from(told), "{step:?}");
        drop(home);
        assert!(Home::open(&copy).unwrap().notices().is_empty(), "once is enough");
    }
}

#[test]
fn a_change_that_is_dropped_leaves_nothing() {
    let (_parent, path) = new_home();
    let before = files(&path);
    let mut home = Home::open(&path).unwrap();
    let mut changes = home.begin().unwrap();
    issue(&mut changes, "worker").unwrap();
    assert_eq!(files(&path).len(), before.len() + 7, "prepared out of sight");
    drop(changes);
    assert!(files(&path) == before);
}

#[test]
fn a_serial_number_is_recorded_once() {
    let (_parent, path) = new_home();
    let before = files(&path);
    let mut home = Home::open(&path).unwrap();
    let known = home.inventory().issued()[0].clone();
    let mut changes = home.begin().unwrap();
    changes.record(Event::Issued(known.clone()));
    assert!(matches!(changes.commit(), Err(HomeError::KnownSerial { .. })));
    let new = IssuedRecord {
        serial: "4242".to_owned(),
        ..known
    };
    let mut changes = home.begin().unwrap();
    changes.record(Event::Issued(new.clone()));
    changes.record(Event::Issued(new));
    assert!(matches!(changes.commit(), Err(HomeError::KnownSerial { .. })));
    assert!(files(&path) == before);
}

#[test]
fn nothing_is_written_through_a_link_or_over_what_is_not_ours() {
    let (parent, path) = new_home();
    let elsewhere = parent.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let refused = |change: &dyn Fn(&mut Transaction<'_>) -> Result<(), HomeError>| {
        let mut home = Home::open(&path).unwrap();
        let mut changes = home.begin().unwrap();
        change(&mut changes).unwrap_err()
    };
    let worker = path.join("worker");

    symlink(&elsewhere, &worker).unwrap();
    assert!(matches!(
        refused(&|c| issue(c, "worker")),
        HomeError::SymbolicLink { .. }
    ));
    fs::remove_file(&worker).unwrap();

    fs::write(&worker, "a file").unwrap();
    assert!(matches!(
        refused(&|c| issue(c, "worker")),
        HomeError::NotADirectory { .. }
    ));
    fs::remove_file(&worker).unwrap();

    fs::create_dir(&worker).unwrap();
    fs::set_permissions(&worker, fs::Permissions::from_mode(0o770)).unwrap();
    assert!(matches!(
        refused(&|c| issue(c, "worker")),
        HomeError::WritableByOthers { .. }
    ));
    fs::set_permissions(&worker, fs::Permissions::from_mode(0o700)).unwrap();

    fs::write(worker.join("key.pem"), "mine").unwrap();
    assert!(matches!(refused(&|c| issue(c, "worker")), HomeError::NotOurs { .. }));
    fs::remove_file(worker.join("key.pem")).unwrap();
    let secret = parent.path().join("secret");
    fs::write(&secret, "mine").unwrap();
    symlink(&secret, worker.join("key.pem")).unwrap();
    for overwrite in [Overwrite::OnlyOurs, Overwrite::Anything] {
        let error = refused(&|c| {
            c.overwrite(overwrite);
            issue(c, "worker")
        });
        assert!(
            matches!(error, HomeError::NotOurs { .. } | HomeError::SymbolicLink { .. }),
            "{error}"
        );
    }
    assert_eq!(fs::read(&secret).unwrap(), b"mine");

    for relative in [
        "../x",
        "/etc/x",
        "a/b/c",
        ".lock",
        ".pending",
        "inventory.jsonl",
        "a/../b",
        "",
        "a/",
        "/",
    ] {
        assert!(
            matches!(refused(&|c| c.public(relative, b"")), HomeError::Name { .. }),
            "{relative}"
        );
        assert!(
            matches!(refused(&|c| c.remove(relative)), HomeError::Name { .. }),
            "{relative}"
        );
    }
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
}

#[test]
fn a_services_own_files_are_replaced_and_exchanged_ones_are_not() {
    let (_parent, path) = new_home();
    let renew = || {
        let mut home = Home::open(&path).unwrap();
        let mut changes = home.begin().unwrap();
        issue(&mut changes, "api").and_then(|()| changes.commit())
    };
    renew().unwrap();
    let api = path.join("api");
    let key = fs::read(api.join("key.pem")).unwrap();
    fs::copy(path.join("root.key.pem"), api.join("key.pem")).unwrap();
    assert!(matches!(renew(), Err(HomeError::NotOurs { .. })));
    fs::write(api.join("key.pem"), key).unwrap();
    renew().unwrap();
    fs::copy(path.join("root.pem"), api.join("certificate.pem")).unwrap();
    assert!(matches!(renew(), Err(HomeError::NotOurs { .. })));
    fs::remove_file(api.join("certificate.pem")).unwrap();
    renew().unwrap();
}

#[test]
fn a_home_that_is_none_or_that_others_can_change_is_refused() {
    let (parent, path) = new_home();
    let open = |path: &Path| Home::open(path).map(|_| ());
    assert!(matches!(
        open(&parent.path().join("no")),
        Err(HomeError::Missing { .. })
    ));
    assert!(matches!(open(parent.path()), Err(HomeError::NotAHome { .. })));
    assert!(
        !parent.path().join(layout::LOCK).exists(),
        "nothing is made in somebody's directory"
    );
    assert!(matches!(
        open(&path.join("root.pem")),
        Err(HomeError::NotADirectory { .. })
    ));
    let link = parent.path().join("link");
    symlink(&path, &link).unwrap();
    for link in [link.clone(), link.join("")] {
        assert!(
            matches!(open(&link), Err(HomeError::SymbolicLink { .. })),
            "{}",
            link.display()
        );
        assert!(matches!(HomeView::open(&link), Err(HomeError::SymbolicLink { .. })));
    }
    for mode in [0o720, 0o702, 0o777] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        assert!(
            matches!(open(&path), Err(HomeError::WritableByOthers { .. })),
            "{mode:o}"
        );
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    open(&path).unwrap();

    let key = path.join("intermediate.key.pem");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    let read = Home::open(&path).unwrap().authority("intermediate", None);
    assert!(matches!(read, Err(HomeError::KeyFile(_))));
    fs::remove_file(&key).unwrap();
    let read = Home::open(&path).unwrap().authority("intermediate", None);
    assert!(matches!(read, Err(HomeError::NoKey { .. })));
    fs::copy(path.join("root.pem"), path.join("intermediate.pem")).unwrap();
    let read = HomeView::open(&path).unwrap().authority_certificate("intermediate");
    assert!(matches!(read, Err(HomeError::NotInInventory { .. })));
    let read = HomeView::open(&path).unwrap().authority_certificate("other");
    assert!(matches!(read, Err(HomeError::UnknownAuthority { known, .. }) if known == ["intermediate"]));
}

#[test]
fn a_torn_last_line_is_set_aside_and_any_other_bad_line_is_an_error() {
    let (_parent, path) = new_home();
    let whole = fs::read_to_string(path.join(INVENTORY)).unwrap();
    fs::write(path.join(INVENTORY), format!("{whole}{{\"half\":")).unwrap();
    assert_eq!(HomeView::open(&path).unwrap().inventory().issued().len(), 1);
    let home = Home::open(&path).unwrap();
    assert_eq!(
        home.notices(),
        ["the last line of inventory.jsonl was not whole; it is in inventory.torn now"]
    );
    drop(home);
    assert_eq!(fs::read_to_string(path.join(INVENTORY)).unwrap(), whole);
    assert_eq!(fs::read_to_string(path.join(TORN)).unwrap(), "{\"half\":");

    fs::write(path.join(INVENTORY), format!("{{\"half\":\n{whole}")).unwrap();
    let error = Home::open(&path).unwrap_err();
    assert!(
        matches!(&error, HomeError::Inventory { source, .. } if source.line == 1),
        "{error}"
    );
}

#[test]
fn changes_that_belong_to_another_inventory_are_not_put_into_place() {
    let (_parent, path) = new_home();
    let whole = fs::read(path.join(INVENTORY)).unwrap();
    let mut home = Home::open(&path).unwrap();
    let mut changes = home.begin().unwrap();
    issue(&mut changes, "worker").unwrap();
    let copy = path.with_extension("copy");
    changes
        .commit_step_by_step(&mut |step| {
            if step == Step::Decided {
                copy_tree(&path, &copy);
            }
        })
        .unwrap();
    for inventory in [&whole[..whole.len() - 1], &[&whole[..], b"{}\n"].concat()] {
        fs::write(copy.join(INVENTORY), inventory).unwrap();
        assert!(matches!(Home::open(&copy), Err(HomeError::ForeignChanges { .. })));
        assert!(!copy.join("worker").exists());
    }
    fs::write(copy.join(INVENTORY), &whole).unwrap();
    assert_eq!(Home::open(&copy).unwrap().notices().len(), 1);
    assert!(copy.join("worker/key.pem").exists());
}

#[test]
fn a_second_process_waits_and_then_says_for_whom() {
    let (_parent, path) = new_home();
    let home = Home::open(&path).unwrap();
    let mut told = false;
    let patience = Patience {
        at_most: Duration::from_millis(600),
        on_wait: Some(&mut || told = true),
    };
    let error = Home::open_with(&path, patience).unwrap_err();
    assert!(matches!(error, HomeError::Busy { .. }));
    assert!(told);
    assert_eq!(
        HomeView::open(&path).unwrap().inventory().issued().len(),
        1,
        "reading waits for nobody"
    );
    drop(home);
    Home::open(&path).unwrap();
}
