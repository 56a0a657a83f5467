//! What do the pool, its permits and the wiping of its memory add to an Argon2id run, and what does reusing the memory
//! save? Ours beside the `argon2` crate at the same parameters, on reused and on freshly mapped memory.

mod report;

use criterion::{Criterion, criterion_group, criterion_main};

fn argon2id(criterion: &mut Criterion) {
    report::report(criterion, benches::argon2id::comparisons());
}

criterion_group! {
    name = group;
    config = report::briefly();
    targets = argon2id
}
criterion_main!(group);
