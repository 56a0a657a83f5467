//! How far is cryptokit from the primitives it is built on? One table: each operation, its baseline, both times, their
//! ratio and the ratio to reach.
//!
//! ```text
//! cargo bench -p benches --bench ratios -- [--seconds N] [WORD]...
//! ```
//!
//! `--seconds` is the time for each row (default 2); words select the rows that contain one of them.
//!
//! Speed is printed and never asserted: a shared machine would fail good changes. The one speed that is an error is
//! a password hash far too cheap to be one; the exit status is then 1.

use std::process::ExitCode;
use std::time::Duration;

use benches::ratio;

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(usage) => {
            eprintln!("{usage}");
            return ExitCode::from(2);
        }
    };
    let rows = ratio::measure(benches::comparisons, |what| options.selects(what), options.time);
    if ratio::print(&rows) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

struct Options {
    time: Duration,
    words: Vec<String>,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, &'static str> {
        let usage = "usage: ratios [--seconds N] [WORD]...";
        let mut options = Self {
            time: Duration::from_secs(2),
            words: Vec::new(),
        };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                // What cargo bench passes to every benchmark.
                "--bench" => {}
                "--seconds" => {
                    let seconds = arguments.next().and_then(|text| text.parse().ok()).ok_or(usage)?;
                    options.time = Duration::from_secs(seconds);
                }
                flag if flag.starts_with('-') => return Err(usage),
                word => options.words.push(word.to_owned()),
            }
        }
        Ok(options)
    }

    fn selects(&self, what: &str) -> bool {
        self.words.is_empty() || self.words.iter().any(|word| what.contains(word))
    }
}
