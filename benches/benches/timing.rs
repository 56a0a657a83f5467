//! Does time tell what must not be told: why an OAEP ciphertext was refused, whether a JWE failed at its wrapped key or at
//! its tag, how much of a tag or which pepper was right?
//!
//! ```text
//! cargo bench -p benches --bench timing -- [--samples N] [--strict] [WORD]...
//! ```
//!
//! Each pair gets N samples (default 2,000: a smoke test); words select the pairs that contain one of them. The planted
//! leaks must be found, else the exit status is 1: a measurement that finds nothing anywhere shows nothing. With
//! `--strict` a leak that is found where none may be is an error as well.

use std::process::ExitCode;

use benches::timing::{self, Expected, THRESHOLD};

fn main() -> ExitCode {
    let (mut samples, mut strict, mut words) = (2_000, false, Vec::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            // What cargo bench passes to every benchmark.
            "--bench" => {}
            "--strict" => strict = true,
            "--samples" => match arguments.next().and_then(|text| text.parse().ok()) {
                Some(count) if count >= 100 => samples = count,
                _ => return usage(),
            },
            flag if flag.starts_with('-') => return usage(),
            _ => words.push(argument),
        }
    }
    let seed = u64::from_le_bytes(cryptokit::random::bytes());
    println!("{samples} samples a pair, seed {seed}, threshold |t| > {THRESHOLD}");
    println!(
        "{:<54} {:>8} {:>6} {:>12}  finding",
        "first class / second class", "|t|", "kept", "difference"
    );

    let (mut blind, mut leaks) = (false, false);
    for mut subject in timing::subjects() {
        if !words.is_empty() && !words.iter().any(|word| subject.what.contains(word.as_str())) {
            continue;
        }
        let mut found = timing::measure(samples, seed, &mut subject);
        // On busy cores a planted leak can hide among few samples; one that hides among many would be missed when it is real.
        for more in [10, 100] {
            if subject.expected == Expected::Leak && !found.differs() {
                found = timing::measure(samples * more, seed, &mut subject);
            }
        }
        let finding = match (subject.expected, found.differs()) {
            (Expected::Leak, true) => "planted leak found",
            (Expected::Leak, false) => "PLANTED LEAK NOT FOUND",
            (Expected::Same, true) => "LEAK",
            (Expected::Same, false) => "none",
            (Expected::Public, true) => "differs, as the caller sees",
            (Expected::Public, false) => "none",
        };
        blind |= subject.expected == Expected::Leak && !found.differs();
        leaks |= subject.expected == Expected::Same && found.differs();
        println!(
            "{:<54} {:>8.2} {:>5.0}% {:>9.1} ns  {finding}",
            subject.what,
            found.t,
            found.kept * 100.0,
            found.difference_ns
        );
    }
    if blind || (strict && leaks) {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!("usage: timing [--samples N (from 100)] [--strict] [WORD]...");
    ExitCode::from(2)
}
