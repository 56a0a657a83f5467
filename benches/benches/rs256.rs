//! What does cryptokit add to a signature by each algorithm and to its verification, and what do the strict checks of a
//! whole token cost on top? Ours beside the backend's own call on a parsed key, over the same bytes.

mod report;

use criterion::{Criterion, criterion_group, criterion_main};

fn rs256(criterion: &mut Criterion) {
    report::report(criterion, benches::rs256::comparisons());
    #[cfg(feature = "aws-lc")]
    report::report(criterion, benches::signatures::comparisons());
}

criterion_group! {
    name = group;
    config = report::briefly();
    targets = rs256
}
criterion_main!(group);
