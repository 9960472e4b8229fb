//! The same work under criterion, which follows each program's times from run to run. It runs one after another, so
//! for ratios between programs there is `cargo run --release -- compare`, whose rounds alternate.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ipv6_benches::{peers, work};

fn all(criterion: &mut Criterion) {
    let mut peers = peers::all().expect("sockets on loopback");
    for work in work::ALL {
        let mut group = criterion.benchmark_group(work.to_string());
        group.throughput(Throughput::Elements(work.datagrams() as u64));
        // Not Go's program, which times itself.
        for peer in peers.iter_mut().filter(|peer| peer.can(work) && peer.name() != "Go x/net/ipv6") {
            group.bench_function(BenchmarkId::from_parameter(peer.name()), |bencher| {
                bencher.iter(|| peer.run(work));
            });
        }
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(30).warm_up_time(std::time::Duration::from_millis(200))
        .measurement_time(std::time::Duration::from_secs(1));
    targets = all
}
criterion_main!(benches);
