//! Trust stores, with stand-ins for the tools that keep them: which commands run, in which systems, and that only the
//! very certificate is put in and taken out. `tests/interop/trust.sh` does the same with the real ones.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use certgen::trust::{JavaStore, Machine, NssDatabase, Root, RootError, Store, SystemStore, TrustError};
use cryptokit::x509::{CertificateAuthority, DistinguishedName, LeafProfile, LeafRequest, SubjectAlternativeName};

use crate::support::{CERTGEN, certgen, now, stderr};

/// A machine in a directory, with real `install` and `rm`.
struct Fake {
    directory: tempfile::TempDir,
}

impl Fake {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        for folder in ["bin", "home"] {
            fs::create_dir(directory.path().join(folder)).unwrap();
        }
        Self { directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Written by another process: a descriptor of ours that is open for writing could be inherited by what another test
    /// starts at this moment, and then nobody may run the file.
    fn tool(&self, name: &str, script: &str) {
        let directory = self.directory.path().display();
        let script = format!("#!/bin/sh\nPATH=/usr/bin:/bin\ncd '{directory}' || exit 9\n{script}\n");
        let mut writer = Command::new("/bin/sh")
            .args(["-c", "cat >\"$0\" && chmod 755 \"$0\""])
            .arg(self.path("bin").join(name))
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        writer.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
        assert!(writer.wait().unwrap().success());
    }

    fn machine(&self) -> Machine {
        Machine {
            programs: vec![self.path("bin"), "/usr/bin".into(), "/bin".into()],
            home: Some(self.path("home")),
            java_home: None,
            top: self.directory.path().to_owned(),
        }
    }

    /// A new root in a file.
    fn root(&self, name: &str) -> Root {
        let authority = CertificateAuthority::new_root(&DistinguishedName::new("It's a root").unwrap(), now()).unwrap();
        let path = self.path(name);
        fs::write(&path, pem(authority.certificate())).unwrap();
        Root::read(&path).unwrap()
    }

    fn run(&self, store: &Store, root: &Root, install: bool) {
        let standing = store.standing(root).unwrap();
        let commands = if install {
            store.install(root, &standing)
        } else {
            store.uninstall(&standing)
        };
        assert!(!commands.is_empty());
        for command in commands {
            command.run().unwrap();
        }
    }
}

fn pem(certificate: &cryptokit::x509::Certificate) -> String {
    cryptokit::x509::certificate_to_pem(certificate.der())
}

/// Systems by the directory and the bundle that each has.
const SYSTEMS: [(&str, &str, &str, &str); 4] = [
    (
        "Debian",
        "update-ca-certificates",
        "usr/local/share/ca-certificates",
        "etc/ssl/certs/ca-certificates.crt",
    ),
    (
        "Fedora",
        "update-ca-trust",
        "etc/pki/ca-trust/source/anchors",
        "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    ),
    (
        "Arch",
        "trust",
        "etc/ca-certificates/trust-source/anchors",
        "etc/ca-certificates/extracted/tls-ca-bundle.pem",
    ),
    (
        "SUSE",
        "update-ca-certificates",
        "etc/pki/trust/anchors",
        "var/lib/ca-certificates/ca-bundle.pem",
    ),
];

#[test]
fn each_system_is_known_by_its_tool_and_its_directory() {
    for (system, tool, anchors, bundle) in SYSTEMS {
        let fake = Fake::new();
        fs::create_dir_all(fake.path(anchors)).unwrap();
        fs::create_dir_all(fake.path(bundle).parent().unwrap()).unwrap();
        // What the real ones do, in one line.
        fake.tool(
            tool,
            &format!("echo \"$*\" >>calls; cat {anchors}/* >{bundle} 2>/dev/null; true"),
        );
        let store = Store::System(SystemStore::find(&fake.machine()).unwrap());
        assert!(store.name().contains(system), "{}", store.name());
        assert!(store.needs_superuser());
        let (root, other) = (fake.root("root.pem"), fake.root("other.pem"));

        assert!(!store.standing(&root).unwrap().is_trusted, "{system}");
        fake.run(&store, &other, true);
        fake.run(&store, &root, true);
        let standing = store.standing(&root).unwrap();
        assert!(standing.is_trusted, "{system}");
        let [file] = &standing.entries[..] else {
            panic!("{system}: {standing:?}");
        };
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o644);
        assert!(
            store.install(&root, &standing).is_empty(),
            "{system}: a second time nothing is done"
        );

        // Both have one name: only the certificate itself is taken away.
        fake.run(&store, &root, false);
        assert!(!store.standing(&root).unwrap().is_trusted, "{system}");
        assert!(store.standing(&other).unwrap().is_trusted, "{system}");
        assert!(store.uninstall(&store.standing(&root).unwrap()).is_empty(), "{system}");
    }
}

#[test]
fn a_file_with_other_certificates_besides_is_not_removed() {
    let fake = Fake::new();
    let (_, tool, anchors, bundle) = SYSTEMS[0];
    fs::create_dir_all(fake.path(anchors)).unwrap();
    fs::create_dir_all(fake.path(bundle).parent().unwrap()).unwrap();
    fake.tool(tool, "");
    let (root, other) = (fake.root("root.pem"), fake.root("other.pem"));
    let both = pem(root.certificate()) + &pem(other.certificate());
    fs::write(fake.path(anchors).join("both.crt"), &both).unwrap();
    fs::write(fake.path(bundle), &both).unwrap();
    let store = Store::System(SystemStore::find(&fake.machine()).unwrap());
    let standing = store.standing(&root).unwrap();
    assert!(standing.is_trusted);
    assert_eq!(standing.entries, [""; 0]);
}

#[test]
fn a_system_without_a_store_is_said_to_be_unknown() {
    let fake = Fake::new();
    assert!(matches!(
        SystemStore::find(&fake.machine()),
        Err(TrustError::UnknownSystem)
    ));
    fs::create_dir_all(fake.path(SYSTEMS[0].2)).unwrap();
    assert!(matches!(
        SystemStore::find(&fake.machine()),
        Err(TrustError::UnknownSystem)
    ));
}

/// A database is a directory: a file for each nickname, and its flags in another.
const CERTUTIL: &str = r#"
for argument; do case $argument in sql:*) db=${argument#sql:};; esac; done
while [ $# -gt 0 ]; do case $1 in
    -n) nickname=$2;; -i) file=$2;; -t) flags=$2;; -A|-D|-L|-M) action=$1;;
esac; shift; done
case $action in
    -A) cp "$file" "$db/$nickname.nick"; echo "$flags" >"$db/$nickname.flags";;
    -M) echo "$flags" >"$db/$nickname.flags";;
    -D) rm "$db/$nickname.nick" "$db/$nickname.flags";;
    -L) if [ -n "$nickname" ]; then cat "$db/$nickname.nick"; exit; fi
        printf '\nCertificate Nickname   Trust Attributes\n   SSL,S/MIME,JAR/XPI\n\n'
        for one in "$db"/*.nick; do
            [ -e "$one" ] && printf '%s   %s  \n' "$(basename "$one" .nick)" "$(cat "${one%.nick}.flags")"
        done; true;;
esac"#;

#[test]
fn databases_of_browsers_are_found_and_changed() {
    let fake = Fake::new();
    for directory in [
        ".pki/nssdb",
        ".mozilla/firefox/a b.default",
        "snap/firefox/common/.mozilla/firefox/x",
        ".var/app/org.mozilla.firefox/.mozilla/firefox/y",
        "snap/chromium/current/.pki/nssdb",
    ] {
        let directory = fake.path("home").join(directory);
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("cert9.db"), "").unwrap();
    }
    // A profile that was never used.
    fs::create_dir_all(fake.path("home/.mozilla/firefox/Crash Reports")).unwrap();
    assert!(matches!(
        NssDatabase::find(&without_tools(&fake)),
        Err(TrustError::NoTool { .. })
    ));

    fake.tool("certutil", CERTUTIL);
    let databases = NssDatabase::find(&fake.machine()).unwrap();
    assert_eq!(databases.len(), 5);
    let (root, other) = (fake.root("root.pem"), fake.root("other.pem"));
    for database in databases {
        let store = Store::Nss(database);
        assert!(!store.needs_superuser());
        fake.run(&store, &root, true);
        fake.run(&store, &other, true);
        let standing = store.standing(&root).unwrap();
        assert!(standing.is_trusted, "{}", store.name());
        assert_eq!(standing.entries, [root.name()]);
        fake.run(&store, &root, false);
        assert_eq!(store.standing(&root).unwrap(), certgen::trust::Standing::default());
        assert!(store.standing(&other).unwrap().is_trusted);
    }
}

#[test]
fn a_root_that_is_there_without_trust_gets_it_under_its_name() {
    let fake = Fake::new();
    let directory = fake.path("home/.pki/nssdb");
    fs::create_dir_all(&directory).unwrap();
    fake.tool("certutil", CERTUTIL);
    let root = fake.root("root.pem");
    for (file, contents) in [
        ("cert9.db", String::new()),
        ("imported by hand.nick", pem(root.certificate())),
        ("imported by hand.flags", ",,".to_owned()),
    ] {
        fs::write(directory.join(file), contents).unwrap();
    }
    let store = Store::Nss(NssDatabase::find(&fake.machine()).unwrap().remove(0));
    let standing = store.standing(&root).unwrap();
    assert!(!standing.is_trusted);
    let shown: Vec<_> = store
        .install(&root, &standing)
        .iter()
        .map(ToString::to_string)
        .collect();
    let database = directory.display();
    let certutil = fake.path("bin/certutil");
    let certutil = certutil.display();
    assert_eq!(
        shown,
        [format!("{certutil} -M -n 'imported by hand' -t C,, -d sql:{database}")]
    );
    fake.run(&store, &root, true);
    assert!(store.standing(&root).unwrap().is_trusted);
}

#[test]
fn the_password_of_a_java_store_is_in_no_argument() {
    let fake = Fake::new();
    fake.tool(
        "keytool",
        "echo \"$@\" >>calls; echo \"$CERTGEN_STORE_PASSWORD\" >>password",
    );
    let store = fake.path("store.p12");
    let missing = JavaStore::find(&fake.machine(), Some(&store), None);
    assert!(
        matches!(missing, Err(TrustError::Read { .. })),
        "keytool would make a new one"
    );
    fs::write(&store, "").unwrap();
    let password = cryptokit::secret::SecretString::new("correct horse".into());
    let java = JavaStore::find(&fake.machine(), Some(&store), Some(password)).unwrap();
    let store = Store::Java(java);
    let root = fake.root("root.pem");
    let commands = store.install(&root, &store.standing(&root).unwrap());
    let shown = commands[0].to_string();
    assert!(shown.contains("-storepass:env CERTGEN_STORE_PASSWORD"), "{shown}");
    assert!(!shown.contains("horse"));
    assert_eq!(fs::read_to_string(fake.path("password")).unwrap(), "correct horse\n");
    assert!(!fs::read_to_string(fake.path("calls")).unwrap().contains("horse"));
}

#[test]
fn only_roots_are_taken() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    let root = CertificateAuthority::new_root(&DistinguishedName::new("Root").unwrap(), now()).unwrap();
    let issuing = root
        .issue_intermediate(&DistinguishedName::new("Issuing").unwrap(), now())
        .unwrap();
    let name = SubjectAlternativeName::parse("dns:api.example").unwrap();
    let (leaf, key) = issuing
        .issue_leaf(&LeafRequest::new(LeafProfile::Server, vec![name]), now())
        .unwrap();
    let read = |contents: &[u8]| {
        fs::write(&path, contents).unwrap();
        Root::read(&path).err()
    };
    let key = cryptokit::key_format::PrivateKey::from_pkcs8_der(key.pkcs8().expose_secret()).unwrap();
    let key = key.to_pem();
    assert!(matches!(
        read(key.expose_secret().as_bytes()),
        Some(RootError::Input(_))
    ));
    assert!(matches!(
        read(pem(leaf.certificate()).as_bytes()),
        Some(RootError::NotAnAuthority { .. })
    ));
    assert!(matches!(
        read(pem(issuing.certificate()).as_bytes()),
        Some(RootError::NotARoot { .. })
    ));
    assert!(matches!(read(root.certificate().der()), Some(RootError::Der { .. })));
    let two = pem(root.certificate()) + &pem(issuing.certificate());
    assert!(matches!(
        read(two.as_bytes()),
        Some(RootError::Several { count: 2, .. })
    ));

    // The same subject and issuer, signed by another key: what names itself a root is not believed.
    let other = CertificateAuthority::new_root(&DistinguishedName::new("Root").unwrap(), now()).unwrap();
    let mut forged = root.certificate().der().to_vec();
    let end = forged.len() - 8;
    forged[end..].copy_from_slice(&other.certificate().der()[other.certificate().der().len() - 8..]);
    let forged = cryptokit::x509::certificate_to_pem(&forged.into());
    let refused = read(forged.as_bytes());
    assert!(
        matches!(refused, Some(RootError::NotARoot { .. } | RootError::Input(_))),
        "{refused:?}"
    );
    assert!(read(pem(root.certificate()).as_bytes()).is_none());
}

#[test]
fn nothing_is_touched_without_being_asked() {
    let fake = Fake::new();
    let directory = fake.path("home/.pki/nssdb");
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("cert9.db"), "").unwrap();
    fake.tool("certutil", &format!("echo \"$@\" >>calls\n{CERTUTIL}"));
    let root = fake.root("root.pem");
    let run = |arguments: &[&str]| {
        Command::new(CERTGEN)
            .args(["trust"])
            .args(arguments)
            .args(["--certificate".as_ref(), root.path().as_os_str()])
            .env("HOME", fake.path("home"))
            .env("PATH", fake.path("bin"))
            .env_remove("JAVA_HOME")
            .output()
            .unwrap()
    };
    let undecided = run(&["install"]);
    assert_eq!(undecided.status.code(), Some(2));
    assert!(
        stderr(&undecided).contains("nothing was changed"),
        "{}",
        stderr(&undecided)
    );
    let dry = run(&["install", "--nss", "--dry-run"]);
    assert_eq!(dry.status.code(), Some(0));
    let calls = fs::read_to_string(fake.path("calls")).unwrap();
    assert!(calls.lines().all(|call| call.starts_with("-L ")), "{calls}");

    assert_eq!(run(&["status", "--nss"]).status.code(), Some(1));
    let installed = run(&["install", "--nss"]);
    assert_eq!(installed.status.code(), Some(0), "{}", stderr(&installed));
    assert_eq!(run(&["status", "--nss"]).status.code(), Some(0));
    assert_eq!(run(&["uninstall", "--nss"]).status.code(), Some(0));
    assert_eq!(run(&["status", "--nss"]).status.code(), Some(1));
}

#[test]
fn what_a_failing_tool_says_is_shown() {
    let fake = Fake::new();
    let directory = fake.path("home/.pki/nssdb");
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("cert9.db"), "").unwrap();
    fake.tool(
        "certutil",
        "[ \"$1\" = -L ] && exit 0; echo 'the database is read-only' >&2; exit 255",
    );
    let root = fake.root("root.pem");
    let output = Command::new(CERTGEN)
        .args(["trust", "install", "--nss", "--certificate"])
        .arg(root.path())
        .env("HOME", fake.path("home"))
        .env("PATH", fake.path("bin"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        said.contains("failed: `") && said.contains("the database is read-only"),
        "{said}"
    );

    // And a tool that says nothing and does nothing is found out.
    fake.tool("certutil", "exit 0");
    let silent = certgen_with(&fake, &root);
    assert_eq!(silent.status.code(), Some(3));
    assert!(
        String::from_utf8(silent.stdout)
            .unwrap()
            .contains("the root is not trusted there")
    );
}

fn certgen_with(fake: &Fake, root: &Root) -> std::process::Output {
    Command::new(CERTGEN)
        .args(["trust", "install", "--nss", "--certificate"])
        .arg(root.path())
        .env("HOME", fake.path("home"))
        .env("PATH", fake.path("bin"))
        .output()
        .unwrap()
}

fn without_tools(fake: &Fake) -> Machine {
    Machine {
        programs: vec![Path::new("/nonexistent").to_owned()],
        ..fake.machine()
    }
}

#[test]
fn the_help_says_that_sudo_is_never_called() {
    let help = certgen(&["trust", "install", "--help"]);
    let help = String::from_utf8(help.stdout).unwrap();
    assert!(help.contains("It never calls sudo"), "{help}");
}
