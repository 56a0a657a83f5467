//! `certgen apply` on real homes: what it touches, what it puts right, what it refuses, and what a second run does.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use certgen::home::HomeView;
use cryptokit::key_format::PrivateKey;
use cryptokit::x509::{
    Certificate, RevocationList, SubjectAlternativeName, TrustAnchors, certificates_from_pem, verify_server_chain,
};
use tempfile::TempDir;

use crate::support::{CERTGEN, certgen, now, stderr, stdout};

const MANIFEST: &str =
    "version = 1\n[authority]\nname = \"acme\"\n[services.api]\nnames = [\"api.internal\"]\n[services.worker]\n";

/// A manifest, and where its authority is.
struct Place {
    folder: TempDir,
}

impl Place {
    /// With [`MANIFEST`], applied.
    fn new() -> Self {
        let place = Self::without_home(MANIFEST);
        place.apply(&[]);
        place
    }

    fn without_home(manifest: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("pki.toml"), manifest).unwrap();
        Self { folder }
    }

    fn write(&self, manifest: &str) {
        fs::write(self.folder.path().join("pki.toml"), manifest).unwrap();
    }

    fn file(&self, relative: &str) -> PathBuf {
        self.folder.path().join("pki").join(relative)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let manifest = self.folder.path().join("pki.toml");
        certgen(&[&["apply", manifest.to_str().unwrap()], arguments].concat())
    }

    /// Must succeed; gives what was said.
    #[track_caller]
    fn apply(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
        stdout(&output)
    }

    /// Must be refused; gives what was said.
    #[track_caller]
    fn refused(&self, arguments: &[&str]) -> String {
        let before = self.everything();
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(3), "{}{}", stdout(&output), stderr(&output));
        assert_eq!(stdout(&output), "");
        assert_eq!(self.everything(), before, "a refusal changes nothing");
        stderr(&output)
    }

    #[track_caller]
    fn agrees(&self) {
        let output = self.run(&["--check"]);
        assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    }

    /// Every file with its mode, inode and content.
    fn everything(&self) -> Vec<(PathBuf, u32, u64, Vec<u8>)> {
        let mut found = Vec::new();
        let mut folders = vec![self.file("")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                let metadata = path.symlink_metadata().unwrap();
                if metadata.is_dir() {
                    folders.push(path);
                } else {
                    let content = fs::read(&path).unwrap_or_default();
                    found.push((path, metadata.mode(), metadata.ino(), content));
                }
            }
        }
        found.sort();
        found
    }

    fn certificates(&self, relative: &str) -> Vec<Certificate> {
        certificates_from_pem(&fs::read(self.file(relative)).unwrap()).unwrap()
    }

    /// Five files that belong together, and that a client accepts.
    fn check_service(&self, service: &str, name: &str) {
        let read = |file: &str| self.certificates(&format!("{service}/{file}"));
        let [certificate, chain, fullchain, ca] = ["certificate.pem", "chain.pem", "fullchain.pem", "ca.pem"].map(read);
        assert_eq!(fullchain[0].der(), certificate[0].der());
        assert_eq!(
            fullchain[1..].iter().map(Certificate::der).collect::<Vec<_>>(),
            chain.iter().map(Certificate::der).collect::<Vec<_>>()
        );
        let key = fs::read(self.file(&format!("{service}/key.pem"))).unwrap();
        let key = PrivateKey::from_pem(&key).unwrap();
        assert_eq!(key.public_key().to_spki_der(), certificate[0].spki_der());
        let chain: Vec<_> = fullchain.iter().map(|one| one.der().clone()).collect();
        let anchors = TrustAnchors::from_certificates(ca).unwrap();
        let name = SubjectAlternativeName::infer(name).unwrap();
        verify_server_chain(&chain, &anchors, &name, now()).unwrap();
    }
}

#[test]
fn what_is_made_is_whole_and_a_second_run_touches_nothing() {
    let place = Place::new();
    place.check_service("api", "api.internal");
    place.check_service("worker", "worker");
    let mode = |file: &str| fs::metadata(place.file(file)).unwrap().permissions().mode() & 0o7777;
    assert_eq!(
        (mode(""), mode("api"), mode("api/key.pem"), mode("api/certificate.pem")),
        (0o700, 0o700, 0o600, 0o644)
    );
    let before = place.everything();
    assert!(place.apply(&[]).ends_with("is as the manifest says.\n"));
    assert_eq!(place.everything(), before);
}

#[test]
fn only_what_changed_is_issued_again_and_the_key_stays() {
    let place = Place::new();
    let files = |service: &str| {
        let all = place.everything();
        all.into_iter()
            .filter(|(path, ..)| path.parent().unwrap().ends_with(service))
            .collect::<Vec<_>>()
    };
    let (worker, key) = (files("worker"), fs::read(place.file("api/key.pem")).unwrap());
    place.write(&MANIFEST.replace("\"api.internal\"", "\"api.internal\", \"10.0.0.5\""));
    let said = place.apply(&[]);
    assert!(said.contains("api: reissue, name added ip:10.0.0.5\n"), "{said}");
    assert!(said.contains("worker: unchanged\n"), "{said}");
    assert_eq!(files("worker"), worker);
    assert_eq!(fs::read(place.file("api/key.pem")).unwrap(), key);
    place.check_service("api", "10.0.0.5");
    place.agrees();

    place.write(&MANIFEST.replace("[services.worker]", "key = \"ed25519\"\n[services.worker]"));
    assert!(
        place.apply(&[]).contains(
            "api: reissue with a new key, name removed ip:10.0.0.5, key changed from ECDSA P-256 to Ed25519\n"
        )
    );
    assert_ne!(fs::read(place.file("api/key.pem")).unwrap(), key);
    place.agrees();
    let home = HomeView::open(&place.file("")).unwrap();
    let issued = home.inventory().issued();
    assert_eq!(issued.len(), 4);
    let chain: Vec<_> = issued
        .iter()
        .filter(|record| record.service.as_deref() == Some("api"))
        .collect();
    assert_eq!(chain[1].replaces.as_ref(), Some(&chain[0].serial));
    assert_eq!(chain[2].replaces.as_ref(), Some(&chain[1].serial));
}

#[test]
fn files_that_are_missing_or_damaged_are_put_right() {
    let place = Place::new();
    let certificate = fs::read(place.file("api/certificate.pem")).unwrap();
    for (damaged, content, expected) in [
        ("certificate.pem", None, "api: repair, certificate.pem is missing"),
        (
            "certificate.pem",
            Some("-----BEGIN CERT"),
            "api: repair, certificate.pem is damaged",
        ),
        ("certificate.pem", Some(""), "api: repair, certificate.pem is damaged"),
        ("chain.pem", None, "api: repair, chain.pem is not what it should be"),
        (
            "chain.pem",
            Some("x"),
            "api: repair, chain.pem is not what it should be",
        ),
        (
            "fullchain.pem",
            None,
            "api: repair, fullchain.pem is not what it should be",
        ),
        ("ca.pem", Some(""), "api: repair, ca.pem is not what it should be"),
    ] {
        let path = place.file("api").join(damaged);
        match content {
            None => fs::remove_file(&path).unwrap(),
            Some(content) => fs::write(&path, content).unwrap(),
        }
        assert_eq!(place.run(&["--check"]).status.code(), Some(1), "{damaged}");
        let said = place.apply(&[]);
        assert!(said.contains(&format!("{expected}\n")), "{said}");
        assert_eq!(
            fs::read(place.file("api/certificate.pem")).unwrap(),
            certificate,
            "{damaged}"
        );
        place.check_service("api", "api.internal");
        place.agrees();
    }
}

#[test]
fn what_is_lost_is_issued_again() {
    let place = Place::new();
    for (lost, expected) in [
        (
            &["certificate.pem", "fullchain.pem"][..],
            "api: reissue, certificate.pem is missing",
        ),
        (&["key.pem"], "api: reissue with a new key, key.pem is missing"),
        (
            &["key.pem", "certificate.pem", "chain.pem", "fullchain.pem", "ca.pem"],
            "api: reissue with a new key, key.pem is missing, certificate.pem is missing",
        ),
    ] {
        for file in lost {
            fs::remove_file(place.file("api").join(file)).unwrap();
        }
        let said = place.apply(&[]);
        assert!(said.contains(&format!("{expected}\n")), "{said}");
        place.check_service("api", "api.internal");
        place.agrees();
    }
    fs::remove_dir_all(place.file("api")).unwrap();
    place.apply(&[]);
    place.check_service("api", "api.internal");
}

#[test]
fn a_key_or_certificate_of_somebody_else_is_not_overwritten_unless_forced() {
    let (place, elsewhere) = (Place::new(), Place::new());
    for (file, why) in [
        ("key.pem", "key.pem was not written by certgen"),
        ("certificate.pem", "certificate.pem was not"),
    ] {
        fs::copy(elsewhere.file("api").join(file), place.file("api").join(file)).unwrap();
        let said = place.refused(&[]);
        assert!(said.contains(why) && said.contains("--force"), "{said}");
        let plan = stdout(&place.run(&["--plan"]));
        assert!(plan.contains("api: refused, ") && plan.contains("nothing in"), "{plan}");
        assert!(place.apply(&["--force"]).contains("is overwritten as asked for"));
        place.check_service("api", "api.internal");
        place.agrees();
    }
    // The key of another service of this authority is no less somebody else's.
    fs::copy(place.file("worker/key.pem"), place.file("api/key.pem")).unwrap();
    place.refused(&[]);
    place.apply(&["--force"]);

    fs::set_permissions(place.file("api/key.pem"), fs::Permissions::from_mode(0o644)).unwrap();
    let said = place.refused(&[]);
    assert!(said.contains("has mode 0644"), "{said}");

    // A directory that was there before the service.
    let manifest = format!("{MANIFEST}[services.new]\n");
    place.apply(&["--force"]);
    place.write(&manifest);
    fs::create_dir(place.file("new")).unwrap();
    fs::copy(elsewhere.file("api/key.pem"), place.file("new/key.pem")).unwrap();
    assert!(place.refused(&[]).contains("new: key.pem was not written by certgen"));
}

#[test]
fn links_in_the_place_of_directories_and_files_are_refused() {
    let place = Place::new();
    let target = place.folder.path().join("target");
    fs::rename(place.file("api"), &target).unwrap();
    symlink(&target, place.file("api")).unwrap();
    assert!(place.refused(&[]).contains("is a symbolic link"));
    assert!(place.refused(&["--force"]).contains("is a symbolic link"));
    fs::remove_file(place.file("api")).unwrap();
    fs::rename(&target, place.file("api")).unwrap();
    fs::rename(place.file("api/key.pem"), &target).unwrap();
    symlink(&target, place.file("api/key.pem")).unwrap();
    assert!(place.refused(&["--force"]).contains("is a symbolic link"));
}

#[test]
fn an_authority_made_by_init_agrees_with_a_manifest_that_says_the_same() {
    let place = Place::without_home(
        "version = 1\n[authority]\nname = \"acme\"\norganization = \"Acme, Inc. <x>\"\norganizational_unit = \"Größe\"\n\
         country = \"DE\"\ntrust_domain = \"td.internal\"\npermit = [\"dns:internal\"]\n[defaults]\nlifetime = \"30d\"\n\
         [services.api]\nprofile = \"server\"\nnames = [\"api.internal\"]\n[services.mesh]\nnames = [\"mesh.internal\"]\n",
    );
    let home = place.file("");
    let made = certgen(&[
        "init",
        "acme",
        "--out",
        home.to_str().unwrap(),
        "--organization",
        "Acme, Inc. <x>",
        "--organizational-unit",
        "Größe",
        "--country",
        "DE",
        "--trust-domain",
        "td.internal",
        "--permit-dns",
        "internal",
        "--days",
        "30",
        "--server",
        "api=api.internal",
        "--service",
        "mesh=mesh.internal",
    ]);
    assert!(made.status.success(), "{}", stderr(&made));
    place.agrees();
    let said = place.apply(&[]);
    assert!(said.ends_with("is as the manifest says.\n"), "{said}");
}

#[test]
fn what_is_revoked_is_on_the_list_in_the_same_moment() {
    let place = Place::new();
    let serial = place.certificates("worker/certificate.pem")[0].serial().to_vec();
    let api_only = MANIFEST.replace("[services.worker]\n", "");
    place.write(&format!(
        "{api_only}[[revoked]]\nservice = \"worker\"\nreason = \"keyCompromise\"\n"
    ));
    let said = place.apply(&[]);
    assert!(said.contains("worker: revoke, listed in `revoked`\n"), "{said}");
    let list = RevocationList::from_pem(&fs::read(place.file("intermediate.crl.pem")).unwrap()).unwrap();
    assert_eq!(list.find(&serial).unwrap().reason.name(), "keyCompromise");
    assert!(place.file("worker/key.pem").is_file(), "files stay");
    place.agrees();

    place.write(MANIFEST);
    let said = place.apply(&[]);
    assert!(
        said.contains("worker: reissue with a new key, its certificate is revoked (keyCompromise)\n"),
        "{said}"
    );
    place.check_service("worker", "worker");
    fs::remove_file(place.file("intermediate.crl.der")).unwrap();
    let said = place.apply(&[]);
    assert!(
        said.contains("intermediate: publish revocation list, its file is not what it should be\n"),
        "{said}"
    );
    fs::write(place.file("crl.pem"), "").unwrap();
    assert!(
        place
            .apply(&[])
            .contains("intermediate: publish revocation list, its file is not")
    );
    let again = RevocationList::from_pem(&fs::read(place.file("intermediate.crl.pem")).unwrap()).unwrap();
    assert!(again.number() > list.number() && again.find(&serial).is_some());
}

#[test]
fn keys_are_encrypted_from_the_beginning_and_their_passphrase_is_needed_for_changes_only() {
    let place = Place::without_home(&format!("{MANIFEST}[issuing.edge]\n"));
    let secret = place.folder.path().join("secret");
    let write_secret = |text: &str| {
        fs::write(&secret, text).unwrap();
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    };
    write_secret("correct horse\n");
    let with = ["--passphrase-file", secret.to_str().unwrap()];
    place.apply(&with);
    for key in ["root", "intermediate", "edge"] {
        let pem = fs::read_to_string(place.file(&format!("{key}.key.pem"))).unwrap();
        assert!(pem.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"), "{key}");
    }
    place.agrees();
    place.write(&format!(
        "{MANIFEST}[issuing.edge]\n[services.more]\nissuer = \"edge\"\n"
    ));
    let said = place.refused(&[]);
    assert!(said.contains("--passphrase-file"), "{said}");
    write_secret("wrong\n");
    assert!(place.refused(&with).contains("passphrase"));
    write_secret("correct horse\n");
    place.apply(&with);
    place.check_service("more", "more");
    write_secret("\n");
    let empty = Place::without_home(MANIFEST);
    assert!(empty.refused(&with).contains("empty"));
    assert!(!empty.file("").exists(), "nothing is made without its passphrase");
}

#[test]
fn a_roots_key_that_is_kept_elsewhere_is_brought_along() {
    let place = Place::new();
    let elsewhere = place.folder.path().join("root.key.pem");
    fs::rename(place.file("root.key.pem"), &elsewhere).unwrap();
    place.agrees();
    place.write(&format!("{MANIFEST}[issuing.edge]\n"));
    let said = place.refused(&[]);
    assert!(
        said.contains("edge: the key of `root` is not here") && said.contains("--root-key"),
        "{said}"
    );
    place.apply(&["--root-key", elsewhere.to_str().unwrap()]);
    place.agrees();
    assert!(!place.file("root.key.pem").exists());
}

#[test]
fn a_key_that_its_holder_keeps_is_renewed_for_and_never_made() {
    let place = Place::without_home(&MANIFEST.replace("[services.worker]", "key = \"elsewhere\"\n[services.worker]"));
    let said = place.apply(&[]);
    assert!(
        said.contains("api: its key is elsewhere; `certgen sign REQUEST --name`"),
        "{said}"
    );
    assert!(!place.file("api").exists());
    let beside = |file: &str| place.folder.path().join(file).to_str().unwrap().to_owned();
    let asked = certgen(&[
        "csr",
        "api.internal",
        "--out",
        &beside("api.csr.pem"),
        "--out-key",
        &beside("api.key.pem"),
    ]);
    assert!(asked.status.success(), "{}", stderr(&asked));
    let (request, home) = (beside("api.csr.pem"), place.file(""));
    let signed = certgen(&[
        "sign",
        "--ca",
        home.to_str().unwrap(),
        &request,
        "--peer",
        "--allow-name",
        "api.internal",
        "--name",
        "api",
    ]);
    assert!(signed.status.success(), "{}", stderr(&signed));
    place.agrees();
    let spki = |place: &Place| place.certificates("api/certificate.pem")[0].spki_der().to_vec();
    let before = spki(&place);
    place.write(
        &MANIFEST
            .replace("[services.worker]", "key = \"elsewhere\"\n[services.worker]")
            .replace("\"api.internal\"", "\"b.internal\""),
    );
    let said = place.apply(&[]);
    assert!(
        said.contains("api: reissue, name added dns:b.internal, name removed dns:api.internal\n"),
        "{said}"
    );
    assert_eq!(spki(&place), before);
    assert!(!place.file("api/key.pem").exists());
    place.agrees();
}

#[test]
fn while_authorities_are_exchanged_services_move_to_the_new_ones() {
    let place = Place::without_home(&format!("{MANIFEST}[crl]\n"));
    place.apply(&[]);
    let home = place.file("");
    let rotate = |step: &str, whose: &[&str]| {
        let output = certgen(&[&["rotate-ca", step, "--ca", home.to_str().unwrap()], whose].concat());
        assert!(output.status.success(), "{}", stderr(&output));
    };
    for (whose, rounds) in [
        (&["--root"][..], 1),
        (&["--issuing", "intermediate"], 1),
        (&["--root"], 2),
    ] {
        for _ in 0..rounds {
            rotate("begin", whose);
            let said = place.apply(&[]);
            for service in ["api", "worker"] {
                let expected = format!("{service}: reissue, its issuer `intermediate` has another key now\n");
                assert!(said.contains(&expected), "{said}");
            }
            assert!(
                said.contains("intermediate.old: being exchanged; `certgen rotate-ca finish` ends that\n"),
                "{said}"
            );
            place.check_service("api", "api.internal");
            place.agrees();
            rotate("finish", whose);
            place.apply(&[]);
            place.check_service("worker", "worker");
            place.agrees();
        }
    }
    for entry in fs::read_dir(place.file("retired")).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    place.agrees();
}

#[test]
fn plans_wait_for_nobody_and_change_nothing() {
    let place = Place::new();
    place.write(&format!("{MANIFEST}[services.more]\n"));
    let lock = fs::File::open(place.file(".lock")).unwrap();
    lock.lock().unwrap();
    let before = place.everything();
    for mode in ["--plan", "--check"] {
        let output = place.run(&[mode]);
        assert!(stdout(&output).contains("more: issue, new"), "{}", stderr(&output));
    }
    assert_eq!(place.everything(), before);
}

#[test]
fn of_runs_at_once_one_does_the_work() {
    let place = Place::without_home(MANIFEST);
    place.apply(&[]);
    let services: String = (0..5).map(|number| format!("[services.s{number}]\n")).collect();
    place.write(&format!("{MANIFEST}{services}"));
    let manifest = place.folder.path().join("pki.toml");
    let start = |_| {
        let mut command = Command::new(CERTGEN);
        command
            .arg("apply")
            .arg(&manifest)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let runs: Vec<_> = (0..6).map(start).collect();
    for run in runs {
        let output = run.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
    }
    let home = HomeView::open(&place.file("")).unwrap();
    assert_eq!(home.inventory().issued().len(), 7, "each service once");
    place.agrees();
}

#[test]
fn a_manifest_comes_from_standard_input_too() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = Command::new(CERTGEN)
        .args(["apply", "-", "--ca", "elsewhere"])
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    run.stdin.take().unwrap().write_all(MANIFEST.as_bytes()).unwrap();
    let output = run.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(Path::new(folder.path()).join("elsewhere/api/key.pem").is_file());
}

#[test]
fn a_manifest_too_large_is_not_read_to_its_end() {
    let place = Place::without_home(&"#".repeat((1 << 20) + 1));
    let said = place.refused(&[]);
    assert!(said.contains("has more than 1048576 bytes"), "{said}");
}

#[test]
fn a_home_that_was_tampered_with_is_refused() {
    let (place, elsewhere) = (Place::new(), Place::new());
    fs::copy(elsewhere.file("intermediate.pem"), place.file("intermediate.pem")).unwrap();
    let said = place.refused(&[]);
    assert!(said.contains("intermediate.pem"), "{said}");
    let output = place.run(&["--check"]);
    assert_eq!(output.status.code(), Some(3), "neither yes nor no");
}
