//! Records that were altered, removed, moved, repeated, cut off or forged: the first bad one is named.

use cryptokit::keyset::Keyset;

use super::*;

fn keys() -> Keyset<AuditSigningKey> {
    Keyset::new("audit-signing", AuditSigningKey::generate().unwrap())
}

fn body(number: u64) -> String {
    format!(
        "{{\"@timestamp\":\"2027-01-15T08:00:{:02}Z\",\"event\":{{\"id\":\"r-{number}\",\"action\":\"authn_login_fail\",\
         \"outcome\":\"failure\",\"reason\":\"wrong_password\"}},\"source\":{{\"ip\":\"192.0.2.7\"}}}}",
        number % 60
    )
}

/// Lines 1, 6, 11, … are signed; every second line is a row as well.
fn lines(chain: &mut Chain, keys: &Keyset<AuditSigningKey>, count: u64) -> Vec<String> {
    (0..count)
        .map(|_| {
            let signs = chain.seq.is_multiple_of(5);
            let keep = if chain.seq.is_multiple_of(2) {
                Keep::Row
            } else {
                Keep::LineOnly
            };
            let body = body(chain.seq + 1);
            chain.seal(&body, keep, signs.then_some(keys)).unwrap().line
        })
        .collect()
}

fn verify(keys: &Keyset<AuditSigningKey>, thread: Thread, lines: &[String], head: Option<Digest>) -> Verdict {
    let public = PublicKeys::of(keys).unwrap();
    let mut verifier = Verifier::new(&public, thread);
    if let Some(head) = head {
        verifier.expect_head(head);
    }
    for (index, line) in lines.iter().enumerate() {
        let place = Place::Line {
            file: "f".into(),
            line: index as u64 + 1,
        };
        verifier.add(line.as_bytes(), place);
    }
    verifier.finish()
}

/// The first fault: its line and what it is.
fn first(verdict: &Verdict) -> (u64, What) {
    let fault = &verdict.faults[0];
    let Place::Line { line, .. } = &fault.place else {
        return (0, fault.what.clone());
    };
    (*line, fault.what.clone())
}

#[test]
fn an_untouched_chain_is_good_in_both_threads() {
    let keys = keys();
    let mut chain = Chain::begin(ChainId::generate());
    let lines = lines(&mut chain, &keys, 23);
    let verdict = verify(&keys, Thread::Lines, &lines, Some(chain.hash));
    assert!(verdict.is_good(), "{:?}", verdict.faults);
    assert_eq!(verdict.records, 23);
    let summary = &verdict.chains[0];
    assert_eq!((summary.first, summary.last, summary.signed), (1, 23, Some(21)));
    assert_eq!(summary.head, chain.hash);

    let rows: Vec<String> = lines.into_iter().step_by(2).collect();
    let verdict = verify(&keys, Thread::Rows, &rows, Some(chain.row_hash));
    assert!(verdict.is_good(), "{:?}", verdict.faults);
    assert_eq!(verdict.chains[0].last, 12);
    let verdict = verify(&keys, Thread::Lines, &rows, None);
    assert_eq!(
        first(&verdict),
        (2, What::Missing { expected: 2, found: 3 }),
        "rows are not all records"
    );
}

#[test]
fn every_flipped_byte_is_noticed_where_it_is() {
    let keys = keys();
    let lines = lines(&mut Chain::begin(ChainId::generate()), &keys, 8);
    for at in 0..lines[5].len() {
        let mut changed = lines.clone();
        let mut bytes = changed[5].clone().into_bytes();
        bytes[at] ^= 1;
        let Ok(text) = String::from_utf8(bytes) else { continue };
        changed[5] = text;
        let verdict = verify(&keys, Thread::Lines, &changed, None);
        assert!(!verdict.is_good(), "byte {at} of {}", changed[5]);
        assert_eq!(first(&verdict).0, 6, "byte {at}: {:?}", verdict.faults);
    }
}

#[test]
fn removed_moved_and_repeated_records_are_named() {
    let keys = keys();
    let lines = lines(&mut Chain::begin(ChainId::generate()), &keys, 12);

    let mut removed = lines.clone();
    removed.remove(4);
    assert_eq!(
        first(&verify(&keys, Thread::Lines, &removed, None)),
        (5, What::Missing { expected: 5, found: 6 })
    );
    let mut swapped = lines.clone();
    swapped.swap(4, 5);
    assert_eq!(
        first(&verify(&keys, Thread::Lines, &swapped, None)),
        (5, What::Missing { expected: 5, found: 6 })
    );
    let mut repeated = lines.clone();
    repeated.insert(5, lines[4].clone());
    assert_eq!(
        first(&verify(&keys, Thread::Lines, &repeated, None)),
        (6, What::Moved { expected: 6, found: 5 })
    );
    let headless = lines[3..].to_vec();
    assert!(
        verify(&keys, Thread::Lines, &headless, None).is_good(),
        "a piece may begin anywhere; a whole log may not, see below"
    );
    let mut verdict = verify(&keys, Thread::Lines, &lines[..9], None);
    assert!(
        verdict.is_good(),
        "a cut tail cannot be told from a chain that ended there"
    );
    verdict = verify(&keys, Thread::Lines, &lines[..9], Some(lines[11].parse_hash()));
    assert_eq!(verdict.faults[0].what, What::NotFound, "unless its head is known");
}

trait ParseHash {
    fn parse_hash(&self) -> Digest;
}

impl ParseHash for String {
    fn parse_hash(&self) -> Digest {
        Record::parse(self.as_bytes()).unwrap().hash
    }
}

#[test]
fn a_record_made_again_without_the_key_is_not_believed() {
    let keys = keys();
    let id = ChainId::generate();
    let lines = lines(&mut Chain::begin(id), &keys, 12);
    // Somebody writes record 4 anew and everything after it, and signs with a key of their own.
    let others = self::keys();
    let fourth = Record::parse(lines[2].as_bytes()).unwrap();
    let mut forged = Chain {
        id,
        seq: 3,
        hash: fourth.hash,
        row: 2,
        row_hash: fourth.hash,
    };
    let mut changed = lines[..3].to_vec();
    changed.extend(self::lines(&mut forged, &others, 9));
    let verdict = verify(&keys, Thread::Lines, &changed, None);
    assert_eq!(first(&verdict), (6, What::UnknownKey(others.primary().0)));

    // The same key id does not help: the signature is not the key's.
    let impostor = Keyset::with_id("audit-signing", keys.primary().0, AuditSigningKey::generate().unwrap());
    let mut forged = Chain {
        id,
        seq: 3,
        hash: fourth.hash,
        row: 2,
        row_hash: fourth.hash,
    };
    let mut changed = lines[..3].to_vec();
    changed.extend(self::lines(&mut forged, &impostor, 9));
    assert_eq!(first(&verify(&keys, Thread::Lines, &changed, None)), (6, What::Forged));

    // A signature of another record does not fit either.
    let (sixth, eleventh) = (&lines[5], &lines[10]);
    let signature = &eleventh[eleventh.len() - 88..];
    let mut changed = lines.clone();
    changed[5] = format!("{}{signature}", &sixth[..sixth.len() - 88]);
    assert_eq!(first(&verify(&keys, Thread::Lines, &changed, None)), (6, What::Forged));
}

#[test]
fn records_without_signatures_are_not_a_chain() {
    let keys = keys();
    let mut chain = Chain::begin(ChainId::generate());
    let unsigned: Vec<String> = (1..4)
        .map(|number| chain.seal(&body(number), Keep::LineOnly, None).unwrap().line)
        .collect();
    assert_eq!(
        first(&verify(&keys, Thread::Lines, &unsigned, None)),
        (1, What::Unsigned)
    );
}

#[test]
fn lost_lines_are_forgiven_only_where_a_record_says_so() {
    let keys = keys();
    let mut chain = Chain::begin(ChainId::generate());
    let mut kept = lines(&mut chain, &keys, 3);
    lines(&mut chain, &keys, 4);
    kept.extend(lines(&mut chain, &keys, 1));
    assert_eq!(
        first(&verify(&keys, Thread::Lines, &kept, None)),
        (4, What::Missing { expected: 4, found: 8 })
    );
    let gap = body(9).replacen('{', "{\"authsvc\":{\"audit\":{\"gap\":{\"first\":4,\"last\":7}}},", 1);
    // Whoever removes lines can write a record that says so, and not sign it.
    for impostor in [None, Some(&self::keys())] {
        let mut forged = kept.clone();
        let mut end = Chain { ..chain };
        forged.push(end.seal(&gap, Keep::LineOnly, impostor).unwrap().line);
        assert_eq!(
            first(&verify(&keys, Thread::Lines, &forged, None)),
            (4, What::Missing { expected: 4, found: 8 })
        );
    }
    kept.push(chain.seal(&gap, Keep::LineOnly, Some(&keys)).unwrap().line);
    let verdict = verify(&keys, Thread::Lines, &kept, None);
    assert!(verdict.is_good(), "{:?}", verdict.faults);
    assert_eq!(verdict.chains[0].lost, 4);
    kept.remove(1);
    assert!(!verify(&keys, Thread::Lines, &kept, None).is_good(), "no other ones");
}

#[test]
fn rows_begin_late_only_where_a_signed_record_says_what_is_kept() {
    let keys = keys();
    let mut chain = Chain::begin(ChainId::generate());
    let mut rows: Vec<String> = (1..=9)
        .map(|number| {
            let signs = (number % 3 == 1).then_some(&keys);
            chain.seal(&body(number), Keep::Row, signs).unwrap().line
        })
        .collect();
    let pruned = rows[3..].to_vec();
    assert_eq!(
        first(&verify(&keys, Thread::Rows, &pruned, None)),
        (1, What::Beginning { found: 4 })
    );
    let kept = |since: &str| {
        body(10).replacen(
            '{',
            &format!("{{\"authsvc\":{{\"audit\":{{\"kept_since\":\"{since}\"}}}},"),
            1,
        )
    };
    let mut other = chain;
    rows.push(
        chain
            .seal(&kept("2027-01-15T08:00:04Z"), Keep::Row, Some(&keys))
            .unwrap()
            .line,
    );
    assert!(verify(&keys, Thread::Rows, &rows[3..], None).is_good());
    assert!(
        !verify(&keys, Thread::Rows, &rows[4..], None).is_good(),
        "not at one that is not signed"
    );
    assert!(
        !verify(&keys, Thread::Rows, &rows[6..], None).is_good(),
        "not at one that is younger"
    );
    rows.pop();
    rows.push(other.seal(&kept("2027-01-15T08:00:09Z"), Keep::Row, None).unwrap().line);
    assert!(
        !verify(&keys, Thread::Rows, &rows[3..], None).is_good(),
        "nor when nobody signed it"
    );
}

#[test]
fn a_later_chain_tells_of_an_earlier_ones_cut_tail() {
    let keys = keys();
    let mut first_chain = Chain::begin(ChainId::generate());
    let before = lines(&mut first_chain, &keys, 8);
    let mut second = Chain::begin(ChainId::generate());
    let start = body(1).replacen(
        '{',
        &format!(
            "{{\"authsvc\":{{\"audit\":{{\"continues\":{{\"line\":{{\"chain\":\"{}\",\"seq\":8,\"hash\":\"{}\"}},\
             \"row\":{{\"chain\":\"{}\",\"row\":4,\"hash\":\"{}\",\"time\":\"2027-01-15T08:00:07Z\"}}}}}}}},",
            first_chain.id, first_chain.hash, first_chain.id, first_chain.row_hash
        ),
        1,
    );
    let start = second.seal(&start, Keep::Row, Some(&keys)).unwrap().line;
    let with = |before: &[String]| [before, std::slice::from_ref(&start)].concat();
    assert!(verify(&keys, Thread::Lines, &with(&before), None).is_good());
    let cut = verify(&keys, Thread::Lines, &with(&before[..7]), None);
    assert_eq!(first(&cut), (8, What::End { expected: 8 }));

    let rows: Vec<String> = before.iter().step_by(2).cloned().collect();
    let expectation = Expectation {
        chain: first_chain.id,
        number: 4,
        hash: first_chain.row_hash,
        time: None,
    };
    let public = PublicKeys::of(&keys).unwrap();
    for (rows, good) in [(with(&rows), true), (with(&rows[..3]), false), (with(&[]), false)] {
        let mut verifier = Verifier::new(&public, Thread::Rows);
        verifier.expect(expectation);
        for row in &rows {
            let place = Place::Chain { chain: String::new() };
            verifier.add(row.as_bytes(), place);
        }
        let verdict = verifier.finish();
        assert_eq!(verdict.is_good(), good, "{:?}", verdict.faults);
    }
}

/// A record of the log's own, with those members.
fn own(number: u64, members: &str) -> String {
    body(number).replacen('{', &format!("{{\"authsvc\":{{\"audit\":{members}}},"), 1)
}

/// The lines as a whole log of replica `a`, after the rows.
fn verify_whole(keys: &Keyset<AuditSigningKey>, chains: &[ChainId], rows: &[String], lines: &[String]) -> Verdict {
    let public = PublicKeys::of(keys).unwrap();
    let mut database = Verifier::new(&public, Thread::Rows);
    for row in rows {
        let place = Place::Chain { chain: String::new() };
        database.add(row.as_bytes(), place);
    }
    let known = database.known_lines().clone();
    assert!(database.finish().is_good());
    let mut verifier = Verifier::new(&public, Thread::Lines);
    let replicas = chains.iter().map(|chain| (*chain, "a".to_owned())).collect();
    verifier.whole_log("a", replicas, known);
    for (line, number) in lines.iter().zip(1..) {
        let place = Place::Line {
            file: "f".into(),
            line: number,
        };
        verifier.add(line.as_bytes(), place);
    }
    verifier.finish()
}

#[test]
fn a_whole_log_begins_where_a_signed_record_says_and_ends_where_the_database_says() {
    let keys = keys();
    let id = ChainId::generate();
    let mut chain = Chain::begin(id);
    let mut all = Vec::new();
    for number in 1..=9 {
        let (members, keep, signs) = match number {
            1 | 8 => ("{\"file\":true}", Keep::Row, true),
            _ => ("{}", Keep::LineOnly, false),
        };
        all.push(
            chain
                .seal(&own(number, members), keep, signs.then_some(&keys))
                .unwrap()
                .line,
        );
    }
    let rows = [all[0].clone(), all[7].clone()];
    let whole = |lines: &[String]| verify_whole(&keys, &[id], &rows, lines);
    assert!(whole(&all).is_good(), "{:?}", whole(&all).faults);
    assert!(whole(&all[..8]).is_good(), "what no signed row names may be on its way");
    assert_eq!(
        first(&whole(&all[3..])),
        (1, What::Beginning { found: 4 }),
        "cut at its head"
    );
    assert_eq!(
        first(&whole(&all[..7])),
        (0, What::NotInFiles { expected: 8 }),
        "cut at its end"
    );
    assert_eq!(
        first(&whole(&[])),
        (0, What::NotInFiles { expected: 8 }),
        "emptied, or removed"
    );
    // Another replica's files are elsewhere.
    let public = PublicKeys::of(&keys).unwrap();
    let mut verifier = Verifier::new(&public, Thread::Lines);
    verifier.whole_log("b", [(id, "a".to_owned())].into(), KnownLines::default());
    assert!(verifier.finish().is_good());

    // Rotation has removed what was before the fourth record, and says so.
    let from = |signed: bool| {
        let mut chain = chain;
        let members = format!(
            "{{\"file\":true,\"lines_from\":{{\"chain\":\"{id}\",\"seq\":4,\"time\":\"2027-01-15T08:00:04Z\"}}}}"
        );
        let line = chain
            .seal(&own(10, &members), Keep::LineOnly, signed.then_some(&keys))
            .unwrap()
            .line;
        [&all[..], &[line]].concat()
    };
    assert!(whole(&from(true)).is_good(), "nothing has been removed yet");
    assert!(whole(&from(true)[3..]).is_good());
    assert_eq!(
        first(&whole(&from(true)[4..])),
        (1, What::Beginning { found: 5 }),
        "more is gone"
    );
    assert_eq!(
        first(&whole(&from(false)[3..])),
        (1, What::Beginning { found: 4 }),
        "nobody signed it"
    );
}

/// What a chain's first record says of the one before is compared when it is read. So that nobody gets around that by
/// exchanging files, the one before may not come later.
#[test]
fn a_chain_may_not_come_after_the_one_that_was_begun_after_it() {
    let keys = keys();
    let mut earlier = Chain::begin(ChainId::generate());
    let before = lines(&mut earlier, &keys, 4);
    let begins = format!(
        "{{\"continues\":{{\"line\":{{\"chain\":\"{}\",\"seq\":4,\"hash\":\"{}\"}}}}}}",
        earlier.id, earlier.hash
    );
    let mut later = Chain::begin(ChainId::generate());
    let begins = later.seal(&own(10, &begins), Keep::Row, Some(&keys)).unwrap().line;
    let log = |parts: [&[String]; 2]| verify(&keys, Thread::Lines, &parts.concat(), None);
    let begins = std::slice::from_ref(&begins);
    assert!(log([&before, begins]).is_good());
    assert_eq!(first(&log([&before[..3], begins])), (4, What::End { expected: 4 }));
    for cut in [1, 3, 4] {
        let exchanged = log([begins, &before[..cut]]);
        assert_eq!(first(&exchanged), (2, What::AfterItsSuccessor), "{cut}");
    }
    assert!(log([begins, &[]]).is_good(), "a piece that nobody asked more of");
}

#[test]
fn a_command_that_was_not_signed_was_not_recorded_by_one() {
    let keys = keys();
    for forged in [2, 3] {
        let mut chain = Chain::begin(COMMANDS_CHAIN);
        let rows: Vec<String> = (1..=3)
            .map(|number| {
                let signs = (number != forged).then_some(&keys);
                chain.seal(&body(number), Keep::Row, signs).unwrap().line
            })
            .collect();
        let verdict = verify(&keys, Thread::Rows, &rows, None);
        assert_eq!(first(&verdict), (forged, What::UnsignedCommand));
    }
}

#[test]
fn a_whole_log_has_the_files_of_the_chains_before() {
    let keys = keys();
    let (earlier, later) = (ChainId::generate(), ChainId::generate());
    let mut chain = Chain::begin(earlier);
    let before: Vec<String> = (1..=3)
        .map(|number| {
            let members = "{\"file\":true}";
            chain.seal(&own(number, members), Keep::Row, Some(&keys)).unwrap().line
        })
        .collect();
    let mut second = Chain::begin(later);
    let begins = format!(
        "{{\"file\":true,\"continues\":{{\"line\":{{\"chain\":\"{earlier}\",\"seq\":3,\"hash\":\"{}\"}}}}}}",
        chain.hash
    );
    let begins = second.seal(&own(10, &begins), Keep::Row, Some(&keys)).unwrap().line;
    let removed = format!("{{\"lines_from\":{{\"chain\":\"{later}\",\"seq\":1,\"time\":\"2027-01-15T08:00:10Z\"}}}}");
    let removed = second.seal(&own(11, &removed), Keep::Row, Some(&keys)).unwrap().line;

    let both = [earlier, later];
    let rows = [&before[..], std::slice::from_ref(&begins)].concat();
    assert!(verify_whole(&keys, &both, &rows, &rows).is_good());
    let cut = verify_whole(&keys, &both, &rows, std::slice::from_ref(&begins));
    assert_eq!(
        first(&cut),
        (
            1,
            What::FileBefore {
                chain: earlier,
                number: 3
            }
        )
    );
    assert_eq!(cut.faults[1].what, What::NotInFiles { expected: 3 });
    // Without the rows the file's own first record is enough to tell.
    let cut = verify_whole(&keys, &[], &[], std::slice::from_ref(&begins));
    assert_eq!(
        first(&cut),
        (
            1,
            What::FileBefore {
                chain: earlier,
                number: 3
            }
        )
    );
    let rows = [&rows[..], std::slice::from_ref(&removed)].concat();
    assert!(
        verify_whole(&keys, &both, &rows, &rows[3..]).is_good(),
        "rotation has removed the file"
    );
}

#[test]
fn what_one_replica_removes_excuses_nothing_of_another() {
    let keys = keys();
    let public = PublicKeys::of(&keys).unwrap();
    let (ours, theirs) = (ChainId::generate(), ChainId::generate());
    let (mut one, mut other) = (Chain::begin(ours), Chain::begin(theirs));
    let row = |chain: &mut Chain, number, members: &str| {
        let sealed = chain.seal(&own(number, members), Keep::Row, Some(&keys));
        sealed.unwrap().line
    };
    let members = format!("{{\"lines_from\":{{\"chain\":\"{theirs}\",\"seq\":1,\"time\":\"2027-01-15T08:00:50Z\"}}}}");
    let rows = [row(&mut one, 1, "{\"file\":true}"), row(&mut other, 51, &members)];
    for (of_the_other, is_good) in [("b", false), ("a", true)] {
        let mut database = Verifier::new(&public, Thread::Rows);
        for row in &rows {
            database.add(row.as_bytes(), Place::Chain { chain: String::new() });
        }
        let mut verifier = Verifier::new(&public, Thread::Lines);
        let replicas = [(ours, "a".to_owned()), (theirs, of_the_other.to_owned())];
        verifier.whole_log("a", replicas.into(), database.known_lines().clone());
        let verdict = verifier.finish();
        assert_eq!(verdict.is_good(), is_good, "{:?}", verdict.faults);
    }
}

#[test]
fn lines_of_other_forms_are_no_records() {
    let keys = keys();
    let good = lines(&mut Chain::begin(ChainId::generate()), &keys, 1).remove(0);
    for (bad, why) in [
        (String::new(), Malformed::Chain),
        ("x".repeat(MAX_LINE + 1), Malformed::TooLong),
        (format!("{good}\u{1b}[2J"), Malformed::Bytes),
        (format!("{good}\u{202e}"), Malformed::Bytes),
        (format!("{good} "), Malformed::Chain),
        (good.replace("\"seq\":1", "\"seq\":01"), Malformed::Chain),
        (good.replace("\"seq\":1", "\"seq\":0"), Malformed::Chain),
        (good.replace("\"seq\":1", "\"seq\":9007199254740992"), Malformed::Chain),
        (good.replace("\"hash\"", "\"hsah\""), Malformed::Chain),
        (good.replacen('{', "{\"event\":1,", 1), Malformed::Json),
        (good.replacen('{', "", 1), Malformed::Json),
        (good.replace("\"event\"", "\"evnet\""), Malformed::Member),
        (good.replace("08:00:01Z", "25:00:01Z"), Malformed::Member),
    ] {
        assert_eq!(Record::parse(bad.as_bytes()), Err(why), "{bad}");
    }
}

#[test]
fn public_keys_are_read_as_written() {
    let keys = keys();
    let text = PublicKeys::of(&keys).unwrap().to_text();
    assert_eq!(
        PublicKeys::from_text(&format!("# ours\n\n{text}")).unwrap().to_text(),
        text
    );
    for bad in [
        format!("{text}{text}"),
        text.replace("-1:", "-2:"),
        text.replace(':', ";"),
        format!("authsvc-audit-key-1:0000000000000000:{}", "A".repeat(43)),
    ] {
        assert!(PublicKeys::from_text(&bad).is_err(), "{bad}");
    }
}
