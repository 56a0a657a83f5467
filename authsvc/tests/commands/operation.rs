//! What an operator asks of an installation and does to it: `config`, `doctor`, `session`, `token`, `db read-only`.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::Home;
use crate::support::databases::Behind;
use crate::support::process::{binary, stderr, stdout};

#[test]
fn a_reader_that_leaves_is_no_error() {
    let output = std::process::Command::new("sh")
        .arg("-c")
        .arg(format!(
            "{{ {} openapi; echo \"status $?\" >&2; }} | head -c 1",
            binary()
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
        "keys",
        "audit",
    ] {
        assert_eq!(state(&well, check), "ok", "{check}: {well:?}");
    }
    // How near it is depends on what else the machine does.
    let database = well.iter().find(|finding| finding["check"] == "database").unwrap();
    assert!(
        ["ok", "warn"].contains(&database["state"].as_str().unwrap()),
        "{database}"
    );
    let says = database["says"].as_str().unwrap();
    assert!(
        says.contains("migrations, reached in") && says.ends_with(" ms"),
        "{says}"
    );
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

#[tokio::test]
async fn the_doctor_warns_for_a_day_of_what_could_not_be_recorded() {
    let home = Home::init();
    let added = home.command(&["user", "add", "alice@example.com", "--link"], "");
    assert!(added.status.success(), "{}", stderr(&added));
    let database = Behind::Sqlite(home.file("authsvc.db").into());
    for reason in ["audit_lost", "audit_gap", "audit_file_failing"] {
        let row = format!("UPDATE audit_rows SET reason = '{reason}'");
        database.execute_same(&row).await;
        let output = home.command(&["doctor"], "");
        assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
        let warning = format!("; next: authsvc audit search --reason {reason} --since 1d");
        let findings = stdout(&output);
        let line = findings.lines().find(|line| line.ends_with(&warning)).unwrap();
        assert!(line.starts_with("warn  audit          within a day "), "{line}");
        let next = home.command(&["audit", "search", "--reason", reason, "--since", "1d"], "");
        assert!(next.status.success() && !stdout(&next).is_empty(), "{}", stderr(&next));
    }
    let day = "UPDATE audit_rows SET time = time - 86400000000";
    database.execute_same(day).await;
    let output = home.command(&["doctor"], "");
    assert!(stdout(&output).contains("ok    audit"), "{}", stdout(&output));
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
            &["session", "end", "x"],
            "not the id of a session; `authsvc session list` shows them",
        ),
        (
            &["token", "revoke", "--session", "x"],
            "not the id of a session; `authsvc session list` shows them",
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
        &["session", "end-all", "x"][..],
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
