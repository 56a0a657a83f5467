//! Exchanging keys in stages: who is accepted by whom at each, and what a run that is killed leaves.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use certgen::home::{AuthorityKind, AuthorityRecord, Event, Home, HomeError, HomeView};
use certgen::rotation::{RotationError, begin_root};
use cryptokit::key_format::PrivateKey;
use cryptokit::x509::{
    AuthorityRequest, CertificateAuthority, CertificateDer, CertificateKey, DistinguishedName, KeyKind, RevocationList,
    SubjectAlternativeName, TrustAnchors, certificate_to_pem, certificates_from_pem, verify_client_chain,
    verify_server_chain,
};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{CERTGEN, entries, now, stderr, stdout};

const PASSPHRASE: &str = "correct horse battery staple";

fn certgen(arguments: &[&str], pki: &Path) -> Output {
    Command::new(CERTGEN)
        .args(arguments)
        .args(["--ca".as_ref(), pki.as_os_str()])
        .env("PASSPHRASE", PASSPHRASE)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn done(arguments: &[&str], pki: &Path) -> String {
    let output = certgen(arguments, pki);
    assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
    stdout(&output)
}

fn new_home(arguments: &[&str]) -> (TempDir, PathBuf) {
    let parent = tempfile::tempdir().unwrap();
    let pki = parent.path().join("pki");
    let output = Command::new(CERTGEN)
        .args([
            "init",
            "--service",
            "api=api.internal",
            "--service",
            "worker=worker.internal",
            "--out",
        ])
        .arg(&pki)
        .args(arguments)
        .env("PASSPHRASE", PASSPHRASE)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    (parent, pki)
}

/// What a service presents at a moment, and what it trusts.
struct Service {
    chain: Vec<CertificateDer<'static>>,
    trusts: TrustAnchors,
}

impl Service {
    fn read(pki: &Path, name: &str) -> Self {
        let read = |file: &str| fs::read(pki.join(name).join(file)).unwrap();
        let certificates = certificates_from_pem(&read("fullchain.pem")).unwrap();
        assert_eq!(
            read("fullchain.pem"),
            [read("certificate.pem"), read("chain.pem")].concat()
        );
        Self {
            chain: certificates
                .iter()
                .map(|certificate| certificate.der().clone())
                .collect(),
            trusts: TrustAnchors::from_pem(&read("ca.pem")).unwrap(),
        }
    }

    fn is_accepted_by(&self, anchors: &TrustAnchors, name: &str) -> bool {
        let server_name = SubjectAlternativeName::parse(&format!("dns:{name}.internal")).unwrap();
        let as_server = verify_server_chain(&self.chain, anchors, &server_name, now()).is_ok();
        let as_client = verify_client_chain(&self.chain, anchors, now()).is_ok();
        assert_eq!(as_server, as_client);
        as_server
    }
}

fn root(pki: &Path) -> TrustAnchors {
    TrustAnchors::from_pem(&fs::read(pki.join("root.pem")).unwrap()).unwrap()
}

#[test]
fn at_every_stage_of_a_root_everybody_accepts_everybody() {
    for arguments in [
        &[][..],
        &["--passphrase-env", "PASSPHRASE"],
        &["--permit-dns", "internal", "--key", "p384"],
    ] {
        let (_parent, pki) = new_home(arguments);
        let passphrase = if arguments.contains(&"PASSPHRASE") {
            arguments
        } else {
            &[]
        };
        let with = |command: &[&'static str]| [command, passphrase].concat();
        let before = Service::read(&pki, "api");
        let only_old = root(&pki);

        done(&with(&["rotate-ca", "begin", "--root"]), &pki);
        let only_new = root(&pki);
        let begun = Service::read(&pki, "api");
        assert_eq!(begun.trusts.certificates().len(), 2);
        assert_eq!(begun.chain[0], before.chain[0], "the certificate and its key stay");
        assert_eq!(begun.chain.len(), 3);
        done(&with(&["renew", "api"]), &pki);
        done(&with(&["leaf", "late=late.internal"]), &pki);
        let renewed = Service::read(&pki, "api");
        let other = Service::read(&pki, "worker");
        let late = Service::read(&pki, "late");
        assert_ne!(renewed.chain[0], begun.chain[0]);

        // Trusting only the old root, both, or only the new one; the file from before it began has no way to the new.
        for anchors in [&only_old, &begun.trusts, &only_new] {
            assert!(begun.is_accepted_by(anchors, "api"));
            assert!(renewed.is_accepted_by(anchors, "api"));
            assert!(other.is_accepted_by(anchors, "worker"));
            assert!(late.is_accepted_by(anchors, "late"));
        }
        assert!(before.is_accepted_by(&only_old, "api") && before.is_accepted_by(&begun.trusts, "api"));
        assert!(!before.is_accepted_by(&only_new, "api"));

        done(&with(&["renew", "worker"]), &pki);
        done(&["rotate-ca", "finish", "--root"], &pki);
        let finished = Service::read(&pki, "api");
        assert_eq!(finished.chain[0], renewed.chain[0]);
        assert_eq!(finished.chain.len(), 2);
        assert_eq!(finished.trusts.certificates(), only_new.certificates());
        for (service, name) in [("api", "api"), ("worker", "worker"), ("late", "late")] {
            assert!(Service::read(&pki, service).is_accepted_by(&only_new, name));
            assert!(!Service::read(&pki, service).is_accepted_by(&only_old, name));
        }
        assert!(!before.is_accepted_by(&finished.trusts, "api"), "trusted no more");
        for file in [
            "root.old.pem",
            "root.cross.pem",
            "root.old.key.pem",
            "intermediate.old.pem",
            "root.old.cross.pem",
        ] {
            assert!(!pki.join(file).exists(), "{file}");
        }
        assert_eq!(entries(&pki.join("retired")).len(), 6);

        // What led from the new root to the old one is on the new root's list.
        done(&with(&["crl"]), &pki);
        let list = RevocationList::from_der(&fs::read(pki.join("root.crl.der")).unwrap()).unwrap();
        assert_eq!(list.revoked().len(), 1);

        // Once more: names of files do not collide.
        done(&with(&["rotate-ca", "begin", "--root"]), &pki);
        done(&with(&["renew", "--all"]), &pki);
        done(&["rotate-ca", "finish", "--root"], &pki);
        assert_eq!(
            entries(&pki.join("retired"))
                .iter()
                .filter(|name| name.starts_with("root.old.cross"))
                .count(),
            2
        );
        assert!(Service::read(&pki, "api").is_accepted_by(&root(&pki), "api"));
    }
}

#[test]
fn an_issuing_authority_is_exchanged_without_anybody_noticing() {
    let (_parent, pki) = new_home(&[]);
    done(&["intermediate", "second"], &pki);
    done(&["leaf", "ledger=ledger.internal", "--issuer", "second"], &pki);
    let anchors = root(&pki);
    let before = Service::read(&pki, "ledger");
    let key = fs::read(pki.join("second.key.pem")).unwrap();
    let said = done(&["rotate-ca", "begin", "--issuing", "second"], &pki);
    assert!(
        said.contains("certgen renew ledger") && !said.contains("renew api"),
        "{said}"
    );
    assert_ne!(fs::read(pki.join("second.key.pem")).unwrap(), key);
    assert_eq!(fs::read(pki.join("second.old.key.pem")).unwrap(), key);
    assert!(before.is_accepted_by(&anchors, "ledger"));
    assert_eq!(Service::read(&pki, "ledger").chain, before.chain);

    let refused = certgen(&["rotate-ca", "finish", "--issuing", "second"], &pki);
    assert_eq!(refused.status.code(), Some(3));
    assert!(
        stderr(&refused).contains("1 certificate is in use still on the old key: ledger"),
        "{}",
        stderr(&refused)
    );
    done(&["renew", "ledger"], &pki);
    let view = HomeView::open(&pki).unwrap();
    assert_eq!(
        view.inventory().service("ledger").unwrap().issuer,
        "second",
        "not some other authority"
    );
    done(&["rotate-ca", "finish", "--issuing", "second"], &pki);
    let after = Service::read(&pki, "ledger");
    assert_ne!(after.chain[1], before.chain[1]);
    assert!(after.is_accepted_by(&anchors, "ledger"));
    assert!(before.is_accepted_by(&anchors, "ledger"), "the root is the same");
    assert!(Service::read(&pki, "api").is_accepted_by(&anchors, "api"));
}

#[test]
fn doing_a_step_again_changes_nothing() {
    let (_parent, pki) = new_home(&[]);
    let inventory = || fs::read(pki.join("inventory.jsonl")).unwrap();
    let nothing = inventory();
    let report: Value = serde_json::from_str(&done(&["rotate-ca", "finish", "--root", "--json"], &pki)).unwrap();
    assert_eq!(
        (&report["changed"], inventory()),
        (&Value::Bool(false), nothing),
        "never begun"
    );
    for step in [
        &["rotate-ca", "begin", "--root", "--json"][..],
        &["rotate-ca", "finish", "--root", "--force", "--json"],
    ] {
        let report: Value = serde_json::from_str(&done(step, &pki)).unwrap();
        assert_eq!(report["changed"], true);
        assert_eq!(report["hanging"].as_array().unwrap().len(), 2);
        let (after, files) = (inventory(), entries(&pki));
        let report: Value = serde_json::from_str(&done(step, &pki)).unwrap();
        assert_eq!(report["changed"], false);
        assert_eq!((inventory(), entries(&pki)), (after, files));
    }
    // Given up: they have to be renewed to be accepted again.
    let anchors = root(&pki);
    assert!(!Service::read(&pki, "api").is_accepted_by(&anchors, "api"));
    done(&["renew", "--all"], &pki);
    assert!(Service::read(&pki, "api").is_accepted_by(&anchors, "api"));
}

#[test]
fn what_others_hold_counts_and_what_is_revoked_or_replaced_does_not() {
    let (parent, pki) = new_home(&[]);
    let request = parent.path().join("given.csr.pem");
    let (request, key) = (request.to_str().unwrap(), parent.path().join("given.key.pem"));
    let output = Command::new(CERTGEN)
        .args(["csr", "given.internal", "--client", "--out", request, "--out-key"])
        .arg(&key)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let given = parent.path().join("given.pem");
    done(&["sign", request, "--yes", "--out", given.to_str().unwrap()], &pki);
    done(&["renew", "api"], &pki);
    done(&["rotate-ca", "begin", "--root"], &pki);
    let hanging = || {
        let said = done(&["rotate-ca", "begin", "--root", "--json"], &pki);
        let report: Value = serde_json::from_str(&said).unwrap();
        report["hanging"].as_array().unwrap().len()
    };
    assert_eq!(
        hanging(),
        3,
        "api once, although it had two; worker; what was given away"
    );
    done(&["renew", "api"], &pki);
    assert_eq!(hanging(), 2);
    done(&["revoke", "worker"], &pki);
    assert_eq!(hanging(), 1);
    let serial = HomeView::open(&pki)
        .unwrap()
        .inventory()
        .issued()
        .iter()
        .find(|one| one.service.is_none())
        .unwrap()
        .serial
        .clone();
    done(&["revoke", &serial], &pki);
    assert_eq!(hanging(), 0);
    done(&["rotate-ca", "finish", "--root"], &pki);
}

/// Whatever a revoked or expired authority signed, nobody would accept.
#[test]
fn an_authority_that_is_revoked_or_has_expired_issues_nothing_until_it_has_a_new_key() {
    let (parent, pki) = new_home(&[]);
    let request = parent.path().join("given.csr.pem");
    let (request, key) = (request.to_str().unwrap(), parent.path().join("given.key.pem"));
    let output = Command::new(CERTGEN)
        .args(["csr", "given.internal", "--client", "--out", request, "--out-key"])
        .arg(&key)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let later = now() + time::Duration::days(6 * 365);
    let home = HomeView::open(&pki).unwrap();
    let expired = home.check_issuer("intermediate", later);
    assert!(matches!(expired, Err(HomeError::IssuerExpired { .. })), "{expired:?}");
    assert!(home.check_is_issuing("intermediate").is_ok());

    done(&["revoke", "intermediate"], &pki);
    let before = fs::read(pki.join("inventory.jsonl")).unwrap();
    for arguments in [
        &["leaf", "more"][..],
        &["renew", "api"],
        &["renew", "--all"],
        &["rekey", "api", "--revoke-old"],
        &["sign", request, "--yes", "--name", "given"],
    ] {
        let output = certgen(arguments, &pki);
        assert_eq!(output.status.code(), Some(3), "{arguments:?}");
        let said = stderr(&output);
        assert!(said.contains("the authority `intermediate` was revoked at"), "{said}");
        assert!(
            said.contains("certgen rotate-ca begin --issuing intermediate"),
            "{said}"
        );
    }
    assert_eq!(fs::read(pki.join("inventory.jsonl")).unwrap(), before);

    done(&["rotate-ca", "begin", "--issuing", "intermediate"], &pki);
    done(&["renew", "--all"], &pki);
    done(&["sign", request, "--yes", "--name", "given"], &pki);
    done(&["rotate-ca", "finish", "--issuing", "intermediate"], &pki);
    assert!(Service::read(&pki, "api").is_accepted_by(&root(&pki), "api"));
}

/// A timer goes on with the services of the others.
#[test]
fn services_of_a_revoked_authority_hold_up_no_others() {
    let (_parent, pki) = new_home(&[]);
    done(&["intermediate", "edge"], &pki);
    done(&["leaf", "gate=gate.internal", "--issuer", "edge"], &pki);
    done(&["revoke", "edge"], &pki);
    let output = certgen(&["renew", "--all"], &pki);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("`gate` was left out: its authority is revoked"),
        "{}",
        stderr(&output)
    );
    assert!(
        stdout(&output).contains("api/") && !stdout(&output).contains("gate/"),
        "{}",
        stdout(&output)
    );
    let output = certgen(&["renew", "gate"], &pki);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let tree = done(&["tree"], &pki);
    let gate: Vec<_> = tree.lines().filter(|line| line.contains("gate")).collect();
    assert!(
        matches!(gate[..], [line] if line.contains("its authority is revoked")),
        "{tree}"
    );
    assert!(
        !tree
            .lines()
            .any(|line| line.contains(" api ") && line.contains("revoked")),
        "{tree}"
    );
}

/// The root's key is best kept where no service is.
#[test]
fn the_roots_key_may_be_elsewhere() {
    let (parent, pki) = new_home(&[]);
    let key = parent.path().join("root.key.pem");
    fs::rename(pki.join("root.key.pem"), &key).unwrap();
    let key = key.to_str().unwrap();
    assert_eq!(certgen(&["intermediate", "edge"], &pki).status.code(), Some(3));
    done(&["intermediate", "edge", "--root-key", key], &pki);
    done(&["leaf", "gate=gate.internal", "--issuer", "edge"], &pki);
    assert!(Service::read(&pki, "gate").is_accepted_by(&root(&pki), "gate"));
    let begin = ["rotate-ca", "begin", "--issuing", "intermediate"];
    assert_eq!(certgen(&begin, &pki).status.code(), Some(3));
    let another = pki.join("edge.key.pem");
    let wrong = [&begin[..], &["--root-key", another.to_str().unwrap()]].concat();
    assert_eq!(certgen(&wrong, &pki).status.code(), Some(3));
    done(&[&begin[..], &["--root-key", key]].concat(), &pki);
    done(&["renew", "--all"], &pki);
    done(&["rotate-ca", "finish"], &pki);
    assert!(Service::read(&pki, "api").is_accepted_by(&root(&pki), "api"));
    assert!(!pki.join("root.key.pem").exists());

    let old_root = root(&pki);
    done(&["rotate-ca", "begin", "--root", "--root-key", key], &pki);
    assert!(pki.join("root.key.pem").exists() && !pki.join("root.old.key.pem").exists());
    done(&["renew", "--all"], &pki);
    for anchor in [&old_root, &root(&pki)] {
        assert!(Service::read(&pki, "api").is_accepted_by(anchor, "api"));
    }
    done(&["rotate-ca", "finish"], &pki);
    assert!(Service::read(&pki, "api").is_accepted_by(&root(&pki), "api"));
}

#[test]
fn while_an_authority_is_exchanged_its_name_does_not_revoke_the_new_one_by_mistake() {
    let (_parent, pki) = new_home(&[]);
    assert!(done(&["rotate-ca", "finish"], &pki).contains("No exchange is under way"));
    done(&["rotate-ca", "begin", "--issuing", "intermediate"], &pki);
    let output = certgen(&["revoke", "intermediate"], &pki);
    assert_eq!(output.status.code(), Some(3));
    assert!(
        stderr(&output).contains("revoke `intermediate.old`"),
        "{}",
        stderr(&output)
    );

    // What hangs on the old key keeps the exchange from being finished, but not once the old one is revoked.
    assert_eq!(certgen(&["rotate-ca", "finish"], &pki).status.code(), Some(3));
    done(&["revoke", "intermediate.old"], &pki);
    let said = done(&["rotate-ca", "begin", "--issuing", "intermediate", "--json"], &pki);
    let report: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(report["hanging"].as_array().unwrap().len(), 0);
    assert_eq!(report["refused"].as_array().unwrap().len(), 2);
    let said = done(&["rotate-ca", "finish"], &pki);
    assert!(
        said.contains("certgen renew api") && !said.contains("certgen revoke"),
        "{said}"
    );
    done(&["renew", "--all"], &pki);
    assert!(Service::read(&pki, "api").is_accepted_by(&root(&pki), "api"));
}

#[test]
fn a_new_authority_that_is_revoked_has_a_way_out_and_of_several_exchanges_one_is_named() {
    let (_parent, pki) = new_home(&[]);
    done(&["intermediate", "second"], &pki);
    done(&["rotate-ca", "begin", "--issuing", "second"], &pki);
    done(&["rotate-ca", "begin", "--issuing", "intermediate"], &pki);
    let output = certgen(&["rotate-ca", "finish", "--force"], &pki);
    assert_eq!(output.status.code(), Some(3));
    assert!(
        stderr(&output).contains("several exchanges are under way"),
        "{}",
        stderr(&output)
    );
    done(&["rotate-ca", "finish", "--issuing", "second"], &pki);

    done(&["revoke", pki.join("intermediate.pem").to_str().unwrap()], &pki);
    let output = certgen(&["renew", "api"], &pki);
    assert!(
        stderr(&output).contains("certgen rotate-ca finish --force"),
        "{}",
        stderr(&output)
    );
    done(&["rotate-ca", "finish", "--force"], &pki);
    done(&["rotate-ca", "begin", "--issuing", "intermediate"], &pki);
    done(&["renew", "--all"], &pki);
    assert!(Service::read(&pki, "api").is_accepted_by(&root(&pki), "api"));
}

/// Runs of both steps are killed at moments that nobody chose, each in a copy; then the step is done again.
#[test]
fn a_step_that_is_killed_is_completed_or_begun_anew() {
    let (parent, pki) = new_home(&[]);
    let began = Instant::now();
    let copy = |from: &Path, name: &str| {
        let to = parent.path().join(name);
        let copied = Command::new("cp").arg("-a").args([from, &to]).status().unwrap();
        assert!(copied.success());
        to
    };
    let begun = copy(&pki, "begun");
    done(&["rotate-ca", "begin", "--root"], &begun);
    let whole_run = began.elapsed();
    done(&["renew", "--all"], &begun);
    let seed = u64::from_be_bytes(cryptokit::random::bytes());
    println!("seed {seed}, a whole run takes {whole_run:?}");
    let mut state = seed | 1;
    for number in 0..24 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let (from, step) = if number % 2 == 0 {
            (&pki, "begin")
        } else {
            (&begun, "finish")
        };
        let pki = copy(from, &format!("copy-{number}"));
        let mut child = Command::new(CERTGEN)
            .args(["rotate-ca", step, "--root", "--ca"])
            .arg(&pki)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let until = Instant::now() + whole_run * u32::try_from(state % 1000).unwrap() / 900;
        while Instant::now() < until {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        done(&["rotate-ca", step, "--root"], &pki);
        if step == "begin" {
            done(&["renew", "--all"], &pki);
            done(&["rotate-ca", "finish", "--root"], &pki);
        }
        assert!(Service::read(&pki, "api").is_accepted_by(&root(&pki), "api"), "{step}");
        let names = entries(&pki);
        assert!(
            !names
                .iter()
                .any(|name| name.contains(".old") || name.starts_with(".pending")),
            "{names:?}"
        );
    }
}

/// Homes of another making may have roots that allow one authority below them, and no more.
#[test]
fn a_root_without_room_for_another_is_not_exchanged() {
    let parent = tempfile::tempdir().unwrap();
    let request = AuthorityRequest::root(DistinguishedName::new("root of one").unwrap());
    let key = CertificateKey::generate(KeyKind::default()).unwrap();
    let root = CertificateAuthority::create_root(&request, key, now()).unwrap();
    let record = AuthorityRecord::of(root.certificate(), "root", AuthorityKind::Root, now());
    fs::write(
        parent.path().join("inventory.jsonl"),
        Event::Authority(record).to_line(),
    )
    .unwrap();
    fs::write(
        parent.path().join("root.pem"),
        certificate_to_pem(root.certificate().der()),
    )
    .unwrap();
    private_files::write_new(
        &parent.path().join("root.key.pem"),
        PrivateKey::from_pkcs8_der(root.key().pkcs8().expose_secret())
            .unwrap()
            .to_pem()
            .expose_secret()
            .as_bytes(),
    )
    .unwrap();
    let before = entries(parent.path());
    let mut home = Home::open(parent.path()).unwrap();
    let refused = begin_root(&mut home, &root, None, now());
    assert!(matches!(refused, Err(RotationError::NoRoom)), "{refused:?}");
    drop(home);
    assert_eq!(entries(parent.path()), [vec![".lock".to_owned()], before].concat());
}
