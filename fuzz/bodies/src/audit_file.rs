//! Files of the audit log, and rows of it.

use authsvc_core::audit::chain::{Place, PublicKeys, Record, Thread, Verifier};

/// Reads the bytes as the lines of a file, verifies them as lines and as rows, and changes each record that is good.
///
/// # Panics
///
/// When a record is called good whose digest is another, when a changed one is still called good, or when lines are
/// counted wrong.
pub fn audit_file(data: &[u8]) {
    let keys = PublicKeys::default();
    let lines: Vec<&[u8]> = data
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .collect();
    for thread in [Thread::Lines, Thread::Rows] {
        let mut verifier = Verifier::new(&keys, thread);
        let mut parsed = 0;
        for (number, line) in (1..).zip(&lines) {
            let place = Place::Line {
                file: "file".to_owned(),
                line: number,
            };
            parsed += u64::from(verifier.add(line, place).is_some());
        }
        let verdict = verifier.finish();
        assert_eq!(verdict.records, lines.len() as u64);
        assert!(parsed <= verdict.records);
        if parsed < verdict.records {
            assert!(!verdict.is_good(), "a line that is no record is found");
        }
    }
    for line in lines.iter().take(4) {
        if let Ok(record) = Record::parse(line) {
            changed_in_any_byte_it_is_another(line, &record);
        }
    }
}

/// Whatever byte is changed, it is no record any more, or one whose digest does not fit.
fn changed_in_any_byte_it_is_another(line: &[u8], record: &Record) {
    if record.computed != record.hash {
        return;
    }
    for index in (0..line.len()).step_by(1 + line.len() / 64) {
        let mut changed = line.to_vec();
        changed[index] ^= 1;
        if let Ok(changed) = Record::parse(&changed) {
            // What stands behind the digest is the signature over it, which is not digested.
            assert!(
                changed.computed != changed.hash || changed.signature != record.signature,
                "byte {index} is not covered"
            );
        }
    }
}
