//! Running the real binary.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use time::OffsetDateTime;

/// The binary under test.
pub(crate) const CERTGEN: &str = env!("CARGO_BIN_EXE_certgen");

/// Runs the binary to its end.
pub(crate) fn certgen(arguments: &[&str]) -> Output {
    Command::new(CERTGEN).args(arguments).output().unwrap()
}

/// The clock that the binary reads too.
#[expect(clippy::disallowed_methods, reason = "the binary under test uses the real time")]
pub(crate) fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The names in a directory, sorted, hidden ones too.
pub(crate) fn entries(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
