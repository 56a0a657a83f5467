//! What do the founding documents' ten rows of password hashing cost, done as they do it and as cryptokit does it, beside
//! the numbers they print and beside hashes that are fit for passwords? Criterion's report, then one table.
//!
//! ```text
//! cargo bench -p benches --bench founding_rows [-- --table]
//! ```
//!
//! `--table` leaves Criterion out.

use std::time::{Duration, Instant};

use benches::Operation;
use benches::founding_rows::rows;
use criterion::Criterion;

fn main() {
    if !std::env::args().any(|argument| argument == "--table") {
        criterion();
    }
    println!(
        "{:<30} {:<21} {:>11} {:>11} {:>11}",
        "row", "case", "documents", "theirs", "ours"
    );
    for row in rows() {
        let [theirs, ours] = fastest_ns(&mut [row.theirs, row.ours]).map(time);
        let documents = time(row.book_ns.map(|ns| ns as f64));
        println!(
            "{:<30} {:<21} {documents:>11} {theirs:>11} {ours:>11}",
            row.name, row.case
        );
    }
}

fn criterion() {
    // As short as the other benchmarks; for figures to publish pass `--measurement-time 10`.
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(700))
        .configure_from_args();
    for row in rows() {
        let name = if row.case.is_empty() {
            row.name.to_owned()
        } else {
            format!("{}, {}", row.name, row.case)
        };
        let mut group = criterion.benchmark_group(name);
        for (side, operation) in [("theirs", row.theirs), ("cryptokit", row.ours)] {
            if let Some(mut operation) = operation {
                group.bench_function(side, |bencher| bencher.iter(&mut operation));
            }
        }
        group.finish();
    }
    criterion.final_summary();
}

/// The fastest batch of each side, in nanoseconds a run. Batches take 5 ms or one run and alternate for a second: what
/// else runs on the machine can only slow a batch down, and does so to both sides.
fn fastest_ns(sides: &mut [Option<Operation>; 2]) -> [Option<f64>; 2] {
    let runs = sides.each_mut().map(|side| side.as_mut().map(runs_in_batch));
    let mut fastest = [None; 2];
    let start = Instant::now();
    let mut batches = 0;
    while batches < 5 || start.elapsed() < Duration::from_secs(1) {
        for (index, side) in sides.iter_mut().enumerate() {
            if let (Some(operation), Some(runs)) = (side, runs[index]) {
                let ns = batch(operation, runs).as_nanos() as f64 / f64::from(runs);
                fastest[index] = Some(fastest[index].map_or(ns, |least: f64| least.min(ns)));
            }
        }
        batches += 1;
    }
    fastest
}

fn runs_in_batch(operation: &mut Operation) -> u32 {
    let mut runs = 1;
    while batch(operation, runs) < Duration::from_millis(5) && runs < 1 << 20 {
        runs *= 2;
    }
    runs
}

fn batch(operation: &mut Operation, runs: u32) -> Duration {
    let start = Instant::now();
    (0..runs).for_each(|_| operation());
    start.elapsed()
}

fn time(nanoseconds: Option<f64>) -> String {
    match nanoseconds {
        None => "-".to_owned(),
        Some(ns) if ns < 1e3 => format!("{ns:.0} ns"),
        Some(ns) if ns < 1e6 => format!("{:.2} µs", ns / 1e3),
        Some(ns) => format!("{:.2} ms", ns / 1e6),
    }
}
