//! What do header, chunking, copying and buffers add to encrypting and decrypting a long stream? Ours beside the
//! backend's own call on chunks of the same length, in place.

mod report;

use criterion::{Criterion, criterion_group, criterion_main};

fn stream(criterion: &mut Criterion) {
    report::report(criterion, benches::stream::comparisons());
}

criterion_group! {
    name = group;
    config = report::briefly();
    targets = stream
}
criterion_main!(group);
