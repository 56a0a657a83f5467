//! Measuring two operations against each other on a machine that does other things as well.
//!
//! Both run in one process, in short batches that alternate, and in an order that changes each time. What disturbs one
//! disturbs the other, so that their ratio stays while their times move; medians drop the batches that were interrupted.

use std::time::{Duration, Instant};

use crate::{Comparison, Operation};

/// Length of a batch, unless a single run takes longer.
const BATCH: Duration = Duration::from_millis(2);
/// Fewest pairs of batches in a sitting, however long they take.
const MIN_PAIRS: usize = 4;
/// How often everything is set up anew.
const SITTINGS: u32 = 5;

/// One row of the table.
#[derive(Clone, Debug)]
pub struct Row {
    /// The operation.
    pub what: String,
    /// What it was measured against.
    pub baseline: &'static str,
    /// Median time of a run of ours, in nanoseconds.
    pub ours_ns: f64,
    /// Median time of a run of the baseline, in nanoseconds.
    pub baseline_ns: f64,
    /// Median over the pairs of the baseline's time by ours: above 1, ours is faster.
    pub ratio: f64,
    /// The ratio to reach, if there is one.
    pub bar: Option<f64>,
    /// Which side, if any, had a batch faster than its work can be done.
    pub implausible: Option<Implausible>,
}

/// A batch that was faster than its work can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Implausible {
    /// One of ours.
    Ours,
    /// One of the baseline's.
    Baseline,
}

/// Measures every comparison that `selected` names, for about `time` against each baseline.
///
/// All is set up anew for each of several sittings, and earlier ones are kept meanwhile: which pages of memory an
/// operation happens to get can cost it or save it some per cent, and would do so for as long as it keeps them.
pub fn measure(comparisons: impl Fn() -> Vec<Comparison>, selected: impl Fn(&str) -> bool, time: Duration) -> Vec<Row> {
    let mut all: Vec<Versus> = Vec::new();
    let mut kept = Vec::new();
    for _ in 0..SITTINGS {
        let mut sitting = comparisons();
        sitting.retain(|comparison| selected(&comparison.what));
        let mut index = 0;
        for comparison in &mut sitting {
            for baseline in &mut comparison.baselines {
                let pairs = alternate(&mut comparison.ours, &mut baseline.run, time / SITTINGS);
                match all.get_mut(index) {
                    Some(versus) => versus.pairs.extend(pairs),
                    None => all.push(Versus {
                        what: comparison.what.clone(),
                        baseline: baseline.name,
                        bar: baseline.bar,
                        floor_ns: comparison.never_under.as_nanos() as f64,
                        pairs,
                    }),
                }
                index += 1;
            }
        }
        kept.push(sitting);
    }
    all.into_iter().map(Versus::row).collect()
}

/// Prints the rows as a table. `false` when one side of a row was faster than its work can be done; that is said on
/// standard error.
pub fn print(rows: &[Row]) -> bool {
    println!(
        "{:<42} {:<29} {:>10} {:>10} {:>6} {:>5}",
        "what", "baseline", "ours", "baseline", "ratio", "bar"
    );
    for row in rows {
        let bar = row.bar.map_or_else(|| "-".to_owned(), |bar| format!("{bar:.2}"));
        let (ours, baseline) = (milliseconds_or_less(row.ours_ns), milliseconds_or_less(row.baseline_ns));
        println!(
            "{:<42} {:<29} {ours:>10} {baseline:>10} {:>6.3} {bar:>5}",
            row.what, row.baseline, row.ratio
        );
    }
    println!("ratio: the baseline's time by ours, median of alternating batches; above 1 ours is faster");
    for row in rows {
        if let Some(side) = row.implausible {
            eprintln!("error: {}: {side:?} was faster than an honest run can be", row.what);
        }
    }
    rows.iter().all(|row| row.implausible.is_none())
}

fn milliseconds_or_less(nanoseconds: f64) -> String {
    match nanoseconds {
        ns if ns < 1e3 => format!("{ns:.1} ns"),
        ns if ns < 1e6 => format!("{:.2} µs", ns / 1e3),
        ns => format!("{:.3} ms", ns / 1e6),
    }
}

/// All that was measured for one row.
struct Versus {
    what: String,
    baseline: &'static str,
    bar: Option<f64>,
    floor_ns: f64,
    pairs: Vec<Pair>,
}

impl Versus {
    fn row(self) -> Row {
        let of = |value: fn(&Pair) -> f64| self.pairs.iter().map(value).collect::<Vec<f64>>();
        let too_fast = |value: fn(&Pair) -> f64| self.pairs.iter().any(|pair| value(pair) < self.floor_ns);
        let ours: fn(&Pair) -> f64 = |pair| pair.ours_ns;
        let baseline: fn(&Pair) -> f64 = |pair| pair.baseline_ns;
        Row {
            ours_ns: median(of(ours)),
            baseline_ns: median(of(baseline)),
            ratio: median(of(|pair| pair.baseline_ns / pair.ours_ns)),
            implausible: match (too_fast(ours), too_fast(baseline)) {
                (true, _) => Some(Implausible::Ours),
                (false, true) => Some(Implausible::Baseline),
                (false, false) => None,
            },
            what: self.what,
            baseline: self.baseline,
            bar: self.bar,
        }
    }
}

/// Time of one run on each side, in nanoseconds.
struct Pair {
    ours_ns: f64,
    baseline_ns: f64,
}

fn alternate(ours: &mut Operation, baseline: &mut Operation, time: Duration) -> Vec<Pair> {
    let (our_runs, baseline_runs) = (runs_in_batch(ours), runs_in_batch(baseline));
    let start = Instant::now();
    let mut pairs = Vec::new();
    while pairs.len() < MIN_PAIRS || start.elapsed() < time {
        // Whatever the first of two batches leaves behind meets each side equally often.
        let ours_first = pairs.len() % 2 == 0;
        let early = ours_first.then(|| time_of(ours, our_runs));
        let baseline_ns = time_of(baseline, baseline_runs);
        let ours_ns = early.unwrap_or_else(|| time_of(ours, our_runs));
        pairs.push(Pair { ours_ns, baseline_ns });
    }
    pairs
}

/// How many runs fill a batch. Also warms the operation up.
fn runs_in_batch(operation: &mut Operation) -> u32 {
    let mut runs = 1;
    loop {
        let batch = time_of(operation, runs) * f64::from(runs);
        if batch >= BATCH.as_nanos() as f64 || runs >= 1 << 20 {
            return runs;
        }
        runs *= 2;
    }
}

fn time_of(operation: &mut Operation, runs: u32) -> f64 {
    let start = Instant::now();
    for _ in 0..runs {
        operation();
    }
    start.elapsed().as_nanos() as f64 / f64::from(runs)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 {
        values[middle]
    } else {
        (values[middle - 1] + values[middle]) / 2.0
    }
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;

    use super::*;
    use crate::Baseline;

    /// Work of a time that grows with `rounds`.
    fn work(rounds: u32) -> Operation {
        Box::new(move || {
            black_box((0..rounds).fold(1u64, |value, round| black_box(value) ^ u64::from(round)));
        })
    }

    fn comparison(ours: u32, baseline: u32, never_under: Duration) -> Comparison {
        Comparison {
            what: "work".into(),
            bytes: 0,
            never_under,
            ours: work(ours),
            baselines: vec![Baseline {
                name: "other work",
                bar: None,
                run: work(baseline),
            }],
        }
    }

    fn row(ours: u32, baseline: u32, never_under: Duration) -> Row {
        let mut rows = measure(
            || vec![comparison(ours, baseline, never_under)],
            |_| true,
            Duration::ZERO,
        );
        assert_eq!(rows.len(), 1);
        rows.remove(0)
    }

    #[test]
    fn the_ratio_is_above_one_when_ours_is_faster_and_below_when_it_is_slower() {
        assert!(row(1_000, 20_000, Duration::ZERO).ratio > 2.0);
        assert!(row(20_000, 1_000, Duration::ZERO).ratio < 0.5);
    }

    #[test]
    fn a_side_that_is_faster_than_its_work_is_named() {
        let floor = Duration::from_micros(500);
        assert_eq!(row(1, 2_000_000, floor).implausible, Some(Implausible::Ours));
        assert_eq!(row(2_000_000, 1, floor).implausible, Some(Implausible::Baseline));
        assert_eq!(row(1, 1, Duration::ZERO).implausible, None);
    }

    #[test]
    fn what_is_not_selected_is_not_measured() {
        let comparisons = || vec![comparison(1, 1, Duration::ZERO)];
        assert!(measure(comparisons, |what| what == "other", Duration::ZERO).is_empty());
    }

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 100.0]), 3.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 100.0]), 3.0);
    }
}
