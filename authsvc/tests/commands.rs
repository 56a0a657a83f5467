//! The commands an operator uses, by the real binary: what they do, and what they refuse.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use support::process::{Dev, run, run_with_input, stderr, stdout};

struct Home {
    _directory: tempfile::TempDir,
    path: PathBuf,
}

impl Home {
    /// A server's home, on ports that are free.
    fn init() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("home");
        let made = run(&[
            "init",
            "--home",
            path.to_str().unwrap(),
            "--issuer",
            "https://auth.example",
            "--server-san",
            "localhost",
            "--default-audience",
            "orders",
            "--public-address",
            "127.0.0.1:0",
            "--internal-address",
            "127.0.0.1:0",
            "--ops-address",
            "127.0.0.1:0",
        ]);
        assert!(made.status.success(), "{}", stderr(&made));
        assert!(stdout(&made).contains("authsvc serve --config"), "it says what is next");
        Self {
            _directory: directory,
            path,
        }
    }

    fn file(&self, name: &str) -> String {
        self.path.join(name).to_str().unwrap().to_owned()
    }

    fn config(&self) -> String {
        self.file("authsvc.toml")
    }

    fn command(&self, arguments: &[&str], input: &str) -> std::process::Output {
        let config = self.config();
        run_with_input(&[arguments, &["--config", &config]].concat(), input)
    }

    fn edit(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.config()).unwrap();
        assert!(text.contains(from), "{text}");
        std::fs::write(self.config(), text.replace(from, to)).unwrap();
    }
}

/// Starts `serve`, which must refuse, and gives what it said.
fn refused(home: &Home) -> String {
    let output = home.command(&["serve"], "");
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let text = stderr(&output);
    assert!(!text.contains("\"started\""), "{text}");
    text
}

#[test]
fn serve_refuses_to_start_naming_what_is_missing() {
    for file in [
        "root.key",
        "pepper.json",
        "authsvc.db",
        "pki/server/fullchain.pem",
        "pki/server/key.pem",
        "pki/intermediate.pem",
    ] {
        let home = Home::init();
        std::fs::remove_file(home.file(file)).unwrap();
        let text = refused(&home);
        assert!(text.contains(file), "{file}: {text}");
        assert!(!Path::new(&home.file(file)).exists(), "nothing is made up");
    }
}

#[test]
fn serve_refuses_secrets_that_others_can_use() {
    for file in ["root.key", "pepper.json", "pki/server/key.pem"] {
        let home = Home::init();
        std::fs::set_permissions(home.file(file), std::fs::Permissions::from_mode(0o640)).unwrap();
        let text = refused(&home);
        assert!(
            text.contains(file) && text.contains("0640") && text.contains("chmod go="),
            "{text}"
        );
    }
    for (file, mode) in [("authsvc.db", 0o644), ("authsvc.toml", 0o622), ("authsvc.toml", 0o602)] {
        let home = Home::init();
        std::fs::set_permissions(home.file(file), std::fs::Permissions::from_mode(mode)).unwrap();
        let text = refused(&home);
        assert!(text.contains(file) && text.contains(&format!("{mode:04o}")), "{text}");
    }
}

#[test]
fn serve_refuses_what_does_not_belong_together() {
    let home = Home::init();
    let other = Home::init();
    for file in ["root.key", "pepper.json", "pki/server/key.pem", "authsvc.db"] {
        let kept = std::fs::read(home.file(file)).unwrap();
        std::fs::copy(other.file(file), home.file(file)).unwrap();
        let text = refused(&home);
        assert!(
            text.contains("does not open") || text.contains("cannot be used"),
            "{file}: {text}"
        );
        std::fs::write(home.file(file), kept).unwrap();
    }
    std::fs::write(home.file("root.key"), "cryptokit-root-key-1:canary\n").unwrap();
    let text = refused(&home);
    assert!(
        text.contains("does not hold a root key") && !text.contains("canary"),
        "{text}"
    );
}

#[test]
fn serve_refuses_unknown_settings_and_options_and_there_is_none_that_switches_checks_off() {
    let home = Home::init();
    home.edit("[public]", "[public]\nclient_auth = \"none\"");
    assert!(refused(&home).contains("unknown setting public.client_auth"));

    let help = stdout(&run(&["serve", "--help"]));
    for word in ["insecure", "disable", "no-auth", "no-tls", "skip", "without"] {
        assert!(!help.contains(&format!("--{word}")), "{help}");
    }
    assert_eq!(run(&["serve", "--config", "x", "--insecure"]).status.code(), Some(2));
    assert_eq!(run(&["serve"]).status.code(), Some(2));
}

#[test]
fn a_configuration_that_does_not_exist_is_answered_with_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("authsvc.toml");
    let missing = missing.to_str().unwrap();
    for arguments in [&["db", "restore", "--from", "x"][..], &["db", "status"], &["serve"]] {
        let output = run(&[arguments, &["--config", missing]].concat());
        assert_eq!(output.status.code(), Some(1));
        let told =
            format!("{missing} does not exist; --config names the file of an installation, and authsvc init makes one");
        assert!(stderr(&output).contains(&told), "{}", stderr(&output));
    }
}

#[test]
fn a_taken_port_is_named() {
    let home = Home::init();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = home.command(&["serve", "--public-address", &address], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains(&format!("public listener: cannot listen on {address}")),
        "{}",
        stderr(&output)
    );
}

#[test]
fn init_never_overwrites_and_checks_what_it_is_given() {
    let home = Home::init();
    let before = std::fs::read(home.file("root.key")).unwrap();
    let again =
        |home: &str, issuer: &str, san: &str| run(&["init", "--home", home, "--issuer", issuer, "--server-san", san]);
    let path = home.path.to_str().unwrap();
    let output = again(path, "https://auth.example", "localhost");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("nothing was changed"), "{}", stderr(&output));
    assert_eq!(std::fs::read(home.file("root.key")).unwrap(), before);

    let directory = tempfile::tempdir().unwrap();
    let fresh = directory.path().join("fresh");
    for (issuer, san) in [
        ("http://auth.example", "localhost"),
        ("https://a?b", "localhost"),
        ("https://a.example", "bad name!"),
    ] {
        let output = again(fresh.to_str().unwrap(), issuer, san);
        assert_eq!(output.status.code(), Some(1), "{issuer} {san}");
        assert!(
            !fresh.exists() || std::fs::read_dir(&fresh).unwrap().count() == 0,
            "{issuer} {san}"
        );
    }
    let loose = directory.path().join("loose");
    std::fs::create_dir(&loose).unwrap();
    std::fs::set_permissions(&loose, std::fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(
        again(loose.to_str().unwrap(), "https://a.example", "localhost")
            .status
            .code(),
        Some(1)
    );
    assert_eq!(std::fs::read_dir(&loose).unwrap().count(), 0);
}

#[test]
fn accounts_are_added_listed_disabled_and_reset() {
    let home = Home::init();
    let user = |arguments: &[&str], input: &str| home.command(&[&["user"], arguments].concat(), input);
    let good = "correct horse battery staple\n";

    let added = user(&["add", "Alice@Example.com", "--password-stdin"], good);
    assert!(added.status.success(), "{}", stderr(&added));
    let file = home.file("password");
    std::fs::write(&file, good).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(
        user(&["add", "bob@example.com", "--password-file", &file], "")
            .status
            .code(),
        Some(1)
    );
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert!(
        user(&["add", "bob@example.com", "--password-file", &file], "")
            .status
            .success()
    );

    let listed = stdout(&user(&["list"], ""));
    assert!(
        listed.contains("alice@example.com") && listed.contains("bob@example.com"),
        "{listed}"
    );
    assert!(user(&["disable", "bob@example.com"], "").status.success());
    let json = stdout(&user(&["list", "--json"], ""));
    let users: Vec<serde_json::Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(users.len(), 2);
    assert_eq!(
        (&users[0]["disabled"], &users[1]["disabled"]),
        (&false.into(), &true.into())
    );
    assert!(users.iter().all(|user| user.get("password_hash").is_none()));
    assert!(user(&["enable", "bob@example.com"], "").status.success());
    assert!(
        user(
            &["reset-password", "alice@example.com", "--password-stdin"],
            "another long passphrase"
        )
        .status
        .success()
    );

    for (arguments, input, says) in [
        (
            &["add", "alice@example.com", "--password-stdin"][..],
            good,
            "exists already",
        ),
        (
            &["add", "not an address", "--password-stdin"],
            good,
            "not an e-mail address",
        ),
        (
            &["add", "carol@example.com", "--password-stdin"],
            "fourteen chars",
            "at least 15",
        ),
        (
            &["add", "carol@example.com", "--password-stdin"],
            "",
            "password is empty",
        ),
        (
            &["add", "carol@example.com", "--password-stdin"],
            &"x".repeat(1025),
            "longer than 1024",
        ),
        (
            &["add", "carol@example.com", "--password-stdin"],
            "with a bell \u{7} in the middle",
            "control characters",
        ),
        (&["add", "carol@example.com"], good, "no terminal"),
        (&["disable", "carol@example.com"], "", "there is no account"),
        (
            &["reset-password", "carol@example.com", "--password-stdin"],
            good,
            "there is no account",
        ),
    ] {
        let output = user(arguments, input);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(stderr(&output).contains(says), "{arguments:?}: {}", stderr(&output));
        assert!(
            input.is_empty() || !stderr(&output).contains(input.trim()),
            "the input is not repeated"
        );
    }
    assert_eq!(
        user(&["add", "carol@example.com", "--password", "as an argument"], "")
            .status
            .code(),
        Some(2)
    );
}

#[test]
fn accounts_have_roles_and_scopes_and_are_shown_exported_and_deleted() {
    let home = Home::init();
    let user = |arguments: &[&str]| home.command(&[&["user"], arguments].concat(), "correct horse battery staple\n");
    let add = [
        "add",
        "alice@example.com",
        "--password-stdin",
        "--role",
        "clerk",
        "--role",
        "admin",
        "--scope",
        "orders:read",
    ];
    assert!(user(&add).status.success());
    let shown: serde_json::Value =
        serde_json::from_str(&stdout(&user(&["show", "alice@example.com", "--json"]))).unwrap();
    assert_eq!(shown["roles"], serde_json::json!(["admin", "clerk"]));
    assert_eq!(
        (&shown["scopes"], &shown["altered"]),
        (&serde_json::json!(["orders:read"]), &serde_json::Value::Null)
    );
    let set = user(&["set", "alice@example.com", "--roles", ""]);
    assert!(
        stdout(&set).contains("the roles \"\" and the scopes \"orders:read\""),
        "{}",
        stdout(&set)
    );
    for (arguments, says) in [
        (
            &["set", "alice@example.com", "--roles", "a  b"][..],
            "--roles: not a role",
        ),
        (
            &["set", "alice@example.com", "--scopes", "a\""],
            "--scopes: not a scope",
        ),
        (&["set", "bob@example.com", "--roles", "a"], "no account"),
        (&["show", "bob@example.com"], "no account"),
        (&["delete", "bob@example.com"], "no account"),
        (&["seal", "bob@example.com"], "no account"),
    ] {
        let output = user(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(stderr(&output).contains(says), "{arguments:?}: {}", stderr(&output));
    }
    assert_eq!(user(&["set", "alice@example.com"]).status.code(), Some(2));

    let text = stdout(&user(&["show", "alice@example.com"]));
    assert!(
        text.contains("as this program wrote it") && !text.contains("argon2"),
        "{text}"
    );
    let csv = stdout(&user(&["export", "--format", "csv"]));
    assert!(
        csv.starts_with("id,email,roles") && csv.contains("\"alice@example.com\",\"\",\"orders:read\",false"),
        "{csv}"
    );
    let exported = stdout(&user(&["export"]));
    assert!(
        exported.contains("\"orders:read\"") && !exported.contains("hash\":\""),
        "{exported}"
    );
    assert!(user(&["delete", "alice@example.com"]).status.success());
    assert_eq!(stdout(&user(&["list"])), "");
}

#[test]
fn accounts_of_another_system_are_imported_all_or_none_and_once() {
    const BCRYPT: &str = "$2b$04$yPqEimSXfB7LMMuimiF8AO6nLgcAao7ScSJVEoB2/o9XfOqZ9VCLy";
    let home = Home::init();
    let import = |arguments: &[&str], input: &str| home.command(&[&["user", "import"], arguments].concat(), input);
    let line = |name: &str, hash: &str| format!("{{\"email\":\"{name}@example.com\",\"password_hash\":\"{hash}\"}}\n");
    let good = line("alice", BCRYPT) + &line("bob", BCRYPT);

    let refused = import(&["-", "--format", "jsonl"], &good);
    assert!(
        stderr(&refused).contains("line 1 password_hash: stored hash was made with bcrypt"),
        "{}",
        stderr(&refused)
    );
    home.edit("[public]", "[passwords]\nimported_schemes = \"bcrypt\"\n[public]");

    let costly = BCRYPT.replace("$04$", "$31$");
    let bad = format!("{good}{}{}canary\n", line("carol", &costly), line("ALICE", BCRYPT));
    let refused = import(&["-", "--format", "jsonl"], &bad);
    assert_eq!(refused.status.code(), Some(1));
    let text = stderr(&refused);
    for says in [
        "3 bad lines; nothing was added",
        "line 3 password_hash: stored hash costs more",
        "line 4 has the address of line 1 again",
        "line 5 is not one JSON object",
    ] {
        assert!(text.contains(says), "{text}");
    }
    assert!(
        !text.contains("canary") && !text.contains("yPqEim"),
        "nothing of a line is repeated: {text}"
    );
    assert_eq!(stdout(&home.command(&["user", "list"], "")), "", "none of them");

    let tried = import(&["-", "--format", "jsonl", "--dry-run"], &good);
    assert!(
        stdout(&tried).contains("2 accounts could be added. Nothing was changed."),
        "{}",
        stdout(&tried)
    );
    assert_eq!(stdout(&home.command(&["user", "list"], "")), "");
    for expected in [
        "2 accounts were added; 0 were there",
        "0 accounts were added; 2 were there",
    ] {
        let done = import(&["-", "--format", "jsonl"], &good);
        assert!(stdout(&done).contains(expected), "{} {}", stdout(&done), stderr(&done));
    }
    let csv = format!("email,password_hash,roles\r\ncarol@example.com,{BCRYPT},\"clerk admin\"\r\nx,y,z\r\n");
    let file = home.file("users.csv");
    std::fs::write(&file, csv).unwrap();
    let done = import(&[&file, "--skip-bad"], "");
    assert!(
        stdout(&done).contains("line 3 email is not acceptable"),
        "{}",
        stdout(&done)
    );
    assert!(stdout(&done).contains("1 accounts were added"), "{}", stdout(&done));
    let shown = stdout(&home.command(&["user", "show", "carol@example.com"], ""));
    assert!(
        shown.contains("admin clerk") && shown.contains("imported; the next login"),
        "{shown}"
    );
    assert_eq!(
        import(&["-"], &good).status.code(),
        Some(1),
        "standard input has no name to tell its form by"
    );
}

#[test]
fn links_are_printed_once_and_only_their_digest_is_kept() {
    let home = Home::init();
    let user = |arguments: &[&str]| home.command(&[&["user"], arguments].concat(), "");
    let added = stdout(&user(&["add", "alice@example.com", "--link"]));
    let first = added.lines().last().unwrap().to_owned();
    assert_eq!(first.len(), 43, "{added}");
    home.edit(
        "[public]",
        "[passwords]\nreset_url = \"https://shop.example/new-password\"\n[public]",
    );
    let text = stdout(&user(&[
        "reset-password",
        "alice@example.com",
        "--link",
        "--expires-in",
        "60",
    ]));
    let link = text.lines().last().unwrap();
    let second = link.strip_prefix("https://shop.example/new-password#").unwrap();
    assert_ne!(first, second);
    let database = std::fs::read(home.file("authsvc.db")).unwrap();
    for token in [first.as_str(), second] {
        assert!(
            !database.windows(43).any(|window| window == token.as_bytes()),
            "not even the one that is void"
        );
    }
    for seconds in ["0", "59", "604801", "x"] {
        let output = user(&["reset-password", "alice@example.com", "--link", "--expires-in", seconds]);
        assert_eq!(output.status.code(), Some(2), "{seconds}");
    }
}

#[test]
fn services_are_added_listed_and_removed() {
    let home = Home::init();
    let service = |arguments: &[&str]| home.command(&[&["service"], arguments].concat(), "");
    assert!(
        service(&["add", "orders", "--san", "dns:orders.internal", "--audience", "orders"])
            .status
            .success()
    );
    let root = home.file("pki/root.pem");
    let other = [
        "add",
        "other",
        "--san",
        "dns:orders.internal",
        "--audience",
        "x",
        "--issuer",
        &root,
    ];
    assert!(
        service(&other).status.success(),
        "the same name by another CA is somebody else"
    );
    let listed = stdout(&service(&["list"]));
    assert!(listed.contains("orders  dns:orders.internal by "), "{listed}");
    assert_eq!(stdout(&service(&["list", "--json"])).lines().count(), 2);

    let leaf = home.file("pki/server/certificate.pem");
    let chain = home.file("pki/server/fullchain.pem");
    for (arguments, says) in [
        (
            &["add", "orders", "--san", "dns:new.internal", "--audience", "x"][..],
            "registered already",
        ),
        (
            &["add", "new", "--san", "dns:orders.internal", "--audience", "x"],
            "registered already",
        ),
        (
            &["add", "New", "--san", "dns:new.internal", "--audience", "x"],
            "not a service name",
        ),
        (
            &["add", "new", "--san", "new.internal", "--audience", "x"],
            "--san new.internal",
        ),
        (
            &["add", "new", "--san", "dns:new.internal", "--audience", "a b"],
            "--audience a b",
        ),
        (
            &[
                "add",
                "new",
                "--san",
                "dns:new.internal",
                "--audience",
                "x",
                "--issuer",
                &leaf,
            ],
            "not a CA certificate",
        ),
        (
            &[
                "add",
                "new",
                "--san",
                "dns:new.internal",
                "--audience",
                "x",
                "--issuer",
                &chain,
            ],
            "--issuer",
        ),
        (&["remove", "new"], "no service new"),
        (
            &["add", "new", "--san", "dns:new.internal", "--audience", "authsvc"],
            "this service's own",
        ),
        (
            &[
                "add",
                "new",
                "--san",
                "dns:new.internal",
                "--audience",
                "x",
                "--scope",
                "a b",
            ],
            "--scope a b",
        ),
        (&["add-identity", "new", "--san", "dns:new.internal"], "no service new"),
        (
            &["add-identity", "other", "--san", "dns:orders.internal"],
            "registered already",
        ),
        (
            &["remove-identity", "orders", "--san", "dns:new.internal"],
            "orders is not dns:new.internal",
        ),
        (
            &["remove-identity", "orders", "--san", "dns:orders.internal"],
            "only identity",
        ),
    ] {
        let output = service(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(stderr(&output).contains(says), "{arguments:?}: {}", stderr(&output));
    }
    assert!(service(&["remove", "orders"]).status.success());
    assert_eq!(stdout(&service(&["list"])).lines().count(), 1);
}

#[test]
fn a_service_moves_to_another_issuing_authority_and_administrators_are_marked() {
    let home = Home::init();
    let service = |arguments: &[&str]| home.command(&[&["service"], arguments].concat(), "");
    let add = [
        "add",
        "orders",
        "--san",
        "dns:orders.internal",
        "--audience",
        "orders",
        "--scope",
        "orders:read",
    ];
    assert!(service(&add).status.success());
    let root = home.file("pki/root.pem");
    let next = ["--san", "dns:orders.internal", "--issuer", &root];
    assert!(
        service(&[&["add-identity", "orders"][..], &next].concat())
            .status
            .success()
    );
    let listed = stdout(&service(&["list", "--json"]));
    let json: serde_json::Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(json["identities"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&json["scopes"][0], &json["admin"]),
        (&"orders:read".into(), &false.into())
    );

    let old = ["remove-identity", "orders", "--san", "dns:orders.internal"];
    assert!(service(&old).status.success());
    assert!(stdout(&service(&["list"])).contains("scopes orders:read"));

    let none = service(&["add", "admin", "--san", "dns:admin.internal"]);
    assert_eq!(
        none.status.code(),
        Some(2),
        "a service without audiences has to be an administrator"
    );
    let admin = service(&["add", "admin", "--san", "dns:admin.internal", "--admin"]);
    assert!(stdout(&admin).contains("an administrator"), "{}", stderr(&admin));
    assert!(stdout(&service(&["list"])).contains("administrator"));
}

#[test]
fn a_folder_that_only_looks_interrupted_is_left_alone() {
    for text in ["", "mine\n"] {
        let directory = tempfile::tempdir().unwrap();
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
        std::fs::write(directory.path().join(".authsvc-incomplete"), text).unwrap();
        std::fs::write(directory.path().join("thesis.txt"), "mine").unwrap();
        let output = run(&["dev", "--home", directory.path().to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(
            std::fs::read_to_string(directory.path().join("thesis.txt")).unwrap(),
            "mine"
        );
    }
}

#[test]
fn a_port_that_cannot_be_had_is_not_kept() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("home");
    let dev = Dev::start(&home);
    let before = dev.description.clone();
    assert!(dev.stop().0.success());
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let refused = run(&["dev", "--home", home.to_str().unwrap(), "--public-port", &port]);
    assert_eq!(refused.status.code(), Some(1), "{}", stderr(&refused));
    std::fs::remove_file(home.join("dev.json")).unwrap();
    let dev = Dev::start(&home);
    assert_eq!(dev.text("public_url"), before["public_url"]);
    assert!(dev.stop().0.success());
}

#[test]
fn dev_refuses_a_folder_that_holds_something_else() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    std::fs::write(directory.path().join("thesis.txt"), "mine").unwrap();
    let output = run(&["dev", "--home", directory.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("thesis.txt"), "{}", stderr(&output));
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn a_home_whose_making_was_killed_is_made_again_from_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("home");
    // At whatever moment the kill arrives: before the first file, between any two, after the last.
    for round in 0..12 {
        let mut child = std::process::Command::new(support::process::binary())
            .args([
                "dev",
                "--json",
                "--public-port",
                "0",
                "--internal-port",
                "0",
                "--ops-port",
                "0",
                "--home",
            ])
            .arg(&home)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(4 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        let complete = home.join("authsvc.toml").exists();
        let dev = Dev::start(&home);
        assert_eq!(dev.description["password"].is_null(), complete, "round {round}");
        assert!(dev.stop().0.success());
        assert!(!home.join(".authsvc-incomplete").exists() || complete, "round {round}");
        std::fs::remove_dir_all(&home).unwrap();
    }
}

#[test]
fn of_two_processes_that_make_one_home_one_wins_and_the_home_is_whole() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("home");
    let init = || {
        std::process::Command::new(support::process::binary())
            .args([
                "init",
                "--issuer",
                "https://auth.example",
                "--server-san",
                "localhost",
                "--home",
            ])
            .arg(&home)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap()
    };
    let children = [init(), init(), init(), init()];
    let outputs = children.map(|child| child.wait_with_output().unwrap());
    let won = outputs.iter().filter(|output| output.status.success()).count();
    assert_eq!(won, 1, "{}", outputs.iter().map(stderr).collect::<String>());
    let config = home.join("authsvc.toml");
    let listed = run(&["user", "list", "--config", config.to_str().unwrap()]);
    assert!(listed.status.success(), "{}", stderr(&listed));
}

#[test]
fn the_ports_of_a_home_can_be_changed_and_are_kept() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("home");
    let dev = Dev::start(&home);
    let before = dev.description.clone();
    assert!(dev.stop().0.success());
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
        .to_string();
    let dev = Dev::start_with(&home, &[]);
    assert!(dev.stop().0.success());

    let stderr_file = directory.path().join("err");
    let mut child = std::process::Command::new(support::process::binary())
        .args(["dev", "--json", "--ops-port", &free, "--home"])
        .arg(&home)
        .stdout(std::process::Stdio::piped())
        .stderr(std::fs::File::create(&stderr_file).unwrap())
        .spawn()
        .unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.as_mut().unwrap()), &mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let described: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(described["ops_url"], format!("http://127.0.0.1:{free}"));
    assert_eq!(described["public_url"], before["public_url"]);
    let dev = Dev::start(&home);
    assert_eq!(
        dev.text("ops_url"),
        format!("http://127.0.0.1:{free}"),
        "kept, and a kill lost nothing"
    );
    assert!(dev.stop().0.success());
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let output = std::process::Command::new("sh")
        .arg("-c")
        .arg(format!(
            "{{ {} openapi; echo \"status $?\" >&2; }} | head -c 1",
            support::process::binary()
        ))
        .output()
        .unwrap();
    assert!(stderr(&output).contains("status 0"), "{}", stderr(&output));
    assert!(!stderr(&output).contains("panicked"));
}

#[test]
fn the_configuration_is_checked_and_shown_with_where_it_comes_from() {
    let home = Home::init();
    let checked = home.command(&["config", "check"], "");
    assert!(stdout(&checked).contains("can be used"), "{}", stderr(&checked));
    let shown = home.command(&["config", "show", "--json"], "");
    let settings: Vec<serde_json::Value> = stdout(&shown)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of = |key: &str| settings.iter().find(|setting| setting["setting"] == key).unwrap();
    assert_eq!(of("issuer")["value"], "https://auth.example");
    assert_eq!(of("issuer")["from"], home.config().as_str());
    assert_eq!(of("log_level")["from"], "its default");
    for secret in ["root.key", "pepper.json"] {
        let secret = std::fs::read_to_string(home.file(secret)).unwrap();
        assert!(!stdout(&shown).contains(secret.trim()), "files are named, not shown");
    }
    home.edit("[public]", "[public]\nclient_auth = \"none\"");
    let refused = home.command(&["config", "check"], "");
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("unknown setting public.client_auth"));
}

#[test]
fn the_doctor_says_what_is_wrong_and_what_to_do_about_it() {
    let home = Home::init();
    let findings = |expected: i32| -> Vec<serde_json::Value> {
        let output = home.command(&["doctor", "--json"], "");
        assert_eq!(output.status.code(), Some(expected), "{}", stdout(&output));
        stdout(&output)
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    let state = |findings: &[serde_json::Value], check: &str| -> String {
        let finding = findings.iter().find(|finding| finding["check"] == check);
        finding.map_or(String::new(), |finding| finding["state"].as_str().unwrap().to_owned())
    };
    let well = findings(0);
    for check in [
        "configuration",
        "secrets",
        "certificates",
        "port public",
        "database",
        "keys",
        "audit",
    ] {
        assert_eq!(state(&well, check), "ok", "{check}: {well:?}");
    }
    assert!(stdout(&home.command(&["doctor"], "")).starts_with("ok    configuration"));

    std::fs::set_permissions(home.file("root.key"), std::fs::Permissions::from_mode(0o640)).unwrap();
    let loose = findings(1);
    assert_eq!(state(&loose, "secrets"), "fail");
    assert!(
        loose
            .iter()
            .all(|finding| finding["state"] != "fail" || finding["next"].is_string())
    );
    std::fs::set_permissions(home.file("root.key"), std::fs::Permissions::from_mode(0o600)).unwrap();

    std::fs::rename(home.file("authsvc.db"), home.file("elsewhere.db")).unwrap();
    let gone = findings(1);
    assert_eq!(state(&gone, "database"), "fail");
    assert_eq!(state(&gone, "keys"), "", "what depends on it is not said again");
    assert!(
        !Path::new(&home.file("authsvc.db")).exists(),
        "the doctor makes nothing"
    );
    std::fs::rename(home.file("elsewhere.db"), home.file("authsvc.db")).unwrap();

    home.edit("issuer = \"https", "issuer = \"http");
    let broken = findings(1);
    assert_eq!(broken.len(), 1);
    assert_eq!(state(&broken, "configuration"), "fail");
}

#[test]
fn sessions_and_tokens_are_ended_on_record_and_nothing_else_is() {
    let home = Home::init();
    let run = |arguments: &[&str]| home.command(arguments, "");
    let added = run(&["user", "add", "alice@example.com", "--link"]);
    assert!(added.status.success(), "{}", stderr(&added));
    assert_eq!(stdout(&run(&["session", "list"])), "");
    assert_eq!(stdout(&run(&["session", "list", "--user", "alice@example.com"])), "");
    let ended = run(&["session", "end-all", "alice@example.com"]);
    assert_eq!(stdout(&ended), "0 sessions ended.\n", "{}", stderr(&ended));
    let gone = run(&["session", "end-all", "00000000-0000-4000-8000-000000000000"]);
    assert_eq!(stdout(&gone), "0 sessions ended.\n", "an account that is gone");
    assert_eq!(stdout(&run(&["token", "revoke", "--jti", "some-jti"])), "Revoked.\n");
    let before = run(&["token", "revoke", "--issued-before", "0s"]);
    assert!(stdout(&before).contains("; 0 sessions ended."), "{}", stderr(&before));
    for (refused, why) in [
        (
            &["session", "end", "00000000-0000-4000-8000-000000000000"][..],
            "no session of that id lives",
        ),
        (
            &["session", "end-all", "bob@example.com"],
            "there is no account bob@example.com",
        ),
        (
            &["token", "revoke", "--issued-before", "2999-01-01T00:00:00Z"],
            "lies in the future",
        ),
        (&["token", "revoke", "--jti", &"x".repeat(257)], "1 to 256 bytes"),
    ] {
        let refused = run(refused);
        assert_eq!(refused.status.code(), Some(1));
        assert!(stderr(&refused).contains(why), "{}", stderr(&refused));
    }
    for unread in [
        &["session", "end", "x"][..],
        &["session", "end-all", "x"],
        &["token", "revoke", "--issued-before", "soon"],
        &["token", "revoke", "--issued-before", "-1h"],
    ] {
        assert!(!run(unread).status.success(), "{unread:?}");
    }
    let acts = stdout(&run(&["audit", "search", "--event", "authz_admin"]));
    for (act, times) in [("session.end-all", 3), ("token.revoke", 4), ("session.end", 1)] {
        let records = acts.matches(&format!("\"operation\":\"{act}\"")).count();
        assert_eq!(records, 2 * times, "{act}: {acts}");
    }
}

#[test]
fn read_only_mode_is_on_record_from_its_beginning_to_its_end() {
    let home = Home::init();
    assert!(stdout(&home.command(&["db", "read-only", "on"], "")).contains("is on"));
    let refused = home.command(&["user", "add", "alice@example.com", "--link"], "");
    assert!(!refused.status.success(), "nothing is written meanwhile");
    assert!(stdout(&home.command(&["db", "read-only", "off"], "")).contains("is off"));
    let acts = stdout(&home.command(&["audit", "search", "--event", "authz_admin"], ""));
    for act in ["db.read_only.on", "db.read_only.off"] {
        let of_act = acts
            .lines()
            .filter(|line| line.contains(&format!("\"operation\":\"{act}\"")));
        let outcomes: Vec<bool> = of_act.map(|line| line.contains("\"act_done\"")).collect();
        assert_eq!(outcomes, [false, true], "{act}: {acts}");
    }
}
