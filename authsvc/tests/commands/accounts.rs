//! `authsvc user`: accounts are added, changed, imported, shown and deleted.

use std::os::unix::fs::PermissionsExt;

use super::Home;
use crate::support::process::{stderr, stdout};

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
