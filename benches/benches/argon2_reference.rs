//! How fast are the two Argon2 backends beside the reference C library?
//!
//! ```text
//! benches/argon2-reference.sh [--seconds N]
//! ```
//!
//! builds the library's program and runs this with `--reference PROGRAM`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use benches::{argon2_reference, ratio};

const USAGE: &str = "usage: argon2_reference --reference PROGRAM [--seconds N]";

fn main() -> ExitCode {
    let (mut reference, mut time) = (None, Duration::from_secs(10));
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let accepted = match argument.as_str() {
            // What cargo bench passes to every benchmark.
            "--bench" => true,
            "--reference" => {
                reference = arguments.next().map(PathBuf::from);
                reference.is_some()
            }
            "--seconds" => {
                let seconds = arguments.next().and_then(|text| text.parse().ok());
                time = Duration::from_secs(seconds.unwrap_or_default());
                seconds.is_some()
            }
            _ => false,
        };
        if !accepted {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    }
    let Some(reference) = reference else {
        println!("not measured: benches/argon2-reference.sh builds the reference library first");
        return ExitCode::SUCCESS;
    };
    if let Err(error) = argon2_reference::comparisons(&reference) {
        eprintln!("error: {}: {error}", reference.display());
        return ExitCode::FAILURE;
    }
    let comparisons = || argon2_reference::comparisons(&reference).expect("it started before");
    let honest = ratio::print(&ratio::measure(comparisons, |_| true, time));
    if honest { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
