//! What do RSA operations cost at each key size: making keys (as a distribution), RS256 and PS256, OAEP, hybrid messages?
//!
//! ```text
//! cargo bench -p benches --bench rsa -- [CRITERION ARGUMENT]...
//! RSA_KEYS=100 cargo bench -p benches --bench rsa -- none
//! ```
//!
//! `RSA_KEYS` is how many keys of each size are made and timed (default 5, a smoke test).

use std::time::Duration;

use benches::rsa::{SIZES, keygen_times, operations};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use cryptokit::Provider;

#[expect(clippy::disallowed_methods, reason = "a benchmark has no configuration file")]
fn rsa(criterion: &mut Criterion) {
    let keys = std::env::var("RSA_KEYS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(5);
    println!("making keys: {keys} of each size, milliseconds");
    println!("{:<20} {:>8} {:>8} {:>8} {:>8}", "", "least", "median", "90 %", "most");
    for size in SIZES {
        let times = keygen_times(Provider::default(), size, keys);
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
        let name = format!("RSA-{} {}", size.bits(), Provider::default().name());
        println!(
            "{name:<20} {:>8.1} {:>8.1} {:>8.1} {:>8.1}",
            at(0.0),
            at(0.5),
            at(0.9),
            at(1.0)
        );
    }
    for size in SIZES {
        for mut timed in operations(size) {
            let mut group = criterion.benchmark_group("rsa");
            if timed.bytes > 0 {
                group.throughput(Throughput::Bytes(timed.bytes));
            }
            group.bench_function(&timed.what, |bencher| bencher.iter(&mut timed.run));
            group.finish();
        }
    }
}

criterion_group! {
    name = group;
    // Short, since every change waits for it; for figures to publish pass `--measurement-time 10`.
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(300));
    targets = rsa
}
criterion_main!(group);
