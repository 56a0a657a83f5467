//! What do keyset, header and bound key id add to sealing a message of 64 bytes, 1 KiB, 16 KiB and 1 MiB? Ours beside
//! the backend's own call with the same nonce draw and output allocation.

mod report;

use criterion::{Criterion, criterion_group, criterion_main};

fn aes_gcm(criterion: &mut Criterion) {
    report::report(criterion, benches::aes_gcm::comparisons());
}

criterion_group! {
    name = group;
    config = report::briefly();
    targets = aes_gcm
}
criterion_main!(group);
