//! What does cryptokit add to an RS256 signature and its verification, and what do the strict checks of a whole token
//! cost on top? Ours beside the backend's own call on a parsed key, over the same bytes.

mod report;

use criterion::{Criterion, criterion_group, criterion_main};

fn rs256(criterion: &mut Criterion) {
    report::report(criterion, benches::rs256::comparisons());
}

criterion_group! {
    name = group;
    config = report::briefly();
    targets = rs256
}
criterion_main!(group);
