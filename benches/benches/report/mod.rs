//! Comparisons as Criterion groups: ours and each baseline side by side, briefly.

use std::time::Duration;

use benches::Comparison;
use criterion::{Criterion, Throughput};

/// Short, since every change waits for it; for figures to publish pass `--measurement-time 10`.
pub(crate) fn briefly() -> Criterion {
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(700))
}

pub(crate) fn report(criterion: &mut Criterion, comparisons: Vec<Comparison>) {
    for mut comparison in comparisons {
        let mut group = criterion.benchmark_group(&comparison.what);
        if comparison.bytes > 0 {
            group.throughput(Throughput::Bytes(comparison.bytes));
        }
        group.bench_function("cryptokit", |bencher| bencher.iter(&mut comparison.ours));
        for mut baseline in comparison.baselines {
            group.bench_function(baseline.name, |bencher| bencher.iter(&mut baseline.run));
        }
        group.finish();
    }
}
