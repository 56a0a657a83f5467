//! Lines: files that are rotated, moved, full, broken or torn, and what clients write into them.

use std::fs::OpenOptions;
use std::io::Write;

use authsvc::audit::file::{all_files, open_private};
use authsvc_core::audit::chain::Record;
use authsvc_core::audit::{AuditSink, perform};
use serde_json::Value;

use super::fixture::{Fixture, Fragile, act, refusal, sibling, until};

#[tokio::test(flavor = "multi_thread")]
async fn a3_rotation_moved_files_full_disks_and_io_errors_under_load_leave_the_chain_whole() {
    let mut fixture = Fixture::new().await;
    fixture.config.rotation.max_bytes = 40_000;
    let log = fixture.start(Fragile::open).await;
    let file = fixture.file();
    let mut moved = Vec::new();
    let mut recorded = 0;
    for round in 0..60 {
        for _ in 0..20 {
            log.record(&refusal(&fixture.clock, "alice@example.com", "r"));
            recorded += 1;
        }
        // Records are taken in order: when this one is in the database, those before it were written or wait.
        perform(log.as_ref(), fixture.clock.as_ref(), act(), async {
            Ok::<(), String>(())
        })
        .await
        .unwrap();
        recorded += 2;
        match round % 10 {
            2 => std::fs::write(sibling(&file, "full"), "").unwrap(),
            4 => std::fs::remove_file(sibling(&file, "full")).unwrap(),
            5 if file.exists() => {
                let aside = fixture.directory.path().join(format!("moved-{round:03}"));
                std::fs::rename(&file, &aside).unwrap();
                moved.push(aside);
            }
            6 => std::fs::write(sibling(&file, "broken"), "").unwrap(),
            8 => std::fs::remove_file(sibling(&file, "broken")).unwrap(),
            _ => {}
        }
    }
    log.close().await;

    let mut files = all_files(&file);
    // A file that could not even be cut back ends in a torn line.
    for path in &files {
        let text = std::fs::read(path).unwrap();
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        std::fs::write(path, &text[..whole]).unwrap();
    }
    files.extend(moved);
    files.retain(|path| std::fs::metadata(path).unwrap().len() > 0);
    files.sort_by_key(|path| {
        let text = std::fs::read_to_string(path).unwrap();
        Record::parse(text.lines().next().unwrap().as_bytes()).unwrap().seq
    });
    assert!(files.len() > 5, "it was rotated and moved: {files:?}");
    let verdict = fixture.verify_files(&files).await;
    assert!(verdict.is_good(), "{:#?}", verdict.faults);
    assert!(verdict.records >= recorded, "{} of {recorded}", verdict.records);
    assert_eq!(verdict.chains[0].lost, 0, "what found no room waited for it");
    assert!(fixture.verify_rows().await.is_good());
    assert_eq!(fixture.rows("wrong_password").await, 1200);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_rotation_removes_are_on_record_and_no_others_may_be_missing() {
    let mut fixture = Fixture::new().await;
    fixture.config.rotation.max_bytes = 4_000;
    fixture.config.rotation.keep = 2;
    // The second process goes on where the first one has ended.
    for process in 0..2 {
        let log = fixture.start(open_private).await;
        for _ in 0..40 {
            log.record(&refusal(&fixture.clock, "alice@example.com", "r"));
            perform(log.as_ref(), fixture.clock.as_ref(), act(), async {
                Ok::<(), String>(())
            })
            .await
            .unwrap();
            fixture.clock.advance(1);
        }
        log.close().await;
        let files = all_files(&fixture.file());
        assert_eq!(files.len(), 3, "process {process}: {files:?}");
        let verdict = fixture.verify_log(&files).await;
        assert!(verdict.is_good(), "process {process}: {:#?}", verdict.faults);
        assert!(
            verdict.chains.iter().all(|chain| chain.first > 1),
            "older files were removed"
        );
    }
    let files = all_files(&fixture.file());
    assert!(
        !fixture.verify_log(&files[1..]).await.is_good(),
        "one file more is missing"
    );
    assert!(
        !fixture.verify_log(&files[..2]).await.is_good(),
        "the last one is missing"
    );
    assert!(!fixture.verify_log(&[]).await.is_good(), "all are missing");
    assert!(
        fixture.verify_files(&files[1..]).await.is_good(),
        "as a piece it is good"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a3_lines_beyond_what_memory_holds_are_lost_on_record() {
    let fixture = Fixture::new().await;
    let log = fixture.start(Fragile::open).await;
    let full = sibling(&fixture.file(), "full");
    std::fs::write(&full, "").unwrap();
    // Twelve megabytes of lines, in portions that the queue takes.
    let long = "r".repeat(3000);
    for portion in 0..40 {
        for _ in 0..100 {
            log.record(&refusal(&fixture.clock, "alice@example.com", &long));
        }
        until("the portion is stored", async || {
            fixture.rows("wrong_password").await == (portion + 1) * 100
        })
        .await;
    }
    std::fs::remove_file(&full).unwrap();
    log.record(&refusal(&fixture.clock, "alice@example.com", "after"));
    until("the gap is on record", async || fixture.rows("audit_gap").await >= 1).await;
    log.close().await;
    let verdict = fixture.verify_files(&[fixture.file()]).await;
    assert!(verdict.is_good(), "{:#?}", verdict.faults);
    assert!(verdict.chains[0].lost > 500, "{}", verdict.chains[0].lost);
    let rows = fixture.verify_rows().await;
    assert!(rows.is_good(), "{:#?}", rows.faults);
    assert_eq!(fixture.rows("wrong_password").await, 4001, "the database has them all");
}

/// Signed rows vouch for the lines of a file. One whose line finds no room is followed by one that says so: a process that
/// ends before there is room leaves no file that looks cut off, and one that was cut off is still noticed.
#[tokio::test(flavor = "multi_thread")]
async fn a3_a_disk_that_fills_up_just_when_a_record_is_signed_leaves_a_log_that_verifies() {
    let fixture = Fixture::new().await;
    for (process, filled_at_once) in [(1, false), (2, true)] {
        let full = sibling(&fixture.file(), "full");
        if filled_at_once {
            std::fs::write(&full, "").unwrap();
        }
        let log = fixture.start(Fragile::open).await;
        if !filled_at_once {
            log.record(&refusal(&fixture.clock, "alice@example.com", "before"));
            log.checkpoint(None).await.unwrap();
            std::fs::write(&full, "").unwrap();
            log.checkpoint(None).await.unwrap();
        }
        log.record(&refusal(&fixture.clock, "alice@example.com", "after"));
        log.checkpoint(None).await.unwrap();
        log.close().await;
        assert_eq!(fixture.rows("audit_file_failing").await, process, "once each time");
        let verdict = fixture.verify_log(&[fixture.file()]).await;
        assert!(verdict.is_good(), "process {process}: {:#?}", verdict.faults);
        std::fs::remove_file(&full).unwrap();
    }
    let log = fixture.start(Fragile::open).await;
    log.close().await;
    let verdict = fixture.verify_log(&[fixture.file()]).await;
    assert!(verdict.is_good(), "{:#?}", verdict.faults);

    // Of the first chain the file has three lines, as the database knows; the last one has two.
    let text = std::fs::read_to_string(fixture.file()).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 5, "{text}");
    for missing in [2, 4] {
        let cut: Vec<_> = (0..5).filter(|at| *at != missing).map(|at| lines[at]).collect();
        std::fs::write(fixture.file(), cut.join("\n") + "\n").unwrap();
        let verdict = fixture.verify_log(&[fixture.file()]).await;
        assert!(!verdict.is_good(), "line {} is missing", missing + 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_torn_last_line_is_set_aside_and_the_next_chain_names_what_came_before() {
    let fixture = Fixture::new().await;
    let first = fixture.start(open_private).await;
    first.record(&refusal(&fixture.clock, "alice@example.com", "r"));
    first.close().await;
    let before = std::fs::read(fixture.file()).unwrap();
    OpenOptions::new()
        .append(true)
        .open(fixture.file())
        .unwrap()
        .write_all(b"{\"@timestamp\":\"2027-01-15T08:")
        .unwrap();
    fixture.clock.advance(1);
    let second = fixture.start(open_private).await;
    second.close().await;
    let after = std::fs::read(fixture.file()).unwrap();
    assert!(after.starts_with(&before), "whole lines stay as they are");
    let torn: Vec<_> = std::fs::read_dir(fixture.directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().contains(".torn-"))
        .collect();
    assert_eq!(std::fs::read(&torn[0]).unwrap(), b"{\"@timestamp\":\"2027-01-15T08:");
    assert_eq!(fixture.rows("audit_torn_line").await, 1);
    let verdict = fixture.verify_files(&[fixture.file()]).await;
    assert!(verdict.is_good() && verdict.chains.len() == 2, "{:#?}", verdict.faults);
    assert!(fixture.verify_rows().await.is_good());

    // What the second chain saw of the first is missed when it is gone: from the file, and from the database.
    let text = String::from_utf8(after).unwrap();
    let stopped = text.lines().position(|line| line.contains("audit_stopped")).unwrap();
    let mut cut: Vec<&str> = text.lines().collect();
    cut.remove(stopped);
    std::fs::write(fixture.file(), cut.join("\n") + "\n").unwrap();
    assert!(!fixture.verify_files(&[fixture.file()]).await.is_good());
    fixture
        .sql("DELETE FROM audit_rows WHERE reason = 'audit_stopped' AND row = 3")
        .await;
    assert!(!fixture.verify_rows().await.is_good());
}

/// No text that a client can choose makes a second record, or reads otherwise than it was sent.
#[tokio::test(flavor = "multi_thread")]
async fn a1_what_clients_choose_stays_within_its_field() {
    let fixture = Fixture::new().await;
    let log = fixture.start(open_private).await;
    let hostile = [
        "\r\n{\"event\":\"forged\"}",
        "x\",\"chain\":{\"id\":\"",
        "\u{1b}]0;title\u{7}\u{9b}2J\u{7f}",
        "\u{202e}\u{2066}abc\u{2069}",
        "\\u0022 \\ \0",
        "😀\u{feff}\u{2028}",
    ];
    for text in hostile {
        log.record(&refusal(&fixture.clock, "o'brien{x}@example.com", text));
    }
    log.close().await;
    let file = std::fs::read(fixture.file()).unwrap();
    assert!(file.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\n')));
    let text = String::from_utf8(file).unwrap();
    let ids: Vec<String> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|line| line["event"]["reason"] == "wrong_password")
        .map(|line| {
            assert_eq!(line["user"]["email"], "o'brien{x}@example.com");
            line["http"]["request"]["id"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(ids, hostile);
    assert_eq!(
        text.lines().count(),
        hostile.len() + 2,
        "and the first and the last record"
    );
}
