//! The record, asked about by commands: where files of it are missing, and what it says of what was refused.

use std::process::Output;

use http::StatusCode;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

use super::installation::{EMAIL, Installation, PASSWORD, PATIENT, Server, until};
use super::support::process::{stderr, stdout};

const WRONG: &str = "not the password of anybody";

/// The id of a refused login.
async fn refused(server: &Server) -> String {
    let answer = server.login(EMAIL, WRONG).await;
    let problem: Value = answer.json(StatusCode::UNAUTHORIZED).unwrap();
    problem["id"].as_str().unwrap().to_owned()
}

fn audit(installation: &Installation, arguments: &[&str]) -> Output {
    installation.command(&[&["audit"], arguments].concat(), "")
}

/// What `authsvc audit verify` says of a log that is not whole.
fn bad(installation: &Installation, what: &str) -> String {
    let output = audit(installation, &["verify"]);
    assert_eq!(output.status.code(), Some(1), "{what}: {}", stdout(&output));
    stdout(&output)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_was_cut_at_its_head_emptied_or_removed_is_named() {
    let mut installation = Installation::new(None, PATIENT);
    let file = installation.home().join("audit.jsonl");
    for process in 1..=2 {
        let server = installation.serve();
        for _ in 0..3 {
            refused(&server).await;
        }
        until("the lines are written", async || {
            let text = std::fs::read_to_string(&file).unwrap();
            text.lines().filter(|line| line.contains("\"wrong_password\"")).count() == 3 * process
        })
        .await;
        server.kill();
    }
    let whole = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    let second = lines
        .iter()
        .rposition(|line| line.contains("\"audit_started\""))
        .unwrap();
    assert!(second > 1, "two processes have written: {whole}");
    installation.succeeds(&["audit", "verify"]);

    let name = file.display().to_string();
    for (what, text, says) in [
        (
            "without its first line",
            lines[1..].concat(),
            format!("first: {name}:1: the chain begins at record 2,"),
        ),
        (
            "without the first process",
            lines[second..].concat(),
            format!("first: {name}:1: the chain was begun after record"),
        ),
        (
            "without the second process",
            lines[..second].concat(),
            "and no file has its line".to_owned(),
        ),
        ("emptied", String::new(), "and no file has its line".to_owned()),
    ] {
        std::fs::write(&file, &text).unwrap();
        let said = bad(&installation, what);
        assert!(said.contains(&says), "{what}: {said}");
        assert!(said.contains("the database: good"), "{what}: {said}");
        // As a piece that somebody names it is good, and is called one.
        let piece = audit(&installation, &["verify", &name]);
        assert!(piece.status.success(), "{what}: {}", stdout(&piece));
        assert!(stdout(&piece).contains("note: a piece:"), "{}", stdout(&piece));
    }
    std::fs::remove_file(&file).unwrap();
    let said = bad(&installation, "removed");
    assert!(said.contains(&format!("note: {name} is not there")), "{said}");
    assert!(said.contains("and no file has its line"), "{said}");
    let json = audit(&installation, &["verify", "--json"]);
    let said: Value = serde_json::from_str(&stdout(&json)).unwrap();
    assert_eq!((&said["good"], json.status.code()), (&Value::Bool(false), Some(1)));

    // A new process goes on with a new file, and what is gone stays missed.
    let server = installation.serve();
    refused(&server).await;
    bad(&installation, "removed, and begun anew");
    server.kill();
    let text = whole + &std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text).unwrap();
    installation.succeeds(&["audit", "verify"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_refused_is_explained_listed_counted_exported_and_vouched_for() {
    let mut installation = Installation::new(None, PATIENT);
    let server = installation.serve();
    let id = refused(&server).await;
    refused(&server).await;
    // Three that speak no TLS, from another address.
    for _ in 0..3 {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
        let port = server.public_address.rsplit(':').next().unwrap();
        let mut stream = socket
            .connect(format!("127.0.0.1:{port}").parse().unwrap())
            .await
            .unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        // To the end: what the service says before it closes does not matter.
        let _ = stream.read_to_end(&mut Vec::new()).await;
    }
    let top = |installation: &Installation| -> Value {
        serde_json::from_str(&installation.succeeds(&["audit", "top", "--json"])).unwrap()
    };
    until("all are in the database", async || {
        let sources = top(&installation)["sources"].clone();
        let counts = sources.as_array().unwrap().iter();
        counts.filter_map(|one| one["failures"].as_u64()).sum::<u64>() >= 5
    })
    .await;
    // Nothing is recorded meanwhile.
    server.kill();

    let counted = top(&installation);
    let of = |name: &str, count: u64| serde_json::json!({ "name": name, "failures": count });
    assert_eq!(
        counted["sources"],
        serde_json::json!([of("127.0.0.2", 3), of("127.0.0.1", 2)])
    );
    assert_eq!(counted["accounts"], serde_json::json!([of(EMAIL, 2)]));
    let reasons = counted["reasons"].as_array().unwrap();
    assert_eq!((reasons.len(), &reasons[1]), (2, &of("wrong_password", 2)));
    assert_eq!(reasons[0]["failures"], 3);
    let first = installation.succeeds(&["audit", "top", "-n", "1"]);
    assert!(first.contains("         3  127.0.0.2\n"), "{first}");
    assert!(!first.contains("127.0.0.1"), "one of each: {first}");

    // From the id that the caller was shown to the rule.
    let explained = installation.succeeds(&["explain", &id]);
    for says in [
        format!("id          {id}\n"),
        "what        login, failure, authn_login_fail\n".to_owned(),
        "rule        wrong_password\n".to_owned(),
        format!("who         {EMAIL}, account "),
        "where       127.0.0.1, /v1/auth, listener public, request ".to_owned(),
        "what to do  ".to_owned(),
        "in the database, its digest is right\n".to_owned(),
    ] {
        assert!(explained.contains(&says), "{says:?} in {explained}");
    }
    assert!(!explained.contains(WRONG), "{explained}");
    let upper = installation.succeeds(&["explain", &id.to_uppercase(), "--json"]);
    let record: Value = serde_json::from_str(&upper).unwrap();
    assert_eq!(record["event"]["id"], id.as_str());
    for (id, says) in [
        ("00000000-0000-4000-8000-000000000000", "no record has the id"),
        ("0' OR 1=1", "is not an id as answers show it"),
    ] {
        let unknown = installation.command(&["explain", id], "");
        assert_eq!((unknown.status.code(), stdout(&unknown).as_str()), (Some(1), ""));
        assert!(stderr(&unknown).contains(says), "{}", stderr(&unknown));
    }

    // The last ones, in their order.
    let all = installation.succeeds(&["audit", "search"]);
    let all: Vec<&str> = all.lines().collect();
    for count in [0, 1, 3] {
        let tail = installation.succeeds(&["audit", "tail", "-n", &count.to_string()]);
        assert_eq!(tail.lines().collect::<Vec<_>>(), all[all.len() - count..], "{count}");
    }
    let tail = installation.succeeds(&["audit", "tail", "-n", "10000"]);
    assert_eq!(tail.lines().collect::<Vec<_>>(), all);

    heads(&installation);

    // For a spreadsheet (RFC 4180); the export itself is on record before it is made.
    let csv = installation.succeeds(&["audit", "export", "--format", "csv", "--reason", "wrong_password"]);
    let rows: Vec<&str> = csv.split_terminator("\r\n").collect();
    assert_eq!(rows[0], "time,id,event,outcome,reason,user_id,account,source,chain,row");
    assert_eq!(rows.len(), 3, "{csv}");
    let fields: Vec<&str> = rows[1].split("\",\"").collect();
    assert_eq!(fields.len(), 10, "{csv}");
    assert_eq!(
        (&fields[1..5], &fields[6..8]),
        (
            &[id.as_str(), "authn_login_fail", "failure", "wrong_password"][..],
            &[EMAIL, "127.0.0.1"][..]
        )
    );
    let csv = installation.succeeds(&["audit", "export", "--format", "csv"]);
    assert!(csv.contains("\"act_begun\""), "{csv}");
    installation.succeeds(&["audit", "verify"]);
}

/// A head that was noted elsewhere is found, or missed.
fn heads(installation: &Installation) {
    let said: Value = serde_json::from_str(&installation.succeeds(&["audit", "verify", "--json"])).unwrap();
    for part in said["parts"].as_array().unwrap() {
        for chain in part["chains"].as_array().unwrap() {
            let head = format!("--expect-head={}", chain["head"].as_str().unwrap());
            let found = installation.succeeds(&["audit", "verify", &head]);
            assert!(found.contains("the expected head is at "), "{found}");
        }
    }
    for head in ["A".repeat(43), format!("-{}", "A".repeat(42))] {
        for output in [
            audit(installation, &["verify", "--expect-head", &head]),
            audit(installation, &["verify", &format!("--expect-head={head}")]),
        ] {
            assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
            assert!(
                stdout(&output).contains("no record has the expected digest"),
                "{}",
                stdout(&output)
            );
        }
    }
    let none = audit(installation, &["verify", "--expect-head", PASSWORD]);
    assert_eq!((none.status.code(), stdout(&none).as_str()), (Some(1), ""));
    assert!(stderr(&none).contains("--expect-head"), "{}", stderr(&none));
}
