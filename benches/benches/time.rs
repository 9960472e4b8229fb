//! Measures the same work with criterion, one program after the other. To compare programs, use the tables, whose programs
//! take turns: `benches/README.md` explains why.

use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ipv6_benches::peers::Program;
use ipv6_benches::work::{SIZE, Work};

/// Measures a group of work with all programs that run in this process.
fn group(criterion: &mut Criterion, name: &str, works: &[Work]) {
    let mut group = criterion.benchmark_group(name);
    for &work in works {
        group.throughput(Throughput::Elements(work.count as u64));
        for program in Program::ALL {
            if program == Program::Again {
                continue;
            }
            let Some(mut peer) = program.peer(work).unwrap() else { continue };
            group
                .bench_function(format!("{work}/{}", program.name()), |bencher| bencher.iter(|| peer.work()));
        }
    }
    group.finish();
}

fn single(criterion: &mut Criterion) {
    let controls = [Work::THREE, Work::INFO, Work::NONE];
    group(criterion, "single", &controls.map(|control| Work::single(control, SIZE)));
    group(criterion, "connected", &[Work::connected()]);
}

fn batches(criterion: &mut Criterion) {
    group(criterion, "batches", &[8, 32, 64].map(Work::batch));
}

fn segments(criterion: &mut Criterion) {
    group(criterion, "segments", &[Work::segments(32, 15), Work::segments(52, 1_200)]);
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(500))
        .sample_size(20);
    targets = single, batches, segments
}
criterion_main!(benches);
